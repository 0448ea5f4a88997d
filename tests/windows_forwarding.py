#!/usr/bin/env python3
"""Windows Event Forwarding with a client written from the specifications (DSP0226, MS-WSMV, ECMA-321): there is no
Windows here. Certificates are made by openssl; the messages have the form that Windows' have."""
import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

from service import Service, check, check_equal, free_port, main
from web_api import Web

MANAGER = "/wsman/SubscriptionManager/WEC"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman"
END = "http://schemas.microsoft.com/wbem/wsman/1/wsman/End"
ENUMERATE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
QUERY = """<QueryList><Query Id="0"><Select Path="Security">*</Select></Query>
      <Query Id="1"><Select Path="System">*</Select></Query></QueryList>"""


# ---- compression: ECMA-321, scheme 1 with copies, as a computer would send it ----

def sldc(data):
    out = []

    def put(value, count):
        out.append(format(value, f"0{count}b"))

    put(0b1111111110101, 13)  # reset, scheme 1
    last = {}  # three bytes -> where they stood last
    at = 0
    while at < len(data):
        place = last.get(data[at:at + 3], -1)
        length = 0
        if place >= 0 and at - place < 1000:
            while length < 270 and at + length < len(data) and data[place + length] == data[at + length]:
                length += 1
        if length < 3:
            put(data[at], 9)
            length = 1
        else:
            put(1, 1)
            for least, ones, digits in ((32, "1111", 8), (16, "1110", 4), (8, "110", 3), (4, "10", 2), (2, "0", 1)):
                if length >= least:
                    out.append(ones)
                    put(length - least, digits)
                    break
            put(place % 1024, 10)
        for i in range(at, at + length):
            last[data[i:i + 3]] = i
        at += length
    put(0b1111111110100, 13)  # end of record
    bits = "".join(out)
    bits += "0" * (-len(bits) % 32)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") + len(data).to_bytes(4, "little")


# ---- certificates ----

