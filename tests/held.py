#!/usr/bin/env python3
"""Hits of events that are put together from several records, when the block that has them is full before the event is
complete: they stand beside their records in the archive, also when processes are killed meanwhile."""
import contextlib
import json
import os
import signal
import sys
import tempfile
import time

from service import Service, check, check_equal, main
from web_api import Web

AUDIT_ID = "51515151-1111-4111-8111-515151515151"
SCRIPT_ID = "52525252-2222-4222-8222-525252525252"
RULES = {
    "audit": f"""title: held audit
id: {AUDIT_ID}
logsource:
    product: linux
    category: process_creation
detection:
    s:
        Image|endswith: '/heldtool'
        CommandLine|contains: 'from-two-records'
    condition: s
level: high
""",
    "script": f"""title: held script
id: {SCRIPT_ID}
logsource:
    product: windows
    category: ps_script
detection:
    s:
        ScriptBlockText|contains|all:
            - 'held-begin'
            - 'held-end'
    condition: s
level: high
""",
}
BURST_LINES = 40000  # some 6 MiB: a block has 2 MiB


@contextlib.contextmanager
def stand(**settings):
    with tempfile.TemporaryDirectory(prefix="qorgan-held-") as folder:
        for name, text in RULES.items():
            with open(os.path.join(folder, f"{name}.yml"), "w", encoding="utf-8") as file:
                file.write(text)
        with Service(rules=folder, **{"log_file_mib": 64, "log_rotate_s": 10, **settings}) as service:
            yield service, Web(service)


def audit_pieces(serial=7001):
    """An event without an end: it is complete when time went by."""
    stamp = f"audit({time.time():.3f}:{serial})"
    return (f"type=SYSCALL msg={stamp}: arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=2 auid=0 uid=0 gid=0 "
            f"comm=\"heldtool\" exe=\"/usr/bin/heldtool\" key=\"held\"\n"
            f"type=EXECVE msg={stamp}: argc=2 a0=\"heldtool\" a1=\"from-two-records\"\n").encode()


def script_piece(number, text, seconds=0, total=3):
    when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))
    event = {"Channel": "Microsoft-Windows-PowerShell/Operational", "EventID": 4104, "Hostname": "ws1",
             "TimeCreated": when, "@timestamp": when, "MessageNumber": str(number), "MessageTotal": str(total),
             "ScriptBlockText": text, "ScriptBlockId": f"held-{total}", "Path": ""}
    return (json.dumps(event) + "\n").encode()


def burst(service, name="burst", lines=BURST_LINES):
    service.tcp("".join(f"<13>1 2026-11-28T10:00:00Z filler app 7 - - {name} {i} {'x' * 90}\n"
                        for i in range(lines)).encode())


def incidents(web):
    return sorted(row["title"] for row in web.ask("incident.list", state="all")["incidents"])


def until(text, wanted, wait=60):
    deadline = time.time() + wait
    while not (got := wanted()):
        check(time.time() < deadline, f"{text}: it did not come")
        time.sleep(0.3)
    return got


def sealed(service, wait=90):
    """Until all bursts are in segments: only there hits stand beside records."""
    until("a segment", lambda: "a segment is sealed" in service.read_log(), wait)


def hit_is_there(service, identity, word):
    """The hit beside a record of the event, in a segment."""
    found = until(f"a hit of {identity}", lambda: service.search(f"rule:{identity}"), 90)
    check_equal(len(found), 1, "records with the hit")
    check(word in found[0]["raw"], f"the record: {found[0]['raw']}")
    hits = service.search("type:gap")
    check_equal(hits, [], "gaps")


def full_before_time_went_by():
    """an audit event without an end, and a burst that fills its block: the hit stands beside its last record"""
    with stand() as (service, web):
        service.tcp(audit_pieces())
        burst(service)
        until("the incident", lambda: "held audit" in incidents(web))
        sealed(service)
        hit_is_there(service, AUDIT_ID, "from-two-records")
        check_equal(web.ask("loss.list", cause="hit")["losses"], [], "losses of hits")


def full_before_the_host_spoke():
    """a script whose middle is missing, behind a burst: given when its host is a minute younger"""
    with stand() as (service, web):
        service.tcp(script_piece(1, "held-begin ") + script_piece(3, " held-end"))
        burst(service)
        service.tcp(script_piece(1, "another", seconds=70, total=1))
        until("the incident", lambda: "held script" in incidents(web))
        sealed(service)
        hit_is_there(service, SCRIPT_ID, "held-end")


def an_engine_is_killed():
    """its successor begins with the pieces, though blocks behind them were full: match and hit come"""
    with stand() as (service, web):
        service.tcp(audit_pieces())
        burst(service)
        service.wait_for("burst", BURST_LINES)
        time.sleep(1)
        for pid in service.pids("engine"):
            os.kill(pid, signal.SIGKILL)
        until("the incident", lambda: "held audit" in incidents(web))
        check_equal(incidents(web), ["held audit"], "incidents, each once")
        sealed(service)
        hit_is_there(service, AUDIT_ID, "from-two-records")


def all_is_killed():
    """so does a service that was killed whole, and what was acknowledged is there once"""
    with stand() as (service, web):
        service.tcp(audit_pieces())
        burst(service)
        service.wait_for("burst", BURST_LINES)
        service.kill()
        service.start()
        web = Web(service)
        until("the incident", lambda: "held audit" in incidents(web))
        sealed(service)
        hit_is_there(service, AUDIT_ID, "from-two-records")
        check_equal(len(service.search("burst")), BURST_LINES, "records of the burst")


if __name__ == "__main__":
    sys.exit(main([full_before_time_went_by, full_before_the_host_spoke, an_engine_is_killed, all_is_killed]))
