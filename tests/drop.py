#!/usr/bin/env python3
"""drop.py - `qorgan ingest --watch`: what is laid into a folder becomes records once, moves to done/ or refused/, and
waits where it is while the service is away. Prints TAP."""
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

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import QORGAN, ROOT, Service, Skip, check, check_equal, main  # noqa: E402

SAMPLES = os.path.join(ROOT, "..", "shared", "data", "evtx-attack-samples")


class Drop:
    """A service and a program that watches a folder for it."""

    def __init__(self, *options, prefix=()):
        self.options = options
        self.prefix = prefix

    def __enter__(self):
        self.service = Service()
        self.service.start()
        self.folder = tempfile.mkdtemp(prefix="qorgan-drop-", dir=self.service.data)
        self.said = open(os.path.join(self.service.data, "drop.said"), "w+b")
        self.start()
        return self

    def start(self):
        self.process = subprocess.Popen([*self.prefix, QORGAN, "ingest", "--data", self.service.data, "--watch",
                                         "--settle", "0", *self.options, self.folder],
                                        stdout=self.said, stderr=self.said)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.said.close()
        self.service.__exit__()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def lay(self, name, content):
        """As one should: under another name first."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name) + ".part", "wb") as file:
            file.write(content)
        os.rename(self.path(name) + ".part", self.path(name))

    def wait(self, *parts, there=True, limit=30):
        deadline = time.time() + limit
        while os.path.exists(self.path(*parts)) != there and time.time() < deadline:
            time.sleep(0.1)
        check(os.path.exists(self.path(*parts)) == there, f"{parts}: {os.listdir(self.folder)}; {self.words()}")

    def words(self):
        self.said.seek(0)
        return self.said.read().decode()


def taken_once():
    """files move to done/, the same bytes again add nothing, a folder's name is the source of its files"""
    with Drop() as drop:
        drop.lay("a.log", b"canary one\ncanary two\n")
        drop.wait("done", "a.log")
        drop.lay("a.log", b"canary one\ncanary two\n")
        drop.wait("done", "a.log.1")
        drop.lay("a.log", b"canary three\n")
        drop.wait("done", "a.log.2")
        drop.lay("dc01/b.log", b"canary four\n")
        drop.wait("dc01", "done", "b.log")
        hits = drop.service.wait_for("canary", 4)
        check_equal(sorted(hit["raw"] for hit in hits), ["canary four", "canary one", "canary three", "canary two"],
                    "records")
        sources = {hit["raw"]: hit["source"] for hit in hits}
        check_equal((sources["canary one"], sources["canary four"]), (drop.path("a.log"), "dc01"), "sources")
        check("2 were there already" in drop.words(), drop.words())
        check_equal(sorted(os.listdir(drop.folder)), ["dc01", "done", "refused"], "what is left in the folder")


def not_taken():
    """links, hidden and unfinished files stay; a file that is still written is taken when its writer is done"""
    with Drop() as drop:
        os.symlink("/etc/passwd", drop.path("link"))
        os.mkfifo(drop.path("pipe"))
        for name in (".hidden", "later.part", "later.tmp"):
            with open(drop.path(name), "wb") as file:
                file.write(b"canary never\n")
        with open(drop.path("slow.log"), "wb") as file:
            file.write(b"canary begin\n")
            file.flush()
            drop.lay("other.log", b"canary other\n")
            drop.wait("done", "other.log")
            time.sleep(2.5)
            drop.wait("slow.log")
            file.write(b"canary end\n")
        drop.wait("done", "slow.log")
        hits = drop.service.wait_for("canary", 3)
        check_equal(sorted(hit["raw"] for hit in hits), ["canary begin", "canary end", "canary other"], "records")
        check_equal(sorted(os.listdir(drop.folder)),
                    [".hidden", "done", "later.part", "later.tmp", "link", "pipe", "refused"], "what stays")


