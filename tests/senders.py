#!/usr/bin/env python3
"""Other people's senders: each protocol with the real program where Debian has one, and with clients that misbehave."""
import base64
import contextlib
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import zlib

from service import Service, Skip, check, check_equal, free_port, main


def which(program):
    for folder in ("/usr/sbin", "/usr/bin", "/lib/systemd", "/sbin", "/bin"):
        if os.access(f"{folder}/{program}", os.X_OK):
            return f"{folder}/{program}"
    raise Skip(f"{program} is not installed")


def numbers_of(hits, pattern=r"line (\d{5})"):
    return [re.search(pattern, hit["raw"]).group(1) for hit in hits if re.search(pattern, hit["raw"])]


@contextlib.contextmanager
def stopped(pids):
    """Processes that do nothing meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


# ---- rsyslog ----

def rsyslog_relp(service, action, count, meanwhile=None):
    """A real rsyslog reads `count` lines from a file and sends them; what it says on its standard error."""
    rsyslogd = which("rsyslogd")
    if not os.path.exists("/usr/lib/x86_64-linux-gnu/rsyslog/omrelp.so"):
        raise Skip("rsyslog-relp is not installed")
    folder = tempfile.mkdtemp(prefix="qorgan-rsyslog-")
    try:
        with open(f"{folder}/in.log", "w", encoding="ascii") as out:
            out.writelines(f"relp line {i:05d}\n" for i in range(count))
        with open(f"{folder}/rsyslog.conf", "w", encoding="ascii") as out:
            out.write(f'''global(workDirectory="{folder}")
module(load="imfile" mode="polling" pollingInterval="1")
module(load="omrelp" tls.tlslib="openssl")
input(type="imfile" file="{folder}/in.log" tag="bulk" reopenOnTruncate="on")
action(type="omrelp" target="127.0.0.1" {action} action.resumeInterval="1" action.resumeRetryCount="-1"
  template="RSYSLOG_SyslogProtocol23Format")
''')
        sender = subprocess.Popen([rsyslogd, "-n", "-f", f"{folder}/rsyslog.conf", "-i", f"{folder}/pid"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            if meanwhile:
                meanwhile()
            service.wait_for("bulk", count, wait=60)
        finally:
            sender.terminate()
            _, trouble = sender.communicate(timeout=30)
        return trouble.decode()[:800]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rsyslog_over_relp():
    """a real rsyslog delivers over RELP while the keeper is killed: every line is there once"""
    with Service(relp_port=free_port(), intakes=1) as service:

        def meanwhile():
            service.wait_for("bulk", 1)
            for pid in service.pids("keeper"):
                os.kill(pid, signal.SIGKILL)

        trouble = rsyslog_relp(service, f'port="{service.settings["relp-port"]}"', 20000, meanwhile)
        hits = service.wait_for("bulk", 20000)
        numbers = numbers_of(hits)
        check_equal(len(set(numbers)), 20000, "different lines\n" + trouble + service.read_log()[-500:])
        check_equal(len(numbers), 20000, "lines")
        check(all(hit["source_kind"] == "relp" and hit["source"] == "127.0.0.1" for hit in hits), "they came over RELP")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


def rsyslog_over_relp_and_tls():
    """a real rsyslog delivers over RELP and TLS"""
    with Service(relp_tls_port=free_port()) as service:
        action = (f'port="{service.settings["relp-tls-port"]}" tls="on" tls.authMode="certvalid" '
                  f'tls.caCert="{service.data}/keys/tls.crt"')
        trouble = rsyslog_relp(service, action, 2000)
        numbers = numbers_of(service.wait_for("bulk", 2000))
        check_equal(sorted(numbers), [f"{i:05d}" for i in range(2000)], "lines\n" + trouble + service.read_log()[-500:])
        service.quiet()


# ---- RELP by hand ----

RELP_OPEN = b"1 open 30 relp_version=0\ncommands=syslog\n"


def read_until(link, ending, wait=20):
    """What comes until `ending(text)` holds or the other side closes."""
    link.settimeout(wait)
    text = b""
    while not ending(text):
        try:
            part = link.recv(65536)
        except (TimeoutError, ConnectionResetError):
            break
        if not part:
            break
        text += part
    return text


def relp_syslog(number, text):
    return b"%d syslog %d %s\n" % (number, len(text), text)


def relp_answers_when_durable():
    """RELP: no answer while the keeper stands still, all in order when it goes on, and a close ends the session"""
    with Service(relp_port=free_port(), intakes=1) as service:
        with socket.create_connection(("127.0.0.1", service.settings["relp-port"]), timeout=10) as link:
            link.sendall(RELP_OPEN)
            read_until(link, lambda text: text.endswith(b"commands=syslog\n"))
            with stopped(service.pids("keeper")):
                link.sendall(b"".join(relp_syslog(i, b"<13>held %05d" % i) for i in range(2, 102)) + b"102 close 0\n")
                check_equal(read_until(link, lambda text: text, wait=2), b"", "answers while nothing is durable")
            answers = read_until(link, lambda text: False)
        wanted = b"".join(b"%d rsp 6 200 OK\n" % i for i in range(2, 102)) + b"102 rsp 0\n0 serverclose 0\n"
        check_equal(answers, wanted, "answers")
        check_equal(len(service.sent("held")), 100, "records, all durable when their answer came")
        service.quiet()


def relp_window():
    """RELP: a sender of 20,000 records that reads no answer until its end waits, and gets every answer in order"""
    with Service(relp_port=free_port(), intakes=1) as service:
        with socket.create_connection(("127.0.0.1", service.settings["relp-port"]), timeout=60) as link:
            link.sendall(RELP_OPEN)
            read_until(link, lambda text: text.endswith(b"commands=syslog\n"))
            link.setblocking(False)
            out = b"".join(relp_syslog(i, b"<13>window %05d" % i) for i in range(2, 20002))
            wanted = b"".join(b"%d rsp 6 200 OK\n" % i for i in range(2, 20002))
            answers = b""
            deadline = time.time() + 60
            while (out or len(answers) < len(wanted)) and time.time() < deadline:
                try:
                    if out:
                        out = out[link.send(out[:65536]):]
                    else:
                        answers += link.recv(1 << 20)
                except BlockingIOError:  # it takes no more: what it answers must be read
                    with contextlib.suppress(BlockingIOError):
                        answers += link.recv(1 << 20)
                    time.sleep(0.01)
        check(answers == wanted, f"{len(answers)} bytes of answers, wanted {len(wanted)}; {len(out)} not sent")
        check_equal(len(service.wait_for("window", 20000)), 20000, "records")
        service.quiet()


def relp_bad_peers():
    """RELP: broken frames close the connection with the reason in the log; a record too long is cut and counted"""
    with Service(relp_port=free_port(), intakes=1, record_max=1024) as service:
        for bad, why in ((b"GET / HTTP/1.1\r\n\r\n", "header does not read"), (b"1 syslog 1 x\n", "before the session"),
                         (RELP_OPEN + b"2 starttls 0\n", "not offered"),
                         (RELP_OPEN + b"0 syslog 1 x\n", "no sender may")):
            with socket.create_connection(("127.0.0.1", service.settings["relp-port"]), timeout=10) as link:
                link.sendall(bad)
                read_until(link, lambda text: False, wait=10)
            check(why in service.read_log(), f"the log says {why}:\n" + service.read_log()[-600:])
        with socket.create_connection(("127.0.0.1", service.settings["relp-port"]), timeout=10) as link:
            link.sendall(RELP_OPEN + relp_syslog(2, b"<13>long " + b"x" * 5000) + relp_syslog(3, b"<13>behind it"))
            answers = read_until(link, lambda text: b"3 rsp" in text and text.endswith(b"OK\n"))
        check(b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n" in answers, f"both are answered: {answers}")
        hits = service.wait_for("long", 1)
        check_equal(len(hits[0]["raw"]), 1024, "bytes kept")
        check_equal(len(service.wait_for('"behind it"', 1)), 1, "the record behind")
        gaps = [hit for hit in service.search("cut") if hit["type"] == "gap"]
        check_equal(len(gaps), 1, "gaps")
        check('"bytes":3985' in gaps[0]["raw"].replace(" ", ""), f"bytes lost: {gaps[0]['raw']}")
        service.quiet()


# ---- HTTP ----

class Sender:
    """A sender over HTTP with a token of its own."""

    def __init__(self, service, name, scheme="Bearer"):
        self.service = service
        self.name = name
        self.token = service.run("sender-token", name).stdout.decode().strip()
        self.link = None
        pair = base64.b64encode(f"{name}:{self.token}".encode()).decode()
        self.headers = {"Authorization": f"{scheme} {pair if scheme in ('Basic', 'ApiKey') else self.token}"}

    def ask(self, method, path, body=None, headers=None, wait=20):
        """(status, body, headers) over a connection that is kept."""
        if self.link is None:
            self.link = http.client.HTTPConnection("127.0.0.1", self.service.settings["http-port"], timeout=wait)
        try:
            self.link.request(method, path, body, {**self.headers, **(headers or {})})
            answer = self.link.getresponse()
            return answer.status, answer.read(), answer.headers
        except Exception:
            self.link.close()
            self.link = None
            raise

    def until_known(self):
        """A token is known a second after it was made."""
        deadline = time.time() + 10
        while self.ask("GET", "/")[0] != 200 and time.time() < deadline:
            time.sleep(0.1)
        return self


def http_service(**settings):
    return Service(http_port=free_port(), intakes=1, **settings)


def bulk(texts, action="create"):
    return "".join(json.dumps({action: {}}) + "\n" + json.dumps({"message": text}) + "\n" for text in texts)


def zstd(text, *options):
    """Compressed by the real program, as a stream whose length is not known."""
    return subprocess.run([which("zstd"), "-q", "-c", *options], input=text, capture_output=True, check=True,
                          timeout=60).stdout


def elasticsearch_bulk():
    """Elasticsearch: what Beats and Logstash ask before they send, then _bulk, plain and compressed, each kept once"""
    with http_service() as service:
        sender = Sender(service, "web1", "ApiKey").until_known()
        status, body, headers = sender.ask("GET", "/")
        check_equal(status, 200, "status of /")
        check_equal(headers["X-Elastic-Product"], "Elasticsearch", "the header that clients look for")
        check_equal(json.loads(body)["version"]["number"][:2], "8.", "version")
        for path in ("/_license", "/_xpack", "/_cluster/health", "/_ilm/policy/filebeat", "/_index_template/filebeat"):
            status, body, _ = sender.ask("GET", path)
            check_equal(status, 200, path)
            json.loads(body)
        check_equal(sender.ask("HEAD", "/_template/logstash")[:2], (200, b""), "HEAD has no body")
        for path in ("/_ilm/policy/filebeat", "/_index_template/filebeat-8.15.0", "/_data_stream/filebeat"):
            check_equal(sender.ask("PUT", path, "{}")[1], b'{"acknowledged":true}', path)
        kinds = {"Content-Type": "application/x-ndjson"}
        status, body, _ = sender.ask("POST", "/_bulk", bulk(f"bulk plain {i}" for i in range(500)), kinds)
        answer = json.loads(body)
        check_equal((status, answer["errors"], len(answer["items"])), (200, False, 500), "the answer")
        check_equal(answer["items"][499], {"create": {"status": 201}}, "an item")
        check_equal(len(service.sent('"bulk plain"')), 500, "records, durable with the answer")
        for coding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd)):
            text = bulk((f"bulk {coding} {i}" for i in range(100)), "index").encode()
            status, body, _ = sender.ask("POST", "/logs-x/_bulk?refresh=true", pack(text),
                                         {**kinds, "Content-Encoding": coding})
            check_equal((status, json.loads(body)["errors"]), (200, False), coding)
            check_equal(len(service.sent(f'"bulk {coding}"')), 100, f"records that came as {coding}")
        status, body, _ = sender.ask("POST", "/logs/_doc", '{"message":"one document"}')
        check_equal((status, json.loads(body)["result"]), (201, "created"), "_doc")
        hit = service.wait_for('"one document"', 1)[0]
        check_equal((hit["source_kind"], hit["source"], hit["raw"]), ("http", "web1", '{"message":"one document"}'),
                    "the record as it stands, of the token's source")
        status, body, _ = sender.ask("POST", "/_bulk", '{"delete":{"_id":"1"}}\n' + bulk(["beside a delete"]))
        answer = json.loads(body)
        check_equal((status, answer["errors"]), (200, True), "a delete is refused by its item")
        check_equal([list(item.values())[0]["status"] for item in answer["items"]], [400, 201], "items")
        service.quiet()


def splunk_collector():
    """Splunk's collector: events, raw lines, health, acknowledgements by channel, and the codes that senders read"""
    with http_service() as service:
        sender = Sender(service, "hec", "Splunk").until_known()
        plain = Sender(service, "basic", "Basic").until_known()
        check_equal(json.loads(sender.ask("GET", "/services/collector/health")[1])["code"], 17, "health")
        body = '{"event":"hec first","host":"h"}{"event":{"message":"hec second"},"time":1700000000.5}'
        status, answer, _ = sender.ask("POST", "/services/collector/event", body)
        check_equal((status, json.loads(answer)), (200, {"text": "Success", "code": 0}), "event")
        check_equal(len(service.sent("hec")), 2, "records, durable with the answer")
        status, answer, _ = plain.ask("POST", "/services/collector/raw?channel=c-1", "raw one\nraw two\r\n\n")
        number = json.loads(answer)["ackId"]
        check_equal((status, json.loads(answer)["code"]), (200, 0), "raw")
        check_equal({hit["raw"] for hit in service.sent("raw")}, {"raw one", "raw two"}, "raw lines")
        status, answer, _ = plain.ask("POST", "/services/collector/ack?channel=c-1", json.dumps({"acks": [number]}))
        check_equal(json.loads(answer), {"acks": {str(number): True}}, "the acknowledgement")
        for path, body, status, code in (("event", "{}", 400, 12), ("event", '{"event":""}', 400, 13),
                                         ("event", "nonsense", 400, 6), ("event", "", 400, 5), ("raw", "\n", 400, 5),
                                         ("ack", '{"acks":[1]}', 400, 10)):
            got, answer, _ = sender.ask("POST", f"/services/collector/{path}", body)
            check_equal((got, json.loads(answer)["code"]), (status, code), f"{path} {body!r}")
        got, answer, _ = sender.ask("POST", "/services/collector", '{"event":"kept not"}{"event":""}')
        check_equal(json.loads(answer)["invalid-event-number"], 1, "which one")
        check_equal(service.sent('"kept not"'), [], "nothing of a body that is refused")
        sender.headers = {"Authorization": "Splunk qorgan-sender-0000"}
        got, answer, _ = sender.ask("POST", "/services/collector", '{"event":"x"}')
        check_equal((got, json.loads(answer)["code"]), (403, 4), "a wrong token")
        sender.headers = {}
        got, answer, _ = sender.ask("POST", "/services/collector", '{"event":"x"}')
        check_equal((got, json.loads(answer)["code"]), (401, 2), "no token")
        service.quiet()


