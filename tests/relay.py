#!/usr/bin/env python3
"""Relays: the real `qorgan-agent relay` between the real agent and the real service."""
import json
import os
import socket
import ssl
import sys
import time

from agent_host import Host
from agent_peer import Agent
from agent_relay import Relay
from service import Service, check, check_equal, free_port, main
from web_api import Web


class Stand:
    """A service that takes the word of relays on this machine, and somebody signed in."""

    def __init__(self, **settings):
        self.service = Service(**{"agent_relays": "127.0.0.1", **settings})

    def __enter__(self):
        self.service.start()
        self.web = Web(self.service)
        self.port = self.service.ports["agent-port"]
        return self

    def __exit__(self, *_):
        self.service.__exit__()

    def token(self, *ports):
        servers = ",".join(f"127.0.0.1:{port}" for port in ports or [self.port])
        answer = self.web.change("agent.token", name="", servers=servers)
        check("token" in answer, f"a token: {answer}")
        return answer["token"]

    def enrol(self, host, *ports):
        status, out = host.enrol(self.token(*ports))
        check_equal(status, 0, f"enrol: {out}")
        answer = self.web.change("policy.save", group="default", reason="for this test",
                                 text=json.dumps({"files": [host.logs]}))
        check("version" in answer, f"a policy: {answer}")
        host.start()
        host.until(lambda status: status["policy"] == answer["version"])

    def shown(self):
        return self.web.ask("agent.list")["agents"][0]

    def words(self, word, count, wait=60):
        return [hit["raw"].split()[0] for hit in self.service.wait_for(f"{word}*", count, wait=wait)]


def lines(word, first, count):
    return [f"{word}-{number:06d} something happened" for number in range(first, first + count)]


def all_once(words, word, count):
    check_equal((len(words), len(set(words))), (count, count), f"{word}, each once")
    check_equal(sorted(words), [f"{word}-{number:06d}" for number in range(count)], f"{word}, all of them")


def over_two_relays():
    """an agent is enrolled and delivers over two relays; the page says over which; each relay ends at once when told"""
    with Stand() as stand, Relay(stand.port, relays="127.0.0.1") as near, Relay(near.port) as far, Host() as host:
        stand.enrol(host, far.port)
        host.write("app.log", lines("app", 0, 2000))
        all_once(stand.words("app", 2000), "app", 2000)
        shown = stand.shown()
        check_equal((shown["address"], shown["relay"]), ("127.0.0.1", "127.0.0.1, 127.0.0.1"), "where it comes from")
        status, _, page = stand.web.request("GET", f"/agents/{shown['agent']}")
        check(status == 200 and "127.0.0.1, 127.0.0.1" in page, "the agent's page")
        told = [json.loads(hit["raw"]) for hit in stand.service.search('"agent.connected"')
                if hit["type"] not in ("raw", "digest")]
        check(any(one.get("relay") == "127.0.0.1, 127.0.0.1" for one in told), f"the record: {told}")
        for relay in (far, near):
            status, seconds = relay.stop()
            check(status == 0 and seconds < 3, f"stop: {status} after {seconds} s\n{relay.log()}")
            check("connections=" in relay.log(), f"how it was: {relay.log()}")
        host.until(lambda status: status["state"] == "not connected")
        host.write("app.log", lines("app", 2000, 500))
        near.start()
        far.start()
        all_once(stand.words("app", 2500), "app", 2500)
        stand.service.quiet()
        status, out = stand.service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


def a_relay_dies():
    """of two relays one is killed again and again: the agent takes the other; nothing is lost or kept twice"""
    with Stand() as stand, Relay(stand.port) as first, Relay(stand.port) as second, Host() as host:
        stand.enrol(host, first.port, second.port)
        count = 0
        for turn in range(6):
            relay = (first, second)[turn % 2]
            host.write("app.log", lines("app", count, 1500))
            count += 1500
            time.sleep(0.3)
            relay.kill()
            host.write("app.log", lines("app", count, 500))
            count += 500
            time.sleep(0.7)
            relay.start()
        all_once(stand.words("app", count, 90), "app", count)
        status, out = stand.service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


