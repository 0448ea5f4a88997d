#!/usr/bin/env python3
"""qorgan doctor: each damage, made to a copy of a small data folder, is named, and looking changes nothing."""
import glob
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from service import QORGAN, Service, check, check_equal, main

HEAD = b"<13>Nov 20 10:00:00 h app: "


def doctor(data, *arguments):
    done = subprocess.run([QORGAN, "doctor", "--data", data, "--json", *arguments], capture_output=True, text=True,
                          check=False, timeout=300)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    check(lines and "ok" in lines[-1], f"doctor ends with a result: {done.stdout}{done.stderr}")
    check_equal(done.returncode, 0 if lines[-1]["ok"] else 1, "the exit status is the result's")
    return lines[:-1], lines[-1]


def fingerprint(folder):
    """Names, kinds, modes, times and bytes of everything below."""
    whole = hashlib.sha256()
    for top, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders + files) + ["."]:
            path = os.path.join(top, name)
            about = os.lstat(path)
            whole.update(f"{path} {about.st_mode} {about.st_uid} {about.st_size} {about.st_mtime_ns}\n".encode())
            if os.path.islink(path):
                whole.update(os.readlink(path).encode())
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    whole.update(file.read())
    return whole.hexdigest()


def one(data, pattern):
    found = sorted(glob.glob(f"{data}/{pattern}"))
    check(found, f"there is a {pattern}")
    return found[-1]


def flip(pattern, at=0.5):
    def damage(data):
        path = one(data, pattern)
        os.chmod(path, 0o640)
        with open(path, "r+b") as file:
            place = int(os.path.getsize(path) * at) if at < 1 else int(at)
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 0x20]))
        os.chmod(path, 0o440)
    return damage


def flip_signed_record(data):
    for path in glob.glob(f"{data}/archive/wal/*.wal"):
        with open(path, "r+b") as file:
            place = file.read().find(b"the last of all")
            if place >= 0:
                file.seek(place)
                file.write(b"T")
                return
    check(False, "the log holds the last record")


def cut(pattern, keep=0.5):
    def damage(data):
        path = one(data, pattern)
        os.chmod(path, 0o640)
        os.truncate(path, int(os.path.getsize(path) * keep))
        os.chmod(path, 0o440)
    return damage


def remove(*patterns):
    def damage(data):
        for pattern in patterns:
            path = one(data, pattern)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    return damage


def write(name, text):
    def damage(data):
        path = f"{data}/{name}"
        if os.path.exists(path):
            os.chmod(path, 0o600)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o400)
    return damage


def mode(pattern, bits):
    return lambda data: os.chmod(one(data, pattern), bits)


def link(name):
    def damage(data):
        path = one(data, name)
        os.rename(path, data + "/aside")
        os.symlink("../../aside", path)
    return damage


def swap_origin(data):
    path = f"{data}/archive/instance"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    os.chmod(path, 0o600)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("origin ", "origin x"))


def drop_signature(data):
    path = f"{data}/archive/checkpoints/latest"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        line = text.rstrip("\n").rsplit(" ", 1)
        file.write(f"{line[0]} {line[1][:8]}{'B' if line[1][8] == 'A' else 'A'}{line[1][9:]}\n")


def roll_back_records(data):
    """Records and checkpoints of an earlier copy; the keys stay."""
    shutil.rmtree(data + "/archive")
    shutil.copytree(data + ".earlier/archive", data + "/archive")


def records_only(data):
    """As above, but the newest note stays too."""
    note = data + "/archive/checkpoints/latest"
    with open(note, "rb") as file:
        newest = file.read()
    roll_back_records(data)
    with open(note, "wb") as file:
        file.write(newest)


def break_database(data):
    path = f"{data}/desk/desk.db"
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 8192)


def damaged_with_journal(data):
    break_database(data)
    write("desk/desk.db-wal", "unmerged")(data)


def cosign(data):
    shutil.copy(f"{data}/archive/checkpoints/latest", f"{data}/archive/checkpoints/cosigned")


def pipe(pattern):
    def damage(data):
        path = one(data, pattern)
        os.unlink(path)
        os.mkfifo(path, 0o440)
    return damage


