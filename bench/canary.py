#!/usr/bin/env python3
"""canary.py - how long a record takes from an agent to a rule's hit at the desk: the real service and agent on this
machine, a canary a second (doc/performance.md). Prints one row a stage, idle and under load.

    bench/canary.py [--seconds 120] [--load 2000]        lines a second of syslog beside it
"""
import argparse
import json
import os
import socket
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("QORGAN_SOURCE", ROOT)
os.environ.setdefault("QORGAN", os.path.join(ROOT, "build/src/cmd/qorgan"))
sys.path.insert(0, os.path.join(ROOT, "tests"))

from agent_host import Host  # noqa: E402
from service import Service, free_port  # noqa: E402
from web_api import Web  # noqa: E402

STAGES = ("receive", "store", "judge", "deliver", "total")


class Load(threading.Thread):
    def __init__(self, port, rate):
        super().__init__(daemon=True)
        self.port, self.rate, self.stopped, self.sent = port, rate, threading.Event(), 0

    def run(self):
        line = b"<86>Nov 28 10:00:00 web1 sshd[%d]: Failed password for invalid user u%d from 10.0.0.%d port 22 ssh2\n"
        with socket.create_connection(("127.0.0.1", self.port)) as link:
            begin = time.time()
            while not self.stopped.is_set():
                due = int((time.time() - begin) * self.rate) - self.sent
                link.sendall(b"".join(line % (i % 9999, i % 50, i % 250) for i in range(self.sent, self.sent + due)))
                self.sent += due
                time.sleep(0.02)


def measure(durable, seconds, rate):
    """Every canary of the agent that came in that time."""
    port = free_port()
    seen = {}
    with Service(agent_port=port, canary_s=0) as service, Host() as host:
        web = Web(service)
        policy = {"files": [host.logs], "canary_s": 1, "durable": durable}
        assert web.change("policy.save", group="default", reason="bench", text=json.dumps(policy))["ok"]
        status, said = host.enrol(web.change("agent.token", name="bench")["token"])
        assert status == 0, said
        host.start()
        load = Load(service.ports["syslog-port"], rate) if rate else None
        if load:
            load.start()
        begin = time.time()
        while time.time() - begin < seconds + 10:
            time.sleep(5)
            agents = web.ask("agent.list")["agents"]
            for one in web.ask("agent.show", agent=agents[0]["agent"]).get("canary", {}).get("recent", []):
                seen[one["record"]] = one
        if load:
            load.stopped.set()
            load.join()
    return list(seen.values())


def share(values, permille):
    return sorted(values)[min(len(values) - 1, len(values) * permille // 1000)] / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--load", type=int, default=2000)
    options = parser.parse_args()
    print("| policy | beside it | canaries | stage | p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|---|---|")
    for durable in ("soon", "immediate"):
        for rate in (0, options.load):
            found = measure(durable, options.seconds, rate)
            for stage in STAGES:
                values = [one[f"{stage}_us"] for one in found]
                print(f"| {durable} | {rate} lines/s | {len(found)} | {stage} | {share(values, 500):.1f} |"
                      f" {share(values, 990):.1f} | {max(values) / 1000:.1f} |", flush=True)


if __name__ == "__main__":
    main()
