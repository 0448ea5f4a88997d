#!/usr/bin/env python3
"""Agents as people see and decide about them: tokens, states, revocation, policies, what becomes an incident."""
import base64
import contextlib
import copy
import hashlib
import html
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from agent_host import Host
from agent_peer import Agent, Refused
from service import Service, check, check_equal, free_port, main
from web_api import Web


class Stand:
    """A service with a port for agents, and somebody signed in."""

    def __init__(self, **settings):
        self.port = free_port()
        self.service = Service(agent_port=self.port, **settings)

    def __enter__(self):
        self.service.__enter__()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__()

    def token(self, **members):
        answer = self.web.change("agent.token", **members)
        check("token" in answer, f"a token: {answer}")
        return answer["token"]

    def agent(self, name, **members):
        agent = Agent(self.port)
        agent.enrol(self.token(name=name, **members))
        return agent

    def shown(self, agent):
        answer = self.web.ask("agent.show", agent=uuid_of(agent))
        check(answer["ok"], f"agent.show: {answer}")
        return answer["agent"]

    def until_state(self, agent, state, wait=30):
        until(lambda: self.shown(agent)["state"] == state, f"the agent is {state}", wait)

    def incidents(self, rule):
        found = self.web.ask("incident.list", state="open", limit=200)["incidents"]
        return [row for row in found if row["rule_id"] == rule]

    def events(self, event):
        """Records of the desk's own, newest first."""
        bodies = [json.loads(hit["raw"]) for hit in self.service.search(f'type:lifecycle "{event}"')]
        return [body for body in bodies if body["event"] == event]


def uuid_of(agent):
    digits = agent.uuid.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def until(holds, text, wait=30):
    end = time.time() + wait
    while time.time() < end:
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError(f"{text}: not within {wait} s")


def refused(action, reason, text):
    try:
        action()
    except Refused as no:
        check_equal(no.reason, reason, f"{text}: {no}")
        return
    raise AssertionError(f"{text}: it was not refused")


def page_token(web, **fields):
    """Sends the form of /agents; the token that its answer shows."""
    body = "&".join(f"{key}={value}" for key, value in {"csrf": web.csrf, **fields}.items())
    status, _, text = web.request("POST", "/agents", body, {"Content-Type": "application/x-www-form-urlencoded"})
    check_equal(status, 200, "a token by the page")
    found = re.search(r"qorgan-agent enrol (qorgan1\.\S+)</pre>", text)
    check(found, "the command stands on the page")
    return html.unescape(found.group(1))


