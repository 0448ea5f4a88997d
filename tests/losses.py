#!/usr/bin/env python3
"""The ledger of losses with the real service: each loss is in it once, names its records, and a person explains it."""
import contextlib
import json
import os
import signal
import socket
import time

from service import Service, check, check_equal, free_port, main
from web_api import Web


def gaps(service, cause):
    """What the archive's own gap records of a cause add up to."""
    bodies = [json.loads(hit["raw"]) for hit in service.search("type:gap") if hit["type"] == "gap"]
    return sum(body.get("count", 0) + body.get("bytes", 0) for body in bodies if body["cause"] == cause)


def until(text, wanted, wait=40):
    deadline = time.time() + wait
    while not (got := wanted()):
        check(time.time() < deadline, f"{text}: it did not come")
        time.sleep(0.3)
    return got


def rows(web, cause, **more):
    return web.ask("loss.list", cause=cause, **more)["losses"]


def total(web, cause):
    return sum(row["count"] for row in rows(web, cause))


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def line(seconds, text):
    return f"<13>1 {stamp(seconds)} gw-1 app 7 - - {text}\n".encode()


def cut_and_explained():
    """A record that is too long is a loss; a person explains it, and the next one is another"""
    with Service(record_max=1024) as service:
        web = Web(service)
        service.tcp(b"<13>Nov 28 10:00:00 host app: " + b"x" * 3000 + b"\n")
        row = until("a cut", lambda: rows(web, "cut"))[0]
        check_equal((row["unit"], row["count"]), ("bytes", gaps(service, "cut")), "what was cut")
        check(row["first"] == row["last"] and not row["unknown"], f"its evidence: {row}")
        found = [hit["record"] for hit in service.search("type:gap")]
        check(row["first"] in found, f"record {row['first']} is no gap of {found}")
        done = service.run("losses", "--json", check=False)
        told = [json.loads(text) for text in done.stdout.splitlines()]
        check_equal(done.returncode, 1, f"the command's exit status: {done.stderr.decode()}")
        check_equal([(one["cause"], one["count"], one["first"]) for one in told],
                    [("cut", gaps(service, "cut"), row["first"])], "what the command prints")
        hour = until("its hour", lambda: [one for one in web.ask("loss.hours", source=row["source"])["hours"]
                                          if one["received"] and one["lost"]])[0]
        check_equal([(one["cause"], one["count"]) for one in hour["lost"]], [("cut", row["count"])], "lost then")
        check(hour["acknowledged"] <= hour["received"] and hour["wait_us"] <= hour["wait_max_us"], f"{hour}")
        status, _, page = web.request("GET", "/losses/hours")
        check(status == 200 and row["source"] in page, f"the page of hours: {status}")
        status, _, page = web.request("GET", "/losses")
        check(status == 200 and f"/records/{row['first']}" in page, f"the page: {status}")
        _, _, health = web.request("GET", "/archive")
        check('id="losses-line"' in health and "/losses" in health, "the page of the archive's health names no losses")
        answer = web.change("loss.explain", id=row["id"], explanation="a test of the printer")
        check(answer["ok"], f"explained: {answer}")
        check_equal(rows(web, "cut", state="open"), [], "what is open")
        said = until("its record", lambda: [json.loads(hit["raw"]) for hit in service.search("loss.explained")])
        check_equal((said[0]["detail"], said[0]["who"]), ("a test of the printer", "admin"), "who explained it")
        service.tcp(b"<13>Nov 28 10:00:00 host app: " + b"y" * 3000 + b"\n")
        until("another", lambda: rows(web, "cut", state="open"))
        check_equal(total(web, "cut"), gaps(service, "cut"), "what was cut in all")


