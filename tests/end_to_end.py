#!/usr/bin/env python3
"""End to end: the real server, real senders, every process killed under load, and the auditor's program at the end."""
import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

from service import QORGAN, VERIFY, Service, Skip, check, check_equal, main
from web_api import Web

NOW = "Nov 20 10:00:00"


def which(program):
    for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        if os.access(f"{folder}/{program}", os.X_OK):
            return f"{folder}/{program}"
    raise Skip(f"{program} is not installed")


def syslog_over_udp_and_tcp():
    """logger over UDP and TCP, octet-counted and line frames in one stream: all are found"""
    logger = which("logger")
    with Service() as service:
        port = str(service.ports["syslog-port"])
        subprocess.run([logger, "-n", "127.0.0.1", "-P", port, "-d", "-t", "probe", "over udp one"], check=True)
        counted = ["-T", "--octet-count", "-t", "probe", "over tcp two"]
        subprocess.run([logger, "-n", "127.0.0.1", "-P", port, *counted], check=True)
        line = b"<13>1 2026-11-20T10:00:00Z h probe - - - counted three"
        service.tcp(b"%d %s<13>Nov 20 10:00:01 h probe: framed four\n" % (len(line), line) + b"<13>unfinished five")
        for word in ("one", "two", "three", "four", "five"):
            check_equal(len(service.wait_for(word, 1)), 1, f"records with {word}")
        hit = service.sent("three")[0]
        check("probe" in str(hit["fields"]) or "probe" in str(hit), "the fields of an RFC 5424 record")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)
        service.quiet()


def rsyslog_over_tls():
    """a real rsyslog delivers over TLS (RFC 5425)"""
    rsyslogd = which("rsyslogd")
    with Service() as service:
        folder = tempfile.mkdtemp(prefix="qorgan-rsyslog-")
        spool = os.path.join(folder, "in.log")
        with open(spool, "w", encoding="ascii") as out:
            for i in range(2000):
                out.write(f"rsyslog line {i:05d}\n")
        config = os.path.join(folder, "rsyslog.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write(f'''global(workDirectory="{folder}" defaultNetstreamDriver="ossl"
  defaultNetstreamDriverCAFile="{service.data}/keys/tls.crt")
module(load="imfile" mode="polling" pollingInterval="1")
input(type="imfile" file="{spool}" tag="bulk" reopenOnTruncate="on")
action(type="omfwd" target="127.0.0.1" port="{service.ports["syslog-tls-port"]}" protocol="tcp"
  TCP_Framing="octet-counted"
  StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="anon" template="RSYSLOG_SyslogProtocol23Format")