def tokens():
    """tokens are made by the page and shown once, listed, withdrawn, expire; no secret is stored"""
    with Stand() as stand:
        web = stand.web
        _, _, page = web.request("GET", "/agents")
        check("There are no such agents" in page or "Агент" in page, "an empty list")
        objects = web.ask("object.list")["objects"]
        token = page_token(web, name="web1", group="servers", object=objects[0]["id"], servers="127.0.0.1:1")
        check(token.startswith("qorgan1.127.0.0.1:1."), token)
        authority = os.path.join(stand.service.data, "keys/authority.pem")
        public = subprocess.run(["openssl", "x509", "-pubkey", "-noout", "-in", authority], check=True,
                                capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True,
                             capture_output=True).stdout
        secret = token.rsplit(".", 1)[1]
        check_equal(token.rsplit(".", 2)[1], hashlib.sha256(der).hexdigest(), "the authority that a token names")
        _, _, page = web.request("GET", "/agents")
        check("web1" in page and secret not in page, "the token is listed, and its secret shown once")
        second = stand.token(name="web2")
        listed = web.ask("agent.list")["tokens"]
        check_equal([row["name"] for row in listed], ["web2", "web1"], "tokens that wait")
        web.change("agent.token_end", id=listed[0]["id"])
        refused(lambda: Agent(stand.port).enrol(second), 7, "a token that was withdrawn")
        for folder, _, names in os.walk(os.path.join(stand.service.data, "desk")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    text = file.read()
                check(secret.encode() not in text and bytes.fromhex(secret) not in text, f"no secret in {name}")
        stand.service.stop()
        base = sqlite3.connect(os.path.join(stand.service.data, "desk/desk.db"))
        base.execute("UPDATE agent_token SET until_ns = ?", (time.time_ns() - 1,))
        base.commit()
        base.close()
        stand.service.start()
        check_equal(web.ask("agent.list")["tokens"], [], "a token that expired is listed no more")
        refused(lambda: Agent(stand.port).enrol(token), 9, "a token that expired")
        until(lambda: len(stand.events("agent.token")) == 2, "both are recorded")
        check_equal(len(stand.events("agent.token-ended")), 1, "the end is recorded")
        stand.service.quiet()


def lives():
    """an agent is enrolled, seen, renamed, renewed and revoked; a token's second use and a copy are incidents"""
    with Stand() as stand:
        web = stand.web
        token = stand.token(name="host-a", group="servers")
        agent = Agent(stand.port)
        agent.enrol(token)
        link = agent.hello()
        stand.until_state(agent, "connected")
        status = {"policy": 0, "spool_bytes": 30, "spool_limit": 100, "words": "<b>агент</b>"}
        link.send("status", json.dumps(status, ensure_ascii=False).encode())
        until(lambda: stand.shown(agent)["status"] == status, "what it says of itself is shown")
        _, _, page = web.request("GET", f"/agents/{uuid_of(agent)}")
        check("&lt;b&gt;агент&lt;/b&gt;" in page and "<b>агент" not in page, "its words are escaped")
        # Renewal: another certificate for the same key, at once.
        link.send("renew")
        certificate = link.until("certificate")
        with open(agent.certificate, "wb") as out:
            out.write(certificate)
        link.close()
        link = agent.hello()
        check(len(stand.shown(agent)["serial"]) == 32, "a serial number")
        web.form(f"/agents/{uuid_of(agent)}", name="host-b", group="servers", object=stand.shown(agent)["object_id"])
        check_equal(stand.shown(agent)["name"], "host-b", "its new name")
        # The token again, by somebody else.
        refused(lambda: Agent(stand.port).enrol(token), 8, "the second use of a token")
        until(lambda: stand.incidents("qorgan-agent-token"), "the second use is an incident")
        # A copy on another host.
        twin = copy.copy(agent)
        twin.spool, twin.boot = agent.spool ^ 1, os.urandom(16)
        refused(twin.hello, 5, "a copy")
        until(lambda: stand.incidents("qorgan-agent-copied"), "a copy is an incident")
        _, _, page = web.request("GET", f"/incidents/{stand.incidents('qorgan-agent-copied')[0]['id']}")
        check("peer" in page, "the incident names the host")
        # Revoked: dropped at once, and never again.
        began = time.time()
        check(web.change("agent.revoke", agent=uuid_of(agent), reason="the host is gone")["ok"], "it is revoked")
        with contextlib.suppress(ConnectionError):
            refused(lambda: link.until("bye", 10), 3, "its connection")
        check(time.time() - began < 5, "it is dropped at once")
        refused(agent.hello, 3, "a revoked agent")
        check_equal(stand.shown(agent)["state"], "revoked", "its state")
        for event in ("agent.enrolled", "agent.renewed", "agent.changed", "agent.connected", "agent.token-used",
                      "agent.copied", "agent.revoked", "agent.refused"):
            until(lambda event=event: stand.events(event), f"{event} is a record")
        check_equal(stand.events("agent.revoked")[0]["detail"], "the host is gone", "why it was revoked")
        status, out = stand.service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)
        stand.service.quiet()


def silence():
    """an agent that is not heard is silent, told once; it is heard again; a desk that dies knows who is connected"""
    with Stand(agent_silent_s=10) as stand:
        agent = stand.agent("quiet")
        link = agent.hello()
        stand.until_state(agent, "connected")
        os.kill(stand.service.pids("desk")[0], signal.SIGKILL)
        until(lambda: stand.service.pids("desk"), "another desk")
        until(lambda: stand.web.ask("agent.list").get("ok"), "it answers", 60)
        stand.until_state(agent, "connected")
        link.close()
        stand.until_state(agent, "silent", 60)
        until(lambda: stand.incidents("qorgan-agent-silent"), "silence is an incident")
        link = agent.hello()
        stand.until_state(agent, "connected")
        until(lambda: stand.events("agent.heard"), "it is heard again, a record")
        check_equal(len(stand.events("agent.silent")), 1, "its silence is told once")
        link.close()