# name, damage, findings that must be named; with ! those that must not
DAMAGES = [
    ("segment gone", remove("archive/seg/*.seg"), ["segment-missing|log-damaged"]),
    ("segment block flipped", flip("archive/seg/*.seg", 5000), ["segment-damaged"]),
    ("segment header flipped", flip("archive/seg/*.seg", 100), ["segment-damaged"]),
    ("segment footer flipped", flip("archive/seg/*.seg", 0.9999), ["segment-damaged"]),
    ("segment cut", cut("archive/seg/*.seg"), ["segment-damaged"]),
    ("segment is a link", link("archive/seg/*.seg"), ["wrong-kind", "segment-damaged"]),
    ("segment folder gone", remove("archive/seg"), ["missing"]),
    ("log gone", remove("archive/wal/*.wal"), ["rollback"]),
    ("log header flipped", flip("archive/wal/*.wal", 20), ["log-damaged"]),
    ("log frame flipped", flip_signed_record, ["log-damaged", "!rollback"]),
    ("log folder gone", remove("archive/wal"), ["missing"]),
    ("newest checkpoint gone", remove("archive/checkpoints/latest"), ["missing"]),
    ("newest checkpoint cut", cut("archive/checkpoints/latest"), ["checkpoint"]),
    ("newest checkpoint unsigned", drop_signature, ["checkpoint-unsigned"]),
    ("checkpoints gone", remove("archive/checkpoints"), ["missing"]),
    ("instance gone", remove("archive/instance"), ["instance"]),
    ("instance damaged", write("archive/instance", "qorgan archive 1\n"), ["instance"]),
    ("instance of another", swap_origin, ["key-foreign"]),
    ("archive gone", remove("archive"), ["missing"]),
    ("records rolled back", roll_back_records, ["rollback"]),
    ("records behind the checkpoint", records_only, ["rollback"]),
    ("signing key gone", remove("keys/signer.key"), ["key-missing"]),
    ("both halves gone", remove("keys/signer.key", "keys/signer.pub"), ["key-missing"]),
    ("signing key damaged", write("keys/signer.key", "PRIVATE+KEY+nonsense"), ["key-damaged"]),
    ("public key damaged", write("keys/signer.pub", "nonsense"), ["key-damaged"]),
    ("signing key open", mode("keys/signer.key", 0o644), ["permissions"]),
    ("certificate's key open", mode("keys/tls.key", 0o440), ["permissions"]),
    ("keys open", mode("keys", 0o750), ["permissions"]),
    ("database readable by all", mode("desk/desk.db", 0o644), ["permissions"]),
    ("segment readable by all", mode("archive/seg/*.seg", 0o444), ["permissions"]),
    ("segment is a pipe", pipe("archive/seg/*.seg"), ["wrong-kind", "not-compared"]),
    ("database is a pipe", pipe("desk/desk.db"), ["wrong-kind"]),
    ("signer's state gone", remove("keys/signer.state"), ["signer-state"]),
    ("signer's state emptied", write("keys/signer.state", ""), ["signer-state"]),
    ("certificate halved", remove("keys/tls.key"), ["certificate"]),
    ("configuration wrong", write("qorgan.conf", "web-port no\n"), ["configuration"]),
    ("configuration unknown", write("qorgan.conf", "colour green\n"), ["configuration"]),
    ("database gone", remove("desk/desk.db"), ["database"]),
    ("database damaged", break_database, ["database"]),
    ("database cut", write("desk/desk.db", "no database"), ["database"]),
    ("database damaged, with a journal", damaged_with_journal, ["database-journal", "database-busy"]),
    ("database with a journal", write("desk/desk.db-wal", "unmerged"), ["database-journal"]),
    ("master keys gone", write("qorgan.conf", "encryption file:/nonexistent/master.key\n"), ["master-key"]),
    ("archive writable by all", mode("archive", 0o777), ["permissions"]),
    ("segment writable by all", mode("archive/seg/*.seg", 0o666), ["permissions"]),
    ("leftover", write("archive/seg/0000000000000000.seg.tmp", "x"), ["leftover"]),
    ("foreign file", write("archive/checkpoints/notes.txt", "x"), ["foreign-file"]),
    ("a stamp", write("archive/checkpoints/0000000000000010.tsr", "x"), ["!foreign-file"]),
    ("a cosigned note", cosign, ["!foreign-file"]),
    ("a mirror's part", write("archive/seg/0000000000000010.part", "x"), ["!foreign-file"]),
    ("a key of a segment", write("archive/seg/0000000000000000.0000000000000001.key", "x"), ["!foreign-file"]),
]
HARMLESS = {"leftover", "foreign file", "signer's state gone", "signer's state emptied", "a stamp", "a cosigned note",
            "a mirror's part", "a key of a segment", "database with a journal", "database damaged, with a journal"}