def as_the_unit():
    """with the capabilities of the systemd unit alone, a file of another user that is still written is left alone"""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        raise Skip("needs root to give capabilities up")
    with open(os.path.join(ROOT, "packaging", "qorgan-ingest@.service"), encoding="utf-8") as unit:
        kept = re.search("^CapabilityBoundingSet=(.*)$", unit.read(), re.MULTILINE)[1].split()
    bounds = ",".join(["-all"] + ["+" + name.removeprefix("CAP_").lower() for name in kept])
    with Drop(prefix=("setpriv", "--bounding-set", bounds)) as drop:
        with open(drop.path("slow.log"), "wb") as file:
            os.fchown(file.fileno(), 65534, 65534)
            file.write(b"canary begin\n")
            file.flush()
            drop.lay("other.log", b"canary other\n")
            drop.wait("done", "other.log")
            time.sleep(2.5)
            drop.wait("slow.log")
            file.write(b"canary end\n")
        drop.wait("done", "slow.log")
        hits = drop.service.wait_for("canary", 3)
        check_equal(sorted(hit["raw"] for hit in hits), ["canary begin", "canary end", "canary other"], "records")
    with Drop(prefix=("setpriv", "--bounding-set", bounds + ",-lease")) as drop:
        drop.lay("mine.log", b"canary mine\n")
        drop.wait("done", "mine.log")
        drop.lay("slow.log.part", b"canary slow\n")
        os.chown(drop.path("slow.log.part"), 65534, 65534)
        os.rename(drop.path("slow.log.part"), drop.path("slow.log"))
        check_equal(drop.process.wait(20), 1, "status where leases are denied")
        check("CAP_LEASE" in drop.words() and os.path.exists(drop.path("slow.log")), drop.words())


def many():
    """more files than are taken at once, folders among them that hold none: every one has its turn; told as JSON"""
    with Drop("--json") as drop:
        for n in range(300):
            os.mkdir(drop.path(f"a{n:03}"))
            drop.lay(f"b{n:03}.log", b"canary %d\n" % n)
        drop.wait("done", "b299.log", limit=120)
        out = drop.service.run("search", "--json", "type:raw canary | count").stdout
        check(b"300" in out, out.decode())
        rows = [json.loads(line) for line in drop.words().splitlines() if line.startswith("{")]
        check_equal(sorted(os.path.basename(row["file"]) for row in rows), [f"b{n:03}.log" for n in range(300)], "rows")
        check_equal({row["records"] for row in rows}, {1}, "records of a file")


def refused():
    """what says it is EVTX and is not, or has another name, goes to refused/ with the reason; the next file is taken"""
    with Drop() as drop:
        drop.lay("a.evtx", b"ElfFile\0" + b"x" * 9000)
        drop.wait("refused", "a.evtx.reason")
        with open(drop.path("refused", "a.evtx.reason"), encoding="utf-8") as file:
            reason = file.read()
        check("cannot be read" in reason, reason)
        with open(os.path.join(drop.service.data, "elsewhere"), "wb") as file:
            file.write(b"canary elsewhere\n")
        os.link(os.path.join(drop.service.data, "elsewhere"), drop.path("linked.log"))
        drop.wait("refused", "linked.log.reason")
        os.rename(drop.path("done"), drop.path("was"))
        os.symlink("/tmp", drop.path("done"))
        check_equal(drop.process.wait(20), 1, "status when done/ is a link")
        os.unlink(drop.path("done"))
        os.rename(drop.path("was"), drop.path("done"))
        drop.start()
        drop.lay("b.log", b"canary after\n")
        drop.wait("done", "b.log")
        check_equal(len(drop.service.wait_for("canary", 1)), 1, "records")


def settling():
    """a file that gets its name by a second link has one name again when it is settled: it is taken"""
    with Drop("--settle", "3") as drop:
        with open(drop.path("a.part"), "wb") as file:
            file.write(b"canary linked\n")
        os.link(drop.path("a.part"), drop.path("a.log"))
        time.sleep(1.5)
        os.unlink(drop.path("a.part"))
        drop.wait("done", "a.log")
        check_equal(os.listdir(drop.path("refused")), [], "refused")


