#!/usr/bin/env python3
"""encryption.py - an archive encrypted at rest: what is on the disk, wrong and missing keys, damage, rotation."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import service
from service import QORGAN, VERIFY, Service, check, check_equal
from web_api import Web

MARKER = "zugzwang-marker"
LINES = 60000


def key(*arguments, check_status=True):
    done = subprocess.run([QORGAN, "key", *arguments], capture_output=True, text=True, check=False, timeout=60)
    if check_status and done.returncode != 0:
        raise RuntimeError(f"key {arguments}: {done.stderr}")
    return done


def key_new(path):
    return json.loads(key("new", "--json", path).stdout)["id"]


def configure(data, setting):
    with open(os.path.join(data, "qorgan.conf"), "w", encoding="ascii") as conf:
        conf.write(f"encryption {setting}\n")


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="qorgan-test-")
    os.chmod(path, 0o711)
    try:
        yield path
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(path, "data") + ".log")


def lines_write(path, first, count):
    with open(path, "w", encoding="ascii") as out:
        out.writelines(f"2026-11-20T10:00:00+00:00 host app: {MARKER} number-{i:07d} user=alice{i % 97}\n"
                       for i in range(first, first + count))


def wait_sealed(data, count, wait=60):
    deadline = time.time() + wait
    while time.time() < deadline:
        found = sorted(glob.glob(os.path.join(data, "archive/seg/*.seg")))
        if len(found) >= count:
            return found
        time.sleep(0.3)
    raise AssertionError(f"{count} segments were not sealed")


def fill(base, setting=None):
    """A stopped encrypted archive with segments and a log; gives (data, key file, id)."""
    data = os.path.join(base, "data")
    os.mkdir(data)
    ring = os.path.join(base, "master.key")
    identity = key_new(ring)
    configure(data, setting or f"file:{ring}")
    lines_write(os.path.join(base, "bulk.log"), 0, LINES)
    with Service(data, log_file_mib=2, engines=2) as running:
        running.run("ingest", "--name", "bulk", os.path.join(base, "bulk.log"))
        wait_sealed(data, 2)
        running.quiet()
    os.unlink(running.log_path)  # of a stop it may say that an engine was gone first
    return data, ring, identity


def holders(data, needle):
    """Files below the data folder that hold the bytes."""
    found = []
    for where, _, names in os.walk(data):
        for name in names:
            path = os.path.join(where, name)
            if not os.path.isfile(path):
                continue  # a socket
            with open(path, "rb") as file:
                if needle in file.read():
                    found.append(os.path.relpath(path, data))
    return found


def verify(data):
    done = subprocess.run([QORGAN, "verify", "--data", data, "--json"], capture_output=True, text=True, check=False,
                          timeout=120)
    return done.returncode, done.stdout + done.stderr


def examined(data, status, wanted="", absent=""):
    """qorgan doctor: its exit status, and findings that it must and must not name"""
    done = subprocess.run([QORGAN, "doctor", "--data", data, "--json"], capture_output=True, text=True, check=False,
                          timeout=300)
    named = {json.loads(line).get("finding") for line in done.stdout.splitlines()}
    check_equal(done.returncode, status, f"doctor: {done.stdout}{done.stderr}")
    check(set(wanted.split()) <= named, f"doctor named {named}, not all of {wanted}")
    check(not set(absent.split()) & named, f"doctor named {named}, and none of {absent} is so")


def refuses(data, *wanted):
    """The service does not start, and its log says each of the words."""
    running = Service(data)
    check(not running.start(wait=60, expect=False), "the service started all the same")
    running.stop(60)
    running.kill()
    text = running.read_log()
    os.unlink(running.log_path)
    for words in wanted:
        check(words in text, f"the log does not say \"{words}\":\n{text[-3000:]}")


@contextlib.contextmanager
def changed(path, change):
    """The file with its bytes changed; restored afterwards."""
    with open(path, "rb") as file:
        before = file.read()
    os.chmod(path, 0o640)
    with open(path, "wb") as file:
        file.write(change(bytearray(before)))
    try:
        yield
    finally:
        with open(path, "wb") as file:
            file.write(before)


def flipped(at):
    def change(bytes_):
        bytes_[at] ^= 0x10
        return bytes_
    return change


def whole_life():
    """import, seal, restart, search, verify, proof: as without encryption, and nothing readable on the disk"""
    with folder() as base:
        data, ring, identity = fill(base)
        check_equal(holders(data, MARKER.encode()), [], "files with the marker")
        check_equal(holders(data, b"alice"), [], "files with a value")
        with open(ring, "rb") as file:
            secret = file.read().split()[3]
        check_equal(holders(data, secret), [], "files with the master key")
        check(holders(base, MARKER.encode()) == ["bulk.log"], "the search for the marker finds the source only")
        with Service(data, log_file_mib=2) as again:
            check_equal(len(again.wait_for(MARKER, LINES)), LINES, "records after the restart")
            check_equal(len(again.sent("number-0031337")), 1, "a rare word")
            again.tcp(b"<13>2026-11-20T10:00:00Z host app: fresh-word after the restart\n")
            hit = again.wait_for("fresh-word", 1)[0]
            proof = os.path.join(base, "proof")
            sealed, fresh = again.sent("number-0000005")[0]["record"], hit["record"]
            for record in (sealed, fresh):
                again.proof(record, proof)
                done = subprocess.run([VERIFY, "--proof", proof, "--vkey", again.public_key()], capture_output=True,
                                      text=True, check=False)
                check_equal(done.returncode, 0, f"the proof of {record}: {done.stdout}{done.stderr}")
            memory_check(again, secret)
            again.quiet()
        check_equal(holders(data, b"fresh-word"), [], "files with the fresh word")
        status, text = verify(data)
        check_equal(status, 0, f"verify: {text}")
        examined(data, 0, absent="foreign-file leftover")
        explained(data, base, {sealed: False, fresh: True})
        auditor_check(data, base, ring, identity)
        rows = [json.loads(line) for line in key("show", "--json", "--data", data).stdout.splitlines()]
        check_equal([(row["id"], row["state"]) for row in rows], [(identity, "wraps")], "keys shown")
        check(rows[0]["segments"] >= 2 and rows[0]["log_files"] >= 1, f"counts: {rows}")


def explained(data, base, records):
    """Whether a rule matches records: what reads them can open no key, and has them."""
    rule = os.path.join(base, "fresh.yml")
    with open(rule, "w", encoding="ascii") as file:
        file.write("title: Fresh\nid: 1c9f6b5e-0a52-4c8e-9a1e-2f6d5b7c3e01\nlogsource:\n    product: linux\n"
                   "detection:\n    s:\n        message|contains: fresh-word\n    condition: s\nlevel: low\n")
    for record, match in records.items():
        done = subprocess.run([QORGAN, "rules", "explain", "Fresh", str(record), "--json", "--rules", rule, "--data",
                               data], capture_output=True, text=True, check=False, timeout=60)
        check_equal(done.returncode, 0, f"record {record} explained: {done.stderr}")
        check_equal(json.loads(done.stdout)[0]["match"], match, f"record {record}")


def auditor(data, *arguments):
    with open(os.path.join(data, "keys/signer.pub"), encoding="ascii") as file:
        public = file.read().strip()
    done = subprocess.run([VERIFY, "--data", os.path.join(data, "archive"), "--vkey", public, *arguments],
                          capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def auditor_check(data, base, ring, identity):
    """qorgan-verify: with the key it proves, without it says which key; damage is found either way"""
    status, text = auditor(data, "--master-key", ring)
    check_equal(status, 0, f"the auditor with the key: {text}")
    status, text = auditor(data)
    check(status == 2 and f"needs master key {identity}" in text, f"the auditor without it: {text}")
    other = os.path.join(base, "auditor.key")
    key_new(other)
    status, text = auditor(data, "--master-key", other)
    check(status == 2 and f"needs master key {identity}" in text, f"the auditor with another: {text}")
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 5 * 3600))
    paper = os.path.join(base, "certificate")
    subprocess.run([QORGAN, "certificate", "--data", data, "--source", "bulk", "--date", day, "--unsealed", "--out",
                    paper], check=True, timeout=120)
    status, text = auditor(data, "--certificate", paper, "--master-key", ring)
    check_equal(status, 0, f"a certificate is recounted with the key: {text}")
    status, text = auditor(data, "--certificate", paper)
    check(status == 2 and f"needs master key {identity}" in text, f"and not without it: {text}")
    segment = sorted(glob.glob(os.path.join(data, "archive/seg/*.seg")))[1]
    log = sorted(glob.glob(os.path.join(data, "archive/wal/*.wal")))[-1]
    with changed(segment, flipped(64 + 16408 + 3000)):
        status, text = auditor(data)
        check(status == 1 and os.path.basename(segment) in text, f"damage without the key: {text}")
        status, text = auditor(data, "--master-key", ring)
        check(status == 1 and os.path.basename(segment) in text, f"damage with the key: {text}")
    with changed(log, flipped(600)):
        status, text = auditor(data, "--master-key", ring)
        check(status == 1 and os.path.basename(log) in text, f"a damaged key of the log: {text}")


def memory_check(running, secret):
    """Who holds the master key, as bytes: keeper, query, packer, hunter, judge (for the reaper); nobody else."""
    if os.geteuid() != 0:
        return
    import base64
    raw = base64.b64decode(secret)
    roles = {"parent": [running.process.pid]}
    for role in ("signer", "keeper", "reaper", "out", "desk", "query", "engine", "web", "collector", "intake",
                 "packer", "judge", "hunter", "reader", "drawer", "verifier"):
        roles[role] = running.pids(role)
    have = set()
    for role, pids in roles.items():
        for pid in pids:
            try:
                if memory_has(pid, raw, secret):
                    have.add(role)
            except OSError:
                return  # this kernel shows nobody's memory
    check_equal(have, {"keeper", "query", "packer", "judge", "hunter"}, "processes with the master key in memory")


def memory_has(pid, *needles):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        ranges = [re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line) for line in maps]
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for found in filter(None, ranges):
            low, high = (int(number, 16) for number in found.groups())
            try:
                memory.seek(low)
                bytes_ = memory.read(min(high - low, 256 << 20))
            except (OSError, ValueError):
                continue
            if any(needle in bytes_ for needle in needles):
                return True
    return False


def keys_refused():
    """a wrong, a missing, a readable key file: refused, naming the master key that is needed"""
    with folder() as base:
        data, ring, identity = fill(base)
        other = os.path.join(base, "other.key")
        key_new(other)
        configure(data, f"file:{other}")
        refuses(data, f"needs master key {identity}", "is not among the 1 given", "could not open segment")
        done = subprocess.run([QORGAN, "search", "--data", data, MARKER], capture_output=True, text=True, check=False)
        check(done.returncode == 1 and f"needs master key {identity}" in done.stderr, done.stderr)
        status, text = verify(data)
        check(status == 1 and f"needs master key {identity}" in text, text)
        check("faults" not in text and "FAULT" not in text, f"a missing key is told as damage: {text}")
        examined(data, 1, "master-key", absent="segment-damaged log-damaged rollback foreign-file")
        segment = sorted(glob.glob(os.path.join(data, "archive/seg/*.seg")))[0]
        with changed(segment, flipped(64 + 16408 + 3000)):
            examined(data, 1, "master-key segment-damaged", absent="rollback")
        shown = key("show", "--data", data, check_status=False)
        check(shown.returncode == 1 and f"{identity}  MISSING" in shown.stdout, shown.stdout)
        configure(data, "off")
        refuses(data, "no master key was given", identity)
        configure(data, "file:/nonexistent/master.key")
        refuses(data, "there is no file of master keys")
        configure(data, f"file:{ring}")
        os.chmod(ring, 0o444)
        refuses(data, "others may read")
        os.chmod(ring, 0o400)
        configure(data, "drawer:x")
        refuses(data, "encryption is off, file:PATH")
        configure(data, f"file:{ring}")
        with Service(data) as running:
            check_equal(len(running.wait_for(MARKER, LINES)), LINES, "records with the right key again")


def damage_found():
    """a flipped byte in each kind of file, swapped chunks, swapped and absent key files: found, with the place"""
    with folder() as base:
        data, _, _ = fill(base)
        segments = sorted(glob.glob(os.path.join(data, "archive/seg/*.seg")))
        keys = sorted(glob.glob(os.path.join(data, "archive/seg/*.key")))
        keys = [[k for k in keys if os.path.basename(k).startswith(os.path.basename(s)[:16])][-1] for s in segments]
        logs = sorted(glob.glob(os.path.join(data, "archive/wal/*.wal")))
        step = 16384 + 24

        def swap(bytes_):
            return bytes_[:64] + bytes_[64 + step:64 + 2 * step] + bytes_[64:64 + step] + bytes_[64 + 2 * step:]

        with open(segments[1], "rb") as file:
            strange = file.read()

        def chunk_of_other(bytes_):
            bytes_[64:64 + step] = strange[64:64 + step]
            return bytes_

        with open(keys[1], "rb") as file:
            strange_key = file.read()
        rows = [
            (segments[0], flipped(70), "at 64 (chunk 0)"),
            (segments[0], flipped(64 + step + 3000), f"at {64 + step} (chunk 1)"),
            (segments[0], flipped(20), "the header of its encryption is damaged"),
            (segments[0], flipped(-30), "the end of its encryption"),
            (segments[0], lambda b: b[:-100], "the end of its encryption"),
            (segments[0], swap, "at 64 (chunk 0)"),
            (segments[0], chunk_of_other, "at 64 (chunk 0)"),
            (segments[0], lambda _: bytearray(strange), "it says that it begins at record"),
            (keys[0], flipped(50), "its key is damaged"),
            (keys[0], lambda _: bytearray(strange_key), "its key is that of another file"),
            (logs[-1], flipped(4096 + 40), "log"),
            (logs[-1], flipped(520), "its key is damaged"),
        ]
        for path, change, words in rows:
            with changed(path, change):
                status, text = verify(data)
                name = os.path.basename(path)
                check(status == 1, f"{name}: verify found nothing")
                stem = name[:16] if path.endswith((".key", ".seg")) else "wal"
                check(stem in text and words in text, f"{name}: \"{words}\" is not said: {text}")
        os.rename(keys[0], keys[0] + ".away")
        status, text = verify(data)
        check(status == 1 and "is not there" in text, text)
        refuses(data, "is not there")
        os.rename(keys[0] + ".away", keys[0])
        check_equal(verify(data)[0], 0, "everything is as it was")


def rotation():
    """a new master key: files are wrapped anew, not encrypted again, and the old key is not needed any more"""
    with folder() as base:
        data, ring, old = fill(base)
        stored = {}
        for path in glob.glob(os.path.join(data, "archive/seg/*.seg")):
            with open(path, "rb") as file:
                stored[path] = file.read()
        new = json.loads(key("add", "--json", ring).stdout)["id"]
        check(new != old, "the key is a new one")
        with Service(data) as running:
            check_equal(len(running.wait_for(MARKER, LINES)), LINES, "records with both keys")
            done = key("rotate", "--data", data, check_status=False)
            check(done.returncode == 1 and "stop it first" in done.stderr, done.stderr)
        first = json.loads(key("rotate", "--json", "--data", data).stdout)
        check(first["id"] == new and first["rewrapped"] >= 2, f"rotated: {first}")
        again = json.loads(key("rotate", "--json", "--data", data).stdout)
        check_equal(again["rewrapped"], 0, "a second rotation changes nothing")
        for path, bytes_ in stored.items():
            with open(path, "rb") as file:
                check(file.read() == bytes_, f"{path} was changed by the rotation")
        with open(ring, encoding="ascii") as file:
            kept = [line for line in file if old not in line]
        os.chmod(ring, 0o600)
        with open(ring, "w", encoding="ascii") as file:
            file.writelines(kept)
        os.chmod(ring, 0o400)
        with Service(data) as running:
            check_equal(len(running.wait_for(MARKER, LINES)), LINES, "records with the new key alone")
            running.quiet()
        check_equal(verify(data)[0], 0, "verify with the new key alone")


def key_added_under_way():
    """a master key is added, the keeper dies and wraps with it: query is started anew and reads on"""
    def asked(web, want):
        """The query process counts so many records, in one slice."""
        deadline = time.time() + 60
        answer, rows = {}, []
        while time.time() < deadline and rows != [[want]]:
            time.sleep(0.3)
            answer = web.ask("search", query=f"type:raw {MARKER} | count", from_ns=0, to_ns=0, limit=5, before=0,
                             wait_ms=5000)
            rows = answer.get("table", {}).get("rows", []) if answer.get("complete") else []
        check_equal(rows, [[want]], f"records that the query process counts: {str(answer)[:400]}")

    with folder() as base:
        data = os.path.join(base, "data")
        os.mkdir(data)
        ring = os.path.join(base, "master.key")
        key_new(ring)
        configure(data, f"file:{ring}")
        for name, first in (("bulk", 0), ("more", LINES)):
            lines_write(os.path.join(base, name), first, LINES)
        with Service(data, log_file_mib=2) as running:
            running.run("ingest", "--name", "bulk", os.path.join(base, "bulk"))
            web = Web(running)
            asked(web, LINES)
            new = json.loads(key("add", "--json", ring).stdout)["id"]
            keeper = running.pids("keeper")[0]
            os.kill(keeper, signal.SIGKILL)
            deadline = time.time() + 60
            while time.time() < deadline and running.pids("keeper")[:1] in ([], [keeper]):
                time.sleep(0.2)
            running.run("ingest", "--name", "more", os.path.join(base, "more"))
            rows = [json.loads(line) for line in key("show", "--json", "--data", data).stdout.splitlines()]
            check([row for row in rows if row["id"] == new and row["log_files"] + row["segments"]], f"in use: {rows}")
            asked(web, 2 * LINES)
        os.unlink(running.log_path)  # it tells of the kill


def from_a_token():
    """the ring sealed by a key on a PKCS#11 token; without token or PIN nothing is read"""
    with folder() as base:
        os.mkdir(os.path.join(base, "tokens"))
        conf = os.path.join(base, "softhsm.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(f"directories.tokendir = {base}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = conf
        pin = os.path.join(base, "pin")
        with open(pin, "w", encoding="ascii") as file:
            file.write("876543\n")
        os.chmod(pin, 0o400)
        ring = os.path.join(base, "ring")
        uri = (f"pkcs11:token=qorgan;object=master?module-path=/usr/lib/softhsm/libsofthsm2.so"
               f"&pin-source=file:{pin}&x-qorgan-ring={ring}")
        try:
            subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "qorgan", "--so-pin", "12345678",
                            "--pin", "876543"], check=True, capture_output=True)
            key_new(uri)
            data = os.path.join(base, "data")
            os.mkdir(data)
            configure(data, uri)
            lines_write(os.path.join(base, "bulk.log"), 0, 20000)
            with Service(data, log_file_mib=2) as running:
                running.run("ingest", "--name", "bulk", os.path.join(base, "bulk.log"))
                wait_sealed(data, 1)
                check_equal(len(running.wait_for(MARKER, 20000)), 20000, "records")
                running.quiet()
            check_equal([f for f in holders(data, MARKER.encode()) if f.startswith("archive")], [], "plain files")
            check_equal(holders(base, b"qorgan-master-key"), [], "plain rings")
            check_equal(verify(data)[0], 0, "verify by the token")
            check_equal(auditor(data, "--master-key", uri)[0], 0, "the auditor by the token")
            key("add", uri)
            key("rotate", "--data", data)
            check_equal(verify(data)[0], 0, "verify after a rotation")
            os.chmod(pin, 0o600)
            with open(pin, "w", encoding="ascii") as file:
                file.write("000000\n")
            os.chmod(pin, 0o400)
            refuses(data, "the token could not take the PIN")
            os.rename(os.path.join(base, "tokens"), os.path.join(base, "gone"))
            os.mkdir(os.path.join(base, "tokens"))
            refuses(data, "there is no token")
            check("876543" not in key("show", "--data", data, check_status=False).stderr, "the PIN is told")
        finally:
            del os.environ["SOFTHSM2_CONF"]


