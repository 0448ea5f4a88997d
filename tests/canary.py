#!/usr/bin/env python3
"""Canaries with the real service and agent: they come through, their times are shown, and what fails is named."""
import json
import os
import signal
import sqlite3
import time

from agent_host import Host
from service import Service, Skip, check, check_equal, free_port, main
from web_api import Web

RULE = "6b2f0c1e-7a4d-4c59-9d0e-2f4a8c3b5e71"
FORGED = {"event": "qorgan.canary", "agent": "", "number": 1000000, "nonce": "00112233445566778899aabbccddeeff",
          "made_ns": 1795215000123456789, "every_s": 2}


def until(text, wanted, wait=60):
    deadline = time.time() + wait
    while not (got := wanted()):
        check(time.time() < deadline, f"{text}: not within {wait} s")
        time.sleep(0.3)
    return got


class Stand:
    """A service that makes canaries every two seconds, and somebody signed in."""

    def __init__(self, **settings):
        self.port = free_port()
        self.service = Service(agent_port=self.port, canary_s=2, **settings)

    def __enter__(self):
        self.service.__enter__()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__()

    def list(self):
        return self.web.ask("canary.list")

    def lanes(self):
        return {lane["engine"]: lane for lane in self.list()["service"]}

    def counts(self):
        return {hour["of"]: hour.get("count", 0) for hour in reversed(self.list()["hours"])}

    def incidents(self, rule):
        found = self.web.ask("incident.list", state="open", limit=200)["incidents"]
        return [row for row in found if row["rule_id"] == rule]

    def told(self, event):
        bodies = [json.loads(hit["raw"]) for hit in self.service.search(f'type:lifecycle "{event}"')]
        return [body for body in bodies if body["event"] == event]

    def policy(self, **members):
        answer = self.web.change("policy.save", group="default", reason="a test", text=json.dumps(members))
        check(answer["ok"], f"the policy: {answer}")

    def agent(self, host, name):
        answer = self.web.change("agent.token", name=name)
        status, said = host.enrol(answer["token"])
        check_equal(status, 0, said)
        host.start()
        found = self.web.ask("agent.list", text=name)["agents"]
        return found[0]["agent"]

    def shown(self, uuid):
        return self.web.ask("agent.show", agent=uuid)


def they_come_through():
    """The service's own come through by every engine; what a stranger writes is none; sources know nothing of them"""
    with Stand(engines=3, log_rotate_s=10) as stand:
        until("canaries of three engines", lambda: all(lane["seen_ns"] > 0 for lane in stand.lanes().values()))
        check_equal(sorted(stand.lanes()), [0, 1, 2], "engines")
        until("more", lambda: stand.counts().get("service", 0) >= 9)
        hour = stand.list()["hours"][0]
        check(0 < hour["total"]["p50_us"] <= hour["total"]["p99_us"] <= hour["total"]["max_us"], f"{hour}")
        for stage in ("receive", "store", "judge", "deliver"):
            check(hour[stage]["max_us"] <= hour["total"]["max_us"], f"{stage}: {hour}")
        record = stand.lanes()[1]["record"]
        hit = until("its hit", lambda: [hit for hit in stand.service.search(f"record:{record}") if hit["rules"]])[0]
        check(RULE in hit["rules"] and json.loads(hit["raw"])["event"] == "qorgan.canary", f"its hit: {hit}")
        own = stand.counts()["service"]
        stand.service.tcp(b"<13>Nov 28 10:00:00 web1 app: " + json.dumps(FORGED).encode() + b"\n")
        stand.service.run("ingest", "--name", "qorgan:1", "-", text_input=json.dumps(FORGED).encode() + b"\n")
        until("they are kept, and match", lambda: len(stand.service.search(f"number:1000000 rule:{RULE}")) == 2)
        time.sleep(1)
        with sqlite3.connect(f"file:{stand.service.data}/desk/desk.db?mode=ro", uri=True) as db:
            check_equal(db.execute("SELECT count(*) FROM canary WHERE number >= 1000000").fetchone()[0], 0, "forged")
            check_equal(db.execute("SELECT count(*) FROM canary").fetchone()[0], 3, "makers")
            check_equal(db.execute("SELECT count(*) FROM annex_count c JOIN annex_source s USING (source)"
                                   " WHERE s.kind LIKE '%canary%'").fetchone()[0], 0, "counted as a source")
        check(stand.counts()["service"] >= own, "they go on")
        kinds = {source["kind"] for source in stand.web.ask("source.list")["sources"]}
        check("qorgan-canary" not in kinds, f"kinds of sources: {kinds}")
        shown = stand.web.ask("search", query="event:qorgan.canary", hide_own="true")["events"]
        check_equal(sorted(one["kind"] for one in shown), ["import", "tcp"], "what is shown without Qorgan's own")
        check_equal(stand.incidents(RULE), [], "incidents")
        check_equal(stand.told("canary.late"), [], "late ones")


