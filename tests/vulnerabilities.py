#!/usr/bin/env python3
"""Vulnerabilities with the real service: reports of scanners, as the command reads them, come in by the API, fold, and
are closed or opened again by control surveys."""
import json
import os
import subprocess
import sys
import tempfile

from service import QORGAN, ROOT, Service, check, check_equal, main
from web_api import Web

SAMPLES = os.path.join(ROOT, "fuzz", "scan_report")


def read(path, status=0):
    done = subprocess.run([QORGAN, "findings", path, "--json"], capture_output=True, text=True, check=False, timeout=60)
    check_equal(done.returncode, status, f"{path}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def take(web, findings, **more):
    report = web.change("findings.begin", object=1, **{"origin": "survey", "title": "a survey", **more})["id"]
    done = web.change("findings.add", id=report, findings=findings)
    check(done["ok"], done)
    check_equal(web.change("findings.end", id=report)["ok"], True, "the end")
    return report, done


def every_format():
    """each sample's findings are taken as the command prints them, and what a tool decided is left to people"""
    with Service() as service:
        web = Web(service)
        wanted = {"nmap.xml": (4, 0), "openvas.xml": (1, 1), "nessus.xml": (2, 0), "sarif.json": (2, 0),
                  "vex.json": (1, 3), "table.csv": (2, 0)}
        for name, (fresh, decided) in wanted.items():
            findings, words = read(os.path.join(SAMPLES, name))
            check(f"{len(findings)} findings" in words, words)
            _, done = take(web, findings, title=name)
            check_equal((done["fresh"], done["known"], done["decided"]), (fresh, 0, decided), name)
            _, done = take(web, findings, title=name)
            check_equal((done["fresh"], done["known"], done["decided"]), (0, fresh, decided), name + " again")
        check_equal(web.ask("vulnerability.list", cve="CVE-2017-5638")["total"], 1, "by its CVE")
        service.quiet()


def surveys():
    """what is said to be removed is closed by a control survey that does not see it, and open by one that does"""
    with Service() as service:
        web = Web(service)
        findings, _ = read(os.path.join(SAMPLES, "nmap.xml"))
        report, _ = take(web, findings, scanner="nmap")
        clocks = web.ask("findings.get", id=report)["report"]["clocks"]
        check_equal([(clock["clock"], clock["state"]) for clock in clocks], [("M-18", "running")], "its term")
        ids = [row["id"] for row in web.ask("vulnerability.list")["vulnerabilities"]]
        check_equal(web.change("vulnerability.act", ids=ids, act="fix", reason="updated")["changed"], 4, "removed")
        take(web, findings[:1], scanner="nmap", control=True)
        rows = {row["state"]: row["count"] for row in web.ask("vulnerability.list", severity=4)["totals"]
                if row["severity"] == "critical"}
        check_equal(rows, {"open": 1}, "the one that was seen again")
        check_equal(web.ask("vulnerability.list", state="closed")["total"], 3, "those that were not")
        check_equal(web.change("findings.inform", id=report, note="letter 12")["ok"], True, "told")
        check_equal(web.ask("findings.get", id=report)["report"]["clocks"][0]["state"], "met", "its term after that")
        closed = web.ask("vulnerability.list", state="closed")["vulnerabilities"][0]["id"]
        history = web.ask("vulnerability.get", id=closed)["vulnerability"]["history"]
        check_equal([row["what"] for row in history],
                    ["vulnerability.found", "vulnerability.fixed", "vulnerability.closed"], "its history")
        found = service.search('type:lifecycle "findings.closed"')
        check_equal([len(json.loads(hit["raw"])["closed"]) for hit in found], [3], "the record of it")
        service.quiet()


def strangers_files():
    """damaged reports, entities, and what is none: a clear word, nothing printed, nothing read"""
    rows = [(b"", "no report"), (b"<nmaprun><host>", "not a well-formed"), (b"some text", "no report"),
            (b'<!DOCTYPE nmaprun [<!ENTITY a SYSTEM "file:///etc/passwd">]><nmaprun>&a;</nmaprun>', "an entity"),
            (b"host,title\na,b\n\"", "a quote is never closed"), (b'{"version":"2.1.0","runs":[{"tool":', "")]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report")
        for content, words in rows:
            with open(path, "wb") as file:
                file.write(content)
            findings, said = read(path, 1)
            check(words in said and findings == [] and "root:" not in said, f"{content}: {said}")
        os.truncate(path, 600 << 20)
        check("at most" in read(path, 1)[1], "the limit of bytes")
        check("there is no file" in read(path + "x", 1)[1], "an absent one")


if __name__ == "__main__":
    sys.exit(main([every_format, surveys, strangers_files]))
