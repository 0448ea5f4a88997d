#!/usr/bin/env python3
"""`qorgan forward` to Kafka (librdkafka's mock brokers) and to the real NATS JetStream: each record once, none missing,
when either side fails."""
import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

from forward import Forward, certificate, lines, stated, wait_kept
from service import QORGAN, Service, Skip, check, check_equal, free_port, main

KAFKA_MOCK = os.environ.get("KAFKA_MOCK", os.path.join(os.path.dirname(QORGAN), "../../tests/kafka-mock"))
NATS_SERVER = "/usr/sbin/nats-server"
TOPIC = "qorgan.records"


def wait_until(holds, wait=40):
    end = time.time() + wait
    while time.time() < end:
        if holds():
            return True
        time.sleep(0.1)
    return holds()


def feed(service, first, count):
    """Records of three sources, by turns."""
    for which in range(3):
        text = "".join(line + "\n" for line in lines(first, count)[which::3])
        link = socket.create_connection(("127.0.0.1", service.ports["syslog-port"]), 10, (f"127.0.0.{which + 1}", 0))
        with link:
            link.sendall(text.encode())


def signed_size(service):
    """How many records the newest checkpoint names."""
    with open(os.path.join(service.data, "archive", "checkpoints", "latest"), encoding="utf-8") as note:
        return int(note.read().splitlines()[1])


