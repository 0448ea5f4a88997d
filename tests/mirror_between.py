#!/usr/bin/env python3
"""A mirror and its server with somebody between them who changes answers or waits; what comes back to the server."""
import base64
import glob
import hashlib
import http.server
import json
import os
import signal
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

import packing
import retention
from deleted import check_deleted
from mirror import Mirror, api, crc32c, witness_key
from reader import SECTIONS
from service import QORGAN, VERIFY, Service, check, check_equal, main
from web_api import Web
from witness import Witness, folder as witness_folder


class Between:
    """Stands between a mirror and its server, under the server's certificate. `change(what, query, ask)` gives status
    and body of an answer to /mirror/v1/WHAT, or None for the server's own; `ask()` gives the server's."""

    def __init__(self, service, change):
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, body=None):
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                url = urllib.parse.urlsplit(self.path)
                query = {name: int(value) for name, value in urllib.parse.parse_qsl(url.query)}

                def ask(path=self.path):
                    return api(service, path, self.command, token, body)

                status, out = between.change(url.path.removeprefix("/mirror/v1/"), query, ask) or ask()
                self.send_response(status)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            def do_GET(self):
                self.answer()

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.change = change
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(service.data + "/keys/tls.crt", service.data + "/keys/tls.key")
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def delete(service, firsts):
    """Two people let these segments go, and they go."""
    service.admit("ann", "bob")
    service.may()
    check(service.propose("ann", firsts)["ok"], "ann proposes")
    check(service.decide("approve", "bob", 1)["ok"], "bob approves")
    service.until("the proposal is carried out", lambda now: retention.proposal(now, 1)["state"] == "done")
    service.people.clear()


def seg_names(data, suffix):
    return [int(os.path.basename(path)[:16], 16) for path in sorted(glob.glob(data + "/archive/seg/*" + suffix))]


def left_of(segment, record):
    """The tombstone of a segment's file that names that record: doc/format/segment.md."""
    with open(segment, "rb") as file:
        data = file.read()
    footer, kept, sections = data[-1024:], 0, b""
    for number, name in enumerate(SECTIONS, 1):
        _, _, at, length = struct.unpack_from(">IIQQ", footer, 72 + 56 * (number - 1))
        if name in ("header", "groups", "edges", "frontiers", "sources"):
            kept |= 1 << number
            sections += data[at:at + length]
    mark = struct.pack(">8sHHIQQ28x", b"QORGGON\n", 1, 0, kept, record, struct.unpack_from(">Q", footer, 8)[0])
    return mark + struct.pack(">I", crc32c(mark)) + sections + footer


def begins_after_a_deletion():
    """what the server deleted comes as tombstones to who had not fetched it; who has it keeps it"""
    records = sum(retention.SEGMENTS[1::2])
    with retention.Old() as service, Mirror(service, "early") as early, Mirror(service, "half") as half:
        early.once_until(records)

        def only_the_first(what, query, _):
            return (503, b"{}") if what == "segment" and query["first"] else None

        with Between(service, only_the_first) as half.between:
            half.once(status=1)
        half.between = None
        check_equal(seg_names(half.data, ".seg"), [0], "what one mirror has before")
        delete(service, [0, 400])
        with Mirror(service, "late") as late:
            with Between(service, lambda what, *_: (503, b"{}") if what == "segment" else None) as late.between:
                late.once(status=1)
            late.between = None
            check_equal([seg_names(late.data, suffix) for suffix in (".stone", ".gone", ".seg")], [[0, 400], [], []],
                        "tombstones that wait for the segment behind them")
            check_equal(late.run("verify")[0], 0, "qorgan verify meanwhile")
            check(b".stone" not in late.run("doctor", "--json")[1], "they are no finding of doctor's")
            for mirror, gone, kept in ((early, [], [0, 400]), (half, [400], [0]), (late, [0, 400], [])):
                mirror.once_until(records)
                held = seg_names(mirror.data, ".seg")
                check_equal(seg_names(mirror.data, ".gone"), gone, f"tombstones of {mirror.name}")
                check_equal([first for first in (0, 400) if first in held], kept, f"segments of {mirror.name}")
                check(700 in held and not glob.glob(mirror.data + "/archive/seg/*.stone"), f"{mirror.name}: {held}")
                mirror.good()
                check_equal(mirror.alarms(), [], f"alarms of {mirror.name}")
            check_equal([stone.first for stone in check_deleted(late.data + "/archive")], [0, 400],
                        "what a second reader of the format sees")
            for first in (0, 400):
                name = f"/archive/seg/{first:016x}.gone"
                check_equal(packing.file_of(late.data + name), packing.file_of(service.data + name), "the same bytes")
            done = subprocess.run([QORGAN, "search", "--data", late.data, "--limit", "1000", "user=u1"],
                                  capture_output=True, check=False, timeout=60)
            check(b"were deleted" in done.stderr, f"search on the mirror: {done.stderr}")
            check_equal(len(early.run("search", "--json", "--limit", "1000", "user=u1")[1].splitlines()) >
                        len(done.stdout.splitlines()), True, "who has it finds it")
            status, proof = late.run("proof", "--plain", "800")
            check_equal(status, 0, "a proof of what is left")
            with open(late.data + "/p", "wb") as out:
                out.write(proof)
            done = subprocess.run([VERIFY, "--vkey", late.key, "--proof", late.data + "/p"], check=False,
                                  capture_output=True)
            check_equal(done.returncode, 0, "qorgan-verify of it")
            service.quiet()
            service.stop()
            heir = Service(data=late.data, site="test.example")
            try:
                heir.start(arguments=("--new-instance",))
                check(heir.wait_for("user=u1", 1), "the records are there")
                check_equal(heir.audit()[0], 0, "the auditor: " + heir.audit()[1])
            finally:
                heir.stop()
                heir.kill()