def loki_and_otlp():
    """Loki's push and OTLP's logs as JSON and protobuf become records with their labels and resources"""

    def field(number, payload):
        return bytes([number << 3 | 2, len(payload)]) + payload

    with http_service() as service:
        sender = Sender(service, "cloud").until_known()
        push = {"streams": [{"stream": {"job": "nginx"}, "values": [["1700000000000000001", "loki line one"],
                                                                   ["2", "loki line two", {"trace": "t"}]]}]}
        kind = {"Content-Type": "application/json; charset=utf-8"}
        check_equal(sender.ask("POST", "/loki/api/v1/push", json.dumps(push), kind)[:2], (204, b""), "push")
        raws = sorted(hit["raw"] for hit in service.wait_for('"loki line"', 2))
        check_equal(json.loads(raws[0]), {"ts": "1700000000000000001", "message": "loki line one",
                                                 "labels": {"job": "nginx"}}, "a record")
        stream = field(1, b'{job="vector"}') + field(2, field(1, b"\x08\x02") + field(2, b"loki binary"))
        block = field(1, stream)
        block = bytes([len(block), (len(block) - 1) << 2]) + block  # Snappy: one literal
        kind = {"Content-Type": "application/x-protobuf"}
        check_equal(sender.ask("POST", "/loki/api/v1/push", block, kind)[:2], (204, b""), "push as protobuf")
        check_equal(json.loads(service.wait_for('"loki binary"', 1)[0]["raw"]),
                    {"ts": "2000000000", "message": "loki binary", "labels": {"job": "vector"}}, "a record")
        kind = {"Content-Type": "application/json"}
        record = {"timeUnixNano": "17", "severityText": "WARN", "body": {"stringValue": "otlp json"},
                  "attributes": [{"key": "n", "value": {"intValue": "7"}}]}
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
        logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}
        check_equal(sender.ask("POST", "/v1/logs", json.dumps(logs), kind)[:2], (200, b"{}"), "JSON")
        check_equal(json.loads(service.wait_for('"otlp json"', 1)[0]["raw"]),
                    {"ts": "17", "severity": "WARN", "message": "otlp json", "attributes": {"n": 7},
                     "resource": {"service.name": "shop"}}, "a record")
        binary = field(1, field(2, field(2, field(3, b"INFO") + field(5, field(1, b"otlp binary")))))
        kind = {"Content-Type": "application/x-protobuf"}
        check_equal(sender.ask("POST", "/v1/logs", binary, kind)[:2], (200, b""), "protobuf")
        check_equal(json.loads(service.wait_for('"otlp binary"', 1)[0]["raw"]),
                    {"severity": "INFO", "message": "otlp binary"}, "a record")
        carried = "<38>Nov 28 10:00:00 web7 sshd[1]: Failed password for root from 203.0.113.77 port 4711 ssh2"
        kind = {"Content-Type": "application/json"}
        push["streams"][0]["values"] = [["1700000000000000001", carried]]
        check_equal(sender.ask("POST", "/loki/api/v1/push", json.dumps(push), kind)[0], 204, "a line of syslog")
        record["body"]["stringValue"] = json.dumps({"message": carried})
        check_equal(sender.ask("POST", "/v1/logs", json.dumps(logs), kind)[0], 200, "and inside JSON")
        check_equal(sender.ask("POST", "/_bulk", bulk([carried]))[0], 200, "and in a document")
        check_equal(sender.ask("POST", "/services/collector", json.dumps({"event": carried}))[0], 200, "and an event")
        found = service.wait_for("kind:sign_in outcome:failure src:203.0.113.77 host:web7", 4)
        check_equal(len(found), 4, "refused sign-ins, whatever carried them")
        for path, body, kind, status in (("/v1/logs", b"\x0a\x05x", "application/x-protobuf", 400),
                                         ("/v1/logs", b"{", "application/json", 400),
                                         ("/v1/logs", b"{}", "text/plain", 415),
                                         ("/loki/api/v1/push", b"{}", "application/json", 400),
                                         ("/loki/api/v1/push", b"{}", "application/x-protobuf", 400),
                                         ("/loki/api/v1/push", b"{}", "text/plain", 415)):
            check_equal(sender.ask("POST", path, body, {"Content-Type": kind})[0], status, f"{path} {body} {kind}")
        service.quiet()


