#!/usr/bin/env python3
"""The agent, the real program: against the real service, and against a server written from the page of the format."""
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from agent_host import AGENT, Host
from agent_server import Server, enrolled, new_signer
from service import ROOT, Service, Skip, check, check_equal, main
from web_api import Web


class Stand:
    """A service with a port for agents, somebody signed in, and a host."""

    def __init__(self, **settings):
        self.service = Service(**settings)
        self.host = Host()

    def __enter__(self):
        self.service.start()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.host.__exit__()
        self.service.__exit__()

    def token(self, name="srv-1", **members):
        servers = f"127.0.0.1:{self.service.ports['agent-port']}"
        answer = self.web.change("agent.token", name=name, servers=servers, **members)
        check("token" in answer, f"a token: {answer}")
        return answer["token"]

    def policy(self, **members):
        answer = self.web.change("policy.save", group="default", text=json.dumps(members), reason="for this test")
        check("version" in answer, f"a policy: {answer}")
        return answer["version"]

    def enrolled(self, **policy):
        status, out = self.host.enrol(self.token())
        check_equal(status, 0, f"enrol: {out}")
        version = self.policy(**(policy or {"files": [self.host.logs]}))
        self.host.start()
        self.host.until(lambda status: status["policy"] == version)

    def words(self, word, count, wait=60):
        """First words of the records that hold it, as they come."""
        return [hit["raw"].split()[0] for hit in self.service.wait_for(f"{word}*", count, wait=wait)]

    def own(self, event, count=1, wait=40):
        """Events that the agent tells of itself."""
        deadline = time.time() + wait
        found = []
        while time.time() < deadline and len(found) < count:
            hits = [hit for hit in self.service.sent(f'"{event}"') if hit["source_kind"] == "agent"]
            found = [one for one in (json.loads(hit["raw"]) for hit in hits) if one.get("event") == event]
            time.sleep(0.2)
        return found


def lines(word, first, count):
    return [f"{word}-{number:06d} something happened" for number in range(first, first + count)]


def all_once(words, word, count):
    check_equal((len(words), len(set(words))), (count, count), f"{word}, each once")
    check_equal(sorted(words), [f"{word}-{number:06d}" for number in range(count)], f"{word}, all of them")


def enrolled_and_collected():
    """a token enrols once; the policy comes, files arrive under the host's name; SIGTERM ends it within two seconds"""
    with Stand() as stand:
        host = stand.host
        token = stand.token()
        status, out = host.enrol(token[:-2] + "00")
        check(status == 1 and "token" in out, f"a wrong secret: {status} {out}")
        check(not os.path.exists(os.path.join(host.data, "id")), "a refused enrolment leaves no identity")
        status, out = host.enrol(token)
        check_equal(status, 0, f"enrol: {out}")
        check_equal(os.stat(os.path.join(host.data, "key.pem")).st_mode & 0o777, 0o600, "mode of the key")
        status, out = host.enrol(stand.token())
        check(status == 1 and "--anew" in out, f"a second enrolment: {status} {out}")
        check_equal(host.enrol(token, "--anew")[0], 1, "the second use of a token")
        host.write("auth.log", lines("first", 0, 500))
        host.start()
        version = stand.policy(files=[host.logs], journal=True)
        host.until(lambda status: status["policy"] == version)
        all_once(stand.words("first", 500), "first", 500)
        host.write("auth.log", lines("first", 500, 100))
        all_once(stand.words("first", 600), "first", 600)
        hits = stand.service.sent("first*")
        check_equal({(hit["source_kind"], hit["source"]) for hit in hits}, {("file", f"srv-1:{host.path('auth.log')}")},
                    "sources")
        policy = stand.own("agent.policy")[0]
        check_equal((policy["version"], policy["refused"]), (version, []), "the event of the policy")
        begin = stand.own("agent.start")[0]
        check(begin["after_stop"], f"the first start: {begin}")
        status, seconds = host.stop()
        check(status == 0 and seconds < 2, f"stop: {status} after {seconds} s\n{host.log()}")
        check_equal(len(stand.own("agent.stop")), 1, "the event of its stop")
        host.start()
        host.write("auth.log", lines("first", 600, 100))
        all_once(stand.words("first", 700), "first", 700)
        check("ALARM" not in host.log(), host.log())
        stand.service.quiet()
        status, out = stand.service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


