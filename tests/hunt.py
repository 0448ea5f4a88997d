#!/usr/bin/env python3
"""`qorgan rules hunt` and `diff`: what rules find in the archive is what the running service put beside the records and
what `qorgan detect` finds in the same lines, with filters and without; how it is told, stopped, and compared."""
import collections
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from service import QORGAN, ROOT, Service, Skip, check, check_equal, main

RULES = os.path.join(ROOT, "data", "rules")
LOGHUB = os.path.join(ROOT, "..", "shared", "data", "loghub")
FILLER = 60000


def lines_of(path):
    with open(path, "rb") as text:
        return [line for line in text.read().replace(b"\r\n", b"\n").split(b"\n") if line.strip()]


def samples():
    """Every sample beside a rule of the product that is lines."""
    return [line for path in sorted(glob.glob(os.path.join(RULES, "**", "*.log"), recursive=True))
            for line in lines_of(path)]


def audit_apart(lines):
    """Samples of audit events all have one time and number; here each event has its own, and ends before the next."""
    out, last, events = [], None, 0
    for line in lines:
        found = re.search(rb"audit\((\d+\.\d+:\d+)\)", line)
        if found:
            events += last != found[1]
            line = line.replace(found[1], b"%d.123:%d" % (1795158000 + 3 * events, events))
        last = found[1] if found else None
        out.append(line)
    return out


def filler(n):
    return (f"<86>Nov 20 10:{n // 60 % 60:02}:{n % 60:02} web{n % 5} app[{n % 3000}]: request {n} of client{n % 7} "
            f"took {n % 250} ms from 10.0.{n % 3}.{n % 250}").encode()