class Kafka:
    """A cluster of mock brokers in a process of its own, and what its topic has."""

    def __init__(self, folder, brokers=3, partitions=4):
        if not os.path.exists(KAFKA_MOCK):
            raise Skip("tests/kafka-mock is not built")
        self.out = os.path.join(folder, "consumed.json")
        self.process = subprocess.Popen([KAFKA_MOCK, str(brokers), str(partitions), TOPIC, self.out], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.servers = self.process.stdout.readline().strip()

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        check_equal(self.process.stdout.readline().strip(), "done", command)

    def rows(self):
        with open(self.out, encoding="ascii") as got:
            return [json.loads(line) for line in got if line.endswith("\n")]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Secure:
    """TLS in front of the first of Kafka's mock brokers, which know none, with a client's certificate that must be
    shown; and a user that must prove himself by SCRAM (RFC 5802, RFC 7677; Kafka's requests 17, 18 and 36)."""

    def __init__(self, folder, kafka, user=None, password="", name="localhost"):
        folder = tempfile.mkdtemp(dir=folder)
        self.port = free_port()
        self.back = int(kafka.servers.rsplit(":", 1)[1])
        self.user, self.password = user, password
        self.seen = []  # mechanisms that users came with
        self.certificate, key = certificate(folder, name)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        self.client, self.client_key = certificate(folder, "client.example")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(self.client)
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        try:
            link.settimeout(60)
            with self.context.wrap_socket(link, server_side=True) as link, \
                    socket.create_connection(("127.0.0.1", self.back), 60) as back:
                if self.talk(link, back):
                    threading.Thread(target=self.pump, args=(back, link, True), daemon=True).start()
                    self.pump(link, back, False)
        except OSError:
            pass

    def pump(self, source, sink, answers):
        """Whole frames; brokers are told to be where we are."""
        try:
            while True:
                frame = frame_read(source)
                if answers:
                    frame = frame.replace(b"127.0.0.1" + struct.pack(">I", self.back),
                                          b"127.0.0.1" + struct.pack(">I", self.port))
                sink.sendall(struct.pack(">I", len(frame)) + frame)
        except OSError:
            pass

    def talk(self, link, back):
        """Until the user is known; then what he says is for the broker."""
        scram = None
        while self.user:
            frame = frame_read(link)
            api, version, mark = struct.unpack(">hhi", frame[:8])
            body = frame[10 + max(0, struct.unpack(">h", frame[8:10])[0]):]
            if api == 18 and version > 0:  # which requests are known: only the oldest answer is made here
                answer = struct.pack(">hi", 35, 0)
            elif api == 18:
                back.sendall(struct.pack(">I", len(frame)) + frame)
                known = frame_read(back)[4:]
                count = struct.unpack(">i", known[2:6])[0]
                more = struct.pack(">hhhhhh", 17, 0, 1, 36, 0, 1)
                answer = known[:2] + struct.pack(">i", count + 2) + known[6:] + more
            elif api == 17:
                name = body[2:].decode()
                self.seen.append(name)
                scram = Scram(self.user, self.password, name.rsplit("-", 1)[1])
                answer = struct.pack(">hi", 0, 1) + struct.pack(">h", len(name)) + name.encode()
            elif api == 36:
                said = scram.step(body[4:])
                answer = struct.pack(">hh", 58, -1) + struct.pack(">i", 0) if said is None else \
                    struct.pack(">hhi", 0, -1, len(said)) + said
                answer += struct.pack(">q", 0) if version > 0 else b""
            else:
                return False
            link.sendall(struct.pack(">Ii", len(answer) + 4, mark) + answer)
            if api == 36 and (said is None or scram.proven):
                return said is not None
        return True


class Scram:
    """The server's side of SCRAM-SHA-256 and SCRAM-SHA-512."""

    def __init__(self, user, password, bits):
        self.digest = "sha" + bits
        self.user, self.salt, self.proven, self.first = user, os.urandom(16), False, None
        self.salted = hashlib.pbkdf2_hmac(self.digest, password.encode(), self.salt, 4096)

    def mac(self, key, text):
        return hmac.new(key, text, self.digest).digest()

    def step(self, said):
        if self.first is None:
            bare = said.split(b",,", 1)[1]
            fields = dict(part.split(b"=", 1) for part in bare.split(b","))
            if fields[b"n"].decode() != self.user:
                return None
            answer = b"r=" + fields[b"r"] + b"x,s=" + base64.b64encode(self.salt) + b",i=4096"
            self.first = bare + b"," + answer
            return answer
        bare, proof = said.rsplit(b",p=", 1)
        told = self.first + b"," + bare
        client = self.mac(self.salted, b"Client Key")
        stored = hashlib.new(self.digest, client).digest()
        wanted = bytes(a ^ b for a, b in zip(client, self.mac(stored, told)))
        self.proven = hmac.compare_digest(wanted, base64.b64decode(proof))
        return b"v=" + base64.b64encode(self.mac(self.mac(self.salted, b"Server Key"), told)) if self.proven else None


def frame_read(link):
    text = b""
    while len(text) < 4 or len(text) < 4 + struct.unpack(">I", text[:4])[0]:
        wanted = 4 - len(text) if len(text) < 4 else 4 + struct.unpack(">I", text[:4])[0] - len(text)
        more = link.recv(wanted)
        if not more:
            raise OSError("the peer hung up")
        text += more
    return text[4:]


def records(rows):
    return [int(row["headers"]["Qorgan-Record"]) for row in rows]


def check_rows(rows, count, repeats=0):
    """Each record, at most `repeats` of them again, in order by source; headers, key and body say the same."""
    seen = {}
    last = {}
    again = 0
    for row in rows:
        body = json.loads(row["value"])
        headers = row["headers"]
        number = int(headers["Qorgan-Record"])
        check_equal((body["record"], body["source"], body["origin"]),
                    (number, headers["Qorgan-Source"], headers["Qorgan-Origin"]), "body and headers")
        check_equal(row.get("key", body["source"]), body["source"], "key")
        check(int(headers["Qorgan-Tree-Size"]) > number, f"tree size {headers}")
        if number in seen:
            again += 1
            continue
        seen[number] = body["raw"]
        check(last.get(body["source"], -1) < number, f"{number} of {body['source']} behind {last}")
        last[body["source"]] = number
    check_equal(len({raw.split()[-4] for raw in seen.values()}), count, "different lines")
    check_equal(len(seen), count, "records")
    check(again <= repeats, f"{again} records came again")


class Nats:
    """The real nats-server with JetStream; and what its streams have, by the requests of its API."""

    def __init__(self, folder, **settings):
        if not os.path.exists(NATS_SERVER):
            raise Skip("nats-server is not installed")
        self.port = free_port()
        self.configuration = os.path.join(folder, "nats.conf")
        self.log = os.path.join(folder, "nats.log")
        self.process = None
        rows = {"host": "127.0.0.1", "port": self.port, "jetstream": f'{{store_dir: "{folder}/jetstream"}}',
                **settings}
        with open(self.configuration, "w", encoding="ascii") as out:
            out.writelines(f"{key}: {value}\n" for key, value in rows.items())

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([NATS_SERVER, "-c", self.configuration], stdout=log, stderr=log)
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("nats-server did not start")

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, requests, context=None, hello=None):
        """The answers to (subject, payload as JSON), in order."""
        link = socket.create_connection(("127.0.0.1", self.port), 20)
        file = link.makefile("rb")
        info = json.loads(file.readline().split(b" ", 1)[1])
        if context:
            link = context.wrap_socket(link, server_hostname="localhost")
            file = link.makefile("rb")
        hello = hello(info["nonce"]) if callable(hello) else hello or {}
        link.sendall(b"CONNECT " + json.dumps({"verbose": False, "lang": "test", **hello}).encode() +
                     b"\r\nSUB inbox.* 1\r\n")
        answers = []
        with link, file:
            for number, (subject, payload) in enumerate(requests):
                text = json.dumps(payload).encode() if payload is not None else b""
                link.sendall(f"PUB {subject} inbox.{number} {len(text)}\r\n".encode() + text + b"\r\n")
                while len(answers) <= number:
                    line = file.readline()
                    check(line and not line.startswith(b"-ERR"), f"{subject}: {line}")
                    if line.startswith(b"PING"):
                        link.sendall(b"PONG\r\n")
                    if line.startswith(b"MSG"):
                        answers.append(json.loads(file.read(int(line.split()[-1]))))
                        file.readline()
        return answers

    def api(self, subject, payload=None, **login):
        answer = self.ask([("$JS.API." + subject, payload)], **login)[0]
        check("error" not in answer, f"{subject}: {answer}")
        return answer

    def stream(self, **settings):
        self.api("STREAM.CREATE.RECORDS", {"name": "RECORDS", "subjects": ["qorgan.>"], "storage": "file", **settings})

    def count(self):
        return self.api("STREAM.INFO.RECORDS")["state"]["messages"]

    def rows(self, **login):
        state = self.api("STREAM.INFO.RECORDS", **login)["state"]
        answers = self.ask([("$JS.API.STREAM.MSG.GET.RECORDS", {"seq": at})
                            for at in range(state["first_seq"], state["last_seq"] + 1)], **login)
        rows = []
        for answer in answers:
            lines_of = base64.b64decode(answer["message"]["hdrs"]).decode().split("\r\n")
            check_equal((lines_of[0], answer["message"]["subject"]), ("NATS/1.0", TOPIC), "message")
            rows.append({"headers": dict(line.split(": ", 1) for line in lines_of[1:] if line),
                         "value": base64.b64decode(answer["message"]["data"]).decode()})
            headers = rows[-1]["headers"]
            check_equal(headers["Nats-Msg-Id"], headers["Qorgan-Origin"] + "/" + headers["Qorgan-Record"], "identifier")
        return rows