def from_a_credential():
    """the ring as a systemd credential; encryption switched on for an archive that was plain"""
    with folder() as base:
        data = os.path.join(base, "data")
        os.mkdir(data)
        credentials = os.path.join(base, "credentials")
        os.mkdir(credentials)
        key_new(os.path.join(credentials, "master"))
        os.chmod(os.path.join(credentials, "master"), 0o440)
        lines_write(os.path.join(base, "bulk.log"), 0, 20000)
        lines_write(os.path.join(base, "more.log"), 20000, 20000)
        with Service(data, log_file_mib=2) as running:
            running.run("ingest", "--name", "bulk", os.path.join(base, "bulk.log"))
            wait_sealed(data, 1)
        configure(data, "credential:master")
        os.environ["CREDENTIALS_DIRECTORY"] = credentials
        try:
            with Service(data, log_file_mib=2) as running:
                running.run("ingest", "--name", "more", os.path.join(base, "more.log"))
                check_equal(len(running.wait_for(MARKER, 40000)), 40000, "plain and encrypted records")
                wait_sealed(data, 3)
                running.quiet()
            check_equal(verify(data)[0], 0, "verify over plain and encrypted files")
            check_equal([f for f in holders(data, b"number-0035000") if f.startswith("archive")], [], "new records")
        finally:
            del os.environ["CREDENTIALS_DIRECTORY"]
        refuses(data, "CREDENTIALS_DIRECTORY is not set")


if __name__ == "__main__":
    sys.exit(service.main([whole_life, keys_refused, damage_found, rotation, key_added_under_way, from_a_credential,
                           from_a_token]))
