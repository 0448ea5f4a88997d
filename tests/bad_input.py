#!/usr/bin/env python3
"""Bad input and bad days: the service says clearly what was wrong, goes on, and has lost nothing acknowledged."""
import contextlib
import json
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest.mock

from service import QORGAN, Service, Skip, check, check_equal, main
from web_api import Web

HEAD = b"<13>Nov 20 10:00:00 h app: "
MIB = 1 << 20
NOT_PEM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "web_api.py")


def goes_on(service, word):
    """A plain line by each way is still taken and found, and no process has died."""
    service.tcp(HEAD + b"normal by tcp %s\n" % word.encode())
    service.udp(HEAD + b"normal by udp %s" % word.encode())
    check_equal(len(service.wait_for(f"normal {word}", 2)), 2, "plain lines afterwards\n" + service.read_log()[-2000:])
    nobody_died(service)


def nobody_died(service):
    died = [line for line in service.read_log().splitlines() if "ended with" in line]
    check(not died, "processes died:\n" + "\n".join(died[:20]) + "\n" + service.read_log()[-2000:])


def sound(service):
    """Stops the service and lets the auditor's program look at everything; a checkpoint comes once a second."""
    deadline = time.time() + 10
    while time.time() < deadline and not os.path.exists(f"{service.data}/archive/checkpoints/latest"):
        time.sleep(0.1)
    check_equal(service.stop(), 0, "the service stops cleanly")
    status, out = service.audit()
    check_equal(status, 0, "qorgan-verify\n" + out)


def counted(line):
    return b"%d %s" % (len(line), line)


def gaps(service, member):
    return sum(json.loads(hit["raw"]).get(member, 0) for hit in service.search("type:gap"))


def gaps_are(service, member, want, text):
    deadline = time.time() + 15
    while time.time() < deadline and gaps(service, member) != want:
        time.sleep(0.3)
    check_equal(gaps(service, member), want, text)


def log_says(service, text, wait=20):
    deadline = time.time() + wait
    while time.time() < deadline and text not in service.read_log():
        time.sleep(0.1)
    check(text in service.read_log(), f"the log says \"{text}\":\n{service.read_log()[-3000:]}")


def long_lines():
    """lines of 1 MiB and 3 MiB: the first is kept whole, the second is cut at 1 MiB and every cut byte is counted"""
    with Service() as service:
        whole = HEAD + b"exactly " + b"x" * (MIB - len(HEAD) - 8)
        long = HEAD + b"thrice " + b"y" * (3 * MIB - len(HEAD) - 7)
        service.tcp(whole + b"\n")
        service.tcp(counted(whole.replace(b"exactly", b"Counted")) + HEAD + b"right behind\n")
        for payload in (long + b"\n", counted(long), long):  # the last one ends with the connection
            service.tcp(payload + (HEAD + b"after long\n" if payload is not long else b""))
        service.udp(HEAD + b"datagram " + b"z" * (65507 - len(HEAD) - 9))
        for word in ("exactly", "counted"):
            hit, = service.wait_for(word, 1)
            check_equal(len(hit["raw"]), MIB, f"bytes of the record {word}")
        check_equal(len(service.wait_for("behind", 1)), 1, "the line behind it")
        hits = service.wait_for("thrice", 3)
        check_equal([hit["raw"] for hit in hits], [long[:MIB].decode()] * 3, "the first MiB of the long lines")
        check_equal(len(service.wait_for('"after long"', 2)), 2, "lines behind the long ones")
        gaps_are(service, "bytes", 3 * 2 * MIB, "cut bytes that gap records count")
        hit, = service.wait_for("datagram", 1)
        check_equal(len(hit["raw"]), 65507, "bytes of the longest datagram")
        goes_on(service, "long")
        sound(service)