def killed_again_and_again():
    """kill -9 of the agent at any moment, while files grow, are renamed and cut: each line once, none lost"""
    with Stand() as stand:
        host = stand.host
        stand.enrolled(files=[host.logs])
        count = 0
        copied = 0
        for round_number in range(12):
            for _ in range(6):
                host.write("app.log", lines("app", count, 400))
                host.write("copied.log", lines("copied", copied, 30))
                count += 400
                copied += 30
                time.sleep(0.05)
            # A file that is made and renamed between two looks was never met: two seconds lie between them.
            rotates = round_number % 4 in (1, 3)
            time.sleep(2.3 if rotates else 0)
            if round_number % 4 == 1:
                os.rename(host.path("app.log"), host.path(f"app.log.{round_number}"))
            host.kill()
            if round_number % 4 == 3:
                host.write("app.log", lines("app", count, 100))
                count += 100
                os.rename(host.path("app.log"), host.path(f"app.log.{round_number}"))
            host.start()
            time.sleep(0.1 + 0.17 * (round_number % 4))
        host.write("app.log", lines("app", count, 10))
        count += 10
        all_once(stand.words("app", count, 90), "app", count)
        all_once(stand.words("copied", copied, 60), "copied", copied)
        with open(host.path("copied.log"), "r+", encoding="ascii") as file:
            file.truncate(0)
        time.sleep(3)
        host.write("copied.log", lines("copied", copied, 50))
        all_once(stand.words("copied", copied + 50, 60), "copied", copied + 50)
        check(any(not one["after_stop"] for one in stand.own("agent.start", 13)), "a start after a kill says so")
        stand.service.quiet()


def the_service_comes_and_goes():
    """the service is killed and started, stopped and started: the agent waits, and nothing is lost or kept twice"""
    with Stand() as stand:
        host = stand.host
        stand.enrolled(files=[host.logs])
        count = 0
        for end in (stand.service.kill, stand.service.stop, stand.service.kill):
            host.write("app.log", lines("app", count, 3000))
            count += 3000
            time.sleep(0.4)
            end()
            host.write("app.log", lines("app", count, 2000))
            count += 2000
            time.sleep(1.5)
            host.kill()
            host.start()
            stand.service.start()
        all_once(stand.words("app", count, 120), "app", count)
        for pid in stand.service.pids("intake"):
            os.kill(pid, 9)
        host.write("app.log", lines("app", count, 1000))
        count += 1000
        all_once(stand.words("app", count, 120), "app", count)
        status = host.until(lambda status: status["covered"] == status["records"], 90)
        check(status["seen_size"] > 0 and "trouble" not in status, f"checkpoints were verified: {status}")


def not_allowed_here():
    """a policy gets no file that the host does not allow, and says so; the next version takes its place"""
    with Stand() as stand:
        host = stand.host
        secret = os.path.join(host.root, "secret")
        os.mkdir(secret)
        with open(os.path.join(secret, "a.log"), "w", encoding="ascii") as file:
            file.write("hidden-000001 line\n")
        stand.enrolled(files=[host.logs, secret, "/etc"])
        host.write("app.log", lines("app", 0, 10))
        all_once(stand.words("app", 10), "app", 10)
        policy = stand.own("agent.policy")[-1]
        check_equal(policy["refused"], [secret, "/etc"], "what was refused")
        version = stand.policy(files=[])
        host.until(lambda status: status["policy"] == version)
        host.write("app.log", lines("app", 10, 10))
        time.sleep(3)
        check_equal(len(stand.words("app", 11, 1)), 10, "nothing is collected any more")
        version = stand.policy(files=[host.logs])
        host.until(lambda status: status["policy"] == version)
        all_once(stand.words("app", 20), "app", 20)
        check_equal(len(stand.service.sent("hidden*")), 0, "what is not allowed")


