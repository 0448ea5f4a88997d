#!/usr/bin/env python3
"""The measurements run: every row of bench/run --small is there. What they measured is nobody's business here."""
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
import tempfile

from service import ROOT, check, check_equal, main

GEN = os.path.join(ROOT, "build", "bench", "bench-gen")
AIMS = ("append, hash, log, durable", "encode to hot segments, syslog", "encode to hot segments, Windows events",
        "receive path", "whole path", "size, syslog, hot", "size, syslog, cold", "size, windows, hot",
        "verify the whole archive, syslog", "rare word", "absent word", "common phrase", "count by host",
        "a million open groups", "memory at rest", "an agent at 500 events/s", "an agent that finds many events")
STATED = (("verify the whole archive, syslog", "≥ 500"), ("verify the whole archive, windows", "≥ 500"),
          ("count by host over 50 million events", "≤ 2 s, faster than ClickHouse"), ("memory at rest", "≤ 60"),
          ("a million open groups", "≤ 300"), ("an agent at 500 events/s", "≤ 20 MB, ≤ 1 %"),
          ("an agent that finds many events", "≥ 20,000"),
          ("absent word in 10 GB", "≤ 20 ms"))
TABLES = ("Stages: syslog", "Stages: Windows events", "End to end: syslog", "End to end: Windows events",
          "What collecting costs", "An archive filled offline", "Searches, warm", "Correlations: open groups",
          "Size and search of the same syslog", "The aims")


def made(*arguments):
    done = subprocess.run([GEN, *arguments], capture_output=True, check=False, timeout=60)
    check_equal(done.returncode, 0, f"exit status of bench-gen {arguments}")
    return done.stdout


def corpora_repeat():
    """the same seed and size give the same corpus, another seed another one, a smaller size its beginning"""
    for kind in ("syslog", "windows"):
        whole = made(kind, "300K")
        check_equal(made(kind, "300K"), whole, f"{kind} made twice")
        check(whole.startswith(made(kind, "100K")), f"the smaller {kind} corpus begins the larger one")
        check(made(kind, "300K", "833") != whole, f"{kind} of another seed")
        check(290000 < len(whole) <= 300000 and whole.endswith(b"\n"), f"{kind} fills its size with whole lines")


def every_row():
    """bench/run --small measures and prints every row"""
    done = subprocess.run([os.path.join(ROOT, "bench", "run"), "--small", "--no-peers"], capture_output=True, text=True,
                          check=False, timeout=500, env={**os.environ, "BENCH_BUILT": "1"})
    check_equal(done.returncode, 0, f"exit status; {done.stderr[-2000:]}")
    for title in TABLES:
        check(f"#### {title}" in done.stdout, f"the table {title}")
    aims = [line.split(" | ") for line in done.stdout.split("#### The aims")[1].splitlines()[4:]
            if line.startswith("| ")]
    for name in AIMS:
        rows = [row for row in aims if row[0].startswith("| " + name)]
        check_equal(len(rows), 1, f"rows of the aim {name}")
        check(any(sign.isdigit() for sign in rows[0][2]), f"a figure in {rows[0]}")
    check_equal(set(re.findall(r"(\d+) not understood", done.stdout)), {"0"}, "lines of the corpora not understood")
    for name, wanted in STATED:
        check_equal([row[1] for row in aims if row[0].startswith("| " + name)], [wanted], f"the aim of {name}")
    for name in ("rare word", "absent word", "count by host"):
        row = [row for row in aims if row[0].startswith("| " + name)][0]
        check(row[3].startswith("measured at") or row[3] == "no", f"8 MB do not reach an aim of 10 GB: {row}")


def bench_module():
    """bench/run as a module: its name has no ending."""
    loader = importlib.machinery.SourceFileLoader("bench_run", os.path.join(ROOT, "bench", "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    return module


def judgements():
    """an aim stated for a size is not reached by less, and missed by less is missed"""
    sized = bench_module().sized
    check_equal(sized(True, 10, 10, "GB"), True, "met at its size")
    check_equal(sized(False, 10, 10, "GB"), False, "missed at its size")
    check_equal(sized(False, 0.4, 10, "GB"), False, "missed at less")
    for met in (True, None):
        check_equal(sized(met, 0.4, 10, "GB"), "measured at 0.4 GB, aim at 10 GB", "met at less, or not known")


def hits_are_compared():
    """what this program or a peer finds is compared with grep and a plain count"""
    run = bench_module()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lines")
        with open(path, "wb") as file:
            file.writelines(b"<13>Nov 20 10:00:00 web%d app: word\n" % (i % 3) for i in range(7))
        run.host_counts = lambda _: {"web0": 3, "web1": 2, "web2": 2}
        queries = {"rare word": "word", "absent word": "none", "count": ""}
        own = {"rare word": (1, 1, 7), "absent word": (1, 1, 0), "count": (1, 1, 7)}
        peer = run.peers.Peer("peer", 1, 1, 0, 7)
        peer.searches, peer.hosts = {"rare word": (1, 1, 7)}, {"web0": 3, "web1": 2, "web2": 2}
        check_equal(run.hits_differ(path, "", 7, queries, own, [peer]), [], "all the same")
        peer.searches["rare word"] = (1, 1, 6)
        check_equal(len(run.hits_differ(path, "", 7, queries, own, [peer])), 1, "a peer finds less")
        peer.searches["rare word"], peer.hosts["web1"] = (1, 1, 7), 3
        check_equal(len(run.hits_differ(path, "", 7, queries, own, [peer])), 1, "a peer counts otherwise")
        own["absent word"] = (1, 1, 1)
        check_equal(len(run.hits_differ(path, "", 7, queries, own, [])), 1, "what is not there is found")
        run.host_counts = lambda _: {"web0": 3, "web1": 2}
        check_equal(len(run.hits_differ(path, "", 7, queries, own, [])), 2, "a host is missing")


if __name__ == "__main__":
    sys.exit(main([corpora_repeat, judgements, hits_are_compared, every_row]))
