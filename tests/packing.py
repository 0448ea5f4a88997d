#!/usr/bin/env python3
"""Segments of more than two months ago are packed anew, smaller, by the real server: plain, encrypted, killed at any
moment. Nothing that a search, a proof or an auditor says may change. The archive is made by build/tests/old-archive."""
import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from reader import Archive
from service import QORGAN, VERIFY, Service, check, check_equal, main

OLD_ARCHIVE = os.environ.get("OLD_ARCHIVE", os.path.join(os.path.dirname(QORGAN), "../../tests/old-archive"))
# Days ago and records of each segment. Past the term nothing is packed any more; what is young and the last stay hot.
SEGMENTS = (1500, 2000, 400, 5000, 200, 3000, 63, 2000, 61, 2000, 30, 100)
COLD = (2000, 7000, 10000)
HOT = (0, 12000, 14000)
FEATURES = slice(12, 16)  # compatible features in the header of a segment


class Old(Service):
    def __init__(self, **settings):
        super().__init__(site="test.example", **settings)
        made = subprocess.run([OLD_ARCHIVE, self.data, *map(str, SEGMENTS)], capture_output=True, text=True,
                              check=False, timeout=60)
        check_equal(made.returncode, 0, "old-archive: " + made.stderr)

    def path(self, first, suffix=".seg"):
        return f"{self.data}/archive/seg/{first:016x}{suffix}"

    def staged(self, first, suffix=".cold"):
        return f"{self.data}/archive/pack/{first:016x}{suffix}"

    def changed(self, firsts, before):
        return [first for first in firsts if file_of(self.path(first)) != before[first]]

    def until_packed(self, before, wait=90, between=lambda: time.sleep(0.2)):
        deadline = time.time() + wait
        while len(self.changed(COLD, before)) < len(COLD) or glob.glob(self.data + "/archive/*/*.cold"):
            check(time.time() < deadline, f"packed in time: {self.changed(COLD, before)}\n{self.read_log()[-3000:]}")
            between()

    def told(self):
        """What searches say of the records that the archive was made with."""
        end = sum(SEGMENTS[1::2])
        hits = [hit for hit in self.search("type:raw") if hit["record"] < end]
        check_equal(len(hits), end, "records")
        rows = [self.run("search", query).stdout
                for query in ("word7 | count by user", "status:4* | count", "rule:rule-failed | count")]
        return hits, rows


def file_of(path):
    with open(path, "rb") as file:
        return file.read()


def segments_of(service):
    return {first: file_of(service.path(first)) for first in COLD + HOT}


def audited(service, *arguments):
    done = subprocess.run([VERIFY, "--data", service.data + "/archive", "--vkey", service.public_key(), *arguments],
                          capture_output=True, text=True, check=False, timeout=120)
    check_equal(done.returncode, 0, f"qorgan-verify: {done.stdout}{done.stderr}")
    done = service.run("verify", check=False)
    check_equal(done.returncode, 0, "qorgan verify: " + done.stdout.decode() + done.stderr.decode())


def test_packed():
    """segments of two months and more are packed, the others are not; what is said of the records stays"""
    with Old() as service:
        before = segments_of(service)
        told = service.told()
        note = service.data + "/before.proof"
        service.until_packed(before)
        check_equal(service.changed(HOT, before), [], "segments that stay")
        for first in COLD:
            cold = file_of(service.path(first))
            check_equal((cold[FEATURES], before[first][FEATURES]), (b"\0\0\0\1", b"\0\0\0\0"), "feature in the header")
            check(len(cold) < 1.02 * len(before[first]), f"{len(cold)} bytes, {len(before[first])} before")
        check(service.told() == told, "searches say the same")
        names = sorted(os.path.basename(path) for path in glob.glob(service.path(0)[:-20] + "*"))
        check(not [name for name in names if not name.endswith(".seg")], f"nothing is left over: {names}")
        check_equal(os.listdir(service.data + "/archive/pack"), [], "what is left in the packer's folder")
        service.run("proof", "2345", "--out", note)
        service.stop()
        done = subprocess.run([VERIFY, "--vkey", service.public_key(), "--proof", note], capture_output=True,
                              text=True, check=False, timeout=60)
        check_equal(done.returncode, 0, "the proof of a packed record: " + done.stdout + done.stderr)
        audited(service)
        archive = Archive(service.data + "/archive")  # an implementation of its own
        check(len(archive.records) > sum(SEGMENTS[1::2]), "records that it reads")
        check_equal([json.loads(line)["record"] for line in service.run("search", "--json", "--limit", "3", "type:raw").
                     stdout.splitlines()], [hit["record"] for hit in service.search("type:raw")[:3]], "search offline")
        service.quiet()


def test_killed():
    """packer and reaper are killed at any moment: it is packed all the same, and whole"""
    chance = random.Random(20261128)
    with Old() as service:
        before = segments_of(service)
        told = service.told()
        kills = 0

        def kill():
            nonlocal kills
            time.sleep(chance.uniform(0.0, 1.5))
            for pid in service.pids(chance.choice(("packer", "packer", "reaper"))) if kills < 14 else ():
                os.kill(pid, signal.SIGKILL)
                kills += 1

        service.until_packed(before, between=kill)
        check(service.told() == told, "searches say the same")
        service.stop()
        audited(service)


