#!/usr/bin/env python3
"""The commands as people and scripts use them: help, refusals, exit statuses, and the JSON that others build on."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from service import QORGAN, ROOT, VERIFY, Service, check, check_equal, main

COMMANDS = ("serve", "ingest", "search", "verify", "proof", "certificate", "export", "detect", "parse", "rules",
            "coverage", "losses", "inventory", "demo", "factor-reset", "forward", "mirror", "mirror-token",
            "sender-token", "version", "help")
RULES = os.path.join(ROOT, "data", "rules")
GUESS = "Nov 20 10:00:{0:02d} web1 sshd[812]: Failed password for invalid user admin from 203.0.113.7 port 40{0:02d} " \
        "ssh2\n"
LEVELS = ("informational", "low", "medium", "high", "critical")


def qorgan(*arguments, text=None, status=None, cwd=None):
    """Runs the program; (standard output, standard error)."""
    done = subprocess.run([QORGAN, *arguments], input=text, capture_output=True, text=True, check=False, timeout=120,
                          cwd=cwd, stdin=subprocess.DEVNULL if text is None else None)
    if status is not None:
        check_equal(done.returncode, status, f"exit status of {arguments}; {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout, done.stderr


class Folder:
    """A scratch folder; also its path."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="qorgan-commands-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, text=""):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def __call__(self, name):
        return os.path.join(self.path, name)


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def help_of_each():
    """every command explains itself: --help and help COMMAND say the same, status 0, nothing on standard error"""
    listed, _ = qorgan("help", status=0)
    for command in COMMANDS:
        check(f"\n  {command} " in listed, f"help lists {command}")
        out, trouble = qorgan(command, "--help", status=0)
        check_equal(trouble, "", f"{command} --help on standard error")
        check(out.startswith(f"usage: qorgan {command}"), f"{command} --help begins with its usage")
        check("--data DIR" in out, f"{command} --help names --data")
        check_equal(qorgan("help", command, status=0)[0], out, f"help {command}")
    check_equal(qorgan("--help", status=0)[0], listed, "qorgan --help")


def usage_errors():
    """wrong usage: status 2, one message on standard error with a hint, nothing on standard output"""
    cases = [[command, "--bogus"] for command in COMMANDS]
    cases += [[command, "--data"] for command in COMMANDS]
    cases += [[], ["bogus"], ["ingest"], ["detect", "file"], ["detect", "--rules", RULES], ["proof"], ["proof", "x"],
              ["proof", "-1"], ["proof", "--plain", "1", "2"], ["rules"], ["rules", "check"], ["rules", "bogus", RULES],
              ["search", "a", "b"], ["search", "--limit", "many"], ["search", "--limit", "-1"],
              ["search", "--from", "yesterdayish"], ["serve", "extra"], ["verify", "extra"], ["demo", "extra"]]
    for case in cases:
        out, trouble = qorgan(*case, status=2)
        check_equal(out, "", f"standard output of {case}")
        check(trouble.startswith("qorgan") and "hint: " in trouble, f"message and hint of {case}: {trouble!r}")


def what_is_not_there():
    """missing folder, file, archive: status 1 and a message that names it"""
    with Folder() as folder:
        log = folder.file("a.log", GUESS.format(1))
        nowhere, plain = folder("nowhere"), folder.file("plain")
        os.mkdir(folder("empty"))
        cases = [["search", "--data", nowhere, "x"], ["verify", "--data", nowhere], ["proof", "--data", nowhere, "1"],
                 ["search", "--data", folder("empty")], ["detect", "--rules", nowhere, log],
                 ["detect", "--rules", RULES, nowhere], ["rules", "check", nowhere],
                 ["ingest", "--data", folder("d"), nowhere], ["ingest", "--data", folder("d"), folder("empty")],
                 ["serve", "--data", os.path.join(plain, "below")], ["demo", "--data", os.path.join(plain, "below")]]
        for case in cases:
            out, trouble = qorgan(*case, status=1)
            named = [word for word in case if word.startswith(folder.path) and word in trouble]
            check(named and trouble.startswith(f"qorgan {case[0]}: "), f"message of {case}: {trouble!r} {out!r}")
        check("start the service once" in qorgan("verify", "--data", nowhere)[1], "a way out is named")
        check(not os.path.exists(nowhere), "a reading command made no folder")