class Authority:
    """A folder with an authority, a stranger of its own, and certificates of computers."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="qorgan-wef-")
        for name, common in (("ca", "Corp CA"), ("other", "Other CA")):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                         f"/CN={common}", "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.crt")

    def openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True,
                              text=True).stdout

    def certificate(self, name, subject=None, authority="ca", dns=None):
        subject = f"/CN={name}" if subject is None else subject
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        with open(f"{self.folder}/{name}.ext", "w", encoding="ascii") as out:
            out.write("extendedKeyUsage=clientAuth\n" + (f"subjectAltName=DNS:{dns}\n" if dns else ""))
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
                     "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")
        return name

    def thumbprint(self):
        text = self.openssl("x509", "-in", "ca.crt", "-noout", "-fingerprint", "-sha1")
        return text.strip().split("=")[1].replace(":", "")

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as out:
            out.write(text)
        return f"{self.folder}/{name}"


# ---- the computer ----

def event(number, computer="pc1.corp.kz", channel="Security", code=4624, minute=0, more=""):
    return (f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
            f"<Provider Name='Microsoft-Windows-Eventlog'/><EventID>{code}</EventID><Version>0</Version>"
            f"<TimeCreated SystemTime='2026-11-20T{10 + minute // 60}:{minute % 60:02d}:00.1234567Z'/>"
            f"<EventRecordID>{number}</EventRecordID><Channel>{channel}</Channel><Computer>{computer}</Computer>"
            f"</System><EventData><Data Name='TargetUserName'>wef {number:05d} {more}</Data></EventData></Event>")


def envelope(action, body="", head="", message="uuid:0B0A-1"):
    return (f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            f'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="{WSMAN}.xsd" '
            f'xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header>'
            f'<a:To>https://localhost/wsman</a:To><a:Action s:mustUnderstand="true">{action}</a:Action>'
            f'<a:MessageID>{message}</a:MessageID><p:OperationID s:mustUnderstand="false">uuid:0C-2</p:OperationID>'
            f'{head}</s:Header><s:Body>{body}</s:Body></s:Envelope>')


def events_message(events, head=""):
    inside = "".join(f'<w:Event Action="{WSMAN}/Event"><![CDATA[{text}]]></w:Event>' for text in events)
    return envelope(f"{WSMAN}/Events", f"<w:Events>{inside}</w:Events>", "<w:AckRequested/>" + head)


class Computer:
    """What WinRM's client does, as far as a collector sees it."""

    def __init__(self, authority, service, name):
        self.context = ssl.create_default_context(cafile=f"{service.data}/keys/tls.crt")
        self.context.load_cert_chain(f"{authority.folder}/{name}.crt", f"{authority.folder}/{name}.key")
        self.port = service.settings["wef-port"]
        self.link = None
        self.path = None

    def connect(self):
        if not self.link:
            self.link = http.client.HTTPSConnection("localhost", self.port, timeout=20, context=self.context)
        return self.link

    def close(self):
        if self.link:
            self.link.close()
        self.link = None

    def send(self, path, text, form="wide", method="POST", chunked=False, **headers):
        """Gives status and answer; form: plain, wide or packed."""
        link = self.connect()
        body = text if isinstance(text, bytes) else text.encode() if form == "plain" else b"\xff\xfe" + text.encode(
            "utf-16-le", "surrogatepass")
        lines = {"Content-Type": f"application/soap+xml;charset=UTF-{8 if form == 'plain' else 16}",
                 "User-Agent": "Microsoft WinRM Client",
                 "Authorization": f"{WSMAN}/secprofile/https/mutual"}
        if form == "packed":
            body = sldc(body) if not isinstance(text, bytes) else body
            lines["Content-Encoding"] = "SLDC"
        lines.update({key.replace("_", "-"): value for key, value in headers.items()})
        pieces = (body[i:i + 1000] for i in range(0, len(body), 1000)) if chunked else body
        link.request(method, path, pieces, lines, encode_chunked=chunked)
        answer = link.getresponse()
        data = answer.read()
        if answer.getheader("Connection") == "close":
            self.close()
        wide = "UTF-16" in (answer.getheader("Content-Type") or "")
        return answer.status, data.decode("utf-16" if wide else "utf-8")

    def enumerate(self, form="wide"):
        """The subscriptions: (path, element) each."""
        body = ('<n:Enumerate xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><w:OptimizeEnumeration/>'
                '<w:MaxElements>32000</w:MaxElements></n:Enumerate>')
        status, text = self.send(MANAGER, envelope(ENUMERATE, body), form)
        check_equal(status, 200, "status of Enumerate: " + text[:500])
        root = xml.fromstring(text)
        check_equal(first(root, "RelatesTo").text, "uuid:0B0A-1", "to which message it belongs")
        found = every(root, "Subscription")
        self.path = first(found[0], "NotifyTo")[0].text.split(str(self.port))[1] if found else None
        return found

    def deliver(self, events, form="wide", want=200, **more):
        status, text = self.send(self.path, events_message(events), form, **more)
        check_equal(status, want, "status of a delivery: " + text[:500])
        if want == 200:
            check_equal(first(xml.fromstring(text), "Action").text, f"{WSMAN}/Ack", "the answer")
        return text


def every(root, name):
    return [element for element in root.iter() if element.tag.split("}")[-1] == name]


def first(root, name):
    return every(root, name)[0]


def bookmark(subscription):
    return {mark.get("Channel"): int(mark.get("RecordId")) for mark in every(subscription, "Bookmark")
            if mark.get("Channel")}


@contextlib.contextmanager
def stand(subscriptions=None, **settings):
    authority = Authority()
    try:
        text = subscriptions or f"- name: test\n  heartbeat: 77\n  query: |\n    {QUERY}\n"
        path = authority.write("subscriptions.yaml", text)
        with Service(wef_port=free_port(), intakes=1, wef_client_ca=f"{authority.folder}/ca.crt",
                     wef_subscriptions=path, **settings) as service:
            yield authority, service, Computer(authority, service, authority.certificate("pc1", "/CN=PC1.corp.kz"))
    finally:
        shutil.rmtree(authority.folder, ignore_errors=True)


