#!/usr/bin/env python3
"""tamper.py - a whole archive that the real server made, with witnesses: every byte of its small files and samples of
the large ones flipped, every file deleted, cut, swapped, copied under another name, put back from yesterday, in turn.
`qorgan-verify` with the policy, and `qorgan verify`, must refuse and name the place. Prints TAP."""
import concurrent.futures
import contextlib
import os
import queue
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from service import QORGAN, VERIFY, check, check_equal, main
from witness import cosigned, folder, need_cryptography, prepared, size_of, wait

SMALL = ("instance", "checkpoints/latest", "checkpoints/cosigned")  # of these every byte is flipped
SAMPLES = 16  # bytes of the others, besides their ends
WORKERS = len(os.sched_getaffinity(0))

# What need not be seen, and why. (who, file, change); None: both programs.
HARMLESS = (
    (None, r"lock", r".*", "an empty file that only the running writer holds"),
    (None, r"checkpoints/latest", r"put back from yesterday",
     "an older statement, and true; the records agree with every other note, and the signer goes on from its own"),
    (None, r"checkpoints/cosigned", r"put back from yesterday", "an older statement, and true; no record hangs on it"),
    (None, r"checkpoints/[0-9a-f]{16}", r"deleted",
     "one of many statements about the same records; newer ones cover them all"),
    (None, r"checkpoints/[0-9a-f]{16}\.path", r"deleted",
     "made from the records; it serves proofs once they are deleted, and retention looks for it then"),
    ("auditor", r"checkpoints/[0-9a-f]{16}\.path", r"copied .*", "a path beside which no note stands proves nothing"),
    ("operator", r"checkpoints/(latest|cosigned)", r"deleted",
     "the records agree with the other notes; the auditor's program and qorgan doctor miss it"),
    ("operator", r"checkpoints/cosigned", r"swapped with checkpoints/latest",
     "both are true statements; whose signatures they carry is the auditor's question"),
    ("operator", r"wal/[0-9a-f]{16}\.wal", r"put back from yesterday",
     "a log whose records stand in a segment is a leftover, which the next start removes"),
)


class Case:
    """One change to one file (`name` below the archive's folder): new bytes, None where it is gone; `at`: of a flip."""

    def __init__(self, name, what, *changes, at=None):
        self.name, self.what, self.changes, self.at = name, what, dict(changes), at

    def __str__(self):
        return f"{self.name}: {self.what}"


class Made:
    def __init__(self, path):
        self.path, self.data, self.policy = path, os.path.join(path, "data"), os.path.join(path, "policy")
        self.files = read_all(self.data)
        self.yesterday = read_all(os.path.join(path, "yesterday"))
        self.size = int(self.files["checkpoints/latest"].split(b"\n")[1])


def read_all(data):
    found = {}
    for base, _, names in os.walk(os.path.join(data, "archive")):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, os.path.join(data, "archive"))] = file.read()
    return found


def segments(data):
    return [name for name in os.listdir(data + "/archive/seg") if name.endswith(".seg")]


def fill(service, count, want):
    lines = b"".join(b"<13>Nov 20 10:00:%02d web1 app[7]: line %d user=u%d\n" % (i % 60, i, i % 7)
                     for i in range(count))
    service.run("ingest", "--name", "lines", "-", text_input=lines)
    check(wait(lambda: len(segments(service.data)) >= want), f"{want} segments")
    service.run("ingest", "--name", "tail", "-", text_input=lines[:4000])
    sent = len(service.search(""))
    check(wait(lambda: size_of(cosigned(service)) >= sent), "the witnesses cosign everything")


@contextlib.contextmanager
def made():
    need_cryptography()
    with folder() as (path, started):
        service, *_ = prepared(path, started, log_rotate_s=10, log_file_mib=1)
        try:
            service.start()
            fill(service, 700, 1)
            service.stop()
            shutil.copytree(service.data, path + "/yesterday", ignore=shutil.ignore_patterns("run"))
            service.start()
            fill(service, 300, len(segments(service.data)) + 1)
            service.stop()
            shutil.rmtree(service.data + "/run", ignore_errors=True)
        finally:
            service.kill()
        yield Made(path)