def the_hop_that_fails_is_named():
    """no server behind the second relay: the agent's log says which relay could not reach what, and then it can"""
    with Stand() as stand:
        nobody = free_port()
        with Relay(nobody, relays="127.0.0.1") as near, Relay(near.port) as far, Host() as host:
            stand.enrol(host)
            host.stop()
            token = stand.token(far.port)
            with Host() as other:
                status, out = other.enrol(token)
                check(status == 1 and f"relay-{near.port}: no server is to be reached" in out, f"enrol says it: {out}")
            host.configure(servers=f"127.0.0.1:{far.port}")
            host.start()
            words = f"a relay says: relay-{near.port}: no server is to be reached: 127.0.0.1:{nobody} away"
            deadline = time.time() + 30
            while words not in host.log():
                check(time.time() < deadline, f"{words}\n{host.log()}")
                time.sleep(0.1)
            host.until(lambda status: "a relay says" in status["reason"])
            check("Connection refused" in near.log(), near.log())
            near.kill()
            near.settings["servers"] = f"127.0.0.1:{nobody},127.0.0.1:{stand.port}"
            near.start()
            host.kill()  # its patience has grown
            host.start()
            host.write("app.log", lines("app", 0, 100))
            all_once(stand.words("app", 100), "app", 100)


def only_named_relays_are_believed():
    """a header from an address that agent-relays does not name goes no further, and both sides say why"""
    with Stand(agent_relays="192.0.2.0/24") as stand, Relay(stand.port) as relay, Host() as host:
        stand.enrol(host)
        host.stop()
        host.configure(servers=f"127.0.0.1:{relay.port}")
        host.start()
        relay.until("ended the connection without a word")
        deadline = time.time() + 30
        while "agent-relays does not name it" not in stand.service.read_log():
            check(time.time() < deadline, stand.service.read_log()[-2000:])
            time.sleep(0.1)
        check_equal(stand.shown()["state"], "away", "its state")
    with Stand() as stand:
        agent = Agent(stand.port)
        agent.enrol(stand.token())
        signature = b"\r\n\r\n\0\r\nQUIT\n"
        ends = b"\x0a\x09\x08\x07\x7f\0\0\1\xd4\x31\x19\x73"
        for head, address in ((signature + b"\x21\x11\0\x0c" + ends, "10.9.8.7"),
                              (signature + b"\x20\0\0\0", "127.0.0.1"),
                              (b"", "127.0.0.1")):
            link = connect(agent, head)
            link.send("hello", hello(agent))
            link.until("welcome")
            shown = stand.shown()
            check_equal((shown["address"], shown["relay"]), (address, "127.0.0.1" if address[:2] == "10" else ""),
                        "whose word counts")
            link.close()
        for head in (signature + b"\x21\x11\0\x0b" + ends, signature + b"\x31\x11\0\x0c" + ends,
                     signature + b"\x21\x11\xff\xff" + ends, b"\r\nnothing of the kind"):
            with socket.create_connection(("127.0.0.1", stand.port), timeout=10) as plain:
                plain.sendall(head)
                try:
                    check_equal(plain.recv(1), b"", f"{head}")
                except ConnectionResetError:
                    pass
        check("the header of a relay does not read" in stand.service.read_log(), "it is told")
        stand.service.quiet()


def connect(agent, head):
    """As agent_peer does, with bytes before TLS, one at a time."""
    from agent_peer import Link
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["qorgan-delivery/1"])
    context.load_cert_chain(agent.certificate, agent.key)
    plain = socket.create_connection(("127.0.0.1", agent.port), timeout=30)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for i in range(len(head)):
        plain.sendall(head[i:i + 1])
        time.sleep(0.002)
    return Link(context.wrap_socket(plain))


def hello(agent):
    def text(words):
        return len(words).to_bytes(2, "big") + words
    return (b"\0\1" + agent.uuid + agent.spool.to_bytes(8, "big") + bytes(8) + agent.boot + bytes(8) + bytes(32) +
            text(b"peer") + text(b"agent_peer 1"))


def what_a_relay_may():
    """it holds no file and no key; wrong settings end it with the line; limits close whom they must"""
    relay = Relay(free_port(), connections_address="2", handshake="1")
    relay.settings["conections"] = "5"
    try:
        relay.start()
        raise RuntimeError("it started")
    except AssertionError as told:
        check("no setting is called conections" in str(told), f"{told}")
    del relay.settings["conections"]
    with relay:
        links = [socket.create_connection(("127.0.0.1", relay.port), timeout=10) for _ in range(3)]
        begin = time.time()
        for link in reversed(links):
            check_equal(link.recv(1), b"", "nothing is said to who says nothing")
        check(time.time() - begin < 10, "and they are closed soon")
        check("all the places that one address may have" in relay.log(), relay.log())
        with open(f"/proc/{relay.process.pid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        if os.geteuid() == 0:
            check(status["Uid"].split()[0] != "0" and int(status["CapEff"], 16) == 0, f"its rights: {status}")
        check_equal(status["NoNewPrivs"], "1", "no new privileges")
        check_equal(status["Seccomp"], "2", "system calls are limited")
        check_equal(relay.stop()[0], 0, "its end")


if __name__ == "__main__":
    sys.exit(main([over_two_relays, a_relay_dies, what_a_relay_may],
                  beside=[the_hop_that_fails_is_named, only_named_relays_are_believed]))