def numbers(hits):
    return sorted(int(re.search(r"wef (\d{5})", hit["raw"]).group(1)) for hit in hits)


# ---- scenarios ----

def subscribe_and_deliver():
    """a computer asks, and delivers plain, in UTF-16, compressed, in chunks: each event is a record, a rule matches"""
    with stand() as (authority, service, pc):
        subscription = pc.enumerate()[0]
        check(re.fullmatch(r"/wsman/subscriptions/[0-9a-f-]{36}", pc.path), f"the path {pc.path}")
        check_equal(first(subscription, "Thumbprint").text, authority.thumbprint(), "whose certificates are awaited")
        check_equal(first(subscription, "Heartbeats").text, "PT77.000S", "heartbeats")
        check_equal({option.get("Name"): option.text for option in every(subscription, "Option")},
                    {"SubscriptionName": "test", "Compression": "SLDC", "CDATA": None, "ContentFormat": "Raw",
                     "IgnoreChannelError": None}, "options")
        channels = [select.get("Path") for select in every(subscription, "Select")]
        check_equal(channels, ["Security", "System"], "channels")
        check_equal(every(subscription, "Bookmark"), [], "bookmarks at the beginning")
        check_equal(pc.enumerate("plain")[0].find(".//{*}Version").text,
                    first(subscription, "Version").text, "the version of a second answer")
        check_equal(pc.send(MANAGER, envelope(END)), (204, ""), "End")
        pc.deliver([event(n) for n in range(1, 11)], "plain")
        pc.deliver([event(n, more="\u049b\U0001f600") for n in range(11, 21)], "wide")
        pc.deliver([event(n) for n in range(21, 221)], "packed")
        pc.deliver([event(n) for n in range(221, 231)], "packed", chunked=True)
        pc.deliver([event(n) for n in range(231, 241)], "wide", Content_Encoding="SLDC")  # said, and not done
        pc.deliver([event(241, code=1102)], "packed")
        hits = service.wait_for("wef", 241)
        check_equal(numbers(hits), list(range(1, 242)), "events")
        check_equal({(hit["source_kind"], hit["source"]) for hit in hits}, {("wef", "pc1.corp.kz")}, "sources")
        check_equal([hit["fields"]["TargetUserName"] for hit in service.sent("EventRecordID:15")],
                    ["wef 00015 \u049b\U0001f600"], "letters of UTF-16")
        check_equal(bookmark(pc.enumerate()[0]), {"Security": 241}, "bookmark")
        web = Web(service)
        web.sign_in(service.user, service.password)
        deadline = time.time() + 20
        titles = []
        while time.time() < deadline and not titles:
            titles = [row["title"] for row in web.ask("incident.list", state="all")["incidents"]]
            time.sleep(0.3)
        check("Windows event log cleared" in titles, f"incidents {titles}")
        service.quiet()
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


def acknowledged_when_durable():
    """no Ack while nothing is durable; all is killed, and the archive's bookmark goes on: nothing lost or twice"""
    with stand() as (_, service, pc):
        pc.enumerate()
        pc.deliver([event(n) for n in range(1, 101)], "packed")
        pc.deliver([event(n, channel="System") for n in range(500, 510)])
        keeper = service.pids("keeper")[0]
        os.kill(keeper, signal.SIGSTOP)
        pc.link.sock.settimeout(3)  # the same connection: nothing has to be asked, the events are on their way
        acked = True
        try:
            pc.deliver([event(n) for n in range(101, 201)])
        except TimeoutError:
            acked = False
        check(not acked, "no Ack while nothing is durable")
        for pid in [service.process.pid, keeper, *service.pids("intake")]:
            os.kill(pid, signal.SIGKILL)
        service.process.wait()
        pc.close()
        time.sleep(1)
        service.start()
        subscription = pc.enumerate()[0]
        marks = bookmark(subscription)
        check(marks["Security"] in (100, 200) and marks["System"] == 509, f"bookmarks {marks}")
        current = [mark.get("Channel") for mark in every(subscription, "Bookmark") if mark.get("IsCurrent")]
        check_equal(len(current), 1, "bookmarks that are the newest")
        pc.deliver([event(n) for n in range(101, 201)])  # as from the older bookmark
        pc.deliver([event(n) for n in range(151, 251)], "packed")  # and cut otherwise
        for pid in service.pids("intake"):
            os.kill(pid, signal.SIGKILL)
        pc.close()
        deadline = time.time() + 20
        while time.time() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("localhost", pc.port), timeout=5).close()
                pc.deliver([event(n) for n in range(201, 301)])
                break
            pc.close()
            time.sleep(0.5)
        hits = service.wait_for("wef Channel:Security", 300)
        check_equal(numbers(hits), list(range(1, 301)), "events of Security")
        check_equal(numbers(service.sent("wef Channel:System")), list(range(500, 510)), "events of System")
        check_equal(bookmark(pc.enumerate()[0]), {"Security": 300, "System": 509}, "bookmarks at the end")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)