def over_kafka():
    """Kafka gets every record, in order by source, once while brokers fail, and none is missing after a death"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    state = os.path.join(folder, "state")
    kafka = Kafka(folder)
    url = f"kafka+tcp://{kafka.servers}/{TOPIC}"
    try:
        with Service(intakes=1) as service:
            feed(service, 0, 600)
            wait_kept(service, 600)
            forward = Forward(service, url, state, "--from", "start")
            check(wait_until(lambda: len(kafka.rows()) >= 600), "600 records\n" + forward.said())
            check_equal(len({row["partition"] for row in kafka.rows()}) > 1, True, "several partitions")
            check_equal(len({row["key"] for row in kafka.rows()}), 3, "a key for each source")
            # What brokers say in passing is borne by the library: nothing comes twice.
            for command in ("produce 7 4", "produce 6 3", "produce -195 3", "produce 19 2"):
                kafka.say(command)
            feed(service, 600, 600)
            wait_kept(service, 1200)
            check(wait_until(lambda: len(kafka.rows()) >= 1200), "1200 records\n" + forward.said())
            # All brokers go, records go on, and they come back.
            kafka.say("down")
            feed(service, 1200, 300)
            wait_kept(service, 1500)
            check(wait_until(lambda: "again in" in forward.said()), "it says that nobody is there\n" + forward.said())
            kafka.say("up")
            check(wait_until(lambda: len(kafka.rows()) >= 1500), "1500 records\n" + forward.said())
            check(wait_until(lambda: "takes records again" in forward.said(), 20), forward.said())
            check_rows(kafka.rows(), 1500)
            # The forwarder is killed when brokers have what they have not acknowledged.
            kafka.say("slow 6000")
            feed(service, 1500, 1500)
            wait_kept(service, 3000)
            time.sleep(2)
            forward.end(signal.SIGKILL)
            check(stated(state) < 3000, f"position {stated(state)}")
            kafka.say("slow 0")
            forward = Forward(service, url, state)
            check(wait_until(lambda: stated(state) >= 3000), "3000 records\n" + forward.said())
            check_equal(forward.end(), 0, "it stops cleanly")
            check(wait_until(lambda: len(set(records(kafka.rows()))) >= 3000), "3000 records at the consumer")
            check_rows(kafka.rows(), 3000, 2000)
            check(len(kafka.rows()) > 3000, "what was not acknowledged came again")
            check(stated(state) >= 3000, f"position {stated(state)}")
    finally:
        kafka.stop()
        shutil.rmtree(folder, ignore_errors=True)


def refused_by_kafka():
    """what a broker refuses for good is said with its record, comes again and is not overtaken"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    state = os.path.join(folder, "state")
    kafka = Kafka(folder, 1, 1)
    try:
        with Service(intakes=1) as service:
            kafka.say("produce 10 2")  # message too large
            feed(service, 0, 300)
            wait_kept(service, 300)
            forward = Forward(service, f"kafka+tcp://{kafka.servers}/{TOPIC}", state, "--from", "start")
            check(wait_until(lambda: len(kafka.rows()) >= 300), "300 records\n" + forward.said())
            check("did not take record" in forward.said() and "too large" in forward.said(), forward.said())
            check("takes records again" in forward.said(), forward.said())
            check_rows(kafka.rows(), 300)
            kafka.say("produce 29 1")  # no right to the topic
            feed(service, 300, 300)
            wait_kept(service, 600)
            check(wait_until(lambda: len(kafka.rows()) >= 600), "600 records\n" + forward.said())
            check("uthorization failed" in forward.said(), forward.said())
            check_equal(forward.end(), 0, "it stops cleanly")
            check_rows(kafka.rows(), 600)
            check_equal(records(kafka.rows()), sorted(records(kafka.rows())), "nothing is overtaken")
    finally:
        kafka.stop()
        shutil.rmtree(folder, ignore_errors=True)


