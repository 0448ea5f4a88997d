#!/usr/bin/env python3
"""The mirror: a second copy of the archive, pulled over HTTPS from the real server, checked, and able to take over."""
import base64
import contextlib
import fcntl
import glob
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

import packing
from service import QORGAN, VERIFY, Service, check, check_equal, main
from web_api import Web
from witness import Authority, folder as witness_folder, prepared

LINE = "<13>Nov 20 10:00:{0:02d} web1 app[7]: mirrored line {1} user=u{2} {3}\n"


class Mirror:
    """`qorgan mirror` of a service, with a folder and a token of its own."""

    def __init__(self, service, name="site-b"):
        self.service = service
        self.data = tempfile.mkdtemp(prefix="qorgan-mirror-")
        self.token_file = self.data + ".token"
        self.name = name
        self.process = None
        self.between = None
        self.extra = []
        token = service.run("mirror-token", name).stdout
        self.write_token(token.decode())
        self.key = service.public_key()

    def write_token(self, text):
        with open(self.token_file, "w", encoding="ascii") as out:
            out.write(text)

    def command(self, *more):
        port = self.between.port if self.between else self.service.ports["web-port"]
        arguments = [QORGAN, "mirror", "--data", self.data, "--from",
                     f"https://127.0.0.1:{port}", "--token-file", self.token_file,
                     "--json", *self.extra, *more]
        if self.key:
            arguments += ["--key", self.key]
        if "--pin" not in arguments and "--ca" not in arguments:
            arguments += ["--ca", os.path.join(self.service.data, "keys/tls.crt")]
        return arguments

    def once(self, status=0, more=()):
        """One pull; (what it printed, standard error)."""
        done = subprocess.run(self.command("--once", *more), capture_output=True, text=True, errors="backslashreplace",
                              check=False, timeout=120)
        check_equal(done.returncode, status, f"exit status; {done.stdout[-600:]}{done.stderr[-1500:]}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[-1] if lines else {}, done.stderr

    def once_until(self, records, wait=30):
        """Pulls until it has so many records: checkpoints come once a second, or later on a busy machine."""
        deadline = time.time() + wait
        row = {}
        while time.time() < deadline:
            row, _ = self.once()
            if row["records"] >= records:
                break
            time.sleep(0.5)
        check(row["records"] >= records, f"{records} records are held: {row}")
        return row

    def once_alarm(self, wait=30):
        """Pulls until an alarm comes, whatever hinders a pull on a busy machine; (what it printed, standard error)."""
        deadline = time.time() + wait
        while True:
            done = subprocess.run(self.command("--once"), capture_output=True, text=True, errors="backslashreplace",
                              check=False, timeout=120)
            row = json.loads((done.stdout.splitlines() or ["{}"])[-1])
            if "alarm" in row or time.time() > deadline:
                break
            time.sleep(0.5)
        check_equal(done.returncode, 1, f"exit status; {done.stdout[-600:]}{done.stderr[-1500:]}")
        check("alarm" in row, f"an alarm; {row} {done.stderr[-1500:]}")
        return row, done.stderr

    def start(self):
        with open(self.data + ".log", "ab") as log:
            self.process = subprocess.Popen(self.command("--interval", "1"), stdout=log, stderr=log)

    def kill(self, number=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        return self.process.returncode if self.process else None

    def run(self, *arguments):
        done = subprocess.run([QORGAN, arguments[0], "--data", self.data, *arguments[1:]], capture_output=True,
                              check=False, timeout=120)
        return done.returncode, done.stdout

    def alarms(self):
        with contextlib.suppress(FileNotFoundError), open(self.data + "/mirror/alarms", encoding="utf-8") as file:
            return [json.loads(line) for line in file]
        return []

    def tree(self):
        """Every file of its archive that counts, with its bytes."""
        found = {}
        for path in sorted(glob.glob(self.data + "/archive/*/*")):
            if not path.endswith((".part", ".tmp")):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, self.data)] = file.read()
        return found

    def good(self, more=()):
        """The auditor and `qorgan verify` find nothing in the copy."""
        done = subprocess.run([VERIFY, "--data", self.data + "/archive", "--vkey", self.key, *more],
                              capture_output=True, text=True, check=False, timeout=300)
        check_equal(done.returncode, 0, "qorgan-verify of the mirror\n" + done.stdout + done.stderr)
        status, out = self.run("verify")
        check_equal(status, 0, "qorgan verify of the mirror\n" + out.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        if not os.environ.get("KEEP"):
            for path in (self.data, self.data + ".log", self.token_file):
                shutil.rmtree(path, ignore_errors=True)
                with contextlib.suppress(OSError):
                    os.unlink(path)


def server(**settings):
    return Service(log_file_mib=1, log_rotate_s=10, **settings)


def feed(service, count, begin=0, wait=True):
    """Lines that do not compress well, so that log files fill and are sealed."""
    lines = "".join(LINE.format(i % 60, i, i % 7, "%0120x" % random.getrandbits(480)) for i in range(begin,
                                                                                                  begin + count))
    service.tcp(lines.encode())
    if wait:
        deadline = time.time() + 60
        while time.time() < deadline and len(service.search(f'"mirrored line {begin + count - 1}"')) == 0:
            time.sleep(0.3)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def rewrite(path, data):
    os.chmod(path, 0o640)
    with open(path, "r+b") as file:
        file.write(data)


def segments(data):
    return sorted(glob.glob(data + "/archive/seg/*.seg"))


def wait_sealed(service, count, wait=60):
    deadline = time.time() + wait
    while time.time() < deadline and len(segments(service.data)) < count:
        time.sleep(0.2)
    check(len(segments(service.data)) >= count, f"{count} sealed segments at the server: {segments(service.data)}")


def wait_held(mirror, records, wait=60):
    """Until the running mirror says that it has so many records."""
    deadline = time.time() + wait
    while time.time() < deadline:
        with contextlib.suppress(OSError, ValueError), open(mirror.data + ".log", encoding="utf-8") as log:
            rows = [json.loads(line) for line in log if line.startswith("{")]
            if rows and rows[-1]["records"] >= records:
                return rows[-1]
        time.sleep(0.2)
    with open(mirror.data + ".log", encoding="utf-8") as log:
        raise AssertionError(f"the mirror never had {records} records:\n" + log.read()[-2000:])


def api(service, path, method="GET", token=None, body=None):
    """One request; (status, body)."""
    link = http.client.HTTPSConnection("127.0.0.1", service.ports["web-port"], timeout=20,
                                       context=ssl._create_unverified_context())
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    link.request(method, path, body=body, headers=headers)
    answer = link.getresponse()
    out = answer.status, answer.read()
    link.close()
    return out


def copies_follows_and_serves():
    """segments and tail are copied; it follows; the server gone, search, proof and verification are the same"""
    with server() as service:
        feed(service, 9000)
        wait_sealed(service, 2)
        with Mirror(service) as mirror:
            row = mirror.once_until(9000)
            check(row["sealed"] > 0, f"first pull: {row}")
            mirror.good()
            mirror.start()
            feed(service, 9000, begin=9000)
            wait_sealed(service, 4)
            wait_held(mirror, 18000)
            time.sleep(2.5)  # a checkpoint, and two pulls
            service.stop()
            check_equal(mirror.kill(signal.SIGTERM), 0, "a mirror that is told to stop")
            mirror.good()
            query = '"mirrored line 12345"'
            ours = service.search(query)
            status, out = mirror.run("search", "--json", "--limit", "1000000", query)
            check_equal(status, 0, "search on the mirror")
            check_equal([json.loads(line) for line in out.splitlines()], ours, "the same answer")
            check_equal(len(ours), 1, "one record")
            with open(mirror.data + "/archive/checkpoints/latest", "rb") as file:
                note = file.read()
            with open(service.data + "/archive/checkpoints/latest", "rb") as file:
                newest = file.read()
            for record in (0, 300, ours[0]["record"]):
                status, proof = mirror.run("proof", "--plain", str(record))
                check_equal(status, 0, f"proof of record {record}")
                check(proof.endswith(note), "it carries the mirror's newest checkpoint")
                path = mirror.data + "/p"
                with open(path, "wb") as file:
                    file.write(proof)
                done = subprocess.run([VERIFY, "--vkey", mirror.key, "--proof", path], check=False,
                                      capture_output=True)
                check_equal(done.returncode, 0, "qorgan-verify of the mirror's proof")
                if note == newest:
                    check_equal(proof, service.run("proof", "--plain", str(record)).stdout, "the same bytes")
            mine = {os.path.basename(path) for path in segments(mirror.data)}
            for path in segments(service.data):
                if os.path.basename(path) in mine:
                    with open(path, "rb") as one, open(mirror.data + "/archive/seg/" + os.path.basename(path),
                                                       "rb") as two:
                        check_equal(one.read() == two.read(), True, "the same segment")
            check(len(mine) >= 4, f"segments on the mirror: {mine}")


def the_same_proofs():
    """a pull of a quiet server: every proof is the same, byte for byte"""
    with server() as service:
        feed(service, 4000)
        service.stop()
        service.start()
        with Mirror(service) as mirror:
            mirror.once_until(4000)
            service.stop()
            # what the stop itself wrote is not held; proofs are compared under the mirror's checkpoint
            shutil.copytree(service.data, mirror.data + "/server", ignore=shutil.ignore_patterns("run"))
            latest = mirror.data + "/archive/checkpoints/latest"
            shutil.copy(latest, mirror.data + "/server/archive/checkpoints/latest")
            for record in range(0, 4000, 257):
                ours = subprocess.run([QORGAN, "proof", "--plain", "--data", mirror.data + "/server", str(record)],
                                      capture_output=True, check=True).stdout
                check_equal(mirror.run("proof", "--plain", str(record))[1], ours, f"proof of {record}")


def is_killed_anywhere():
    """kill -9 at random moments of pulls: each time what it holds is whole, and at the end it has everything"""
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    with server() as service, Mirror(service) as mirror:
        feed(service, 12000)
        wait_sealed(service, 3)
        for kill in range(25):
            mirror.start()
            time.sleep(chance.uniform(0.01, 0.5))
            mirror.kill()
            if kill % 6 == 5:
                feed(service, 600, begin=20000 + 1000 * kill, wait=False)
                if os.path.exists(mirror.data + "/archive/checkpoints/latest"):
                    mirror.good()
        mirror.once_until(12000)
        mirror.good()
        check_equal(mirror.alarms(), [], f"seed {seed}: no alarm")


def refuses_strangers():
    """wrong token, revoked token, no token, pin and authority that do not fit: refused, nothing is written"""
    with server() as service, Mirror(service) as mirror:
        token = open(mirror.token_file, encoding="ascii").read().strip()
        mirror.write_token("qorgan-mirror-" + "0" * 64)
        _, trouble = mirror.once(status=1)
        check("refuses this mirror's token" in trouble, trouble)
        mirror.write_token(token)
        for path in ("checkpoint", "segments?from=0", "segment?first=0&offset=0&size=9", "log?from=0&to=9",
                     "notes?above=0", "consistency?from=0&to=1"):
            for bad in (None, "", token[:-1], token + "0"):
                check_equal(api(service, "/mirror/v1/" + path, token=bad)[0], 401, f"{path} with {bad!r}")
        check_equal(api(service, "/mirror/v1/report", "POST", "x", "{}")[0], 401, "a report")
        check_equal(api(service, "/mirror/v1/enter", token=token)[0], 404, "no such question")
        check_equal(api(service, "/mirror/v1/log?from=-1&to=9", token=token)[0], 400, "a number below 0")
        check_equal(api(service, "/mirror/v1/consistency?from=5&to=999999999", token=token)[0], 400, "too far")
        check_equal(api(service, "/api/search?query=x", token=token)[0], 401, "the token opens nothing else")
        _, trouble = mirror.once(status=1, more=("--pin", "ab" * 32))
        check("not the one that was pinned" in trouble, trouble)
        other = mirror.data + "/other.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", "/dev/null", "-out", other, "-subj", "/CN=other", "-days", "2"], check=True,
                       capture_output=True)
        _, trouble = mirror.once(status=1, more=("--ca", other))
        check("certificate is refused" in trouble, trouble)
        check_equal(mirror.tree(), {}, "nothing was written")
        der = ssl.PEM_cert_to_DER_cert(open(service.data + "/keys/tls.crt", encoding="ascii").read())
        row, _ = mirror.once(more=("--pin", ":".join(f"{b:02X}" for b in hashlib.sha256(der).digest())))
        check(row["ok"], f"the right pin: {row}")
        service.run("mirror-token", "--revoke", mirror.name)
        mirror.once(status=1)
        deadline = time.time() + 10
        while time.time() < deadline and not service.search('"mirror.used" site-b'):
            time.sleep(0.3)
        check_equal(len(service.search('"mirror.used" site-b')), 1, "one record of its use")
        check_equal(len(service.search('"mirror.refused"')), 1, "refusals are recorded, not each of them")
        service.quiet()


