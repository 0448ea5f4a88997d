#!/usr/bin/env python3
"""Correlations get over a restart: a count that was half reached goes on where it was, and nothing counts twice."""
import contextlib
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time

from service import Service, check, check_equal, main

BASE = """title: Failed
id: 5f6bb0a3-2d8c-4a54-9a40-3f4b8a1f1a01
name: failed
logsource:
    product: linux
detection:
    selection:
        message|contains: 'Failed password'
    condition: selection
level: low
"""
MANY = """title: Many failed
id: 5f6bb0a3-2d8c-4a54-9a40-3f4b8a1f1a02
name: many
correlation:
    type: event_count
    rules:
        - failed
    group-by:
        - host
    timespan: 1h
    condition:
        gte: 10
level: high
"""
USERS = """title: Failed for many accounts
id: 5f6bb0a3-2d8c-4a54-9a40-3f4b8a1f1a03
correlation:
    type: value_count
    rules:
        - failed
    group-by:
        - host
    timespan: 2d
    condition:
        gte: 8
        field: account
level: high
qorgan:
    suppress: 1d
"""
FEW = """title: Few beats
id: 5f6bb0a3-2d8c-4a54-9a40-3f4b8a1f1a04
correlation:
    type: event_count
    rules:
        - beat
    group-by:
        - host
    timespan: 8s
    condition:
        lt: 3
level: high
"""
BEAT = """title: Beat
id: 5f6bb0a3-2d8c-4a54-9a40-3f4b8a1f1a05
name: beat
logsource:
    product: linux
detection:
    selection:
        message|contains: 'heart beats'
    condition: selection
level: low
"""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def ask(service, sql, default=0):
    """One number from the desk's database, read as it stands."""
    with contextlib.suppress(sqlite3.Error), \
            contextlib.closing(sqlite3.connect(f"file:{service.data}/desk/desk.db?mode=ro", uri=True)) as desk:
        row = desk.execute(sql).fetchone()
        return row[0] if row and row[0] is not None else default
    return default


def matches(service, title):
    """How often the correlation fired, as its incidents count; each counts one record once."""
    return ask(service, f"SELECT sum(matches) FROM incident WHERE rule_title = '{title}'")


def trail(service):
    return ask(service, "SELECT coalesce(sum(length(body)), 0) FROM trail")


def wait_until(what, text, wait=20):
    deadline = time.time() + wait
    while not what():
        check(time.time() < deadline, text)
        time.sleep(0.1)


class Attack:
    """Lines of one host, all different; each call returns when the desk has stored what they changed."""

    def __init__(self, service):
        self.service, self.number = service, 0

    def line(self, text):
        now = time.gmtime(time.time() + 5 * 3600)  # as the product reads a line without a zone
        self.number += 1
        return (f"<38>{MONTHS[now.tm_mon - 1]} {now.tm_mday:2d} {now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d} "
                f"web1 sshd[{1000 + self.number}]: {text}\n").encode()

    def send(self, *texts):
        before = trail(self.service)
        self.service.tcp(b"".join(self.line(text) for text in texts))
        last = before

        def stored():
            nonlocal last
            seen, last = last, trail(self.service)
            return last > before and last == seen
        wait_until(stored, f"the desk stored nothing of {texts[:1]}")

    def fail(self, count, user="ann"):
        self.send(*(f"Failed password for {user} from 203.0.113.7 port {20000 + self.number + n} ssh2"
                    for n in range(count)))


def kill(service, role):
    """kill -9, and wait for the next one."""
    old = service.pids(role)
    check(old, f"no process {role}")
    for pid in old:
        os.kill(pid, signal.SIGKILL)

    def another():
        new = service.pids(role)
        return len(new) == len(old) and not set(new) & set(old)
    wait_until(another, f"no other {role} was started")


