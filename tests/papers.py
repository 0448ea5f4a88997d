#!/usr/bin/env python3
"""papers.py - proof sheets, completeness certificates and exports of a running service, checked by qorgan-verify and by
code of this file's own; each kind of change to each file is refused. Prints TAP."""
import base64
import csv
import datetime
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import QORGAN, VERIFY, Service, check, check_equal, main  # noqa: E402

HOSTILE = [b"plain <13>1", b'semi;colon "quoted", comma', b"back\\slash \\x41", b"\x01\x1b[2J control", b"\xff\xfe bad",
           "қазақша \u202e turned".encode(), b"x" * 70000]


def verify(service, *arguments, language="en_US.UTF-8"):
    done = subprocess.run([VERIFY, "--vkey", service.public_key(), *arguments], capture_output=True, text=True,
                          check=False, env={**os.environ, "LC_ALL": language}, timeout=120)
    return done.returncode, done.stdout + done.stderr


def changed_is_refused(service, path, *arguments, step=7):
    """Every step-th line of a file with one bit turned, and the line left out: never proven."""
    with open(path, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    for number in range(0, len(lines), step):
        for kind in ("changed", "removed"):
            line = lines[number]
            middle = len(line) // 2
            other = line[:middle] + bytes([line[middle] ^ 1]) + line[middle + 1:] if kind == "changed" else b""
            with open(path + ".x", "wb") as file:
                file.write(b"".join(lines[:number] + [other] + lines[number + 1:]))
            status, out = verify(service, *arguments, path + ".x")
            check(status != 0, f"{path}: line {number + 1} {kind} is accepted: {out}")


def filled(service):
    path = os.path.join(service.data, "in.log")
    with open(path, "wb") as file:
        file.write(b"\n".join(HOSTILE) + b"\n")
        file.writelines(b"<34>1 2026-11-27T10:00:%02dZ web1 sshd 1 - - Failed password for root from 10.0.0.%d port 1 "
                        b"ssh2\n" % (i % 60, i % 250) for i in range(600))
    service.run("ingest", "--name", "the; source", path)
    hits = service.wait_for("", 600 + len(HOSTILE))
    deadline = time.time() + 20
    while service.run("proof", "--plain", str(max(hit["record"] for hit in hits)), check=False).returncode:
        check(time.time() < deadline, "a checkpoint covers the records")
        time.sleep(0.3)
    return sorted(hit["record"] for hit in hits)


def today():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=5)).strftime("%Y-%m-%d")


def sheets():
    """a sheet of many records in three languages, hostile ones and a large one among them; changes are refused"""
    with Service() as service, tempfile.TemporaryDirectory() as folder:
        records = filled(service)
        path = os.path.join(folder, "sheet")
        for language, word in (("kk", "ДӘЛЕЛДЕМЕСІ"), ("ru", "ДОКАЗАТЕЛЬСТВО"), ("en", "PROOF")):
            service.run("proof", *map(str, records[:8]), "--lang", language, "--out", path)
            with open(path, encoding="utf-8", newline="\n") as file:
                text = file.read()
            check(word in text, f"{language}: {text[:200]}")
            check("the; source (import)" in text and "+05:00 (UTC " in text, "source and times")
            check("\x1b" not in text and "\u202e" not in text, "nothing that a terminal obeys")
            status, out = verify(service, "--proof", path)
            check_equal(status, 0, out)
        changed_is_refused(service, path, "--proof", step=53)
        service.run("proof", "--plain", str(records[0]), "--out", path)
        check_equal(verify(service, "--proof", path)[0], 0, "a C2SP proof alone")
        check_equal(service.run("proof", "--lang", "de", "1", check=False).returncode, 2, "a language")
        check_equal(service.run("proof", "--zone", "5", "1", check=False).returncode, 2, "a zone")
        service.quiet()