def zstd_bodies():
    """zstd: every route takes it, alone and over curl; every truncation is refused whole; a stream of the journal
    comes in frames and pieces, is kept up to where it breaks, and may not grow without end"""
    with http_service(http_tls_port=free_port()) as service:
        sender = Sender(service, "z1").until_known()
        loki = {"streams": [{"stream": {"job": "z"}, "values": [["1", "zstd loki"]]}]}
        otlp = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "zstd otlp"}}]}]}]}
        rows = (("/services/collector/event", {"event": "zstd hec"}, 200),
                ("/loki/api/v1/push", loki, 204), ("/v1/logs", otlp, 200), ("/logs/_doc", {"message": "zstd doc"}, 201))
        for path, body, status in rows:
            headers = {"Content-Type": "application/json", "Content-Encoding": "zstd"}
            got, answer, _ = sender.ask("POST", path, zstd(json.dumps(body).encode()), headers)
            check_equal(got, status, f"{path}: {answer}")
        check_equal(len(service.wait_for("zstd", len(rows))), len(rows), "records")
        done = subprocess.run([which("curl"), "-sS", "-w", "%{http_code}", "--cacert", f"{service.data}/keys/tls.crt",
                               "-H", f"Authorization: Bearer {sender.token}", "-H", "Content-Encoding: zstd",
                               "-H", "Transfer-Encoding: chunked", "--data-binary", "@-",
                               f"https://localhost:{service.settings['http-tls-port']}/_bulk"],
                              input=zstd(bulk(f"zcurl {i}" for i in range(9000)).encode(), "-19"),
                              capture_output=True, check=False, timeout=60)
        check(done.stdout.endswith(b"200"), f"{done.stdout[-300:]} {done.stderr}")
        check_equal(len(service.wait_for("zcurl", 9000)), 9000, "records")
        packed = zstd(bulk(["truncated one", "truncated two"]).encode())
        for cut in range(len(packed)):
            got, answer, _ = sender.ask("POST", "/_bulk", packed[:cut], {"Content-Encoding": "zstd"})
            check_equal(got, 400, f"cut at {cut}: {answer}")
        check_equal(service.sent("truncated"), [], "records of a body that is not whole")
        journal_over_zstd(service, sender)
        service.quiet()