def believes_no_deletion_without_its_record():
    """a server that hides a segment, or changes what proves a deletion, is refused, and nothing is kept"""
    with retention.Old() as service:
        delete(service, [0, 400])
        record = next(hit for hit in service.search("type:retention") if f'"first":0,' in hit["raw"])["record"]
        real = sorted(glob.glob(service.data + "/archive/seg/*.seg"))[0]
        lie = left_of(real, record)
        footer = base64.b64encode(hashlib.sha256(lie[-1024:]).digest()).decode()
        end = struct.unpack_from(">Q", lie[-1024:], 16)[0]

        def changed(what, at, digit=False):
            """a byte of an answer is another; a digit of a hash is another digit, for what is none is not understood"""
            def change(asked, _, ask):
                if asked != what:
                    return None
                status, body = ask()
                other = ord("1" if body[at] == ord("0") else "0") if digit else body[at] ^ 1
                return status, body[:at] + bytes([other]) + body[at + 1 if at != -1 else len(body):]
            return change

        def given(number):
            def change(what, query, ask):
                size = query.get("size")
                return ask(f"/mirror/v1/retention?record={number}&size={size}") if what == "retention" else None
            return change

        def none(what, _query, _ask):
            return (404, b'{"ok":false,"error":"no_page"}') if what == "tombstones" else None

        def hides(what, query, ask):
            if what in ("segments", "tombstones"):
                status, body = ask()
                answer = json.loads(body)
                answer["segments"] = [row for row in answer.get("segments", []) if row["first"] != 700]
                if what == "tombstones" and query["from"] < end:
                    answer["tombstones"].append({"first": 700, "end": end, "size": len(lie), "footer": footer,
                                                 "record": record})
                return status, json.dumps(answer).encode()
            if what == "tombstone" and query["first"] == 700:
                return 200, b'{"ok":true}\n' + lie[query["offset"]:query["offset"] + query["size"]]
            return None

        rows = [(changed("tombstone", -1), "segment", "is refused"),
                (changed("tombstone", 300), "segment", "is refused"),
                (changed("retention", -1), "segment", "does not vouch"),
                (changed("retention", 60, digit=True), "segment", "is refused"),
                (given(record + 1), "segment", "it is another record"),
                (given(0), "segment", "no retention record"), (none, "gap", "not copied yet"),
                (hides, "segment", "does not vouch")]
        for number, (change, alarm, text) in enumerate(rows):
            with Mirror(service, f"m{number}") as mirror, Between(service, change) as mirror.between:
                row, trouble = mirror.once_alarm()
                check_equal(row["alarm"], alarm, f"{number}: {row} {trouble}")
                check(text in trouble, f"{number}: {trouble}")
                check_equal([seg_names(mirror.data, suffix) for suffix in (".seg", ".gone")], [[], []], "what is kept")
                check_equal([line["alarm"] for line in mirror.alarms()], [alarm], "the file of alarms")
                mirror.between = None
                row, _ = mirror.once()
                check_equal((row["ok"], seg_names(mirror.data, ".gone")), (True, [0, 400]), "the server itself")
        with Mirror(service, "has") as mirror:  # who holds the segment keeps it, whatever the server says
            mirror.once()
            before = mirror.tree()
            with Between(service, hides) as mirror.between:
                row, trouble = mirror.once()
            mirror.between = None
            check(row["ok"] and all(mirror.tree()[name] == data for name, data in before.items() if "/seg/" in name),
                  f"it stays: {row} {trouble}")
            mirror.good()

            def unproven(what, _query, _ask):
                return (404, b'{"ok":false,"error":"not_found"}') if what == "consistency" else None

            before = mirror.tree()
            with Between(service, unproven) as mirror.between:  # as if what it has seen last were deleted
                row, trouble = mirror.once_alarm()
            check(row["alarm"] == "gap" and "begin a new mirror" in trouble, f"nothing shows it: {row} {trouble}")
            check_equal(mirror.tree(), before, "nothing of the copy changed")


