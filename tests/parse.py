#!/usr/bin/env python3
"""parse.py - `qorgan parse`: what took each line, where the nearest pattern stops, totals by program, exit statuses;
and the share of the shared corpora that is parsed. Prints TAP."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import QORGAN, ROOT, Skip, check, check_equal, main  # noqa: E402

GOOD = "Nov 20 10:00:00 web1 sshd[812]: Accepted password for root from 203.0.113.7 port 4022 ssh2"
NEARLY = "Nov 20 10:00:01 web1 sshd[812]: Accepted password for root from 203.0.113.7 port x ssh2"
RENAMED = "Nov 20 10:00:02 vpn1 ovpn-office[9]: 203.0.113.7:40122 TLS Error: TLS handshake failed"
NOTHING = "nobody knows this"
LOGHUB = os.path.join(ROOT, "..", "shared", "data", "loghub")
# What was reached when the families were written, of 2,000 lines each, in per cent.
RATES = {"Apache.log": 100, "Hadoop.log": 100, "OpenSSH.log": 100, "Linux.log": 91}


def parse(*arguments, text=None, status=None):
    done = subprocess.run([QORGAN, "parse", *arguments], input=text, capture_output=True, text=True, check=False,
                          timeout=120)
    if status is not None:
        check_equal(done.returncode, status, f"exit status of parse {arguments}; {done.stderr[-500:]}")
    return done.stdout


def lines(*rows):
    return "".join(row + "\n" for row in rows)


def objects(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return [row for row in rows if "line" in row], {row["program"]: row for row in rows if "lines" in row}


def a_line_that_is_taken():
    """the pattern and the event are printed; status 0"""
    out = parse(text=lines(GOOD), status=0)
    for part in ("< " + GOOD, "  pattern sshd.", "  account: root", "  @kind: sign_in", "  logsource product=linux"):
        check(part in out, f"{part} in {out}")
    check("Accepted {method}" not in out, "the pattern's text only with --explain")
    check("Accepted {method}" in parse("--explain", text=lines(GOOD), status=0), "the pattern's text")


def where_it_stops():
    """the nearest pattern, the byte and what was wanted there; status 1"""
    out = parse("--explain", text=lines(NEARLY, NOTHING), status=1)
    check('stops at byte 50: {src_port} takes a number, and the message goes on "x ssh2"' in out, out)
    check("nearest: none begins like it" in out, out)
    (row,), _ = objects(parse("--explain", "--json", text=lines(NEARLY), status=1))
    check_equal((row["grasp"], row["nearest_byte"]), ("header", 50), "of JSON")
    check("port {src_port:num}" in row["nearest_pattern"] and "takes a number" in row["nearest_stop"], str(row))


def as_json():
    """one object a line, then one a program and one of all"""
    rows, totals = objects(parse("--json", text=lines(GOOD, NEARLY, RENAMED, NOTHING), status=1))
    check_equal([row["line"] for row in rows], [1, 2, 3, 4], "line numbers")
    check_equal([row["grasp"] for row in rows], ["pattern", "header", "pattern", "none"], "how far each was understood")
    check_equal((rows[0]["family"], rows[0]["class"], rows[0]["service"]), ("sshd", "os", "sshd"), "family and class")
    check_equal(rows[0]["fields"]["src"], ["203.0.113.7"], "a field")
    check_equal(rows[0]["statutory"]["account"], "root", "a statutory field")
    check_equal((rows[2]["family"], rows[2]["statutory"]["service"]), ("openvpn", "ovpn-office"),
                "a program under a name of its own")
    check_equal((totals["sshd"]["lines"], totals["sshd"]["pattern"], totals["(all)"]["none"]), (2, 1, 1), "totals")


def what_is_printed():
    """--failed and --summary print less, --least moves the bar, several files and - are read"""
    text = lines(GOOD, GOOD, NEARLY, NOTHING)
    check_equal(parse("--failed", text=text, status=1).count("\n< "), 1, "only the failed ones, behind the first")
    out = parse("--summary", text=text, status=1)
    check("<" not in out.replace("(all)", "") and out.splitlines()[-1].split()[-2:] == ["50.0", "%"], out)
    parse("--summary", "--least", "50", text=text, status=0)
    parse("--summary", "--least", "51", text=text, status=1)
    with tempfile.TemporaryDirectory(prefix="qorgan-parse-") as folder:
        path = os.path.join(folder, "error.log")
        with open(path, "w", encoding="utf-8") as file:
            file.write(GOOD)  # and no line feed
        rows, totals = objects(parse("--json", path, "-", text=lines(GOOD), status=0))
        check_equal([os.path.basename(row["file"]) for row in rows], ["error.log", "-"], "files")
        check_equal(totals["(all)"]["lines"], 2, "lines of both")
        out = subprocess.run([QORGAN, "parse", path, path + ".no"], capture_output=True, text=True, check=False)
        check_equal(out.returncode, 1, "a file that is not there")
        check("could not open" in out.stderr and "pattern sshd." in out.stdout, "said, and the others are read")


def bad_input():
    """long lines, bytes that are no text, empty lines, nothing at all"""
    parse(text="", status=0)
    parse(text="\n\n\r\n", status=0)
    done = subprocess.run([QORGAN, "parse", "--explain"], capture_output=True, check=False, timeout=120,
                          input=b"\xff\x00\x1b[31m\n" + b"x" * (3 << 20) + b"\n" + GOOD.encode() + b"\n")
    check_equal(done.returncode, 1, "status")
    check(b"\x1b" not in done.stdout and b"\x00" not in done.stdout, "no control characters reach the terminal")
    check(b"pattern sshd." in done.stdout, "the line behind a long one is read")
    _, totals = objects(parse("--json", "--least", "0", text="".join(
        f"Nov 20 10:00:00 h p{i}: x\n" for i in range(6000)), status=0))
    check_equal(totals["(all)"]["lines"], 6000, "all are counted")
    check(len(totals) < 4200 and totals["(others)"]["lines"] > 1000, "programs past the limit are one row")


def corpora():
    """the share of the shared corpora that is parsed is not less than it was"""
    if not os.path.isdir(LOGHUB):
        raise Skip("../shared/data/loghub is not there")
    for name, least in RATES.items():
        parse("--summary", "--least", str(least), os.path.join(LOGHUB, name), status=0)


if __name__ == "__main__":
    sys.exit(main([a_line_that_is_taken, where_it_stops, as_json, what_is_printed, bad_input, corpora]))
