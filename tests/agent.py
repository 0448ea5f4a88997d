#!/usr/bin/env python3
"""The agent, the real program: against the real service, and against a server written from the page of the format."""
import json
import os
import sys
import time

from agent_host import Host
from service import Service, check, check_equal, main
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
    """a token enrols once; the policy comes and files arrive under the host's name; SIGTERM ends it within two seconds"""
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
        version = stand.policy(files=[host.logs], journal=True, mystery=1)
        host.until(lambda status: status["policy"] == version)
        all_once(stand.words("first", 500), "first", 500)
        host.write("auth.log", lines("first", 500, 100))
        all_once(stand.words("first", 600), "first", 600)
        hits = stand.service.sent("first*")
        check_equal({(hit["source_kind"], hit["source"]) for hit in hits}, {("file", f"srv-1:{host.path('auth.log')}")},
                    "sources")
        policy = stand.own("agent.policy")[0]
        check_equal((policy["version"], policy["passed_over"]), (version, "mystery"), "the event of the policy")
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
    """a policy gets no file that the host does not allow, and says so; a lower version is no policy"""
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
        wrong = stand.policy(files="/var/log")
        check_equal(len(stand.own("agent.policy_refused")), 1, "a policy that may not be is refused")
        check(host.status()["policy"] < wrong, "and the one before stays")
        check_equal(len(stand.service.sent("hidden*")), 0, "what is not allowed")


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


TESTS = [enrolled_and_collected, killed_again_and_again, the_service_comes_and_goes, not_allowed_here, commands_run,
         journal_is_read]

if __name__ == "__main__":
    sys.exit(main(TESTS))