def a_copy_is_found_out():
    """an agent's folder on a second host: both come, the first is known to be older, and an incident says so"""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        raise Skip("a host of its own needs root and namespaces")
    with Stand() as stand, Host() as second:
        host = stand.host
        stand.enrolled(files=[host.logs])
        host.write("app.log", lines("app", 0, 100))
        all_once(stand.words("app", 100), "app", 100)
        host.stop()
        shutil.copytree(host.data, second.data)
        boot = os.path.join(second.root, "boot_id")
        with open(boot, "w", encoding="ascii") as file:
            file.write("0123abcd-0000-4000-8000-0123456789ab\n")
        mounts = 'mount --bind "$0" /proc/sys/kernel/random/boot_id; exec "$@"'
        second.prefix = ["unshare", "-m", "sh", "-c", mounts, boot]
        second.start()
        second.until(lambda status: status["state"] == "connected")
        host.start()
        deadline = time.time() + 30
        while "copied" not in host.log():
            check(time.time() < deadline, f"it is refused: {host.log()}")
            time.sleep(0.1)
        check("enrol --anew" in host.log(), "and what to do is said")
        while not (found := [one for one in stand.web.ask("incident.list", state="all")["incidents"]
                             if one["rule_id"] == "qorgan-agent-copied"]):
            check(time.time() < deadline + 30, "an incident")
            time.sleep(0.2)
        check_equal(len(found), 1, "incidents")
        host.kill()
        host.write("app.log", lines("app", 100, 100))
        second.stop()
        token = stand.token("srv-1-anew")
        status, out = host.enrol(token, "--anew")
        check_equal(status, 0, f"enrolled anew: {out}")
        host.start()
        hits = stand.service.wait_for("app*", 300)
        names = {hit["raw"].split()[0] for hit in hits if hit["source"].startswith("srv-1-anew:")}
        check_equal(len(names), 200, "what it has, under its new name")


def commands_run():
    """commands of the policy run as another user on their schedule; trouble with one is told"""
    with Stand() as stand:
        who = {"name": "who", "argv": ["/usr/bin/id", "-un"], "every_s": 10}
        long = {"name": "long", "argv": ["/bin/sleep", "50"], "every_s": 600, "timeout_s": 1}
        words = {"name": "words", "argv": ["/bin/echo", "cmdword-000000 a b"], "every_s": 600}
        stand.enrolled(files=[], commands=[who, long, words])
        hits = stand.service.wait_for("cmdword*", 1)
        check_equal([(hit["source_kind"], hit["source"]) for hit in hits], [("command", "srv-1:words")], "its source")
        if os.geteuid() == 0:
            check(stand.service.wait_for("nobody", 1), "the user that commands run as")
        told = stand.own("agent.command")[0]
        check_equal((told["command"], told["end"]), ("long", "timeout"), "the command that took too long")


def journal_is_read():
    """the journal arrives with its own numbers, once, over kill -9"""
    from journal import entries, write  # needs systemd-journal-remote
    with Stand() as stand:
        host = stand.host
        write(host.journal, "probe", entries(0, 2000))
        stand.enrolled(files=[], journal=True)
        stand.service.wait_for("entry*", 300)
        host.kill()
        write(host.journal, "probe", entries(2000, 500))
        host.start()
        hits = stand.service.wait_for("entry*", 2500, 60)
        names = [json.loads(hit["raw"])["MESSAGE"].split()[0] for hit in hits]
        check_equal((len(names), len(set(names))), (2500, 2500), "entries, each once")
        check_equal({(hit["source_kind"], hit["source"]) for hit in hits}, {("journal", "srv-1")}, "its source")


# ---- against a server written from the page ----