def nul_and_not_utf8():
    """NUL bytes and invalid UTF-8: every byte is kept, nothing is read past a NUL"""
    bad = [b"\xff\xfe\xfd", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xd2",
           bytes(range(1, 32)) + b"\x7f\x9b\x00"]
    with Service() as service:
        wanted = {}
        for i, text in enumerate(bad):
            for way, send in (("udp", service.udp), ("tcp", lambda line: service.tcp(counted(line)))):
                line = HEAD + b"bytes %s%02d " % (way.encode(), i) + text + b" end"
                wanted[f"{way}{i:02d}"] = line
                send(line)
        service.tcp(HEAD + b"zerobefore\0" + HEAD + b"zeroafter\n\0\0\n")
        service.udp(b"\0" * 100)
        service.udp(b"")
        hits = service.wait_for("bytes", len(wanted))
        check_equal(len(hits), len(wanted), "records")
        for word, line in wanted.items():
            raw = service.run("search", "--raw", word).stdout
            check_equal(raw, line + b"\n", f"the bytes of {word}")
            shown = service.run("search", word).stdout
            check(all(byte >= 0x20 and byte != 0x7f for byte in shown.rstrip(b"\n")), f"a terminal is safe: {shown!r}")
        check_equal(len(service.wait_for("zerobefore", 1)), 1, "NUL ends a frame")
        check_equal(len(service.wait_for("zeroafter", 1)), 1, "and the next begins")
        goes_on(service, "bytes")
        sound(service)


def json_bomb():
    """JSON of 10,000 levels, of 60,000 members, cut in the middle: kept, counted as not understood, nothing dies"""
    deep = b"[" * 10000 + b"]" * 10000
    bombs = {
        "bomb-list": deep,
        "bomb-object": b'{"a":' * 10000 + b"1" + b"}" * 10000,
        "bomb-open": b'{"a":[' * 10000,
        "bomb-wide": b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(60000)) + b"}",
        "bomb-string": b'{"a":"' + b"\\u0000\\ud800" * 20000 + b'"}',
    }
    with Service() as service:
        for name, text in bombs.items():
            service.tcp(b'{"name":"%s","x":' % name.encode() + text + b"}\n")
            service.tcp(HEAD + b'{"name":"%s","x":' % name.encode() + text + b"}\n")
            service.tcp(HEAD.replace(b"app", b"CEF") + b"0|v|p|1|1|" + name.encode() + b"|1|" + text + b"\n")
        for name in bombs:
            hits = service.wait_for(f'"{name}"', 3)
            check_equal(len(hits), 3, f"records with {name}")
            check(all(bombs[name].decode() in hit["raw"] for hit in hits), f"{name} is whole")
        goes_on(service, "bomb")
        web = Web(service)
        deadline = time.time() + 15
        while time.time() < deadline and web.ask("source.list")["totals"]["not_understood"] < 3:
            time.sleep(0.5)
        check(web.ask("source.list")["totals"]["not_understood"] >= 3, "they are counted as not understood")
        sound(service)


def times_far_away():
    """headers from 1970 and 2100, leap seconds and dates that are none: kept with the time of receipt, sealed, found"""
    stamps = ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
              "0000-01-01T00:00:00Z", "2026-13-40T99:99:99Z", "2016-12-31T23:59:60Z", "2026-02-29T00:00:00Z"]
    with Service(log_rotate_s=10) as service:
        begin = time.time()
        for i, stamp in enumerate(stamps):
            service.tcp(f"<13>1 {stamp} h app - - - faraway number{i}\n".encode())
        for i, stamp in enumerate(("Jan  1 00:00:00 1970", "Dec 31 23:59:59 2100",
                                   "Feb 30 00:00:00", "Nov 99 10:00:00")):
            service.udp(f"<13>{stamp} h app: faraway older{i}".encode())
        count = len(stamps) + 4
        check_equal(len(service.wait_for("faraway", count)), count, "records")
        goes_on(service, "times")
        folder = f"{service.data}/archive/seg"
        deadline = time.time() + 30
        while time.time() < deadline and not [name for name in os.listdir(folder) if name.endswith(".seg")]:
            time.sleep(0.2)
        check([name for name in os.listdir(folder) if name.endswith(".seg")], "a segment was sealed")
        hits = service.search("faraway")
        check_equal(len(hits), count, "records found in the segment")
        for hit in hits:
            year = int(hit["received"][:4])
            check_equal(year, time.gmtime(begin).tm_year, f"the time of receipt of {hit['raw']}")
        nobody_died(service)
        sound(service)


def slow_peer():
    """a peer of one byte a second keeps nobody waiting, and its line arrives"""
    line = HEAD + b"slow\n"
    with Service(intakes=1) as service:
        link = socket.create_connection(("127.0.0.1", service.ports["syslog-port"]))
        link.sendall(line[:-7])
        done = threading.Event()

        def drip():
            for byte in line[-7:]:
                link.sendall(bytes([byte]))
                time.sleep(1)
            link.close()
            done.set()

        thread = threading.Thread(target=drip)
        thread.start()
        service.tcp(b"".join(HEAD + b"quick %d\n" % i for i in range(5000)))
        check_equal(len(service.wait_for("quick", 5000, wait=5)), 5000, "lines of the quick peer")
        check(not done.is_set(), "the slow one is still at it")
        thread.join()
        check_equal(len(service.wait_for("slow", 1)), 1, "the slow line")
        goes_on(service, "slow")
        sound(service)