def takes_its_share():
    """more than mirror-rate-mib a second is answered 429 and when to come back; the mirror waits and gets all"""
    with server(mirror_rate_mib=1) as service, Mirror(service) as mirror:
        feed(service, 18000)
        wait_sealed(service, 3)
        token = open(mirror.token_file, encoding="ascii").read().strip()
        seen = []
        for _ in range(12):
            status, body = api(service, "/mirror/v1/segment?first=0&offset=0&size=99999999", token=token)
            seen.append(status)
            if status == 429:
                check(0 < json.loads(body)["retry_ms"] <= 60000, f"when to come back: {body}")
            else:
                check(len(body) <= (1 << 20) + 200, "never more than a mebibyte")
        check(429 in seen and 200 in seen, f"some are answered, some are not: {seen}")
        mirror.once_until(18000)
        mirror.good()
        service.quiet()


def tampered_segment():
    """one byte of a segment at the server: the mirror stops, says so, keeps what it has"""
    with server() as service, Mirror(service) as mirror:
        feed(service, 6000)
        wait_sealed(service, 1)
        mirror.once_until(6000)
        before = segments(mirror.data)
        feed(service, 9000, begin=6000)
        wait_sealed(service, len(before) + 2)
        target = segments(service.data)[len(before)]
        whole = mirror.tree()
        with open(target, "rb") as file:
            good = file.read()
        # in the unused part of the header, its crc made right: the server itself reads on without noticing
        header = bytearray(good[:4092])
        header[200] ^= 1
        rewrite(target, bytes(header) + crc32c(header).to_bytes(4, "big") + good[4096:])
        row, trouble = mirror.once_alarm()
        check_equal(row.get("alarm"), "segment", f"alarm: {row} {trouble}")
        check("ALARM (segment)" in trouble, trouble)
        check_equal([alarm["alarm"] for alarm in mirror.alarms()], ["segment"], "the file of alarms")
        after = mirror.tree()
        check(all(after.get(name) == data for name, data in whole.items() if name.startswith("archive/seg")),
              "what it held is as it was")
        mirror.good()
        deadline = time.time() + 10
        while time.time() < deadline and not service.search('"mirror.stopped"'):
            time.sleep(0.3)
        check_equal(len(service.search('"mirror.stopped" site-b')), 1, "the server's archive has a record of it")
        middle = len(good) // 3  # in the blocks: server or mirror may be the first to see it
        rewrite(target, good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:])
        row, trouble = mirror.once_alarm()
        check(row.get("alarm") in ("segment", "server"), f"alarm: {row} {trouble}")
        mirror.good()
        rewrite(target, good)
        mirror.once_until(15000)
        mirror.good()