def journal_over_zstd(service, sender):
    def entries(word, numbers):
        return "".join(f"__CURSOR=s={word.encode().hex():0<32};i={i:x}\n__REALTIME_TIMESTAMP={1700000000000000 + i}\n"
                       f"_HOSTNAME=up1\nMESSAGE={word} entry {i}\n\n" for i in numbers).encode()

    def upload(pieces):
        def chunks():
            yield from pieces
        return sender.ask("POST", "/upload", chunks(), {"Content-Encoding": "zstd"}, 60)

    check_equal(sender.ask("POST", "/upload", entries("plain", [1]))[2]["Accept-Encoding"], "zstd", "what is offered")
    # A frame an entry, as systemd-journal-upload writes them; and one frame that holds more than the window does.
    status, answer, _ = upload([zstd(entries("framed", [i])) for i in range(1, 40)])
    check_equal((status, answer), (202, b"OK.\n"), "frames")
    check_equal(len(service.wait_for('"framed entry"', 39)), 39, "entries")
    packed = zstd(entries("dense", range(1, 30001)), "-19")
    status, answer, _ = upload([packed[i:i + 5000] for i in range(0, len(packed), 5000)])
    check_equal((status, answer), (202, b"OK.\n"), f"one frame of {len(packed)} bytes")
    check_equal(len(service.wait_for('"dense entry"', 30000)), 30000, "entries")
    packed = zstd(entries("broken", range(1, 3001)))
    status, answer, _ = upload([packed[:-4]])
    check_equal((status, b"inflate" in answer), (400, True), f"its sum is missing: {answer}")
    check_equal(len(service.wait_for('"broken entry"', 3000)), 3000, "what came whole is kept")
    sender.link = None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
        status, answer, _ = upload([zstd(b"\n" * (128 << 20))])
        check_equal((status, b"too much" in answer), (413, True), f"much of nothing: {answer}")
    sender.link = None


