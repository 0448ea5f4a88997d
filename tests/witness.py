#!/usr/bin/env python3
"""witness - scenario tests of witnesses, time stamps and the daily sheet, against the real programs. TAP.

An implementation of the C2SP formats of its own stands in this file: notes, key ids, cosignatures, RFC 6962 proofs.
What the server and `qorgan witness` write must satisfy it, and what it writes must satisfy them.
"""
import base64
import contextlib
import hashlib
import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from service import QORGAN, VERIFY, Service, Skip, check, check_equal, free_port, main
from web_api import Web

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ImportError:
    Ed25519PrivateKey = None

DASH = "\u2014"


# ---- an implementation of the formats ----

def key_id(name, kind, public):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


class Key:
    """A verifier key: name+id+base64(type || public key)."""

    def __init__(self, vkey):
        self.name, given, rest = vkey.strip().split("+", 2)
        raw = base64.b64decode(rest, validate=True)
        self.kind, self.public = raw[0], raw[1:]
        self.id = key_id(self.name, self.kind, self.public)
        check_equal(self.id.hex(), given, f"key id of {self.name}")

    def verify(self, note):
        """The time of its cosignature, 0 for a log's signature, None when it did not sign; a false line is an error."""
        text, lines = split_note(note)
        for name, raw in lines:
            if name != self.name or raw[:4] != self.id:
                continue
            stamp = 0
            message = text.encode()
            if self.kind == 4:
                stamp = int.from_bytes(raw[4:12], "big")
                message = f"cosignature/v1\ntime {stamp}\n".encode() + message
                raw = raw[:4] + raw[12:]
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw[4:], message)
            return stamp
        return None


class Log:
    """A log of our own: to ask a witness as another implementation would."""

    def __init__(self, name, seed):
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.name = name
        self.public = self.private.public_key().public_bytes_raw()
        self.id = key_id(name, 1, self.public)
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(bytes([1]) + self.public).decode()}"
        self.leaves = []

    def grow(self, count):
        for _ in range(count):
            self.leaves.append(hashlib.sha256(b"\0" + str(len(self.leaves)).encode()).digest())

    def note(self, size, root=None, extension=""):
        text = f"{self.name}\n{size}\n{base64.b64encode(root or tree_root(self.leaves[:size])).decode()}\n{extension}"
        line = base64.b64encode(self.id + self.private.sign(text.encode())).decode()
        return f"{text}\n{DASH} {self.name} {line}\n"

    def request(self, old, size, note=None, proof=None):
        hashes = consistency(old, self.leaves[:size], True) if proof is None and 0 < old <= size else proof or []
        lines = "".join(base64.b64encode(value).decode() + "\n" for value in hashes)
        return f"old {old}\n{lines}\n{note or self.note(size)}"


def split_note(note):
    text, tail = note.rsplit("\n\n", 1)
    lines = []
    for line in tail.splitlines():
        dash, name, raw = line.split(" ")
        check_equal(dash, DASH, "a signature line")
        lines.append((name, base64.b64decode(raw, validate=True)))
    return text + "\n", lines


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(count):
    return 1 << (count - 1).bit_length() - 1


def tree_root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(tree_root(leaves[:k]), tree_root(leaves[k:]))


