#!/usr/bin/env python3
"""The systemd journal: a journal file made from export text, read by the collector, each entry exactly once."""
import json
import os
import shutil
import subprocess
import sys

from service import Service, Skip, check, check_equal, main

WRITER = "/lib/systemd/systemd-journal-remote"
BOOT = "1" * 32
START_US = 1795132800000000  # 2026-11-20T00:00:00Z


def entries(first, count, extra=b""):
    """Entries of the journal export format, text fields as NAME=VALUE, an empty line after each."""
    for number in range(first, first + count):
        yield (f"__REALTIME_TIMESTAMP={START_US + number * 1000}\n__MONOTONIC_TIMESTAMP={number * 1000 + 1}\n"
               f"_BOOT_ID={BOOT}\n_HOSTNAME=jurta\nPRIORITY=6\nSYSLOG_IDENTIFIER=sshd\n_PID=812\n"
               f"MESSAGE=entry-{number:05d} Accepted password for aigerim from 203.0.113.7 port 4100 ssh2\n"
               ).encode() + extra + b"\n"


def write(folder, name, exported):
    """Adds the entries to FOLDER/NAME.journal, which is made when it is new."""
    if not os.access(WRITER, os.X_OK):
        raise Skip("systemd-journal-remote is not installed")
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run([WRITER, "-o", os.path.join(folder, name + ".journal"), "-"], input=b"".join(exported),
                          capture_output=True, check=False, timeout=60)
    check_equal(done.returncode, 0, "journal writer\n" + done.stderr.decode())


def numbers(service, count):
    hits = [hit for hit in service.wait_for("entry*", count, wait=60) if hit["source_kind"] == "journal"]
    return [json.loads(hit["raw"])["MESSAGE"].split()[0] for hit in hits], hits


class Reading(Service):
    """A service that reads the journal of a folder beside its data."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.folder = self.data + "-journal"
        self.settings.update({"collect-journal": 1, "collect-journal-folder": self.folder})

    def __exit__(self, *rest):
        super().__exit__(*rest)
        shutil.rmtree(self.folder, ignore_errors=True)


def read_once_through_restarts():
    """entries of a journal are kept exactly once through a stop, a kill -9 and growth"""
    service = Reading()
    write(service.folder, "probe", entries(0, 3000))
    with service:
        names, hits = numbers(service, 3000)
        check_equal((len(names), len(set(names))), (3000, 3000), "entries, each once")
        fields = hits[0]["fields"]
        check("aigerim" in json.dumps(fields), f"the account was found in {fields}")
        check_equal(service.stop(), 0, "the service stops cleanly")
        write(service.folder, "probe", entries(3000, 500))
        service.start()
        names, _ = numbers(service, 3500)
        check_equal((len(names), len(set(names))), (3500, 3500), "entries after a stop and a start")
        for pid in service.pids("collector"):
            os.kill(pid, 9)
        write(service.folder, "probe", entries(3500, 500))
        names, _ = numbers(service, 4000)
        check_equal((len(names), len(set(names))), (4000, 4000), "entries after kill -9 of the collector")
        check_equal(sorted(names), [f"entry-{number:05d}" for number in range(4000)], "all of them")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


def odd_entries():
    """an entry with a binary field, a long one and bytes that are no UTF-8: kept, what was left out is counted"""
    service = Reading()
    binary = b"BLOB\n" + (8).to_bytes(8, "little") + b"a\0b\xff\xfe\ncd" + b"\n"
    long = b"LONG=" + b"x" * 60000 + b"\n"
    write(service.folder, "odd", [*entries(0, 1, binary), *entries(1, 1, long), *entries(2, 1, b"ODD=\xc3\x28\n")])
    with service:
        names, hits = numbers(service, 3)
        check_equal(sorted(names), ["entry-00000", "entry-00001", "entry-00002"], "entries")
        bodies = {json.loads(hit["raw"])["MESSAGE"][:11]: json.loads(hit["raw"]) for hit in hits}
        check_equal(bodies["entry-00000"].get("QORGAN_FIELDS_LEFT_OUT"), 1, "fields left out of the first")
        check_equal(len(bodies["entry-00001"].get("LONG", "")), 60000, "the long field")


def empty_and_absent():
    """without a journal the service runs; one that appears later in the folder is read"""
    service = Reading()
    os.makedirs(service.folder)
    with service:
        service.tcp(b"<13>Nov 20 10:00:00 h probe: runs without a journal\n")
        check_equal(len(service.wait_for('"runs without a journal"', 1)), 1, "records")
        write(service.folder, "late", entries(0, 5))
        names, _ = numbers(service, 5)
        check_equal(len(set(names)), 5, "entries of the late journal")


if __name__ == "__main__":
    sys.exit(main([read_once_through_restarts, odd_entries, empty_and_absent]))
