#!/usr/bin/env python3
"""Notices for real: an SMTP server and a webhook on this machine receive what the service sends, once each."""
import base64
import contextlib
import email
import email.header
import http.server
import json
import os
import socket
import socketserver
import sys
import threading
import time

from service import Service, check, check_equal, free_port, main
from web_api import Web

MAIL_SECRET = "mail-secret-8KJ3"
HOOK_SECRET = "hook-secret-Z91x"
SUBJECT = {"kk": "АҚ оқиғасы анықталды", "ru": "Выявлено событие ИБ", "en": "Security event detected"}


class Mail(socketserver.StreamRequestHandler):
    """SMTP (RFC 5321) with AUTH PLAIN (RFC 4954): just enough to take a message."""

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def line(self):
        return self.rfile.readline(65536).decode().rstrip("\r\n")

    def data(self):
        lines = []
        while (line := self.rfile.readline(65536)) and line != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def handle(self):
        letter = {"to": [], "from": None, "auth": None}
        self.say("220 test ESMTP")
        while line := self.line():
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                self.say("250-test")
                self.say("250 AUTH PLAIN")
            elif verb == "AUTH":
                if rest == "PLAIN":
                    self.say("334 ")
                    rest = "PLAIN " + self.line()
                letter["auth"] = base64.b64decode(rest.split(" ", 1)[1]).decode().split("\0")[1:]
                self.say("235 welcome")
            elif verb == "MAIL":
                letter["from"] = rest
                self.say("250 ok")
            elif verb == "RCPT":
                refused = self.server.refuse > 0
                self.server.refuse -= refused
                letter["to"].append(rest)
                self.say("451 try again later" if refused else "250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                letter["message"] = email.message_from_bytes(self.data())
                self.server.letters.append(letter)
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port, refuse=0):
        self.letters = []
        self.refuse = refuse  # recipients that are refused for now
        super().__init__(("127.0.0.1", port), Mail)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refused = self.server.refuse > 0
        self.server.refuse -= refused
        if not refused:
            self.server.calls.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(503 if refused else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


class HookServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, refuse=0):
        self.calls = []
        self.refuse = refuse
        super().__init__(("127.0.0.1", port), Hook)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def subject_of(message):
    return str(email.header.make_header(email.header.decode_header(message["Subject"])))


def wait_until(condition, wait=30):
    deadline = time.time() + wait
    while time.time() < deadline and not condition():
        time.sleep(0.2)
    return condition()


def channels_save(web, mail_port, hook_port):
    """A mail channel in each language and one webhook."""
    for language in SUBJECT:
        answer = web.change("channel.save", channel={
            "id": 0, "kind": "mail", "to": f"duty-{language}@example.kz", "server": f"127.0.0.1:{mail_port}",
            "from": "qorgan@example.kz", "user": "qorgan", "secret": MAIL_SECRET, "language": language,
            "enabled": True})
        check(answer["ok"], f"channel.save: {answer}")
    answer = web.change("channel.save", channel={
        "id": 0, "kind": "webhook", "to": f"http://127.0.0.1:{hook_port}/alarm", "server": "", "from": "", "user": "",
        "secret": HOOK_SECRET, "language": "en", "enabled": True})
    check(answer["ok"], f"channel.save: {answer}")


def incidents(web):
    return web.ask("incident.list", state="all")["incidents"]


def card(web, identity):
    return web.ask("incident.get", id=identity)["incident"]


def outbox(web):
    return [row for incident in incidents(web) for row in card(web, incident["id"])["outbox"]]


def all_tried(web):
    rows = outbox(web)
    return rows and all(row["tries"] > 0 for row in rows)


def all_sent(web):
    """Until no more incidents come and every notice was sent; the incidents."""
    seen = {"count": 0, "since": time.time()}

    def done():
        count = len(incidents(web))
        if count != seen["count"]:
            seen.update(count=count, since=time.time())
        rows = outbox(web)
        return time.time() - seen["since"] > 6 and rows and all(row["state"] == "sent" for row in rows)

    check(wait_until(done, 90), f"all notices are sent: {[row for row in outbox(web) if row['state'] != 'sent']}")
    return incidents(web)


def no_secret_shown(service, web):
    shown = service.read_log() + json.dumps(web.ask("channel.list")) + web.request("GET", "/channels")[2]
    for row in web.ask("channel.list")["channels"]:
        shown += web.request("GET", f"/channels/{row['id']}")[2]
    shown += service.run("search", "--json", "channel*").stdout.decode()
    check("duty-kk@example.kz" in shown, "the channels are shown")
    for secret in (MAIL_SECRET, HOOK_SECRET):
        check(secret not in shown, "a secret is shown")