def spread(lines, count):
    """The lines in their order, among so many that no rule speaks of."""
    step = max(count // (len(lines) + 1), 1)
    out = []
    for n in range(count):
        out.append(filler(n))
        if n % step == 0 and n // step < len(lines):
            out.append(lines[n // step])
    return out + lines[(count - 1) // step + 1:]


class Folder:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="qorgan-hunt-")
        self.data = os.path.join(self.path, "data")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, content):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode())
        return path

    def ingest(self, path, *arguments):
        subprocess.run([QORGAN, "ingest", "--data", self.data, *arguments, path], check=True, capture_output=True,
                       timeout=120)


def run(action, data, *arguments, status=0):
    done = subprocess.run([QORGAN, "rules", action, *arguments, "--data", data], capture_output=True, text=True,
                          check=False, timeout=300)
    check_equal(done.returncode, status, f"exit status of {action} {arguments}: {done.stdout[-500:]}{done.stderr}")
    return done.stdout, done.stderr


def rows_of(data, *arguments, action="hunt", status=0):
    return [json.loads(line) for line in run(action, data, "--json", *arguments, status=status)[0].splitlines()]


def hunt(data, *arguments):
    """Matches by rule."""
    return {row["rule_id"]: row["matches"] for row in rows_of(data, *arguments) if "matches" in row}


def detected(path, rules):
    done = subprocess.run([QORGAN, "detect", "--rules", rules, "--json", path], capture_output=True, text=True,
                          check=True, timeout=300)
    return collections.Counter(json.loads(line)["rule_id"] for line in done.stdout.splitlines())


def check_same(got, want, text):
    """Names what differs, and no more."""
    both = {rule: (got.get(rule, 0), want.get(rule, 0)) for rule in {*got, *want}}
    differ = {rule: counts for rule, counts in both.items() if counts[0] != counts[1]}
    check(not differ, f"{text}: {differ}")


def zone_zero(data):
    """`detect` reads times that name no zone as UTC."""
    with open(os.path.join(data, "qorgan.conf"), "a", encoding="ascii") as conf:
        conf.write("zone-offset-s 0\n")


def same_as_detect(lines):
    with Folder() as folder:
        path = folder.file("all.log", b"\n".join(lines) + b"\n")
        folder.ingest(path)
        zone_zero(folder.data)
        rows = rows_of(folder.data, RULES)
        want = detected(path, RULES)
        got = {row["rule_id"]: row["matches"] for row in rows if row["verdict"] != "feeds"}
        check_same(got, want, "matches by rule, of hunt and detect")
        check(sum(want.values()) > 0, "something was found")
        check_equal(rows_of(folder.data, RULES, "--jobs", "3"), rows, "with three workers")
        return got


def as_detect():
    """all rules, correlations too, find in an archive what detect finds in the same lines, with more workers, too"""
    got = same_as_detect(samples())
    check(sum(n > 0 for n in got.values()) > 150, f"{sum(n > 0 for n in got.values())} rules matched")


def scripts_in_parts():
    """a PowerShell script in several events is hunted whole, and once, as detect finds it"""
    lines = [json.dumps({"EventID": 4104, "Channel": "Microsoft-Windows-PowerShell/Operational", "Hostname": "ws1",
                         "EventTime": f"2026-11-20T10:00:0{n}", "MessageNumber": n, "MessageTotal": 2,
                         "ScriptBlockId": block, "ScriptBlockText": text})
             for n, block, text in ((1, "b1", "Write-Host a; Invoke-Ev"), (2, "b1", "illness -Dump"),
                                    (1, "b2", "Invoke-Evillness"), (2, "b2", " x"))]
    with Folder() as folder:
        path = folder.file("ps.log", "\n".join(lines) + "\n")
        rule = folder.file("rules/r.yml", rule_text("Evil", IDS[0], "").replace("product: linux", "product: windows")
                           .replace("message|contains: ''", "ScriptBlockText|contains: Invoke-Evillness"))
        folder.ingest(path)
        check_equal(hunt(folder.data, rule), {IDS[0]: 2}, "each of the two scripts once")
        check_same(hunt(folder.data, rule), detected(path, os.path.dirname(rule)), "of hunt and detect")


def as_detect_on_real_logs():
    """the same on logs of real machines"""
    if not os.path.isdir(LOGHUB):
        raise Skip("../shared/data/loghub is not there")
    same_as_detect([line for path in sorted(glob.glob(f"{LOGHUB}/*.log")) for line in lines_of(path)])


def w3c(count):
    """A web server's file that names its columns once, in front, and a probe at its end."""
    head = ["#Software: Microsoft Internet Information Services 10.0",
            "#Fields: date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent)"]
    rows = [f"2026-11-20 10:{n // 60 % 60:02}:{n % 60:02} 198.51.100.{n % 250} - GET /page{n % 90} - 200 Mozilla/5.0"
            for n in range(count)]
    return "\n".join(head + rows + ["2026-11-20 11:00:00 203.0.113.9 - GET /zzprobe q=1 404 zzagent/1.0"]) + "\n"


W3C_RULE = """title: Probe by columns
id: 11111111-0d3f-4c0a-9a53-1f2b7c1d8e90
logsource:
    category: webserver
detection:
    selection:
        cs-uri-stem: /zzprobe
        sc-status: 404
    condition: selection
level: medium
"""
# What cannot be looked for by words: the page, not whole; nothing but numbers.
W3C_OPEN_RULE = W3C_RULE.replace("1111", "2222").replace("cs-uri-stem: /zzprobe", "cs-uri-stem|contains: zprob")


def sealed(service, wait=120):
    """Waits until all that sources sent stands in segments."""
    last = max(hit["record"] for hit in service.sent("type:raw | sort -record | head 1"))
    deadline = time.time() + wait
    while time.time() < deadline:
        if min(int(name[:16], 16) for name in os.listdir(f"{service.data}/archive/wal")) > last:
            return
        time.sleep(0.3)
    raise RuntimeError("not all was sealed")


def column(service):
    """What the service put beside the records, as they came: rules by record."""
    found = collections.defaultdict(collections.Counter)
    for hit in service.sent(""):
        for rule in hit["rules"]:
            found[rule][hit["record"]] += 1
    return found


AUDIT_RULE = """title: A program was run
id: 11111111-0d3f-4c0a-9a53-1f2b7c1d8e95
logsource:
    product: linux
    category: process_creation
detection:
    s:
        CommandLine|contains: 'probe'
    condition: s
level: informational
"""


def over_borders():
    """of a stream of audit events over several log files each has its hit, also where a border parts its records"""
    count = 16000
    with Folder() as folder:
        folder.file("rules/audit.yml", AUDIT_RULE)
        with Service(log_file_mib=1, log_rotate_s=10, engines=1, rules=f"{folder.path}/rules") as service:
            lines = []
            for n in range(count + 1):
                head = f"msg=audit({1795158000 + n // 100}.{n % 100:03}:{n})"
                lines += [f'type=SYSCALL {head}: arch=c000003e syscall=59 success=yes exit=0 pid={n} comm="probe" '
                          f'exe="/usr/bin/probe"', f'type=EXECVE {head}: argc=2 a0="probe" a1="number{n}"',
                          f'type=CWD {head}: cwd="/root"']
            path = folder.file("audit.log", "\n".join(lines) + "\n")
            service.run("ingest", path)
            deadline = time.time() + 60
            while time.time() < deadline and json.loads(
                    service.run("search", "--json", "type:raw | count").stdout)["count"] < len(lines):
                time.sleep(0.3)
            sealed(service)
            found = column(service)["11111111-0d3f-4c0a-9a53-1f2b7c1d8e95"]
            borders = len(os.listdir(f"{service.data}/archive/seg"))
            check(borders >= 4, f"segments: {borders}")
            check(set(found.values()) == {1}, "a hit stands twice beside a record")
            check_equal(len(found), count + 1, f"events with a hit, over {borders} segments")


def alone(data, rules, with_filters, every):
    """Each rule for itself: filters are used, and say what they passed over."""
    passed = 0
    for rule in rules:
        arguments = [rule, "--rules", RULES, "--explain"] + ([] if with_filters else ["--every-record"])
        rows = rows_of(data, *arguments)
        check_equal(rows[0]["rule_id"], rule, "the rule that was named")
        check_equal(rows[0]["matches"], every[rule], f"{rule} alone, {'with' if with_filters else 'without'} filters")
        passed += rows[-1]["explain"]["blocks_by_filter"]
        check(with_filters or rows[-1]["explain"]["blocks_by_filter"] == 0, "filters are off")
    return passed


def as_the_service():
    """rules find in segments of two engines what the service put beside the records, with filters and without"""
    audit_end = b"type=SYSCALL msg=audit(1795200000.000:99): arch=c000003e syscall=0 success=yes exit=0 comm=\"true\""
    with Folder() as folder, Service(log_file_mib=1, log_rotate_s=10, engines=2) as service:
        lines = audit_apart(samples())
        # Two sources at once, so that two engines work side by side; of an audit event no piece is left waiting.
        one = folder.file("one.log", b"\n".join(spread(lines, FILLER) + [audit_end]) + b"\n")
        two = folder.file("two.log", w3c(20000))
        folder.file("rules/w3c.yml", W3C_RULE)
        folder.file("rules/open.yml", W3C_OPEN_RULE)
        others = [threading.Thread(target=service.run, args=("ingest", "--name", f"name{n}", two)) for n in range(4)]
        for other in others:
            other.start()
        service.run("ingest", one)
        for other in others:
            other.join()
        total = len(lines_of(one)) + 4 * len(lines_of(two))
        deadline = time.time() + 60
        while time.time() < deadline:
            done = service.run("search", "--json", "type:raw | count")
            if json.loads(done.stdout)["count"] >= total:
                break
            time.sleep(0.3)
        sealed(service)
        found = column(service)
        live = {rule: sum(records.values()) for rule, records in found.items()}
        rows = rows_of(service.data, RULES, "--explain")
        every = {row["rule_id"]: row["matches"] for row in rows if "matches" in row}  # correlations too
        singles = {row["rule_id"] for row in rows if row.get("kind") == "detection"}
        check(rows[-1]["explain"]["segments"] >= 4, f"segments: {rows[-1]}")
        check_same({rule: n for rule, n in every.items() if rule in singles}, live,
                   "matches by rule, of the hunt and of the service")
        check(len(live) > 120, f"rules with matches: {len(live)}")
        # Record by record, of one rule.
        rule = max(live, key=lambda rule: len(found[rule]))
        records = [row["record"] for row in rows_of(service.data, rule, "--records", "--limit", "100000")
                   if "record" in row]
        check_equal(records, sorted(found[rule]), "the records of a rule")
        asked = sorted(every) if "all" in sys.argv[2:] else sorted(every)[::8]
        check(alone(service.data, asked, True, every) > len(asked), "blocks were passed over")
        alone(service.data, asked[::4], False, every)
        # Columns that were named in a block long before.
        for name in ("w3c", "open"):
            for arguments in ((), ("--every-record",), ("--jobs", "5")):
                got = hunt(service.data, os.path.join(folder.path, "rules", f"{name}.yml"), *arguments)
                check_equal(list(got.values()), [4], f"{name}.yml with {arguments}")
        service.quiet()


def rule_text(title, identity, value, extra=""):
    return (f"title: {title}\nid: {identity}\nname: n{identity[:8]}\nlogsource:\n    product: linux\ndetection:\n"
            f"    selection:\n        message|contains: '{value}'\n{extra}    condition: selection\nlevel: high\n")


IDS = [f"{n}c1f6c1e-0d3f-4c0a-9a53-1f2b7c1d8e9{n}" for n in range(5)]
LOGINS = "".join(f"Nov 20 10:00:{n:02} web{n % 2} sshd[812]: {'Failed' if n % 4 else 'Accepted'} password for "
                 f"{'root' if n % 3 else 'ann'} from 203.0.113.{n % 5} port 40{n:02} ssh2\n" for n in range(40))


def state(folder):
    """Every file with its size and when it was changed."""
    return {path: (os.stat(path).st_size, os.stat(path).st_mtime_ns)
            for path in glob.glob(f"{folder}/**", recursive=True) if os.path.isfile(path)}


def told():
    """a person reads counts, times, whose they were, examples, the verdict; ranges, records, titles, correlations"""
    with Folder() as folder:
        folder.ingest(folder.file("a.log", LOGINS))
        before = state(folder.data)
        failed = folder.file("rules/failed.yml", rule_text("Failed sign-in", IDS[0], "Failed password"))
        folder.file("rules/absent.yml", rule_text("Never seen", IDS[1], "nothing so named"))
        many = folder.file("many.yml", f"title: Many failures\nid: {IDS[2]}\ncorrelation:\n    type: event_count\n"
                           f"    rules:\n        - n{IDS[0][:8]}\n    group-by:\n        - src\n    timespan: 5m\n"
                           "    condition:\n        gte: 3\nlevel: high\n")
        said, _ = run("hunt", folder.data, failed)
        for text in ("Failed sign-in (", "30 matches, first ", "web1 (20), web0 (10)", "root (20), ann (10)",
                     "it would have opened about", "record ", "Failed password for"):
            check(text in said, f"{text!r} in {said}")
        rows = rows_of(folder.data, os.path.join(folder.path, "rules"))
        check_equal([row["matches"] for row in rows], [0, 30], "a folder of rules")
        groups = {(n % 2, n % 3 > 0, n % 5) for n in range(40) if n % 4}
        check_equal(rows[1]["incidents"], len(groups), "incidents: one for each host, account and address")
        check_equal(rows[1]["addresses"]["distinct"], 5, "addresses")
        rows = rows_of(folder.data, many, "--rules", os.path.join(folder.path, "rules"), "--records")
        check_equal((rows[0]["kind"], rows[0]["matches"]), ("correlation", 10), "five addresses, six failures each")
        check_equal(len([row for row in rows if "record" in row]), 30, "records that the correlation counted")
        check_equal(hunt(folder.data, "Failed sign", "--rules", os.path.join(folder.path, "rules")), {IDS[0]: 30},
                    "by a part of the title")
        rows = rows_of(folder.data, failed, "--records", "--limit", "7")
        check_equal([row["found_by"] for row in rows[1:]], [[IDS[0]]] * 7, "as many records as were asked for")
        check_equal(hunt(folder.data, failed, "to:1999-01-01"), {IDS[0]: 0}, "none before 1999")
        check_equal(hunt(folder.data, failed, "last:5000d"), {IDS[0]: 30}, "all of the last years")
        _, said = run("hunt", folder.data, failed, "--explain")
        check("looked for: audit " in said and " *failed" in said and "records looked at, 30 matches" in said, said)
        for arguments, text in ((["no such rule"], "there is no rule, file or folder"), (["last:x", failed], "last"),
                                ([folder.file("bad.yml", "title: x\n")], "refused")):
            _, said = run("hunt", folder.data, *arguments, status=1)
            check(text in said, f"{arguments}: {said}")
        _, said = run("hunt", folder.data, "last:30d", status=2)
        check("hunt needs a rule" in said, said)
        _, said = run("hunt", folder.data, *[failed] * 300, "no such rule", status=1)
        check("there is no rule, file or folder" in said, said)
        check_equal(state(folder.data), before, "hunting writes nothing")


def placeholders():
    """rules find by the values of their placeholders, and diff sees that the values changed"""
    with Folder() as folder:
        folder.ingest(folder.file("a.log", LOGINS))
        values = {"old": "[root]", "new": "[root, ann]"}
        for name, value in values.items():
            folder.file(f"{name}/placeholders.yml", f"vars:\n    Users: {value}\n")
            folder.file(f"{name}/sub/r.yml", rule_text("Sign-in", IDS[0], "password for %Users%")
                        .replace("contains:", "contains|expand:"))
        old, new = (os.path.join(folder.path, name) for name in values)
        root = len([n for n in range(40) if n % 3])
        check_equal(hunt(folder.data, old), {IDS[0]: root}, "of a folder")
        check_equal(hunt(folder.data, IDS[0], "--rules", new), {IDS[0]: 40}, "by id")
        rows = rows_of(folder.data, old, new, action="diff", status=1)
        check_equal([(row["change"], row["gained"], row["lost"], row["kept"]) for row in rows],
                    [("changed", 40 - root, 0, root)], "other values")


def filtered():
    """a filter of several rules holds in a hunt for one of them, too"""
    with Folder() as folder:
        folder.ingest(folder.file("a.log", LOGINS))
        rules = os.path.join(folder.path, "rules")
        folder.file("rules/failed.yml", rule_text("Failed", IDS[0], "Failed password"))
        folder.file("rules/root.yml", rule_text("Root", IDS[1], "password for root"))
        folder.file("rules/filter.yml", f"title: Not from .4\nid: {IDS[4]}\nlogsource:\n    product: linux\nfilter:\n"
                    f"    rules:\n        - {IDS[0]}\n        - {IDS[1]}\n    selection:\n"
                    "        message|contains: 203.0.113.4\n    condition: not selection\n")
        want = {IDS[0]: len([n for n in range(40) if n % 4 and n % 5 != 4]),
                IDS[1]: len([n for n in range(40) if n % 3 and n % 5 != 4])}
        check_equal(hunt(folder.data, rules), want, "both")
        for rule, matches in want.items():
            check_equal(hunt(folder.data, rule, "--rules", rules), {rule: matches}, "one")


def of_indicators():
    """rules of indicators, and correlations that count them, are said not to be hunted; --indicators is for test"""
    remark = "rules of indicators are hunted by `qorgan indicators hunt`"
    with Folder() as folder:
        folder.ingest(folder.file("a.log", LOGINS))
        listed = rule_text("Listed", IDS[0], "").replace("product: linux", "category: indicator").replace(
            "message|contains: ''", "indicator.type: address")
        folder.file("old/failed.yml", rule_text("Failed", IDS[1], "Failed password"))
        shutil.copytree(os.path.join(folder.path, "old"), os.path.join(folder.path, "new"))
        folder.file("new/listed.yml", listed)
        folder.file("new/many.yml", f"title: Many\nid: {IDS[2]}\ncorrelation:\n    type: event_count\n    rules:\n"
                    f"        - n{IDS[0][:8]}\n    timespan: 5m\n    condition:\n        gte: 3\nlevel: high\n")
        old, new = (os.path.join(folder.path, name) for name in ("old", "new"))
        out, said = run("hunt", folder.data, new)
        for title, rule in (("Listed", IDS[0]), ("Many", IDS[2])):
            check(f"qorgan rules: {title} ({rule}): {remark}\n" in said, said)
        check_equal((said.count(remark), out.count(": not hunted")), (2, 2), out)
        check_equal({row["rule_id"]: row.get("remark") for row in rows_of(folder.data, new)},
                    {IDS[0]: remark, IDS[1]: None, IDS[2]: remark}, "hunt")
        rows = rows_of(folder.data, old, new, action="diff", status=1)
        check_equal({row["rule_id"]: row.get("remark") for row in rows}, {IDS[0]: remark, IDS[2]: remark}, "diff")
        check_equal(run("diff", folder.data, old, new, status=1)[1].count(remark), 2, "diff, told")
        for action in ("hunt", "diff", "check"):
            _, said = run(action, folder.data, old, new, "--indicators", new, status=2)
            check("--indicators is for test and explain" in said, said)


def other_letters():
    """a word that was written with letters which only fold to those of the rule is found in sealed blocks, too"""
    with Folder() as folder, Service(log_file_mib=1, log_rotate_s=10, engines=1) as service:
        odd = "Nov 20 10:00:00 web1 tool[1]: ran \u017fe\u212aret now\n"
        service.run("ingest", folder.file("a.log", "\n".join(filler(n).decode() for n in range(30000)) + "\n" + odd))
        check_equal(len(service.wait_for("ran now", 1)), 1, "the line")
        sealed(service)
        rule = folder.file("r.yml", rule_text("Secret", IDS[0], " seKret "))
        rows = rows_of(service.data, rule, "--explain")
        check_equal(rows[0]["matches"], 1, "matches")
        check(rows[-1]["words"] > 1 and rows[-1]["explain"]["blocks_by_filter"] > 0, f"{rows[-1]}")


def stopped():
    """Ctrl-C ends a hunt and its workers; what was found until then is told, and that it is not all; so for diff"""
    with Folder() as folder:
        folder.ingest(folder.file("a.log", b"\n".join(filler(n) for n in range(400000)) + b"\n"))
        rule = folder.file("r.yml", rule_text("All", IDS[0], "request"))
        process = subprocess.Popen([QORGAN, "rules", "hunt", rule, "--data", folder.data], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        deadline = time.time() + 20
        workers = ""
        while time.time() < deadline and not workers:
            workers = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True,
                                     check=False).stdout
        os.killpg(process.pid, signal.SIGINT)
        out, said = process.communicate(timeout=60)
        check_equal(process.returncode, 1, f"exit status: {out}{said}")
        check("stopped: what was found until then is not all" in said, said)
        check("All (" in out, out)
        check(not any(os.path.exists(f"/proc/{pid}") for pid in workers.split()), "no worker is left")
        diff_stopped(folder.data, rule, folder.file("other.yml", rule_text("All", IDS[0], "status")))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as pids:
        return [int(child) for child in pids.read().split()]


def diff_stopped(data, old, new):
    """Who is asked to stop ends the copy that compares, which does not hear of it, and all that this one started."""
    with subprocess.Popen([QORGAN, "rules", "diff", old, new, "--data", data], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        deadline = time.time() + 60
        while not (copies := children(process.pid)):
            check(time.time() < deadline and process.poll() is None, "no copy came")
        os.kill(copies[0], signal.SIGSTOP)
        workers = children(copies[0])
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    check_equal((process.returncode, out), (1, ""), said)
    check("stopped: nothing can be said of the difference" in said, said)
    for pid in copies + workers:
        while at_work(pid):
            check(time.time() < deadline, f"process {pid} is left")


def at_work(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return ") Z" not in stat.read()
    except OSError:
        return False


def differences():
    """diff: rules added, removed and changed, what they find more and less; none is exit status 0"""
    with Folder() as folder:
        folder.ingest(folder.file("a.log", LOGINS))
        old, new = (os.path.join(folder.path, name) for name in ("old", "new"))
        folder.file("old/same.yml", rule_text("Same", IDS[0], "password for root"))
        folder.file("old/changed.yml", rule_text("Changed", IDS[1], "Failed password for ann"))
        folder.file("old/gone.yml", rule_text("Gone", IDS[2], "Accepted password"))
        said, _ = run("diff", folder.data, old, old)
        check_equal(said, "no rule differs\n", "nothing")
        shutil.copytree(old, new)
        os.unlink(os.path.join(new, "gone.yml"))
        folder.file("new/changed.yml", rule_text("Changed", IDS[1], "password for ann"))
        folder.file("new/added.yml", rule_text("Added", IDS[3], "203.0.113.4"))
        rows = {row["rule_id"]: row for row in rows_of(folder.data, old, new, action="diff", status=1)}
        failed = [n for n in range(40) if n % 4 and n % 3 == 0]
        accepted = [n for n in range(40) if n % 4 == 0 and n % 3 == 0]
        check_equal({rule: (row["change"], row["gained"], row["lost"], row["kept"]) for rule, row in rows.items()},
                    {IDS[1]: ("changed", len(accepted), 0, len(failed)), IDS[2]: ("removed", 0, 10, 0),
                     IDS[3]: ("added", 8, 0, 0)}, "changes")
        said, _ = run("diff", folder.data, old, new, "--records", "--limit", "2", status=1)
        check(f"changed  Changed ({IDS[1]}): {len(accepted)} gained, 0 lost, {len(failed)} as before" in said, said)
        check("  gained: record" in said and " and 2 more" in said, said)
        # A filter changes what a rule finds that itself did not change.
        folder.file("new/changed.yml", rule_text("Changed", IDS[1], "Failed password for ann"))
        shutil.rmtree(new)
        shutil.copytree(old, new)
        folder.file("new/filter.yml", f"title: Not from .4\nid: {IDS[4]}\nlogsource:\n    product: linux\nfilter:\n"
                    f"    rules:\n        - {IDS[0]}\n    selection:\n        message|contains: 203.0.113.4\n"
                    "    condition: not selection\n")
        rows = rows_of(folder.data, old, new, action="diff", status=1)
        check_equal([(row["change"], row["rule_id"]) for row in rows], [("affected", IDS[0])], "by a filter")
        check(rows[0]["lost"] > 0 and rows[0]["gained"] == 0, f"{rows}")
        # So does a correlation between it and what is counted.
        counts = ("title: {}\nid: {}\nname: {}\ncorrelation:\n    type: event_count\n    rules:\n        - {}\n"
                  "    group-by:\n        - {}\n    timespan: 5m\n    condition:\n        gte: {}\nlevel: high\n")
        for side, least in ((old, 3), (new, 5)):
            shutil.rmtree(side)
            folder.file(f"{side}/failed.yml", rule_text("Failed", IDS[0], "Failed password"))
            folder.file(f"{side}/inner.yml", counts.format("Inner", IDS[1], "inner", IDS[0], "src", least))
            folder.file(f"{side}/outer.yml", counts.format("Outer", IDS[2], "outer", "inner", "src", 1))
        rows = {row["title"]: row for row in rows_of(folder.data, old, new, action="diff", status=1)}
        check_equal({title: row["change"] for title, row in rows.items()}, {"Inner": "changed", "Outer": "affected"},
                    "by an inner correlation")


if __name__ == "__main__":
    sys.exit(main([as_detect, scripts_in_parts, as_detect_on_real_logs, as_the_service, over_borders, told,
                   placeholders, filtered, of_indicators, other_letters, stopped, differences]))