def consistency(old, leaves, whole):
    """RFC 6962 section 2.1.2, by its definition."""
    if old == len(leaves):
        return [] if whole else [tree_root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return consistency(old, leaves[:k], whole) + [tree_root(leaves[k:])]
    return consistency(old - k, leaves[k:], False) + [tree_root(leaves[:k])]


# ---- programs ----

class Witness:
    def __init__(self, folder, name, *logs, port=0, arguments=()):
        self.folder, self.name, self.logs, self.arguments = folder, name, logs, arguments
        self.port = port or free_port()
        self.process = None

    def start(self):
        keys = [part for log in self.logs for part in ("--log", log)]
        self.log = open(self.folder + ".log", "ab")
        begin = self.log.tell()
        self.process = subprocess.Popen(
            [QORGAN, "witness", "--data", self.folder, "--name", self.name, "--port", str(self.port), *keys,
             *self.arguments], stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.time() + 15
        while time.time() < deadline and "logs  " not in self.read_log(begin):
            check(self.process.poll() is None, "the witness did not start:\n" + self.read_log(begin))
            time.sleep(0.05)
        text = self.read_log(begin)
        self.vkey = text.split("key   ", 1)[1].splitlines()[0]
        self.url = text.split("at    ", 1)[1].splitlines()[0]
        return self

    def read_log(self, begin=0):
        with open(self.folder + ".log", "rb") as log:
            log.seek(begin)
            return log.read().decode()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            check_equal(self.process.wait(15), 0, "exit status of a stopped witness")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def post(self, body, path="/add-checkpoint", context=None):
        """(status, content type, body)"""
        data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(self.url + path, data=data, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers["Content-Type"], answer.read().decode()

    def show(self, *arguments):
        keys = [part for log in self.logs for part in ("--log", log)]
        done = subprocess.run([QORGAN, "witness", "--data", self.folder, "--show", "--json", *keys, *arguments],
                              capture_output=True, text=True, check=False, timeout=30)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="qorgan-witness-")
    started = []
    try:
        yield path, started
    finally:
        for witness in started:
            witness.kill()
        shutil.rmtree(path, ignore_errors=True)


def wait(what, seconds=40):
    deadline = time.time() + seconds
    while time.time() < deadline:
        value = what()
        if value:
            return value
        time.sleep(0.2)
    return what()


def need_cryptography():
    if Ed25519PrivateKey is None:
        raise Skip("python3-cryptography is not installed")


# ---- the witness alone ----

def every_answer():
    """A witness answers each request with the status of the specification, and remembers through a kill"""
    need_cryptography()
    log, other = Log("log.test/a", 1), Log("log.test/b", 2)
    log.grow(300)
    other.grow(5)
    with folder() as (path, started):
        witness = Witness(path, "w.test/one", log.vkey)
        started.append(witness)
        witness.start()
        key = Key(witness.vkey)
        check_equal(key.kind, 4, "type of the witness's key")
        check_equal(witness.post(other.request(0, 5))[0], 404, "an unknown origin")
        check_equal(witness.post(Log("log.test/a", 9).request(0, 0))[0], 403, "a false key")
        check_equal(witness.post(log.request(0, 300) + "x")[0], 400, "something behind the note")
        check_equal(witness.post("old 5\n\n")[0], 400, "no note")
        check_equal(witness.post(log.request(7, 5, proof=[]))[0], 400, "an old size above the new one")
        check_equal(witness.post("x" * 200000)[0], 413, "a body without end")
        check_equal(witness.post("old 0\n", path="/other")[0], 404, "another path")
        check_equal(witness.post(log.request(3, 100))[:2], (409, "text/x.tlog.size"), "nothing was cosigned yet")
        sizes = [100, 100, 101, 128, 256, 299]
        seen = 0
        for size in sizes:
            before = int(time.time())
            status, _, line = witness.post(log.request(seen, size))
            check_equal(status, 200, f"from {seen} to {size}: {line}")
            stamp = key.verify(log.note(size) + line)
            check(stamp is not None and before <= stamp <= time.time() + 1, f"time of the cosignature: {stamp}")
            check_equal(line.count("\n"), 1, "lines of the answer")
            seen = size
        check_equal(witness.post(log.request(100, 300))[::2], (409, "299\n"), "an old size that is not the last")
        check_equal(witness.post(log.request(0, 300))[::2], (409, "299\n"), "a log that forgot")
        forged = log.note(299, root=bytes(32))
        check_equal(witness.post(log.request(299, 299, note=forged))[0], 409, "another root of the same size")
        bad = consistency(299, log.leaves, True)
        bad[0] = bytes(32)
        check_equal(witness.post(log.request(299, 300, proof=bad))[0], 422, "a proof that does not hold")
        check_equal(witness.post(log.request(299, 300, note=log.note(300, root=bytes(32))))[0], 422, "a forged root")
        check("inconsistent tree" in witness.read_log(), "the witness does not tell of a fork")
        # What it remembers outlives it, killed or not; another key of the same folder is refused.
        witness.kill()
        witness.start()
        check_equal(key.id, Key(witness.vkey).id, "the key after a restart")
        check_equal(witness.post(log.request(100, 300))[::2], (409, "299\n"), "what it remembers")
        check_equal(witness.post(log.request(299, 300))[0], 200, "and goes on from")
        check_equal(witness.show()[0], 0, "exit status of --show")
        row = witness.show()[1][0]
        check_equal((row["origin"], row["size"], row["alarm"]), (log.name, 300, False), "what it shows")
        time.sleep(2.2)
        status, rows = witness.show("--silent", "2")
        check_equal((status, rows[0]["alarm"]), (1, True), "a log that does not grow")
        witness.stop()


def two_at_once():
    """Requests that cross: one size is cosigned once, and the memory never goes back."""
    need_cryptography()
    log = Log("log.test/race", 3)
    log.grow(200)
    with folder() as (path, started):
        witness = Witness(path, "w.test/race", log.vkey)
        started.append(witness)
        witness.start()
        check_equal(witness.post(log.request(0, 50))[0], 200, "the first")
        answers = []
        def ask(size):
            answers.append((size, witness.post(log.request(50, size))))

        threads = [threading.Thread(target=ask, args=(size,)) for size in range(60, 92)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        good = [size for size, answer in answers if answer[0] == 200]
        check_equal(len(good), 1, "cosigned of 32 that crossed")
        check_equal(sum(answer[::2] == (409, f"{good[0]}\n") for _, answer in answers), 31, "the others were told")
        check_equal(witness.show()[1][0]["size"], good[0], "what is remembered")


def damaged_memory():
    """A witness refuses a forged memory, a lost key, and a second witness on its folder"""
    need_cryptography()
    log = Log("log.test/damage", 4)
    log.grow(20)
    with folder() as (path, started):
        witness = Witness(path, "w.test/damage", log.vkey)
        started.append(witness)
        witness.start()
        check_equal(witness.post(log.request(0, 20))[0], 200, "the first")
        second = subprocess.run([QORGAN, "witness", "--data", path, "--port", "0", "--log", log.vkey],
                                capture_output=True, text=True, check=False, timeout=20)
        check(second.returncode == 1 and "another witness runs" in second.stderr, "two witnesses share a folder")
        witness.stop()
        [name] = os.listdir(path + "/logs")
        with open(f"{path}/logs/{name}", "r+", encoding="utf-8") as memory:
            text = memory.read().replace("\n20\n", "\n10\n")
            memory.seek(0)
            memory.write(text)
        again = subprocess.run([QORGAN, "witness", "--data", path, "--port", "0", "--log", log.vkey],
                               capture_output=True, text=True, check=False, timeout=20)
        check(again.returncode == 1 and "is damaged" in again.stderr, "a forged memory is believed: " + again.stderr)
        os.unlink(path + "/witness.key")
        lost = subprocess.run([QORGAN, "witness", "--data", path, "--port", "0", "--log", log.vkey],
                              capture_output=True, text=True, check=False, timeout=20)
        check(lost.returncode == 1 and "witness.key is gone" in lost.stderr, "a lost key: " + lost.stderr)


def long_checkpoints():
    """What a log sends, however long, never keeps a witness from starting again"""
    need_cryptography()
    log = Log("log.test/long", 8)
    log.grow(9)
    with folder() as (path, started):
        witness = Witness(path, "w.test/long", log.vkey)
        started.append(witness)
        witness.start()
        seen = 0
        for size, room in enumerate((0, 400, 800, 1000, 1023, 1024, 1025, 1500), 1):
            note = log.note(size, extension="x" * (65536 - room - len(log.note(size).encode()) - 1) + "\n")
            check_equal(len(note.encode()), 65536 - room, "bytes of the note")
            status = witness.post(log.request(seen, size, note=note))[0]
            check_equal(status, 200 if room >= 1024 else 400, f"a note of {65536 - room} bytes")
            seen = size if status == 200 else seen
            witness.stop()
            witness.start()
            check_equal(witness.show()[1][0]["size"], seen, "what it remembers")


def over_tls():
    """A witness speaks HTTPS with a certificate of its own"""
    need_cryptography()
    log = Log("log.test/tls", 5)
    log.grow(3)
    with folder() as (path, started):
        witness = Witness(path, "w.test/tls", log.vkey, arguments=("--tls",))
        started.append(witness)
        witness.start()
        check(witness.url.startswith("https://"), witness.url)
        context = ssl.create_default_context(cafile=path + "/tls.crt")
        check_equal(witness.post(log.request(0, 3), context=context)[0], 200, "over TLS")


# ---- the service and two witnesses ----

def prepared(path, started, **settings):
    """A service with an origin, two witnesses that know it, and the policy of both."""
    service = Service(data=os.path.join(path, "data"), witness_interval_s=2, **settings)
    service.start()
    service.stop()
    vkey = service.public_key()
    witnesses = [Witness(os.path.join(path, f"w{i}"), f"w{i}.test", vkey) for i in (1, 2)]
    for witness in witnesses:
        started.append(witness)
        witness.start()
    policy = os.path.join(path, "policy")
    write_policy(policy, vkey, witnesses, 2)
    service.settings["witness-policy"] = policy
    return service, witnesses, policy


def write_policy(path, vkey, witnesses, k):
    with open(path, "w", encoding="ascii") as out:
        out.write(f"log {vkey}\n")
        for witness in witnesses:
            out.write(f"witness {witness.name} {witness.vkey} http://127.0.0.1:{witness.port}/\n")
        out.write(f"group both {k} {' '.join(witness.name for witness in witnesses)}\nquorum both\n")


def cosigned(service):
    try:
        with open(service.data + "/archive/checkpoints/cosigned", encoding="utf-8") as note:
            return note.read()
    except FileNotFoundError:
        return None


def latest(service):
    with open(service.data + "/archive/checkpoints/latest", encoding="utf-8") as note:
        return note.read()


def size_of(note):
    return int(note.splitlines()[1]) if note else -1


def records(service, event):
    """Lifecycle records of that kind, the newest last."""
    found = []
    for hit in service.search(f'"{event}"'):
        body = json.loads(hit["raw"]) if hit["type"] == "lifecycle" else {}
        if body.get("event") == event:
            found.append((hit["record"], body))
    return [body for _, body in sorted(found, key=lambda pair: pair[0])]


def end_to_end():
    """Two witnesses cosign what the service signs; one dies and comes back; the service is started anew"""
    need_cryptography()
    with folder() as (path, started):
        service, witnesses, policy = prepared(path, started)
        with contextlib.ExitStack() as stack:
            stack.callback(service.kill)
            service.start()
            note = wait(lambda: cosigned(service))
            check(note is not None, "nothing was cosigned:\n" + service.read_log())
            check_equal(Key(service.public_key()).verify(note), 0, "the log's line")
            for witness in witnesses:
                stamp = Key(witness.vkey).verify(note)
                check(stamp and abs(stamp - time.time()) < 60, f"the line of {witness.name}: {stamp}")
                check_equal(witness.show()[1][0]["size"] >= size_of(note), True, "the witness knows it")
            # A record's proof satisfies the quorum, offline.
            proof = os.path.join(path, "proof")
            service.proof(0, proof)
            done = subprocess.run([VERIFY, "--policy", policy, "--proof", proof], capture_output=True, text=True,
                                  check=False)
            check_equal(done.returncode, 0, "the proof under the policy: " + done.stdout + done.stderr)
            # The same proof without one of the lines does not.
            with open(proof, encoding="utf-8") as text:
                lines = [line for line in text if not line.startswith(f"{DASH} w2.test ")]
            with open(proof, "w", encoding="utf-8") as out:
                out.writelines(lines)
            done = subprocess.run([VERIFY, "--policy", policy, "--proof", proof], capture_output=True, text=True,
                                  check=False)
            check_equal(done.returncode, 1, "a proof with one witness of two")
            shown(service)
            killed_and_back(service, witnesses)
            restarted(service, witnesses)
            done = subprocess.run([VERIFY, "--data", service.data + "/archive", "--policy", policy],
                                  capture_output=True, text=True, check=False, timeout=120)
            check_equal(done.returncode, 0, "the archive under the policy: " + done.stdout + done.stderr)
            forget(service, policy)
            done = service.run("verify")
            check(b"good" in done.stdout, done.stdout.decode())


def forget(service, policy):
    """Without the note that has the quorum, or with a line less, an archive does not satisfy the policy."""
    service.stop()
    path = service.data + "/archive/checkpoints/cosigned"
    whole = cosigned(service)
    short = "".join(line for line in whole.splitlines(True) if not line.startswith(f"{DASH} w1.test "))
    for text in (None, short, whole.replace(f"{DASH} w1.test ", f"{DASH} w1.test A", 1)):
        os.unlink(path)
        if text:
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        done = subprocess.run([VERIFY, "--data", service.data + "/archive", "--policy", policy], capture_output=True,
                              text=True, check=False, timeout=120)
        check_equal(done.returncode, 1, f"an archive with {text!r}")
        with open(path, "w", encoding="utf-8") as out:
            out.write(whole)
    with open(path, "w", encoding="utf-8") as out:
        out.write("x\n")
    read = service.run("search", "--limit", "1", "type:lifecycle")
    check(read.stdout and b"checkpoints/cosigned" in read.stderr, "a damaged note closes the archive")
    judged = service.run("verify", check=False)
    check(judged.returncode == 1 and b"checkpoints/cosigned" in judged.stdout + judged.stderr, str(judged))
    with open(path, "w", encoding="utf-8") as out:
        out.write(whole)
    os.chmod(path, 0o640)
    judged = service.run("doctor", check=False)
    lines = [line for line in judged.stdout.decode().splitlines() if "cosigned" in line and "warning owner" not in line]
    check(b"records read" in judged.stdout and not lines, judged.stdout.decode())  # its owner is who runs this test


def shown(service):
    """The page of the archive, the API and the sheet that the page gives show what the witnesses did."""
    web = Web(service)
    listed = wait(lambda: [row for row in web.ask("witness.list")["witnesses"] if row["state"] == "good"])
    check_equal(len(listed), 2, f"good witnesses: {web.ask('witness.list')}")
    check(all(row["size"] > 0 and row["time_ns"] > 0 and row["error"] == "" for row in listed), str(listed))
    status, _, page = web.request("GET", "/archive")
    check_equal(status, 200, "the page")
    check('id="witnesses"' in page and ">w1.test<" in page and ">w2.test<" in page, page)
    status, headers, sheet_of_page = web.request("GET", "/archive/sheet.html")
    check_equal((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"), "the sheet")
    check("<svg" in sheet_of_page and "w1.test" in sheet_of_page, sheet_of_page[:2000])
    _, _, note = web.request("GET", "/archive/checkpoint.txt")
    check_equal({name for name, _ in split_note(note)[1][1:]}, {"w1.test", "w2.test"}, "who stands in the download")


def killed_and_back(service, witnesses):
    """One witness gone: two intervals later it is told, with the quorum; it comes back and goes on where it was."""
    witnesses[1].kill()
    check(wait(lambda: records(service, "witness.missing")), "a dead witness is not told")
    check_equal(records(service, "witness.missing")[-1]["name"], "w2.test", "who is missing")
    check(wait(lambda: records(service, "quorum.lost")), "a lost quorum is not told")
    before = size_of(cosigned(service))
    witnesses[1].start()
    check(wait(lambda: records(service, "witness.back")), "its return is not told")
    check(wait(lambda: records(service, "quorum.reached")), "the quorum is not told")
    check(wait(lambda: size_of(cosigned(service)) > before), "no cosigned checkpoint after its return")


def restarted(service, witnesses):
    """The server is started anew and asks from zero: the witnesses say from where."""
    service.stop()
    before = size_of(cosigned(service))
    service.start()
    check(wait(lambda: size_of(cosigned(service)) > before), "no cosigned checkpoint after a restart")
    check(all(witness.show()[1][0]["size"] > before for witness in witnesses), "a witness was left behind")
    for pid in service.pids("out"):
        os.kill(pid, signal.SIGKILL)
    before = size_of(cosigned(service))
    check(wait(lambda: size_of(cosigned(service)) > before), "no cosigned checkpoint after out was killed")


def rollback():
    """Yesterday's copy of the whole data folder, keys and signer's state with it: only the witnesses can know."""
    need_cryptography()
    with folder() as (path, started):
        service, witnesses, _ = prepared(path, started)
        with contextlib.ExitStack() as stack:
            stack.callback(service.kill)
            service.start()
            check(wait(lambda: cosigned(service)), "nothing was cosigned")
            service.stop()
            shutil.copytree(service.data, path + "/yesterday", symlinks=True, ignore=shutil.ignore_patterns("run"))
            keep_owners(service.data, path + "/yesterday")
            service.start()
            service.tcp(b"<13>Nov 20 10:00:00 host app: a line that will be gone\n" * 3000)
            grown = size_of(cosigned(service))
            check(wait(lambda: size_of(cosigned(service)) > grown + 3000), "the tree does not grow")
            service.stop()
            shutil.rmtree(service.data)
            os.rename(path + "/yesterday", service.data)
            service.start()
            found = wait(lambda: records(service, "witness.behind"))
            check(found, "the rollback is not told:\n" + service.read_log()[-2000:])
            check("it has cosigned" in found[-1]["error"], str(found[-1]))
            # Grown past what was cosigned, it is still another tree.
            service.tcp(b"<13>Nov 20 10:00:00 host app: another line in its place\n" * 6000)
            check(wait(lambda: records(service, "witness.forked"), 60), "the fork is not told")
            check(wait(lambda: incident(service, "qorgan-witness-behind")), "the rollback opened no event in the desk")
            check(any("it was rolled back" in witness.read_log() for witness in witnesses), "a witness keeps silent")
            check(any("inconsistent tree" in witness.read_log() for witness in witnesses), "the witness does not tell")
            check(wait(lambda: incident(service, "qorgan-witness-forked")), "no event was opened in the desk")


def keep_owners(source, target):
    for base, folders, files in os.walk(target):
        for name in ["", *folders, *files]:
            here = os.path.join(base, name)
            state = os.lstat(os.path.join(source, os.path.relpath(here, target)))
            os.lchown(here, state.st_uid, state.st_gid)


def incident(service, rule):
    return [body for body in records(service, "incident.detected") if body.get("rule_id") == rule]


def silent_keeper():
    """A keeper that stands still for a minute is an event: of the newest record it spoke of, when it did"""
    with folder() as (path, _):
        service = Service(data=os.path.join(path, "data"))
        with contextlib.ExitStack() as stack:
            stack.callback(service.kill)
            service.start()
            check(wait(lambda: os.path.exists(service.data + "/archive/checkpoints/latest")), "nothing is signed")
            time.sleep(2)
            begin = time.time()
            os.kill(service.pids("keeper")[0], signal.SIGSTOP)
            time.sleep(67)
            os.kill(service.pids("keeper")[0], signal.SIGCONT)
            told = wait(lambda: incident(service, "qorgan-archive-stalled"))
            check(told, "the silence is not told:\n" + service.read_log()[-2000:])
            check(abs(told[0]["occurred_ns"] / 1e9 - begin) < 5, f"when it was heard last: {told[0]}, {begin}")
            known = {hit["record"]: hit for hit in service.search("type:lifecycle")}
            check(told[0]["record"] in known, f"its record: {told[0]}")
            still = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begin + 5))
            check(known[told[0]["record"]]["received"] < still, str(known[told[0]["record"]]))


def a_lying_witness():
    """Lines of foreign keys, false lines, a status without sense: nothing of it reaches the note."""
    need_cryptography()
    log = Log("w1.test", 7)
    answers = {"mode": "false"}

    class Liar(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            line = base64.b64encode(answers["id"] + (1).to_bytes(8, "big") + bytes(64)).decode()
            body = {"false": f"{DASH} w1.test {line}\n", "foreign": f"{DASH} other.test {line}\n", "huge": "x" * 100000,
                    "binary": "\0\1\2\n", "conflict": "99999999999999999999\n"}[answers["mode"]]
            self.send_response(409 if answers["mode"] == "conflict" else 200)
            self.send_header("Content-Type", "text/x.tlog.size")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body.encode())
            answers[answers["mode"]] = answers.get(answers["mode"], 0) + 1

        def log_message(self, *_):
            pass

    with folder() as (path, started):
        service, witnesses, policy = prepared(path, started)
        witnesses[0].kill()
        answers["id"] = Key(witnesses[0].vkey).id
        liar = http.server.ThreadingHTTPServer(("127.0.0.1", witnesses[0].port), Liar)
        threading.Thread(target=liar.serve_forever, daemon=True).start()
        write_policy(policy, service.public_key(), witnesses, 1)
        with contextlib.ExitStack() as stack:
            stack.callback(liar.shutdown)
            stack.callback(service.kill)
            service.start()
            for mode in ("false", "foreign", "huge", "binary", "conflict"):
                answers["mode"] = mode
                check(wait(lambda: answers.get(mode, 0) > 0), f"the liar was not asked ({mode})")
                before = size_of(cosigned(service))
                check(wait(lambda: size_of(cosigned(service)) > before), f"the honest one is not heard ({mode})")
            note = cosigned(service)
            check_equal([name for name, _ in split_note(note)[1]], [log.name.replace("w1.test", Key(
                service.public_key()).name), "w2.test"], "who stands in the note")
            check(records(service, "witness.missing"), "a liar counts as present")
            service.quiet()


def slow_witnesses():
    """Answers that come rounds later count: nobody is missing, the quorum is reached; between rounds all is quiet"""
    need_cryptography()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(3.5)
            asked = urllib.request.Request(f"http://127.0.0.1:{self.server.behind}/add-checkpoint", body)
            try:
                with urllib.request.urlopen(asked, timeout=10) as said:
                    status, kind, answer = said.status, said.headers["Content-Type"], said.read()
            except urllib.error.HTTPError as said:
                status, kind, answer = said.code, said.headers["Content-Type"], said.read()
            except OSError:  # the test is over
                return
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with folder() as (path, started):
        service, witnesses, policy = prepared(path, started)
        service.settings["witness-interval-s"] = 1
        with contextlib.ExitStack() as stack:
            slow = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) for _ in witnesses]
            for server, witness in zip(slow, witnesses):
                server.behind, witness.port = witness.port, server.server_port
                threading.Thread(target=server.serve_forever, daemon=True).start()
                stack.callback(server.shutdown)
            write_policy(policy, service.public_key(), witnesses, 2)
            stack.callback(service.kill)
            service.start()
            deadline = time.time() + 20  # a checkpoint a second
            sizes = set()
            while time.time() < deadline:
                service.tcp(b"<13>Nov 20 10:00:00 host app: a line\n")
                time.sleep(0.5)
                sizes.add(size_of(cosigned(service)))
            time.sleep(10)  # and one in ten seconds
            check(len(sizes - {-1}) >= 2, f"late cosignatures are lost: {sizes}")
            for event in ("witness.missing", "quorum.lost"):
                check_equal(records(service, event), [], event)
            service.quiet()


# ---- time stamps ----

class Authority:
    """A time-stamp authority: openssl ts behind HTTP."""

    def __init__(self, path):
        self.path = path
        self.mode = "good"
        self.asked = 0
        authority = self
        self.make("ca", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n", None)
        self.make("tsa", "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                         "extendedKeyUsage=critical,timeStamping\n", "ca")
        self.make("other", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n", None)
        self.make("stranger", "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                              "extendedKeyUsage=critical,timeStamping\n", "other")

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                query = self.rfile.read(int(self.headers["Content-Length"]))
                authority.asked += 1
                authority.query = query
                body = authority.reply(query)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/tsa"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.path, capture_output=True, check=False, timeout=60)
        check_equal(done.returncode, 0, f"openssl {arguments}: {done.stderr.decode()}")
        return done.stdout

    def file(self, name, text=None):
        path = os.path.join(self.path, name)
        if text is not None:
            with open(path, "w" if isinstance(text, str) else "wb") as out:
                out.write(text)
        return path

    def make(self, name, extensions, issuer):
        self.file(f"{name}.ext", extensions)
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                     f"/CN=test {name}")
        sign = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"] if issuer else [
            "-signkey", f"{name}.key"]
        self.openssl("x509", "-req", "-in", f"{name}.csr", *sign, "-days", "3", "-extfile", f"{name}.ext", "-out",
                     f"{name}.pem")

    def reply(self, query, signer=None):
        """What the mode says: a good answer, one to another question, of a stranger, a refusal, noise."""
        if self.mode == "noise":
            return b"0\x03\x02\x01\x00 and more"
        if self.mode == "replay":
            return self.first
        signer = signer or ("stranger" if self.mode == "stranger" else "tsa")
        digests = "sha384" if self.mode == "refusal" else "sha256, sha384"
        self.file("query.tsq", query)
        self.file("serial", "01\n")
        self.file("ts.cnf", f"[tsa]\ndefault_tsa = t\n[t]\ndir = .\nserial = serial\nsigner_cert = {signer}.pem\n"
                            f"signer_key = {signer}.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n"
                            f"digests = {digests}\naccuracy = secs:1\nordering = yes\ntsa_name = yes\n"
                            "ess_cert_id_chain = no\ness_cert_id_alg = sha256\n")
        self.openssl("ts", "-reply", "-config", "ts.cnf", "-section", "t", "-queryfile", "query.tsq", "-out",
                     "reply.tsr")
        with open(self.file("reply.tsr"), "rb") as reply:
            return reply.read()


def stamps(service):
    return sorted(name for name in os.listdir(service.data + "/archive/checkpoints") if name.endswith(".tsr"))


def verify_stamp(service, note, stamp, ca):
    done = subprocess.run([VERIFY, "--vkey", service.public_key(), "--checkpoint", note, "--stamp", stamp,
                           "--stamp-ca", ca, "--json"], capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def time_stamps():
    """A checkpoint is time-stamped by openssl ts; qorgan-verify and openssl agree; false answers are not kept"""
    with folder() as (path, _):
        authority = Authority(path)
        service = Service(data=os.path.join(path, "data"), timestamp_url=authority.url,
                          timestamp_ca=os.path.join(path, "ca.pem"), timestamp_interval_s=86400)
        with contextlib.ExitStack() as stack:
            stack.callback(authority.server.shutdown)
            stack.callback(service.kill)
            damaged_authority(service, path)
            service.start()
            check(wait(lambda: stamps(service)), "no time stamp:\n" + service.read_log()[-2000:])
            check_equal(len(stamps(service)), 1, "time stamps in a day")
            stamp = f"{service.data}/archive/checkpoints/{stamps(service)[0]}"
            note = stamp[:-4]
            status, said = verify_stamp(service, note, stamp, path + "/ca.pem")
            check_equal(status, 0, f"the stamp: {said}")
            check(abs(said["stamped_s"] - time.time()) < 120, str(said))
            with open(note, encoding="utf-8") as text:
                lines = text.readlines()[:3]
            authority.file("text", "".join(lines))
            authority.openssl("ts", "-verify", "-data", "text", "-in", stamp, "-CAfile", "ca.pem")
            check_equal(verify_stamp(service, note, stamp, path + "/other.pem")[0], 1, "another authority")
            with open(stamp, "rb") as data:
                whole = data.read()
            for at in range(0, len(whole), 37):
                authority.file("bad.tsr", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
                status, said = verify_stamp(service, note, path + "/bad.tsr", path + "/ca.pem")
                check(status == 1 or changes_nothing(authority, at, whole), f"byte {at}: {status} {said}")
                authority.file("bad.tsr", whole[:at])
                status, _ = verify_stamp(service, note, path + "/bad.tsr", path + "/ca.pem")
                check(status == 1, f"cut at {at}: {status}")
            check(wait(lambda: records(service, "stamp.made")), "the stamp is not told")
            service.stop()
            archive_stamps(service, stamp, path)
            authority.first, before, signed = whole, authority.asked, size_of(latest(service))
            service.start()  # what was stamped before the restart is known
            check(wait(lambda: size_of(latest(service)) > signed), "nothing is signed")
            told = Web(service).ask("witness.list")["stamp"]
            check_equal(told["time_ns"], os.stat(stamp).st_mtime_ns, f"what is told of the stamp: {told}")
            check_equal((authority.asked, len(stamps(service))), (before, 1), "stamps after a restart")
            service.stop()
            for mode in ("stranger", "replay", "refusal", "noise"):
                authority.mode, before = mode, authority.asked
                begin = len(service.read_log())
                os.utime(stamp, (0, time.time() - 2 * 86400))
                service.start()
                check(wait(lambda: authority.asked > before), f"the authority was not asked ({mode})")
                check(wait(lambda: "no time stamp: " in service.read_log()[begin:]), f"{mode} is not told")
                check_equal(len(stamps(service)), 1, f"stamps after {mode}")
                service.stop()


def damaged_authority(service, path):
    """One damaged certificate among good ones: the service says so and does not start."""
    with open(path + "/ca.pem", encoding="ascii") as good:
        whole = good.read()
    with open(path + "/damaged.pem", "w", encoding="ascii") as out:
        out.write(whole + whole.replace("\nMII", "\nM", 1))
    for key in ("timestamp-ca", "witness-ca"):
        before = service.settings.get(key)
        service.settings[key] = path + "/damaged.pem"
        check(not service.start(expect=False), f"started with a damaged {key}")
        check(f"{key}: certificate 2 cannot be read" in service.read_log(), service.read_log()[-1000:])
        service.settings[key] = before or ""


def archive_stamps(service, stamp, path):
    """The check of a whole archive takes its stamps in, when it knows whom to believe."""
    def judge(ca):
        done = subprocess.run([VERIFY, "--vkey", service.public_key(), "--data", service.data + "/archive",
                               "--stamp-ca", ca, "--json"], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, json.loads(done.stdout)

    status, said = judge(path + "/ca.pem")
    check_equal((status, said["stamps"]), (0, 1), str(said))
    status, said = judge(path + "/other.pem")
    check(status == 1 and said["file"].endswith(".tsr"), str(said))
    other = stamp[:-20] + "0000000000000001.tsr"
    os.rename(stamp, other)
    status, said = judge(path + "/ca.pem")
    check(status == 1 and said["file"].endswith("1.tsr"), f"a stamp of no checkpoint: {said}")
    os.rename(other, stamp)


def changes_nothing(authority, at, whole):
    """A flipped bit that openssl accepts as well: outside of what is signed, such as the text of a status."""
    authority.file("flip.tsr", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
    done = subprocess.run(["openssl", "ts", "-verify", "-data", "text", "-in", "flip.tsr", "-CAfile", "ca.pem"],
                          cwd=authority.path, capture_output=True, check=False, timeout=60)
    return done.returncode == 0


# ---- paper ----

def scanned(path, markup):
    """What a reader of QR codes sees in the sheet: its SVG rendered at the size of print."""
    svg = markup[markup.index("<svg"):markup.index("</svg>") + 6]
    with open(path + "/code.svg", "w", encoding="utf-8") as out:
        out.write(svg)
    subprocess.run(["rsvg-convert", "-w", "900", "-h", "900", path + "/code.svg", "-o", path + "/code.png"], check=True,
                   timeout=60)
    done = subprocess.run(["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable",
                           path + "/code.png"], capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


def sheet():
    """The daily sheet: its QR code is the checkpoint, byte for byte, and verifies from the paper alone"""
    need_cryptography()
    for program in ("rsvg-convert", "zbarimg"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    with folder() as (path, started):
        service, _, policy = prepared(path, started)
        with contextlib.ExitStack() as stack:
            stack.callback(service.kill)
            service.start()
            check(wait(lambda: cosigned(service)), "nothing was cosigned")
            service.stop()
        note = cosigned(service)
        for language, words in (("kk", "Мөр орны"), ("ru", "Место печати"),
                                ("en", "Place for the stamp")):
            markup = service.run("sheet", "--lang", language).stdout.decode()
            check(words in markup and "w1.test" in markup and "w2.test" in markup, f"the sheet in {language}")
            check("http://" not in markup.replace("http://www.w3.org/2000/svg", "") and "src=" not in markup,
                  "the sheet needs something from elsewhere")
            read = scanned(path, markup)
            check_equal(read.rstrip("\n"), note.rstrip("\n"), f"the QR code in {language}")
        with open(path + "/scanned", "w", encoding="utf-8") as out:
            out.write(read.rstrip("\n") + "\n")
        done = subprocess.run([VERIFY, "--policy", policy, "--checkpoint", path + "/scanned"], capture_output=True,
                              text=True, check=False, timeout=30)
        check_equal(done.returncode, 0, done.stdout + done.stderr)
        with open(path + "/scanned", "w", encoding="utf-8") as out:
            out.write(read.replace(f"\n{size_of(note)}\n", f"\n{size_of(note) + 1}\n").rstrip("\n") + "\n")
        done = subprocess.run([VERIFY, "--policy", policy, "--checkpoint", path + "/scanned"], capture_output=True,
                              text=True, check=False, timeout=30)
        check_equal(done.returncode, 1, "a changed size")
        text = service.run("sheet", "--text", "--lang", "en").stdout.decode()
        root = base64.b64decode(note.splitlines()[2]).hex()
        groups = " ".join(root[i:i + 4] for i in range(0, 32, 4))
        check(note in text and groups in text, text)
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 5 * 3600))
        check_equal(json.loads(service.run("sheet", "--json", "--date", today).stdout)["size"], size_of(note), "today")
        service.run("sheet", "--out", path + "/file.html")
        with open(path + "/file.html", encoding="utf-8") as file:
            check("<svg" in file.read(), "--out")
        for date in ("2020-01-01", "0001-01-01"):
            done = service.run("sheet", "--date", date, check=False)
            check_equal(done.returncode, 1, date)
            check(f"the archive's first record is of {today}: there is no checkpoint of {date}".encode() in done.stderr,
                  done.stderr.decode())
        for arguments, status in ((("--date", "9999-12-31"), 2), (("--date", "2020-13-01"), 2), (("--lang", "de"), 2),
                                  (("--date", "2999-01-01"), 2)):
            check_equal(service.run("sheet", *arguments, check=False).returncode, status, str(arguments))


TESTS = [every_answer, two_at_once, damaged_memory, long_checkpoints, over_tls, end_to_end, rollback, slow_witnesses,
         time_stamps, sheet]

if __name__ == "__main__":
    sys.exit(main(TESTS, beside=[silent_keeper, a_lying_witness]))