def half_open_peer():
    """peers that vanish within a frame or fall silent: what came is kept, the silent one is closed after idle-s"""
    with Service(idle_s=5) as service:
        port = service.ports["syslog-port"]
        for i in range(50):
            link = socket.create_connection(("127.0.0.1", port))
            link.sendall(b"900 " + HEAD + b"vanished peer%02d" % i)
            time.sleep(0.02)  # a reset throws away what was not read yet
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.close()
        check_equal(len(service.wait_for("vanished", 50)), 50, "halves of frames")
        begin = time.time()
        silent = socket.create_connection(("127.0.0.1", port), timeout=20)
        silent.sendall(HEAD + b"silent peer")
        shaking = socket.create_connection(("127.0.0.1", service.ports["syslog-tls-port"]), timeout=20)
        shaking.sendall(b"\x16\x03\x01")  # the beginning of a handshake
        for name, link in (("silent", silent), ("shaking", shaking)):
            try:
                check_equal(link.recv(1), b"", f"the {name} peer is told the end")
            except ConnectionResetError:
                pass
            check(4 < time.time() - begin < 10, f"the {name} peer was closed after {time.time() - begin:.1f} s")
        check_equal(len(service.wait_for('"silent peer"', 1)), 1, "what the silent peer had sent")
        goes_on(service, "halves")
        sound(service)


def memory_peak(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) << 10


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            total += sum(int(part) for part in stat.read().rsplit(")", 1)[1].split()[11:13])
    return total / os.sysconf("SC_CLK_TCK")


def many_connections():
    """10,000 connections at once, a line on each: every line is kept, and intake stays small"""
    want = 10000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < want + 200:
        raise Skip(f"only {hard} descriptors are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Service() as service:
        links = []
        try:
            for _ in range(want):
                links.append(socket.create_connection(("127.0.0.1", service.ports["syslog-port"]), timeout=30))
            for i, link in enumerate(links):  # half of the line now, so that each connection holds something
                link.sendall(HEAD + b"crowd")
            goes_on(service, "crowd")
            for i, link in enumerate(links):
                link.sendall(b" member%05d\n" % i)
            hits = service.wait_for("crowd member*", want, wait=60)
        finally:
            for link in links:
                link.close()
        names = [re.search(r"member(\d{5})", hit["raw"]) for hit in hits]
        check_equal(len({name.group(1) for name in names if name}), want, "different lines")
        check_equal(len(hits), want, "lines, each once")
        peaks = [memory_peak(pid) >> 20 for pid in service.pids("intake")]
        check(max(peaks) < 200, f"MiB of memory that intake used at most: {peaks}")
        check_equal(gaps(service, "connections"), 0, "refused connections")
        goes_on(service, "aftercrowd")
        sound(service)


def too_many_connections():
    """past the limit of connections new ones are closed and counted, the others go on"""
    with Service(connections=16, intakes=1) as service:
        port = service.ports["syslog-port"]
        links = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(16)]
        for link in links:
            link.sendall(HEAD + b"inside")
        time.sleep(0.5)
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as extra:
                with contextlib.suppress(ConnectionResetError):
                    check_equal(extra.recv(1), b"", "a connection past the limit is closed")
        for link in links:
            link.sendall(b" one\n")
            link.close()
        check_equal(len(service.wait_for("inside one", 16)), 16, "lines of the others")
        log_says(service, "all 16 places are taken")
        gaps_are(service, "connections", 5, "connections that gap records count")
        goes_on(service, "limit")
        sound(service)


def few_descriptors():
    """started by another user with 200 descriptors: says so, connections past them are closed and counted"""
    if os.getuid() != 0:
        raise Skip("only root can start the server as another user")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        wrapper = f"{folder}/qorgan"
        with open(wrapper, "w", encoding="ascii") as out:
            out.write("#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups "
                      f'prlimit --nofile=200:200 "{QORGAN}" "$@"\n')
        os.chmod(wrapper, 0o755)
        if subprocess.run([wrapper, "version"], capture_output=True, check=False).returncode != 0:
            raise Skip("another user may not run the program here")
        with unittest.mock.patch("service.QORGAN", wrapper), Service(data=f"{folder}/data", intakes=1) as service:
            log_says(service, "descriptors for 12000 connections: 72 fit")
            port = service.ports["syslog-port"]
            links = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(200)]
            gaps_are(service, "connections", 128, "connections that gap records count")
            for link in links:
                with contextlib.suppress(ConnectionError):
                    link.sendall(HEAD + b"fewline\n")
                link.close()
            check_equal(len(service.wait_for("fewline", 72)), 72, "lines of the others")
            goes_on(service, "descriptors")
            sound(service)


