#!/usr/bin/env python3
"""The measurements run: every row of bench/run --small is there. What they measured is nobody's business here."""
import os
import subprocess
import sys

from service import ROOT, check, check_equal, main

GEN = os.path.join(ROOT, "build", "bench", "bench-gen")
AIMS = ("append, hash, log, durable", "encode to hot segments, syslog", "encode to hot segments, Windows events",
        "receive path", "whole path", "size, syslog, hot", "size, syslog, cold", "size, windows, hot",
        "verify the whole archive, syslog", "rare word", "absent word", "common phrase", "count by host",
        "memory at rest")
TABLES = ("Stages: syslog", "Stages: Windows events", "End to end: syslog", "End to end: Windows events",
          "An archive filled offline", "Searches, warm", "Size and search of the same syslog", "The aims")


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
    check("0 not understood" in done.stdout, "every line of the corpora is understood")


if __name__ == "__main__":
    sys.exit(main([corpora_repeat, every_row]))