@contextlib.contextmanager
def running(*documents):
    folder = tempfile.mkdtemp(prefix="qorgan-rules-")
    os.chmod(folder, 0o755)
    with open(os.path.join(folder, "rules.yml"), "w", encoding="ascii") as out:
        out.write("---\n".join(documents))
    try:
        with Service(rules=folder, engines=1) as service:
            yield service
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def half_before_half_after():
    """kill -9 of the desk: five failures before and five after make one incident, and the ten do not count again"""
    with running(BASE, MANY) as service:
        attack = Attack(service)
        attack.fail(5)
        check_equal(matches(service, "Many failed"), 0, "five failures fire nothing")
        kill(service, "desk")
        attack.fail(4)
        time.sleep(1)
        check_equal(matches(service, "Many failed"), 0, "nine failures fire nothing")
        attack.fail(1)
        wait_until(lambda: matches(service, "Many failed") == 1, "the tenth fires, the first five before a kill")
        kill(service, "desk")
        attack.fail(9)
        time.sleep(1)
        check_equal(matches(service, "Many failed"), 1, "what fired before the kill counts again")
        attack.fail(1)
        wait_until(lambda: matches(service, "Many failed") == 2, "ten new failures fire once more")
        check("correlations go on: " in service.read_log(), "the log tells of the windows made again")


def engines_send_again():
    """kill -9 of the engine, of both, and of the whole service: what is sent again counts once"""
    with running(BASE, MANY) as service:
        attack = Attack(service)
        attack.fail(5)
        kill(service, "engine")
        time.sleep(2)
        attack.fail(4)
        time.sleep(1)
        check_equal(matches(service, "Many failed"), 0, "nine failures and an engine that reads them again")
        kill(service, "desk")
        kill(service, "engine")
        time.sleep(2)
        check_equal(matches(service, "Many failed"), 0, "nine failures, read again by a new engine for a new desk")
        attack.fail(1)
        wait_until(lambda: matches(service, "Many failed") == 1, "the tenth fires")
        attack.fail(6)
        service.kill()
        wait_until(lambda: not service.pids("desk"), "the desk ends with its parent")
        service.start()
        attack.fail(3)
        time.sleep(1)
        check_equal(matches(service, "Many failed"), 1, "six before and three after the whole service was killed")
        attack.fail(1)
        wait_until(lambda: matches(service, "Many failed") == 2, "six and four fire")


def values_and_silence():
    """different accounts are counted across the kill by their values; a silence that began before lasts"""
    with running(BASE, USERS) as service:
        attack = Attack(service)
        for user in ("ann", "bob", "Ann", "eve", "joe"):
            attack.fail(1, user)
        kill(service, "desk")
        for user in ("ANN", "bob", "kim", "lea"):
            attack.fail(1, user)
        time.sleep(1)
        check_equal(matches(service, "Failed for many accounts"), 0, "six accounts")
        attack.fail(1, "max")
        time.sleep(1)
        check_equal(matches(service, "Failed for many accounts"), 0, "seven accounts")
        attack.fail(1, "ned")
        wait_until(lambda: matches(service, "Failed for many accounts") == 1, "eight accounts fire")
        kill(service, "desk")
        attack.send(*(f"Failed password for user{n} from 203.0.113.7 port {n} ssh2" for n in range(9)))
        time.sleep(1)
        check_equal(matches(service, "Failed for many accounts"), 1, "a day of silence after a firing")


def closes_without_events():
    """a window with too few matches is judged when its time is over: by the clock, across a kill, once"""
    with running(BEAT, FEW) as service:
        attack = Attack(service)
        attack.send("the heart beats", "the heart beats", "the heart beats")
        time.sleep(18)
        check_equal(matches(service, "Few beats"), 0, "three beats are enough")
        attack.send("the heart beats", "the heart beats")
        kill(service, "desk")
        begun = time.time()
        wait_until(lambda: matches(service, "Few beats") == 1, "two beats and silence: nothing fired", wait=40)
        check_equal(ask(service, "SELECT host FROM incident WHERE rule_title = 'Few beats'"), "web1", "its host")
        check(time.time() - begun > 4, f"the window closed after {time.time() - begun:.1f} s already")
        kill(service, "desk")
        time.sleep(16)
        check_equal(matches(service, "Few beats"), 1, "it fires once")
        check("assertion failed" not in service.read_log(), "an assertion failed")


if __name__ == "__main__":
    sys.exit(main([half_before_half_after, engines_send_again, values_and_silence],
                  beside=[closes_without_events]))
