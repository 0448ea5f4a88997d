#!/usr/bin/env python3
"""Delivery: the server's side of what agents speak, by a peer written from the page of the format alone."""
import contextlib
import datetime
import os
import random
import signal
import socket
import ssl
import sys
import threading
import time
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent_peer import Agent, Refused, note_head
from service import Service, check, check_equal, free_port, main
from web_api import Web


class Stand:
    """A service with a port for agents, and somebody signed in."""

    def __init__(self, **settings):
        self.port = free_port()
        self.service = Service(agent_port=self.port, **settings)

    def __enter__(self):
        self.service.start()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__()

    def token(self, name):
        answer = self.web.change("agent.token", name=name)
        check("token" in answer, f"a token: {answer}")
        return answer["token"]

    def agent(self, name):
        agent = Agent(self.port)
        agent.enrol(self.token(name))
        return agent

    def lines(self, word, count, wait=40):
        hits = self.service.wait_for(word, count, wait=wait)
        return [hit["raw"] for hit in hits], hits


def records(word, first, count):
    return [f"<13>Nov 28 10:00:00 peer app: {word}-{i:06d}".encode() for i in range(first, first + count)]


def refused(action, reason, text):
    try:
        action()
    except ConnectionError as trouble:
        raise AssertionError(f"{text}: {trouble}") from trouble
    except Refused as no:
        check_equal(no.reason, reason, f"{text}: {no}")
        return str(no)
    raise AssertionError(f"{text}: it was not refused")


def enrolled_and_delivered():
    """a token enrols once; records come under the agent's name with its numbers; resent ones are kept once"""
    with Stand() as stand:
        token = stand.token("srv-1")
        agent = Agent(stand.port)
        agent.enrol(token)
        refused(lambda: Agent(stand.port).enrol(token), 8, "the second use of a token")
        refused(lambda: Agent(stand.port).enrol(token[:-4] + "0000"), 7, "another secret")
        link = agent.hello()
        check(link.credit >= 1 << 20, f"credit {link.credit}")
        check(link.key.startswith(link.origin + "+"), f"key {link.key} of {link.origin}")
        link.data([("file", "/var/log/auth.log", 7, 1, records("first", 0, 300))])
        link.data([("journal", "", 9, 41, records("first", 300, 2)),
                   ("file", "/var/log/auth.log", 7, 301, records("first", 302, 1))])
        number, size = link.until_durable(303)
        check_equal(number, 303, "durable")
        raws, hits = stand.lines("first*", 303)
        check_equal((len(raws), len(set(raws))), (303, 303), "records, each once")
        check(size >= max(hit["record"] for hit in hits) + 1, f"size {size} covers them")
        names = {(hit["source_kind"], hit["source"]) for hit in hits}
        check_equal(names, {("file", "srv-1:/var/log/auth.log"), ("journal", "srv-1")}, "sources")
        # The same again over a new connection, as after a crash of the agent: acknowledged, kept once.
        link.close()
        link = agent.hello(number=0)
        link.data([("file", "/var/log/auth.log", 7, 1, records("first", 0, 300))])
        link.data([("file", "/var/log/auth.log", 7, 302, records("first", 303, 1))])
        link.until_durable(301)
        raws, _ = stand.lines("first*", 304)
        check_equal((len(raws), len(set(raws))), (304, 304), "records after a resend")
        status, out = stand.service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)
        stand.service.quiet()


