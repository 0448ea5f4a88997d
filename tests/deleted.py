"""Second reader of archives with deleted segments, from doc/format/segment.md and leaf.md with hashlib alone: the tree
goes on over tombstones to the signed root, and each tombstone has its retention record."""
import base64
import hashlib
import json
import os
import re
import struct

from reader import SECTIONS, Bytes, Segment, crc32c, log_records
from service import check, check_equal

KEPT = ("header", "groups", "edges", "frontiers")


class Tree:
    """Complete subtrees, the highest first."""

    def __init__(self):
        self.size = 0
        self.peaks = []
        self.roots = {}

    def add(self, height, node):
        self.size += 1 << height
        while self.peaks and self.peaks[-1][0] == height:
            node = hashlib.sha256(b"\1" + self.peaks.pop()[1] + node).digest()
            height += 1
        self.peaks.append((height, node))
        root = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            root = hashlib.sha256(b"\1" + left + root).digest()
        self.roots[self.size] = root

    def frontier(self):
        return struct.pack(">Q", self.size) + b"".join(node for _, node in self.peaks)


class Tombstone:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        magic, version, zero, kept, self.record, self.first = struct.unpack_from(">8sHHIQQ", data)
        check_equal((magic, version, zero, data[32:60]), (b"QORGGON\n", 1, 0, bytes(28)), "the mark")
        check_equal(crc32c(data[:60]), struct.unpack(">I", data[60:64])[0], "checksum of the mark")
        footer = data[-1024:]
        magic, first, self.end, _, self.low, self.high, _, _, _, sections = struct.unpack_from(">8sQQQqqqqII", footer)
        check_equal((magic, first, sections), (b"QORGSEGF", self.first, 9), "the footer")
        check_equal(crc32c(footer[:1020]), struct.unpack(">I", footer[1020:])[0], "checksum of the footer")
        self.footer = hashlib.sha256(footer).hexdigest()
        self.part, at = {}, 64
        for i, name in enumerate(SECTIONS):
            number, _, _, length, digest = struct.unpack_from(">IIQQ32s", footer, 72 + 56 * i)
            check_equal(number, i + 1, f"number of section {name}")
            here = kept >> number & 1
            check(here or name not in KEPT, f"section {name} is kept")
            check(not here or name in (*KEPT, "sources"), f"section {name} is not kept")
            if here:
                self.part[name] = data[at:at + length]
                check_equal(hashlib.sha256(self.part[name]).digest(), digest, f"digest of section {name}")
                at += length
        check_equal(at, len(data) - 1024, "where the sections end")
        check(self.record >= self.end, "the retention record is behind the segment")

    def grow(self, tree):
        check_equal(tree.size, self.first, "where a tombstone begins")
        frontiers = Bytes(self.part["frontiers"])
        check(frontiers.take(frontiers.unpack(">I")[0]) == tree.frontier(), f"frontier before {self.first}")
        edges, groups = Bytes(self.part["edges"]), Bytes(self.part["groups"])
        last = None
        for _ in range(edges.unpack(">H")[0]):
            tree.add(0, edges.take(32))
        if self.first % 256 and tree.size % 256 == 0:
            last = groups.take(32)  # of the group that the leaves before and these make together
            check(tree.size % 512 == 0 or tree.peaks[-1] == (8, last), "the first group is that of its leaves")
        while tree.size + 256 <= self.end:
            tree.add(8, groups.take(32))
        for _ in range(edges.unpack(">H")[0]):
            tree.add(0, edges.take(32))
        edges.end("the edges")
        groups.end("the groups")
        check_equal(tree.size, self.end, "where a tombstone ends")
        check(frontiers.take(frontiers.unpack(">I")[0]) == tree.frontier(), f"frontier at {self.end}")
        frontiers.end("the frontiers")

    def vouched(self, records):
        found = records.get(self.record)
        check(found is not None and found.type == 5, f"record {self.record} is a retention record")
        body = json.loads(found.raw)
        check_equal(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), found.raw,
                    "form of a retention record")
        check_equal([body[key] for key in ("first", "end", "count", "footer", "received_min_ns", "received_max_ns")],
                    [self.first, self.end, self.end - self.first, self.footer, self.low, self.high],
                    "what a retention record says of its segment")
        check_equal(body["sources"], "sources" in self.part, "whether the sources are kept")
        check(body["proposer"] != body["approver"] and body["act"] and body["edition"], f"{body}")
        term = self.high + body["days"] * 86400 * 10**9
        check(("object" in body) == ("object_days" in body), f"an object has a name and a term: {body}")
        if "object" in body:
            check(body["object"] and body["object_days"] > body["days"], f"it asks for more than the settings: {body}")
            term = self.high + body["object_days"] * 86400 * 10**9
        check(body["days"] > 0 and term <= body["keep_until_ns"] <= body["approved_ns"], f"its term was over: {body}")


def check_deleted(folder):
    """Checks an archive's folder from record 0 to the newest checkpoint; its tombstones."""
    with open(f"{folder}/instance", encoding="ascii") as file:
        uuid = bytes.fromhex(file.read().splitlines()[1].removeprefix("uuid "))
    tree, tombstones, records = Tree(), [], {}

    def take(found):
        for record in found:
            check_equal(record.index, tree.size, "number of a record")
            tree.add(0, record.hash)
            records[record.index] = record

    names = os.listdir(f"{folder}/seg")
    for first in sorted({name[:16] for name in names if name.endswith((".seg", ".gone"))}):
        if f"{first}.seg" in names:
            take(Segment(f"{folder}/seg/{first}.seg").records)
        else:
            tombstones.append(Tombstone(f"{folder}/seg/{first}.gone"))
            tombstones[-1].grow(tree)
    sealed = tree.size
    for name in sorted(os.listdir(f"{folder}/wal")):
        if re.fullmatch(r"[0-9a-f]{16}\.wal", name) and int(name[:16], 16) >= sealed:
            take(log_records(f"{folder}/wal/{name}", uuid))
    for tombstone in tombstones:
        tombstone.vouched(records)
    with open(f"{folder}/checkpoints/latest", encoding="utf-8") as file:
        note = file.read().splitlines()
    check_equal(base64.b64encode(tree.roots[int(note[1])]).decode(), note[2], "the signed root")
    check(all(tombstone.record < int(note[1]) for tombstone in tombstones), "retention records are signed")
    return tombstones