def journal_upload():
    """the real systemd-journal-upload sends a journal twice: every entry is there once, as the journal gives it"""
    upload = which("systemd-journal-upload")
    remote = which("systemd-journal-remote")
    folder = tempfile.mkdtemp(prefix="qorgan-upload-")
    try:
        entries = "".join(f"__REALTIME_TIMESTAMP={1700000000000000 + i}\n__MONOTONIC_TIMESTAMP={i}\n"
                          f"_BOOT_ID=0123456789abcdef0123456789abcdef\n_TRANSPORT=syslog\n_HOSTNAME=up1\n"
                          f"SYSLOG_IDENTIFIER=sshd\nMESSAGE=upload entry {i}\n\n" for i in range(1, 301))
        subprocess.run([remote, "-o", f"{folder}/remote.journal", "-"], input=entries.encode(), check=True,
                       capture_output=True, timeout=60)
        with http_service() as service:
            sender = Sender(service, "up1").until_known()
            url = f"http://up1:{sender.token}@127.0.0.1:{service.settings['http-port']}"
            for turn in range(2):
                done = subprocess.run([upload, "--follow=no", "--url", url, "--file", f"{folder}/remote.journal",
                                       f"--save-state={folder}/state{turn}"], capture_output=True, text=True,
                                      check=False, timeout=60)
                check_equal(done.returncode, 0, f"turn {turn}: {done.stderr[-600:]}\n{service.read_log()[-600:]}")
            hits = service.wait_for('"upload entry"', 300)
            numbers = [re.search(r"upload entry (\d+)", hit["raw"]).group(1) for hit in hits]
            check_equal((len(numbers), len(set(numbers))), (300, 300), "entries, and different ones")
            raw = json.loads(hits[0]["raw"])
            check_equal((raw["_HOSTNAME"], raw["SYSLOG_IDENTIFIER"]), ("up1", "sshd"), "fields")
            check(not [key for key in raw if key.startswith("__")], f"the journal's addresses are left out: {raw}")
            check_equal(hits[0]["source"], "up1", "source")
            wrong = subprocess.run([upload, "--url", url.replace(sender.token, "wrong"), "--file",
                                    f"{folder}/remote.journal"], capture_output=True, text=True, check=False,
                                   timeout=60)
            check(wrong.returncode != 0, "a wrong token is refused")
            service.quiet()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def http_over_tls():
    """curl over HTTPS: Expect: 100-continue with 2 MiB, chunks, and several requests over one connection"""
    curl = which("curl")
    with Service(http_tls_port=free_port(), http_port=free_port(), intakes=1) as service:
        sender = Sender(service, "curl").until_known()
        url = f"https://localhost:{service.settings['http-tls-port']}"
        folder = tempfile.mkdtemp(prefix="qorgan-curl-")
        try:
            with open(f"{folder}/body", "w", encoding="ascii") as out:
                out.write(bulk(f"curl {i} " + "x" * 200 for i in range(9000)))
            base = [curl, "-sS", "-w", "\n%{http_code} %{num_connects}\n", "--cacert", f"{service.data}/keys/tls.crt",
                    "-H", f"Authorization: Bearer {sender.token}"]
            done = subprocess.run([*base, "-H", "Expect: 100-continue", "--data-binary", f"@{folder}/body",
                                   f"{url}/_bulk"], capture_output=True, text=True, check=False, timeout=60)
            check(done.stdout.endswith("\n200 1\n"), f"{done.stdout[-300:]} {done.stderr}")
            done = subprocess.run([*base, "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{folder}/body",
                                   f"{url}/_bulk", "--next", *base[1:], f"{url}/_license"],
                                  capture_output=True, text=True, check=False, timeout=60)
            check(done.stdout.endswith("\n200 0\n") and "\n200 1\n" in done.stdout,
                  f"{done.stdout[-300:]} {done.stderr}")
            check_equal(len(service.wait_for("curl", 18000)), 18000, "records")
            service.quiet()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def http_refusals():
    """HTTP: every refusal has its status and a reason, keeps nothing, and the connection goes on where it can"""
    with http_service(record_max=2048) as service:
        sender = Sender(service, "s").until_known()
        rows = (("GET", "/nothing", None, {}, 404, "no sender's protocol"), ("GET", "/_bulk", None, {}, 405, "method"),
                ("POST", "/_bulk", "x", {"Content-Encoding": "br"}, 415, "gzip"),
                ("POST", "/_bulk", b"\x1f\x8b\x08nonsense", {"Content-Encoding": "gzip"}, 400, "inflate"),
                ("POST", "/_bulk", gzip.compress(b"{}")[:-4], {"Content-Encoding": "gzip"}, 400, "inflate"),
                ("POST", "/_bulk", gzip.compress(bytes(40 << 20)), {"Content-Encoding": "gzip"}, 413, "32 MiB"),
                ("POST", "/_bulk", b"\x28\xb5\x2f\xfdnonsense", {"Content-Encoding": "zstd"}, 400, "inflate"),
                ("POST", "/_bulk", gzip.compress(b"{}"), {"Content-Encoding": "zstd"}, 400, "inflate"),
                ("POST", "/_bulk", zstd(bytes(40 << 20)), {"Content-Encoding": "zstd"}, 413, "32 MiB"),
                ("POST", "/_bulk", zstd(bytes(1 << 20), "--ultra", "-20", "--zstd=wlog=27"),
                 {"Content-Encoding": "zstd"}, 413, "32 MiB"),
                ("POST", "/upload", b"x", {"Content-Encoding": "gzip"}, 415, "zstd"),
                ("POST", "/_bulk", '{"create":{}}\n', {}, 400, "missing"),
                ("POST", "/_bulk", "not json\n{}\n", {}, 400, "line 1"))
        for method, path, body, headers, status, reason in rows:
            got, text, answered = sender.ask(method, path, body, headers)
            check_equal(got, status, f"{method} {path} {headers}: {text}")
            check(reason in text.decode(), f"{method} {path}: the reason {text}")
            check(answered.get("Connection") != "close", f"{method} {path}: the connection goes on")
        got, text, answered = sender.ask("POST", "/_bulk", bytes(33 << 20), {"Expect": "100-continue"})
        check_equal((got, answered["Connection"]), (413, "close"), "a long body ends the connection")
        sender.link.close()
        for head, status in ((b"GET / HTTP/1.1\r\n\r\n", b"400"), (b"GET / HTTP/3\r\nHost: h\r\n\r\n", b"400"),
                             (b"GET / HTTP/1.1\r\nA: " + b"a" * 20000, b"431"),
                             (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n", b"501"),
                             (b"P / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                              b"400"),
                             (b"POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"401")):
            with socket.create_connection(("127.0.0.1", service.settings["http-port"]), timeout=10) as link:
                link.sendall(head)
                answer = read_until(link, lambda text: False, wait=10)
            check(answer.startswith(b"HTTP/1.1 " + status), f"{head[:60]}: {answer[:80]}")
        check_equal(sum(hit["type"] == "raw" for hit in service.search("kind:http")), 0, "records of what was refused")
        sender.link = None
        status, text, _ = sender.ask("POST", "/_bulk", bulk(["cut " + "x" * 3000]))
        check_equal(status, 200, "a record that is too long is taken")
        check_equal(len(service.wait_for("cut", 1)[0]["raw"]), 2048, "bytes kept")
        check_equal(len([hit for hit in service.search("limit") if hit["type"] == "gap"]), 1, "gaps")
        check_equal(service.run("sender-token", "--revoke", "s").returncode, 0, "revoked")
        deadline = time.time() + 10
        while sender.ask("GET", "/")[0] != 401 and time.time() < deadline:
            time.sleep(0.1)
        check_equal(sender.ask("POST", "/_bulk", bulk(["after the end"]))[0], 401, "a token that was revoked")
        check_equal(service.sent('"after the end"'), [], "records after that")


def http_waits_for_the_disk():
    """HTTP: no answer while nothing is durable; then 429 once the window is full; nothing twice, nothing lost after"""
    with http_service() as service:
        sender = Sender(service, "slow").until_known()
        accepted = 0
        with stopped(service.pids("keeper")):
            late = Sender.__new__(Sender)
            late.__dict__.update(sender.__dict__, link=None)
            raw = socket.create_connection(("127.0.0.1", service.settings["http-port"]), timeout=10)
            text = bulk(f"early {i}" for i in range(10)).encode()
            head = (f"POST /_bulk HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {sender.token}\r\n"
                    f"Content-Length: {len(text)}\r\n\r\n").encode()
            raw.sendall(head + text)
            check_equal(read_until(raw, lambda got: got, wait=2), b"", "an answer while nothing is durable")
            big = bulk((f"filler {i} " + "y" * 1000 for i in range(20000))).encode()
            filler = socket.create_connection(("127.0.0.1", service.settings["http-port"]), timeout=30)
            filler.sendall(head.replace(str(len(text)).encode(), str(len(big)).encode()) + big)
            deadline = time.time() + 20
            status, headers = None, {}
            while status != 429 and time.time() < deadline:
                try:
                    status, _, headers = late.ask("POST", "/_bulk", bulk([f"late {accepted}"]), wait=1)
                except TimeoutError:  # taken, and not durable yet
                    accepted += 1
            check_equal((status, headers.get("Retry-After")), (429, "1"), "once the window is full")
        answer = read_until(raw, lambda got: b'"errors":false' in got)
        check(answer.startswith(b"HTTP/1.1 200"), f"the answer once it is durable: {answer[:100]}")
        answer = read_until(filler, lambda got: b'"errors":false' in got, wait=60)
        check(answer.startswith(b"HTTP/1.1 200"),
              f"the answer of the long one: {answer[:100]}\n{service.read_log()[-900:]}")
        raw.close()
        filler.close()
        check_equal(len(service.sent("early")), 10, "early records")
        check_equal(len(service.sent("filler")), 20000, "records of the long one")
        check_equal(sender.ask("POST", "/_bulk", bulk(["afterwards"]))[0], 200, "it goes on")
        service.quiet()


# ---- Lumberjack ----

def lumberjack_json(number, event):
    text = json.dumps(event).encode()
    return b"2J" + struct.pack(">II", number, len(text)) + text


def lumberjack_window(first, texts, pack=True):
    """A window as Beats send it."""
    frames = b"".join(lumberjack_json(i, {"message": text}) for i, text in enumerate(texts, first))
    head = b"2W" + struct.pack(">I", len(texts))
    packed = zlib.compress(frames)
    return head + (b"2C" + struct.pack(">I", len(packed)) + packed if pack else frames)


def lumberjack_last(link, number, wait=20):
    """The answers up to that to `number`; what came."""
    answers = read_until(link, lambda text: text[-6:] == b"2A" + struct.pack(">I", number), wait)
    check(len(answers) % 6 == 0, f"whole answers: {answers}")
    numbers = [struct.unpack(">I", answers[i + 2:i + 6])[0] for i in range(0, len(answers), 6)]
    check_equal(numbers, sorted(numbers), "answers in order")
    check_equal(numbers[-1:], [number], "the last answer")
    return numbers


def lumberjack():
    """Lumberjack: windows plain, compressed and over TLS, answered when durable, not before; bad frames end it"""
    with Service(beats_port=free_port(), beats_tls_port=free_port(), intakes=1) as service:
        address = ("127.0.0.1", service.settings["beats-port"])
        with socket.create_connection(address, timeout=20) as link:
            for turn, pack in enumerate((True, False)):
                link.sendall(lumberjack_window(1, [f"lj {turn} {i}" for i in range(2000)], pack))
                lumberjack_last(link, 2000)
                check_equal(len(service.sent(f'"lj {turn}"')), 2000, "records, durable with the answer")
            with stopped(service.pids("keeper")):
                link.sendall(lumberjack_window(1, ["held one", "held two"]))
                check_equal(read_until(link, lambda text: text, wait=2), b"", "an answer while nothing is durable")
            lumberjack_last(link, 2)
            pairs = b"".join(struct.pack(">I", len(text)) + text for text in (b"line", b"version one", b"host", b"h1"))
            link.sendall(b"1W\0\0\0\1" + b"1D" + struct.pack(">II", 7, 2) + pairs)
            check_equal(read_until(link, lambda text: len(text) == 6), b"1A\0\0\0\7", "version 1 is answered in kind")
        hit = service.wait_for('"version one"', 1)[0]
        check_equal((json.loads(hit["raw"]), hit["source_kind"], hit["source"]),
                    ({"line": "version one", "host": "h1"}, "beats", "127.0.0.1"), "the record and its source")
        context = ssl.create_default_context(cafile=f"{service.data}/keys/tls.crt")
        with socket.create_connection(("127.0.0.1", service.settings["beats-tls-port"]), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as link:
                link.sendall(lumberjack_window(1, [f"over tls {i}" for i in range(100)]))
                lumberjack_last(link, 100)
        check_equal(len(service.sent('"over tls"')), 100, "records over TLS")
        for bad, why in ((b"2J" + bytes(7) + b"\1x", "more records than the window"),
                         (b"GET / HTTP/1.1", "does not read"),
                         (b"2W\0\0\0\1" + b"2C\0\0\0\4nope", "does not inflate")):
            with socket.create_connection(address, timeout=20) as link:
                link.sendall(bad)
                check_equal(read_until(link, lambda text: False, wait=10), b"", "no answer")
            check(why in service.read_log(), f"the log says {why}:\n" + service.read_log()[-600:])
        service.quiet()


def lumberjack_across_a_crash():
    """Lumberjack: a sender that gives again what is not answered loses nothing when intake and keeper are killed"""
    with Service(beats_port=free_port(), intakes=1) as service:
        sent = 0
        deadline = time.time() + 120
        while sent < 30 and time.time() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", service.settings["beats-port"]), timeout=10) as link:
                    while sent < 30:
                        link.sendall(lumberjack_window(1, [f"window {sent:05d} event {i}" for i in range(100)]))
                        lumberjack_last(link, 100, wait=10)
                        sent += 1
                        if sent in (10, 20):
                            for pid in service.pids("intake" if sent == 10 else "keeper"):
                                os.kill(pid, signal.SIGKILL)
            except (OSError, AssertionError):  # not answered: this window again
                time.sleep(0.2)
        check_equal(sent, 30, "windows answered")
        found = {re.search(r"window \d+ event \d+", hit["raw"]).group(0) for hit in service.wait_for("window", 3000)}
        check_equal(len(found), 3000, "different events")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


# ---- GELF ----

def gelf():
    """GELF: TCP, TLS and UDP, plain, compressed and in pieces out of order; a piece that never comes is a gap"""
    with Service(gelf_port=free_port(), gelf_tls_port=free_port(), intakes=1) as service:
        port = service.settings["gelf-port"]
        texts = [json.dumps({"version": "1.1", "host": "h", "short_message": f"gelf {i}"}) for i in range(8)]
        service.tcp(texts[0].encode() + b"\0" + texts[1].replace(", ", ",\n ").encode() + b"\0" + texts[2].encode(),
                    port=port)
        context = ssl.create_default_context(cafile=f"{service.data}/keys/tls.crt")
        with socket.create_connection(("127.0.0.1", service.settings["gelf-tls-port"]), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as link:
                link.sendall(texts[3].encode() + b"\0")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            for body in (texts[4].encode(), zlib.compress(texts[5].encode()), gzip.compress(texts[6].encode())):
                link.sendto(body, ("127.0.0.1", port))
            packed = zlib.compress(texts[7].encode())
            for number in (1, 2, 0):
                piece = b"\x1e\x0f" + b"message7" + bytes([number, 3]) + packed[number * 20:(number + 1) * 20]
                link.sendto(piece + packed[60:] if number == 2 else piece, ("127.0.0.1", port))
            link.sendto(b"\x1e\x0f" + b"lostone!" + bytes([0, 2]) + b"{", ("127.0.0.1", port))
            link.sendto(b"<13>no gelf", ("127.0.0.1", port))
        hits = service.wait_for("gelf", 8)
        check_equal(sorted(json.loads(hit["raw"])["short_message"] for hit in hits), [f"gelf {i}" for i in range(8)],
                    "messages")
        check(all(hit["source_kind"] == "gelf" and hit["source"] == "127.0.0.1" for hit in hits), "their source")
        deadline = time.time() + 20
        gaps = []
        while len(gaps) < 2 and time.time() < deadline:
            gaps = [hit["raw"] for hit in service.search("GELF") if hit["type"] == "gap"]
            time.sleep(0.5)
        check_equal(len(gaps), 2, f"gaps: {gaps}")
        service.quiet()


# ---- who sends ----

def certificates_name_sources():
    """tls-client-ca: a sender's certificate names its source over HTTP, RELP and Lumberjack; a stranger gets nowhere"""
    openssl = which("openssl")
    folder = tempfile.mkdtemp(prefix="qorgan-ca-")

    def run(*arguments):
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    def context(name):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(f"{folder}/{name}.crt", f"{folder}/{name}.key")
        return context

    try:
        for name, common in (("ca", "authority"), ("stranger", "app-7")):
            run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                f"/CN={common}", "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.crt")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=app-7", "-keyout",
            "app.key", "-out", "app.csr")
        run("x509", "-req", "-in", "app.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "app.crt")
        with Service(http_tls_port=free_port(), relp_tls_port=free_port(), beats_tls_port=free_port(), intakes=1,
                     tls_client_ca=f"{folder}/ca.crt") as service:
            link = http.client.HTTPSConnection("localhost", service.settings["http-tls-port"], timeout=20,
                                               context=context("app"))
            link.request("POST", "/_bulk", bulk(["certified http"]))
            check_equal(link.getresponse().status, 200, "HTTP with a certificate and no token")
            link.close()
            relp = RELP_OPEN + relp_syslog(2, b"<13>certified relp")
            for setting, send, last in (("relp-tls-port", relp, b"2 rsp 6"),
                                        ("beats-tls-port", lumberjack_window(1, ["certified beats"]), b"2A\0\0\0\1")):
                with socket.create_connection(("127.0.0.1", service.settings[setting]), timeout=20) as plain:
                    with context("app").wrap_socket(plain) as link:
                        link.sendall(send)
                        read_until(link, lambda text, last=last: last in text)
            hits = service.wait_for("certified", 3)
            check_equal(sorted((hit["source_kind"], hit["source"]) for hit in hits),
                        [("beats", "app-7"), ("http", "app-7"), ("relp", "app-7")], "sources")
            with socket.create_connection(("127.0.0.1", service.settings["relp-tls-port"]), timeout=20) as plain:
                refused = False
                try:
                    with context("stranger").wrap_socket(plain) as link:
                        link.sendall(RELP_OPEN)
                        refused = not link.recv(100)
                except (ssl.SSLError, OSError):
                    refused = True
            check(refused, "a certificate of the same name that nobody vouched for")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answers_unread():
    """a sender that never reads its answers is left alone for a minute and then closed, and the others go on"""
    with http_service() as service:
        sender = Sender(service, "deaf").until_known()
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.connect(("127.0.0.1", service.settings["http-port"]))
        link.settimeout(100)
        ask = f"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {sender.token}\r\n\r\n".encode() * 1000
        begin = time.time()
        closed = False
        try:
            while time.time() - begin < 100:
                link.sendall(ask)
        except (ConnectionError, TimeoutError) as trouble:
            closed = isinstance(trouble, ConnectionError)
        check(closed, f"closed after {time.time() - begin:.0f} s")
        deadline = time.time() + 5
        while "did not read what they were answered" not in service.read_log() and time.time() < deadline:
            time.sleep(0.2)
        check("did not read what they were answered" in service.read_log(),
              f"{time.time() - begin:.0f} s\n" + service.read_log()[-500:])
        check_equal(Sender.ask(sender, "POST", "/_bulk", bulk(["still here"]))[0], 200, "another goes on")
        check_equal(len(service.sent('"still here"')), 1, "its record")
        service.quiet()


# ---- syslog-ng ----

def syslog_ng():
    """a real syslog-ng delivers over UDP, TCP, TLS and Elasticsearch's _bulk"""
    program = os.environ.get("QORGAN_SYSLOG_NG") or which("syslog-ng")
    folder = tempfile.mkdtemp(prefix="qorgan-syslog-ng-")
    try:
        with Service(http_port=free_port(), intakes=1) as service:
            sender = Sender(service, "ng").until_known()
            with open(f"{folder}/in.log", "w", encoding="ascii") as out:
                out.writelines(f"ng line {i:05d}\n" for i in range(200))
            with open(f"{folder}/ng.conf", "w", encoding="ascii") as out:
                out.write(f"""@version: 3.38
source s {{ file("{folder}/in.log" flags(no-parse) program-override("ng")); }};
destination d_udp {{ syslog("127.0.0.1" transport("udp") port({service.ports['syslog-port']})); }};
destination d_tcp {{ syslog("127.0.0.1" transport("tcp") port({service.ports['syslog-port']})); }};
destination d_tls {{ syslog("localhost" transport("tls") port({service.ports['syslog-tls-port']})
  tls(ca-file("{service.data}/keys/tls.crt"))); }};
destination d_http {{ http(url("http://127.0.0.1:{service.settings['http-port']}/_bulk")
  method("POST") headers("Authorization: Bearer {sender.token}", "Content-Type: application/x-ndjson") batch-lines(50)
  batch-timeout(500) body("{{\\"create\\":{{}}}}\\n{{\\"message\\":\\"$MESSAGE\\"}}") body-suffix("\\n")
  delimiter("\\n")); }};
log {{ source(s); destination(d_udp); destination(d_tcp); destination(d_tls); destination(d_http); }};
""")
            sender = subprocess.Popen([program, "-F", "-f", f"{folder}/ng.conf", "-R", f"{folder}/persist", "-c",
                                       f"{folder}/control", "-p", f"{folder}/pid"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE)
            try:
                hits = service.wait_for('"ng line"', 800, wait=40)
            finally:
                sender.terminate()
                _, trouble = sender.communicate(timeout=20)
            for kind in ("udp", "tcp", "tls", "http"):
                numbers = numbers_of([hit for hit in hits if hit["source_kind"] == kind])
                check(sorted(numbers) == [f"{i:05d}" for i in range(200)],
                      f"{len(numbers)} lines over {kind}\n" + trouble.decode()[:500])
            service.quiet()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main([rsyslog_over_relp, rsyslog_over_relp_and_tls, relp_answers_when_durable, relp_window, relp_bad_peers,
                   elasticsearch_bulk, splunk_collector, loki_and_otlp, zstd_bodies, journal_upload, http_over_tls,
                   http_refusals, http_waits_for_the_disk, lumberjack, lumberjack_across_a_crash, gelf,
                   certificates_name_sources, syslog_ng], beside=[answers_unread]))