def kafkas_topic():
    """a topic that is not there, or may not be written to, is told; once it can be, it gets what waited"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    brokers = []
    forwards = []
    reasons = {"3": "Unknown topic or partition", "29": "Topic authorization failed"}
    try:
        with Service(intakes=1) as service:
            feed(service, 0, 30)
            wait_kept(service, 30)
            for code in reasons:
                os.mkdir(os.path.join(folder, code))
                brokers.append(Kafka(os.path.join(folder, code)))
                brokers[-1].say("topic " + code)
                forwards.append(Forward(service, f"kafka+tcp://{brokers[-1].servers}/{TOPIC}",
                                        os.path.join(folder, "state-" + code), "--from", "start"))
            for kafka, forward, why in zip(brokers, forwards, reasons.values()):
                check(wait_until(lambda said=forward.said, why=why: why in said(), 60), forward.said())
                check_equal(kafka.rows(), [], "nothing was taken")
                kafka.say("topic 0")
                check(wait_until(lambda kafka=kafka: len(kafka.rows()) >= 30, 60), "30 records\n" + forward.said())
                check_equal(forward.end(), 0, "it stops cleanly")
                check_rows(kafka.rows(), 30)
    finally:
        for kafka in brokers:
            kafka.stop()
        shutil.rmtree(folder, ignore_errors=True)


def kafka_in_secret():
    """over TLS: certificates both ways, and a user by SCRAM; who is not who he must be gets nothing, and is told"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    other, other_key = certificate(folder, "other.example")
    kafka = Kafka(folder, 1, 2)
    plain = Secure(folder, kafka)
    users = Secure(folder, kafka, "qorgan", "secret-of-the-test")
    elsewhere = Secure(folder, kafka, name="elsewhere.example")
    for name, text in (("password", "secret-of-the-test\n"), ("wrong", "not-this-one\n")):
        with open(os.path.join(folder, name), "w", encoding="ascii") as out:
            out.write(text)
    show, known, away = (["--ca", front.certificate, "--certificate", front.client, "--key", front.client_key]
                         for front in (plain, users, elsewhere))
    user = [*known, "--user", "qorgan", "--password-file"]
    password, wrong = os.path.join(folder, "password"), os.path.join(folder, "wrong")
    stranger = ["--certificate", other, "--key", other_key]
    refusals = [
        (plain, ["--ca", other, *show[2:]], "certificate"),
        (elsewhere, away, "certificate"),  # which does not name this host
        (plain, [*show[:2], *stranger], "SSL"),
        (plain, show[:2], "SSL"),
        (users, [*user, wrong], "uthentication"),
    ]
    try:
        with Service(intakes=1) as service:
            feed(service, 0, 30)
            wait_kept(service, 30)
            for number, (front, arguments, why) in enumerate(refusals):
                state = os.path.join(folder, f"refused-{number}")
                forward = Forward(service, f"kafka+tls://localhost:{front.port}/{TOPIC}", state, "--from", "start",
                                  *arguments)
                check(wait_until(lambda: "again in" in forward.said(), 45), f"{number}: {forward.said()}")
                check(why in forward.said(), f"{number}, {why}: {forward.said()}")
                check_equal(forward.end(), 0, "it stops cleanly")
                check("not-this-one" not in forward.said(), "the password is not logged")
            check_equal(kafka.rows(), [], "nothing was given")
            rows = [(plain, show, set()),
                    (users, [*user, password], {"SCRAM-SHA-512"}),
                    (users, [*user, password, "--sasl", "scram-sha-256"], {"SCRAM-SHA-256"})]
            for number, (front, arguments, mechanism) in enumerate(rows):
                users.seen.clear()
                done = subprocess.run([QORGAN, "forward", "--data", service.data, "--to",
                                       f"kafka+tls://localhost:{front.port}/{TOPIC}", "--state",
                                       os.path.join(folder, f"state-{number}"), "--from", "start", "--once",
                                       *arguments], capture_output=True, text=True, check=False, timeout=60)
                check_equal(done.returncode, 0, done.stderr)
                check(wait_until(lambda: len(kafka.rows()) >= 30 * (number + 1)), f"{number}: {done.stderr}")
                check_equal(set(users.seen), mechanism, "how the user was proven")
            check_rows(kafka.rows()[:30], 30)
    finally:
        kafka.stop()
        for front in (plain, users, elsewhere):
            front.listener.close()
        shutil.rmtree(folder, ignore_errors=True)


