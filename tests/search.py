#!/usr/bin/env python3
"""search.py - the query language with its commands on the command line, and searches of the running service: worked on
in slices, stopped, forgotten when nobody asks, and never in the way of intake. Prints TAP."""
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from service import QORGAN, Service, check, check_equal, main
from web_api import Web

LINES = 120000
PART = 60000


def line(n):
    return (f"<86>Nov 20 10:{n // 60 % 60:02}:{n % 60:02} web{n % 5} sshd[{n % 3000}]: "
            f"{'Failed' if n % 10 == 3 else 'Accepted'} password for user{n % 7} from 10.0.{n % 3}.{n % 250} port 22 "
            f"ssh2\n")


def search(data, *arguments, status=0):
    done = subprocess.run([QORGAN, "search", "--data", data, *arguments], capture_output=True, text=True, check=False,
                          timeout=120)
    check_equal(done.returncode, status, f"exit status of {arguments}: {done.stderr}")
    return done.stdout, done.stderr


def filled(folder, lines):
    path = os.path.join(folder, "lines.log")
    with open(path, "w", encoding="ascii") as log:
        log.writelines(line(n) for n in range(lines))
    return path


def tables_on_the_command_line():
    """count, timechart, sort, head and fields as text, JSON and CSV; mistakes say where; --explain says how"""
    folder = tempfile.mkdtemp(prefix="qorgan-search-")
    data = os.path.join(folder, "d")
    try:
        subprocess.run([QORGAN, "ingest", "--data", data, filled(folder, 1000)], check=True, capture_output=True)
        out, _ = search(data, "--json", "failed | count by host")
        rows = [json.loads(row) for row in out.splitlines()]
        check_equal(sorted(row["host"] for row in rows), ["web3"], "hosts of n % 10 == 3")
        check_equal(rows[0]["count"], 100, "failed")
        out, _ = search(data, "type:raw | count by host, account | sort host, -account | head 2 | fields count, host")
        check_equal(out.splitlines()[0].split(), ["count", "host"], "heads")
        check_equal([row.split()[1] for row in out.splitlines()[1:]], ["web0", "web0"], "the first two by host")
        out, _ = search(data, "--csv", "type:raw | timechart 10m by host")
        rows = list(csv.DictReader(io.StringIO(out)))
        check_equal(sum(int(row["count"]) for row in rows), 1000, "all are counted")
        check_equal({row["time"][14:] for row in rows} <= {"00:00Z", "10:00Z"}, True, f"steps: {rows[:2]}")
        out, _ = search(data, "--csv", "failed | sort -record | head 3 | fields record, host")
        check_equal(len(list(csv.reader(io.StringIO(out)))), 4, "a line of names and three rows")
        out, err = search(data, "--explain", "type:raw | count")
        check_equal(out.split(), ["count", "1000"], "count")
        check("segments" in err and "in the log" in err and "ms" in err, f"--explain: {err!r}")
        out, _ = search(data, "--json", "--explain", "absentword")
        explain = json.loads(out.splitlines()[-1])
        check(explain["explain"]["tail_records"] >= 1000 and explain["matched"] == 0, f"--explain --json: {explain}")
        for query, place in (("a | tail", 5), ("a | sort", 9), ("a | count by x | sort y", 23)):
            _, err = search(data, query, status=2)
            check(f"(at character {place})" in err, f"{query}: {err!r}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def interrupt(data, query):
    """Ctrl-C while it works; what it printed."""
    process = subprocess.Popen([QORGAN, "search", "--data", data, query], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while cpu_seconds(process.pid) < 0.1 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    check_equal(process.returncode, 1, f"exit status: {err}")
    check("stopped" in err, f"it says so: {err!r}")
    return out


def interrupted():
    """Ctrl-C: what was counted or sorted until then is printed, the rest is said to be missing, status 1"""
    folder = tempfile.mkdtemp(prefix="qorgan-search-")
    data = os.path.join(folder, "d")
    try:
        subprocess.run([QORGAN, "ingest", "--data", data, filled(folder, LINES)], check=True, capture_output=True)
        out = interrupt(data, "*a*b*c* or failed | count")
        check_equal(out.split()[0], "count", "the table so far")
        check(int(out.split()[1]) < LINES, f"not all: {out!r}")
        out = interrupt(data, "*a*b*c* or failed | sort -record | head 20 | fields record")
        records = [int(row) for row in out.splitlines()[1:]]
        check_equal(len(records), 20, "the sorted events so far")
        check_equal(records, sorted(records, reverse=True), "in order")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def terminals_are_safe():
    """what a terminal would obey is shown, not sent; a folder that does not open is no wrong usage"""
    folder = tempfile.mkdtemp(prefix="qorgan-search-")
    data = os.path.join(folder, "d")
    path = os.path.join(folder, "evil.log")
    evil = "evilword \u009b31m \u202e\u2066 \x1b[2J C:\\temp ЖҚ".encode() + b" \xff\xc2"
    try:
        with open(path, "wb") as log:
            log.write(evil + b"\n")
        subprocess.run([QORGAN, "ingest", "--data", data, path], check=True, capture_output=True)
        for query in ("evilword", "evilword | count by raw", "evilword | fields raw, time"):
            done = subprocess.run([QORGAN, "search", "--data", data, query], capture_output=True, check=True)
            shown = "evilword \\xc2\\x9b31m \\xe2\\x80\\xae\\xe2\\x81\\xa6 \\x1b[2J C:\\temp ЖҚ \\xff\\xc2"
            check(shown in done.stdout.decode(), f"{query}: {done.stdout!r}")
        done = subprocess.run([QORGAN, "search", "--data", data, "--raw", "evilword"], capture_output=True, check=True)
        check_equal(done.stdout, evil + b"\n", "--raw is byte for byte")
        with open(os.path.join(data, "qorgan.conf"), "w", encoding="ascii") as conf:
            conf.write("encryption file:\n")
        _, err = search(data, "evilword", status=1)
        check("usage" not in err and "--help" not in err, f"it is the folder's fault: {err!r}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(web, query, **members):
    return web.ask("search", **{"query": query, "from_ns": 0, "to_ns": 0, "limit": 5, "before": 0} | members)


def searches_in_slices():
    """a search is gone on with by its token, shows progress, can be stopped, and does nothing while nobody asks"""
    with Service(log_file_mib=4, engines=2) as service:
        folder = tempfile.mkdtemp(prefix="qorgan-search-")
        service.run("ingest", filled(folder, LINES))
        shutil.rmtree(folder)
        web = Web(service)
        found = ask(web, "type:raw password ssh2 | count by host", wait_ms=1)
        check(found["ok"] and not found["complete"] and found["job"], f"a slice: {str(found)[:300]}")
        seen, turns = [found["permille"]], 0
        while not found["complete"] and turns < 2000:
            found = ask(web, "ignored", wait_ms=200, job=found["job"])
            check(found.get("ok"), f"it goes on: {str(found)[:300]}")
            seen.append(found["permille"])
            turns += 1
        check_equal(seen, sorted(seen), "progress only grows")
        check_equal(sum(row[1] for row in found["table"]["rows"]), LINES, "all are counted once")
        check_equal([column["name"] for column in found["table"]["columns"]], ["host", "count"], "columns")
        explain = found["explain"]
        kinds = ("time", "filter", "template", "index", "columns")
        check_equal(explain["blocks_decoded"] + sum(explain[f"blocks_by_{kind}"] for kind in kinds), explain["blocks"],
                    f"each block is in one count: {explain}")
        check_equal(found["matched"], LINES, "matched")
        check(LINES <= found["scanned"] < LINES + 1000, f"each record is looked at once: {found['scanned']}")
        check(0 < explain["tail_records"] <= found["scanned"], f"the log's tail is: {explain}")
        check(explain["bytes_read"] > LINES and found["elapsed_ns"] > 0, f"what it took: {explain}")
        check_equal(found["permille"], 1000, "it is done")

        found = ask(web, "password | count", wait_ms=1)
        stopped = ask(web, "password | count", job=found["job"], stop="true")
        check(stopped["stopped"] and not stopped["complete"] and "job" not in stopped, f"stopped: {str(stopped)[:300]}")
        for more in ({}, {"stop": "true"}):
            gone = ask(web, "password | count", job=found["job"], **more)
            check_equal((gone["ok"], gone["error"]), (False, "search_gone"), f"it is gone {more}")

        found = ask(web, "*a*b*c* or password | sort -record", wait_ms=1)
        stop = "true"
        while "job" in found:
            check_equal(found["events"], [], "sorted events come at the end")
            found = ask(web, "ignored", wait_ms=1, job=found["job"], stop=stop)
            stop = "false"  # once is enough
        numbers = [event["record"] for event in found["events"]]
        check_equal((found["stopped"], found["complete"], len(numbers)), (True, False, 5), "what was sorted so far")
        check_equal(numbers, sorted(numbers, reverse=True), "in order")

        jobs = [ask(web, "*a*b*c* or *x*y*z* | count", wait_ms=1)["job"] for _ in range(8)]
        for query in ("(", "a | tail", "size>x"):
            check_equal(ask(web, query)["error"], "query_invalid", query)
        check(ask(web, "", wait_ms=1, job=jobs[0]).get("ok"), "a query that does not read takes nobody's place")
        for wrong in ({"limit": 0}, {"limit": 501}):
            status, _, text = web.request("GET", f"/api/search?limit={wrong['limit']}")
            check_equal((status, json.loads(text)["error"]), (400, "question_invalid"), f"{wrong}")
        for job in jobs:
            ask(web, "", job=job, stop="true")

        numbers, page = [], ask(web, "password | sort -record | head 12 | fields record")
        while True:
            while "job" in page:
                page = ask(web, "", job=page["job"])
            numbers += [int(row[0]) for row in page["table"]["rows"]]
            if not page["next_skip"]:
                break
            page = ask(web, "password | sort -record | head 12 | fields record", skip=page["next_skip"],
                       before=page["next_before"], now_ns=page["now_ns"])
        check_equal((len(numbers), len(set(numbers))), (12, 12), "pages of sorted events, up to the query's own head")
        check_equal(numbers, sorted(numbers, reverse=True), "in one order")

        ask(web, "password | count", wait_ms=1)
        role = service.pids("query")[0]
        before = cpu_seconds(role)
        time.sleep(1.5)
        check(cpu_seconds(role) - before < 0.1, "nothing is worked on for who went away")
        page = web.request("GET", "/search?range=all&q=%7C+count+by+host")[2]
        check('class="rows counted"' in page or 'id="stop"' in page, "the page shows the table, or the way to it")
        service.quiet()


def intake_goes_first():
    """on one processor beside a process that always wants it, as intake does under load, a search gets the crumbs"""
    service = Service(log_file_mib=4)
    processor = min(os.sched_getaffinity(0))
    service.prefix = ["taskset", "-c", str(processor)]
    folder = tempfile.mkdtemp(prefix="qorgan-search-")
    with service:
        service.run("ingest", filled(folder, LINES))
        web = Web(service)
        role = service.pids("query")[0]
        with open(f"/proc/{role}/stat", encoding="ascii") as stat:
            nice = int(stat.read().rsplit(")", 1)[1].split()[16])
        check_equal(nice, min(os.nice(0) + 15, 19), "nice of the query process")
        done = threading.Event()

        def endless():
            while not done.is_set():
                ask(web, "*a*b*c* or *x*y*z* | count", wait_ms=1000)

        thread = threading.Thread(target=endless)
        thread.start()
        while cpu_seconds(role) < 0.2:
            time.sleep(0.01)
        greedy = subprocess.Popen(["taskset", "-c", str(processor), sys.executable, "-c", "while True: pass"])
        try:
            while cpu_seconds(greedy.pid) < 0.2:
                time.sleep(0.01)
            begin = cpu_seconds(role), cpu_seconds(greedy.pid)
            while cpu_seconds(greedy.pid) - begin[1] < 3:
                time.sleep(0.05)
            spent = cpu_seconds(role) - begin[0], cpu_seconds(greedy.pid) - begin[1]
        finally:
            greedy.kill()
            greedy.wait()
            done.set()
        thread.join(60)
        shutil.rmtree(folder)
        print(f"# while the other one had {spent[1]:.2f} s of the processor, the search had {spent[0]:.2f} s")
        check(spent[0] < 0.2 * spent[1], f"the search took {spent[0]:.2f} s of {sum(spent):.2f} s")
        service.quiet()


def acknowledged_beside_a_query():
    """records are acknowledged while a heavy query works on all of the archive, each once; how fast is only printed"""
    service = Service(log_file_mib=4)
    service.prefix = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    folder = tempfile.mkdtemp(prefix="qorgan-search-")
    rates, slices, scanned = {False: [], True: []}, [], []
    with service:
        service.run("ingest", filled(folder, LINES))
        web = Web(service)
        busy, done = threading.Event(), threading.Event()

        def heavy():
            found = {}
            while not done.is_set():
                if not busy.wait(0.1):
                    continue
                more = {"job": found["job"]} if "job" in found else {}
                found = ask(web, "*a*b*c* or *d*0*s* or *x*y*z* | count by account, raw", wait_ms=1000, **more)
                slices.append(found["ok"])
                scanned.append(found["scanned"])

        thread = threading.Thread(target=heavy)
        thread.start()
        try:
            for turn in range(6):
                path = os.path.join(folder, f"turn{turn}.log")
                with open(path, "w", encoding="ascii") as log:
                    log.writelines(line(n).replace("port 22", f"turn{turn}") for n in range(PART))
                if turn % 2:
                    busy.set()
                    before = len(slices)
                    while len(slices) == before:
                        time.sleep(0.01)
                begin = time.monotonic()
                service.run("ingest", path)  # ends when the last record is durable
                rates[turn % 2 == 1].append(PART / (time.monotonic() - begin))
                busy.clear()
        finally:
            done.set()
            thread.join(60)
        shutil.rmtree(folder)
        check(slices and all(slices) and max(scanned) > 0, f"the query worked meanwhile: {len(slices)} slices")
        for turn in range(6):
            out, _ = search(service.data, "--json", f"type:raw turn{turn} | count")
            check_equal(json.loads(out)["count"], PART, f"each record of turn {turn} is there once")
        alone, beside = (sorted(rates[with_query])[1] for with_query in (False, True))
        print(f"# acknowledged on one processor: {alone:,.0f} records/s alone, {beside:,.0f} records/s beside the query"
              f" ({len(slices)} slices); medians of {len(rates[True])}")
        service.quiet()


if __name__ == "__main__":
    sys.exit(main([tables_on_the_command_line, interrupted, terminals_are_safe, searches_in_slices, intake_goes_first,
                   acknowledged_beside_a_query]))