def queue_and_killed():
    """Datagrams that the kernel dropped are counted once, though engine and desk are killed"""
    with Service(intakes=1) as service:
        web = Web(service)
        intake = service.pids("intake")[0]
        os.kill(intake, signal.SIGSTOP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            for number in range(60000):
                link.sendto(line(0, "x" * 1000 + str(number)), ("127.0.0.1", service.ports["syslog-port"]))
        os.kill(intake, signal.SIGCONT)
        service.udp(line(0, "the kernel tells with the next one"))
        lost = until("drops", lambda: gaps(service, "queue"))
        until("they are in the ledger", lambda: total(web, "queue") == gaps(service, "queue"))
        for role in ("engine", "desk", "engine"):
            os.kill(service.pids(role)[0], signal.SIGKILL)
            until(f"a new {role}", lambda name=role: service.pids(name))
        service.tcp(line(0, "after them"))
        until("it goes on", lambda: service.sent('"after them"'))
        time.sleep(8)  # engines tell every five seconds
        web.sign_in(service.user, service.password)
        check_equal(total(web, "queue"), gaps(service, "queue"), f"of {lost} that were dropped")


def stopped_and_clocks():
    """A stop of the service and a clock that went back are losses, the clock an incident"""
    service = Service()
    with service:
        service.tcp(b"".join(line(0, f"now {number}") for number in range(5)))
        service.wait_for("now", 5)
        service.kill()
        began = time.time()
        time.sleep(3)
        service.start()
        web = Web(service)
        row = until("the stop", lambda: rows(web, "stopped"))[-1]
        check(row["unknown"] and row["kind"] == "internal", f"how much it was: {row}")
        check(row["from_ns"] / 1e9 <= began + 1 and row["to_ns"] / 1e9 >= began + 3, f"{began}: {row}")
        service.tcp(b"".join(line(second, f"right {second}") for second in range(5)) +
                    b"".join(line(second - 7200, f"back {second}") for second in range(5)))
        row = until("the step", lambda: rows(web, "time_back"))[0]
        check(row["unknown"] and row["host"] == "gw-1", f"whose it is: {row}")
        until("its incident", lambda: [one for one in web.ask("incident.list", state="open")["incidents"]
                                       if one["rule_id"] == "qorgan-source-time"])
        check_equal(len(service.search('"source.time"')), 1, "records of the step")


def announced():
    """A loss within a change that was announced names it; the term of the acts is computed"""
    with Service(record_max=1024) as service:
        web = Web(service)
        service.tcp(b"<13>Nov 28 10:00:00 host app: a line\n")
        source = until("the source", lambda: [one for one in web.ask("announce.list")["sources"]
                                              if one["kind"] == "tcp"])[0]["source"]
        begin = int((time.time() - 60) * 1e9)
        refused = web.change("announce.save", source=source, from_ns=begin, to_ns=begin, what="a longer form")
        check_equal((refused["ok"], refused["field"]), (False, "to_ns"), "what ends as it begins")
        answer = web.change("announce.save", source=source, from_ns=begin, to_ns=begin + 3600 * 10**9,
                            what="a longer form", before="<13>short", after="<13>" + "long" * 300)
        check(answer["ok"] and not answer["in_time"] and answer["due_ns"] < begin, f"{answer}")
        service.tcp(b"<13>Nov 28 10:00:00 host app: " + b"x" * 3000 + b"\n")
        row = until("a cut", lambda: rows(web, "cut"))[0]
        check_equal(row["announcement"], answer["id"], "what the loss names")
        told = until("its record", lambda: [json.loads(hit["raw"]) for hit in service.search('"logging.announced"')])
        check_equal((told[0]["what"], told[0]["in_time"]), ("a longer form", False), "what is told")
        shown = web.ask("announce.list")["announcements"][0]
        check(all(shown["explanation"][language] for language in ("kk", "ru", "en")), f"{shown}")
        status, _, page = web.request("GET", "/changes")
        check(status == 200 and "a longer form" in page, f"the page: {status}")
        _, _, page = web.request("GET", "/losses")
        check(f"/changes#change-{answer['id']}" in page, "the ledger does not name it")


def request(port, head, body=b""):
    """The status of one request over a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(head + b"Host: h\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        return int(link.makefile("rb").readline().split()[1])


def refused_by_receivers():
    """Requests, connections and datagrams that receivers refuse are in the ledger by cause and address; a stranger who
    goes on for long is told ever more rarely, and makes no source"""
    ports = {f"{name}_port": free_port() for name in ("http", "http_tls", "relp", "gelf", "snmp", "netflow")}
    with Service(intakes=1, **ports) as service:
        web = Web(service)
        token = service.run("sender-token", "shop").stdout.decode().strip()
        allowed = b"Authorization: Bearer " + token.encode() + b"\r\n"
        port = ports["http_port"]
        until("the token is known", lambda: request(port, b"GET / HTTP/1.1\r\n" + allowed) == 200)
        time.sleep(1.5)  # what was refused until then is told
        before = total(web, "stranger")
        sent = 0
        began = time.time()
        while time.time() < began + 5:
            check_equal(request(port, b"POST /_bulk HTTP/1.1\r\nAuthorization: Bearer no\r\n", b"{}"), 401, "status")
            sent += 1
        check_equal(request(port, b"POST /_bulk HTTP/1.1\r\n" + allowed, b"{"), 400, "status")
        check_equal(request(port, b"POST /_bulk HTTP/1.1\r\n" + allowed, b"{}" * (17 << 20)), 413, "status")
        for name, wrong in (("http_tls", b"GET / HTTP/1.1\r\n\r\n"), ("relp", b"nonsense\r\n")):
            with socket.create_connection(("127.0.0.1", ports[f"{name}_port"]), timeout=20) as link:
                link.sendall(wrong)
                with contextlib.suppress(ConnectionResetError):
                    link.recv(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            for name in ("gelf", "snmp", "netflow"):
                link.sendto(b"nonsense", ("127.0.0.1", ports[f"{name}_port"]))
        for cause, kind, unit, name in (("form", "http", "requests", "shop"), ("large", "http", "requests", "shop"),
                                        ("tls", "http", "connections", f"port {ports['http_tls_port']}"),
                                        ("form", "relp", "connections", f"port {ports['relp_port']}"),
                                        ("form", "gelf", "records", f"port {ports['gelf_port']}"),
                                        ("form", "snmp", "records", f"port {ports['snmp_port']}"),
                                        ("form", "netflow", "records", f"port {ports['netflow_port']}")):
            row = until(f"{cause} of {kind}", lambda: [one for one in rows(web, cause) if one["kind"] == kind])[0]
            check_equal((row["unit"], row["count"], row["name"], row["sender"]), (unit, 1, name, "127.0.0.1"),
                        f"{cause} of {kind}")
        names = {hit["source"] for hit in service.search("type:gap")}
        check("127.0.0.1" not in names, f"a stranger is no source: {names}")
        check(len(service.search("type:gap stranger")) < 6, f"{sent} requests in few records")
        _, _, page = web.request("GET", "/losses?cause=stranger")
        check("127.0.0.1" in page, "the page names the address")
        service.stop()
        with_all = [json.loads(text) for text in service.run("losses", "--json", check=False).stdout.splitlines()]
        told = sum(one["count"] for one in with_all if one["cause"] == "stranger" and one["sender"] == "127.0.0.1")
        check(told - before >= sent, f"{told} of {sent} and {before}: each is counted, those of the last minute too")


if __name__ == "__main__":
    raise SystemExit(main([cut_and_explained, announced, queue_and_killed, stopped_and_clocks, refused_by_receivers]))