def until(what, condition, wait=40):
    deadline = time.time() + wait
    while not condition():
        check(time.time() < deadline, "in time: " + what)
        time.sleep(0.3)


def cosigns_for_the_server():
    """a mirror's cosignature comes back and counts for the server's quorum; one that is false or unknown does not"""
    with witness_folder() as (path, started):
        service = Service(data=os.path.join(path, "data"), witness_interval_s=2)
        service.start()
        service.stop()
        witness = Witness(os.path.join(path, "w1"), "w1.test", service.public_key())
        started.append(witness)
        witness.start()
        key, stranger = os.path.join(path, "m.key"), os.path.join(path, "x.key")
        vkey = witness_key(key, "m.test/site-b")
        witness_key(stranger, "x.test/site-c", 7)
        policy = os.path.join(path, "policy")
        with open(policy, "w", encoding="ascii") as out:
            out.write(f"log {service.public_key()}\nwitness one {witness.vkey} {witness.url}\n"
                      f"witness mirror {vkey}\ngroup both 2 one mirror\nquorum both\n")
        service.settings["witness-policy"] = policy
        cosigned = service.data + "/archive/checkpoints/cosigned"
        try:
            service.start()
            with Mirror(service) as mirror, Mirror(service, "other") as other:
                web = Web(service)

                def states():
                    return {row["name"]: row["state"] for row in web.ask("witness.list")["witnesses"]}

                other.extra = ["--witness-key", stranger]
                other.start()
                until("the unknown key is told", lambda: "does not name" in service.read_log())
                token = open(mirror.token_file, encoding="ascii").read().strip()
                lie = json.dumps({"size": web.ask("witness.list")["quorum"]["round"], "line": "\u2014 m.test/site-b " +
                                  base64.b64encode(bytes(76)).decode() + "\n"})
                for _ in range(3):
                    check_equal(api(service, "/mirror/v1/cosign", "POST", token, lie)[0], 200, "handed on")
                until("a false one is told", lambda: "cosignature is refused" in service.read_log())
                for bad in ("{}", '{"size":0,"line":"x"}', json.dumps({"size": 5, "line": "\u2014 a b\nc\n"}),
                            json.dumps({"size": 5, "line": "\u2014 " + "a" * 600 + "\n"})):
                    check_equal(api(service, "/mirror/v1/cosign", "POST", token, bad)[0], 422, f"refused: {bad[:60]}")
                check_equal(api(service, "/mirror/v1/cosign", "POST", token, "[]")[0], 400, "no object")
                check_equal(api(service, "/mirror/v1/cosign", "POST", "x", lie)[0], 401, "without a token")
                check(not os.path.exists(cosigned), "nobody has reached the quorum")
                check_equal(states()["mirror"], "new", f"it is awaited: {states()}")
                mirror.key = None
                mirror.extra = ["--witness-key", key, "--policy", policy]
                mirror.start()
                until("the quorum is reached", lambda: os.path.exists(cosigned))
                with open(cosigned, encoding="utf-8") as file:
                    note = file.read()
                check("\u2014 m.test/site-b " in note and "\u2014 w1.test " in note, f"both lines: {note}")
                check("x.test" not in note, "and no other")
                until("both are shown", lambda: states() == {"one": "good", "mirror": "good"})
                quorum = web.ask("witness.list")["quorum"]
                check(quorum["asked"] and not quorum["lost"] and quorum["size"] > 0, f"the quorum: {quorum}")
                until("the mirror keeps what the quorum vouched for",
                      lambda: os.path.exists(mirror.data + "/archive/checkpoints/cosigned"))
                check_equal(mirror.kill(15), 0, "a mirror that is told to stop")
                other.kill()
                for data in (service.data, mirror.data):
                    done = subprocess.run([VERIFY, "--data", data + "/archive", "--policy", policy], check=False,
                                          capture_output=True, text=True, timeout=120)
                    check_equal(done.returncode, 0, f"qorgan-verify of {data}: {done.stdout}{done.stderr}")
                for text in ("cosignature is refused", "does not name"):
                    check_equal(service.read_log().count(text), 1, f"said once: {text}")
                service.stop()
        finally:
            service.kill()