class Peer:
    """A server that can be told to behave, and a host that was enrolled with it."""

    def __init__(self, policy=None, **settings):
        self.server = Server()
        self.host = Host(**settings)
        self.certificate = enrolled(self.host, self.server)
        self.server.policy = json.dumps(policy or {"files": [self.host.logs]})
        self.server.policy_version = 1

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.host.__exit__()
        self.server.close()
        if kind is None:
            check_equal(self.server.troubles, [], "what the agent did that the page forbids")

    def words(self, count, wait=60):
        deadline = time.time() + wait
        while time.time() < deadline and len(self.server.raws()) < count:
            check(self.host.process.poll() is None, f"the agent ended: {self.host.log()[-2000:]}")
            time.sleep(0.1)
        return [raw.decode().split()[0] for raw in self.server.raws()]

    def until(self, what, wait=30, text=""):
        deadline = time.time() + wait
        while not what():
            check(time.time() < deadline, f"not in {wait} s: {text} {self.host.status()}\n{self.host.log()[-1500:]}")
            time.sleep(0.1)


def connections_are_cut():
    """connections that break after any number of bytes: numbers run on, each line arrives once, none is lost"""
    with Peer() as peer:
        seed = int(os.environ.get("QORGAN_SEED", time.time()))
        draw = random.Random(seed)
        peer.server.cut_after = lambda: draw.choice((10, 200, 600, 2000, 6000))
        peer.host.start()
        count = 0
        # How often it connects in that time is up to its back-off: until there were enough, and a minute at most.
        for turn in range(120):
            peer.host.write("app.log", lines("app", count, 700))
            count += 700
            time.sleep(0.5)
            if turn >= 20 and len(peer.server.hellos) >= 4:
                break
        peer.server.cut_after = None
        all_once(peer.words(count, 90), "app", count)
        check(len(peer.server.hellos) >= 4, f"connections: {len(peer.server.hellos)}, seed {seed}")


def without_credit_it_waits():
    """without credit nothing is sent; with little of it never more than that"""
    with Peer() as peer:
        peer.server.credit = 0
        peer.server.more_credit = False
        peer.host.write("app.log", lines("app", 0, 5000))
        peer.host.start()
        peer.until(lambda: peer.server.statuses, text="a status")
        time.sleep(2)
        check_equal(peer.server.got_data, 0, "batches without credit")
        peer.server.more_credit = True
        all_once(peer.words(5000), "app", 5000)


def a_full_spool_waits_and_counts():
    """acknowledged but not covered: the spool fills, files wait, what cannot is counted; then all arrive, once"""
    noise = {"name": "noise", "argv": ["/usr/bin/seq", "-f", "noise %09.0f " + "x" * 60, "1", "12000"], "every_s": 10,
             "bytes": 1048576}
    with Peer(**{"spool-size": "4M"}) as peer:
        peer.server.policy = json.dumps({"files": [peer.host.logs], "commands": [noise]})
        peer.server.cover = False
        peer.host.start()
        count = 0
        for _ in range(12):
            peer.host.write("app.log", [f"app-{count + i:06d} " + "y" * 200 for i in range(2000)])
            count += 2000
            time.sleep(0.2)
        peer.until(lambda: peer.host.status().get("lost", 0) > 0, 60, "losses counted")
        status = peer.host.status()
        check(status["spool_bytes"] <= 4 << 20, f"the limit holds: {status}")
        check_equal(status["covered"], 0, "nothing is covered")
        before = len(peer.server.raws())
        check(before < count, "files wait")
        peer.server.cover = True
        all_once(peer.words(count, 60), "app", count)
        peer.until(lambda: peer.server.gaps(), 60, "a gap")
        gap = json.loads(peer.server.gaps()[0])
        check(gap["event"] == "gap" and gap["count"] > 0, f"the gap: {gap}")


def acknowledged_is_not_sent_again():
    """what is durable is not sent again after a clean stop, and not freed before it is covered"""
    with Peer() as peer:
        peer.server.cover = False
        peer.host.write("app.log", lines("app", 0, 3000))
        peer.host.start()
        all_once(peer.words(3000), "app", 3000)
        peer.host.until(lambda status: status["durable"] == status["records"] > 0)
        peer.host.stop()
        records = peer.host.status()["records"]
        peer.host.start()
        peer.until(lambda: len(peer.server.hellos) > 1)
        check(peer.server.hellos[-1]["next"] >= records, f"goes on: {peer.server.hellos[-1]} of {records}")
        check_equal(peer.server.hellos[-1]["spool"], peer.server.hellos[0]["spool"], "the same spool")
        peer.server.cover = True
        peer.host.until(lambda status: status["covered"] == status["records"], 30)
        peer.until(lambda: peer.host.status()["seen_size"] > 0)


