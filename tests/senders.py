#!/usr/bin/env python3
"""Other people's senders: each protocol with the real program where Debian has one, and with clients that misbehave."""
import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from service import Service, Skip, check, check_equal, free_port, main


def which(program):
    for folder in ("/usr/sbin", "/usr/bin", "/lib/systemd", "/sbin", "/bin"):
        if os.access(f"{folder}/{program}", os.X_OK):
            return f"{folder}/{program}"
    raise Skip(f"{program} is not installed")


def numbers_of(hits, pattern=r"line (\d{5})"):
    return [re.search(pattern, hit["raw"]).group(1) for hit in hits if re.search(pattern, hit["raw"])]


@contextlib.contextmanager
def stopped(pids):
    """Processes that do nothing meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


# ---- rsyslog ----

def rsyslog_relp(service, action, count, meanwhile=None):
    """A real rsyslog reads `count` lines from a file and sends them; what it says on its standard error."""
    rsyslogd = which("rsyslogd")
    if not os.path.exists("/usr/lib/x86_64-linux-gnu/rsyslog/omrelp.so"):
        raise Skip("rsyslog-relp is not installed")
    folder = tempfile.mkdtemp(prefix="qorgan-rsyslog-")
    try:
        with open(f"{folder}/in.log", "w", encoding="ascii") as out:
            out.writelines(f"relp line {i:05d}\n" for i in range(count))
        with open(f"{folder}/rsyslog.conf", "w", encoding="ascii") as out:
            out.write(f'''global(workDirectory="{folder}")
module(load="imfile" mode="polling" pollingInterval="1")
module(load="omrelp" tls.tlslib="openssl")
input(type="imfile" file="{folder}/in.log" tag="bulk" reopenOnTruncate="on")
action(type="omrelp" target="127.0.0.1" {action} action.resumeInterval="1" action.resumeRetryCount="-1"
  template="RSYSLOG_SyslogProtocol23Format")
''')
        sender = subprocess.Popen([rsyslogd, "-n", "-f", f"{folder}/rsyslog.conf", "-i", f"{folder}/pid"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            if meanwhile:
                meanwhile()
            service.wait_for("bulk", count, wait=60)
        finally:
            sender.terminate()
            _, trouble = sender.communicate(timeout=30)
        return trouble.decode()[:800]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rsyslog_over_relp():
    """a real rsyslog delivers over RELP while the keeper is killed: every line is there once"""
    with Service(relp_port=free_port(), intakes=1) as service:

        def meanwhile():
            service.wait_for("bulk", 1)
            for pid in service.pids("keeper"):
                os.kill(pid, signal.SIGKILL)

        trouble = rsyslog_relp(service, f'port="{service.settings["relp-port"]}"', 20000, meanwhile)
        hits = service.wait_for("bulk", 20000)
        numbers = numbers_of(hits)
        check_equal(len(set(numbers)), 20000, "different lines\n" + trouble + service.read_log()[-500:])
        check_equal(len(numbers), 20000, "lines")
        check(all(hit["source_kind"] == "relp" and hit["source"] == "127.0.0.1" for hit in hits), "they came over RELP")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


def rsyslog_over_relp_and_tls():
    """a real rsyslog delivers over RELP and TLS"""
    with Service(relp_tls_port=free_port()) as service:
        action = (f'port="{service.settings["relp-tls-port"]}" tls="on" tls.authMode="certvalid" '
                  f'tls.caCert="{service.data}/keys/tls.crt"')
        trouble = rsyslog_relp(service, action, 2000)
        numbers = numbers_of(service.wait_for("bulk", 2000))
        check_equal(sorted(numbers), [f"{i:05d}" for i in range(2000)], "lines\n" + trouble + service.read_log()[-500:])
        service.quiet()


# ---- RELP by hand ----

RELP_OPEN = b"1 open 30 relp_version=0\ncommands=syslog\n"


def read_until(link, ending, wait=20):
    """What comes until `ending(text)` holds or the other side closes."""
    link.settimeout(wait)
    text = b""
    while not ending(text):
        try:
            part = link.recv(65536)
        except (TimeoutError, ConnectionResetError):
            break
        if not part:
            break
        text += part
    return text


def relp_syslog(number, text):
    return b"%d syslog %d %s\n" % (number, len(text), text)


def relp_answers_when_durable():
    """RELP: no answer while the keeper stands still, all of them in order when it goes on, and a close ends the session"""
    with Service(relp_port=free_port(), intakes=1) as service:
        with socket.create_connection(("127.0.0.1", service.settings["relp-port"]), timeout=10) as link:
            link.sendall(RELP_OPEN)
            read_until(link, lambda text: text.endswith(b"commands=syslog\n"))
            with stopped(service.pids("keeper")):
                link.sendall(b"".join(relp_syslog(i, b"<13>held %05d" % i) for i in range(2, 102)) + b"102 close 0\n")
                check_equal(read_until(link, lambda text: text, wait=2), b"", "answers while nothing is durable")
            answers = read_until(link, lambda text: False)
        wanted = b"".join(b"%d rsp 6 200 OK\n" % i for i in range(2, 102)) + b"102 rsp 0\n0 serverclose 0\n"
        check_equal(answers, wanted, "answers")
        check_equal(len(service.sent("held")), 100, "records, all durable when their answer came")
        service.quiet()


def relp_window():
    """RELP: a sender of 20,000 records that reads no answer until its end waits, and gets every answer in order"""
    with Service(relp_port=free_port(), intakes=1) as service:
        with socket.create_connection(("127.0.0.1", service.settings["relp-port"]), timeout=60) as link:
            link.sendall(RELP_OPEN)
            read_until(link, lambda text: text.endswith(b"commands=syslog\n"))
            link.setblocking(False)
            out = b"".join(relp_syslog(i, b"<13>window %05d" % i) for i in range(2, 20002))
            wanted = b"".join(b"%d rsp 6 200 OK\n" % i for i in range(2, 20002))
            answers = b""
            deadline = time.time() + 60
            while (out or len(answers) < len(wanted)) and time.time() < deadline:
                try:
                    if out:
                        out = out[link.send(out[:65536]):]
                    else:
                        answers += link.recv(1 << 20)
                except BlockingIOError:  # it takes no more: what it answers must be read
                    with contextlib.suppress(BlockingIOError):
                        answers += link.recv(1 << 20)
                    time.sleep(0.01)
        check(answers == wanted, f"{len(answers)} bytes of answers, wanted {len(wanted)}; {len(out)} not sent")
        check_equal(len(service.wait_for("window", 20000)), 20000, "records")
        service.quiet()


def relp_bad_peers():
    """RELP: broken frames close the connection with the reason in the log; a record too long is cut and counted"""
    with Service(relp_port=free_port(), intakes=1, record_max=1024) as service:
        for bad, why in ((b"GET / HTTP/1.1\r\n\r\n", "header does not read"), (b"1 syslog 1 x\n", "before the session"),
                         (RELP_OPEN + b"2 starttls 0\n", "not offered"), (RELP_OPEN + b"0 syslog 1 x\n", "no sender may")):
            with socket.create_connection(("127.0.0.1", service.settings["relp-port"]), timeout=10) as link:
                link.sendall(bad)
                read_until(link, lambda text: False, wait=10)
            check(why in service.read_log(), f"the log says {why}:\n" + service.read_log()[-600:])
        with socket.create_connection(("127.0.0.1", service.settings["relp-port"]), timeout=10) as link:
            link.sendall(RELP_OPEN + relp_syslog(2, b"<13>long " + b"x" * 5000) + relp_syslog(3, b"<13>behind it"))
            answers = read_until(link, lambda text: b"3 rsp" in text and text.endswith(b"OK\n"))
        check(b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n" in answers, f"both are answered: {answers}")
        hits = service.wait_for("long", 1)
        check_equal(len(hits[0]["raw"]), 1024, "bytes kept")
        check_equal(len(service.wait_for('"behind it"', 1)), 1, "the record behind")
        gaps = [hit for hit in service.search("cut") if hit["type"] == "gap"]
        check_equal(len(gaps), 1, "gaps")
        check('"bytes":3985' in gaps[0]["raw"].replace(" ", ""), f"bytes lost: {gaps[0]['raw']}")
        service.quiet()


if __name__ == "__main__":
    sys.exit(main([rsyslog_over_relp, rsyslog_over_relp_and_tls, relp_answers_when_durable, relp_window,
                   relp_bad_peers]))