def yesterdays_copy():
    """the server's folder is replaced by an older copy: rollback, then, as it grows anew, a fork; never overwritten"""
    with server() as service, Mirror(service) as mirror:
        feed(service, 3000)
        service.stop()
        old = tempfile.mkdtemp(prefix="qorgan-old-")
        shutil.rmtree(old)
        shutil.copytree(service.data, old, ignore=shutil.ignore_patterns("run"))
        service.start()
        feed(service, 6000, begin=3000)
        mirror.once_until(9000)
        whole = mirror.tree()
        service.stop()
        shutil.rmtree(service.data)
        shutil.move(old, service.data)
        service.start()
        row, _ = mirror.once_alarm()
        check_equal(row["alarm"], "rollback", f"alarm: {row}")
        feed(service, 9000, begin=50000)
        time.sleep(5)
        row, _ = mirror.once_alarm()
        check_equal(row["alarm"], "fork", f"alarm: {row}")
        check_equal(mirror.tree(), whole, "nothing of the copy changed")
        told = [alarm["alarm"] for alarm in mirror.alarms()]
        check(told[0] == "rollback" and told[-1] == "fork", f"the file of alarms: {told}")
        mirror.good()


def forged_checkpoint():
    """a checkpoint of another key, or a changed one, is not believed; another archive is refused"""
    with server() as service, Mirror(service) as mirror:
        mirror.once_until(1)
        whole = mirror.tree()
        with server(site="other") as stranger:
            key, mirror.key = mirror.key, stranger.public_key()
            row, _ = mirror.once(status=1)
            check_equal(row["alarm"], "checkpoint", f"the wrong key: {row}")
            token = stranger.run("mirror-token", mirror.name).stdout.decode()
            own, mirror.service = mirror.service, stranger
            mirror.write_token(token)
            row, _ = mirror.once(status=1)
            check_equal(row["alarm"], "archive", f"another archive: {row}")
            mirror.key = key
            row, _ = mirror.once(status=1)
            check_equal(row["alarm"], "checkpoint", f"another archive under our key: {row}")
            mirror.service = own
        check_equal(mirror.tree(), whole, "nothing of the copy changed")