def policies_are_judged():
    """a policy of a later server, a wrong one, an older one, one that is forged: taken, refused, left, refused"""
    def events(name):
        return [one for one in (json.loads(raw) for raw in peer.server.raws("agent")) if one["event"] == name]

    with Peer() as peer:
        peer.server.policy = json.dumps({"files": [peer.host.logs], "mystery": 1})
        peer.server.policy_version = 7
        peer.host.start()
        peer.until(lambda: events("agent.policy"), text="the first")
        check_equal(events("agent.policy")[0]["passed_over"], "mystery", "what it does not know is named")
        peer.server.policy = json.dumps({"files": "/var/log"})
        peer.server.policy_version = 8
        peer.until(lambda: len(events("agent.policy_refused")) == 1, text="a wrong one")
        peer.server.policy = json.dumps({"files": []})
        peer.server.policy_version = 6
        time.sleep(2)
        signer, peer.server.signer = peer.server.signer, new_signer()
        peer.server.cover = False
        peer.server.policy_version = 9
        peer.until(lambda: len(events("agent.policy_refused")) == 2, text="a forged one")
        peer.server.signer = signer
        check_equal([one["version"] for one in events("agent.policy")], [7], "what was taken")
        peer.host.stop()
        peer.host.start()  # what was kept is in force before the server says a word
        peer.until(lambda: len(events("agent.start")) == 2, text="the second start")
        check_equal(events("agent.start")[1]["policy"], 7, "the policy that was kept")


def enrolled_anew_it_sends_again():
    """a new identity keeps the spool: what no checkpoint covers is sent again, though somebody acknowledged it"""
    with Peer() as peer:
        peer.server.cover = False
        peer.host.write("app.log", lines("app", 0, 3000))
        peer.host.start()
        all_once(peer.words(3000), "app", 3000)
        peer.host.until(lambda status: status["durable"] == status["records"] >= 3000)
        peer.host.stop()
        with peer.server.lock:  # an archive that was put back to an old copy
            peer.server.kept, peer.server.high, peer.server.leaves = [], {}, []
        enrolled(peer.host, peer.server)
        os.unlink(os.path.join(peer.host.data, "memory"))
        peer.host.start()
        all_once(peer.words(3000), "app", 3000)
        check_equal(len({hello["agent"] for hello in peer.server.hellos}), 2, "identities")
        check_equal(len({hello["spool"] for hello in peer.server.hellos}), 1, "spools")


def another_tree_is_found_out():
    """a tree that does not go on, and another key: the alarm stays over a restart, nothing is freed, all is sent"""
    with Peer() as peer:
        peer.host.write("app.log", lines("app", 0, 500))
        peer.host.start()
        all_once(peer.words(500), "app", 500)
        peer.host.until(lambda status: status["seen_size"] > 0)
        with peer.server.lock:  # another history of the same length, as after a restored copy
            peer.server.leaves = [bytes(32) for _ in peer.server.leaves]
        peer.host.write("app.log", lines("app", 500, 500))
        peer.host.until(lambda status: "trouble" in status, 90)
        check("ALARM" in peer.host.log(), "the log says so")
        all_once(peer.words(1000), "app", 1000)
        covered = peer.host.status()["covered"]
        peer.host.kill()
        peer.host.start()
        peer.host.write("app.log", lines("app", 1000, 500))
        all_once(peer.words(1500), "app", 1500)
        status = peer.host.until(lambda status: status["durable"] >= 1500)
        check("trouble" in status and status["covered"] <= covered, f"still: {status}")
    with Peer() as peer:
        peer.host.start()
        peer.host.until(lambda status: status["seen_size"] > 0)
        peer.host.stop()
        peer.server.signer = new_signer()
        peer.server.policy_version = 2
        peer.host.start()
        status = peer.host.until(lambda status: "trouble" in status)
        check("key" in status["trouble"] and status["policy"] == 1, f"another key: {status}")
        peer.host.write("app.log", lines("app", 0, 50))
        all_once(peer.words(50), "app", 50)