def ingest_and_search():
    """ingest: file, standard input, the same again; search, proof and verify read it, as text and as JSON"""
    with Folder() as folder:
        data, log = folder("d"), folder.file("auth.log", "".join(GUESS.format(i) for i in range(9)) + "cut off")
        out, _ = qorgan("ingest", "--data", data, log, status=0)
        check("10 records" in out, f"ingest says how many: {out!r}")
        again = json_lines(qorgan("ingest", "--json", "--data", data, log, status=0)[0])
        check_equal(again, [{"file": log, "records": 0, "known": 10, "cut": 0, "unreadable": 0,
                             "damaged": False}], "a second time")
        one = json_lines(qorgan("ingest", "--json", "--data", data, "-", text="from a pipe\n\nand more\n", status=0)[0])
        check_equal([one[0]["file"], one[0]["records"]], ["-", 2], "standard input; an empty line is no record")
        two = folder.file("two.log", "second file\n")
        _, trouble = qorgan("ingest", "--data", data, folder("absent"), two, status=1)
        check("absent" in trouble, "the missing one is named")
        hits = json_lines(qorgan("search", "--json", "--data", data, "--limit", "5", "admin", status=0)[0])
        check_equal(len(hits), 5, "--limit")
        for hit in hits:
            check(isinstance(hit["record"], int) and isinstance(hit["fields"], dict), f"record and fields: {hit}")
            check(hit["time"].endswith("Z") and "T" in hit["time"], f"time: {hit['time']}")
        check(hits[0]["record"] > hits[-1]["record"], "newest first")
        raw, _ = qorgan("search", "--raw", "--data", data, "--limit", "1", '"from a pipe"', status=0)
        check_equal(raw, "from a pipe\n", "--raw")
        none, _ = qorgan("search", "--json", "--data", data, "nothingofthesort", status=0)
        check_equal(none, "", "no hit")
        _, trouble = qorgan("search", "--data", data, "a AND (")
        check("character" in trouble, f"a query that does not read says where: {trouble!r}")
        verified = json_lines(qorgan("verify", "--json", "--data", data, status=0)[0])[0]
        check(verified["ok"] is True and verified["records"] >= 12, f"verify: {verified}")
        _, trouble = qorgan("proof", "--data", data, "99999", status=1)
        check("99999" in trouble, "the record is named")


def detect_shape():
    """detect --json prints file, record, rule_id, title, level and nothing else; --json of rules check too"""
    with Folder() as folder:
        log = folder.file("auth.log", "".join(GUESS.format(i) for i in range(9)))
        found = json_lines(qorgan("detect", "--json", "--rules", RULES, log, status=0)[0])
        check(found, "a match")
        for match in found:
            check_equal(list(match), ["file", "record", "rule_id", "title", "level"], "members")
            check_equal(match["file"], log, "file")
            check(1 <= match["record"] <= 9 and match["level"] in LEVELS,
                  f"record and level: {match}")
        quiet = folder.file("quiet.log", "Nov 20 10:00:00 web1 CRON[7]: (root) CMD (true)\n")
        check_equal(qorgan("detect", "--json", "--rules", RULES, quiet, status=0)[0], "", "a quiet file")
        rows = json_lines(qorgan("rules", "check", "--json", RULES, status=0)[0])
        check(len(rows) >= 30 and all(row["loaded"] is True and row["reason"] == "" for row in rows), "our rules load")
        garbage = folder.file("r/garbage.yml", "title: [\n")
        folder.file("r/sub/other.yml", "title: x\n")
        rows = json_lines(qorgan("rules", "check", "--json", folder("r"), status=1)[0])
        check_equal(len(rows), 2, "one line a rule file, refused ones too")
        for row in rows:
            check_equal(list(row), ["path", "id", "loaded", "reason"], "members")
            check(row["loaded"] is False and row["reason"], f"a refused rule has a reason: {row}")
        check(garbage in [row["path"] for row in rows], "the path is the one given")


def needed_by(path, keys, named):
    """The rule, the correlations that name it, and all that these name."""
    of_key = {key: other for other in keys for key in keys[other]}
    paths, todo = set(), [path] + [other for other in named if keys[path] & named[other]]
    while todo:
        one = todo.pop()
        if one not in paths:
            paths.add(one)
            todo += [of_key[key] for key in named[one]]
    return paths


