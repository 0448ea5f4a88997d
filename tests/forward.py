#!/usr/bin/env python3
"""`qorgan forward`: records to other systems, by the real rsyslog and a web server; nothing left out when they fail."""
import collections
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from service import QORGAN, Service, Skip, check, check_equal, free_port, main
from web_api import Web as Pages

RSYSLOG = "/usr/sbin/rsyslogd"


def certificate(folder, name="localhost"):
    """A certificate for the loopback that vouches for itself: (certificate, key)."""
    paths = os.path.join(folder, name + ".crt"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-out",
                    paths[0], "-keyout", paths[1], "-days", "2", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name},IP:127.0.0.1"], check=True, capture_output=True)
    return paths


def lines(first, count, program="app"):
    return [f"<38>Nov 28 10:00:00 jurta {program}[7]: given-{i:05d} of the test" for i in range(first, first + count)]


class Forward:
    """A running `qorgan forward` of a service."""

    def __init__(self, service, url, state, *arguments):
        self.log = state + ".log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([QORGAN, "forward", "--data", service.data, "--to", url, "--state", state,
                                             *arguments], stdout=log, stderr=log)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(30)

    def said(self):
        ended = self.process.poll()
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read() + ("" if ended is None else f"(ended with {ended})\n")


class Rsyslog:
    """The real rsyslog, listening with TLS (or without) and writing what it parsed."""

    def __init__(self, folder, port, tls=True):
        if not os.path.exists(RSYSLOG):
            raise Skip("rsyslog is not installed")
        self.out = os.path.join(folder, "received.json")
        self.configuration = os.path.join(folder, "rsyslog.conf")
        self.pid = os.path.join(folder, "rsyslog.pid")
        self.process = None
        driver = ""
        if tls:
            self.certificate, key = certificate(folder)
            driver = f'''defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{self.certificate}"
  defaultNetstreamDriverCertFile="{self.certificate}" defaultNetstreamDriverKeyFile="{key}"'''
        stream = 'streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon"' if tls else ""
        with open(self.configuration, "w", encoding="ascii") as out:
            out.write(f'''global(workDirectory="{folder}" maxMessageSize="256k" {driver})
module(load="imtcp" {stream})
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="seen" type="list" option.jsonf="on") {{
  property(outname="pri" name="pri" format="jsonf") property(outname="time" name="timereported"
    dateFormat="rfc3339" format="jsonf") property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf") property(outname="sd" name="structured-data"
    format="jsonf") property(outname="msg" name="msg" format="jsonf") }}
action(type="omfile" file="{self.out}" template="seen")
''')

    def start(self):
        self.process = subprocess.Popen([RSYSLOG, "-n", "-f", self.configuration, "-i", self.pid],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def received(self):
        with open(self.out, encoding="utf-8", errors="replace") as got:
            return [json.loads(line) for line in got if line.endswith("\n")]

    def wait_for(self, count, wait=40):
        end = time.time() + wait
        names = set()
        while time.time() < end and len(names) < count:
            time.sleep(0.2)
            if os.path.exists(self.out):
                names = {name for row in self.received() for name in re.findall(r"given-\d+", row["msg"])}
        return names


def stated(state):
    with open(os.path.join(state, "position"), encoding="ascii") as file:
        return int(file.readline())


def wait_kept(service, count):
    hits = service.wait_for("given*", count)
    check_equal(len(hits), count, "records kept")


def over_tls():
    """rsyslog over TLS gets every record with its header; after deaths of both sides none is missing"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    port = free_port()
    receiver = Rsyslog(folder, port)
    state = os.path.join(folder, "state")
    url = f"syslog+tls://localhost:{port}"
    try:
        with Service(intakes=1) as service:
            receiver.start()
            service.tcp("".join(line + "\n" for line in lines(0, 500)).encode())
            wait_kept(service, 500)
            forward = Forward(service, url, state, "--from", "start", "--ca", receiver.certificate)
            names = receiver.wait_for(500)
            check_equal(len(names), 500, "lines at the receiver\n" + forward.said())
            row = receiver.received()[0]
            check_equal((row["pri"], row["host"], row["app"]), ("38", "jurta", "app"), "header")
            check("sequenceId" in row["sd"] and "qorgan" in row["sd"], f"structured data {row['sd']}")
            # The receiver dies and comes again while records go on; then the sender is killed.
            receiver.kill()
            service.tcp("".join(line + "\n" for line in lines(500, 500)).encode())
            wait_kept(service, 1000)
            time.sleep(1.5)
            receiver.start()
            check_equal(len(receiver.wait_for(1000)), 1000, "lines after the receiver's death\n" + forward.said())
            end = time.time() + 20  # it says so when the last byte is acknowledged: a moment after the file has it
            while time.time() < end and "takes records again" not in forward.said():
                time.sleep(0.1)
            check("again in" in forward.said() and "takes records again" in forward.said(), forward.said())
            forward.end(signal.SIGKILL)
            service.tcp("".join(line + "\n" for line in lines(1000, 200)).encode())
            wait_kept(service, 1200)
            forward = Forward(service, url, state, "--ca", receiver.certificate)
            check_equal(len(receiver.wait_for(1200)), 1200, "lines after the sender's death\n" + forward.said())
            end = time.time() + 20  # the position is written a moment after the file has the last line
            while time.time() < end and stated(state) < 1200:
                time.sleep(0.1)
            check_equal(forward.end(), 0, "it stops cleanly")
            position = stated(state)
            check(position >= 1200, f"position {position}")
            second = subprocess.run([QORGAN, "forward", "--data", service.data, "--to", "syslog+tcp://localhost:9",
                                     "--state", state, "--once"], capture_output=True, text=True, check=False)
            check_equal(second.returncode, 1, "another address with the same state")
            check("each address needs its own" in second.stderr, second.stderr)
            with open(os.path.join(state, "position"), encoding="utf-8") as file:
                address = file.read().split("\n")[1]
            with open(os.path.join(state, "position"), "w", encoding="utf-8") as file:
                file.write(f"{10 ** 9}\n{address}\n")
            older = subprocess.run([QORGAN, "forward", "--data", service.data, "--to", url, "--state", state, "--once",
                                    "--ca", receiver.certificate], capture_output=True, text=True, check=False)
            check_equal((older.returncode, "an older copy" in older.stderr), (1, True), older.stderr)
    finally:
        receiver.stop()
        shutil.rmtree(folder, ignore_errors=True)


def strangers():
    """a receiver that the certificates do not vouch for gets nothing"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    port = free_port()
    receiver = Rsyslog(folder, port)
    other, _ = certificate(folder, "other.example")
    try:
        with Service(intakes=1) as service:
            receiver.start()
            service.tcp((lines(0, 1)[0] + "\n").encode())
            wait_kept(service, 1)
            for ca, host in ((other, "localhost"), (receiver.certificate, "127.0.0.2")):
                state = os.path.join(folder, "state-" + host)
                forward = Forward(service, f"syslog+tls://{host}:{port}", state, "--from", "start", "--ca", ca)
                end = time.time() + 20
                while time.time() < end and "again in" not in forward.said():
                    time.sleep(0.2)
                check("could not connect" in forward.said(), f"{host}: {forward.said()}")
                check_equal(forward.end(), 0, "it stops cleanly")
            check(not os.path.exists(receiver.out) or not receiver.received(), "nothing was given to it")
    finally:
        receiver.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Web(http.server.ThreadingHTTPServer):
    """An HTTPS server that takes arrays of records; refuses now and then, and says what it got."""

    def __init__(self, folder):
        self.port = free_port()
        self.taken = []
        self.refusals = collections.deque()
        self.tokens = set()
        self.certificate, key = certificate(folder)
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.tokens.add(self.headers.get("Authorization"))
                status = server.refusals.popleft() if server.refusals else 200
                if status == 200:
                    server.taken += json.loads(body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", self.port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def over_https():
    """a web server gets JSON of the records a query chooses, once; what it refuses comes again"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    state = os.path.join(folder, "state")
    token = os.path.join(folder, "token")
    with open(token, "w", encoding="ascii") as out:
        out.write("secret-of-the-test\n")
    web = Web(folder)
    try:
        with Service(intakes=1) as service:
            service.tcp("".join(line + "\n" for line in lines(0, 3000) + lines(3000, 1000, "cron")).encode())
            wait_kept(service, 4000)
            web.refusals.extend([503, 429])
            forward = Forward(service, f"https://localhost:{web.port}/in", state, "--from", "start", "--ca",
                              web.certificate, "--token-file", token, "--query", "app:cron or service:cron")
            end = time.time() + 40
            while time.time() < end and len(web.taken) < 1000:
                time.sleep(0.2)
            got = [re.search(r"given-(\d+)", row["raw"]).group(1) for row in web.taken]
            check_equal(len(got), 1000, "records\n" + forward.said())
            check_equal(got, sorted(got), "in order")
            check_equal((int(got[0]), len(set(got))), (3000, 1000), "those that were chosen, once")
            row = web.taken[0]
            check_equal((row["host"], row["source_kind"]), ("jurta", "tcp"), f"fields {row}")
            check(row["origin"].startswith("qorgan/"), f"origin {row['origin']}")
            check_equal(web.tokens, {"Bearer secret-of-the-test"}, "token")
            check("answered 503" in forward.said() and "answered 429" in forward.said(), forward.said())
            check("secret-of" not in forward.said(), "the token is not logged")
            check_equal(forward.end(), 0, "it stops cleanly")
            # Once more from the start: everything, the archive's own too.
            web.taken.clear()
            done = subprocess.run([QORGAN, "forward", "--data", service.data, "--state", state + "2", "--from", "start",
                                   "--to", f"https://localhost:{web.port}/all", "--all", "--once", "--json",
                                   "--ca", web.certificate], capture_output=True, text=True, check=False, timeout=60)
            check_equal(done.returncode, 0, done.stderr)
            numbers = [row["record"] for row in web.taken]
            check_equal(json.loads(done.stdout)["given"], len(numbers), "it says how many")
            check_equal(numbers, list(range(len(numbers))), "every record from 0 on")
            check(len(numbers) > 4000, f"{len(numbers)} records")
    finally:
        web.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def in_cef():
    """CEF over plain TCP, as a collector reads it"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    try:
        with Service(intakes=1) as service:
            service.tcp("".join(line + "\n" for line in lines(0, 3)).encode())
            wait_kept(service, 3)
            forward = Forward(service, f"syslog+tcp://127.0.0.1:{port}", os.path.join(folder, "state"), "--from",
                              "start", "--format", "cef")
            link, _ = listener.accept()
            link.settimeout(20)
            text = b""
            while text.count(b"given-") < 3:
                text += link.recv(65536)
            frames = []
            while text:
                count, rest = text.split(b" ", 1)
                frames.append(rest[:int(count)].decode())
                text = rest[int(count):]
            check_equal(len(frames), 3, "octet-counted frames")
            check("CEF:0|Qorgan|Qorgan|1|" in frames[0] and "dvchost=jurta" in frames[0], frames[0])
            check_equal(forward.end(), 0, "it stops cleanly")
            link.close()
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


def receivers_are_shown():
    """the page of receivers says who takes records, who refuses and who is late; becoming late is a record, once"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    state = os.path.join(folder, "centre")
    # What is none: a name that cannot be one, links, a pipe.
    os.mkdir(os.path.join(folder, "not a name"))
    with open(os.path.join(folder, "not a name", "status"), "w", encoding="ascii") as out:
        out.write('{"receiver":"https://a/","next":1,"at_ns":1}\n')
    os.mkdir(os.path.join(folder, "linked"))
    os.symlink("centre", os.path.join(folder, "alias"))
    os.symlink(os.path.join(state, "status"), os.path.join(folder, "linked", "status"))
    os.mkdir(os.path.join(folder, "fifo"))
    os.mkfifo(os.path.join(folder, "fifo", "status"))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    links = []

    def take():
        try:
            while True:
                links.append(listener.accept()[0])
                threading.Thread(target=lambda link: [None for _ in iter(lambda: link.recv(65536), b"")],
                                 args=(links[-1],), daemon=True).start()
        except OSError:
            pass

    threading.Thread(target=take, daemon=True).start()
    try:
        with Service(intakes=1, receivers=folder, receiver_late_s=60) as service:
            web = Pages(service)

            def page(path, language):
                web.request("POST", "/language", f"csrf={web.csrf}&language={language}",
                            {"Content-Type": "application/x-www-form-urlencoded"})
                return web.request("GET", path)[2]

            def shown():
                rows = web.ask("receiver.list")["receivers"]
                check(len(rows) <= 1, f"one forwarder: {rows}")
                return rows[0] if rows else {"state": None}

            def until(wanted, wait=30):
                end = time.time() + wait
                while time.time() < end and shown()["state"] != wanted:
                    time.sleep(0.5)
                check_equal(shown()["state"], wanted, f"state of {shown()}")
                return shown()

            check("There is no receiver" in page("/archive/receivers", "en"), "an empty page")
            service.tcp("".join(line + "\n" for line in lines(0, 20)).encode())
            wait_kept(service, 20)
            forward = Forward(service, f"syslog+tcp://127.0.0.1:{port}", state, "--from", "start", "--query", "given*")
            row = until("ok")
            check_equal((row["name"], row["format"], row["query"]), ("centre", "rfc5424", "given*"), "what it says")
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            for link in links:
                link.shutdown(socket.SHUT_RDWR)
                link.close()
            service.tcp((lines(20, 1)[0] + "\n").encode())
            row = until("refuses")
            check("could not connect" in row["error"] or "closed the connection" in row["error"], row["error"])
            check(row["waiting_ns"] > 0, f"a record waits: {row}")
            until("behind", 90)
            for language, words in (("kk", "кешігіп қалды"), ("ru", "отстаёт"), ("en", "is behind")):
                text = page("/archive/receivers", language)
                check(words in text and "centre" in text and "syslog+tcp" in text, f"the page in {language}")
            check("A receiver of records is late" in page("/archive", "en"), "the archive's page")
            end = time.time() + 20
            while time.time() < end and not service.search('"receiver.late"'):
                time.sleep(0.5)
            check_equal(len(service.search('"receiver.late" centre')), 1, "the archive has a record of it")
            check_equal(forward.end(), 0, "it stops cleanly")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wrong_calls():
    """what cannot be meant is refused with the reason"""
    user = ["--state", "/tmp/x", "--user", "u", "--password-file", "/tmp/k"]
    rows = [
        (["--to", "ftp://x", "--state", "/tmp/x"], "none of"),
        (["--to", "syslog+tls://", "--state", "/tmp/x"], "names no host"),
        (["--to", "https://u:secret@a/", "--state", "/tmp/x"], "holds no user and no password"),
        (["--to", "syslog+tls://a:70000", "--state", "/tmp/x"], "names no port"),
        (["--to", "syslog+tls://a/b", "--state", "/tmp/x"], "names no host"),
        (["--to", "syslog+tcp://a", "--state", "/tmp/x", "--format", "json"], "json goes over https"),
        (["--to", "https://a/", "--state", "/tmp/x", "--format", "cef"], "json goes over https"),
        (["--to", "https://a/", "--state", "/tmp/x", "--format", "xml"], "rfc5424, cef or json"),
        (["--to", "https://a/", "--state", "/tmp/x", "--from", "first"], "a record's number"),
        (["--to", "syslog+tls://a", "--state", "/tmp/x", "--key", "/tmp/k"], "belong together"),
        (["--to", "syslog+tls://a", "--state", "/tmp/x", "--token-file", "/tmp/k"], "is for https"),
        (["--to", "kafka+tls://a", "--state", "/tmp/x"], "names no topic"),
        (["--to", "nats+tls://a/q.>", "--state", "/tmp/x"], "names no subject"),
        (["--to", "kafka+tls://a/t", "--state", "/tmp/x", "--token-file", "/tmp/k"], "is for https"),
        (["--to", "kafka+tls://a/t", "--state", "/tmp/x", "--user", "u"], "belong together"),
        (["--to", "kafka+tcp://a/t", *user], "over TLS only"),
        (["--to", "nats+tcp://a/t", "--state", "/tmp/x", "--certificate", "/c", "--key", "/k"], "over TLS only"),
        (["--to", "kafka+tls://a/t", "--state", "/tmp/x", "--sasl", "plain"], "how a --user is proven"),
        (["--to", "kafka+tls://a/t", *user, "--sasl", "plain"], "scram-sha-512 or scram-sha-256"),
        (["--to", "nats+tls://a/q", *user, "--token-file", "/tmp/t"], "it is --user, --token-file or --creds-file"),
        (["--to", "nats+tls://a/q", "--state", "/tmp/x", "--sasl", "scram-sha-256"], "is for kafka"),
        (["--to", "https://a/", *user], "is for kafka and nats"),
        (["--to", "syslog+tls://a"], "state"),
    ]
    for arguments, why in rows:
        done = subprocess.run([QORGAN, "forward", *arguments], capture_output=True, text=True, check=False)
        check_equal(done.returncode, 2, f"{arguments}: {done.stderr}")
        check(why in done.stderr, f"{arguments}: {done.stderr}")


if __name__ == "__main__":
    sys.exit(main([over_tls, strangers, over_https, in_cef, wrong_calls], [receivers_are_shown]))
