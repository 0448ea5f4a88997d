#!/usr/bin/env python3
"""reader.py - a second reader of the archive, written from doc/format alone: what the real server sealed and logged is
decoded here without a line of its code, and compared with what was sent, with the tree, and with search. Prints TAP."""
import base64
import collections
import datetime
import functools
import hashlib
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import time

from service import Service, Skip, check, check_equal, main

MASK = (1 << 64) - 1
DAY_S = 86400
OBJECT = 4  # a field that is JSON text
STATUTORY = ("host", "service", "account", "user_address", "src", "dst", "object", "start", "end", "description",
    "kind",
             "outcome")
UNIT_NS = (None, 1000000000, 1000000, 1000, 1)
TYPES = (None, "raw", "digest", "lifecycle", "gap", "retention", "key_change")
SALTS = (0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31)


# ---- bytes ----

def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC = crc_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = CRC[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xffffffff


def signed(number):
    """A number modulo 2^64 as a signed one."""
    number &= MASK
    return number - (1 << 64) if number >> 63 else number


class Bytes:
    """Reads from the front; what is read past the end, or left over, is damage."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        check(self.at + count <= len(self.data), "a column ends too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        number = shift = 0
        while True:
            byte = self.u8()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number & MASK
            check(shift < 70, "a varint is too long")

    def svarint(self):
        return unzigzag(self.varint())

    def text(self):
        return self.take(self.varint())

    def list(self):
        return [self.text() for _ in range(self.varint())]

    def planes(self, width, count):
        data = self.take(width * count)
        return [sum(data[plane * count + i] << 8 * plane for plane in range(width)) for i in range(count)]

    def end(self, what):
        check_equal(len(self.data) - self.at, 0, f"bytes left over in {what}")


def unzigzag(number):
    return number >> 1 ^ -(number & 1)


def running(count, step, start=0):
    out = []
    for _ in range(count):
        start += step()
        out.append(start)
    return out


def unpack_all(parts):
    """The plain bytes of packed parts: one run of zstd for all of their frames."""
    heads = [struct.unpack(">IB", part[:5]) if part else (0, 0) for part in parts]
    frames = b"".join(part[5:] for part, (_, method) in zip(parts, heads) if method == 1)
    plain = b""
    if frames:
        plain = subprocess.run(["zstd", "-dcq"], input=frames, capture_output=True, check=True).stdout
    plain = Bytes(plain)
    out = []
    for part, (size, method) in zip(parts, heads):
        check(method in (0, 1), f"method {method}")
        out.append(plain.take(size) if method else part[5:])
        check_equal(len(out[-1]), size, "plain length")
    plain.end("zstd's frames")
    return out


# ---- words and filters ----

WORD = re.compile(rb"[0-9A-Za-z_\x80-\xff]{2,}")
QUAD = re.compile(rb"(?<![0-9A-Za-z_\x80-\xff])(?=([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?![0-9A-Za-z_\x80-\xff]))")


def fold_pair(pair):
    if pair[1] >> 6 != 2:
        return pair
    point = (pair[0] & 31) << 6 | pair[1] & 63
    if 0x400 <= point < 0x430 or (0x48a <= point < 0x500 and point not in (0x4c0, 0x4cf)):
        return chr(point).lower().encode()
    return pair


def fold(word):
    """Lower case; a byte that may begin a Cyrillic letter and the one behind it stay together."""
    out, at = b"", 0
    while at < len(word):
        here = min((word.find(lead, at) % (len(word) + 1) for lead in (b"\xd0", b"\xd2", b"\xd3")))
        out += word[at:here].lower()
        pair = word[here:here + 2]
        out += fold_pair(pair) if len(pair) == 2 else pair
        at = here + 2
    return out


@functools.cache
def words_of(text):
    """The words of the text as the page defines them."""
    out = {found[:64] for found in WORD.findall(text) if len(found) > 5 or not found.isdigit()}
    out.update(found for found in QUAD.findall(text))
    return {fold(word) for word in out}


@functools.cache
def siphash(key, data):
    """SipHash-1-3; 0 counts as 1."""
    v0, v1 = key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d
    v2, v3 = key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573
    whole = len(data) // 8 * 8
    parts = struct.unpack(f"<{whole // 8}Q", data[:whole])
    last = int.from_bytes(data[whole:], "little") | (len(data) & 255) << 56
    for turn, part in enumerate((*parts, last, 0, 0, 0)):
        if turn == len(parts) + 1:
            v2 ^= 255
        v3 ^= part
        v0 = v0 + v1 & MASK
        v1 = (v1 << 13 | v1 >> 51) & MASK ^ v0
        v0 = (v0 << 32 | v0 >> 32) & MASK
        v2 = v2 + v3 & MASK
        v3 = (v3 << 16 | v3 >> 48) & MASK ^ v2
        v0 = v0 + v3 & MASK
        v3 = (v3 << 21 | v3 >> 43) & MASK ^ v0
        v2 = v2 + v1 & MASK
        v1 = (v1 << 17 | v1 >> 47) & MASK ^ v2
        v2 = (v2 << 32 | v2 >> 32) & MASK
        v0 ^= part
    return (v0 ^ v1 ^ v2 ^ v3) or 1


class Filter:
    def __init__(self, key, data):
        self.key = key
        self.masks = struct.unpack(f">{len(data) // 4}I", data)
        self.size = len(data) // 32

    def may_hold(self, word):
        number = siphash(self.key, word)
        at = ((number >> 32) * self.size >> 32) * 8
        low = number & 0xffffffff
        return all(self.masks[at + i] >> ((low * SALTS[i] & 0xffffffff) >> 27) & 1 for i in range(8))


# ---- leaves and the tree ----

class Record:
    """One record; `event` is None where none is known."""

    def __init__(self, leaf, raw):
        (_, self.type, self.index, self.received, self.boot, self.source, self.epoch, self.sequence, self.source_time,
         self.clock_error, self.transport, _) = struct.unpack(LEAF, leaf[:76])
        self.raw = raw
        self.hash = hashlib.sha256(b"\0" + leaf).digest()
        self.event = None


LEAF = ">BBQqQ16sQQqIHI"


def leaf_of(kind, raw, *middle):
    """`middle`: number, received, boot, source, epoch, sequence, source time, clock error, transport."""
    head = struct.pack(LEAF, 1, kind, *middle, len(raw))
    return head + (hashlib.sha256(raw).digest() if kind == 2 else raw)


def root_of(hashes):
    """RFC 6962 2.1, by levels: a last node without a neighbour goes up as it is."""
    while len(hashes) > 1:
        level = [hashlib.sha256(b"\1" + hashes[i] + hashes[i + 1]).digest() for i in range(0, len(hashes) - 1, 2)]
        hashes = level + hashes[len(hashes) - len(hashes) % 2:]
    return hashes[0] if hashes else hashlib.sha256().digest()


def frontier_of(hashes):
    out = struct.pack(">Q", len(hashes))
    at = 0
    for bit in range(63, -1, -1):
        if len(hashes) >> bit & 1:
            out += root_of(hashes[at:at + (1 << bit)])
            at += 1 << bit
    return out


# ---- forms and slots ----

class Form:
    def __init__(self, data):
        data = Bytes(data)
        self.has_event = data.u8()
        data.varint()  # flags
        self.parser = data.text().decode()
        self.raw_slots = data.varint()
        self.slots = self.raw_slots + data.varint()
        self.kinds = list(data.take(self.slots))
        self.pieces = [data.text() for _ in range(self.raw_slots + 1)]
        self.fields = []
        for _ in range(data.varint()):
            name = data.text().decode()
            kind = data.u8()
            self.fields.append((name, kind, self.specification(data)))
        self.statutory = [self.specification(data) for _ in STATUTORY]
        data.end("a form")

    @staticmethod
    def specification(data):
        how = data.u8()
        check(how <= 6, f"specification {how}")
        if how in (1, 2):
            return (how, *(data.varint() for _ in range(4)))
        if how == 4:
            return (how, data.text())
        return (how, data.varint()) if how else (0,)

    def event_of(self, cells):
        """The raw bytes, the fields as name, type and value, the statutory values."""
        starts, raw = [], bytearray()
        for i, piece in enumerate(self.pieces):
            starts.append(len(raw))
            raw += piece
            if i < self.raw_slots:
                raw += cells[i]
        raw = bytes(raw)
        values = []
        for how, *rest in [spec for _, _, spec in self.fields] + self.statutory:
            if how in (1, 2):
                value = raw[starts[rest[0]] + rest[1]:starts[rest[2]] + rest[3]]
                values.append(unescape(value) if how == 2 else value)
            elif how == 6:
                at, length = int(cells[rest[0]]), int(cells[rest[0] + 1])
                check(at + length <= len(raw), "a value lies inside its record")
                values.append(raw[at:at + length])
            else:
                values.append(b"" if how == 0 else cells[rest[0]] if how == 3 else rest[0] if how == 4
                              else values[rest[0]])
        fields = [(name, kind, value) for (name, kind, _), value in zip(self.fields, values)]
        return raw, fields, dict(zip(STATUTORY, values[len(fields):]))


def unescape(text):
    """The escapes of a JSON string undone; a lone surrogate becomes U+FFFD."""
    value = json.loads(b'"' + text + b'"', strict=False) if is_utf8(text) else \
        json.loads('"' + text.decode("utf-8", "replace") + '"', strict=False)
    return re.sub("[\ud800-\udfff]", "\ufffd", value).encode()


def is_utf8(text):
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def slot_of(plan, kind, streams, times, value_of):
    """The contents of one slot, `times` being the event times of the records that have the form."""
    codes, numbers, texts = streams
    count = len(times)
    how = plan.u8()
    check(how in ((3, 4) if kind == 16 else (7, 8) if kind else range(7)), f"kind {kind} kept in way {how}")
    if how == 0:
        return [value_of(plan.varint())] * count
    if how == 1:
        known = [value_of(code) for code in running(plan.varint(), plan.svarint)]
        return [known[position] for position in codes.take(count)]
    if how == 2:
        return [value_of(code) for code in codes.planes(plan.u8(), count)]
    if how == 5:
        inside = Bytes(texts.take(plan.varint()))
        out = [inside.take(length) for length in [inside.varint() for _ in range(count)]]
        inside.end("a slot's texts")
        return out
    if how == 6:
        length = plan.varint()
        return [texts.take(length) for _ in range(count)]
    if how == 7:
        return clocks([plan.varint()] * count, kind - 1, times)
    width, base = plan.u8(), plan.varint()
    steps = numbers.planes(width, count)
    if how == 4:
        out = running(count, iter([unzigzag(step) for step in steps]).__next__, base)
    else:
        out = [base + step for step in steps]
    if how == 8:
        return clocks(out, kind - 1, times)
    return [b"%d" % (number & MASK) for number in out]


def clocks(distances, digits, times):
    unit = 10 ** (9 - digits)
    out = []
    for distance, now in zip(distances, times):
        now = (now // unit + distance) % (DAY_S * 10 ** digits)
        second, part = divmod(now, 10 ** digits)
        text = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        out.append((text + (f".{part:0{digits}}" if digits else "")).encode())
    return out


# ---- blocks ----

BLOCK = ">4sHHIIQQQqqqqQQIIQII"


class Block:
    """One block: its records, in the order of their numbers, and its filter."""

    def __init__(self, data, chains, entry):
        check_equal(len(data), entry["size"], "size of the block")
        (magic, version, columns, size, self.count, raw_bytes, first, last, low, high, event_low, event_high, key0,
            key1,
         filter_at, filter_size, chain, forms, values) = struct.unpack_from(BLOCK, data)
        check_equal((magic, version, size), (b"QBLK", 2, len(data)), "a block's head")
        crc, head_crc = struct.unpack_from(">II", data, 120)
        check_equal((crc32c(data[128:]), crc32c(data[:124])), (crc, head_crc), "the checksums of a block")
        check_equal((first, last, event_low, event_high, (key0, key1), filter_at, filter_size, self.count),
                    tuple(entry[name] for name in ("first", "last", "low", "high", "key", "filter", "filter_size",
                                                   "records")), "block and index")
        self.columns = self.columns_of(data, columns, filter_at)
        check_equal(filter_at + filter_size, size, "where the block ends")
        self.filter = Filter((key0, key1), data[filter_at:]) if filter_size else None
        chain_forms, chain_values = chains.get(chain, ([], []))
        self.chain_forms, self.chain_values = chain_forms[:forms], chain_values[:values]
        self.values = self.whole(17, Bytes.list)
        self.times = None
        self.records = self.records_of()
        received = [record.received for record in self.records]
        check_equal((min(received), max(received), min(self.times), max(self.times)), (low, high, event_low,
            event_high),
                    "the times in a block's head")
        check_equal((self.records[0].index, self.records[-1].index), (first, last), "the numbers in a block's head")
        check_equal(sum(len(record.raw) for record in self.records), raw_bytes, "raw bytes of a block")

    @staticmethod
    def columns_of(data, count, end):
        at = 128 + 21 * 6
        ids, parts = [], []
        for i in range(count):
            number, size = struct.unpack_from(">HI", data, 128 + 6 * i)
            ids.append(number)
            parts.append(data[at:at + size])
            at += size
        check_equal(at, end, "where the columns end")
        return dict(zip(ids, unpack_all(parts)))

    def column(self, number):
        return Bytes(self.columns.get(number, b""))

    def whole(self, number, read):
        """A column that `read` takes to its end; an absent one is an empty list."""
        column = self.column(number)
        out = read(column) if column.data else []
        column.end(f"column {number}")
        return out

    def each(self, number, read):
        return self.whole(number, lambda column: [read(column) for _ in range(self.count)])

    def value_of(self, code):
        """A code below the number of the chain's values names one of them, a higher one a value of the block."""
        known = len(self.chain_values)
        return self.chain_values[code] if code < known else self.values[code - known]

    def event_times(self, received):
        units = list(self.column(10).take(self.count))
        steps, before, out = self.column(11), received[0], []
        for i, unit in enumerate(units):
            if unit:
                before = signed((before // UNIT_NS[unit] + steps.svarint()) * UNIT_NS[unit])
            out.append(before if unit else received[i])
        steps.end("column 11")
        return out

    def forms_of(self):
        own = iter(self.whole(14, Bytes.list))
        numbers = self.whole(15, lambda column: [column.varint() for _ in range(column.varint())])
        forms = [Form(self.chain_forms[number - 1] if number else next(own)) for number in numbers]
        check(next(own, None) is None, "a form that the form list does not name")
        return forms, self.whole(16, lambda column: column.planes(2 if len(forms) > 256 else 1, self.count))

    def cells_of(self, forms, form):
        """For each record its slots' contents."""
        members = collections.defaultdict(list)
        for i, position in enumerate(form):
            members[position].append(i)
        plan, streams = self.column(18), [self.column(number) for number in (19, 20, 21)]
        cells = [[] for _ in range(self.count)]
        for position, one in enumerate(forms):
            check(members[position], "a form without a record")
            times = [self.times[i] for i in members[position]]
            for kind in one.kinds:
                for i, text in zip(members[position], slot_of(plan, kind, streams, times, self.value_of)):
                    cells[i].append(text)
        for number, column in zip((18, 19, 20, 21), (plan, *streams)):
            column.end(f"column {number}")
        return cells

    def sequences(self, origin):
        last, column, out = collections.Counter(), self.column(6), []
        for position in origin:
            last[position] += column.svarint()
            out.append(last[position] & MASK)
        column.end("column 6")
        return out

    def records_of(self):
        numbers = self.whole(1, lambda column: running(self.count, column.varint))
        received = [signed(ns) for ns in self.whole(2, lambda column: running(self.count, column.svarint))]
        boot = self.whole(3, lambda column: running(self.count, column.svarint))
        origins = self.whole(4, lambda column: [column.unpack(">16sQ") for _ in range(column.varint())])
        origin = self.each(5, Bytes.varint)
        sequence = self.sequences(origin)
        source_time = self.each(7, lambda column: column.svarint() if column.u8() else None)
        ways = self.whole(8, lambda column: [column.unpack(">HHI") for _ in range(column.varint())])
        way = self.each(9, Bytes.varint)
        rule_sets = [row_of(row) for row in self.whole(12, Bytes.list)]
        rule_set = self.each(13, Bytes.varint)
        self.times = self.event_times(received)
        forms, form = self.forms_of()
        cells = self.cells_of(forms, form)
        out = []
        for i in range(self.count):
            raw, fields, statutory = forms[form[i]].event_of(cells[i])
            kind, transport, clock_error = ways[way[i]]
            own_time = 0 if source_time[i] is None else signed(received[i] + source_time[i])
            leaf = leaf_of(kind, raw, numbers[i], received[i], (received[i] + boot[i]) & MASK, *origins[origin[i]],
                           sequence[i], own_time, clock_error, transport)
            record = Record(leaf, raw)
            record.event = {"time": self.times[i], "parser": forms[form[i]].parser, "fields": fields,
                            "statutory": statutory, "rules": rule_sets[rule_set[i]] if rule_set else []}
            out.append(record)
        return out


def row_of(text):
    text, out = Bytes(text), []
    while text.at < len(text.data):
        out.append(text.text())
    return out


# ---- segments, the log, the archive ----

SECTIONS = ("header", "blocks", "dictionaries", "index", "filter", "groups", "edges", "frontiers", "sources")


class Segment:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        footer = data[-1024:]
        (magic, self.first, self.end, raw_bytes, low, high, event_low, event_high, blocks, sections
         ) = struct.unpack_from(">8sQQQqqqqII", footer)
        check_equal((magic, sections), (b"QORGSEGF", 9), "the footer")
        check_equal(crc32c(footer[:1020]), struct.unpack(">I", footer[1020:])[0], "checksum of the footer")
        part, at = {}, 0
        for i, name in enumerate(SECTIONS):
            number, _, offset, length, digest = struct.unpack_from(">IIQQ32s", footer, 72 + 56 * i)
            check_equal((number, offset), (i + 1, at), f"number and place of section {name}")
            part[name] = data[offset:offset + length]
            check_equal(hashlib.sha256(part[name]).digest(), digest, f"digest of section {name}")
            at += length
        check_equal(at, len(data) - 1024, "where the sections end")
        self.part = part
        self.header()
        chains = self.chains()
        index = self.index(blocks)
        self.blocks = [Block(data[entry["offset"]:entry["offset"] + entry["size"]], chains, entry) for entry in index]
        self.records = sorted((record for block in self.blocks for record in block.records),
                              key=lambda record: record.index)
        check_equal([record.index for record in self.records], list(range(self.first, self.end)),
            "numbers of a segment")
        check_equal(sum(len(record.raw) for record in self.records), raw_bytes, "raw bytes of a segment")
        received = [record.received for record in self.records]
        times = [record.event["time"] for record in self.records]
        check_equal((min(received), max(received), min(times), max(times)), (low, high, event_low, event_high),
                    "times of a segment")
        self.filter = None
        if part["filter"]:
            self.filter = Filter(struct.unpack(">QQ", part["filter"][:16]), part["filter"][16:])

    def header(self):
        header = self.part["header"]
        magic, version, zero, _, forbidden, _, self.uuid, first = struct.unpack_from(">8sHHIII16sQ", header)
        check_equal((len(header), magic, version, zero, forbidden, first),
                    (4096, b"QORGSEG\n", 2, 0, 0, self.first), "the header")
        check_equal(crc32c(header[:4092]), struct.unpack(">I", header[4092:])[0], "checksum of the header")

    def chains(self):
        data, heads = Bytes(self.part["dictionaries"]), []
        for _ in range(data.unpack(">I")[0]):
            name, size = data.unpack(">QI")
            heads.append((name, data.take(size)))
        data.end("the dictionaries")
        out = {}
        for (name, _), plain in zip(heads, unpack_all([packed for _, packed in heads])):
            check(name not in out, "a chain has one entry")
            plain = Bytes(plain)
            out[name] = (plain.list(), plain.list())
            plain.end("a dictionary")
        return out

    def index(self, blocks):
        check_equal(len(self.part["index"]), 80 * blocks, "size of the index")
        out = []
        for row in struct.iter_unpack(">QIIQQqqQQIIQ", self.part["index"]):
            names = ("offset", "size", "records", "first", "last", "low", "high")
            out.append(dict(zip(names, row), key=row[7:9], filter=row[9], filter_size=row[10]))
        return out

    def check_tree(self, hashes):
        """`hashes`: of all leaves from 0 to the segment's end."""
        groups = [root_of(hashes[at:at + 256]) for at in range(self.first // 256 * 256, self.end // 256 * 256, 256)]
        check(self.part["groups"] == b"".join(groups), f"groups of the segment from {self.first}")
        edges = Bytes(self.part["edges"])
        begun = -(-self.first // 256) * 256  # where the group ends that began before the segment
        for low, high in ((self.first, min(begun, self.end)), (max(begun, self.end // 256 * 256), self.end)):
            here = edges.take(32 * edges.unpack(">H")[0])
            check(here == b"".join(hashes[low:high]), f"edges of the segment {self.first} to {self.end}, at {low}")
        edges.end("the edges")
        frontiers = Bytes(self.part["frontiers"])
        for end in (self.first, self.end):
            check(frontiers.take(frontiers.unpack(">I")[0]) == frontier_of(hashes[:end]), f"frontier at {end}")
        frontiers.end("the frontiers")


def log_records(path, uuid):
    """The records of one log file; doc/format/wal.md."""
    with open(path, "rb") as file:
        data = file.read()
    magic, version, zero, _, forbidden, own = struct.unpack_from(">8sHHII16s", data)
    check_equal((magic, version, zero, forbidden, own), (b"QORGWAL\n", 1, 0, 0, uuid), "head of the log")
    at, out = 64, []
    while data[at:at + 4] == b"QFM1":
        length, crc, first, count, _ = struct.unpack_from(">IIQII", data, at + 4)
        payload = data[at + 28:at + 28 + length]
        check_equal(crc32c(data[at + 4:at + 8] + data[at + 12:at + 28 + length]), crc, "checksum of a frame")
        stored = Bytes(payload)
        for number in range(first, first + count):
            head = stored.take(76)
            size = struct.unpack_from(">I", head, 72)[0]
            digest = stored.take(32) if head[1] == 2 else b""
            raw = stored.take(size)
            out.append(Record(head + (digest or raw), raw))
            check_equal(out[-1].index, number, "number of a record in the log")
        stored.end("a frame")
        at += 28 + length
    return out


class Archive:
    def __init__(self, folder):
        with open(f"{folder}/instance", encoding="ascii") as file:
            lines = file.read().splitlines()
        check_equal(lines[0], "qorgan archive 1", "the instance")
        uuid = bytes.fromhex(lines[1].removeprefix("uuid "))
        self.segments, self.records = [], []
        for name in sorted(name for name in os.listdir(f"{folder}/seg") if name.endswith(".seg")):
            segment = Segment(f"{folder}/seg/{name}")
            check_equal((segment.first, segment.uuid), (int(name[:16], 16), uuid), "name of a segment")
            check_equal(segment.first, len(self.records), "where a segment begins")
            self.segments.append(segment)
            self.records += segment.records
        self.sealed = len(self.records)
        for name in sorted(os.listdir(f"{folder}/wal")):
            if re.fullmatch(r"[0-9a-f]{16}\.wal", name) and int(name[:16], 16) >= self.sealed:
                check_equal(int(name[:16], 16), len(self.records), "where a log file begins")
                self.records += log_records(f"{folder}/wal/{name}", uuid)
        self.hashes = [record.hash for record in self.records]
        with open(f"{folder}/checkpoints/latest", encoding="utf-8") as file:
            self.note = file.read().splitlines()


# ---- what is sent ----

def syslog_lines(rng):
    """RFC 3164 and 5424 with accounts, addresses, numbers that go on, and times in several notations."""
    out = []
    for n in range(2400):
        stamp = f"Nov 20 {10 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}"
        iso = f"2026-11-20T{10 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}"
        where = f"203.0.113.{rng.randrange(256)}"
        out.append((
            f"<86>{stamp} web{n % 7:02} sshd[{rng.randrange(32768)}]: Failed password for invalid user admin{n % 31} "
            f"from {where} port {rng.randrange(1024, 65536)} ssh2",
            f"<134>1 {iso}.{rng.randrange(1000):03}Z app{n % 5} api {n} REQ [meta@1 took=\"{rng.random():.4f}\" "
            f"peer=\"{where}\"] GET /objects/{n:06}?id={rng.randrange(10 ** 12):012} 200",
            f"<4>{stamp} gw kernel: [{n * 7}.{rng.randrange(10 ** 6):06}] DROP IN=eth0 SRC={where}"
                f" DST=10.0.0.{n % 256} "
            f"LEN={rng.randrange(40, 1500)} ID={n & 65535} PROTO=TCP SPT={rng.randrange(65536)} DPT=22",
            f"<30>1 {iso}.{rng.randrange(10 ** 6):06}+05:00 db postgres - - - started"
                f" {iso[11:]}.{rng.randrange(10 ** 9):09}"
            f" until {stamp[7:]}, at 1.2.3.4.5 and 300.1.1.1x, order 0{n:04} of 00{n % 10} or -{n} +{n} {n}.{n:03}",
            f"<13>{stamp} кассир служба: вход ПОЛЬЗОВАТЕЛЯ Әлия{n % 9} ҚАЗАҚСТАН Ёлка сумма {n * 1000003} тг",
            f"{where} - user{n % 5} [20/Nov/2026:{stamp[7:]} +0500] \"GET /p/{n}.png HTTP/1.1\" 200 {n * 17}"
                f" \"-\" \"curl/8\"",
        )[n % 6].encode())
    return out


def json_lines(rng):
    out = []
    escapes = ('"', "\\", "\n", "\t", "\b", "/", "\x01", "é", "қ", "😀", "\u2028", "C:\\new\\table\\u0041", "")
    for n in range(900):
        event = {"time": f"2026-11-20T10:{n // 60 % 60:02}:{n % 60:02}.{n % 1000:03}Z", "host": f"h{n % 4}", "user": {
            "name": f"user {rng.choice(escapes)}{n % 13}", "id": n}, "n": n * n, "list": [n, "a", None, True, {"x": n}],
            "message": "".join(rng.choice(escapes) + rng.choice(("word", "Слово", "x1", " ")) for _ in range(n % 12)),
            "text": rng.choice(escapes), "src_ip": f"192.0.2.{n % 256}", "big": rng.randrange(1 << 70), "zero": f"0{n}"}
        out.append(json.dumps(event, ensure_ascii=n % 2 == 0, indent=None).encode())
    out += [b'{"a":"\\ud800 lone","b":"\\ud83d\\ude00","c":"\\u0000zero","d":"\\/slash"}', b'{"a":1,"a":2,"a":"three"}',
            b'{"open":"never closed', b'{"bad":"\xff\xfe","n":1e400}', b"{}", b"[]", b"null", b'{"":""}',
            b'{"same":"x","same2":"x","host":"x","message":"x"}']
    return out


def windows_lines(rng):
    out = []
    for n in range(900):
        path = f"C:\\Windows\\System32\\{rng.choice(('cmd', 'new', 'tool', 'rundll32'))}.exe"
        time_text = f"2026-11-20 10:{n // 60 % 60:02}:{n % 60:02}.{n % 1000:03}"
        guid = f"{{{rng.randrange(1 << 32):08x}-0{n % 4096:03x}-{n:04x}}}"
        data = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": f"PC{n % 8}.example.kz",
                "UtcTime": time_text, "ProcessGuid": guid, "ProcessId": rng.randrange(1 << 16), "Image": path,
                "CommandLine": f"\"{path}\" /c \"echo {n}\" > C:\\Users\\Әлия\\{n:05}.txt",
                    "User": f"CORP\\user{n % 6}",
                "EventRecordID": 10000 + n, "Provider": "Microsoft-Windows-Sysmon"}
        data["Message"] = "Process Create:\r\n" + "\r\n".join(f"{key}: {value}" for key, value in data.items())
        out.append(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    return out


def templates(rng):
    """Thousands of lines that look like no other."""
    out = []
    for n in range(5000):
        parts = [f"{rng.choice('abcdefgh')}{rng.randrange(10 ** 6):x}{rng.choice('=:, ;|/-')}" for _ in range(n % 9
            + 1)]
        out.append(f"<13>Nov 20 11:00:{n % 60:02} odd t{n % 40}: {''.join(parts)}{n}".encode())
    return out


def clocks_and_numbers(rng):
    """Times of day and numbers at and beyond what a slot may keep as one."""
    out = []
    numbers = ("0", "00", "01", "18446744073709551615", "18446744073709551616", "9223372036854775808", "-1", "007",
        "1" * 40,
               "4294967296", "65536", "255", "256", "0x10", "1e5", "99999", "100000")
    times = ("00:00:00", "23:59:59", "24:00:00", "23:59:60", "12:60:00", "7:05:09", "07:05:09,123", "07:05:09.",
        "07:05:09.1",
             "07:05:09.123456789", "07:05:09.1234567890", "107:05:09", "07:05:099", "07:05", "07:05:09:11", "07.05.09",
             "23:59:59.999999999", "00:00:00.000000000")
    for n in range(1500):
        digits = n % 10
        at = rng.randrange(DAY_S * 10 ** digits)
        moment = clocks([at], digits, [0])[0].decode()
        out.append(f"<14>1 2026-11-20T{n % 24:02}:{n % 60:02}:{n * 7 % 60:02}{'' if n % 3 else '.' + str(n % 1000)}Z "
                   f"h clock - - - a {rng.choice(times)} b {rng.choice(numbers)} c {moment} d {n * (n - 700)} "
                   f"e {rng.choice(numbers)}.{rng.choice(numbers)} f{moment}g".encode())
    return out


def hostile(rng):
    """Bytes that mean something somewhere, random bytes, empty lines and lines of 64 KiB; any byte may come."""
    out = [b"", b" ", b"\0", b"\r", b"\n", b"\r\n", b"\\", b'"', b"<", b"<13>", b"<999>x", b"\xef\xbb\xbf<13>x",
        b"\xd0",
           b"\xd0\xd0\x90", b"word\xd0Abc", b"\xd3A \xd2\x8a\xd3\x80\xd3\x81", b"\x80" * 65, b"A" * 63 + b"\xd0\x90",
           b"x" * 65536, b"ab " * 21846, b"0123456789" * 6554, b"<13>Nov 20 10:00:00 h p: " + b"y" * 60000,
               b"z" * 60000,
           b"z" * 60001, b"1.2.3.4.5.6.7.8", b"1.2.3.4", b"a1.2.3.4 1.2.3.4a .1.2.3.4. 1..2.3.4 1.2.3.1234",
           "К".encode() * 40, b"_", b"__", b"a", b"QFM1", b"QBLK" * 40, b"\x1b[31m\x07\x7f", b"%s%n\xff" * 9,
           b"1 " * 700, b"1:" * 900, b"07:05:09 " * 500, b"<13>Nov 20 10:00:00 h p: " + b"k=1 " * 900]
    for n in range(700):
        out.append(rng.randbytes(rng.randrange(1, 300)))
    for n in range(12):
        out.append(rng.randbytes(20000))
    for n in range(300):  # a known line with a byte of it changed
        line = bytearray(b"<86>Nov 20 10:00:00 web01 sshd[4242]: Failed password for root from 203.0.113.7 port"
            b" 22 ssh2")
        line[rng.randrange(len(line))] = rng.randrange(256)
        out.append(bytes(line))
    return out


def inputs():
    rng = random.Random(832)
    kinds = {"syslog": syslog_lines, "json": json_lines, "windows": windows_lines, "templates": templates,
             "clocks": clocks_and_numbers}
    lines = {name: make(rng) for name, make in kinds.items()}
    mixed = [rng.choice(lines[rng.choice(list(lines))]) for _ in range(3000)]
    wild = hostile(rng)
    lines["bytes"] = [line for line in wild if b"\n" not in line and not line.endswith(b"\r")]
    return {**lines, "mixed": mixed, "again": lines["templates"][:2500]}, [b"<13>" + frame for frame in wild]


@functools.cache
def made():
    """Everything is sent to one server, sealed and read back: (archive, hits of search by record, what was sent)."""
    if not shutil.which("zstd"):
        raise Skip("zstd is not installed")
    files, frames = inputs()
    with Service(log_file_mib=1, log_rotate_s=10) as service:
        for name, lines in files.items():
            service.run("ingest", "--name", name, "-", text_input=b"\n".join(lines) + b"\n")
        with socket.create_connection(("127.0.0.1", service.ports["syslog-port"]), timeout=20) as link:
            link.sendall(b"".join(b"%d %s" % (len(frame), frame) for frame in frames))
            link.shutdown(socket.SHUT_WR)
            while link.recv(4096):
                pass
        service.run("ingest", "--name", "ends", "-", text_input=b"one\n\n\ntwo\r\n\r\n \nthree")
        deadline = time.time() + 30
        folder = f"{service.data}/archive"
        want = sum(len(lines) for lines in files.values()) + len(frames)
        while time.time() < deadline and sealed_end(folder) < want:
            time.sleep(0.2)
        hits = {hit["record"]: hit for hit in service.search("")}
        service.quiet()
        service.stop()
        archive = Archive(folder)
    return archive, hits, files, frames


def sealed_end(folder):
    """Where the last segment ends, by its footer."""
    names = sorted(name for name in os.listdir(f"{folder}/seg") if name.endswith(".seg"))
    if not names:
        return 0
    with open(f"{folder}/seg/{names[-1]}", "rb") as file:
        file.seek(-1024, os.SEEK_END)
        return struct.unpack(">8sQQ", file.read(24))[2]


def by_source(archive, hits):
    out = collections.defaultdict(list)
    for record in archive.records:
        if record.type in (1, 2):
            hit = hits[record.index]
            out[hit["source"] if hit["source_kind"] not in ("tcp", "udp") else "tcp"].append(record.raw)
    return out


# ---- tests ----

def raw_bytes_are_what_was_sent():
    """every record's raw bytes, decoded by the pages, are those that were sent, in their order"""
    archive, hits, files, frames = made()
    got = by_source(archive, hits)
    for name, want in {**files, "tcp": frames, "ends": [b"one", b"two", b" ", b"three"]}.items():
        want = [line for line in want if line]  # an empty line is no record
        check_equal(len(got[name]), len(want), f"records of {name}; sources: {list(got)}")
        for position, (one, other) in enumerate(zip(got[name], want)):
            check(one == other, f"{name} {position}: {one[:300]!r} ({len(one)}), wanted {other[:300]!r} ({len(other)})")
    check(archive.sealed >= sum(map(len, files.values())) + len(frames), f"only {archive.sealed} records are sealed")
    check(len(archive.segments) >= 2, f"{len(archive.segments)} segments")
    check(any(segment.chains() for segment in archive.segments), "a dictionary was made")


def leaves_give_the_checkpoint():
    """leaf hashes, groups, edges, frontiers, and the root of the signed checkpoint, with hashlib alone"""
    archive = made()[0]
    for segment in archive.segments:
        segment.check_tree(archive.hashes[:segment.end])
    size = int(archive.note[1])
    check(archive.sealed <= size <= len(archive.records), f"a checkpoint of {size}, {len(archive.records)} records")
    check_equal(base64.b64encode(root_of(archive.hashes[:size])).decode(), archive.note[2], "root")


def same_text(found, value):
    """JSON shows what is no UTF-8 as U+FFFD, as many as the writer likes."""
    if is_utf8(value):
        return found == value.decode()
    return re.sub("\ufffd+", "", found) == re.sub("\ufffd+", "", value.decode("utf-8", "replace"))


def nanoseconds(text):
    """Of RFC 3339 in UTC with up to nine digits behind the point."""
    whole, _, part = text.rstrip("Z").partition(".")
    since = datetime.datetime.fromisoformat(whole) - datetime.datetime(1970, 1, 1)
    return (since.days * DAY_S + since.seconds) * 1000000000 + int((part + "0" * 9)[:9])


def events_are_those_of_search():
    """times, parser, rules, statutory and other fields of every sealed record equal those of qorgan search --json"""
    archive, hits, *_ = made()
    parsers = collections.Counter()
    for record in archive.records[:archive.sealed]:
        hit, event = hits[record.index], record.event
        about = f"record {record.index} {record.raw[:200]!r}"
        parsers[event["parser"]] += 1
        check_equal(hit["parser"], event["parser"], f"{about}: parser")
        check_equal(nanoseconds(hit["time"]), event["time"], f"{about}: time")
        check_equal(nanoseconds(hit["received"]), record.received, f"{about}: received")
        check_equal(hit["rules"], [rule.decode() for rule in event["rules"]], f"{about}: rules")
        check(same_text(hit["raw"], record.raw), f"{about}: raw")
        statutory = {name: value for name, value in event["statutory"].items() if value}
        check_equal(sorted(hit["statutory"]), sorted(statutory), f"{about}: statutory fields")
        for name, value in statutory.items():
            check(same_text(hit["statutory"][name], value), f"{about}: {name}: {value!r}, {hit['statutory'][name]!r}")
        fields = collections.defaultdict(list)
        for name, kind, value in event["fields"]:
            if kind != OBJECT:  # shown by its members
                fields[name].append(value)
        check_equal(list(hit["fields"]), list(fields), f"{about}: fields")
        for name, values in fields.items():
            found = hit["fields"][name] if len(values) > 1 else [hit["fields"][name]]
            check(len(found) == len(values) and all(map(same_text, found, values)),
                f"{about}: {name}: {values!r}, {found!r}")
    check(len(parsers) >= 4, f"several parsers were at work: {parsers}")


def filters_hold_every_word():
    """every word of bytes, fields and rules is held by the filters of block and segment; absent ones hardly"""
    archive = made()[0]
    rng = random.Random(52)
    absent = [b"%024x" % rng.getrandbits(96) for _ in range(400)]
    with_filter = 0
    for segment in archive.segments:
        all_words = set()
        for block in segment.blocks:
            words = set()
            for record in block.records:
                texts = [record.raw, *record.event["rules"], *record.event["statutory"].values()]
                texts += [value for _, _, value in record.event["fields"]]
                mine = set().union(*map(words_of, set(texts)))
                if block.filter:
                    for word in mine - words:
                        check(block.filter.may_hold(word),
                            f"a word of record {record.index}, {word!r}, of {record.raw[:300]!r}"
                              f" {[text for text in texts if word in words_of(text)][:2]!r} in its block's filter")
                words |= mine
            all_words |= words
            if block.filter:
                with_filter += 1
                held = sum(map(block.filter.may_hold, absent))
                check(held < 40, f"{held} of 400 absent words in the filter over {len(words)} words")
        if segment.filter:
            missing = [word for word in all_words if not segment.filter.may_hold(word)]
            check_equal(missing[:3], [], "words that are not in the segment's filter")
            held = sum(map(segment.filter.may_hold, absent))
            check(held < 20, f"{held} of 400 absent words in the segment's filter")
    check(with_filter >= 2, f"blocks with a filter: {with_filter}")


if __name__ == "__main__":
    raise SystemExit(main([raw_bytes_are_what_was_sent, leaves_give_the_checkpoint, events_are_those_of_search,
                           filters_hold_every_word]))