def waits_for_the_archive():
    """an answer waits while the keeper is away, for a question about a bookmark as for events"""
    with stand() as (_, service, pc):
        pc.enumerate()
        pc.deliver([event(1)])
        for pid in service.pids("keeper"):
            os.kill(pid, signal.SIGKILL)
        check_equal(bookmark(pc.enumerate()[0]), {"Security": 1}, "bookmark from the keeper that came after")
        pc.deliver([event(2)])
        check_equal(numbers(service.wait_for("wef", 2)), [1, 2], "events")


def a_log_made_anew():
    """events sent again are no second records; those of a log that began anew are records, also across a start"""
    with stand() as (_, service, pc):
        pc.enumerate()
        for _ in range(3):
            pc.deliver([event(n, minute=n % 5) for n in range(90, 101)])
        pc.deliver([event(n, minute=100 + n) for n in range(1, 11)])  # a new installation of the same computer
        pc.deliver([event(n, minute=100 + n) for n in range(1, 16)])
        check_equal(numbers(service.wait_for("wef", 26)), sorted([*range(1, 16), *range(90, 101)]), "events")
        check('the log "Security" of pc1.corp.kz began anew: event 1 came after 100' in service.read_log(),
              service.read_log()[-500:])
        check_equal(bookmark(pc.enumerate()[0]), {"Security": 15}, "bookmark of the new log")
        pc.close()
        service.stop()
        service.start()
        pc.deliver([event(n, minute=100 + n) for n in range(11, 21)])  # without asking anew, as Windows does
        check_equal(bookmark(pc.enumerate()[0]), {"Security": 20}, "after a start")
        check_equal(numbers(service.wait_for("wef", 31)), sorted([*range(1, 21), *range(90, 101)]), "events")
        pc.deliver([event(1, channel="Elsewhere")])  # not in the query: taken, and not numbered
        check_equal(len(service.wait_for("wef Channel:Elsewhere", 1)), 1, "an event of another channel")