def mail_and_webhook():
    """an incident's first notice arrives by mail in three languages and by webhook, once each; no secret is shown"""
    mail, hook = MailServer(0), HookServer(0)
    with Service() as service:
        web = Web(service)
        channels_save(web, mail.server_address[1], hook.server_address[1])
        service.run("demo")
        check(wait_until(lambda: mail.letters and hook.calls), "something arrives\n" + service.read_log()[-3000:])
        found = all_sent(web)
        check(found, "the demo is an incident")
        for incident in found:
            for language, words in SUBJECT.items():
                letters = [letter for letter in mail.letters if letter["to"] == [f"TO:<duty-{language}@example.kz>"]
                           and subject_of(letter["message"]).startswith(f"[{incident['number']}] {words}: ")]
                check_equal(len(letters), 1, f"opening letters in {language} of {incident['number']}")
                message = letters[0]["message"]
                body = message.get_payload(decode=True).decode()
                title = subject_of(message).split(f"{words}: ")[1]  # in the letter's language, too
                for part in (incident["number"], title):
                    check(part in body, f"the letter holds {part}: {body}")
                check_equal(letters[0]["auth"], ["qorgan", MAIL_SECRET], "the mail server is signed in to")
                check(letters[0]["from"].startswith("FROM:<qorgan@example.kz>"), letters[0]["from"])
                check_equal(message["Auto-Submitted"], "auto-generated", "the letter says what it is (RFC 3834)")
            calls = [call for call in hook.calls if call[2]["notice"] == "opened"
                     and incident["number"] in json.dumps(call[2])]
            check_equal(len(calls), 1, f"webhook calls of {incident['number']}")
            path, headers, _ = calls[0]
            check_equal((path, headers["Authorization"]), ("/alarm", f"Bearer {HOOK_SECRET}"), "the call")
        identities = [letter["message"]["Message-ID"] for letter in mail.letters]
        check_equal(len(identities), len(set(identities)), "letters, each its own")
        keys = [call[1]["Idempotency-Key"] for call in hook.calls]
        check_equal(len(keys), len(set(keys)), "calls, each its own")
        for row in outbox(web):
            check_equal((row["state"], row["tries"]), ("sent", 1), f"a row of the outbox: {row}")
        sent = service.search("type:lifecycle notice.sent")
        check_equal(len(sent), len(mail.letters) + len(hook.calls), "records of sent notices")
        no_secret_shown(service, web)
    mail.shutdown()
    hook.shutdown()


def servers_down_at_first():
    """servers that are down or refuse at first: notices wait, survive a killed sender, and arrive once each"""
    mail_port, hook_port = free_port(), free_port()
    with Service() as service:
        web = Web(service)
        channels_save(web, mail_port, hook_port)
        service.run("demo")
        check(wait_until(lambda: all_tried(web)), "every notice was tried")
        waiting = outbox(web)
        check(all(row["state"] == "waiting" and row["answer"] for row in waiting), f"all wait: {waiting}")
        for pid in service.pids("out"):
            os.kill(pid, 9)
        mail, hook = MailServer(mail_port, refuse=2), HookServer(hook_port, refuse=2)
        found = all_sent(web)
        check(found, "the demo is an incident")
        check(any(row["tries"] > 2 for row in outbox(web)), "what was refused was tried again")
        identities = [letter["message"]["Message-ID"] for letter in mail.letters]
        check_equal(len(identities), len(set(identities)), "letters, each its own")
        check_equal(len(mail.letters) + len(hook.calls), len(outbox(web)), "every notice arrived once")
        no_secret_shown(service, web)
    mail.shutdown()
    hook.shutdown()


def plain_text_stays_here():
    """a webhook in plain text goes to this machine only, however its address is written"""
    with socket.socket() as trap, Service() as service:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0.5)
        port = trap.getsockname()[1]
        web = Web(service)
        for address in (f"http://127.0.0.1@127.0.0.1:{port}/", f"http://127.1.2.3.example.invalid:{port}/",
                        f"http://localhost.example.invalid:{port}/"):
            answer = web.change("channel.save", channel={"id": 0, "kind": "webhook", "to": address, "language": "en",
                                                         "secret": HOOK_SECRET})
            check(answer["ok"], f"channel.save: {answer}")
        service.run("demo")
        check(wait_until(lambda: all_tried(web), 60), "every notice was tried")
        with contextlib.suppress(TimeoutError):
            trap.accept()
            check(False, "somebody came in plain text")
        for row in outbox(web):
            check("rotocol" in row["answer"] and row["state"] == "waiting", f"a row of the outbox: {row}")


def terms_are_planned():
    """a confirmed incident's terms stand with their hours, its notice names the next one, and acts meet them"""
    mail, hook = MailServer(0), HookServer(0)
    with Service() as service:
        web = Web(service)
        channels_save(web, mail.server_address[1], hook.server_address[1])
        service.run("demo")
        check(wait_until(lambda: incidents(web)), "the demo is an incident")
        time.sleep(3)
        identity = incidents(web)[0]["id"]
        for act in ("triage", "confirm"):
            answer = web.change("incident.act", id=identity, act=act)
            check(answer["ok"], f"{act}: {answer}")
        incident = card(web, identity)
        clock, = [clock for clock in incident["clocks"] if clock["clock"] == "M-14"]
        check_equal((clock["due_ns"] - clock["trigger_ns"]) // 10**9, 900, "seconds that M-14 gives")
        check_equal(clock["state"], "running", "the state of M-14")
        check(all(clock["paragraph"][language] and clock["explanation"][language] for language in SUBJECT),
              f"paragraph and explanation: {clock}")
        confirmed = lambda: [call for call in hook.calls if call[2]["notice"] == "confirmed"]
        check(wait_until(confirmed), "the notice of the confirmation")
        all_sent(web)
        check_equal(len(confirmed()), 1, "notices of the confirmation by webhook")
        letters = [letter for letter in mail.letters if "Incident confirmed" in subject_of(letter["message"])]
        check_equal(len(letters), 1, "the same by mail in English")
        body = letters[0]["message"].get_payload(decode=True).decode()
        first = min((clock for clock in incident["clocks"] if clock["state"] == "running"), key=lambda c: c["due_ns"])
        check(f"{first['clock']}: " in body and incident["number"] in body, f"the letter names the next term: {body}")
        answer = web.change("incident.act", id=identity, act="notify")
        check(answer["ok"], f"notify: {answer}")
        clock, = [clock for clock in card(web, identity)["clocks"] if clock["clock"] == "M-14"]
        check_equal(clock["state"], "met", "M-14 after the act of notifying")
    mail.shutdown()
    hook.shutdown()


if __name__ == "__main__":
    sys.exit(main([mail_and_webhook, plain_text_stays_here, terms_are_planned], beside=[servers_down_at_first]))