def refusals():
    """what is not as it should be is refused with its reason, and takes nothing along"""
    with Stand() as stand:
        agent = stand.agent("srv-2")
        other = Agent(stand.port)
        good = [("file", "/x", 1, 1, [b"bad-record"])]

        def data(**change):
            def act():
                link = agent.hello()
                link.data(good, **change)
                link.until("durable", 10)
            return act

        stranger = other.connect()
        stranger.send("hello", b"\0\1" + bytes(16) + bytes(16) + bytes(16) + bytes(8) + bytes(32) + b"\0\1p\0\1q")
        refused(lambda: stranger.until("welcome", 10), 2, "a certificate that nobody issued")
        refused(lambda: agent.hello(version=9), 11, "another version")
        refused(lambda: agent.hello(uuid=bytes(16)), 2, "another agent's name")
        refused(data(number=5), 6, "a number that is not the next")
        refused(data(crc=1), 6, "a damaged batch")
        refused(data(codec=1), 6, "not packed as it says")
        refused(data(payload=b"\xff" * 60), 6, "a batch of another length")

        def early():
            link = agent.connect()
            link.send("status", b"{}")
            link.until("durable", 10)

        def unknown_frame():
            link = agent.hello()
            link.link.sendall(b"\x63\0\0\0\0")
            link.until("durable", 10)

        def no_object():
            link = agent.hello()
            link.send("status", b"[1")
            link.until("durable", 10)

        refused(early, 6, "a frame before hello")
        refused(unknown_frame, 6, "a frame of no type")
        refused(no_object, 6, "a status that is no object")
        # Bytes that are no TLS, and TLS without a certificate or with another protocol.
        with socket.create_connection(("127.0.0.1", stand.port)) as plain, contextlib.suppress(ConnectionError):
            plain.sendall(b"<13>no TLS at all\n" * 10)
            plain.settimeout(10)
            while plain.recv(100):
                pass
        for protocol in ("qorgan-delivery/1", "http/1.1"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols([protocol])
            try:
                with context.wrap_socket(socket.create_connection(("127.0.0.1", stand.port))) as link:
                    link.settimeout(10)
                    link.sendall(b"x")
                    got = link.recv(1)
            except (ssl.SSLError, ConnectionError):
                got = b""
            check_equal(got, b"", f"{protocol} without a certificate")
        check_equal(stand.service.sent("bad*"), [], "nothing of it was kept")
        link = agent.hello()
        link.data([("file", "/x", 1, 1, [b"a good-record"])])
        link.until_durable(1)
        check_equal(len(stand.lines("good*", 1)[0]), 1, "the next one is kept")


def issued(stand, agent, authority=None, uuid=None, purpose=ExtendedKeyUsageOID.CLIENT_AUTH, days=(-1, 1), san=True):
    """A file with a certificate for the agent's key, as the installation's authority would issue it, but for what is
    said; behind it nothing."""
    keys = os.path.join(stand.service.data, "keys")
    with open(os.path.join(keys, "authority.pem"), "rb") as file:
        issuer = x509.load_pem_x509_certificate(file.read())
    with open(os.path.join(keys, "authority.key"), "rb") as file:
        key = authority or serialization.load_pem_private_key(file.read(), None)
    with open(agent.key, "rb") as file:
        public = serialization.load_pem_private_key(file.read(), None).public_key()
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder().issuer_name(issuer.subject).public_key(public)
               .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")]))
               .serial_number(random.getrandbits(120) + 1).not_valid_before(now + datetime.timedelta(days=days[0]))
               .not_valid_after(now + datetime.timedelta(days=days[1]))
               .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
               .add_extension(x509.KeyUsage(True, *[False] * 8), True)
               .add_extension(x509.ExtendedKeyUsage([purpose]), False))
    if san:
        name = f"qorgan:agent:{UUID(bytes=uuid or agent.uuid)}"
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)]), False)
    path = os.path.join(agent.folder, "issued.pem")
    with open(path, "wb") as file:
        file.write(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def certificates():
    """expired, not valid yet, of another authority or purpose, of nobody: refused with the reason; not the right one"""
    with Stand() as stand:
        agent = stand.agent("srv-5")
        good = agent.certificate
        rows = ((4, "expired", {"days": (-40, -1)}), (4, "not valid yet", {"days": (1, 20)}),
                (2, "another authority of the same name", {"authority": ec.generate_private_key(ec.SECP256R1())}),
                (2, "a server's", {"purpose": ExtendedKeyUsageOID.SERVER_AUTH}),
                (2, "of no agent", {"san": False}),
                (2, "another agent's", {"uuid": bytes(range(16))}))
        for reason, text, change in rows:
            agent.certificate = issued(stand, agent, **change)
            refused(agent.hello, reason, text)
        agent.certificate = issued(stand, agent, uuid=bytes(range(16)))
        refused(lambda: agent.hello(uuid=bytes(range(16))), 2, "of an agent that was never enrolled")
        agent.certificate = issued(stand, agent)
        agent.hello().close()
        agent.certificate = good
        link = agent.hello()
        # The same records under numbers that go on: the archive has them already.
        for number in (0, 2):
            link.data([("file", "/x", 5, 1, records("twice", 0, 2))])
            check_equal(link.until_durable(number + 2)[0], number + 2, "both are acknowledged")
        check_equal(len(stand.lines("twice*", 3, 3)[0]), 2, "and kept once")


def time_and_proofs():
    """clocks are answered; checkpoints come, and a later one is proven to continue an earlier"""
    with Stand() as stand:
        agent = stand.agent("srv-3")
        link = agent.hello()
        mine = time.time_ns()
        link.send("time", mine.to_bytes(8, "big") + mine.to_bytes(8, "big"))
        back = link.until("time-back")
        heard = int.from_bytes(back[16:24], "big")
        check_equal(back[:16], mine.to_bytes(8, "big") * 2, "what was asked comes back")
        check(abs(heard - mine) < 60e9, f"the server's clock {heard}")
        link.data([("agent", "", 1, 1, [b'{"event":"agent.start"}'])], offset_us=-2_000_000, error_us=1234)
        link.until_durable(1)
        while not link.notes:
            link.until("checkpoint", 90)
        size, root = note_head(link.notes[-1])
        check(size > 0 and len(root) == 32, f"a checkpoint of {size}")
        link.send("prove", size.to_bytes(8, "big") + size.to_bytes(8, "big"))
        proof = link.until("proof")
        check_equal(proof, size.to_bytes(8, "big") * 2, "a size continues itself")
        link.send("prove", size.to_bytes(8, "big") * 2)
        refused(lambda: link.until("proof", 10), 6, "a second question at once")
        link = agent.hello(number=1)
        link.send("prove", (1).to_bytes(8, "big") + size.to_bytes(8, "big"))
        proof = link.until("proof")
        check(len(proof) > 16 and (len(proof) - 16) % 32 == 0, f"a path of {len(proof) - 16} bytes")


def deaths():
    """keeper, intake, desk, the whole service die while agents deliver: each record once, no acknowledged one lost"""
    with Stand(intakes=2) as stand:
        agents = [stand.agent(f"srv-{i}") for i in range(3)]
        done = [0] * 3
        stop = threading.Event()
        troubles = []

        def deliver(i):
            rng = random.Random(i)
            acknowledged = 0
            while not stop.is_set() or acknowledged < done[i]:
                try:
                    link = agents[i].hello(number=acknowledged)
                    while not stop.is_set() or link.durable[0] < done[i]:
                        if not stop.is_set() and link.credit > 0 and link.number - link.durable[0] < 2000:
                            n = rng.randrange(1, 120)
                            link.data([("file", "/log", 1, link.number + 1, records(f"death{i}", link.number, n))])
                            done[i] = max(done[i], link.number)
                            time.sleep(0.01)
                        elif link.number < done[i]:
                            n = done[i] - link.number
                            link.data([("file", "/log", 1, link.number + 1, records(f"death{i}", link.number, n))])
                        else:
                            link.until("durable", 10)
                        acknowledged = max(acknowledged, link.durable[0])
                except (Refused, OSError, TimeoutError) as trouble:
                    if isinstance(trouble, Refused) and trouble.reason not in (1, 10):
                        troubles.append(str(trouble))
                        return
                    time.sleep(0.3)

        threads = [threading.Thread(target=deliver, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for role in ("keeper", "intake", "desk", "intake", "keeper"):
            time.sleep(2)
            for pid in stand.service.pids(role):
                os.kill(pid, signal.SIGKILL)
        time.sleep(2)
        stand.service.kill()
        stand.service.start()
        time.sleep(3)
        stop.set()
        for thread in threads:
            thread.join(60)
        check(not troubles and not any(thread.is_alive() for thread in threads), f"agents end well: {troubles}")
        check(min(done) > 200, f"there was enough: {done}")
        for i in range(3):
            raws, _ = stand.lines(f"death{i}*", done[i])
            check_equal((len(raws), len(set(raws))), (done[i], done[i]), f"records of agent {i}, each once")
        status, out = stand.service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


if __name__ == "__main__":
    sys.exit(main([enrolled_and_delivered, refusals, certificates, time_and_proofs, deaths]))