def over_nats():
    """a stream of JetStream gets each record once, in order, though server and forwarder are killed"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    state = os.path.join(folder, "state")
    nats = Nats(folder)
    url = f"nats+tcp://127.0.0.1:{nats.port}/{TOPIC}"
    try:
        with Service(intakes=1) as service:
            feed(service, 0, 600)
            wait_kept(service, 600)
            # Nobody is there; then a server without a stream; then all is well.
            forward = Forward(service, url, state, "--from", "start")
            check(wait_until(lambda: "could not connect to NATS" in forward.said()), forward.said())
            nats.start()
            check(wait_until(lambda: "no stream of NATS takes the subject" in forward.said()), forward.said())
            nats.stream()
            check(wait_until(lambda: nats.count() >= 600), "600 records\n" + forward.said())
            check(wait_until(lambda: "takes records again" in forward.said()), forward.said())
            # The server is killed in the middle, time and again.
            for round_ in range(3):
                feed(service, 600 + 800 * round_, 800)
                nats.kill()
                wait_kept(service, 1400 + 800 * round_)
                nats.start()
                check(wait_until(lambda: nats.count() > 600 + 800 * round_), "it goes on\n" + forward.said())
            # The forwarder is killed when it has given what it does not know of yet.
            begun = forward.said().count(" go to ")
            feed(service, 3000, 2000)
            wait_until(lambda: nats.count() > 3000)
            forward.end(signal.SIGKILL)
            wait_kept(service, 5000)
            forward = Forward(service, url, state)
            check(wait_until(lambda: stated(state) >= 5000 and forward.said().count(" go to ") > begun),
                  "5000 records\n" + forward.said())
            check_equal(forward.end(), 0, "it stops cleanly")
            rows = nats.rows()
            check_rows(rows, 5000)
            check_equal(records(rows), sorted(records(rows)), "in order")
            # A batch that the stream has and the forwarder does not know of: as if it had died before it wrote.
            with open(os.path.join(state, "position"), "r+", encoding="ascii") as file:
                text = file.read()
                file.seek(0)
                file.truncate()
                file.write(f"{int(text.split()[0]) - 1000}\n{url}\n")
            done = subprocess.run([QORGAN, "forward", "--data", service.data, "--to", url, "--state", state, "--once"],
                                  capture_output=True, text=True, check=False, timeout=60)
            check_equal(done.returncode, 0, done.stderr)
            check_rows(nats.rows(), 5000)
    finally:
        nats.kill()
        shutil.rmtree(folder, ignore_errors=True)


def full_stream():
    """a stream that is full, or takes no message so large, is said with the record, and gets all once it has room"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    state = os.path.join(folder, "state")
    nats = Nats(folder, max_payload=4096)
    try:
        with Service(intakes=1) as service:
            nats.start()
            settings = {"name": "RECORDS", "subjects": ["qorgan.>"], "storage": "file", "discard": "new"}
            nats.stream(discard="new", max_msgs=100)
            feed(service, 0, 600)
            wait_kept(service, 600)
            forward = Forward(service, f"nats+tcp://127.0.0.1:{nats.port}/{TOPIC}", state, "--from", "start")
            check(wait_until(lambda: "maximum messages exceeded" in forward.said()), forward.said())
            check("the stream did not take record" in forward.said(), forward.said())
            check_equal(nats.count(), 100, "it is full")
            nats.api("STREAM.UPDATE.RECORDS", {**settings, "max_msgs": 100000, "duplicate_window": 120000000000})
            check(wait_until(lambda: nats.count() >= 600), "600 records\n" + forward.said())
            check_rows(nats.rows(), 600)
            service.tcp((lines(600, 1)[0] + " " + "x" * 5000 + "\n").encode())
            feed(service, 601, 30)
            check(wait_until(lambda: "max_payload" in forward.said()), forward.said())
            check_equal(nats.count(), 600, "nothing overtakes it")
            nats.kill()
            with open(nats.configuration, "a", encoding="ascii") as out:
                out.write("max_payload: 65536\n")
            nats.start()
            check(wait_until(lambda: nats.count() >= 631), "631 records\n" + forward.said())
            check_equal(forward.end(), 0, "it stops cleanly")
            check_equal(sorted(set(records(nats.rows()))), sorted(records(nats.rows())), "each once")
    finally:
        nats.kill()
        shutil.rmtree(folder, ignore_errors=True)


