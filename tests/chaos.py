#!/usr/bin/env python3
"""Agents, relays, wires and the service, all treated badly for a while: what was written is in the archive once.

Each agent knows two ways to the one archive, over relays of which one stands behind another; each part is killed, cut
off, slowed or without room, as the seed says (QORGAN_SEED, printed). Nothing that is asserted depends on time: after
the last blow everything is whole again, and the test waits until all is there."""
import contextlib
import json
import os
import random
import signal
import sys
import time

from agent_host import Host
from agent_relay import Relay, Wire
from bad_input import mounted
from service import Service, Skip, check, check_equal, main
from web_api import Web

SECONDS = float(os.environ.get("QORGAN_CHAOS_SECONDS", 30))
PATIENCE = 150  # for what must come; how long it takes is not asserted
SPOOL_DISK = "size=10m,mode=755"
ROLES = ("intake", "keeper", "desk", "signer")


class Scene:
    """Three hosts:  0 ── wire ── relay ── service        and by itself over a wire
                     1 ── far relay ── wire ── relay ── service    and over the relay
                     2 ── wire ── service                 and over the far relay; its spool has a small disk"""

    def __init__(self, stack, draw):
        self.draw = draw
        self.stack = stack
        self.service = Service(agent_relays="127.0.0.1", intakes=2)
        stack.enter_context(self.service)
        port = self.service.ports["agent-port"]
        self.relay = stack.enter_context(Relay(port, relays="127.0.0.1"))
        self.wires = {"to the relay": Wire(self.relay.port), "between relays": Wire(self.relay.port),
                      "to the service": Wire(port)}
        self.far = stack.enter_context(Relay(self.wires["between relays"].port))
        first, direct = self.wires["to the relay"].port, self.wires["to the service"].port
        ways = ((first, direct), (self.far.port, self.relay.port), (direct, self.far.port))
        self.hosts = [stack.enter_context(Host()) for _ in ways]
        self.disk = self.small_disk(self.hosts[2])
        self.written = [0] * len(ways)
        self.quiet_until = [0.0] * len(ways)
        self.blows = []
        self.enrol(ways)

    def small_disk(self, host):
        """The folder of its data on a disk of its own; None where mounting is not permitted."""
        try:
            folder = self.stack.enter_context(mounted(SPOOL_DISK))
        except Skip:
            return None
        host.data = os.path.join(folder, "data")
        host.settings["spool-size"] = "8M"
        self.stack.callback(host.kill)
        return folder

    def enrol(self, ways):
        web = Web(self.service)
        answer = web.change("policy.save", group="default", reason="for this test",
                            text=json.dumps({"files": [host.logs for host in self.hosts]}))
        check("version" in answer, f"a policy: {answer}")
        for i, host in enumerate(self.hosts):
            servers = ",".join(f"127.0.0.1:{port}" for port in ways[i])
            status, out = host.enrol(web.change("agent.token", name=f"host-{i}", servers=servers)["token"])
            check_equal(status, 0, f"enrol: {out}")
            host.configure(allow=host.logs)
            host.start()
        for host in self.hosts:
            host.until(lambda status: status["policy"] == answer["version"], PATIENCE)

    # ---- what is written ----

    def write(self, most=400):
        for i, host in enumerate(self.hosts):
            count = self.draw.randrange(1, most)
            first = self.written[i]
            host.write("app.log", [f"chaos{i}-{number:06d} " + "x" * self.draw.randrange(0, 200)
                                   for number in range(first, first + count)])
            self.written[i] += count

    def rename(self):
        """A file that is made and renamed between two looks is not met, so that one may be old enough."""
        i = self.draw.randrange(len(self.hosts))
        if time.time() < self.quiet_until[i] or not os.path.exists(self.hosts[i].path("app.log")):
            return "nothing"
        time.sleep(2.3)
        os.rename(self.hosts[i].path("app.log"), self.hosts[i].path(f"app.log.{len(self.blows)}"))
        self.quiet_until[i] = time.time() + 5
        return f"log of host {i} renamed"

    # ---- blows ----

    def kill_agent(self):
        i = self.draw.randrange(len(self.hosts))
        self.hosts[i].kill()
        self.write()
        self.hosts[i].start()
        return f"agent {i} killed"

    def kill_relay(self):
        relay = self.draw.choice((self.relay, self.far))
        relay.kill()
        self.write()
        time.sleep(self.draw.uniform(0, 1))
        relay.start()
        return f"{relay.settings['name']} killed"

    def kill_role(self):
        role = self.draw.choice(ROLES)
        for pid in self.service.pids(role):
            os.kill(pid, signal.SIGKILL)
        return f"{role} killed"

    def freeze(self):
        """The archive stands still while records come, and then it and what took them in are dead: what was
        acknowledged meanwhile would be lost."""
        keepers = self.service.pids("keeper")
        for pid in keepers:
            os.kill(pid, signal.SIGSTOP)
        self.write()
        time.sleep(0.7)
        for pid in keepers + self.service.pids("intake"):
            os.kill(pid, signal.SIGKILL)
        return "keeper frozen, then killed with intake"

    def kill_service(self):
        self.service.kill()
        self.write()
        self.service.start()
        return "service killed"

    def cut(self):
        name = self.draw.choice(list(self.wires))
        self.wires[name].cut()
        return f"wire {name} cut"

    def swallow(self):
        """Nothing arrives, and nobody is told; at last the wire is cut."""
        name = self.draw.choice(list(self.wires))
        self.wires[name].swallows = True
        self.write()
        time.sleep(self.draw.uniform(0.5, 2))
        self.wires[name].cut()
        self.wires[name].swallows = False
        return f"wire {name} swallowed"

    def slow(self):
        name = self.draw.choice(list(self.wires))
        self.wires[name].rate = self.draw.choice((5000, 20000, 0))
        return f"wire {name} at {self.wires[name].rate} bytes a second"

    def fill_disk(self):
        """No room for the spool of host 2 while it is written to, and killed in the middle of it."""
        if not self.disk:
            return "nothing: no disk of its own"
        ballast = os.path.join(self.disk, "ballast")
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(b"b" * 65536)
        self.write(1500)
        time.sleep(1)
        self.hosts[2].kill()
        self.hosts[2].start()
        time.sleep(0.5)
        os.unlink(ballast)
        if self.hosts[2].process.poll() is not None:  # as its service manager does
            self.hosts[2].start()
        return "disk of host 2 full"

    def one(self):
        blow = self.draw.choice((self.kill_agent, self.kill_agent, self.kill_relay, self.kill_relay, self.kill_role,
                                 self.freeze, self.cut, self.cut, self.swallow, self.slow, self.rename))
        self.blows.append(blow())

    def heal(self):
        """Everything whole; a last kill, so that no agent waits until its patience is over."""
        for wire in self.wires.values():
            wire.rate = 0
            wire.swallows = False
            wire.cut()
        for host in self.hosts:
            host.kill()
            host.start()

    # ---- what must hold ----

    def all_once(self):
        for i, count in enumerate(self.written):
            hits = self.service.wait_for(f"chaos{i}-*", count, wait=PATIENCE)
            names = [hit["raw"].split()[0] for hit in hits]
            check_equal(len(set(names)), count, f"lines of host {i}\n{self.hosts[i].log()[-1500:]}\nthe service:\n"
                        f"{self.service.read_log()[-3000:]}")
            check_equal(len(names), count, f"records of host {i}")
            check_equal(sorted(names), [f"chaos{i}-{number:06d}" for number in range(count)], f"lines of host {i}")
            sources = {hit["source"].split(":")[0] for hit in hits}
            check_equal(sources, {f"host-{i}"}, "whose they are")

    def no_gap(self):
        """Files wait for room and for servers: nothing was lost, so no agent may say that anything was."""
        told = [hit["raw"] for hit in self.service.search("type:gap") if hit["type"] == "gap"]
        check_equal([words for words in told if "chaos" in words or "host-" in words], [], "gaps of agents")
        for i, host in enumerate(self.hosts):
            status = host.until(lambda status: status["durable"] == status["records"], PATIENCE)
            check_equal(status["lost"], 0, f"what agent {i} counted as lost")
            check("trouble" not in status and "ALARM" not in host.log(), f"agent {i} trusts the archive: {status}")


def everything_breaks():
    """agents, relays, wires, processes and the service are killed, cut off, slowed, without room: each line once"""
    seed = int(os.environ.get("QORGAN_SEED", time.time()))
    print(f"# seed {seed}", flush=True)
    with contextlib.ExitStack() as stack:
        scene = Scene(stack, random.Random(seed))
        try:
            begin = time.time()
            late = [(0.3, scene.fill_disk), (0.6, scene.kill_service)]
            while time.time() - begin < SECONDS:
                scene.write()
                scene.one()
                if late and time.time() - begin > late[0][0] * SECONDS:
                    scene.blows.append(late.pop(0)[1]())
                time.sleep(scene.draw.uniform(0, 0.5))
            scene.heal()
            scene.all_once()
            scene.no_gap()
            status, out = scene.service.audit()
            check_equal(status, 0, "qorgan-verify\n" + out)
        except Exception:
            print("\n".join(f"# {blow}" for blow in scene.blows), flush=True)
            raise
        print(f"# {len(scene.blows)} blows, {sum(scene.written)} lines", flush=True)


if __name__ == "__main__":
    sys.exit(main([everything_breaks]))
