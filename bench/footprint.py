"""What collecting costs the host that is watched: the agent against the running service, beside rsyslog (imfile to
omrelp, TLS) on the same lines of a file and systemd-journal-upload on the same entries of a journal, each to a receiver
of its own kind on the loopback, one after another. The collector has a core to itself, its receiver another one.

Events come at a steady rate; processor time is that of the collector's processes from the first event until the last
one has arrived, so what it does when nothing comes is in it. Memory is the largest of a look a second: resident,
processes added up, and by their share of pages (PSS). What follows a file then finds many lines at once: its top rate.
The agent is as its package makes it: inventory (its first look falls into the time), canary, signed policy, sandbox,
spool on the disk.
"""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import delivery  # beside this file; there is another one in tests/

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests'))
import journal  # noqa: E402
from agent_host import Host  # noqa: E402
from service import Service, free_port  # noqa: E402
from web_api import Web  # noqa: E402

UPLOADER = '/lib/systemd/systemd-journal-upload'
STEP_S = 0.02
WAIT_S = 120
FIRST = 200  # events before anything is measured: the collector has met the file and is connected


class Row:
    """What one collector took of the machine."""

    def __init__(self, name, remark):
        self.name, self.remark = name, remark
        self.events = self.seconds = self.cpu_s = self.resident_mb = self.shared_mb = 0
        self.top_events = self.top_cpu_s = 0

    @property
    def core_percent(self):
        return self.cpu_s / self.seconds * 100

    @property
    def top_rate(self):
        """Events a second of one core, or None where it was not asked for."""
        return self.top_events / self.top_cpu_s if self.top_cpu_s else None


def pids_of(process):
    """A process and its children."""
    found = subprocess.run(['pgrep', '-P', str(process.pid)], capture_output=True, text=True, check=False).stdout
    return [process.pid] + [int(pid) for pid in found.split()]


def cpu_of(pids):
    """Seconds of all threads, to the nanosecond: the clock of another process (clock_getcpuclockid(3))."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def memory_of(pids):
    """(resident, by share) in MB."""
    sums = [0, 0]
    for pid in pids:
        with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
            text = file.read()
        for place, name in enumerate(('Rss', 'Pss')):
            sums[place] += int(re.search(rf'^{name}:\s+(\d+)', text, re.M).group(1)) * 1024
    return sums[0] / 1e6, sums[1] / 1e6


def until_arrived(arrived, count, process, name):
    end = time.monotonic() + WAIT_S
    while (found := arrived()) < count:
        if process.poll() is not None:
            raise SystemExit(f'bench: footprint: {name} ended with status {process.returncode}')
        if time.monotonic() > end:
            raise SystemExit(f'bench: footprint: {name}: {found} of {count} events arrived in {WAIT_S} s')
        time.sleep(0.2)
    if found != count:
        raise SystemExit(f'bench: footprint: {name}: {found} events arrived, {count} were written')


def measure(row, process, events, write, arrived, options):
    """Fills the row: `write` adds events where the collector looks, `arrived` counts them at its receiver."""
    count = options.rate * options.seconds
    write(events[:FIRST])
    until_arrived(arrived, FIRST, process, row.name)
    pids = pids_of(process)
    before, begun, sent, looks = cpu_of(pids), time.monotonic(), 0, 0
    while sent < count:
        time.sleep(STEP_S)
        passed = time.monotonic() - begun
        due = min(count, int(passed * options.rate))
        write(events[FIRST + sent:FIRST + due])
        sent = due
        if passed >= looks + 1 or sent == count:
            looks += 1
            resident, shared = memory_of(pids)
            row.resident_mb, row.shared_mb = max(row.resident_mb, resident), max(row.shared_mb, shared)
    row.seconds = time.monotonic() - begun
    until_arrived(arrived, FIRST + count, process, row.name)
    row.events, row.cpu_s = count, cpu_of(pids) - before
    many = events[FIRST + count:]
    if many:
        before = cpu_of(pids)
        write(many)
        until_arrived(arrived, len(events), process, row.name)
        row.top_events, row.top_cpu_s = len(many), cpu_of(pids) - before
    return row


class File:
    """A log that grows."""

    def __init__(self, path):
        self.file = open(path, 'ab', buffering=0)

    def write(self, lines):
        self.file.write(b''.join(lines))


class Journal:
    """A journal that grows: its entries go through the journal's own writer, which ends when no more can come."""

    def __init__(self, folder, stack):
        os.makedirs(folder, exist_ok=True)
        command = [journal.WRITER, '-o', os.path.join(folder, 'bench.journal'), '-']
        self.process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL))

    def write(self, entries):
        self.process.stdin.write(b''.join(entries))
        self.process.stdin.flush()


@contextlib.contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def at_service(service, query):
    """Records that the archive holds."""
    return json.loads(service.run('search', '--json', query + ' | count').stdout)['count']


def by_agent(name, kind, events, options):
    """The agent's row: of a file or of a journal."""
    with contextlib.ExitStack() as stack:
        service = Service(log_file_mib=64)
        service.prefix = ['taskset', '-c', str(options.cores[-1])]
        stack.enter_context(service)
        host = stack.enter_context(Host(**{'spool-size': '1G', 'inventory': 'on'}))
        web = Web(service)
        policy = {'files': [host.logs]} if kind == 'file' else {'files': [], 'journal': True}
        saved = web.change('policy.save', group='default', reason='bench', text=json.dumps(policy))
        servers = f'127.0.0.1:{service.ports["agent-port"]}'
        status, said = host.enrol(web.change('agent.token', name='bench', servers=servers)['token'])
        if status != 0 or not saved['ok']:
            raise SystemExit(f'bench: footprint: {said}{saved}')
        log = File(host.path('app.log')) if kind == 'file' else Journal(host.journal, stack)
        query = f'source:"bench:{host.path("app.log")}"' if kind == 'file' else 'source:bench aigerim'
        host.prefix = ['taskset', '-c', str(options.cores[0])]
        host.start()
        row = Row(name, 'spool on disk, each batch in the signed tree before it is let go')
        return measure(row, host.process, events, log.write, lambda: at_service(service, query), options)