def is_shown_and_missed():
    """the server knows its mirrors: reports, the list as JSON, a record when one stays away and when it comes back"""
    with server(mirror_silent=1) as service, Mirror(service) as mirror:
        status, body = api(service, "/api/mirror.list")
        check_equal(status, 401, f"the list is for users: {body}")
        web = Web(service)
        mirror.start()
        row = wait_held(mirror, 1)
        check(row["ok"], f"pull: {row}")
        listed = web.ask("mirror.list")["mirrors"][0]
        check(listed["name"] == "site-b" and listed["state"] == "ok" and not listed["silent"] and
              listed["interval_s"] == 1 and listed["size"] > 0, f"the list: {listed}")
        status, _, page = web.request("GET", "/archive")
        check(status == 200 and "site-b" in page, "the page of the archive shows it")
        mirror.kill()
        deadline = time.time() + 90  # one interval, a minute's grace, and the ten seconds between two looks
        while time.time() < deadline and not service.search('"mirror.silent"'):
            time.sleep(1)
        check_equal(len(service.search('"mirror.silent" site-b')), 1, "silence is recorded once")
        check(web.ask("mirror.list")["mirrors"][0]["silent"], "and shown")
        mirror.once()
        deadline = time.time() + 10
        while time.time() < deadline and not service.search('"mirror.heard"'):
            time.sleep(0.3)
        check_equal(len(service.search('"mirror.heard" site-b')), 1, "and its return")
        status, _, text = web.request("POST", "/api/mirror.forget", json.dumps({"name": "site-b"}),
                                      {"Content-Type": "application/json", "X-CSRF-Token": web.csrf})
        check_equal(status, 200, "it is forgotten: " + text)
        check_equal(web.ask("mirror.list")["mirrors"], [], "and gone from the list")
        service.quiet()