def refusals_have_their_patience():
    """busy: it comes again; stopping: the next server; unknown to the server: a person must act, once an hour"""
    with Peer() as peer:
        other = Server(peer.server.authority)
        other.policy, other.policy_version, other.signer = peer.server.policy, 1, peer.server.signer
        peer.host.configure(servers=f"127.0.0.1:{peer.server.port},127.0.0.1:{other.port}")
        peer.server.refuse = other.refuse = (1, "no place")
        peer.host.write("app.log", lines("app", 0, 100))
        peer.host.start()
        peer.until(lambda: len(peer.server.peers) >= 2, 40, "it comes again")
        check("busy: no place" in peer.host.log(), peer.host.log())
        other.refuse = None
        peer.until(lambda: len(other.raws()) == 100, 60, "the other server takes all")
        other.refuse = (3, "revoked by a person")
        other.drop()
        peer.server.refuse = (2, "nobody knows you")
        peer.until(lambda: "enrol --anew" in peer.host.log(), 60, "what to do is said")
        tries = len(peer.server.peers) + len(other.peers)
        time.sleep(8)
        check(len(peer.server.peers) + len(other.peers) <= tries + 1, "it does not hammer")
        other.close()


def strangers_get_nothing():
    """a server of another authority gets not one byte of the spool"""
    with Peer() as peer:
        stranger = Server()
        peer.host.configure(servers=f"127.0.0.1:{stranger.port}")
        peer.host.write("app.log", lines("app", 0, 100))
        peer.host.start()
        peer.until(lambda: "certificate" in peer.host.log(), 30, "the reason")
        time.sleep(2)
        check_equal((stranger.hellos, stranger.got_data), ([], 0), "what the stranger got")
        stranger.close()


def certificates_are_renewed():
    """after half of its life the certificate is renewed over the connection, and the next one shows it"""
    with Peer() as peer:
        enrolled(peer.host, peer.server, begin=-20, end=10)
        peer.host.start()
        peer.until(lambda: peer.server.renewals, 30, "it asks")
        check_equal(peer.server.renewals, 1, "once")
        peer.until(lambda: "renewed" in peer.host.log())
        peer.server.drop()
        peer.until(lambda: len(peer.server.hellos) > 1, 30, "it comes again")
        check(peer.server.peers[-1] != peer.server.peers[0], "another certificate")
        time.sleep(1)
        check_equal(peer.server.renewals, 1, "and does not ask again")


def a_damaged_spool_begins_anew():
    """a spool that was damaged or removed gets another number and says so; each line is kept once all the same"""
    with Peer() as peer:
        peer.server.cover = False
        count = 0
        for damage in ("flip", "remove", "state"):
            peer.host.write("app.log", lines("app", count, 2000))
            count += 2000
            peer.host.start()
            all_once(peer.words(count), "app", count)
            peer.host.until(lambda status: status["durable"] == status["records"] >= 2000)
            peer.host.stop()
            spool = os.path.join(peer.host.data, "spool")
            first = min(os.path.join(spool, name) for name in os.listdir(spool) if name.endswith(".wal"))
            if damage == "flip":
                with open(first, "r+b") as file:
                    file.seek(4000)
                    byte = file.read(1)
                    file.seek(4000)
                    file.write(bytes([byte[0] ^ 1]))
            else:
                os.unlink(first if damage == "remove" else os.path.join(spool, "state"))
        peer.host.write("app.log", lines("app", count, 10))
        peer.host.start()
        all_once(peer.words(count + 10), "app", count + 10)
        spools = {hello["spool"] for hello in peer.server.hellos}
        check_equal(len(spools), 4, f"numbers of spools: {peer.server.hellos}")
        told = [json.loads(raw) for raw in peer.server.raws("agent")]
        check_equal(sum(one["event"] == "agent.gap" for one in told), 3, f"events: {told}")