def hostile():
    """whoever owns the folder neither ends nor holds the program: names without room, a refused/ that waits"""
    bad = b"ElfFile\0" + b"x" * 9000
    with Drop() as drop:
        drop.lay("first.log", b"canary first\n")
        drop.wait("done", "first.log")
        os.rename(drop.path("refused"), drop.path("was"))
        os.mkdir(drop.path("refused"))
        for name in ("a.evtx.reason.tmp", "a.evtx.reason"):
            os.mkfifo(drop.path("refused", name))
        os.mkdir(drop.path("refused", "b.evtx.reason"))
        for name in ("a.evtx", "b.evtx"):
            drop.lay(name, bad)
            drop.wait("refused", name)
        check(os.path.isfile(drop.path("refused", "a.evtx.reason")), os.listdir(drop.path("refused")))
        for name in ("x" * 244, "y" * 245, "z" * 250):
            drop.lay(name, bad)
        drop.wait("refused", "x" * 244 + ".reason")
        drop.lay("z.log", b"canary last\n")
        drop.wait("done", "z.log")
        time.sleep(2.5)
        check_equal(drop.words().count("longer than 244 bytes"), 2, "told once each: " + drop.words())
        check(os.path.exists(drop.path("y" * 245)) and drop.process.poll() is None, drop.words())


def events():
    """EVTX from one who may only write there: each event a record; half a file is taken as far as it goes"""
    paths = sorted(glob.glob(SAMPLES + "/*/*.evtx"), key=os.path.getsize)
    if not paths:
        raise Skip("../shared/data/evtx-attack-samples is not there")
    with open(next(path for path in paths if os.path.getsize(path) > 140000), "rb") as file:
        whole = file.read()
    with Drop("--name", "exported") as drop:
        drop.lay("whole.evtx", whole)
        drop.wait("done", "whole.evtx")
        count = len(drop.service.wait_for("EventID:*", 1))
        drop.lay("half.evtx", whole[:4096 + 65536])
        drop.wait("done", "half.evtx")
        check("half.evtx: " in drop.words() and "there may have been more" in drop.words(), drop.words())
        hits = drop.service.wait_for("EventID:*", count + 1)
        check(count > 0 and count < len(hits) < 2 * count, f"{count} events, then {len(hits)}")
        check_equal({hit["source"] for hit in hits}, {"exported"}, "sources")


def away():
    """while the service is away files wait where they are; then each of their lines is there once"""
    with Drop() as drop:
        drop.lay("a.log", b"canary a\n")
        drop.wait("done", "a.log")
        drop.service.kill()
        lines = b"".join(b"canary %d\n" % n for n in range(200000))
        drop.lay("b.log", lines)
        deadline = time.time() + 20
        while "waits" not in drop.words() and time.time() < deadline:
            time.sleep(0.1)
        check("b.log waits: " in drop.words(), drop.words())
        drop.wait("b.log")
        drop.service.start()
        time.sleep(1.2)
        for pid in drop.service.pids("keeper"):
            os.kill(pid, signal.SIGKILL)
        drop.wait("done", "b.log", limit=60)
        out = drop.service.run("search", "--json", "type:raw canary | count").stdout
        check(b"200001" in out, out.decode())


def stopped():
    """it ends when told to, and says what is wrong with a folder that is not there"""
    with Drop() as drop:
        drop.lay("a.log", b"canary\n")
        drop.wait("done", "a.log")
        with open(drop.path("large.part"), "wb") as file:
            file.truncate(1 << 40)
        os.rename(drop.path("large.part"), drop.path("large.log"))
        time.sleep(2.5)
        drop.process.send_signal(signal.SIGTERM)
        check_equal(drop.process.wait(20), 0, "status while a large file is read")
        done = drop.service.run("ingest", "--watch", drop.path("absent"), check=False)
        check_equal(done.returncode, 1, "status without the folder")
        check(b"absent" in done.stderr, done.stderr.decode())


if __name__ == "__main__":
    sys.exit(main([taken_once, not_taken, as_the_unit, many, refused, settling, hostile, events, away, stopped]))