def takes_over():
    """a server started on the copy, under a new key, goes on with the records"""
    with server() as service, Mirror(service) as mirror:
        feed(service, 3000)
        mirror.once_until(3000)
        service.stop()
        heir = Service(data=mirror.data, log_file_mib=1)
        try:
            heir.start(arguments=("--new-instance",))
            check_equal(len(heir.wait_for('"mirrored line 2999"', 1)), 1, "the records are there")
            heir.tcp(b"<13>Nov 20 10:00:00 web1 app: after the take-over\n")
            check_equal(len(heir.wait_for('"after the take-over"', 1)), 1, "and new ones come")
            check_equal(heir.audit()[0], 0, "the auditor: " + heir.audit()[1])
        finally:
            heir.stop()
            heir.kill()


def is_read_while_it_runs():
    """the running mirror's copy, and a copy of its archive elsewhere, are read by each command; nothing is written"""
    def state(data):
        return {path: (os.stat(path).st_mtime_ns, os.stat(path).st_size)
                for path in glob.glob(data + "/**", recursive=True)}

    elsewhere = tempfile.mkdtemp(prefix="qorgan-copy-")
    try:
        with server() as service, Mirror(service) as mirror:
            feed(service, 6000)
            wait_sealed(service, 1)
            mirror.start()
            wait_held(mirror, 6000)
            shutil.copytree(mirror.data + "/archive", elsewhere + "/archive")
            before = state(elsewhere)
            for data in (mirror.data, elsewhere):
                for arguments in (("search", "--json", '"mirrored line 5999"'), ("verify",),
                                  ("proof", "--plain", "17")):
                    done = subprocess.run([QORGAN, arguments[0], "--data", data, *arguments[1:]], capture_output=True,
                                          check=False, timeout=120)
                    check_equal(done.returncode, 0, f"{arguments} in {data}: {done.stderr.decode()}")
                    check(done.stdout, f"{arguments} in {data} says something")
            check_equal(state(elsewhere), before, "nothing was written")
            check(mirror.process.poll() is None, "the mirror runs on")
    finally:
        shutil.rmtree(elsewhere)