''')
        sender = subprocess.Popen([rsyslogd, "-n", "-f", config, "-i", f"{folder}/pid"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            hits = service.wait_for("bulk rsyslog", 2000, wait=60)
        finally:
            sender.terminate()
            _, trouble = sender.communicate(timeout=20)
        numbers = {re.search(r"line (\d{5})", hit["raw"]).group(1) for hit in hits if "line" in hit["raw"]}
        check_equal(len(numbers), 2000, "different lines\n" + trouble.decode()[:500] + service.read_log()[-500:])
        check(all(hit["source_kind"] == "tls" for hit in hits), "they came over TLS")
        service.quiet()


def tls_refuses_what_is_not_tls():
    """plain text on the TLS port is refused, and the port goes on"""
    with Service() as service:
        port = service.ports["syslog-tls-port"]
        service.tcp(b"<13>this is not TLS\n" * 10, port=port)
        context = ssl.create_default_context(cafile=f"{service.data}/keys/tls.crt")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as link:
                link.sendall(b"<13>Nov 20 10:00:00 h probe: after the refusal\n")
        check_equal(len(service.wait_for('"after the refusal"', 1)), 1, "records")


def kill(service, role):
    for pid in service.pids(role):
        os.kill(pid, signal.SIGKILL)


class Load(threading.Thread):
    """Sends numbered lines over TCP until told to stop; reconnects when the other side is gone."""

    def __init__(self, service, name="load"):
        super().__init__(daemon=True, name=name)
        self.service = service
        self.stopping = False
        self.sent = 0

    def run(self):
        while not self.stopping:
            try:
                with socket.create_connection(("127.0.0.1", self.service.ports["syslog-port"]), timeout=5) as link:
                    while not self.stopping:
                        numbers = range(self.sent, self.sent + 100)
                        lines = [f"<13>{NOW} load app: {self.name} tcp-{i:07d}\n" for i in numbers]
                        link.sendall("".join(lines).encode())
                        self.sent += 100
                        time.sleep(0.01)
            except OSError:
                time.sleep(0.1)


def every_process_killed_under_load():
    """kill -9 of every process under load: what was acknowledged is there exactly once, and proven"""
    with Service(engines=2) as service:
        watched = service.settings["collect-files"]
        os.makedirs(watched, exist_ok=True)
        followed = os.path.join(watched, "app.log")
        load = Load(service)
        load.start()
        lines = 0
        imported = os.path.join(service.data, "bulk.log")
        with open(imported, "w", encoding="ascii") as out:
            out.writelines(f"{NOW} bulk app: import-{i:07d}\n" for i in range(30000))
        ingest = None
        checkpoints = []
        for role in ("intake", "engine", "keeper", "signer", "collector", "query", "desk", "web", "out", "reaper",
                     "packer", "judge", "hunter", "reader", "drawer", "verifier"):
            with open(followed, "a", encoding="ascii") as out:
                for _ in range(500):
                    out.write(f"{NOW} file app: follow-{lines:07d}\n")
                    lines += 1
            if role in ("keeper", "desk"):
                ingest = subprocess.Popen([QORGAN, "ingest", "--data", service.data, imported],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.4)
            before = service.pids(role)
            check(before, f"{role} runs")
            kill(service, role)
            deadline = time.time() + 60
            anew = set()
            while time.time() < deadline and not anew:
                time.sleep(0.1)
                anew = set(service.pids(role)) - set(before)
            check(anew, f"{role} was started again:\n{service.read_log()[-3000:]}")
            try:
                with open(f"{service.data}/archive/checkpoints/latest", encoding="utf-8") as note:
                    checkpoints.append(note.read())
            except OSError:
                pass
            if ingest:
                ingest.wait(60)
        load.stopping = True
        load.join(10)
        service.run("ingest", imported)  # whatever the kills cut off goes on where it was
        follow_hits = service.wait_for("follow*", lines, wait=60)
        names = [re.search(r"follow-\d{7}", hit["raw"]).group(0) for hit in follow_hits]
        check_equal(len(set(names)), lines, "different followed lines")
        check_equal(len(names), lines, "followed lines, each once")
        hits = service.sent("import*")
        names = [re.search(r"import-\d{7}", hit["raw"]).group(0) for hit in hits if "import-" in hit["raw"]]
        check_equal((len(names), len(set(names))), (30000, 30000), "imported lines, each once")
        hits = service.sent("tcp*")
        names = [re.search(r"tcp-\d{7}", hit["raw"]).group(0) for hit in hits if "tcp-" in hit["raw"]]
        check(len(names) > 500, f"lines over TCP: {len(names)} of {load.sent} sent")
        check_equal(len(names), len(set(names)), "lines over TCP, each at most once")
        check_equal(service.stop(), 0, "the service stops cleanly")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)
        check(len(checkpoints) >= 5, "checkpoints were seen on the way")
        sizes = [int(note.splitlines()[1]) for note in checkpoints]
        check(sizes == sorted(sizes), f"the tree never shrank: {sizes}")
        check_equal(service.run("verify").returncode, 0, "qorgan verify")


def several_die_at_once():
    """the keeper and others die between two looks of the parent, the keeper being the newest: all are started again"""
    with Service() as service:
        kill(service, "keeper")
        service.tcp(b"<13>Nov 28 10:00:00 host app: canary-first\n")
        check_equal(len(service.wait_for("canary-first", 1)), 1, "with another keeper")
        parent = service.process.pid
        os.kill(parent, signal.SIGSTOP)
        for role in ("keeper", "intake", "engine", "desk", "web"):
            kill(service, role)
            time.sleep(0.2)  # the keeper's end is what the parent sees first
        os.kill(parent, signal.SIGCONT)
        time.sleep(1)
        check(service.process.poll() is None, f"the parent lives: {service.read_log()[-1500:]}")
        service.tcp(b"<13>Nov 28 10:00:00 host app: canary-second\n")
        check_equal(len(service.wait_for("canary-second", 1, wait=60)), 1, "after that")


def parent_killed():
    """kill -9 of the parent ends every process; the next start goes on with nothing lost"""
    with Service() as service:
        text = "\n".join(f"{NOW} h app: before-{i:05d}" for i in range(5000)).encode() + b"\n"
        service.run("ingest", "--name", "stream", "-", text_input=text)
        children = [pid for role in ("keeper", "intake", "engine", "web") for pid in service.pids(role)]
        service.kill()
        deadline = time.time() + 10
        while time.time() < deadline and any(os.path.exists(f"/proc/{pid}") for pid in children):
            time.sleep(0.05)
        check(not any(os.path.exists(f"/proc/{pid}") for pid in children), "no child outlives the parent")
        service.start()
        check_equal(len(service.wait_for("before*", 5000)), 5000, "acknowledged records")
        check_equal(service.audit()[0], 0, "qorgan-verify")


def segments_are_sealed():
    """log files become sealed segments, the reaper drops the logs, search finds all, one flipped byte is found"""
    with Service(log_file_mib=1, log_rotate_s=10, engines=2) as service:
        text = "\n".join(f"{NOW} h app: sealed-{i:06d} {'x' * 60}" for i in range(40000)).encode() + b"\n"
        service.run("ingest", "--name", "bulk", "-", text_input=text)
        folder = f"{service.data}/archive/seg"
        deadline = time.time() + 40
        while time.time() < deadline and len([n for n in os.listdir(folder) if n.endswith(".seg")]) < 3:
            time.sleep(0.2)
        segments = sorted(name for name in os.listdir(folder) if name.endswith(".seg"))
        check(len(segments) >= 3, f"sealed segments: {segments}\n{service.read_log()[-1500:]}")
        check_equal(len(service.sent("sealed*")), 40000, "records found in segments and log")
        logs = os.listdir(f"{service.data}/archive/wal")
        check(segments[0].replace(".seg", ".wal") not in logs, f"the reaper dropped the sealed log: {logs}")
        proof = os.path.join(service.data, "proof.txt")
        service.proof(100, proof)
        done = subprocess.run([VERIFY, "--vkey", service.public_key(), "--proof", proof], capture_output=True,
                              text=True, check=False)
        check_equal(done.returncode, 0, "the proof of a sealed record\n" + done.stdout + done.stderr)
        service.quiet()
        service.stop()
        check_equal(service.audit()[0], 0, "qorgan-verify")
        path = os.path.join(folder, segments[0])
        os.chmod(path, 0o600)
        with open(path, "r+b") as segment:
            segment.seek(os.path.getsize(path) // 2)
            byte = segment.read(1)
            segment.seek(-1, os.SEEK_CUR)
            segment.write(bytes([byte[0] ^ 1]))
        status, out = service.audit()
        check_equal(status, 1, "qorgan-verify finds one flipped bit\n" + out)
        check(segments[0] in out, "and names the file\n" + out)
        done = service.run("verify", check=False)
        check_equal(done.returncode, 1, "qorgan verify finds it too")


def offline_ingest():
    """import while no service runs, then serve and search"""
    service = Service()
    text = "\n".join(f"{NOW} h app: offline-{i:04d}" for i in range(1000)).encode() + b"\n"
    service.run("ingest", "--name", "offline", "-", text_input=text)
    with service:
        check_equal(len(service.wait_for("offline*", 1000)), 1000, "records")
        deadline = time.time() + 10
        while time.time() < deadline and not os.path.exists(f"{service.data}/archive/checkpoints/latest"):
            time.sleep(0.1)
        check_equal(service.audit()[0], 0, "qorgan-verify")


def below_a_closed_folder():
    """data below a folder of mode 0700: sign-in and search work; one hostile record of a mebibyte hides no others"""
    closed = tempfile.mkdtemp(prefix="qorgan-closed-")
    service = Service(data=os.path.join(closed, "data"))
    try:
        with service:
            check_equal(os.stat(closed).st_mode & 0o777, 0o700, "mode of the folder above")
            huge = b'{"app": "closed", "text": "' + b"\\u0001" * 170000 + b'"}'
            service.tcp(b"<13>%s h app: closed one\n" % NOW.encode() + huge + b"\n" * 2
                        + b"<13>%s h app: closed two\n" % NOW.encode())
            service.wait_for("closed", 3)
            web = Web(service)
            found = web.search(query="closed", from_ns=0, to_ns=0, limit=100, before=0)
            check(found.get("ok"), f"the search is answered: {str(found)[:400]}")
            check(len(found["events"]) >= 3, f"events found: {len(found['events'])}")
            record = max(found["events"], key=lambda event: len(event["raw"]))["record"]
            one = web.ask("record", record=record)
            check(one.get("ok") and one["leaf_hash"], f"the record is shown: {str(one)[:300]}")
    finally:
        shutil.rmtree(closed, ignore_errors=True)


def started_by_nobody():
    """an ordinary user starts it: it says what is missing, and works"""
    if os.getuid() != 0 or not which("setpriv"):
        raise Skip("needs root to become nobody")
    path = os.path.dirname(QORGAN)
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            raise Skip(f"others may not enter {path}, so an ordinary user cannot reach the program")
        path = os.path.dirname(path)
    folder = tempfile.mkdtemp(prefix="qorgan-nobody-")
    os.chmod(folder, 0o777)
    service = Service(data=os.path.join(folder, "data"))
    service.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    try:
        with service:
            check("not started by root" in service.read_log(), "the warning")
            service.udp(b"<13>%s h app: ordinary user" % NOW.encode())
            check_equal(len(service.wait_for('"ordinary user"', 1)), 1, "records")
            found = Web(service).search(query="ordinary", from_ns=0, to_ns=0, limit=100, before=0)
            check(found.get("ok"), f"the search is answered: {str(found)[:400]}")
            check_equal(service.stop(), 0, "exit status")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def a_second_server_is_refused():
    """the same folder, or another folder with the same ports: one clear message, status 1, the first one goes on"""
    with Service() as first:
        same_folder = Service(data=first.data)
        same_folder.log_path += ".second"
        same_ports = Service(**first.ports)
        for second, text in ((same_folder, "another server runs on the data folder"),
                             (same_ports, f"could not listen on 127.0.0.1 port {first.ports['web-port']}")):
            check(not second.start(expect=False), "the second server does not start")
            check_equal(second.process.wait(20), 1, "exit status")
            check(text in second.read_log(), second.read_log())
        first.udp(b"<13>%s h app: still here" % NOW.encode())
        check_equal(len(first.wait_for('"still here"', 1)), 1, "records of the first server")


def an_importer_that_does_not_read():
    """a client that writes its records and reads only at the end still learns that all are durable"""
    with Service() as service, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        def frame(kind, body):
            return struct.pack(">BI", kind, len(body)) + body

        link.settimeout(30)
        link.connect(f"{service.data}/run/ingest")
        link.sendall(frame(1, struct.pack(">Q", 77) + b"slow reader"))
        check_equal(link.recv(13)[0], 2, "the answer to HELLO")
        link.sendall(frame(3, struct.pack(">Q", 1)))
        count = 700  # more answers than the socket holds
        for i in range(count):
            link.sendall(frame(4, b"<13>%s h app: deaf-%04d" % (NOW.encode(), i)))
            time.sleep(0.008)
        link.sendall(frame(5, b""))
        time.sleep(0.5)
        durable = 0
        while durable < count:
            answer = link.recv(13, socket.MSG_WAITALL)
            check_equal(len(answer), 13, "bytes of an answer")
            durable = struct.unpack(">Q", answer[5:])[0]
        check_equal(durable, count, "durable records")


def addresses_without_end():
    """senders with ever new addresses: ten thousand are told apart, the rest share one source, nothing is lost"""
    with Service(intakes=1) as service:
        count = 10300
        for i in range(count):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
                link.bind((f"127.{1 + i // 62500}.{i // 250 % 250}.{1 + i % 250}", 0))
                link.sendto(b"<13>%s h app: spoofed-%05d" % (NOW.encode(), i),
                            ("127.0.0.1", service.ports["syslog-port"]))
            if i % 500 == 0:
                time.sleep(0.05)
        hits = service.wait_for("spoofed*", count)
        check_equal(len(hits), count, "records")
        others = [hit for hit in hits if hit["source"] == "other addresses"]
        check(300 <= len(others) < 400, f"records of the overflow source: {len(others)}")
        check("further ones are put down to" in service.read_log(), "the log says so")


def stopped_under_load():
    """SIGTERM while lines stream in: it ends in time with status 0, and what was read is there"""
    with Service(engines=2) as service:
        loads = [Load(service, f"stop{i}") for i in range(3)]
        for load in loads:
            load.start()
        time.sleep(1.5)
        begin = time.time()
        check_equal(service.stop(), 0, "exit status")
        check(time.time() - begin < 15, f"it took {time.time() - begin:.1f} s")
        for load in loads:
            load.stopping = True
            load.join(10)
        check_equal(service.audit()[0], 0, "qorgan-verify")
        for load in loads:
            names = [re.search(r"tcp-(\d{7})", hit["raw"]).group(1) for hit in service.sent(f"{load.name}*")]
            numbers = sorted(int(name) for name in names)
            check(numbers and numbers == list(range(len(numbers))), f"no hole: {len(numbers)} of {load.sent}")


def a_burst_of_matches_is_kept():
    """thousands of records that each match a rule, in one write: not one match is passed over, also if the desk dies"""
    with Service(engines=2) as service:
        lines = [f"<86>{NOW} gate sshd[4{i % 1000:03d}]: Accepted password for root from 203.0.113.9 port 40000 ssh2"
                 for i in range(6000)]
        service.run("ingest", "--name", "burst", "-", text_input="\n".join(lines).encode() + b"\n")
        kill(service, "desk")
        deadline = time.time() + 40
        count = 0
        while time.time() < deadline and count < 6000:
            time.sleep(0.5)
            with contextlib.suppress(sqlite3.Error), \
                    contextlib.closing(sqlite3.connect(f"file:{service.data}/desk/desk.db?mode=ro", uri=True)) as desk:
                count = desk.execute("SELECT max(n) FROM (SELECT count(DISTINCT record) AS n FROM matched"
                                     " GROUP BY rule)").fetchone()[0] or 0
        check_equal(count, 6000, "matches of one rule\n" + service.read_log()[-800:])
        check("passed over" not in service.read_log(), "no match was passed over")


def rollback_is_refused():
    """an archive put back to an older copy is not served; a new instance goes on under a new key and says why"""
    with Service() as service:
        def lines(word):
            text = "\n".join(f"{NOW} h app: {word}-{i:04d}" for i in range(1000)).encode() + b"\n"
            service.run("ingest", "--name", word, "-", text_input=text)

        def signed(more_than):
            deadline = time.time() + 15
            while time.time() < deadline:
                with contextlib.suppress(OSError), open(latest, encoding="utf-8") as note:
                    size = int(note.read().splitlines()[1])
                    if size > more_than:
                        return size
                time.sleep(0.1)
            raise AssertionError("no checkpoint in time")

        latest = f"{service.data}/archive/checkpoints/latest"
        copy = service.data + ".copy"
        lines("early")
        old_size = signed(1000)
        check_equal(service.stop(), 0, "the service stops cleanly")
        shutil.copytree(f"{service.data}/archive", copy, symlinks=True)
        service.start()
        lines("late")
        signed(old_size + 1000)
        service.stop()
        first_key = service.public_key()
        shutil.rmtree(f"{service.data}/archive")
        shutil.move(copy, f"{service.data}/archive")
        with open(latest, encoding="utf-8") as note:
            before = note.read()
        begin = os.path.getsize(service.log_path)
        check(not service.start(expect=False), "the service does not start")
        check_equal(service.process.wait(20), 1, "exit status")
        said = service.read_log(begin)
        check("archive is behind its last signed checkpoint" in said, "it says why\n" + said[-1500:])
        check("--new-instance" in said, "and what to do\n" + said[-1500:])
        with open(latest, encoding="utf-8") as note:
            check_equal(note.read(), before, "nothing was signed")
        service.start(arguments=["--new-instance"])
        lines("after")
        signed(old_size + 1000)
        check(service.public_key() != first_key, "a new key signs")
        old = first_key.split("+")[0].rsplit("/", 1)[1]
        kept = os.listdir(f"{service.data}/keys")
        check(f"signer.key.{old}" in kept and f"signer.state.{old}" in kept, f"the old key is kept: {kept}")
        for pid in service.pids("keeper"):  # a keeper that is restarted goes on, and begins no other instance
            os.kill(pid, signal.SIGKILL)
        lines("again")
        check_equal(service.stop(), 0, "the service stops cleanly")
        service.start()  # without the flag: it is the same instance
        check_equal(len(service.search("incident AND old_origin")), 1, "incident records")
        check_equal(len(service.sent("after*")), 1000, "records after the rollback")
        service.stop()
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)
        check("incident" in out and old in out, "qorgan-verify explains the new instance\n" + out)


if __name__ == "__main__":
    sys.exit(main([syslog_over_udp_and_tcp, rsyslog_over_tls, tls_refuses_what_is_not_tls,
                   every_process_killed_under_load, several_die_at_once, parent_killed, segments_are_sealed,
                   offline_ingest,
                   a_second_server_is_refused,
                   below_a_closed_folder, started_by_nobody,
                   an_importer_that_does_not_read, addresses_without_end,
                   stopped_under_load, a_burst_of_matches_is_kept, rollback_is_refused]))
