"""agent_peer.py - an agent as doc/format/delivery.md has it, written from that page alone: for tests of the server."""
import base64
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import zlib

NAMES = {1: "hello", 2: "welcome", 3: "refused", 4: "data", 5: "durable", 6: "credit", 8: "time", 9: "time-back",
         10: "checkpoint", 11: "prove", 12: "proof", 13: "status", 14: "policy", 15: "renew", 16: "certificate",
         17: "enrol", 18: "enrolled", 19: "bye"}
NUMBERS = {name: number for number, name in NAMES.items()}
STREAMS = {"file": 1, "journal": 2, "audit": 3, "command": 4, "agent": 5}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(value)) + value


def batch(groups):
    """groups: (stream, name, epoch, first sequence, [records])"""
    out = b""
    for stream, name, epoch, sequence, records, *flags in groups:
        name = name.encode()
        out += struct.pack(">BBQQqHI", STREAMS.get(stream, 0), flags[0] if flags else 0, epoch, sequence,
                           time.time_ns(), len(name), len(records)) + name
        out += b"".join(struct.pack(">I", len(record)) + record for record in records)
    return out


def token_parse(token):
    """qorgan1.HOST:PORT[,HOST:PORT].SPKI.SECRET; hosts may hold dots"""
    head, spki, secret = token.rsplit(".", 2)
    assert head.startswith("qorgan1."), token
    return head[len("qorgan1."):].split(","), spki, bytes.fromhex(secret)


class Refused(Exception):
    """The server said no; .reason is its number."""

    def __init__(self, reason, why):
        super().__init__(f"{reason}: {why}")
        self.reason = reason


class Agent:
    """One identity: a key, after enrolment a certificate; connects as often as it likes."""

    def __init__(self, port, folder=None):
        self.port = port
        self.folder = folder or tempfile.mkdtemp(prefix="qorgan-peer-")
        self.key = os.path.join(self.folder, "key.pem")
        self.certificate = os.path.join(self.folder, "self.pem")
        self.uuid = None
        self.spool = struct.unpack(">Q", os.urandom(8))[0]
        self.boot = os.urandom(16)
        self.authority = None
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.key, "-out", self.certificate, "-days", "1", "-subj", "/CN=enrolling"],
                       check=True, capture_output=True)

    def connect(self, certificate=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["qorgan-delivery/1"])
        context.load_cert_chain(certificate or self.certificate, self.key)
        if self.authority:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.authority)
        link = context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=30))
        return Link(link)

    def enrol(self, token, host="peer"):
        """The answer's uuid; keeps certificate and authority."""
        _, spki, secret = token_parse(token)
        link = self.connect()
        link.send("enrol", struct.pack(">H", 1) + secret + text(host) + text("agent_peer 1"))
        body = link.until("enrolled")
        link.close()
        n = struct.unpack(">I", body[16:20])[0]
        certificate, self.authority = body[20:20 + n], body[20 + n:].decode()
        self.uuid = body[:16]
        self.certificate = os.path.join(self.folder, "agent.pem")
        with open(self.certificate, "wb") as out:
            out.write(certificate)
        public = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=self.authority.encode(), check=True,
                                capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True,
                             capture_output=True).stdout
        assert hashlib.sha256(der).hexdigest() == spki, "the token names another authority"
        return self.uuid

    def hello(self, number=0, seen=(0, bytes(32)), wait=True, version=1, uuid=None):
        link = self.connect()
        link.number = number
        link.send("hello", struct.pack(">H", version) + (uuid or self.uuid) + struct.pack(">QQ", self.spool, number) +
                  self.boot + struct.pack(">Q", seen[0]) + seen[1] + text("peer") + text("agent_peer 1"))
        if wait:
            body = link.until("welcome")
            link.credit = struct.unpack(">I", body[:4])[0]
            n = struct.unpack(">H", body[8:10])[0]
            link.origin = body[10:10 + n].decode()
            m = struct.unpack(">H", body[10 + n:12 + n])[0]
            link.key = body[12 + n:12 + n + m].decode()
        return link


class Link:
    """One connection: frames out and in."""

    def __init__(self, link):
        self.link = link
        self.bytes = b""
        self.number = self.credit = 0
        self.durable = (0, 0)
        self.notes = []
        self.others = []

    def send(self, name, body=b""):
        self.link.sendall(struct.pack(">BI", NUMBERS[name], len(body)) + body)

    def data(self, groups, codec=0, offset_us=0, error_us=1500, number=None, crc=None, payload=None):
        plain = batch(groups)
        count = sum(len(group[4]) for group in groups)
        self.send("data", struct.pack(">QIqIIIB", self.number if number is None else number, count, offset_us, error_us,
                                      crc32c(plain) if crc is None else crc, len(plain), codec) + (payload or plain))
        self.number += count

    def frame(self, wait=30):
        """(name, body) of the next frame; None at the end of the connection."""
        self.link.settimeout(wait)
        while True:
            if len(self.bytes) >= 5:
                kind, n = struct.unpack(">BI", self.bytes[:5])
                if len(self.bytes) >= 5 + n:
                    body, self.bytes = self.bytes[5:5 + n], self.bytes[5 + n:]
                    return NAMES[kind], body
            try:
                got = self.link.recv(65536)
            except (ssl.SSLEOFError, ConnectionError):
                got = b""
            if not got:
                return None
            self.bytes += got

    def until(self, wanted, wait=30):
        """The body of the next frame of that name; what comes before is kept."""
        end = time.time() + wait
        while time.time() < end:
            got = self.frame(max(end - time.time(), 0.1))
            if got is None:
                raise ConnectionError(f"the connection ended before {wanted}")
            name, body = got
            if name == "refused" and wanted != "refused":
                raise Refused(struct.unpack(">H", body[:2])[0], body[2:].decode())
            if name == "durable":
                self.durable = struct.unpack(">QQ", body)
            elif name == "credit":
                self.credit += struct.unpack(">I", body)[0]
            elif name == "checkpoint":
                self.notes.append(body.decode())
            else:
                self.others.append((name, body))
            if name == wanted:
                return body
        raise TimeoutError(f"no {wanted} came")

    def until_durable(self, number, wait=30):
        while self.durable[0] < number:
            self.until("durable", wait)
        return self.durable

    def close(self):
        self.link.close()


def note_head(note):
    """(size, root) of a checkpoint"""
    lines = note.split("\n")
    return int(lines[1]), base64.b64decode(lines[2])


__all__ = ["Agent", "Link", "Refused", "batch", "note_head", "token_parse", "zlib"]