def witness_key(path, name, first=0):
    """Makes a witness's key file; the public key."""
    seed = bytes(range(first, first + 32))
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    with open(path + ".pem", "w", encoding="ascii") as out:
        out.write("-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der).decode() + "\n-----END PRIVATE KEY-----\n")
    public = subprocess.run(["openssl", "pkey", "-in", path + ".pem", "-pubout", "-outform", "DER"],
                            capture_output=True, check=True).stdout[-32:]
    os.unlink(path + ".pem")
    number = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4].hex()
    with open(path, "w", encoding="ascii") as out:
        out.write(f"PRIVATE+KEY+{name}+{number}+{base64.b64encode(bytes([4]) + seed).decode()}\n")
    return f"{name}+{number}+{base64.b64encode(bytes([4]) + public).decode()}"


def cosigns():
    """with a witness's key the newest checkpoint carries its line, which the auditor's policy can ask for"""
    with server() as service, Mirror(service) as mirror:
        key = mirror.data + ".witness"
        name = "mirror.example/site-b"
        vkey = witness_key(key, name)
        mirror.once_until(1)
        mirror.once(more=("--witness-key", key))
        with open(mirror.data + "/archive/checkpoints/latest", encoding="utf-8") as file:
            check(f"\u2014 {name} " in file.read(), "its line")
        policy = mirror.data + ".policy"
        with open(policy, "w", encoding="utf-8") as out:
            out.write(f"log {mirror.key}\nwitness b {vkey}\nquorum b\n")
        proof = mirror.data + "/p"
        with open(proof, "wb") as out:
            out.write(mirror.run("proof", "--plain", "0")[1])
        done = subprocess.run([VERIFY, "--policy", policy, "--proof", proof], capture_output=True, text=True,
                              check=False)
        check_equal(done.returncode, 0, "the policy is satisfied: " + done.stdout + done.stderr)
        for path in (key, policy):
            os.unlink(path)


def waits_for_witnesses():
    """with a quorum policy: only what was cosigned is copied; no quorum is no alarm; cosigned note and stamps come"""
    with witness_folder() as (path, started):
        authority = Authority(path)
        service, witnesses, policy = prepared(path, started)
        service.settings.update({"log-file-mib": 1, "timestamp-url": authority.url,
                                 "timestamp-ca": os.path.join(path, "ca.pem"), "timestamp-interval-s": 86400})
        with contextlib.ExitStack() as stack:
            stack.callback(authority.server.shutdown)
            stack.callback(service.kill)
            service.start()
            mirror = stack.enter_context(Mirror(service))
            mirror.key = None
            mirror.extra = ["--policy", policy]
            feed(service, 300)
            mirror.start()
            held = wait_held(mirror, 300)
            check(held["signed"] >= held["records"] and held["ok"], f"what is cosigned is held: {held}")
            checkpoints = mirror.data + "/archive/checkpoints/"
            deadline = time.time() + 40
            while time.time() < deadline and not glob.glob(checkpoints + "*.tsr"):
                time.sleep(0.5)
            with open(checkpoints + "cosigned", encoding="utf-8") as file:
                note = file.read()
            for witness in witnesses:
                check(f"\u2014 {witness.name} " in note, f"the cosigned note has the line of {witness.name}: {note}")
            stamp = glob.glob(checkpoints + "*.tsr")
            check(len(stamp) == 1, f"the time stamp came along: {stamp}")
            with open(stamp[0], "rb") as mine, open(service.data + "/archive/checkpoints/" + os.path.basename(stamp[0]),
                                                   "rb") as theirs:
                check_equal(mine.read() == theirs.read(), True, "the same time stamp")
            witnesses[0].kill()  # from now on nothing reaches the quorum
            time.sleep(3)
            before = wait_held(mirror, 300)
            feed(service, 100, begin=300)
            time.sleep(8)
            after = wait_held(mirror, 300)
            check(after["records"] < before["signed"] + 100 <= after["signed"] + 100 and mirror.alarms() == [],
                  f"nothing is copied that is not cosigned, and it is no alarm: {before} {after}")
            check(mirror.process.poll() is None, "the mirror runs on")
            done = subprocess.run([VERIFY, "--data", mirror.data + "/archive", "--policy", policy], check=False,
                                  capture_output=True, text=True, timeout=120)
            check_equal(done.returncode, 0, "qorgan-verify under the policy: " + done.stdout + done.stderr)
            witnesses[0].start()
            wait_held(mirror, 400)
            check_equal(mirror.kill(signal.SIGTERM), 0, "a mirror that is told to stop")
            service.stop()