def unfinished_records():
    """unfinished records are bounded: past 256 MiB who holds most is closed, what it held is kept, a gap is recorded"""
    size = 1000 * 1000
    with Service(intakes=1, log_file_mib=64) as service:
        pid, = service.pids("intake")
        before = memory_peak(pid)
        links = []
        part = b"x" * (size - len(HEAD) - 14)
        for i in range(300):
            link = socket.create_connection(("127.0.0.1", service.ports["syslog-port"]), timeout=30)
            with contextlib.suppress(ConnectionError):
                link.sendall(HEAD + b"unfinished%03d " % i + part)
            links.append(link)
        log_says(service, "unfinished records of all connections held more than 256 MiB")
        goes_on(service, "unfinished")
        closed = gaps(service, "connections")
        check(30 <= closed <= 100, f"connections that were closed: {closed}")
        grown = (memory_peak(pid) - before) >> 20
        check(grown < 400, f"MiB of memory that intake grew by: {grown}")
        for link in links:
            link.close()
        hits = service.wait_for("unfinished*", 300, wait=60)
        names = {hit["raw"][len(HEAD):len(HEAD) + 13] for hit in hits}
        names = {name for name in names if name.startswith("unfinished")}
        check_equal(len(names), 300, "different beginnings were kept")
        sound(service)


def rules_of_garbage():
    """broken rule files: the service starts with the good ones, `rules check` names the reason for each other"""
    good = """title: Probe of the tests
id: 7d1e5a5e-9a1c-4f5c-8d0e-6f1a2b3c4d5e
logsource: {product: linux}
detection:
  words: ['the good rule fires']
  condition: words
level: high
"""
    bad = {
        "noise.yml": os.urandom(4096),
        "empty.yml": b"",
        "nul.yml": b"title: a\0b\n",
        "list.yml": b"- 1\n- 2\n",
        "deep.yml": b"a: " + b"[" * 10000,
        "bomb.yml": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(ord("b"), ord("j"))),
        "huge.yml": good.encode() + b"#" * (2 * MIB),
        "condition.yml": good.replace("condition: words", "condition: words and nothing(").encode(),
        "regex.yml": good.replace("words: ['the good rule fires']", "words: {message|re: '(((('}").encode(),
        "cut.yml": good.encode()[:60],
    }
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        os.chmod(one, 0o755)
        os.chmod(two, 0o755)
        with open(f"{one}/good.yml", "w", encoding="ascii") as out:
            out.write(good)
        for name, text in bad.items():
            with open(f"{two}/{name}", "wb") as out:
                out.write(text)
        os.symlink("/dev/zero", f"{two}/endless.yml")
        os.mkfifo(f"{two}/pipe.yml")
        done = subprocess.run([QORGAN, "rules", "check", one, two], capture_output=True, text=True, check=False,
                              timeout=60)
        check_equal(done.returncode, 1, "qorgan rules check\n" + done.stdout + done.stderr)
        for name in [*bad, "endless.yml", "pipe.yml"]:
            line = [line for line in done.stdout.splitlines() if name in line]
            check(line and len(line[0].split(name)[1]) > 10, f"{name} has a reason:\n{done.stdout[-3000:]}")
        with Service(rules=f"{one} {two}") as service:
            web = Web(service)
            totals = web.ask("source.list")["totals"]
            counts = (totals["rules_loaded"], totals["rules_refused"])
            check_equal(counts, (1, len(bad) + 2), "rules loaded and refused")
            service.tcp(HEAD + b"the good rule fires\n")
            deadline = time.time() + 15
            incidents = []
            while time.time() < deadline and not incidents:
                incidents = web.ask("incident.list", state="all")["incidents"]
                time.sleep(0.3)
            check_equal(len(incidents), 1, "incidents of the good rule")
            goes_on(service, "rules")
            sound(service)