def make(data):
    """A stopped service's folder with segments, a log, checkpoints; beside it an earlier copy of itself."""
    with Service(data=data, log_rotate_s=10, log_file_mib=1) as service:
        for turn in range(2):
            for number in range(20):
                service.tcp(b"".join(HEAD + b"turn %d line %d of the first\n" % (turn, number * 50 + i)
                                     for i in range(50)))
            deadline = time.time() + 60
            while time.time() < deadline and len(glob.glob(f"{data}/archive/seg/*.seg")) < turn + 1:
                time.sleep(0.3)
            if turn == 0:
                service.stop()
                shutil.copytree(data, data + ".earlier", ignore=shutil.ignore_patterns("run"))
                service.start()
        service.stop()
        service.settings["log-rotate-s"] = 3600  # what follows stays in the log
        service.start()
        service.tcp(HEAD + b"the last of all\n")
        service.wait_for('"the last of all"', 1)
        time.sleep(3)
        findings, result = doctor(data)
        check(result["ok"], f"good while the service runs: {findings}")
        check_equal(service.stop(), 0, "the service stops cleanly")
    with sqlite3.connect(f"{data}/desk/desk.db") as database:  # as a clean stop leaves it: no journal beside it
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def good_folder(data):
    before = fingerprint(data)
    findings, result = doctor(data)
    check(result["ok"] and not [f for f in findings if f["severity"] == "fault"], f"a good folder is good: {findings}")
    check_equal(fingerprint(data), before, "nothing was changed")
    for finding in findings:
        check(finding["means"] and finding["mend"], f"every finding says what it means and what mends it: {finding}")


def damages(data):
    failed = []
    for name, damage, wanted in DAMAGES:
        copy = data + ".copy"
        shutil.copytree(data, copy, symlinks=True, ignore=shutil.ignore_patterns("run"))
        try:
            shutil.copytree(data + ".earlier", copy + ".earlier", symlinks=True)
            damage(copy)
            before = fingerprint(copy)
            findings, result = doctor(copy)
            named = {finding["finding"] for finding in findings}
            missing = [want for want in wanted
                       if (want[1:] in named if want[0] == "!" else not named & set(want.split("|")))]
            if missing or result["ok"] != (name in HARMLESS) or fingerprint(copy) != before:
                failed.append(f"{name}: wanted {wanted}, named {sorted(named)}, result {result}")
        finally:
            shutil.rmtree(copy)
            shutil.rmtree(copy + ".earlier")
    check(not failed, "\n".join(failed))


def not_for_everyone(data):
    """What may not be read is told as such, and is neither damage nor good."""
    if os.geteuid() != 0:
        return
    runs = subprocess.run([QORGAN, "version"], user=65534, check=False, capture_output=True)
    if runs.returncode != 0:
        return  # the program itself is not for everyone here
    done = subprocess.run([QORGAN, "doctor", "--data", data, "--json"], user=65534, group=65534, extra_groups=[],
                          capture_output=True, text=True, check=False, timeout=300)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    named = {(line["finding"], line["file"]) for line in lines[:-1]}
    check_equal(done.returncode, 1, "what was not looked at is not good")
    for file in ("desk/desk.db", "keys", "archive/instance"):
        check(("unreadable", file) in named, f"{file} is told as unreadable: {sorted(named)}")
    wrong = {name for name, _ in named} & {"segment-damaged", "log-damaged", "rollback", "database", "configuration"}
    check(not wrong, f"none of it is told as damage: {wrong}")


def outside_notes(data):
    """A copy put back whole is good from inside; only a note from outside tells."""
    note = f"{data}/archive/checkpoints/latest"
    earlier = data + ".earlier"
    findings, result = doctor(earlier)
    check(result["ok"] and any(f["finding"] == "no-outside-note" for f in findings), f"from inside: {findings}")
    findings, result = doctor(earlier, "--checkpoint", note)
    check(not result["ok"] and any(f["finding"] == "rollback" for f in findings), f"with a note: {findings}")
    findings, result = doctor(data, "--checkpoint", note, "--checkpoint", f"{earlier}/archive/checkpoints/latest")
    check_equal([f["finding"] for f in findings].count("note-agrees"), 2, "two notes agree")
    with tempfile.NamedTemporaryFile("w", suffix=".note") as forged:
        with open(note, encoding="utf-8") as file:
            lines = file.read().split("\n")
        forged.write("\n".join([lines[0], str(int(lines[1]) + 5), *lines[2:]]))
        forged.flush()
        findings, result = doctor(data, "--checkpoint", forged.name)
        check(any(f["finding"] == "note-refused" for f in findings), f"a forged note is not believed: {findings}")


def each_damage_is_named():
    """Each damage is named, a copy put back is told from outside, and nothing is changed."""
    top = tempfile.mkdtemp(prefix="qorgan-test-")
    try:
        data = top + "/data"
        make(data)
        good_folder(data)
        os.chmod(top, 0o711)
        copy = data + ".copy"
        shutil.copytree(data, copy, symlinks=True, ignore=shutil.ignore_patterns("run"))
        for name in ("", "archive", "archive/seg", "archive/wal", "archive/checkpoints"):
            os.chmod(f"{copy}/{name}", 0o755)
        not_for_everyone(copy)
        shutil.rmtree(copy)
        damages(data)
        outside_notes(data)
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    sys.exit(main([each_damage_is_named]))