def certificates():
    """a day's certificate is sealed in the log and recounted from the archive; changes are refused"""
    with Service() as service, tempfile.TemporaryDirectory() as folder:
        filled(service)
        path = os.path.join(folder, "certificate")
        service.run("certificate", "--source", "the; source", "--date", today(), "--lang", "ru", "--out", path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check(f"1..{600 + len(HOSTILE)} = {600 + len(HOSTILE)}" in text, text[:3000])
        status, out = verify(service, "--certificate", path, "--json")
        check_equal(status, 0, out)
        body = text[:text.index("-----BEGIN QORGAN SEAL-----")].encode()
        sealed = service.search(f"record:{json.loads(out)['sealed_in']}")
        check_equal(sealed[0]["type"], "lifecycle", "the seal's record")
        check_equal(json.loads(sealed[0]["raw"])["sha256"], hashlib.sha256(body).hexdigest(), "its SHA-256")
        status, out = verify(service, "--certificate", path, "--data", os.path.join(service.data, "archive"))
        check_equal(status, 0, out)
        changed_is_refused(service, path, "--certificate", step=3)
        service.run("certificate", "--source", "the; source", "--date", today(), "--unsealed", "--out", path)
        check_equal(verify(service, "--certificate", path)[0], 1, "without seal and archive")
        check_equal(verify(service, "--certificate", path, "--data", os.path.join(service.data, "archive"))[0], 0,
                    "without seal, recounted")
        for wrong in (["--certificate", path + ".none"], ["--certificate", path, "--data", path + ".none"],
                      ["--certificate", path, "--master-key", path], ["--export", path + ".none"],
                      ["--certificate", path, "--data", os.path.join(service.data, "archive"), "--master-key",
                       path + ".none"]):
            check_equal(verify(service, *wrong)[0], 2, f"nothing to judge: {wrong}")
        for wrong in (["--source", "nobody", "--date", today()],):
            check_equal(service.run("certificate", *wrong, check=False).returncode, 1, str(wrong))
        check_equal(service.run("certificate", "--source", "x", "--date", "27.11.2026", check=False).returncode, 2,
                    "a day")
        together = [subprocess.Popen([QORGAN, "certificate", "--data", service.data, "--source", "the; source",
                                      "--date", today(), "--zone", f"+{hour:02}:00", "--out", f"{path}.{hour}"])
                    for hour in range(5)]
        check_equal([one.wait(60) for one in together], [0] * 5, "papers made at once")
        for hour in range(5):
            status, out = verify(service, "--certificate", f"{path}.{hour}")
            check_equal(status, 0, out)
        service.stop()
        done = service.run("certificate", "--source", "the; source", "--date", today(), check=False)
        check_equal(done.returncode, 1, "without a service")
        check(b"service does not run" in done.stderr, done.stderr.decode())


def forks():
    """a certificate is not recounted from another history that the same key signed"""
    with Service() as service, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # the processes that gave up root must reach the copy
        filled(service)
        service.stop()
        other = Service(os.path.join(folder, "data"), **{"log-file-mib": 4})
        subprocess.run(["cp", "-a", service.data, other.data], check=True)
        path = os.path.join(folder, "certificate")
        for running, lines in ((service, 10), (other, 3000)):
            running.start()
            try:
                with open(path + ".log", "wb") as file:
                    file.writelines(b"line %d of %d\n" % (i, lines) for i in range(lines))
                running.run("ingest", "--name", "fork", path + ".log")
                if running is service:
                    last = max(hit["record"] for hit in running.wait_for("source:fork", lines))
                    running.proof(last, path + ".proof")  # once a checkpoint covers what only this history has
                    running.run("certificate", "--source", "the; source", "--date", today(), "--out", path)
            finally:
                running.stop()
        archive = os.path.join(service.data, "archive")
        status, out = verify(service, "--certificate", path, "--data", archive)
        check_equal(status, 0, out)
        status, out = verify(service, "--certificate", path, "--data", os.path.join(other.data, "archive"))
        check_equal(status, 1, out)
        check("are not those of the certificate's checkpoint" in out, out)
        with open(path, "rb") as file:
            text = file.read()
        with open(path, "wb") as file:  # without its seal, which alone would tell
            file.write(text[:text.index(b"-----BEGIN QORGAN SEAL-----")])
        status, out = verify(service, "--certificate", path, "--data", os.path.join(other.data, "archive"))
        check(status == 1 and "are not those of the certificate's checkpoint" in out, out)


def leaf_hash_node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def rebuild_root(rows, size):
    """The root from rows ("f", hash) and ("r", number, hash), by the description in doc/format/export.md."""
    stack, position = [], 0

    def push(height, value):
        while stack and stack[-1][0] == height:
            value, height = leaf_hash_node(stack.pop()[1], value), height + 1
        stack.append((height, value))

    numbers = [row[1] for row in rows if row[0] == "r"] + [size]
    for row in rows:
        if row[0] == "r":
            check_equal(row[1], position, "a record's place")
            push(0, row[2])
            position, numbers = position + 1, numbers[1:]
            continue
        height = (numbers[0] - position).bit_length() - 1
        while position % (1 << height):
            height -= 1
        push(height, row[1])
        position += 1 << height
    check_equal(position, size, "the tree's size")
    value = stack.pop()[1]
    while stack:
        value = leaf_hash_node(stack.pop()[1], value)
    return value


def export_by_hand(path):
    """An export and its proof, checked without any code of the product's."""
    with open(path + ".proof", "rb") as file:
        proof = file.read()
    body = proof[:proof.index(b"-----BEGIN QORGAN SEAL-----")]
    head, rest = body.split(b"\nnote ", 1)
    length, rest = rest.split(b"\n", 1)
    note, rest = rest[:int(length)], rest[int(length):]
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    marks = [hashlib.sha256(line + b"\n").hexdigest()[:16].encode() for line in lines]
    heads = [line.split()[1] for line in head.split(b"\n") if line.startswith(b"head ")]
    rows = [line.split(b" ") for line in rest.split(b"\n") if line]
    end = rows.pop()
    check_equal(heads + [row[3] for row in rows if row[0] == b"r"], marks, "each line's mark")
    whole = b"".join(line + b"\n" for line in lines)
    check_equal(end, [b"end", str(len(lines) - len(heads)).encode(), str(len(whole)).encode(),
                      hashlib.sha256(whole).hexdigest().encode()], "the end")
    _, size, root = note.split(b"\n")[:3]
    parsed = [("f", base64.b64decode(row[1])) if row[0] == b"f" else ("r", int(row[1]), base64.b64decode(row[2]))
              for row in rows]
    check_equal(rebuild_root(parsed, int(size)), base64.b64decode(root), "the root")
    return hashlib.sha256(body).hexdigest()


def bytes_of(visible):
    """What a value's visible form stands for."""
    out, at, text = bytearray(), 0, visible.encode()
    while at < len(text):
        if text[at:at + 2] == b"\\x":
            out.append(int(text[at + 2:at + 4], 16))
            at += 4
        else:
            out.append(text[at])
            at += 2 if text[at:at + 2] == b"\\\\" else 1
    return bytes(out)


def exports():
    """statutory, CSV and JSON lines: hostile values come back, files split, proofs hold, changes are named"""
    with Service() as service, tempfile.TemporaryDirectory() as folder:
        filled(service)
        query = ""  # all that came from outside, and nothing that Qorgan wrote
        for form, name in (("statutory", "export-os.txt"), ("csv", "export-os.csv"), ("json", "export-os.jsonl")):
            service.run("export", "--out", folder, "--format", form, "--lang", "ru", query)
            path = os.path.join(folder, name)
            status, out = verify(service, "--export", path, "--json")
            check_equal(status, 0, out)
            sealed = service.search(f"record:{json.loads(out)['sealed_in']}")
            check_equal(json.loads(sealed[0]["raw"])["sha256"], export_by_hand(path), "the seal's SHA-256")
        with open(os.path.join(folder, "export-os.csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        check_equal([bytes_of(row[-1]) for row in rows[1:1 + len(HOSTILE)]], HOSTILE, "raw values come back from CSV")
        with open(os.path.join(folder, "export-os.jsonl"), encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        check_equal([base64.b64decode(e["raw_base64"]) if "raw_base64" in e else e["raw"].encode()
                     for e in events[:len(HOSTILE)]], HOSTILE, "raw values come back from JSON")
        with open(os.path.join(folder, "export-os.txt"), encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, delimiter=";"))
        check_equal(lines[0], ["дата", "время", "имя хоста", "описание события"], "the heading")
        check(all(len(line) == 4 for line in lines), "four columns in each line")
        check_equal(lines[-1][:3], ["27:11:2026", "15:00:59", "web1"], "date, time, host")
        whole = open(os.path.join(folder, "export-os.txt"), "rb").read().splitlines(keepends=True)
        for what, change in (("line 100 of the file, record", whole[:99] + [b"x" + whole[99]] + whole[100:]),
                             ("a line was removed", whole[:99] + whole[100:]),
                             ("line 101 of the file was inserted", whole[:100] + [b"x\n"] + whole[100:])):
            with open(os.path.join(folder, "bad"), "wb") as file:
                file.writelines(change)
            status, out = verify(service, "--export", os.path.join(folder, "bad"), "--proof",
                                 os.path.join(folder, "export-os.txt.proof"))
            check_equal(status, 1, out)
            check(what in out, out)
        unsealed = os.path.join(folder, "unsealed")
        with open(os.path.join(folder, "export-os.txt.proof"), "rb") as file:
            text = file.read()
        with open(unsealed, "wb") as file:
            file.write(text[:text.index(b"-----BEGIN QORGAN SEAL-----")])
        status, out = verify(service, "--export", os.path.join(folder, "export-os.txt"), "--proof", unsealed)
        check_equal(status, 1, out)
        check("has no seal" in out, out)
        split = os.path.join(folder, "split")
        done = service.run("export", "--out", split, "--split", "day,source", "--class", "network", "--json", query)
        files = [json.loads(line) for line in done.stdout.splitlines()]
        check_equal(sum(f["records"] for f in files), 600 + len(HOSTILE), "split files hold all")
        for f in files:
            check_equal(verify(service, "--export", os.path.join(split, f["file"]))[0], 0, f["file"])
        for wrong in (["--class", "x"], ["--format", "xml"], ["--split", "hour"], ["--delimiter", "x"],
                      ["--lang", "fr"]):
            check_equal(service.run("export", "--out", split, *wrong, check=False).returncode, 2, str(wrong))
        check_equal(service.run("export", "--out", split, "status>=", check=False).returncode, 2, "a query")
        check_equal(service.run("export", "--out", folder, query, check=False).returncode, 1,
                    "a file is not written over")
        own = os.path.join(folder, "own")
        done = service.run("export", "--out", own, "--json", "--format", "json", "--own")
        with open(os.path.join(own, "export-os.jsonl"), encoding="utf-8") as file:
            kinds = {json.loads(line).get("source") for line in file}
        check(kinds > {"the; source"}, f"what Qorgan wrote too: {kinds}")
        service.quiet()  # behind a signer that was held up the log says that it refuses what it missed
        again = os.path.join(folder, "again")
        for signer in service.pids("signer"):
            os.kill(signer, signal.SIGSTOP)
        try:
            done = service.run("export", "--out", again, check=False)
        finally:
            for signer in service.pids("signer"):
                os.kill(signer, signal.SIGCONT)
        check_equal(done.returncode, 1, "no checkpoint covers the export's record")
        check(b"it has no seal" in done.stderr, done.stderr.decode())
        check_equal(os.listdir(again), [], "nothing is left of an export that failed")
        open(os.path.join(again, "export-os.txt.part"), "w", encoding="ascii").close()  # as a kill leaves it
        service.run("export", "--out", again)
        check_equal(sorted(os.listdir(again)), ["export-os.txt", "export-os.txt.proof"], "the second attempt")
        check_equal(verify(service, "--export", os.path.join(again, "export-os.txt"))[0], 0, "is proven")


if __name__ == "__main__":
    sys.exit(main([sheets, certificates, forks], beside=[exports]))