PIECE = 20000  # bytes of a part here, so that a segment has several


def fetches_again_what_changes_under_its_hands():
    """a segment that is replaced between two parts, or before the first, is fetched once more, and is no alarm"""
    with packing.Old() as service:
        for pid in service.pids("packer"):
            os.kill(pid, signal.SIGSTOP)
        before = packing.segments_of(service)
        check(all(len(before[first]) > 2 * PIECE for first in packing.COLD), "each has several parts")
        asked = []

        def change(what, query, ask):
            asked.append((what, query.get("first", query.get("from")), query.get("offset")))
            if what != "segment":
                return None
            place = query["first"], query["offset"]
            if place == (packing.COLD[0], PIECE) and not service.changed(packing.COLD, before):
                for pid in service.pids("packer"):
                    os.kill(pid, signal.SIGCONT)
                service.until_packed(before)  # the first part was the former file's
            return ask(f"/mirror/v1/segment?first={place[0]}&offset={place[1]}&size={PIECE}")

        with Mirror(service) as mirror, Between(service, change) as mirror.between:
            row, trouble = mirror.once()
            check(row["ok"] and row["records"] >= sum(packing.SEGMENTS[1::2]), f"{row} {trouble}")
            for first in packing.COLD:
                begun = [at for at, question in enumerate(asked) if question == ("segment", first, 0)]
                check_equal(len(begun), 2, f"times that {first} was begun")
                check(("segments", first, None) in asked[begun[0]:begun[1]], f"the list was asked again for {first}")
                mine = packing.file_of(mirror.data + f"/archive/seg/{first:016x}.seg")
                check_equal(mine == packing.file_of(service.path(first)), True, f"the present file of {first}")
            for first in packing.HOT:
                check_equal(asked.count(("segment", first, 0)), 1, f"times that {first} was begun")
            check_equal(mirror.alarms(), [], "alarms")
            check_equal(glob.glob(mirror.data + "/archive/seg/*.part"), [], "parts that are left")
            mirror.between = None
            mirror.good()
        service.quiet()


def does_not_fetch_for_ever():
    """bytes that never fit, under a footer that is another each time, are fetched three times, then an alarm"""
    with packing.Old() as service:
        for pid in service.pids("packer"):
            os.kill(pid, signal.SIGSTOP)
        begun = 0

        def change(what, query, ask):
            nonlocal begun
            status, body = ask()
            if what == "segments":
                answer = json.loads(body)
                for row in answer["segments"]:
                    if row["first"] == 2000:
                        row["footer"] = base64.b64encode(bytes([begun]) * 32).decode()
                return status, json.dumps(answer).encode()
            begun += what == "segment" and query["first"] == 2000 and query["offset"] == 0
            return status, body

        with Mirror(service) as mirror, Between(service, change) as mirror.between:
            row, trouble = mirror.once_alarm()
            check_equal((row["alarm"], begun), ("segment", 3), f"alarm, times that it was begun: {row} {trouble}")
            check_equal(seg_names(mirror.data, ".seg"), [0], "what is kept")
            check_equal(glob.glob(mirror.data + "/archive/seg/*.part"), [], "parts that are left")


if __name__ == "__main__":
    sys.exit(main([begins_after_a_deletion, believes_no_deletion_without_its_record, cosigns_for_the_server,
                   fetches_again_what_changes_under_its_hands, does_not_fetch_for_ever]))