def strangers():
    """a foreign certificate, one without a name, another's subscription, other paths: refused with reasons"""
    subscriptions = (f"- name: servers\n  computers: ['*.srv.kz']\n  query: |\n    {QUERY}\n"
                     f"- name: all\n  query: |\n    {QUERY}\n")
    with stand(subscriptions) as (authority, service, pc):
        foreign = Computer(authority, service, authority.certificate("evil", "/CN=pc1.corp.kz", "other"))
        refused = False
        try:
            foreign.send(MANAGER, envelope(ENUMERATE))
        except (ssl.SSLError, OSError, http.client.HTTPException):
            refused = True
        check(refused, "a foreign certificate")
        nobody = ssl.create_default_context(cafile=f"{service.data}/keys/tls.crt")
        refused = False
        try:
            with socket.create_connection(("localhost", pc.port), timeout=10) as plain, \
                    nobody.wrap_socket(plain, server_hostname="localhost") as link:
                link.sendall(b"POST " + MANAGER.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                refused = not link.recv(100)
        except (ssl.SSLError, OSError):
            refused = True
        check(refused, "no certificate")
        time.sleep(0.5)
        told = 'the client\'s certificate "/CN=pc1.corp.kz" from "/CN=Other CA" does not hold here'
        check(told in service.read_log(), service.read_log()[-800:])
        server = Computer(authority, service, authority.certificate("server", "/", dns="s1.srv.kz"))
        check_equal([first(found, "Option").text for found in server.enumerate()], ["servers", "all"], "of a server")
        theirs = server.path
        server.deliver([event(1, computer="S1")])
        check_equal([hit["source"] for hit in service.wait_for("wef", 1)], ["s1.srv.kz"], "its source")
        check_equal([first(found, "Option").text for found in pc.enumerate()], ["all"], "of a workstation")
        mine = pc.path
        odd = Computer(authority, service, authority.certificate("odd", "/CN=a b"))
        many = events_message([event(7)])
        for computer, path, more, status, reason in (
                (pc, theirs, {}, 403, "this subscription is not for this computer"),
                (pc, mine[:-1] + ("0" if mine[-1] != "0" else "1"), {}, 404, "no subscription has this address"),
                (pc, "/wsman", {}, 404, "the address has to end with " + MANAGER),
                (pc, MANAGER, {}, 400, "this action is not known at this address"),
                (pc, mine, {"Content_Encoding": "gzip"}, 415, "a body is taken as it is, or compressed with SLDC"),
                (pc, mine, {"method": "PUT"}, 405, "only POST is known here"),
                (odd, MANAGER, {}, 403, "its certificate has no name")):
            got, text = computer.send(path, many, "plain", **more)
            check_equal(got, status, f"status of {path} {more}")
            check(reason in first(xml.fromstring(text), "Text").text, text)
            check(reason in service.read_log(), f"in the log: {reason}")
        check_equal(len(service.sent("wef")), 1, "records")
        service.quiet()


def hostile():
    """hostile and broken bodies are refused and harm nobody; an event with what XML cannot hold, or that names another
    computer, is a record of its sender's own"""
    with stand() as (_, service, pc):
        pc.enumerate()
        good = events_message([event(1)])
        bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
        packed = sldc(b"\xff\xfe" + good.encode("utf-16-le"))
        outside = '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        elements = f"<w:Events><w:Event>{event(1)}</w:Event></w:Events>"
        for what, text, form, status in (
                ("an entity from outside", outside + good, "plain", 400),
                ("entities in entities", f'<!DOCTYPE s [<!ENTITY e0 "x">{bomb}]>{good}', "wide", 400),
                ("depth", envelope(f"{WSMAN}/Events", "<d>" * 5000 + "</d>" * 5000), "wide", 413),
                ("cut", good[:-30], "wide", 400),
                ("half a unit", b"\xff\xfe" + good.encode("utf-16-le")[:-1], "wide", 400),
                ("no compression", b"\x00" * 100, "packed", 400),
                ("cut compression", packed[:len(packed) // 2], "packed", 400),
                ("too many bytes", b" " * (8 << 20) + b"x", "plain", 413),
                ("too many inflated", sldc(b" " * (33 << 20)), "packed", 413),
                ("too many events", events_message(["x"] * 16385), "plain", 413),
                ("elements", envelope(f"{WSMAN}/Events", elements), "wide", 400),
                ("nothing in it", envelope(f"{WSMAN}/Events"), "wide", 200),
                ("another action", envelope("urn:x"), "wide", 400),
                ("HTML", "<html><body/></html>", "plain", 400),
                ("nothing", b"", "wide", 200)):
            got, answer = pc.send(pc.path, text, form)
            check_equal(got, status, f"status: {what}\n{answer[:300]}")
        check_equal(len(service.sent("wef")), 0, "records")
        pc.deliver([event(1, more="\x01\x0b\ud800"), event(2, computer="dc1.corp.kz"), event(3)], "packed", Expect="")
        hits = service.wait_for("wef", 3)
        check_equal(numbers(hits), [1, 2, 3], "events")
        check_equal({hit["source"] for hit in hits}, {"pc1.corp.kz"}, "their source")
        check('forwards events that name another computer, "dc1.corp.kz"' in service.read_log(), "the log tells of it")
        pc.deliver([event(1, computer="dc1.corp.kz", more="of another log")])  # its number says nothing of ours
        check_equal(len(service.wait_for('"of another log"', 1)), 1, "an event of another computer with a small number")
        head = '<m:MachineID xmlns:m="urn:m">old-name.corp.kz</m:MachineID>'
        for _ in range(2):  # the message says that it is this computer: its logs are numbered
            pc.send(pc.path, events_message([event(9, computer="OLD-NAME", channel="System")], head))
        check_equal(numbers(service.wait_for("wef Channel:System", 1)), [9], "an event under its own name, once")
        check("an event is longer than 1000 KiB" in pc.deliver([event(4, more="y" * 1100000)], want=413), "its reason")
        pc.deliver([event(4, more="y" * 900000), "no event", event(5)])
        check_equal(len(service.wait_for("EventRecordID:5", 1)), 1, "behind a long one and one that is none")
        for action in (f"{WSMAN}/Heartbeat", "http://schemas.xmlsoap.org/ws/2004/08/eventing/SubscriptionEnd"):
            status, text = pc.send(pc.path, envelope(action, "<w:Events></w:Events>", "<w:AckRequested/>"), "packed")
            check_equal((status, first(xml.fromstring(text), "Action").text), (200, f"{WSMAN}/Ack"), action)
        check_equal(pc.send(pc.path, envelope(END), "packed"), (204, ""), "End")
        service.quiet()


def sessions_are_not_resumed():
    """a client that would resume its TLS session is taken, and shows its certificate anew"""
    with stand() as (_, service, pc):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            pc.context.maximum_version = version
            session = None
            for _ in range(3):
                with socket.create_connection(("localhost", pc.port), timeout=10) as plain, \
                        pc.context.wrap_socket(plain, server_hostname="localhost", session=session) as link:
                    body = envelope(ENUMERATE).encode()
                    link.sendall(b"POST %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %d\r\n"
                                 b"Expect: 100-continue\r\n\r\n%s" % (MANAGER.encode(), pc.port, len(body), body))
                    text = b""
                    while b"</s:Envelope></m:Subscription>" not in text:
                        part = link.recv(65536)
                        check(part, f"the answer over {version}: {text[:200]}")
                        text += part
                    check(text.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), text[:100])
                    session = link.session
        service.quiet()


def settings():
    """what cannot work is refused at the start with a reason; the subscriptions that come with the product work"""
    authority = Authority()
    try:
        port = free_port()
        broken = authority.write("broken.yaml", "- name: a\n  query: |\n    <QueryList><Query/></QueryList>\n")
        empty = authority.write("empty.crt", "no certificate\n")
        ca = f"{authority.folder}/ca.crt"
        for more, reason in (
                ({}, '"wef-port" needs "wef-client-ca"'),
                ({"wef_client_ca": empty}, '"wef-client-ca": the file of client authorities holds no certificate'),
                ({"wef_client_ca": f"{authority.folder}/none"}, "none"),
                ({"wef_client_ca": ca, "wef_subscriptions": broken},
                 '"wef-subscriptions": subscription 1, line 1: the query selects nothing')):
            service = Service(wef_port=port, **more)
            try:
                check(not service.start(expect=False, wait=20), f"a start with {more}")
                check(reason in service.read_log(), f"{reason}\n" + service.read_log()[-500:])
            finally:
                service.kill()
                shutil.rmtree(service.data, ignore_errors=True)
        with Service(wef_port=port, wef_client_ca=ca, intakes=1) as service:
            pc = Computer(authority, service, authority.certificate("pc1"))
            found = pc.enumerate()
            channels = [select.get("Path") for select in every(found[0], "Select")]
            check("Security" in channels and "Microsoft-Windows-Sysmon/Operational" in channels, f"channels {channels}")
    finally:
        shutil.rmtree(authority.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main([subscribe_and_deliver, acknowledged_when_durable, waits_for_the_archive, a_log_made_anew, strangers,
                   hostile, sessions_are_not_resumed, settings]))