# ---- the changes ----

def frames(log):
    """(offset, end, number of the first record, number of the last) of each frame; doc/format/wal.md."""
    at, out = 64, []
    while log[at:at + 4] == b"QFM1":
        length, _, first, count, _ = struct.unpack_from(">IIQII", log, at + 4)
        out.append((at, at + 28 + length, first, first + count - 1))
        at += 28 + length
    return out


def places(name, data):
    """Where bytes are flipped: everywhere in a small file, in a larger one at its ends and evenly between."""
    end = frames(data)[-1][1] if name.startswith("wal/") else len(data)  # behind the last frame stands nothing yet
    if name in SMALL or not end:
        return range(end)
    return sorted({*range(0, min(end, 100), 9), *(end - 1 - i * 61 for i in range(12) if i * 61 < end),
                   *(i * end // SAMPLES for i in range(SAMPLES))})


def flips(made_one):
    for name, data in made_one.files.items():
        for at in places(name, data):
            changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]
            yield Case(name, f"bit {at % 8} of byte {at}", (name, changed), at=at)


def neighbours(name, names):
    """Files of the same kind."""
    return [other for other in names if other > name and os.path.dirname(other) == os.path.dirname(name) and
            os.path.splitext(other)[1] == os.path.splitext(name)[1]]


def replacements(made_one):
    files = made_one.files
    for name, data in files.items():
        yield Case(name, "deleted", (name, None))
        end = frames(data)[-1][1] if name.startswith("wal/") else len(data)
        yield Case(name, "cut to half", (name, data[:end // 2]))
        yield Case(name, "cut to nothing", (name, b""))
        old = made_one.yesterday.get(name)
        if old is not None and old != data:
            yield Case(name, "put back from yesterday", (name, old))
        for other in neighbours(name, files):
            yield Case(name, f"swapped with {other}", (name, files[other]), (other, data))
        if re.search(r"[0-9a-f]{16}", name):
            twin = re.sub(r"([0-9a-f]{16})", lambda found: f"{int(found[1], 16) + 1:016x}", name)
            yield Case(name, f"copied as {twin}", (twin, data))
    for name in made_one.yesterday:
        if name not in files:
            yield Case(name, "put back from yesterday", (name, made_one.yesterday[name]))


# ---- who must see it ----

def in_signature(case):
    """Whether a flip is in the signature lines of a note: the operator's program compares roots, and leaves signatures
    to who has a key that this machine did not choose."""
    return case.at is not None and case.name.startswith("checkpoints/") and not case.name.endswith(".path") and \
        case.changes[case.name][:case.at].count(b"\n") > 3


class Bench:
    """A copy of the archive that is changed and put right again."""

    def __init__(self, made_one, path):
        self.data, self.made = path, made_one
        shutil.copytree(made_one.data, path)

    def put(self, name, data):
        path = os.path.join(self.data, "archive", name)
        if data is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        with open(path, "wb") as file:
            file.write(data)

    def judge(self, case):
        """(status, output) of the auditor's and of the operator's program."""
        for name, data in case.changes.items():
            self.put(name, data)
        commands = ([VERIFY, "--data", self.data + "/archive", "--policy", self.made.policy],
                    [QORGAN, "verify", "--data", self.data])
        out = []
        for command in commands[:1] if in_signature(case) else commands:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=60)
            out.append((done.returncode, done.stdout + done.stderr))
        for name in case.changes:
            self.put(name, self.made.files.get(name))
        return out


def judged(made_one, cases):
    """(case, judgements) of each, several at a time."""
    with tempfile.TemporaryDirectory(prefix="qorgan-tamper-") as path:
        free = queue.Queue()
        for i in range(WORKERS):
            free.put(Bench(made_one, os.path.join(path, str(i))))

        def one(case):
            bench = free.get()
            try:
                return case, bench.judge(case)
            finally:
                free.put(bench)

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            yield from pool.map(one, cases)


def excused(who, case):
    if any((by or who) == who and re.fullmatch(name, case.name) and re.fullmatch(what, case.what)
           for by, name, what, _ in HARMLESS):
        return True
    at, data = case.at, case.changes.get(case.name)
    if at is None:
        return False
    if case.name == "instance":  # a hexadecimal digit in upper case is the same digit
        return data[at:at + 1] in b"ABCDEF"
    # A cosignature under a name or an id that the policy does not know is passed over, as C2SP says; the log's own line
    # and the records stay. Only the newest cosigned note must have its quorum.
    if not re.fullmatch(r"checkpoints/[0-9a-f]{16}", case.name) or data[:at].count(b"\n") <= 4:
        return False
    dash = data.index(b" ", data.rindex(b"\n", 0, at))
    return at <= data.index(b" ", dash + 1) + 6  # name, and the four bytes of the id in base64


def names_place(case, out):
    """A file that was changed; where one is gone, what lacks its records: its folder, what follows in it, a note."""
    names = [os.path.basename(name) for name in (case.name, *case.changes)]
    if None in case.changes.values():
        where = os.path.dirname(case.name)
        names += [where + "/", where + ":", "wal/", "wal:", "checkpoints/latest"]
    names += ["no archive", "another archive"] if case.name == "instance" else []
    return any(name in out for name in names)


def must_be_seen(made_one, cases):
    """Judges every case; the number of them."""
    missed, count = [], 0
    for case, judgements in judged(made_one, cases):
        count += 1
        for who, (status, out) in zip(("auditor", "operator"), judgements):
            if status == 0:
                missed += [] if excused(who, case) else [f"{who} accepts {case}"]
            elif status not in (1, 2) or not names_place(case, out):
                missed.append(f"{who} refuses {case} with status {status} and does not say where: {out[:300]}")
    check(not missed, f"{len(missed)} of {count}:\n" + "\n".join(missed[:40]))
    return count


# ---- tests ----

def everything():
    """each change to each file of a whole archive is refused and its place named, or is listed with the reason"""
    with made() as one:
        for command in ([VERIFY, "--data", one.data + "/archive", "--policy", one.policy],
                        [QORGAN, "verify", "--data", one.data]):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            check_equal(done.returncode, 0, "the archive as it is: " + done.stdout + done.stderr)
        check("service does not run" in done.stderr and "paper" not in done.stderr, "offline: " + done.stderr)
        check(len(segments(one.data)) >= 2, "several segments")
        check(must_be_seen(one, list(replacements(one))) > 40, "changes of whole files")
        check(must_be_seen(one, list(flips(one))) > 800, "flipped bytes")
        known_checkpoint(one)


def doctor(data, *arguments):
    done = subprocess.run([QORGAN, "doctor", "--data", data, *arguments], capture_output=True, text=True, check=False,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr


def known_checkpoint(one):
    """Yesterday's copy of the whole archive is a true archive: only who knows a newer checkpoint sees its age."""
    kept = os.path.join(one.path, "kept")
    with open(kept, "wb") as file:
        file.write(one.files["checkpoints/cosigned"])
    old = os.path.join(one.path, "old")
    shutil.copytree(os.path.join(one.path, "yesterday"), old)
    shutil.copytree(one.data + "/keys", old + "/keys", dirs_exist_ok=True)
    done = subprocess.run([VERIFY, "--data", old + "/archive", "--policy", one.policy], capture_output=True, text=True,
                          check=False, timeout=60)
    check_equal(done.returncode, 0, "yesterday's copy by itself: " + done.stdout + done.stderr)
    status, out = doctor(old)
    check(status == 1 and "rollback" in out, "the signer's state knows better: " + out)
    shutil.copytree(os.path.join(one.path, "yesterday/keys"), old + "/keys", dirs_exist_ok=True)
    check("rollback" not in doctor(old)[1], "with yesterday's keys nobody inside knows")
    status, out = doctor(old, "--checkpoint", kept)
    check(status == 1 and "rollback" in out, "a note that was kept outside does: " + out)


if __name__ == "__main__":
    sys.exit(main([everything]))