def verified(note, key):
    """Whether the archive's key signed the note; `key` as note keys are written."""
    name, _, public = key.split("+", 2)
    text, lines = note.split("\n\n")
    line = next(line for line in lines.splitlines() if line.startswith("— " + name + " "))
    signature = base64.b64decode(line.rsplit(" ", 1)[1])[4:]
    head = bytes.fromhex("302a300506032b6570032100")
    with tempfile.TemporaryDirectory() as folder:
        for file, content in (("key", head + base64.b64decode(public)[1:]), ("text", (text + "\n").encode()),
                              ("sig", signature)):
            with open(os.path.join(folder, file), "wb") as out:
                out.write(content)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", f"{folder}/key", "-keyform", "DER",
                               "-rawin", "-in", f"{folder}/text", "-sigfile", f"{folder}/sig"], capture_output=True,
                              check=False).returncode == 0


def policies():
    """policies are signed by the archive's key, told at once, rolled back, kept by a signer that dies, and compared"""
    with Stand() as stand:
        web = stand.web
        agent = stand.agent("collector", group="servers")
        link = agent.hello()
        place = web.form("/agents/policies", group="servers", text='{"files": ["/var/log"],\n "journal": true}',
                         reason="as agreed")
        check(place.startswith("/agents/policies?saved=1&group=servers"), place)
        first = link.until("policy").decode()
        lines = first.split("\n")
        check_equal(lines[:5], ["qorgan agent policy", link.origin, "servers", "1",
                                '{"files":["/var/log"],"journal":true}'], "what is signed")
        check(verified(first, link.key), "the archive's key signed it")
        check(not verified(first.replace('"journal":true', '"journal":false'), link.key), "and nothing else")
        # While the signer is dead a version waits.
        os.kill(stand.service.pids("signer")[0], signal.SIGKILL)
        saved = web.change("policy.save", group="servers", text='{"files":[]}', reason="less")
        check_equal(saved["version"], 2, "saved")
        second = link.until("policy", 90).decode()
        check(verified(second, link.key) and second.split("\n")[3] == "2", "the second version")
        check(web.change("policy.roll_back", group="servers", version=1, reason="too little")["ok"], "rolled back")
        third = link.until("policy").decode()
        check_equal(third.split("\n")[3:5], ["3", lines[4]], "the first text under a new number")
        _, _, page = web.request("GET", "/agents/policies?group=servers&version=3")
        check("<ins>+" in page and "<del>-" in page, "what it changed is marked")
        # A connection that comes later is told with its welcome; one that moves gets a number above its own.
        web.change("policy.save", group="desks", text="{}", reason="nothing yet")
        web.change("policy.save", group="servers", text='{"journal":true}', reason="journal alone")
        link.close()
        until(lambda: all(row["in_force"] == row["newest"] for row in web.ask("policy.list")["groups"]), "all signed")
        link = agent.hello()
        check_equal(link.until("policy").decode().split("\n")[2:4], ["servers", "5"], "told with welcome")
        check(web.change("agent.save", agent=uuid_of(agent), group="desks")["ok"], "it goes to another group")
        check_equal(link.until("policy").decode().split("\n")[2:4], ["desks", "6"], "a higher number of that group")
        bad = web.change("policy.save", group="servers", text='{"files":', reason="half")
        check_equal((bad["error"], bad["field"]), ("invalid", "text"), "half a policy")
        for text in ('{"file":[]}', '{"files":["var"]}', '{"journal":1}', '{"commands":[{}]}'):
            bad = web.change("policy.save", group="servers", text=text, reason="a slip")
            check_equal((bad.get("error"), bad.get("field")), ("invalid", "text"), text)
        until(lambda: len(stand.events("policy.changed")) == 6, "each version is a record")


