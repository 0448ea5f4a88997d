#!/usr/bin/env python3
"""Objects with the real service: terms that days, contacts and requests begin, the questionnaire and its draft, two
people at one card, the card out and in again; and that all of it is in the archive and survives a restart."""
import calendar
import io
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zipfile

from service import QORGAN, ROOT, Service, check, check_equal, main
from web_api import Web

HOUR_NS = 3600 * 10**9


def end_of(day):
    """The end of a day five hours ahead of UTC, as nanoseconds."""
    return (calendar.timegm(time.strptime(day, "%Y-%m-%d")) + 19 * 3600) * 10**9


def moment(day, hour):
    return (calendar.timegm(time.strptime(day, "%Y-%m-%d")) + (hour - 5) * 3600) * 10**9


def clocks(web):
    card = web.ask("object.card", id=1)["object"]
    return {clock["clock"]: clock for clock in card["clocks"]}


def save(web, **members):
    answer = web.change("object.save", object={"id": 1, **members})
    check(answer["ok"], answer)


def until_state(web, clock, state):
    for _ in range(100):
        if clocks(web)[clock]["state"] == state:
            return
        time.sleep(0.2)
    check(False, f"{clock} is {clocks(web)[clock]['state']}, not {state}")


def terms():
    """days that are written down later begin and meet their terms as of then; contacts have 48 hours"""
    with Service() as service:
        web = Web(service)
        save(web, **{"class": 1, "contacts": [{"name": "Ann", "phone": "1"}], "industrial_day": "2026-03-05",
                     "critical": True, "critical_day": "2026-03-05"})
        running = clocks(web)
        # ten working days after 5 March 2026: 7-8 March are a week-end, 9 March is off for the 8th
        check_equal(running["M-01"]["due_ns"], end_of("2026-03-20"), "M-01")
        check_equal(running["M-27"]["due_ns"], end_of("2026-06-03"), "M-27: ninety days")
        check_equal(running["U-08"]["due_ns"], end_of("2027-03-05"), "U-08: one year")
        check("52/НҚ" in running["M-01"]["explanation"]["kk"], running["M-01"]["explanation"])
        until_state(web, "M-01", "overdue")  # nobody has said yet that it was told
        done = web.change("object.act", id=1, act="told_operation", note="letter 12", at_ns=moment("2026-03-19", 10))
        check(done["ok"] and done["met"] == 1, done)
        check_equal(clocks(web)["M-01"]["met_ns"], moment("2026-03-19", 10), "when it was told")
        refused = web.change("object.act", id=1, act="told_operation", note="letter 12")
        check_equal(refused["error"], "state_refuses", "told twice")
        begin = time.time_ns()
        save(web, contacts=[{"name": "Bob", "phone": "2"}])
        contact = clocks(web)["M-24"]
        check(begin <= contact["trigger_ns"] <= time.time_ns(), "M-24 begins with the change")
        check_equal(contact["due_ns"] - contact["trigger_ns"], 48 * HOUR_NS, "M-24")
        check(web.change("object.act", id=1, act="told_contacts", note="mail to STS")["ok"], "told")
        check_equal(clocks(web)["M-24"]["state"], "met", "M-24 after that")
        check_equal(told(service, 'type:lifecycle "object.told_contacts"', 1)[0]["detail"], "mail to STS", "its record")
        late = [record["late"] for record in told(service, 'type:lifecycle "clock.met"', 2)]
        check_equal(late, [False, False], "neither was late")
        service.stop()
        service.start()
        web = Web(service)
        check_equal((clocks(web)["M-24"]["state"], clocks(web)["U-08"]["state"]), ("met", "running"), "after a restart")
        service.quiet()


def told(service, query, count):
    """What the archive wrote of itself, once there is so much of it."""
    for _ in range(100):
        hits = service.search(query)
        if len(hits) >= count:
            return [json.loads(hit["raw"]) for hit in hits]
        time.sleep(0.2)
    check(False, f"{query}: {len(hits)} of {count}")


def field(page, name):
    return re.search(f'name="{name}" value="([^"]*)"', page).group(1)


def two_people():
    """the one who was slower is told, sees both values, loses nothing, and decides"""
    with Service() as service:
        first = Web(service)
        second = Web(service)
        _, _, page = second.request("GET", "/objects/1/card")
        seen = field(page, "seen")
        check_equal(first.form("/objects/1/card", act="save", seen=seen, draft_ns=0, f_name="qorgan", f_city="Astana"),
                    "/objects/1/card?saved=1", "the first")
        body = urllib.parse.urlencode({"csrf": field(page, "csrf"), "act": "save", "seen": seen, "draft_ns": 0,
                                       "f_name": "qorgan", "f_city": "Almaty", "f_street": "Abay 1"})
        head = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, page = second.request("POST", "/objects/1/card", body, head)
        check_equal(status, 409, "the second")
        check('value="Almaty"' in page and 'value="Abay 1"' in page, "what the second typed")
        check(">Astana</td>" in page and ">Almaty</td>" in page, "what differs")
        check_equal(first.ask("object.export", id=1)["object"]["fields"]["city"], "Astana", "what stands")
        body = body.replace(f"seen={seen}", f"seen={field(page, 'seen')}")
        check_equal(second.request("POST", "/objects/1/card", body, head)[0], 303, "the second, who has seen it")
        check_equal(first.ask("object.export", id=1)["object"]["fields"]["city"], "Almaty", "what stands then")
        changes = [record["changes"] for record in told(service, 'type:lifecycle "object.saved"', 2)]
        check({"field": "city", "was": "Astana", "now": "Almaty"} in sum(changes, []), changes)
        service.quiet()


