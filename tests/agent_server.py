"""agent_server.py - a server as doc/format/delivery.md has it, written from that page alone: for tests of the agent.

It keeps what it gets in memory, by identity, and can be told to behave: give no credit, acknowledge nothing, cover
nothing, cut connections, show another tree or key, refuse."""
import base64
import ctypes
import datetime
import hashlib
import os
import random
import socket
import ssl
import struct
import tempfile
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from service import free_port

NAMES = {1: "hello", 2: "welcome", 3: "refused", 4: "data", 5: "durable", 6: "credit", 8: "time", 9: "time-back",
         10: "checkpoint", 11: "prove", 12: "proof", 13: "status", 14: "policy", 15: "renew", 16: "certificate",
         17: "enrol", 18: "enrolled", 19: "bye"}
NUMBERS = {name: number for number, name in NAMES.items()}
KINDS = {1: "file", 2: "journal", 3: "audit", 4: "command", 5: "agent"}
ORIGIN = "archive.test/1"
zstd = ctypes.CDLL("libzstd.so.1")
zstd.ZSTD_decompress.restype = ctypes.c_size_t


def unpack(payload, size):
    out = ctypes.create_string_buffer(size)
    got = zstd.ZSTD_decompress(out, ctypes.c_size_t(size), payload, ctypes.c_size_t(len(payload)))
    assert got == size, "a batch does not unpack"
    return out.raw


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


# ---- certificates ----

def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


class Authority:
    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.issue("authority", self.key.public_key(), None)

    def issue(self, name, public, purpose, begin=-1, end=30):
        now = datetime.datetime.now(datetime.timezone.utc)
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        builder = (x509.CertificateBuilder().issuer_name(issuer).public_key(public)
                   .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
                   .serial_number(x509.random_serial_number()).not_valid_before(now + datetime.timedelta(days=begin))
                   .not_valid_after(now + datetime.timedelta(days=end))
                   .add_extension(x509.BasicConstraints(ca=purpose is None, path_length=None), True))
        if purpose:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
        return builder.sign(self.key, hashes.SHA256())


# ---- the tree (RFC 6962) ----

def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def consistency(m, leaves, whole=True):
    n = len(leaves)
    if m == n:
        return [] if whole else [root(leaves)]
    k = split(n)
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


def new_signer():
    return ed25519.Ed25519PrivateKey.generate()