def keys():
    """a certificate that is lost is made again and agents stay; a key that is lost stops the start"""
    with Stand() as stand:
        service = stand.service
        folder = os.path.join(service.data, "keys")
        agent = stand.agent("stays")
        agent.hello().close()
        service.stop()
        for name in ("authority.pem", "delivery.pem", "delivery.key"):
            os.remove(os.path.join(folder, name))
        service.start()
        agent.hello().close()  # it believes the authority it was given at its enrolment
        service.stop()
        with open(os.path.join(folder, "delivery.pem"), "w", encoding="ascii") as out:
            out.write("no certificate\n")
        service.start()
        agent.hello().close()
        service.stop()
        begin = os.path.getsize(service.log_path)
        os.remove(os.path.join(folder, "authority.key"))
        check(not service.start(expect=False), "it does not start without the authority's key")
        check("keys/authority.key is gone" in service.read_log(begin), "and says why")


def only_administrators():
    """an analyst sees agents and changes none"""
    with Stand() as stand:
        agent = stand.agent("kept")
        link = agent.hello()
        answer = stand.web.change("user.save", user={"name": "ana", "role": "analyst", "password": "a first word 123",
                                                     "enabled": True})
        check(answer["ok"], f"an analyst: {answer}")
        stand.service.user, stand.service.password = "ana", "a first word 123"
        web = Web(stand.service)
        check_equal(web.ask("agent.list")["may_change"], False, "may_change")
        _, _, page = web.request("GET", "/agents")
        check("kept" in page and 'action="/agents#command"' not in page, "no form to enrol")
        _, _, page = web.request("GET", f"/agents/{uuid_of(agent)}")
        check('id="revoke"' not in page, "no form to revoke")
        for name, members in (("agent.token", {}), ("agent.revoke", {"agent": uuid_of(agent), "reason": "why not"}),
                              ("agent.save", {"agent": uuid_of(agent), "name": "x"}),
                              ("policy.save", {"group": "g", "text": "{}", "reason": "because"}),
                              ("policy.roll_back", {"group": "g", "version": 1, "reason": "because"})):
            check_equal(web.change(name, **members)["error"], "denied", name)
        link.send("status", b"{}")
        check_equal(stand.shown(agent)["state"], "connected", "it goes on")


def real_agent():
    """the program itself: enrolled by the page's command, collects by the policy, is shown, is revoked"""
    with Stand() as stand, Host() as host:
        web = stand.web
        status, said = host.enrol(page_token(web, group="servers", object=web.ask("object.list")["objects"][0]["id"],
                                             servers=f"127.0.0.1:{stand.port}"))
        check_equal(status, 0, f"enrolled: {said}")
        policy = json.dumps({"files": [host.logs], "journal": False})
        check(web.change("policy.save", group="servers", text=policy, reason="as agreed")["ok"], "a policy")
        host.write("app.log", [f"Nov 28 10:00:00 web1 app: real-{i}" for i in range(100)])
        host.start()
        check_equal(len(stand.service.wait_for("real*", 100)), 100, "its lines")

        def listed():
            return web.ask("agent.list")["agents"][0]

        # It says how it is once a minute.
        until(lambda: listed()["state"] == "connected" and listed()["policy"] == 1, "it has the policy", 100)
        agent = listed()
        check(agent["spool_max"] > 0 and agent["program"].startswith("qorgan-agent "), f"how it is: {agent}")
        check_equal(web.ask("policy.list")["groups"][0]["behind"], 0, "agents behind")
        check(abs(agent["offset_us"]) < 1_000_000, f"its clock is this machine's: {agent['offset_us']}")
        check(web.change("agent.revoke", agent=agent["agent"], reason="the host was stolen")["ok"], "it is revoked")
        host.until(lambda status: status["state"] != "connected", 30)
        until(lambda: stand.events("agent.refused") or "revoked" in host.log(), "it is told", 60)
        host.write("app.log", ["Nov 28 10:00:01 web1 app: unwanted-1"])
        time.sleep(3)
        check_equal(stand.service.sent("unwanted*"), [], "nothing more is taken")
        stand.service.quiet()


if __name__ == "__main__":
    sys.exit(main([tokens, lives, silence, policies, keys, only_administrators, real_agent]))