def start(command, core, stack, scratch):
    with open(os.path.join(scratch, 'footprint.log'), 'ab') as log:
        process = subprocess.Popen(['taskset', '-c', str(core), *command], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log)
    return stack.enter_context(ended(process))


def until_listens(port):
    """A peer whose receiver is not there yet would give up, or try again only after half a minute."""
    end = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def rsyslog_settings(folder, port):
    """Configurations of the collector and of its receiver."""
    key, certificate = delivery.certificate(folder)
    common = f'tls="on" tls.caCert="{certificate}" tls.myCert="{certificate}" tls.myPrivKey="{key}" ' \
             'tls.authMode="name" tls.permittedPeer=["localhost"]'
    texts = {'sender': 'module(load="imfile" mode="inotify")\nmodule(load="omrelp")\n'
                       f'input(type="imfile" file="{folder}/app.log" tag="app")\n'
                       f'action(type="omrelp" target="127.0.0.1" port="{port}" {common})\n',
             'receiver': f'module(load="imrelp")\ninput(type="imrelp" address="127.0.0.1" port="{port}" {common})\n'
                         f'action(type="omfile" file="{folder}/out.log")\n'}
    for name, text in texts.items():
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        with open(os.path.join(folder, name + '.conf'), 'w', encoding='ascii') as file:
            file.write(f'global(workDirectory="{folder}/{name}" maxMessageSize="64k")\n{text}')


def by_rsyslog(events, options):
    """rsyslog's row, or None where it is absent."""
    program = shutil.which('rsyslogd') or '/usr/sbin/rsyslogd'
    modules = '/usr/lib/x86_64-linux-gnu/rsyslog/'
    if not all(os.path.exists(path) for path in (program, modules + 'imrelp.so', modules + 'omrelp.so')):
        return None
    folder = os.path.join(options.scratch, 'footprint-rsyslog')
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    port = free_port()
    rsyslog_settings(folder, port)
    log = File(os.path.join(folder, 'app.log'))
    out = os.path.join(folder, 'out.log')
    with contextlib.ExitStack() as stack:
        command = [program, '-n', '-iNONE', '-f']
        start([*command, f'{folder}/receiver.conf'], options.cores[-1], stack, options.scratch)
        until_listens(port)
        sender = start([*command, f'{folder}/sender.conf'], options.cores[0], stack, options.scratch)
        row = Row('rsyslog, imfile to omrelp', 'nothing on the disk: a crash loses what was read and not yet sent')
        return measure(row, sender, events, log.write, lambda: lines_of(out), options)


def lines_of(path):
    if not os.path.exists(path):
        return 0
    with open(path, 'rb') as file:
        return sum(block.count(b'\n') for block in iter(lambda: file.read(1 << 20), b''))


def by_uploader(events, options):
    """The row of systemd-journal-upload, or None where it is absent."""
    if not os.path.exists(UPLOADER) or not shutil.which('journalctl'):
        return None
    folder = os.path.join(options.scratch, 'footprint-journal')
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, 'out'))
    port = free_port()
    kept = os.path.join(folder, 'out', 'kept.journal')
    with contextlib.ExitStack() as stack:
        log = Journal(os.path.join(folder, 'in'), stack)
        log.write(events[:1])
        start([journal.WRITER, f'--listen-http=127.0.0.1:{port}', '--split-mode=none', f'--output={kept}'],
              options.cores[-1], stack, options.scratch)
        until_listens(port)
        uploader = start([UPLOADER, f'--url=http://127.0.0.1:{port}', f'--directory={folder}/in', '--follow=yes',
                          f'--save-state={folder}/state'], options.cores[0], stack, options.scratch)

        def arrived():
            done = subprocess.run(['journalctl', '-o', 'cat', '--file', kept], capture_output=True, check=False)
            return done.stdout.count(b'\n') - 1  # the one that was there before
        row = Row('systemd-journal-upload', 'no TLS; remembers where it was')
        return measure(row, uploader, events[1:], log.write, arrived, options)


class Options:
    """How many events a second for how long, how many at once afterwards; where."""

    def __init__(self, rate, seconds, many, scratch, cores):
        self.rate, self.seconds, self.many, self.scratch, self.cores = rate, seconds, many, scratch, cores


def lines(corpus, count):
    """So many lines of it, as they stand in a log: without their priority."""
    with open(corpus, 'rb') as file:
        found = [re.sub(rb'^<\d+>(1 )?', b'', line) for line, _ in zip(file, range(count))]
    while len(found) < count:
        found += found[:count - len(found)]
    return found


def rows(corpus, options, with_peers):
    """The agent's rows and its peers' beside them; without peers only that of files."""
    count = FIRST + options.rate * options.seconds
    log = lines(corpus, count + options.many)
    found = [by_agent('agent, a file', 'file', log, options)]
    if with_peers:
        found.append(by_rsyslog(log, options))
        if os.path.exists(journal.WRITER):
            entries = list(journal.entries(0, count + 1))
            found += [by_agent('agent, a journal', 'journal', entries[:count], options), by_uploader(entries, options)]
    return [row for row in found if row]