class Server:
    """Listens from the beginning; behaviour is its attributes."""

    def __init__(self, authority=None, port=None):
        self.authority = authority or Authority()
        self.port = port or free_port()
        self.signer = new_signer()
        self.policy = None          # JSON text
        self.policy_version = 0
        self.credit = 4 << 20
        self.more_credit = True
        self.ack = True
        self.cover = True
        self.cut_after = None       # callable: bytes of the next connection
        self.refuse = None          # (reason, text)
        self.renewed_end = 30
        self.high = {}              # (kind, name, epoch): highest sequence
        self.kept = []              # (kind, name, sequence, bytes, flags)
        self.leaves = []
        self.forged = False         # show a tree that does not go on
        self.hellos = []
        self.statuses = []
        self.renewals = 0
        self.enrolments = []
        self.peers = []             # serial numbers of certificates shown
        self.troubles = []          # what the agent did that the page forbids
        self.got_data = 0
        self.lock = threading.Lock()
        self.links = set()
        self.closed = False
        self.listen()

    def listen(self):
        key = ec.generate_private_key(ec.SECP256R1())
        own = self.authority.issue("server", key.public_key(), ExtendedKeyUsageOID.SERVER_AUTH)
        with tempfile.TemporaryDirectory() as folder:
            chain, private, roots = (os.path.join(folder, name) for name in ("chain", "key", "roots"))
            with open(chain, "wb") as file:
                file.write(pem(own) + pem(self.authority.certificate))
            with open(private, "wb") as file:
                file.write(key_pem(key))
            with open(roots, "wb") as file:
                file.write(pem(self.authority.certificate))
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.minimum_version = ssl.TLSVersion.TLSv1_3
            self.context.load_cert_chain(chain, private)
            self.context.load_verify_locations(roots)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols(["qorgan-delivery/1"])
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen(8)
        self.closed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.closed = True
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.drop()

    def drop(self):
        for link in list(self.links):
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self):
        while not self.closed:
            try:
                plain, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            plain.settimeout(60)
            with self.context.wrap_socket(plain, server_side=True) as link:
                self.links.add(link)
                self.peers.append(link.getpeercert()["serialNumber"])
                try:
                    Connection(self, link).run()
                finally:
                    self.links.discard(link)
        except (OSError, EOFError, ValueError):
            pass
        except AssertionError as trouble:
            self.troubles.append(str(trouble))

    # ---- what it keeps and shows ----

    def vkey(self):
        public = b"\1" + self.signer.public_key().public_bytes_raw()
        digest = hashlib.sha256(ORIGIN.encode() + b"\n" + public).digest()[:4]
        return f"{ORIGIN}+{digest.hex()}+{base64.b64encode(public).decode()}"

    def sign(self, words):
        key_id = bytes.fromhex(self.vkey().split("+")[1])
        signature = base64.b64encode(key_id + self.signer.sign(words.encode())).decode()
        return f"{words}\n\u2014 {ORIGIN} {signature}\n".encode()

    def tree(self, size):
        leaves = self.leaves[:size]
        return leaves[:-1] + [hashlib.sha256(b"forged").digest()] if self.forged and leaves else leaves

    def checkpoint(self):
        leaves = self.tree(len(self.leaves))
        return self.sign(f"{ORIGIN}\n{len(leaves)}\n{base64.b64encode(root(leaves)).decode()}\n")

    def policy_note(self):
        return self.sign(f"qorgan agent policy\n{ORIGIN}\ndefault\n{self.policy_version}\n{self.policy}\n")

    def keep(self, batch, count):
        at = records = 0
        while at < len(batch):
            stream, flags, epoch, sequence, _, name_n, group = struct.unpack_from(">BBQQqHI", batch, at)
            at += struct.calcsize(">BBQQqHI")
            name = batch[at:at + name_n].decode()
            at += name_n
            assert stream in KINDS and sequence > 0 and group > 0, "a group that may not be"
            for i in range(group):
                n = struct.unpack_from(">I", batch, at)[0]
                raw = batch[at + 4:at + 4 + n]
                assert len(raw) == n, "a record is cut"
                at += 4 + n
                records += 1
                identity = (KINDS[stream], name, epoch)
                if sequence + i > self.high.get(identity, 0):
                    self.high[identity] = sequence + i
                    self.kept.append((KINDS[stream], name, sequence + i, raw, flags))
                    self.leaves.append(hashlib.sha256(b"\0" + raw).digest())
        assert records == count, "a batch holds another number of records"

    def raws(self, kind="file"):
        with self.lock:
            return [raw for one, _, _, raw, flags in self.kept if one == kind and not flags & 1]

    def gaps(self):
        with self.lock:
            return [raw for _, _, _, raw, flags in self.kept if flags & 1]