def is_packed_anew():
    """segments that the server packs anew, also while they are fetched, are the same: once compared is enough"""
    with packing.Old() as service:
        for pid in service.pids("packer"):
            os.kill(pid, signal.SIGSTOP)
        before = packing.segments_of(service)
        with Mirror(service) as mirror:
            mirror.once_until(sum(packing.SEGMENTS[1::2]))
            held = {path: data for path, data in mirror.tree().items() if path.endswith(".seg")}
            for pid in service.pids("packer"):
                os.kill(pid, signal.SIGCONT)
            fetched = 0

            def pull():
                nonlocal fetched
                _, err = mirror.once()
                fetched += err.count("anew; they are the same")

            service.until_packed(before, between=pull)
            pull()
            check_equal(fetched, len(packing.COLD), "each is compared once")
            _, err = mirror.once()
            check("anew" not in err, f"and not again: {err}")
            now = mirror.tree()
            check_equal({path: now[path] for path in held}, held, "its own files stay")
            check_equal(mirror.alarms(), [], "alarms")
            mirror.good()
        with Mirror(service, "site-c") as late:
            late.once_until(sum(packing.SEGMENTS[1::2]))
            late.good()
        service.quiet()


def lock_is_free(data):
    with open(data + "/archive/lock", "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(file, fcntl.LOCK_UN)
        return True


def silence_is_told():
    """no answer and no growth are two things; neither ends the mirror, and its archive stays open through both"""
    with server() as service, Mirror(service) as mirror:
        feed(service, 300)
        mirror.extra = ["--silent", "5"]
        mirror.start()
        wait_held(mirror, 300)
        for pid in service.pids("keeper"):
            os.kill(pid, signal.SIGSTOP)  # the web answers, nothing grows
        try:
            wait_alarms(mirror, ["still"])
        finally:
            for pid in service.pids("keeper"):
                os.kill(pid, signal.SIGCONT)
        deadline = time.time() + 30
        while time.time() < deadline and json.loads(last_row(mirror))["server"] != "answers":
            time.sleep(0.5)
        check_equal(json.loads(last_row(mirror))["server"], "answers", "it grows again")
        service.stop()
        deadline = time.time() + 6
        while time.time() < deadline:
            check(not lock_is_free(mirror.data), "the archive stays open, and its lock held")
            time.sleep(0.02)
        wait_alarms(mirror, ["still", "silent"])
        check(mirror.process.poll() is None, "the mirror runs on")
        service.start()
        feed(service, 100, begin=300)
        wait_held(mirror, 400)
        check_equal(mirror.kill(signal.SIGTERM), 0, "a mirror that is told to stop")
        mirror.good()


def last_row(mirror):
    with open(mirror.data + ".log", encoding="utf-8") as log:
        return [line for line in log if line.startswith("{") and line.endswith("}\n")][-1]


def wait_alarms(mirror, wanted, wait=40):
    deadline = time.time() + wait
    while time.time() < deadline and [alarm["alarm"] for alarm in mirror.alarms()] != wanted:
        time.sleep(0.3)
    check_equal([alarm["alarm"] for alarm in mirror.alarms()], wanted, "the file of alarms")


def file_size_is_lowered():
    """log-file-mib was lowered while a longer log file is there: a new mirror copies it all the same"""
    with Service(log_file_mib=16, log_rotate_s=86400) as service:
        feed(service, 30000)
        service.stop()
        service.settings["log-file-mib"] = 1
        service.start()
        check(os.path.getsize(sorted(glob.glob(service.data + "/archive/wal/*.wal"))[0]) > 6 << 20, "a long log file")
        with Mirror(service) as mirror:
            mirror.once_until(30000)
            mirror.good()


def tokens_made_at_once():
    """twelve tokens made at the same time are twelve tokens"""
    with server() as service:
        names = [f"m{i}" for i in range(12)]
        running = [subprocess.Popen([QORGAN, "mirror-token", "--data", service.data, name], stdout=subprocess.PIPE)
                   for name in names]
        tokens = {process.communicate(timeout=60)[0] for process in running}
        check_equal([process.returncode for process in running], [0] * 12, "exit status")
        check_equal(len(tokens), 12, "tokens")
        listed = [json.loads(line)["name"] for line in service.run("mirror-token", "--json").stdout.splitlines()]
        check_equal(sorted(listed), sorted(names), "mirrors listed")


def holders(data, needle):
    return [path for path in glob.glob(data + "/archive/*/*") if needle in open(path, "rb").read()]


def encrypts_its_own_copy():
    """an encrypted server and a mirror with master keys of its own: nothing readable on either disk, both rotate"""
    base = tempfile.mkdtemp(prefix="qorgan-keys-")
    rings = [os.path.join(base, name) for name in ("server.key", "mirror.key")]
    for ring in rings:
        subprocess.run([QORGAN, "key", "new", ring], check=True, capture_output=True)

    def rotate(data, ring):
        subprocess.run([QORGAN, "key", "add", ring], check=True, capture_output=True)
        done = subprocess.run([QORGAN, "key", "rotate", "--json", "--data", data], check=True, capture_output=True)
        check(json.loads(done.stdout)["rewrapped"] > 0, f"keys are wrapped anew: {done.stdout}")
        with open(ring, encoding="ascii") as file:
            first = file.readline()
        os.chmod(ring, 0o600)
        with open(ring, "w", encoding="ascii") as file:
            file.write(first)  # the old master key is gone
        os.chmod(ring, 0o400)

    try:
        with server(encryption=f"file:{rings[0]}") as service, Mirror(service) as mirror:
            for data, ring in ((service.data, rings[0]), (mirror.data, rings[1])):
                with open(os.path.join(data, "qorgan.conf"), "a", encoding="ascii") as conf:
                    conf.write(f"encryption file:{ring}\n")
            feed(service, 9000)
            wait_sealed(service, 2)
            mirror.once_until(9000)
            check(len(segments(mirror.data)) >= 2 and glob.glob(mirror.data + "/archive/wal/*.wal"), "both are there")
            for data in (service.data, mirror.data):
                check_equal(holders(data, b"mirrored line"), [], "files with a readable record")
            service.stop()
            rotate(service.data, rings[0])
            rotate(mirror.data, rings[1])
            service.start()
            feed(service, 6000, begin=9000)
            wait_sealed(service, 4)
            mirror.once_until(15000)
            check_equal(holders(mirror.data, b"mirrored line"), [], "files with a readable record")
            mirror.good(("--master-key", rings[1]))
            status, out = mirror.run("search", "--json", '"mirrored line 14000"')
            check_equal((status, len(out.splitlines())), (0, 1), "search on the encrypted copy")
            os.rename(rings[1], rings[1] + ".away")
            _, trouble = mirror.once(status=1)
            check("master key" in trouble and mirror.alarms() == [], f"without its keys: {trouble}")
    finally:
        shutil.rmtree(base)


def own_damage_is_own():
    """what rots on the mirror's disk is its own alarm, not the server's fork"""
    with server() as service, Mirror(service) as mirror:
        feed(service, 6000)
        wait_sealed(service, 1)
        mirror.once_until(6000)
        target = segments(mirror.data)[0]
        with open(target, "rb") as file:
            good = file.read()
        for at in (len(good) - 300, len(good) - 5000, 5000):
            rewrite(target, good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            done = subprocess.run(mirror.command("--once"), capture_output=True, text=True, check=False, timeout=120)
            row = json.loads(done.stdout.splitlines()[-1])
            check(row.get("alarm", "own") == "own", f"byte {at}: {row}")
        check("own" in [alarm["alarm"] for alarm in mirror.alarms()], "at least its index is looked at each time")
        check("fork" not in [alarm["alarm"] for alarm in mirror.alarms()], "and the server was not accused")
        rewrite(target, good)
        row, _ = mirror.once()
        check(row["ok"], f"put back: {row}")


if __name__ == "__main__":
    sys.exit(main([copies_follows_and_serves, the_same_proofs, is_killed_anywhere, refuses_strangers, takes_its_share,
                   tampered_segment, is_packed_anew, yesterdays_copy, forged_checkpoint, takes_over,
                   is_read_while_it_runs, cosigns, file_size_is_lowered, tokens_made_at_once, encrypts_its_own_copy,
                   own_damage_is_own], beside=[is_shown_and_missed, waits_for_witnesses, silence_is_told]))