def drafts():
    """a draft holds nothing until it is saved, is there for the next, and outlives what others change meanwhile"""
    with Service() as service:
        web = Web(service)
        web.form("/objects/1/card", act="draft", seen=0, draft_ns=0, f_name="qorgan", f_city="Aktau")
        card = web.ask("object.card", id=1)["object"]
        check_equal((card["fields"]["city"], card["draft"]["card"]["fields"]["city"]), ("", "Aktau"), "card and draft")
        _, _, page = web.request("GET", "/objects/1/card")
        check('value="Aktau"' in page, "the draft in the form")
        _, _, paper = web.request("GET", "/objects/1/annex1")
        check("Aktau" not in paper, "no draft on paper")
        save(web, contacts=[{"name": "Ann"}])
        _, _, page = web.request("GET", "/objects/1/card")
        check('value="Aktau"' in page, "the draft, after somebody else's change")
        body = {"csrf": field(page, "csrf"), "act": "save", "f_name": "qorgan", "f_city": "Aktau",
                "reason": "filled in", "seen": field(page, "seen"), "draft_ns": field(page, "draft_ns")}
        head = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, page = web.request("POST", "/objects/1/card", urllib.parse.urlencode(body), head)
        check_equal(status, 409, "who wrote the draft had not seen that change")
        check('value="Aktau"' in page, "what was typed")
        web.form("/objects/1/card", **{**body, "seen": field(page, "seen")})
        card = web.ask("object.card", id=1)["object"]
        check_equal((card["fields"]["city"], card["draft"], card["version"]), ("Aktau", None, 2), "after that")
        check_equal(web.ask("object.versions", id=1)["versions"][0]["reason"], "filled in", "its reason")
        service.quiet()


def out_and_in():
    """a card goes out as a file and comes in elsewhere; first what would change is shown, then it is accepted"""
    with Service() as service, Service() as other:
        web, far = Web(service), Web(other)
        save(web, name="Портал", means=[{"kind": "technical", "name": "<b>server", "addresses": "192.0.2.1"}],
             fields={"city": "Астана \"1\""}, documents=[{"title": "Scheme", "kind": "logical_scheme"}])
        _, headers, text = web.request("GET", "/objects/1/export.json")
        check("attachment" in headers["Content-Disposition"], headers)
        _, _, page = far.request("GET", "/objects/1/exchange")
        head = {"Content-Type": "application/x-www-form-urlencoded"}
        fields = {"csrf": field(page, "csrf"), "card": text}
        see = urllib.parse.urlencode({**fields, "act": "see"})
        status, _, page = far.request("POST", "/objects/1/exchange", see, head)
        check_equal(status, 200, "what would change")
        check("Портал" in page and "&lt;b&gt;server" in page and "<b>server" not in page, "what would change")
        check_equal(far.ask("object.card", id=1)["object"]["version"], 0, "nothing yet")
        fields.update(act="accept", seen=field(page, "seen"), reason="moved")
        status, _, _ = far.request("POST", "/objects/1/exchange", urllib.parse.urlencode(fields), head)
        check_equal(status, 303, "accepted")
        check_equal(far.request("GET", "/objects/1/export.json")[2], text, "the same card")
        wrong = json.loads(text)
        wrong["format"] = "qorgan.object/9"
        refused = far.change("object.save", object={**wrong, "id": 1})
        check_equal((refused["error"], refused["field"]), ("invalid", "format"), "another format")
        service.quiet()
        other.quiet()


def card_of(path, status=0):
    done = subprocess.run([QORGAN, "object-card", path], capture_output=True, text=True, check=False, timeout=60)
    check_equal(done.returncode, status, f"{path}: {done.stderr}")
    return done.stdout, done.stderr


def spreadsheets():
    """the exported workbook, read by the command and taken in, changes nothing; a stranger's is refused in words"""
    with Service() as service, tempfile.TemporaryDirectory() as folder:
        web = Web(service)
        save(web, name="Портал", means=[{"kind": "software", "name": "=1+1", "addresses": "192.0.2.1"}],
             contacts=[{"name": "Ann", "since": "2025-01-15"}], fields={"city": "a & <b>", "level": "high"},
             industrial_day="2026-03-05")
        request = urllib.request.Request(f"{web.origin}/objects/1/export.xlsx")
        request.add_header("Cookie", "; ".join(f"{key}={value}" for key, value in web.cookies.items()))
        with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as answer:
            bytes_ = answer.read()
        path = os.path.join(folder, "card.xlsx")
        with open(path, "wb") as file:
            file.write(bytes_)
        check(zipfile.ZipFile(io.BytesIO(bytes_)).testzip() is None, "others read it, too")
        card = json.loads(card_of(path)[0])
        check_equal(card["means"][0]["name"], "=1+1", "a text and no formula")
        answer = web.change("object.save", object={**card, "id": 1}, dry=True)
        check_equal((answer["ok"], answer["changes_count"]), (True, 0), f"nothing changes: {answer}")
        rows = [(b"", "xlsx"), (b"PK\x03\x04", ""), (bytes_[:-30], ""), (b"x" * 1000, "")]
        for content, words in rows:
            with open(path, "wb") as file:
                file.write(content)
            said = card_of(path, 1)
            check(words in said[1] or said[1], said)
            check_equal(said[0], "", "nothing printed")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:  # 200 MiB of blanks in 200 KiB
            file.writestr("xl/workbook.xml", b"<workbook>" + b" " * (200 << 20))
        check(os.path.getsize(path) < 1 << 20, "a small one")
        check_equal(card_of(path, 1)[0], "", "a bomb")
        seed = os.path.join(ROOT, "fuzz", "codec_xlsx", "shared")
        check(card_of(seed, 1)[1] != "", "a table that is no card")
        service.quiet()


if __name__ == "__main__":
    sys.exit(main([terms, two_people, drafts, out_and_in, spreadsheets]))