def test_the_judge_dies():
    """a judge that dies while it compares has said no; the next reaper has it judged again"""
    with Old() as service:
        before = segments_of(service)
        service.stop()
        shutil.copy(service.path(2000), service.path(7000, ".cold"))
        service.start()
        deadline = time.time() + 60
        text = ""
        while "the judge ended while it judged" not in text and time.time() < deadline:
            for pid in service.pids("judge"):  # it is always in the middle of something, or has nothing to do
                os.kill(pid, signal.SIGSTOP)
            time.sleep(0.3)  # what was judged before takes its place
            now = segments_of(service)
            time.sleep(1.2)
            check_equal(service.changed(COLD + HOT, now), [], "segments while nobody judges")
            for pid in service.pids("judge"):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
            text = service.read_log()
        check("is not replaced by what was packed: the judge ended while it judged" in text, text)
        check_equal(service.changed((7000,), before), [], "the segment beside a liar")
        service.stop()
        os.unlink(service.path(7000, ".cold"))
        service.start()
        service.until_packed(before)
        service.stop()
        audited(service)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def test_the_judge_may_nothing():
    """who decodes what was packed has no file open for writing, no socket but its channels, and no way to open one"""
    with Old() as service:
        service.until_packed(segments_of(service))
        pids = service.pids("judge")
        check_equal(len(pids), 1, "judges")
        status = status_of(pids[0])
        check_equal((status["NoNewPrivs"], status["CapEff"].strip("0"), status["CapPrm"].strip("0")), ("1", "", ""),
                    "privileges of the judge")
        if status.get("Seccomp") != "0":  # else the service says that this kernel or build has none
            check_equal(status["Seccomp"], "2", "system calls of the judge are filtered")
        try:
            descriptors = {fd: os.readlink(f"/proc/{pids[0]}/fd/{fd}") for fd in os.listdir(f"/proc/{pids[0]}/fd")}
        except PermissionError:
            return  # only root sees them
        for fd, target in descriptors.items():
            with open(f"/proc/{pids[0]}/fdinfo/{fd}", encoding="ascii") as file:
                flags = int(re.search(r"flags:\s*([0-7]+)", file.read()).group(1), 8)
            if target.startswith("/") and target not in ("/dev/null", service.log_path):
                check_equal(flags & os.O_ACCMODE, os.O_RDONLY, f"{target} is open for reading only")
        service.quiet()


def test_planted():
    """links, pipes and keys of other segments that stand where the packer may write come nowhere; leftovers go"""
    with Old(hot_days=1400) as service:  # nothing is packed yet
        before = segments_of(service)
        service.stop()
        service.settings["hot-days"] = 62
        os.symlink(service.path(2000), service.staged(0))
        os.link(service.path(2000), service.staged(2000))
        os.mkfifo(service.staged(7000))
        shutil.copy(service.path(2000), service.staged(10000))
        left = (service.path(10000, ".pack"), service.staged(12000, ".pack"), service.staged(12000, f".{7:016x}.key"))
        for path in left:  # in seg/ by the version before
            with open(path, "wb") as file:
                file.write(b"begun")
        service.start()
        deadline = time.time() + 60
        refused = []
        while len(refused) < 4 and time.time() < deadline:
            text = service.read_log()
            refused = [first for first in (0, *COLD[:2], 10000)
                       if f"the segment of record {first} is not replaced by what was packed" in text]
            time.sleep(0.2)
        check_equal(refused, [0, *COLD[:2], 10000], "refused")
        time.sleep(1)
        check_equal(service.changed(COLD + HOT, before), [], "segments beside what was planted")
        check(not os.path.lexists(service.path(0, ".cold")), "a link in the folder of segments")
        check_equal([path for path in left if os.path.exists(path)], [], "what was begun before")
        service.stop()
        for path in glob.glob(service.data + "/archive/*/*.cold"):
            os.unlink(path)
        service.start()
        service.until_packed(before)
        service.stop()
        audited(service)


def test_a_liar():
    """what does not hold the same records takes nobody's place, and is told"""
    with Old() as service:
        before = segments_of(service)
        service.stop()
        shutil.copy(service.path(2000), service.path(7000, ".cold"))
        damaged = bytearray(before[0])
        damaged[5000] ^= 1
        with open(service.path(0, ".cold"), "wb") as file:
            file.write(damaged)
        service.start()
        deadline = time.time() + 60
        while len(service.changed((2000, 10000), before)) < 2 and time.time() < deadline:
            time.sleep(0.2)
        check_equal(service.changed((0, 7000), before), [], "segments beside a liar")
        text = service.read_log()
        for first in (0, 7000):
            check(f"the segment of record {first} is not replaced by what was packed" in text, f"{first}: {text}")
        service.stop()
        audited(service)


def test_encrypted():
    """an archive that is encrypted from now on: what is packed is encrypted too, and its former key goes"""
    keys = tempfile.mkdtemp(prefix="qorgan-test-")
    try:
        done = subprocess.run([QORGAN, "key", "new", keys + "/ring"], capture_output=True, text=True, check=False)
        check_equal(done.returncode, 0, done.stderr)
        with Old(encryption=f"file:{keys}/ring") as service:
            with open(service.data + "/qorgan.conf", "w", encoding="ascii") as conf:
                conf.write(f"encryption file:{keys}/ring\n")
            before = segments_of(service)
            told = service.told()
            service.until_packed(before)
            for first in COLD:
                check(b"word7" not in file_of(service.path(first)), f"segment {first} is encrypted")
                check_equal(len(glob.glob(service.path(first)[:-4] + ".*.key")), 1, "keys of a segment")
            check(service.told() == told, "searches say the same")
            service.stop()
            audited(service, "--master-key", keys + "/ring")
            service.quiet()
    finally:
        shutil.rmtree(keys, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main([test_packed, test_killed, test_the_judge_dies, test_the_judge_may_nothing, test_planted,
                   test_a_liar, test_encrypted]))