def samples_of_our_rules():
    """each of our rules fires on its must sample and not on its not sample; one that only feeds others never does"""
    missing, wrong = [], []
    keys, named, fed = {}, {}, set()  # the Sigma standard: a rule that a correlation names alerts no one by itself
    for path in sorted(glob.glob(os.path.join(RULES, "**", "*.yml"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        keys[path] = set(re.findall(r"^(?:name|id): (\S+)", text, re.M))
        named[path] = set()
        for block in re.findall(r"^correlation:\n((?: .*\n)+)", text, re.M):
            listed = re.search(r"^    rules:\n((?:        - .*\n)+)", block, re.M)
            named[path] |= set(re.findall(r"- (\S+)", listed.group(1)))
            fed |= set() if "    generate: true\n" in block else named[path]
    for path in keys:
        with Folder() as folder:  # all rules at once would be compiled anew for each sample
            for other in needed_by(path, keys, named):
                shutil.copy(other, folder(os.path.relpath(other, RULES).replace(os.sep, "-")))
            lists = [part for name in glob.glob(path.removesuffix(".yml") + ".indicators.*")
                     for part in ("--indicators", name)]
            for kind in ("must", "not"):
                samples = glob.glob(path.removesuffix(".yml") + f".{kind}.*")
                if not samples:
                    missing.append(f"{os.path.relpath(path, RULES)} has no {kind} sample")
                for sample in samples:
                    out, _ = qorgan("detect", "--json", "--rules", folder.path, *lists, sample, status=0)
                    fired = any(match["rule_id"] in keys[path] for match in json_lines(out))
                    if fired != (kind == "must" and fed.isdisjoint(keys[path])):
                        wrong.append(os.path.relpath(sample, RULES))
    check(not missing and not wrong, f"{missing} {wrong}")


def demo_and_proof():
    """demo with and without a server; a record's proof is checked by qorgan-verify, and a changed one refused"""
    with Service() as service:
        check_equal(json_lines(service.run("demo", "--json").stdout.decode())[0]["host"], "qorgan-demo", "host")
        hits = service.wait_for("qorgan-demo", 10)
        check(len(hits) >= 10, "its lines are found")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)
        with Folder() as folder:
            path, record = folder("p.proof"), str(hits[-1]["record"])
            deadline = time.time() + 15
            while time.time() < deadline and service.run("proof", "--out", path, record, check=False).returncode:
                time.sleep(0.3)  # checkpoints are signed once a second
            command = [VERIFY, "--vkey", service.public_key(), "--proof", path]
            check_equal(subprocess.run(command, capture_output=True, check=False).returncode, 0, "the proof")
            with open(path, "rb") as file:
                whole = file.read()
            spot = whole.index(b"\n", len(whole) // 2) - 3
            with open(path, "wb") as file:
                file.write(whole[:spot] + bytes([whole[spot] ^ 1]) + whole[spot + 1:])
            check_equal(subprocess.run(command, capture_output=True, check=False).returncode, 1, "a changed proof")
    with Folder() as folder:
        qorgan("ingest", "--data", folder("d"), "-", text="x\n", status=0)
        out, _ = qorgan("demo", "--data", folder("d"), status=0)
        check("durable" in out, "without a server the lines wait in the archive")


def lost_key():
    """without its signing key a signed archive is not signed on; --new-instance begins one under a new key"""
    with Service() as service:
        check_equal(service.audit()[0], 0, "before")
        service.stop()
        os.unlink(os.path.join(service.data, "keys", "signer.key"))
        before = service.public_key()
        check(not service.start(wait=10, expect=False), "the start is refused")
        check("signer.key is gone" in service.read_log() and "--new-instance" in service.read_log(), "it says why")
        check_equal(service.public_key(), before, "no new key was made")
        service.process = None
        service.start(arguments=("--new-instance",))
        check(service.public_key() != before, "a new key")
        check_equal(service.audit()[0], 0, "the new instance is proven")
        check_equal(service.stop(), 0, "the service stops cleanly")
        service.start()
        check_equal(service.audit()[0], 0, "and goes on")


def version_and_completion():
    """version: one line, one object; completion knows every command"""
    out, _ = qorgan("version", status=0)
    made = json_lines(qorgan("version", "--json", status=0)[0])[0]
    check_equal((made["name"], out.split()[0], out.split()[1]), ("qorgan", "qorgan", made["version"]), "version")
    script, _ = qorgan("help", "--completion", status=0)
    subprocess.run(["bash", "-n"], input=script.encode(), check=True)
    check(all(command in script for command in COMMANDS), "completion of the commands")


if __name__ == "__main__":
    sys.exit(main([help_of_each, usage_errors, what_is_not_there, ingest_and_search, detect_shape,
                   samples_of_our_rules, demo_and_proof, lost_key,
                   version_and_completion]))
