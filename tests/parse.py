#!/usr/bin/env python3
"""parse.py - `qorgan parse`: what took each line, where the nearest pattern stops, totals by program, exit statuses;
and the share of the shared corpora that is parsed. With the real service: parse rates by source counted once, the
workbench, a pattern made of lines, kept, and taken into use without losing a record. Prints TAP."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from coverage import Stand, ssh, stamp  # noqa: E402
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


def door(number, who, head="web1"):
    return f"{stamp()} {head} zzyzx[7]: door {number} opened by {who}\n"


def a_pattern_of_lines():
    """--propose prints a row that takes the lines, also when it is put into a table of this site"""
    text = door(7, "ann") + door(12, "bob")
    out = parse("--propose", text=text, status=0)
    row = out.splitlines()[1].split("\t")
    check_equal(row[1:3], ["zzyzx", "door {door:num} opened by {by:word}"], "program and pattern")
    got = json.loads(parse("--propose", "--json", text=text, status=0))
    check_equal((got["program"], got["lines"]), ("zzyzx", 2), "of JSON")
    parse("--propose", text="12 34\n", status=1)
    many = subprocess.run([QORGAN, "parse", "--propose", "--json"], input=lines(GOOD) * 40, capture_output=True,
                          text=True, check=True, timeout=120)
    check(json.loads(many.stdout)["lines"] == 32 and "8 further ones are not looked at" in many.stderr, str(many))
    parse("--propose", "--failed", text=lines(GOOD), status=1)  # nothing of it failed
    with tempfile.TemporaryDirectory(prefix="qorgan-parsers-") as folder:
        site_write(folder, out)
        got, _ = objects(parse("--json", "--parsers", folder, text=text, status=0))
        check_equal([(r["family"], r["pattern"], r["fields"]["by"]) for r in got],
                    [("site", "new", ["ann"]), ("site", "new", ["bob"])], "by the site's table")
        parse(text=text, status=1)
        site_write(folder, out.replace("{door:num}", "{door:nun}"))
        done = subprocess.run([QORGAN, "parse", "--parsers", folder], input=text, capture_output=True, text=True,
                              check=False)
        check(done.returncode == 1 and "site.tsv" in done.stderr and "unknown kind" in done.stderr, done.stderr)
        parse("--parsers", folder + "/no", text=text, status=1)


def site_write(folder, table):
    """The folder of a site: one family, and its table."""
    os.makedirs(os.path.join(folder, "parsers"), exist_ok=True)
    with open(os.path.join(folder, "parsers.tsv"), "w", encoding="utf-8") as file:
        file.write("family\tclass\ttitle\nsite\tapplication\tOur own\n")
    with open(os.path.join(folder, "parsers", "site.tsv"), "w", encoding="utf-8") as file:
        file.write(table)


def rate_of(stand, name):
    rows = [row for row in stand.web.ask("parser.list", limit=500)["sources"] if row["name"].endswith(name)]
    return rows[0] if rows else None


def rates_by_source():
    """what became of each record, by source and parser: counted once, though an engine dies; page and command agree"""
    with Stand() as stand:
        stand.write("a.log", ssh(20) + door(1, "ann") * 3 + "no header\n" * 2)
        stand.write("b.log", b"\xff\xfe bytes\n" + (f"{stamp()} web1 zzyzx[7]: " + "x" * 9000 + "\n").encode())
        stand.until("a.log", lambda: (rate_of(stand, "a.log") or {}).get("records") == 25)
        stand.until("b.log", lambda: (rate_of(stand, "b.log") or {}).get("records") == 2)
        a, b = rate_of(stand, "a.log"), rate_of(stand, "b.log")
        check_equal((a["parsed"], a["outcomes"]), (20, {"header": 3, "none": 2, "pattern": 20}), "of a.log")
        check_equal([(p["parser"], p["records"]) for p in a["parsers"]], [("sshd", 20)], "its parsers")
        check_equal(b["outcomes"], {"encoding": 1, "long": 1}, "of b.log")
        last = stand.web.ask("record", record=a["unparsed_record"])
        check_equal(last["raw"], "no header", "the last that was not parsed")

        time.sleep(6)  # told, and stored
        for pid in stand.service.pids("engine"):
            os.kill(pid, signal.SIGKILL)
        stand.write("a.log", ssh(5))
        stand.until("five more", lambda: rate_of(stand, "a.log")["records"] >= 30)
        time.sleep(6)
        check_equal((rate_of(stand, "a.log")["records"], rate_of(stand, "a.log")["parsed"]), (30, 25), "counted once")
        check_equal(rate_of(stand, "b.log")["records"], 2, "nothing of b.log came again")

        done = stand.service.run("parse", "--sources", "--json", check=False)
        rows = {os.path.basename(row["source"]): row for row in map(json.loads, done.stdout.splitlines())}
        check_equal(done.returncode, 1, "not all is parsed")
        for name in ("a.log", "b.log"):
            for outcome in ("pattern", "fields", "header", "none", "long", "encoding"):
                check_equal(rows[name][outcome], rate_of(stand, name)["outcomes"].get(outcome, 0), f"{name} {outcome}")
        check_equal(rows["a.log"]["last_not_parsed"], a["unparsed_record"], "the last that was not parsed")
        text = stand.service.run("parse", "--sources", "--least", "50", "--days", "1", check=False)
        check_equal(text.returncode, 0, "most is parsed")
        check(b"(all)" in text.stdout and b"a.log" in text.stdout, text.stdout)


def workbench():
    """lines of a source, what took them, only those that none took, a page further; a draft tried on them"""
    with Stand() as stand:
        stand.write("a.log", "".join(ssh(1) + door(n, "ann") for n in range(40)))
        stand.until("a.log", lambda: (rate_of(stand, "a.log") or {}).get("records") == 80)
        source = rate_of(stand, "a.log")["id"]
        seen = stand.web.ask("parse.lines", source=source, limit=10)
        check_equal([line["grasp"] for line in seen["lines"]], ["header", "pattern"] * 5, "newest first")
        check_equal(seen["lines"][1]["family"], "sshd", "what took it")
        missed = stand.web.ask("parse.lines", source=source, limit=30, only="missed")
        check_equal([line["message"] for line in missed["lines"]],
                    [f"door {n} opened by ann" for n in range(39, 9, -1)], "those that none took")
        older = stand.web.ask("parse.lines", source=source, limit=30, only="missed", before=missed["next_before"])
        check_equal([line["message"] for line in older["lines"]],
                    [f"door {n} opened by ann" for n in range(9, -1, -1)], "the page behind")
        tried = stand.web.ask("parse.lines", source=source, limit=80, pattern="door {n:num} opened by {account+}",
                              program="zzyzx")
        check_equal((tried["fits"], tried["given"]), (40, 80), "a draft")
        _, _, page = stand.web.request("GET", f"/parsers/workbench?source={source}&only=missed")
        check("zzyzx" in page and 'name="pick"' in page, page[-2000:])
        _, _, page = stand.web.request("GET", "/parsers")
        check("50,0" in page and "a.log" in page, page[-2000:])
        stand.service.quiet()


def installed():
    """a pattern made of lines on the pages is kept with a record; its table, installed, is taken into use at SIGHUP by
    engines that go one after another: every record is there once, and those behind are parsed"""
    with tempfile.TemporaryDirectory(prefix="qorgan-parsers-") as folder:
        os.chmod(folder, 0o755)
        with Stand(parsers=folder) as stand:
            stand.write("a.log", door(1, "ann") + door(2, "bob"))
            stand.until("a.log", lambda: (rate_of(stand, "a.log") or {}).get("records") == 2)
            record = rate_of(stand, "a.log")["unparsed_record"]
            _, _, page = stand.web.request("GET", f"/parsers/pattern?record={record}")
            check("door {door:num} opened by bob" in page, page[-3000:])
            good = {"name": "door", "program": "zzyzx", "pattern": "door {n:num}", "reason": "our doors"}
            for cell, text in (("set", "@nosuch<-n"), ("set", "m<-n as nosuch"), ("set", "only words"),
                               ("pattern", "door {n:nosuch}"), ("pattern", "door {=part}"), ("program", "zzyzx|")):
                refused = stand.web.change("parser.save", **{**good, cell: text})
                check_equal((refused["ok"], refused.get("field")), (False, cell), f"{text}: {refused}")
            check_equal(stand.web.ask("parser.drafts")["drafts"], [], "what would not load is not kept")
            place = stand.web.form("/parsers/pattern", do="save", name="door",
                                   pattern="door {n:num} opened by {account+}", program="zzyzx", kind="object_open",
                                   outcome="success", set="", text=door(1, "ann"), reason="our doors")
            check_equal(place, "/parsers/patterns?saved=1", "where saving leads")
            told = stand.until("the record", lambda: stand.told("parser.draft"))
            check_equal((told[0]["name"], told[0]["detail"], told[0]["who"]), ("door", "our doors", "admin"), "of it")
            _, headers, table = stand.web.request("GET", "/parsers/patterns/site.tsv")
            check("attachment" in headers["Content-Disposition"], str(headers))
            site_write(folder, table)
            os.kill(stand.service.process.pid, signal.SIGHUP)
            for n in range(200):
                stand.write("a.log", door(n, "eve"))
                time.sleep(0.02)
            stand.until("all", lambda: rate_of(stand, "a.log")["records"] >= 202)
            stand.until("parsed", lambda: stand.write("a.log", door(7, "ann")) or
                        any(p["parser"] == "site" for p in rate_of(stand, "a.log")["parsers"]))
            time.sleep(6)
            rate = rate_of(stand, "a.log")
            check_equal(rate["records"], len(stand.service.sent("zzyzx door")), "each once")
            found = stand.web.search(query="account:ann kind:object_open", limit=10)["events"]
            check(found, "the field of the new pattern is found")
            stand.service.quiet()

            site_write(folder, table.replace("{n:num}", "{n:nun}"))  # it does not load: what came with it goes on
            os.kill(stand.service.process.pid, signal.SIGHUP)
            stand.until("that it is said", lambda: "are not used" in stand.service.read_log() or None)
            before = rate_of(stand, "a.log")["parsed"]
            stand.write("a.log", ssh(3))
            stand.until("parsed", lambda: rate_of(stand, "a.log")["parsed"] >= before + 3)


if __name__ == "__main__":
    sys.exit(main([a_line_that_is_taken, where_it_stops, as_json, what_is_printed, bad_input, corpora,
                   a_pattern_of_lines], beside=[rates_by_source, workbench, installed]))