@contextlib.contextmanager
def mounted(options):
    folder = tempfile.mkdtemp(prefix="qorgan-mount-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "qorgan-test", folder], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        os.rmdir(folder)
        raise Skip("mounting is not permitted: " + done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False, capture_output=True)
        os.rmdir(folder)


def full_disk():
    """a full disk: said by name, nothing acknowledged is lost, and with room again the service goes on by itself"""
    lines = 100000
    with mounted("size=48m,mode=711") as folder, tempfile.TemporaryDirectory(prefix="qorgan-full-") as other:
        bulk = f"{other}/bulk.log"
        with open(bulk, "w", encoding="ascii") as out:  # random, so that it does not shrink
            out.writelines(f"Nov 20 10:00:00 h app: bulk-{i:06d} {os.urandom(150).hex()}\n" for i in range(lines))
        with open(f"{folder}/ballast", "wb") as out:
            out.write(b"b" * (32 * MIB))
        with Service(data=folder, log_file_mib=1, collect_files=f"{other}/none") as service:
            text = b"".join(HEAD + b"early-%04d\n" % i for i in range(1000))
            service.run("ingest", "--name", "early", "-", text_input=text)
            ingest = subprocess.Popen([QORGAN, "ingest", "--data", folder, bulk], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True)
            try:
                log_says(service, "No space left on device", wait=60)
                lost = subprocess.Popen([QORGAN, "ingest", "--data", folder, bulk], stderr=subprocess.DEVNULL)
                time.sleep(1)
                lost.kill()  # its connection hangs up while nothing is read
                lost.wait()
                before = cpu_seconds(service.pids("intake"))
                time.sleep(3)  # a few starts of the keeper on the full disk
                used = cpu_seconds(service.pids("intake")) - before
                check(used < 1, f"CPU seconds that intake used while it could do nothing: {used}")
                check(ingest.poll() is None, "the import waits for its acknowledgement")
                check_equal(len(service.sent("early*")), 1000, "acknowledged records while the disk is full")
                os.unlink(f"{folder}/ballast")
                out, _ = ingest.communicate(timeout=90)
            finally:
                ingest.kill()
            check_equal(ingest.returncode, 0, f"the import ends well\n{out}\n{service.read_log()[-3000:]}")
            check(f"{lines} records are durable" in out, out)
            deadline = time.time() + 60
            while time.time() < deadline and len(os.listdir(f"{folder}/archive/wal")) > 2:
                time.sleep(0.3)
            check(len(os.listdir(f"{folder}/archive/wal")) <= 2, "the log is sealed and dropped, as on any day")
            names = [hit["raw"][23:34] for hit in service.sent("bulk*")]
            check_equal((len(names), len(set(names))), (lines, lines), "imported lines, each once")
            check_equal(len(service.sent("early*")), 1000, "records acknowledged before")
            died = {line.split(" error parent: ")[1].split(" ended")[0] for line in service.read_log().splitlines()
                    if "ended with" in line}
            check(died <= {"keeper 0"}, f"only the keeper starts anew: {died}")
            service.tcp(HEAD + b"after the flood\n")
            check_equal(len(service.wait_for('"after the flood"', 1)), 1, "a line afterwards")
            sound(service)
        with contextlib.suppress(OSError):
            os.unlink(service.log_path)


def refused_start(service, *wanted, status=1):
    """The server does not start, says why, and ends with this status."""
    begin = os.path.getsize(service.log_path) if os.path.exists(service.log_path) else 0
    check(not service.start(expect=False), "the server does not start")
    text = service.read_log(begin)
    check(service.process.poll() is not None, "it has ended:\n" + text)
    check_equal(service.process.returncode, status, "exit status\n" + text)
    for part in wanted:
        check(part in text, f"the message holds {part!r}:\n{text}")
    check(len(text.splitlines()) <= 3, "the message is short:\n" + text)


def read_only_folder():
    """a read-only data folder: serve and ingest end with a clear message, and what was there is still sound"""
    with mounted("size=48m,mode=711") as folder:
        with Service(data=folder) as service:
            service.tcp(HEAD + b"kept before\n")
            check_equal(len(service.wait_for('"kept before"', 1)), 1, "records")
            sound(service)
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
            refused_start(service, folder, "ead-only file system")
            done = service.run("ingest", "--name", "x", "-", text_input=b"one\n", check=False)
            check_equal(done.returncode, 1, "exit status of ingest")
            check(folder.encode() in done.stderr and b"ead-only file system" in done.stderr, done.stderr.decode())
            check_equal(len(service.search('"kept before"')), 1, "a read-only archive can still be searched")
            check_equal(service.audit()[0], 0, "and verified")
            subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
            service.start()
            goes_on(service, "writable")
            service.stop()
        with contextlib.suppress(OSError):
            os.unlink(service.log_path)


def wait_until_locked(pid, wait=30):
    """Until the process has opened the data folder's lock, and a moment more to take it."""
    deadline = time.time() + wait
    while time.time() < deadline:
        with contextlib.suppress(OSError):
            opened = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
            if any(path.endswith("/lock") for path in opened):
                time.sleep(0.5)
                return
        time.sleep(0.05)
    raise AssertionError("the first import never took the lock")


def second_server():
    """a second server or import on the same data: refused by name, the first is unharmed"""
    with Service() as first:
        first.tcp(HEAD + b"first server\n")
        second = Service(data=first.data)
        second.log_path += ".second"
        refused_start(second, "another server runs on the data folder", first.data)
        os.unlink(second.log_path)
        check_equal(len(first.wait_for('"first server"', 1)), 1, "records")
        goes_on(first, "second")
        sound(first)
        holder = subprocess.Popen([QORGAN, "ingest", "--data", first.data, "--name", "holder", "-"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        holder.stdin.write(b"held open\n" * 3)
        holder.stdin.flush()
        wait_until_locked(holder.pid)
        done = first.run("ingest", "--name", "other", "-", text_input=b"one\n", check=False)
        check_equal(done.returncode, 1, "exit status of a second import without a service")
        check(first.data.encode() in done.stderr, "it names the folder: " + done.stderr.decode())
        refused_start(first, first.data)
        out, _ = holder.communicate()
        check_equal(holder.returncode, 0, "the first import\n" + out.decode())
        first.start()
        check_equal(len(first.wait_for('"held open"', 3)), 3, "its records")
        goes_on(first, "third")
        sound(first)


def wrong_settings():
    """wrong settings: refused with file and line or with the option's name, nothing is left running"""
    files = [
        (b"# comment\n\nsyslog-prt 5514\n", "qorgan.conf line 3", "there is no option \"syslog-prt\""),
        (b"web-port 70000\n", "qorgan.conf line 1", "\"web-port\" must be a number from 1 to 65535"),
        (b"web-port\n", "qorgan.conf line 1", "web-port"),
        (b"idle-s 1\nengines x\n", "qorgan.conf line 1", "idle-s"),
        (b"site a\0b\n", "qorgan.conf line 1", "site"),
        (b"\xff\xfe\x00\x01" * 100, "qorgan.conf line 1", "there is no option"),
        (b"site " + b"x" * (2 * MIB) + b"\n", "qorgan.conf", "at most 1048576 are accepted"),
    ]
    sets = [
        ({"web-port": "abc"}, "web-port"),
        ({"nothing": "1"}, "there is no option \"nothing\""),
        ({"syslog-address": "example.org"}, "\"example.org\" is not an IP address"),
        ({"tls-certificate": "/nonexistent/a.pem"}, "/nonexistent/a.pem"),
        ({"rules": "/nonexistent/rules"}, "/nonexistent/rules"),
        ({"tls-certificate": QORGAN, "tls-key": QORGAN}, "bytes; at most"),
        ({"tls-certificate": NOT_PEM, "tls-key": NOT_PEM}, "certificate"),
        ({"tls-client-ca": NOT_PEM}, "certificate"),
    ]
    service = Service()
    try:
        for text, *wanted in files:
            with open(f"{service.data}/qorgan.conf", "wb") as out:
                out.write(text)
            refused_start(service, *wanted)
        os.unlink(f"{service.data}/qorgan.conf")
        good = dict(service.settings)
        for wrong, wanted in sets:
            service.settings = {**good, **wrong}
            refused_start(service, wanted)
        service.settings = good
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", service.ports["web-port"]))
            taken.listen()
            refused_start(service, f"port {service.ports['web-port']}", "ddress already in use")
        service.start()
        goes_on(service, "settings")
        sound(service)
    finally:
        service.__exit__()


if __name__ == "__main__":
    sys.exit(main([long_lines, nul_and_not_utf8, json_bomb, times_far_away, slow_peer, half_open_peer, many_connections,
                   too_many_connections, few_descriptors, unfinished_records, rules_of_garbage, full_disk,
                   read_only_folder, second_server, wrong_settings]))