def nats_in_secret():
    """over TLS: certificates both ways, a user or a token; who is not who he must be gets nothing, and is told"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    crt, key = certificate(folder)
    client, client_key = certificate(folder, "client.example")
    other, other_key = certificate(folder, "other.example")
    secure = f'{{cert_file: "{crt}", key_file: "{key}", ca_file: "{client}", verify: true}}'
    wrong_name = f'{{cert_file: "{other}", key_file: "{other_key}"}}'
    servers = {
        "user": Nats(tempfile.mkdtemp(dir=folder), tls=secure,
                     authorization='{user: "qorgan", password: "secret-of-the-test"}'),
        "token": Nats(tempfile.mkdtemp(dir=folder), tls=secure, authorization='{token: "secret-of-the-test"}'),
        "elsewhere": Nats(tempfile.mkdtemp(dir=folder), tls=wrong_name),
        "plain": Nats(tempfile.mkdtemp(dir=folder)),
    }
    for name, text in (("secret", "secret-of-the-test\n"), ("wrong", "not-this-one\n")):
        with open(os.path.join(folder, name), "w", encoding="ascii") as out:
            out.write(text)
    secret, wrong = os.path.join(folder, "secret"), os.path.join(folder, "wrong")
    show = ["--ca", crt, "--certificate", client, "--key", client_key]
    context = ssl.create_default_context(cafile=crt)
    context.load_cert_chain(client, client_key)
    logins = {"user": {"context": context, "hello": {"user": "qorgan", "pass": "secret-of-the-test"}},
              "token": {"context": context, "hello": {"auth_token": "secret-of-the-test"}}}
    user = ["--user", "qorgan", "--password-file", secret]
    refusals = [
        ("user", ["--ca", other, *show[2:], *user], "ertificate"),
        ("elsewhere", ["--ca", other], "hostname mismatch"),
        ("user", [*show[:2], "--certificate", other, "--key", other_key, *user], "another certificate"),
        ("user", [*show[:2], *user], "another certificate"),
        ("user", [*show, "--user", "qorgan", "--password-file", wrong], "uthorization"),
        ("token", [*show, "--token-file", wrong], "uthorization"),
        ("plain", show, "Secure Connection not available"),  # never in the clear when TLS was asked for
    ]
    try:
        with Service(intakes=1) as service:
            feed(service, 0, 30)
            wait_kept(service, 30)
            for nats in servers.values():
                nats.start()
            for name, login in (*logins.items(), ("plain", {})):
                servers[name].api("STREAM.CREATE.RECORDS", {"name": "RECORDS", "subjects": ["qorgan.>"]}, **login)
            for number, (name, arguments, why) in enumerate(refusals):
                state = os.path.join(folder, f"refused-{number}")
                url = f"nats+tls://localhost:{servers[name].port}/{TOPIC}"
                forward = Forward(service, url, state, "--from", "start", *arguments)
                check(wait_until(lambda: "again in" in forward.said()), f"{number}: {forward.said()}")
                check("could not connect to NATS" in forward.said(), f"{number}: {forward.said()}")
                check(why in forward.said(), f"{number}, {why}: {forward.said()}")
                check_equal(forward.end(), 0, "it stops cleanly")
                check("not-this-one" not in forward.said(), "no secret is logged")
            check_equal(servers["plain"].count(), 0, "nothing goes in the clear")
            for name, arguments in (("user", user), ("token", ["--token-file", secret])):
                check_equal(servers[name].api("STREAM.INFO.RECORDS", **logins[name])["state"]["messages"], 0, name)
                done = subprocess.run([QORGAN, "forward", "--data", service.data, "--to",
                                       f"nats+tls://localhost:{servers[name].port}/{TOPIC}", "--state",
                                       os.path.join(folder, "state-" + name), "--from", "start", "--once", *show,
                                       *arguments], capture_output=True, text=True, check=False, timeout=60)
                check_equal(done.returncode, 0, done.stderr)
                check_rows(servers[name].rows(**logins[name]), 30)
    finally:
        for nats in servers.values():
            nats.kill()
        shutil.rmtree(folder, ignore_errors=True)


class Nkey:
    """A key pair of NATS: Ed25519, named in base32 of a prefix, the key and its CRC-16 (XMODEM)."""

    PREFIXES = {"operator": 14 << 3, "account": 0, "user": 20 << 3}

    def __init__(self, kind):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        prefix = self.PREFIXES[kind]
        raw = os.urandom(32)
        self.key = Ed25519PrivateKey.from_private_bytes(raw)
        public = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.name = self.text(bytes([prefix]) + public)
        self.seed = self.text(bytes([(18 << 3) | (prefix >> 5), (prefix & 31) << 3]) + raw)

    @staticmethod
    def text(value):
        crc = 0
        for byte in value:
            crc ^= byte << 8
            for _ in range(8):
                crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xffff
        return base64.b32encode(value + struct.pack("<H", crc)).decode().rstrip("=")

    def jwt(self, subject, name, claims):
        """What this key says of another, or of itself."""
        def part(value):
            return base64.urlsafe_b64encode(value).decode().rstrip("=")
        claim = {"jti": os.urandom(16).hex(), "iat": int(time.time()), "iss": self.name, "name": name, "sub": subject,
                 "nats": {"version": 2, **claims}}
        text = part(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode()) + "." + part(json.dumps(claim).encode())
        return text + "." + part(self.key.sign(text.encode()))


def creds_file(folder, name, jwt, seed):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
        out.write(f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
                  f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n")
    return path


def nats_by_creds():
    """--creds-file: a user that an account vouches for gets in, one of another account and a wrong key do not, and
    nothing of a file is said"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    try:
        operator, account, user, stranger = (Nkey(kind) for kind in ("operator", "account", "user", "user"))
    except ImportError as reason:
        raise Skip("python3-cryptography is not installed") from reason
    other, system = Nkey("account"), Nkey("account")
    every = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1}
    limits = {key: -1 for key in ("subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage",
                                  "disk_storage", "streams", "consumer")}
    store = operator.jwt(account.name, "shop", {"type": "account", "limits": {**limits, "wildcards": True}})
    few = {"subs": -1, "conn": -1, "wildcards": True}  # JetStream is not for the system's own account
    around = operator.jwt(system.name, "system", {"type": "account", "limits": few})
    crt, key = certificate(folder)
    nats = Nats(folder, tls=f'{{cert_file: "{crt}", key_file: "{key}"}}', system_account=system.name,
                operator=operator.jwt(operator.name, "op", {"type": "operator"}), resolver="MEMORY",
                resolver_preload=f'{{ {account.name}: "{store}", {system.name}: "{around}" }}')
    jwt = account.jwt(user.name, "qorgan", {"type": "user", **every})
    files = {
        "good": creds_file(folder, "good.creds", jwt, user.seed),
        "key": creds_file(folder, "key.creds", jwt, stranger.seed),
        "sum": creds_file(folder, "sum.creds", jwt, user.seed[:-1] + ("A" if user.seed[-1] != "A" else "Q")),
        "account": creds_file(folder, "account.creds", other.jwt(user.name, "qorgan", {"type": "user", **every}),
                              user.seed),
        "form": creds_file(folder, "form.creds", jwt, "SUAAAA"),
    }
    url = f"nats+tls://localhost:{nats.port}/{TOPIC}"
    try:
        with Service(intakes=1) as service:
            feed(service, 0, 30)
            wait_kept(service, 30)
            nats.start()
            for name in ("key", "sum", "account"):
                forward = Forward(service, url, os.path.join(folder, "state-" + name), "--from", "start", "--ca", crt,
                                  "--creds-file", files[name])
                check(wait_until(lambda said=forward.said: "could not connect to NATS" in said()),
                      f"{name}: {forward.said()}")
                check_equal(forward.end(), 0, "it stops cleanly")
                check("eyJ" not in forward.said() and user.seed[:8] not in forward.said(), "no secret is logged")
            for arguments, why in ((["--creds-file", files["form"]], "not that of a user"),
                                   (["--creds-file", crt], "no whole part"),
                                   (["--creds-file", files["good"], "--token-file", crt], "--user, --token-file or")):
                done = service.run("forward", "--to", url, "--state", os.path.join(folder, "none"), *arguments,
                                   check=False)
                check(done.returncode != 0 and why in done.stderr.decode(), f"{why}: {done.stderr.decode()}")
            forward = Forward(service, url, os.path.join(folder, "state"), "--from", "start", "--ca", crt,
                              "--creds-file", files["good"])
            check(wait_until(lambda: "no stream of NATS takes" in forward.said()), forward.said())
            context = ssl.create_default_context(cafile=crt)
            login = user_hello(user, jwt)
            nats.api("STREAM.CREATE.RECORDS", {"name": "RECORDS", "subjects": ["qorgan.>"]}, context=context,
                     hello=login)
            position = os.path.join(folder, "state")
            check(wait_until(lambda: os.path.exists(position + "/position") and stated(position) >= 30), forward.said())
            check_equal(forward.end(), 0, "it stops cleanly")
            check("eyJ" not in forward.said() and user.seed[:8] not in forward.said(), "no secret is logged")
            check_rows(nats.rows(context=context, hello=login), 30)
    finally:
        nats.kill()
        shutil.rmtree(folder, ignore_errors=True)


