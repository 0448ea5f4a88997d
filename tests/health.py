#!/usr/bin/env python3
"""health.py - what the archive page says of the archive, and what the desk marks as kept, against the real server: a
fault is told until a verification finds none, whatever strangers write. Prints TAP."""
import calendar
import datetime
import glob
import html
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time

from mirror import Mirror
from service import ROOT, Service, Skip, check, check_equal, main
from web_api import PASSWORD, Web
from witness import folder, need_cryptography, prepared

HOUR = datetime.timedelta(hours=1)
FORGED = ("archive.verified", 'x","event":"archive.verified","result":"good"',
          '{"event":"archive.verified","result":"good","')


def texts(key):
    """The key's text in each language."""
    with open(os.path.join(ROOT, "data/i18n/web.tsv"), encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t")[1:] for line in file if line.startswith(key + "\t")][0]


def says(web, key):
    status, _, page = web.request("GET", "/archive")
    check_equal(status, 200, "the archive page")
    return any(text in html.unescape(page) for text in texts(key))


def until(what, look, wait=30):
    deadline = time.time() + wait
    while not look():
        check(time.time() < deadline, f"in {wait} s: {what}")
        time.sleep(0.2)


def verified(service, damaged=None):
    """qorgan verify, of a segment that is damaged only then, and its record is there."""
    before = len(service.search('type:lifecycle "archive.verified"'))
    if damaged:
        flip(damaged)
    done = service.run("verify", check=False)
    if damaged:
        flip(damaged)
    check_equal(done.returncode, 1 if damaged else 0, f"exit status of verify; {done.stdout.decode()}")
    until("the record of the verification", lambda: len(service.search('type:lifecycle "archive.verified"')) > before)


def sealed(service):
    service.run("ingest", "--name", "lines", "-", text_input=b"".join(b"<13>line %d of many\n" % i for i in range(999)))
    until("a segment", lambda: glob.glob(f"{service.data}/archive/seg/*.seg"))
    return glob.glob(f"{service.data}/archive/seg/*.seg")[0]


def flip(path):
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def faults_stay_told():
    """a fault that verify found is told until verify finds none, whatever names strangers try to sign in with"""
    with Service(log_rotate_s=10) as service:
        web = Web(service)
        segment = sealed(service)
        check(says(web, "archive.state_verify_missing"), "nothing is verified yet")
        verified(service)
        check(not says(web, "archive.state_verify_missing") and not says(web, "archive.state_verify_bad"), "all good")
        verified(service, segment)
        check(says(web, "archive.state_verify_bad"), "the fault is told")
        for name in FORGED:
            try:
                Web.sign_in(web, name, "no password of anybody")
            except RuntimeError:
                pass
        refused = [json.loads(hit["raw"])["user"] for hit in service.search('type:lifecycle "session.refused"')]
        check_equal(sorted(refused), sorted(FORGED), "names of the refused")
        web.sign_in(service.user, service.password)
        check(says(web, "archive.state_verify_bad"), "the fault is still told")
        verified(service)
        check(not says(web, "archive.state_verify_bad"), "a good verification ends it")


def months_later(day, months):
    """A day that the month lacks is the first of the next."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if day.day > calendar.monthrange(year, month + 1)[1]:
        return months_later(day.replace(day=1), months + 1)
    return day.replace(year=year, month=month + 1)


def deletion_is_the_acts():
    """the date before which nothing may be deleted is that of the table of the acts: data/retention.tsv"""
    with open(os.path.join(ROOT, "data/retention.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.startswith("keep\t")]
    months = max(int(row[5]) for row in rows if not row[4])
    with Service(log_rotate_s=10) as service:
        web = Web(service)
        sealed(service)
        last = max(hit["received"] for hit in service.search('"of many"'))
        received = datetime.datetime.fromisoformat(last[:19])
        day = months_later((received + 6 * HOUR).replace(hour=0, minute=0, second=0), months)
        want = calendar.timegm((day + 24 * HOUR - 5 * HOUR).timetuple())
        until("the date", lambda: web.ask("archive")["keep_until_ns"] == want * 1000000000, 5)


def kept_is_marked_after_a_lock():
    """records that the archive kept while the database could not be written are marked when it can"""
    with Service() as service:
        web = Web(service)
        base = sqlite3.connect(f"{service.data}/desk/desk.db", isolation_level=None, timeout=1)

        def waiting():
            return base.execute("select count(*) from outgoing").fetchone()[0]

        until("the first records are marked", lambda: waiting() == 0)
        for _ in range(20):
            web.ask("source.list")
            try:
                Web.sign_in(web, "nobody", "no password of anybody")
            except RuntimeError:
                pass
            end = time.time() + 1
            while time.time() < end and "could not be stored" not in service.read_log():
                base.execute("begin immediate")
                if waiting():
                    time.sleep(7)  # longer than the desk waits for a lock
                base.execute("rollback")
            if "could not be stored" in service.read_log():
                break
        check("numbers of records could not be stored" in service.read_log(), "the lock was held when it mattered")
        until("all records are marked", lambda: waiting() == 0)


def forwarders_say(where):
    """What three forwarders would say of themselves: well, refused with many words, behind."""
    now = time.time_ns()
    rows = {
        "centre": {"query": "", "error": "", "waiting_ns": 0},
        "siem": {"query": "kind:sign_in or rule:* or host:jurta-of-the-far-steppe", "error_ns": now, "waiting_ns": now,
                 "error": "could not connect to collector.of.a.very.long.name.example port 6514: " + "connection" * 12},
        "analytics": {"query": "", "error": "", "waiting_ns": now - 10 ** 9 * 3600},
    }
    for name, row in rows.items():
        os.makedirs(os.path.join(where, name), exist_ok=True)
        with open(os.path.join(where, name, "status"), "w", encoding="ascii") as out:
            out.write(json.dumps({"receiver": f"kafka+tls://k1.example,k2.example/{name}", "format": "json", "next": 7,
                                  "own": False, "given": 3, "at_ns": now, **row}) + "\n")


def browse(service, name):
    """The archive page at each width and in each language; pictures of it lie in PICTURES when that is set."""
    here = os.path.join(ROOT, "tests/browser")
    done = subprocess.run(["node", "archive.mjs", name], cwd=here, capture_output=True, text=True, check=False,
                          timeout=300, env={**os.environ, "QORGAN_SOURCE": ROOT, "QORGAN_USER": service.user,
                                            "QORGAN_URL": f"https://127.0.0.1:{service.ports['web-port']}",
                                            "QORGAN_PASSWORD": PASSWORD})
    check_equal(done.returncode, 0, f"{name}: {done.stdout[-3000:]}{done.stderr[-3000:]}")


def need_browser():
    here = os.path.join(ROOT, "tests/browser")
    if not shutil.which("node") or not shutil.which("chromium"):
        raise Skip("node or chromium is not installed")
    if not os.path.isdir(os.path.join(here, "node_modules")) and \
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=here, check=False).returncode:
        raise Skip("npm ci failed")


def page_of_a_full_archive():
    """the page with segments, witnesses and a mirror, well and in trouble, at two widths in three languages"""
    need_cryptography()
    need_browser()
    with folder() as (path, started):
        told = os.path.join(path, "forwarders")
        service, witnesses, _ = prepared(path, started, log_rotate_s=10, receivers=told)
        with service:
            web = Web(service)
            segment = sealed(service)
            with Mirror(service) as mirror:
                mirror.once_until(100)
            verified(service)
            until("a good archive", lambda: says(web, "archive.state_good"), 60)
            forwarders_say(told)
            until("a late receiver", lambda: says(web, "archive.state_receiver"))
            browse(service, "well")
            for witness in witnesses:
                witness.stop()
            verified(service, segment)
            until("a lost quorum", lambda: says(web, "archive.state_quorum"), 60)
            forwarders_say(told)
            browse(service, "trouble")


if __name__ == "__main__":
    sys.exit(main([page_of_a_full_archive],
                  beside=[faults_stay_told, deletion_is_the_acts, kept_is_marked_after_a_lock]))