def audit_messages_arrive():
    """the kernel's audit messages are read by a process that is nobody but for that right"""
    with Peer() as peer:
        peer.server.policy = json.dumps({"audit": True, "durable": "immediate"})
        peer.host.start()
        peer.until(lambda: "policy 1" in peer.host.log(), text="the policy")
        time.sleep(0.5)
        if "audit messages" in peer.host.log() or not audit_send("qorgan test 4712"):
            raise Skip("audit messages may not be read here")
        deadline = time.time() + 10
        while time.time() < deadline and not any(b"4712" in raw for raw in peer.server.raws("audit")):
            time.sleep(0.2)
        found = [raw for raw in peer.server.raws("audit") if b"4712" in raw]
        if not peer.server.raws("audit"):
            raise Skip("the kernel makes no audit messages here")
        check(found and found[0].startswith(b"type=USER_AVC msg=audit("), f"the message: {found}")


def audit_send(words):
    """A message as a program of this machine sends it: type 1107, which is taken also while auditing is off."""
    words = words.encode() + b"\0"
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9) as link:
        try:
            link.sendto(struct.pack("=IHHII", 16 + len(words), 1107, 1, 1, 0) + words, (0, 0))
            return True
        except OSError:
            return False


def names_are_asked_for():
    """a server's name is looked up inside the sandbox; one that has no address is passed over"""
    with Peer() as peer:
        peer.host.configure(servers=f"no-such-name.invalid:{peer.server.port},localhost:{peer.server.port}")
        peer.host.write("app.log", lines("app", 0, 100))
        peer.host.start()
        all_once(peer.words(100, 60), "app", 100)
        check("no-such-name.invalid" in peer.host.log(), peer.host.log())


def the_package_is_whole():
    """the Debian package holds program, unit and page, and unpacks"""
    if not shutil.which("dpkg-deb"):
        raise Skip("there is no dpkg-deb")
    build = os.path.dirname(os.path.dirname(os.path.dirname(AGENT)))
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.path.join(ROOT, "packaging/agent-deb"), build, folder], capture_output=True,
                              text=True, check=False)
        check_equal(done.returncode, 0, done.stderr)
        package = os.path.join(folder, next(name for name in os.listdir(folder) if name.endswith(".deb")))
        subprocess.run(["dpkg-deb", "-x", package, os.path.join(folder, "root")], check=True)
        unpacked = os.path.join(folder, "root")
        for path in ("usr/bin/qorgan-agent", "lib/systemd/system/qorgan-agent.service",
                     "lib/systemd/system/qorgan-relay.service",
                     "usr/share/man/man1/qorgan-agent.1.gz", "usr/lib/sysusers.d/qorgan-agent.conf"):
            check(os.path.exists(os.path.join(unpacked, path)), f"{path} is in the package")
        done = subprocess.run([os.path.join(unpacked, "usr/bin/qorgan-agent"), "version"], capture_output=True,
                              text=True, check=True)
        fields = subprocess.run(["dpkg-deb", "-f", package, "Version", "Depends"], capture_output=True, text=True,
                                check=True).stdout
        check(done.stdout.split()[1] in fields and "libssl3" in fields, f"{done.stdout} {fields}")


PEER_TESTS = [connections_are_cut, without_credit_it_waits, a_full_spool_waits_and_counts,
              acknowledged_is_not_sent_again, policies_are_judged, enrolled_anew_it_sends_again,
              another_tree_is_found_out, refusals_have_their_patience, strangers_get_nothing,
              certificates_are_renewed, audit_messages_arrive, names_are_asked_for, a_damaged_spool_begins_anew,
              the_package_is_whole]
TESTS = [enrolled_and_collected, killed_again_and_again, the_service_comes_and_goes, not_allowed_here, commands_run,
         a_copy_is_found_out, journal_is_read]

if __name__ == "__main__":
    sys.exit(main([*TESTS, *PEER_TESTS]))