def an_engine_that_stands():
    """An engine that is stopped is named, as an incident that ends with a record"""
    with Stand(engines=2) as stand:
        until("canaries", lambda: all(lane["seen_ns"] > 0 for lane in stand.lanes().values()))
        pids = stand.service.pids("engine")
        check_equal(len(pids), 2, "engines")
        victim = pids[0]
        os.kill(victim, signal.SIGSTOP)
        troubles = until("it is named", lambda: stand.list()["troubles"])
        check_equal([trouble["hop"] for trouble in troubles], ["engine"], f"{troubles}")
        engine = troubles[0]["engine"]
        lanes = stand.lanes()
        check_equal((lanes[engine]["hop"], lanes[1 - engine]["hop"]), ("engine", "fine"), f"{lanes}")
        incident = until("its incident", lambda: stand.incidents("qorgan-canary-lost"))[0]
        late = stand.told("canary.late")
        check_equal([(body["hop"], body["engine"]) for body in late], [("engine", engine)], "what is told")
        check(f"engine {engine} " in late[0]["detail"], f"{late}")
        check(incident["matches"] == 1, f"{incident}")
        status, _, page = stand.web.request("GET", "/canary")
        check(status == 200 and 'class="state bad"' in page, f"the page: {status}")
        os.kill(victim, signal.SIGCONT)
        until("it is over", lambda: stand.told("canary.calm"))
        check_equal((stand.list()["troubles"], stand.lanes()[engine]["hop"]), ([], "fine"), "what is left")


def a_rule_that_is_off():
    """Whoever switches the rule off is told what he did"""
    with Stand() as stand:
        until("a canary", lambda: stand.lanes()[0]["seen_ns"] > 0)
        answer = stand.web.change("rule.save", id=RULE, state="off", reason="it makes noise")
        check(answer["ok"], f"{answer}")
        until("it is named", lambda: [one for one in stand.list()["troubles"] if one["hop"] == "rule"])
        until("its incident", lambda: stand.incidents("qorgan-canary-lost"))
        stand.web.change("rule.save", id=RULE, state="active", reason="it does not")
        until("it is over", lambda: not stand.list()["troubles"])


def agents_have_theirs():
    """An agent's come through with their times; one that is stopped and one that is told to make none are known"""
    with Stand() as stand, Host() as host:
        stand.policy(files=[host.logs], canary_s=2, durable="immediate")
        uuid = stand.agent(host, "web1")
        shown = until("canaries", lambda: (lambda a: a if len(a.get("canary", {}).get("recent", [])) >= 4 else None)
                      (stand.shown(uuid)))
        canary = shown["canary"]
        check_equal((canary["hop"], canary["every_s"]), ("fine", 2), f"{canary}")
        for one in canary["recent"]:
            parts = sum(one[f"{stage}_us"] for stage in ("receive", "store", "judge", "deliver"))
            check(abs(parts - one["total_us"]) <= 5000, f"parts of the way: {one}")
        check(shown["agent"]["canary_us"] > 0 and shown["agent"]["canary_ns"] > 0, f"{shown['agent']}")
        hit = stand.service.search(f"record:{canary['record']}")[0]
        body = json.loads(hit["raw"])
        check_equal((body["agent"], body["nonce"]), (uuid, canary["nonce"]), "whose")
        check("offset_us" in body, "the clock's offset is in it")
        check_equal((hit["source"], hit["source_kind"]), ("web1:canary", "qorgan-canary"), "its source")
        for path in ("/agents", f"/agents/{uuid}", "/canary", "/"):
            status, _, page = stand.web.request("GET", path)
            check(status == 200 and "canary" in page, f"{path}: {status}")
        os.kill(host.process.pid, signal.SIGSTOP)
        until("it is late", lambda: stand.shown(uuid)["canary"]["hop"] != "fine", 150)
        check_equal(stand.shown(uuid)["canary"]["hop"], "silent", "why")
        os.kill(host.process.pid, signal.SIGCONT)
        until("it is over", lambda: stand.shown(uuid)["canary"]["hop"] == "fine")
        stand.policy(files=[host.logs], canary_s=0)
        until("it is told to make none", lambda: "canary" not in stand.shown(uuid), 120)
        check_equal(stand.list()["agents"], 0, "agents with canaries")


def clocks_are_known():
    """What the clocks of service and agent follow is known; what they may ask is judged"""
    with Stand(time_lost_s=60, time_servers="ntp.example .kz") as stand, Host() as host:
        uuid = stand.agent(host, "web1")
        if "time" not in host.until(lambda status: status.get("state") == "connected"):
            raise Skip("the kernel does not tell of its clock")
        said = until("the agent's", lambda: stand.shown(uuid).get("time"))
        own = until("the service's", lambda: stand.web.ask("source.list")["totals"].get("time"))
        check_equal((said["daemon"], said["servers"]), (own["daemon"], own["servers"]), "the same machine")
        check_equal(said["choice"], "foreign" if said["servers"] else "none", f"{said}")
        check(stand.told("time.foreign"), "a record of it")
        check((said["lost_ns"] > 0) == (own["lost_ns"] > 0), f"{said} {own}")
        if own["lost_ns"] > 0:
            until("a loss that lasts is an incident", lambda: stand.incidents("qorgan-time-lost"), 150)
        else:
            check_equal(stand.incidents("qorgan-time-lost"), [], "incidents")
        for path in (f"/agents/{uuid}", "/archive"):
            status, _, page = stand.web.request("GET", path)
            check(status == 200 and "time-servers" in page, f"{path}: {status}")


if __name__ == "__main__":
    raise SystemExit(main([they_come_through, an_engine_that_stands, a_rule_that_is_off, clocks_are_known],
                          beside=[agents_have_theirs]))