def user_hello(user, jwt):
    """How the test itself signs in: made anew for each nonce of the server."""

    def hello(nonce):
        return {"jwt": jwt, "sig": base64.urlsafe_b64encode(user.key.sign(nonce.encode())).decode().rstrip("=")}
    return hello


def stopped_with_a_full_window():
    """SIGTERM while Kafka and NATS have not acknowledged a full window: what is under way is waited for, and comes
    once; a receiver that stays silent does not keep it from ending"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    kafka = Kafka(folder)
    nats = Nats(folder)
    try:
        with Service(intakes=1) as service:
            nats.start()
            nats.stream()
            feed(service, 0, 30)
            wait_kept(service, 30)
            urls = {"kafka": f"kafka+tcp://{kafka.servers}/{TOPIC}",
                    "nats": f"nats+tcp://127.0.0.1:{nats.port}/{TOPIC}"}
            states = {name: os.path.join(folder, name) for name in urls}
            rows = {"kafka": kafka.rows, "nats": nats.rows}
            forwards = {name: Forward(service, url, states[name], "--from", "start") for name, url in urls.items()}
            for name, forward in forwards.items():
                check(wait_until(lambda name=name: len(rows[name]()) >= 30), forward.said())
            kafka.say("slow 1500")
            os.kill(nats.process.pid, signal.SIGSTOP)
            for forward in forwards.values():  # so that none is busy with the few that are signed first
                forward.process.send_signal(signal.SIGSTOP)
            feed(service, 30, 3000)
            wait_kept(service, 3030)
            check(wait_until(lambda: signed_size(service) >= 3030), "all are under a checkpoint")
            for forward in forwards.values():
                forward.process.send_signal(signal.SIGCONT)
            time.sleep(1)
            threading.Timer(2, os.kill, (nats.process.pid, signal.SIGCONT)).start()
            began = time.time()
            for forward in forwards.values():
                forward.process.send_signal(signal.SIGTERM)
            for name, forward in forwards.items():
                check_equal(forward.process.wait(30), 0, f"{name}: it stops cleanly")
                check(time.time() - began < 12, f"{name}: it ended after {time.time() - began:.1f} s")
                check(100 < stated(states[name]) < 3000, f"{name}: position {stated(states[name])}\n{forward.said()}")
            kafka.say("slow 0")
            for name, url in urls.items():
                forward = Forward(service, url, states[name])
                check(wait_until(lambda name=name: stated(states[name]) >= 3030), forward.said())
                check_equal(forward.end(), 0, "it stops cleanly")
                check(wait_until(lambda name=name: len(set(records(rows[name]()))) >= 3030), "all at the consumer")
                check_rows(rows[name](), 3030)
            # One that stays silent: it ends, in its time.
            forwards = {name: Forward(service, url, states[name]) for name, url in urls.items()}
            time.sleep(2)
            os.kill(nats.process.pid, signal.SIGSTOP)
            kafka.say("slow 30000")
            feed(service, 3030, 1000)
            wait_kept(service, 4030)
            for name, forward in forwards.items():
                began = time.time()
                check_equal(forward.end(), 0, f"{name}: it stops cleanly\n{forward.said()}")
                took = time.time() - began
                check(took < 20, f"{name}: it ended after {took:.1f} s")
            os.kill(nats.process.pid, signal.SIGCONT)
            forward = Forward(service, urls["nats"], states["nats"])
            check(wait_until(lambda: stated(states["nats"]) >= 4030), forward.said())
            check_equal(forward.end(), 0, "it stops cleanly")
            check_rows(nats.rows(), 4030)
    finally:
        kafka.stop()
        nats.kill()
        shutil.rmtree(folder, ignore_errors=True)


def words_of_a_server():
    """what a server says stands in the log and in the status without control characters, and cut"""
    folder = tempfile.mkdtemp(prefix="qorgan-forward-")
    evil = "no\x1b]0;title\x07\x1b[2J\x9b31m \u202egnp\u200b" + "x" * 3000
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                with link:
                    link.sendall(b'INFO {"server_id":"x","version":"2.9.0","max_payload":1000000,"headers":true}\r\n')
                    link.recv(4096)
                    link.sendall(b"-ERR '" + evil.encode() + b"'\r\n")
                    time.sleep(0.2)

        threading.Thread(target=serve, daemon=True).start()
        try:
            with Service(intakes=1) as service:
                feed(service, 0, 3)
                wait_kept(service, 3)
                state = os.path.join(folder, "state")
                forward = Forward(service, f"nats+tcp://127.0.0.1:{listener.getsockname()[1]}/{TOPIC}", state, "--from",
                                  "start")
                check(wait_until(lambda: "again in" in forward.said()), forward.said())
                check_equal(forward.end(), 0, "it stops cleanly")
                with open(os.path.join(state, "status"), encoding="utf-8") as file:
                    told = json.load(file)["error"]
                for text in (forward.said(), told):
                    check("]0;title" in text, f"the server's words: {text[:600]!r}")
                    odd = [c for c in text if c != "\n" and (c < " " or c in "\x7f\x9b\u202e\u200b")]
                    check_equal(odd, [], "what is not plain")
                    check("x" * 500 not in text, f"{len(text)} characters")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main([over_kafka, refused_by_kafka, kafka_in_secret, over_nats, full_stream, nats_in_secret,
                   nats_by_creds, stopped_with_a_full_window, words_of_a_server],
                  beside=[kafkas_topic]))
