"""How fast agents' records come in: `bench-deliver` with everything ready against the running service, both over TLS on
the loopback, receiver and sender on a core of their own; beside rsyslog's receiver of the same lines over TLS.

A row: name, lines, seconds until all was acknowledged (rsyslog: until its file no longer grew), CPU seconds of what
receives (qorgan: intake and keeper), remark.
"""
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests'))
from agent_peer import Agent  # noqa: E402
from service import Service, free_port  # noqa: E402
from web_api import Web  # noqa: E402

DELIVER = os.path.join(ROOT, 'build', 'bench', 'bench-deliver')
TICKS = os.sysconf('SC_CLK_TCK')
LIMIT_S = 300
QUIET_S = 5


def cpu_of(pids):
    total = 0
    for pid in pids:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as file:
            total += sum(int(n) for n in file.read().rsplit(')', 1)[1].split()[11:13])
    return total / TICKS


def agents(path, scratch, cores):
    """The row of qorgan."""
    port = free_port()
    service = Service(agent_port=port, intakes=1, engines=1, log_file_mib=64)
    service.prefix = ['taskset', '-c', str(cores[0])]
    with service:
        web = Web(service)
        agent = Agent(port, os.path.join(scratch, 'agent'))
        agent.enrol(web.change('agent.token', name='bench')['token'])
        authority = os.path.join(scratch, 'authority.pem')
        with open(authority, 'w', encoding='ascii') as file:
            file.write(agent.authority)
        receivers = service.pids('intake') + service.pids('keeper')
        before = cpu_of(receivers)
        done = subprocess.run(['taskset', '-c', str(cores[-1]), DELIVER, str(port), agent.key, agent.certificate,
                               authority, agent.uuid.hex(), path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f'bench: deliver: {done.stderr.strip()}')
        cpu_s = cpu_of(receivers) - before
    records, _, sent, seconds = done.stdout.split('\t')
    return 'qorgan', int(records), float(seconds), cpu_s, \
        f'{int(sent) / 1e6:,.0f} MB sent; on disk, in the signed tree, acknowledged; the engine works on the same core'


def certificate(folder):
    """(key, certificate) of localhost, made in the folder."""
    key, public = os.path.join(folder, 'tls.key'), os.path.join(folder, 'tls.crt')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-keyout', key, '-out', public, '-days', '1', '-subj', '/CN=localhost', '-addext',
                    'subjectAltName=DNS:localhost,IP:127.0.0.1'], check=True, capture_output=True)
    return key, public


def rsyslog(path, lines, scratch, cores):
    """The row of rsyslog, or None where it is absent."""
    program = shutil.which('rsyslogd') or '/usr/sbin/rsyslogd'
    if not os.path.exists(program) or not os.path.exists('/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so'):
        return None
    port, out = free_port(), os.path.join(scratch, 'tls.log')
    key, public = certificate(scratch)
    configuration = os.path.join(scratch, 'tls.conf')
    with open(configuration, 'w', encoding='ascii') as file:
        file.write(f'global(workDirectory="{scratch}" maxMessageSize="64k" defaultNetstreamDriver="ossl"\n'
                   f'  defaultNetstreamDriverCAFile="{public}" defaultNetstreamDriverCertFile="{public}"\n'
                   f'  defaultNetstreamDriverKeyFile="{key}")\n'
                   'module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")\n'
                   f'input(type="imtcp" address="127.0.0.1" port="{port}")\naction(type="omfile" file="{out}")\n')
    process = subprocess.Popen(['taskset', '-c', str(cores[0]), program, '-n', '-f', configuration, '-i',
                                os.path.join(scratch, 'tls.pid')], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        kept, seconds = send(path, port, lines, out, cores)
        return 'rsyslog, TLS', kept, seconds, cpu_of([process.pid]), \
            f'{kept:,} lines kept, plain file, no fsync; nothing is acknowledged'
    finally:
        process.terminate()
        process.wait(30)


def send(path, port, lines, out, cores):
    """Lines in the file once it has all, or no longer grows, and the seconds until then."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    end = time.monotonic() + LIMIT_S
    os.sched_setaffinity(0, {cores[-1]})
    while True:
        try:
            link = context.wrap_socket(socket.create_connection(('127.0.0.1', port), 30))
            break
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    begun = time.monotonic()
    with link, open(path, 'rb') as file:
        while chunk := file.read(1 << 20):
            link.sendall(chunk)
    kept, at, grown = 0, 0, time.monotonic()
    while kept < lines and time.monotonic() - grown < QUIET_S and time.monotonic() < end:
        with open(out, 'rb') as file:
            file.seek(at)
            while block := file.read(1 << 22):
                kept += block.count(b'\n')
                at += len(block)
                grown = time.monotonic()
        time.sleep(0.05)
    os.sched_setaffinity(0, set(cores))
    return kept, grown - begun


def rows(path, lines, scratch, cores, with_peers):
    os.makedirs(os.path.join(scratch, 'agent'), exist_ok=True)
    found = [agents(path, scratch, cores)]
    peer = rsyslog(path, lines, scratch, cores) if with_peers else None
    return found + ([peer] if peer else [])