class Connection:
    def __init__(self, server, link):
        self.server, self.link = server, link
        self.left = server.cut_after() if server.cut_after else None
        self.next = None
        self.credit = 0
        self.checkpoint_at = 0
        self.policy_sent = 0
        self.buffer = b""

    def send(self, name, body):
        self.link.sendall(struct.pack(">BI", NUMBERS[name], len(body)) + body)

    def read(self, n):
        while len(self.buffer) < n:
            self.idle()
            self.link.settimeout(0.1)
            try:
                got = self.link.recv(65536)
            except TimeoutError:
                continue
            if not got:
                raise EOFError
            if self.left is not None:
                self.left -= len(got)
                if self.left < 0:
                    raise EOFError
            self.buffer += got
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def run(self):
        while True:
            kind, n = struct.unpack(">BI", self.read(5))
            body = self.read(n)
            name = NAMES[kind]
            if self.server.refuse:
                reason, why = self.server.refuse
                self.send("refused", struct.pack(">H", reason) + why.encode())
                raise EOFError
            getattr(self, "on_" + name)(body)

    def idle(self):
        """What the server says by itself."""
        server = self.server
        if self.next is None:
            return
        if server.policy and server.policy_version != self.policy_sent:
            self.policy_sent = server.policy_version
            self.send("policy", server.policy_note())
        if server.more_credit and self.credit < 1 << 20:
            self.credit += 1 << 20
            self.send("credit", struct.pack(">I", 1 << 20))
        if server.ack and getattr(self, "to_ack", 0):
            with server.lock:
                size = len(server.leaves)
            self.send("durable", struct.pack(">QQ", self.to_ack, size))
            self.to_ack = 0
        if server.cover and time.time() - self.checkpoint_at >= 1:
            self.checkpoint_at = time.time()
            with server.lock:
                note = server.checkpoint() if server.leaves else None
            if note:
                self.send("checkpoint", note)

    def on_hello(self, body):
        version, agent, spool, number = struct.unpack_from(">H16sQQ", body)
        seen = struct.unpack_from(">Q", body, 50)[0]
        assert version == 1, "its version"
        self.next = number
        self.server.hellos.append({"agent": agent, "spool": spool, "next": number, "seen": seen})
        self.credit = self.server.credit
        self.send("welcome", struct.pack(">II", self.credit, self.server.policy_version) + text(ORIGIN) +
                  text(self.server.vkey()))

    def on_data(self, body):
        number, count, _, _, crc, size, codec = struct.unpack_from(">QIqIIIB", body)
        assert self.next is not None and number == self.next, f"number {number}, due was {self.next}"
        self.credit -= len(body)
        assert self.credit >= 0, "it sent more than its credit"
        payload = body[33:]
        batch = unpack(payload, size) if codec else payload
        assert len(batch) == size and size <= 4 << 20 and count <= 65536, "the batch's size"
        with self.server.lock:
            self.server.keep(batch, count)
            self.server.got_data += 1
        self.next = self.to_ack = number + count
        self.idle()

    def on_time(self, body):
        now = time.time_ns()
        self.send("time-back", body + struct.pack(">qqQ", now, time.time_ns(), 1))

    def on_prove(self, body):
        old, new = struct.unpack(">QQ", body)
        with self.server.lock:
            path = consistency(old, self.server.tree(new))
        self.send("proof", body + b"".join(path))

    def on_status(self, body):
        self.server.statuses.append(body)

    def on_renew(self, _):
        self.server.renewals += 1
        public = x509.load_der_x509_certificate(self.link.getpeercert(True)).public_key()
        self.send("certificate", pem(self.server.authority.issue("agent", public, ExtendedKeyUsageOID.CLIENT_AUTH,
                                                                 end=self.server.renewed_end)))

    def on_bye(self, _):
        raise EOFError


def enrolled(host, server, *others, begin=-1, end=30):
    """Writes what an enrolment would have written."""
    os.makedirs(host.data, mode=0o700, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = server.authority.issue("agent", key.public_key(), ExtendedKeyUsageOID.CLIENT_AUTH, begin, end)
    identity = random.randbytes(16).hex()
    identity = "-".join((identity[:8], identity[8:12], identity[12:16], identity[16:20], identity[20:]))
    servers = ",".join(f"127.0.0.1:{one.port}" for one in (server, *others))
    for name, content in (("key.pem", key_pem(key)), ("certificate.pem", pem(certificate)),
                          ("authority.pem", pem(server.authority.certificate)), ("servers", servers.encode()),
                          ("id", identity.encode() + b"\n")):
        with open(os.path.join(host.data, name), "wb") as file:
            file.write(content)
    host.configure()
    return certificate
