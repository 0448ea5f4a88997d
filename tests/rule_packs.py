#!/usr/bin/env python3
"""Packs of rules: imported from folders and ZIP files, signed, rolled back, and at work in the real service."""
import hashlib
import html
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
import zipfile

from service import QORGAN, ROOT, Service, Skip, check, check_equal, main
from web_api import Web

SIGMA = os.path.join(ROOT, "..", "shared", "data", "sigma")


def rule(number, text, level="high", status="test", title=None):
    return (f"title: {title or f'Rule {number}'}\nid: 6a0f9d1e-6c4e-4b0f-9a0b-6a6f3a1d{number:04}\nstatus: {status}\n"
            f"logsource:\n    product: linux\ndetection:\n    s:\n        message|contains: '{text}'\n"
            f"    condition: s\nlevel: {level}\n")


def rule_id(number):
    return f"6a0f9d1e-6c4e-4b0f-9a0b-6a6f3a1d{number:04}"


FILES = {
    "rules/linux/one.yml": rule(1, "first needle"),
    "rules/linux/two.yaml": rule(2, "second needle", level="low", status="stable"),
    "rules/bad.yml": "title: Half a rule\nid: x\nlogsource:\n    product: linux\ndetection:\n    s:\n"
                     "        a|wrong: b\n    condition: s\n",
}


READ_SEARCH = 1 << 2  # CAP_DAC_READ_SEARCH: to read what others own


class Folder:
    """A data folder and a place for sources, without a service."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="qorgan-packs-")
        self.data = os.path.join(self.path, "data")
        os.mkdir(self.data)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def source(self, name, files):
        folder = os.path.join(self.path, name)
        for path, text in files.items():
            place = os.path.join(folder, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="utf-8") as out:
                out.write(text)
        return folder

    def zip(self, name, files, around="", method=zipfile.ZIP_DEFLATED):
        path = os.path.join(self.path, name)
        with zipfile.ZipFile(path, "w", method) as archive:
            for inner, text in files.items():
                archive.writestr(around + inner, text)
        return path

    def rules(self, *arguments, status=0):
        done = subprocess.run([QORGAN, "rules", *arguments, "--data", self.data], capture_output=True, text=True,
                              check=False, timeout=300)
        check(done.returncode == status, f"{arguments}: {done.returncode}, wanted {status}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def rows(self, *arguments, status=0):
        return [json.loads(line) for line in self.rules(*arguments, "--json", status=status).splitlines()
                if line.startswith("{")]

    def stored(self):
        """Every file below the packs, without what is no pack's."""
        top = os.path.join(self.data, "rules")
        return sorted(os.path.relpath(os.path.join(place, name), top) for place, _, names in os.walk(top)
                      for name in names if name != ".lock")


def folder_import():
    """a folder becomes a version: report, manifest, changes against the version before, dry run, rollback, removal"""
    with Folder() as f:
        source = f.source("src", {**FILES, "README.md": "no rule", "tests/x.yml": "a: b", ".github/w.yml": "a: b"})
        text = f.rules("import", source, "--name", "site", "--version", "1", "--dry-run")
        check("nothing is written" in text and not os.path.exists(os.path.join(f.data, "rules")), text)
        text = f.rules("import", source, "--name", "site", "--version", "1", "--source", "our own", "--licence",
                       "DRL 1.1")
        check("2 loaded, 1 refused; 2 new, 0 changed, 0 gone" in text, text)
        check("refused  pack:site/1/rules/bad.yml line 1: " in text and "left out tests" in text, text)
        check("unsigned" in text and "systemctl reload" in text, text)
        check_equal(f.stored(), ["site/1/pack.tsv", "site/1/rules/bad.yml", "site/1/rules/linux/one.yml",
                                 "site/1/rules/linux/two.yaml", "site/current"], "what is stored")
        lines = "".join(f"{hashlib.sha256(FILES[path].encode()).hexdigest()}  {path}\n" for path in sorted(FILES))
        pack = f.rows("packs")[0]
        check_equal(pack["digest"], hashlib.sha256(lines.encode()).hexdigest(), "the digest, as sha256sum makes it")
        check_equal((pack["name"], pack["version"], pack["files"], pack["source"], pack["licence"], pack["signature"]),
                    ("site", "1", 3, "our own", "DRL 1.1", "none"), "what is listed")
        check("holds" in f.rules("import", source, "--name", "site", "--version", "2"), "the same files")
        check_equal(f.rows("packs")[0]["versions"], ["1"], "nothing new was written")

        with open(os.path.join(source, "rules/linux/one.yml"), "a", encoding="utf-8") as out:
            out.write("author: x\n")
        os.unlink(os.path.join(source, "rules/linux/two.yaml"))
        f.source("src", {"rules/linux/three.yml": rule(3, "third needle")})
        rows = f.rows("import", source, "--name", "site", "--version", "2")
        changes = {(row["change"], row["rule_id"]) for row in rows if "change" in row}
        check_equal(changes, {("changed", rule_id(1)), ("gone", rule_id(2)), ("new", rule_id(3))}, "changes")
        check_equal((rows[-1]["was"], rows[-1]["written"], rows[-1]["refused"]), ("1", True, 1), "the last row")
        check("already" in f.rules("import", source + "/rules", "--name", "site", "--version", "2", status=1), "again")

        f.source("src", {"rules/linux/four.yml": rule(4, "fourth needle")})
        check("qorgan rules switch site 3" in f.rules("import", source, "--name", "site", "--version", "3", "--wait"),
              "a version that waits says how to switch to it")
        check_equal([f.rows("packs")[0][key] for key in ("version", "waits")], ["2", "3"], "what holds while one waits")
        check("waits    3" in f.rules("packs"), "as text")
        check_equal(f.rows("switch", "site", "3")[0], {"name": "site", "version": "3", "was": "2"}, "switched to")
        check_equal(f.rows("packs")[0]["waits"], "", "what waits behind it")
        check("switch says nothing" in f.rules("switch", "site", status=2), "switched to nothing")
        f.rules("rollback", "site")
        f.rules("remove", "site", "3")
        check_equal(f.rows("rollback", "site")[0], {"name": "site", "version": "1", "was": "2"}, "rollback")
        check("from before" in f.rules("rollback", "site", status=1), "no older one")
        f.rules("rollback", "site", "2")
        check("roll back" in f.rules("remove", "site", "2", status=1), "what holds stays")
        f.rules("remove", "site", "1")
        check_equal(f.rows("packs")[0]["versions"], ["2"], "after a removal")
        f.rules("remove", "site")
        check_equal((f.rows("packs"), f.stored()), ([], []), "after all is removed")
        check("no pack" in f.rules("packs"), "the empty list says what to do")


def nothing_usable():
    """what is unusable as a whole writes nothing: no rule, none that loads, bad names, no data folder"""
    with Folder() as f:
        good = f.source("good", FILES)
        for arguments, why in (
                ((f.source("none", {"a.txt": "x"}), "--name", "p"), "no rule file"),
                ((f.source("bad", {"bad.yml": FILES["rules/bad.yml"]}), "--name", "p"), "no rule of it can be used"),
                ((f.source("idless", {"a.yml": re.sub("id: .*\n", "", rule(1, "x"))}), "--name", "p"),
                 "a rule of a pack needs an id"),
                ((good,), "--name"), ((good, "--name", "../x"), "name of a pack"),
                ((good, "--name", "P"), "name of a pack"),
                ((good, "--name", "p", "--version", "current"), "version of"),
                ((good, "--name", "p", "--licence", "a\nb"), "licence"),
                (("/nowhere", "--name", "p"), "could not open"),
                ((__file__, "--name", "p"), "neither a folder nor a ZIP")):
            text = f.rules("import", *arguments, status=1)
            check(why in text, f"{arguments}: {text}")
        check(not os.path.exists(os.path.join(f.data, "rules")), "nothing was written")
        f.data = "/nowhere"
        check("could not open the data folder" in f.rules("import", good, "--name", "p", status=1), "no data folder")


def zip_import():
    """a ZIP file gives what its folder gives; the folder that a repository is packed in falls away"""
    with Folder() as f:
        f.rules("import", f.source("src", FILES), "--name", "folder", "--version", "1")
        for name, around, method in (("a.zip", "", zipfile.ZIP_DEFLATED),
                                     ("b.zip", "sigma-r2026/", zipfile.ZIP_STORED)):
            f.rules("import", f.zip(name, FILES, around, method), "--name", name[0], "--version", "1")
        packs = {pack["name"]: pack for pack in f.rows("packs")}
        check_equal({pack["digest"] for pack in packs.values()}, {packs["folder"]["digest"]}, "the same digest")


def refused(f, path, why, what):
    text = f.rules("import", path, "--name", "p", status=1)
    check(why in text, f"{what}: {text}")
    check(not os.path.exists(os.path.join(f.data, "rules")), f"{what}: something was written")


def hostile_zip():
    """ZIP files that lead outside, that grow, that lie, that are damaged are refused whole"""
    with Folder() as f:
        good = rule(1, "x")
        for name in ("../evil.yml", "a/../../evil.yml", "/etc/evil.yml", "a\\..\\evil.yml", "a//b.yml", "./a.yml",
                     "evil\n.yml", "../"):
            refused(f, f.zip("slip.zip", {"good.yml": good, name: good}), "refused for the name", name)
        check(not os.path.exists(os.path.join(f.path, "evil.yml")), "a file outside")
        refused(f, f.zip("bomb.zip", {"good.yml": good, "bomb.yml": "#" * (64 << 20)}), "larger than a rule file",
                "bomb")
        many = {f"{n}.yml": "#" + "x" * 1000000 for n in range(68)}
        refused(f, f.zip("sum.zip", many), "at most", "many that are fine each")
        refused(f, f.zip("names.zip", {f"{n}.yml": "" for n in range(65600)}, method=zipfile.ZIP_STORED), "ZIP64",
                "more names than ZIP counts without ZIP64")
        refused(f, f.zip("files.zip", {f"{n}.yml": "" for n in range(33000)}, method=zipfile.ZIP_STORED), "at most",
                "more files than a pack holds")
        path = os.path.join(f.path, "twice.zip")
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
            warnings.simplefilter("ignore")
            archive.writestr("a.yml", good)
            archive.writestr("a.yml", rule(2, "y"))
        refused(f, path, "twice", "one name twice")
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("a.yml", good)
        data = whole.getvalue()
        for what, text in (("cut", data[:-30]), ("altered", data.replace(b"title", b"Title", 1)),
                           ("not a ZIP file", b"PK\x03\x04 and nothing")):
            path = os.path.join(f.path, "broken.zip")
            with open(path, "wb") as out:
                out.write(text)
            refused(f, path, "ZIP file", what)
        # its directory says 9 bytes, and 64 MiB come
        lying = io.BytesIO()
        with zipfile.ZipFile(lying, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.yml", "#" * (64 << 20))
        size = (64 << 20).to_bytes(4, "little")
        with open(path, "wb") as out:
            out.write(lying.getvalue().replace(size, (9).to_bytes(4, "little")))
        refused(f, path, "", "a size that lies")


def links():
    """links are never followed, neither in a folder nor in a ZIP file"""
    with Folder() as f:
        secret = os.path.join(f.path, "secret")
        with open(secret, "w", encoding="utf-8") as out:
            out.write(rule(9, "secret"))
        source = f.source("src", FILES)
        os.symlink(secret, os.path.join(source, "rules/link.yml"))
        os.symlink("/etc", os.path.join(source, "rules/etc"))
        os.mkfifo(os.path.join(source, "rules/pipe.yml"))
        text = f.rules("import", source, "--name", "p", "--version", "1")
        check("left out rules/link.yml" in text and "left out rules/pipe.yml" in text, text)
        check(not [path for path in f.stored() if "link" in path or "etc" in path], f.stored())
        with zipfile.ZipFile(os.path.join(f.path, "link.zip"), "w") as archive:
            archive.writestr("a.yml", rule(1, "x"))
            link = zipfile.ZipInfo("link.yml")
            link.create_system = 3
            link.external_attr = 0o120777 << 16
            archive.writestr(link, secret)
        text = f.rules("import", os.path.join(f.path, "link.zip"), "--name", "z", "--version", "1")
        check("left out link.yml" in text, text)


def copies_of(process):
    """What the kernel says of the processes that this one started."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as children:
        pids = children.read().split()
    found = []
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            rows = dict(line.split(":", 1) for line in status.read().splitlines())
        rows["open"] = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")] \
            if os.geteuid() == 0 else []
        found.append({key: value.split() if isinstance(value, str) else value for key, value in rows.items()})
    return found


def confined(who, told, *arguments, status=0, below=None):
    """A copy reads what strangers wrote, and waits for us to read what it tells: it is nobody's, and may do nothing,
    but read `below` a folder, whoever owns what is there."""
    rights = READ_SEARCH if below and os.geteuid() == 0 and not who else 0
    as_who = {"user": who, "group": who, "extra_groups": []} if who else {}
    with subprocess.Popen([QORGAN, "rules", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **as_who) as process:
        process.stdout.read(100)
        copies = copies_of(process)
        text = process.stdout.read()
    check_equal(process.returncode, status, text)
    check(told in text, text[-500:])
    check_equal(len(copies), 1, "who reads the rules")
    copy = copies[0]
    check("zombie" not in "".join(copy["State"]), "it is at work")
    check_equal((copy["CapEff"], copy["CapPrm"], copy["NoNewPrivs"]), ([f"{rights:016x}"], [f"{rights:016x}"], ["1"]),
                "rights")
    check_equal(set(copy["Uid"] + copy["Gid"]), {str(who or (65534 if os.geteuid() == 0 else os.getuid()))}, "whose")
    if "confined" not in text:
        check_equal(copy["Seccomp"], ["2"], "calls are limited")
    others = [path for path in copy["open"] if not (below and path.startswith(below))]
    check(len(others) <= 4, f"what is open: {copy['open']}")


def all_confined(who):
    """Each command that reads strangers' rules."""
    with Folder() as f:
        os.chmod(f.path, 0o755)
        source = f.source("src", {"a.yml": rule(1, "x"),
                                  **{f"{n}.yml": FILES["rules/bad.yml"] + "# " + str(n) for n in range(1200)}})
        if who:
            os.chown(f.data, who, who)
        confined(who, "1 loaded, 1200 refused", "import", source, "--name", "p", "--version", "1", "--data", f.data)
        check_equal(f.stored().count("p/1/a.yml"), 1, "what was written")
        confined(who, "1 loaded, 1200 refused", "check", source, status=1)
        words = "".join(f"            - 'absent {n}'\n" for n in range(1200))
        wide = f.source("wide", {"wide.yml": (
            "title: wide\nid: 60606060-6060-4060-8060-606060606060\nlogsource:\n    product: linux\ndetection:\n"
            f"    s:\n        message|contains:\n{words}    condition: s\nlevel: low\n")})
        lists = f.source("lists", {"a.csv": "203.0.113.7\n"})
        line = "<13>1 2026-11-28T10:00:00Z host app 7 - - " + "word " * 40
        confined(who, "absent 1199", "explain", "wide", "--rules", wide, "--indicators", lists, "--line", line)
        confined(who, "1 passed, 400 failed", "test", far_source(f), status=1)
        record = ingested(f, who, line)
        confined(who, "absent 1199", "explain", "wide", "--rules", wide, record, "--data", f.data,
                 below=os.path.join(f.data, "archive"))
        many = f.source("many", {"many.yml": "---\n".join(rule(n, "x", title=f"{n} " + "x" * 240) for n in range(500))})
        confined(who, "499 xxx", "diff", wide, many, "--data", f.data, status=1,
                 below=os.path.join(f.data, "archive"))


def ingested(folder, who, line):
    """The number of the line's record, in an archive that belongs to another user than who asks, if that is root."""
    log = os.path.join(folder.source("log", {"a.log": line + "\n"}), "a.log")
    as_who = {"user": who, "group": who, "extra_groups": []} if who else {}
    subprocess.run([QORGAN, "ingest", "--data", folder.data, log], check=True, capture_output=True, **as_who)
    hits = subprocess.run([QORGAN, "search", "--json", "--data", folder.data, "word"], check=True, capture_output=True,
                          text=True, **as_who).stdout
    if os.geteuid() == 0:
        for path, _, names in os.walk(folder.data):
            for name in [path] + [os.path.join(path, one) for one in names]:
                os.chown(name, 65533, 65533)
                os.chmod(name, os.stat(name).st_mode & 0o700)
    return str(json.loads(hits.splitlines()[0])["record"])


def far_source(folder):
    """Rules so far below that what is said of them is more than pipes hold: whoever judges waits for who prints."""
    far = "/".join([240 * "n"] * 15)
    return folder.source("far", {"a.yml": rule(1, "x"), "a.must.log": "Nov 20 10:00:00 web1 app[8]: x\n",
                                 **{f"{far}/{n}.yml": FILES["rules/bad.yml"] for n in range(400)}})


def killed():
    """the copy that judges is killed: that is said, the status is 1, nothing is reported that was not judged"""
    with Folder() as f:
        report = os.path.join(f.path, "report.xml")
        with subprocess.Popen([QORGAN, "rules", "test", far_source(f), "--junit", report], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            process.stdout.read(100)
            with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as children:
                os.kill(int(children.read()), signal.SIGKILL)
            said, complaint = process.communicate(timeout=60)
        check_equal(process.returncode, 1, complaint)
        check("the confined process ended with signal 9" in complaint, complaint)
        check("cases:" not in said and not os.path.exists(report), said[-300:])


def in_a_copy():
    """strangers' rules are read by a process without any right, whoever imports or checks: root, an ordinary user"""
    all_confined(None)
    if os.geteuid() == 0 and subprocess.run([QORGAN, "version"], user=65533, check=False,
                                            capture_output=True).returncode == 0:
        all_confined(65533)


def signatures():
    """a pack that its author signed: verified with the key, refused with another, for other files, for other names"""
    with Folder() as f:
        source = f.source("src", {"one.yml": FILES["rules/linux/one.yml"]})
        key = os.path.join(f.path, "site.key")
        row = f.rows("pack", source, "--name", "site", "--version", "5", "--licence", "DRL 1.1", "--key", key)[-1]
        check_equal(os.stat(key).st_mode & 0o777, 0o600, "who may read the key")
        vkey = row["key"]
        check(vkey.startswith("site+"), row)
        other = f.rows("pack", f.source("o", {"one.yml": rule(1, "x")}), "--name", "other", "--version", "1", "--key",
                       os.path.join(f.path, "other.key"))[-1]["key"]
        check("not good" in f.rules("import", source, "--key", other, status=1), "another's key")
        check("--version says" in f.rules("import", source, "--key", vkey, "--version", "6", status=1),
              "another version")
        check("--licence says" in f.rules("import", source, "--licence", "MIT", status=1), "another licence")
        bare = f.source("bare", {"one.yml": rule(1, "x")})
        check("no signature" in f.rules("import", bare, "--name", "bare", "--key", vkey, status=1),
              "no signature, and a key")
        check(not os.path.exists(os.path.join(f.data, "rules")), "nothing was written")
        with open(os.path.join(f.path, "pub"), "w", encoding="utf-8") as out:
            out.write(vkey + "\n")
        packed = os.path.join(f.path, "site.zip")
        with zipfile.ZipFile(packed, "w") as archive:
            for name in ("one.yml", "pack.note"):
                archive.write(os.path.join(source, name), f"site-5/{name}")
        last = f.rows("import", packed, "--key", os.path.join(f.path, "pub"))[-1]
        check_equal((last["name"], last["version"], last["signature"], last["signer"]),
                    ("site", "5", "verified", "site"), "imported")
        listed = f.rows("packs")[0]
        check_equal((listed["signature"], listed["licence"]), ("verified", "DRL 1.1"), "listed")
        check("signed by site" in f.rules("packs"), "listed as text")
        with open(os.path.join(source, "one.yml"), "a", encoding="utf-8") as out:
            out.write("author: x\n")
        check("not the files" in f.rules("import", source, status=1), "files that were changed after the signature")
        f.rules("pack", source, "--name", "site", "--version", "6", "--key", key)
        check_equal(f.rows("import", source)[-1]["signature"], "unverified", "signed, and no key was given")
        note = os.path.join(f.data, "rules/site/5/pack.note")
        with open(note, encoding="utf-8") as was:
            text = was.read()
        with open(note, "w", encoding="utf-8") as out:
            out.write(text.replace("DRL", "drl"))
        check("not good" in f.rules("rollback", "site", "5", status=1), "a signature that was altered later")


def changed_files():
    """a file that was changed on the server is named, and a version with one cannot be rolled back to"""
    with Folder() as f:
        source = f.source("src", FILES)
        f.rules("import", source, "--name", "site", "--version", "1")
        f.source("src", {"rules/more.yml": rule(4, "more")})
        f.rules("import", source, "--name", "site", "--version", "2")
        with open(os.path.join(f.data, "rules/site/2/rules/more.yml"), "a", encoding="utf-8") as out:
            out.write("# x\n")
        row = f.rows("packs", status=1)[0]
        check_equal((row["changed"], row["changed_files"]), (1, ["rules/more.yml"]), "what was changed")
        check("CHANGED  rules/more.yml" in f.rules("packs", status=1), "as text")
        f.rules("rollback", "site")
        check("not what was imported" in f.rules("rollback", "site", "2", status=1), "rolled back to")
        check_equal(f.rows("packs")[0]["version"], "1", "what holds")


def sigmahq():
    """SigmaHQ's checkout: every rule that loads, those that hold no more are left out"""
    if not os.path.isdir(SIGMA):
        raise Skip("no SigmaHQ rules in ../shared/data")
    with Folder() as f:
        rows = f.rows("import", SIGMA, "--name", "sigmahq", "--version", "r1")
        left = {row["path"] for row in rows if row.get("left_out")}
        check({"deprecated", "regression_data", "unsupported"} <= left, left)
        check(rows[-1]["loaded"] > 3700 and rows[-1]["refused"] < 30, rows[-1])
        check_equal(f.rows("packs")[0]["changed"], 0, "files that are not as they were")


class Stand:
    """The service with one rule of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="qorgan-packs-rules-")
        os.chmod(self.folder, 0o755)
        with open(os.path.join(self.folder, "own.yml"), "w", encoding="utf-8") as out:
            out.write(rule(100, "own needle"))
        self.service = Service(rules=self.folder, engines=2)
        self.web = None

    def __enter__(self):
        self.service.__enter__()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__(*_)
        shutil.rmtree(self.folder, ignore_errors=True)

    def rules(self, *arguments):
        return self.service.run("rules", *arguments).stdout.decode()

    def reload(self):
        self.service.process.send_signal(signal.SIGHUP)

    def until(self, text, wanted, wait=40):
        deadline = time.time() + wait
        while not (got := wanted()):
            check(time.time() < deadline, f"{text}: it did not come")
            time.sleep(0.2)
        return got

    def send(self, text):
        self.service.tcp(f"<86>{time.strftime('%b %e %H:%M:%S')} web1 app[1]: {text}\n".encode())

    def rule(self, number):
        return self.web.ask("rule.get", id=rule_id(number)).get("rule")

    def packs(self):
        return {pack["name"]: pack for pack in self.web.ask("rule.packs")["packs"]}

    def told(self, event):
        rows = self.web.search(query=f'type:lifecycle "{event}"', limit=100)["events"]
        bodies = [json.loads(row["raw"]) for row in rows if row["type"] == "lifecycle"]
        return [body for body in bodies if body["event"] == event]


def switch_level(stand):
    """All rules of a level in one act, as the page shows and does it, and the act taken back."""
    chosen = "level=high&pack=&from_active=yes&state=off"
    status, _, page = stand.web.request("GET", f"/rules/level?{chosen}")
    check(status == 200 and 'name="expected" value="2"' in page and stand.rule(1)["state"] == "active", page)
    told = {"level": "high", "pack": "", "from": "active", "state": "off", "reason": "a quiet hour"}
    refused = stand.web.change("rule.switch", **told, expected=3)
    check_equal(refused["error"], "rules_changed", "another number than was shown")
    check_equal(stand.web.form("/rules/level", **told, expected=2), "/rules/level?saved=2", "where the act leads")
    check_equal((stand.rule(1)["state"], stand.rule(100)["state"], stand.rule(2)["state"]), ("off", "off", "draft"),
                "after the act")
    act = stand.web.ask("rule.levels")["acts"][0]
    _, _, page = stand.web.request("GET", f"/rules/level?act={act['id']}")
    check(f'name="act" value="{act["id"]}"' in page, page)
    place = stand.web.form("/rules/level", act=act["id"], expected=2, reason="the hour is over")
    check_equal(place, "/rules/level?saved=2", "where taking it back leads")
    check_equal((stand.rule(1)["state"], stand.rule(100)["state"]), ("active", "active"), "taken back")
    stand.until("a hit again", lambda: (stand.send("first needle"), time.sleep(0.5), stand.rule(1)["hits"] > 1)[-1])
    switched = stand.until("a record", lambda: stand.told("rules.switched"))[0]
    restored = stand.until("a record", lambda: stand.told("rules.restored"))[0]
    check_equal((switched["level"], switched["from"], switched["state"], switched["detail"], switched["count"]),
                ("high", "active", "off", "a quiet hour", 2), "the record")
    check_equal(sorted(switched["rule_ids"]), sorted([rule_id(1), rule_id(100)]), "the rules that it names")
    check_equal((restored["undoes"], restored["state"], sorted(restored["rule_ids"])),
                (act["id"], "active", sorted(switched["rule_ids"])), "the record of taking back")


def update_waits(stand, source):
    """A version that waits changes nothing; what it would change in the archive is a hunt, which the page orders."""
    hits = stand.rule(1)["hits"]
    for text in ("other needle", "other needle once more", "a fifth wheel"):
        stand.send(text)
    text = stand.rules("import", source, "--name", "site", "--version", "2", "--wait")
    check("qorgan rules switch site 2" in text, text)
    stand.reload()
    pack = stand.until("the version that waits", lambda: (p := stand.packs()["site"]).get("next") and p)
    check_equal((pack["version"], pack["next"]["version"], pack["next"]["files"]), ("1", "2", 4),
                "what holds, and what waits")
    check_equal((stand.rule(1)["state"], stand.rule(5)), ("active", None), "the rules that are loaded")
    stand.until("the events in the archive", lambda: stand.web.search(query='"fifth wheel"')["events"])
    _, _, page = stand.web.request("GET", "/rules/packs")
    check('action="/rules/packs/compare"' in page and "qorgan rules switch site 2" in page, page)
    status, headers, text = stand.web.request(
        "POST", "/rules/packs/compare", f"csrf={stand.web.csrf}&pack=site&from=&to=",
        {"Content-Type": "application/x-www-form-urlencoded"})
    check_equal(status, 303, text)
    place = headers.get("Location")
    number = int(place.rsplit("/", 1)[1])
    hunt = stand.until("the comparison", lambda: (h := stand.web.ask("hunt.get", id=number)["hunt"])["state"] in
                       ("done", "failed") and h)
    check_equal((hunt["state"], hunt["trouble"], hunt["pack"], hunt["was_version"], hunt["version"], hunt["changes"]),
                ("done", "", "site", "1", "2", 2), "the comparison")
    rows = {row["rule_id"]: row for row in hunt["differ"]}
    one, new = rows[rule_id(1)], rows[rule_id(5)]
    check_equal((one["change"], one["gained"], one["state"], len(one["gained_records"])), ("changed", 2, "active", 2),
                "the rule that changed")
    check(one["lost"] == one["before"] >= hits and one["after"] == 2, one)
    check_equal((new["change"], new["gained"], new["lost"], new["state"]), ("added", 1, 0, ""), "the new rule")
    raw = stand.web.search(query='"fifth wheel"')["events"][0]
    check_equal(new["gained_records"], [raw["record"]], "the record that it finds")
    _, _, page = stand.web.request("GET", place)
    check('id="differences"' in page and f'/records/{raw["record"]}"' in page, page)
    check_equal(stand.packs()["site"]["next"]["hunt"], number, "the page of packs knows of it")
    told = [row for row in stand.until("a record", lambda: stand.told("rule.hunt")) if row.get("pack")]
    check("finished" in [row["act"] for row in told] or stand.until("the last record", lambda: [
        row for row in stand.told("rule.hunt") if row.get("pack") and row["act"] == "finished"]), told)


def at_work():
    """a pack comes with a reload as drafts that do not run, is switched on in one step, is rolled back, is recorded"""
    with Stand() as stand, Folder() as f:
        status, _, page = stand.web.request("GET", "/rules/packs")
        check(status == 200 and "qorgan rules import" in page, "the page without packs says what to do")
        source = f.source("src", FILES)
        stand.rules("import", source, "--name", "site", "--version", "1", "--source", "our own")
        stand.reload()
        stand.until("the pack", lambda: "site" in stand.packs())
        pack = stand.packs()["site"]
        check_equal([pack[key] for key in ("version", "source", "rules", "refused", "draft", "active", "signature")],
                    ["1", "our own", 2, 1, 2, 0, "none"], "the pack")
        check_equal((stand.rule(1)["state"], stand.rule(100)["state"]), ("draft", "active"), "how its rules begin")
        stand.send("first needle")
        stand.send("own needle")
        stand.until("the own rule's hit", lambda: stand.rule(100)["hits"] == 1)
        check_equal(stand.rule(1)["hits"], 0, "hits of a draft")
        drafted = stand.until("a record", lambda: stand.told("rules.drafted"))
        check_equal([(row["pack"], row["version"], row["who"], sorted(row["rule_ids"])) for row in drafted],
                    [("site", "1", "import", [rule_id(1), rule_id(2)])], "the record")

        place = stand.web.form("/rules/packs", pack="site", level="medium", status="any", state="active",
                               reason="looked at each")
        check_equal(place, "/rules/packs?saved=1", "where the step leads")
        _, _, page = stand.web.request("GET", place)
        check("our own" in page and "site" in html.unescape(page), "the page")
        check_equal((stand.rule(1)["state"], stand.rule(2)["state"]), ("active", "draft"), "after the step")
        stand.until("a hit", lambda: (stand.send("first needle"), time.sleep(0.5), stand.rule(1)["hits"] > 0)[-1])
        record = stand.until("a record", lambda: stand.told("rules.activated"))[0]
        check_equal([record[key] for key in ("pack", "level", "status", "state", "who", "detail", "rule_ids")],
                    ["site", "medium", "any", "active", "admin", "looked at each", [rule_id(1)]], "the record")

        switch_level(stand)

        f.source("src", {"rules/linux/one.yml": rule(1, "other needle"), "rules/new.yml": rule(5, "fifth")})
        update_waits(stand, source)
        stand.rules("switch", "site", "2")
        stand.reload()
        stand.until("the next version", lambda: stand.packs()["site"]["version"] == "2" and stand.rule(5))
        check_equal((stand.rule(1)["state"], stand.rule(5)["state"]), ("active", "draft"), "decisions outlive versions")
        stand.rules("rollback", "site")
        stand.reload()
        stand.until("the version before", lambda: stand.packs()["site"]["version"] == "1" and not stand.rule(5))
        versions = stand.until("records", lambda: (rows := stand.told("rules.pack")) and len(rows) == 3 and rows)
        check_equal([(row["was_version"], row["version"]) for row in reversed(versions)],
                    [("", "1"), ("1", "2"), ("2", "1")], "records of versions")

        path = os.path.join(stand.service.data, "rules/site/1/rules/linux/one.yml")
        with open(path, "a", encoding="utf-8") as out:
            out.write("# somebody was here\n")
        stand.reload()
        stand.until("the refusal", lambda: [row for row in stand.web.ask("rule.report")["refused"]
                                            if row["path"] == "pack:site/1/rules/linux/one.yml"])
        refusal = [row for row in stand.web.ask("rule.report")["refused"] if "one.yml" in row["path"]][0]
        check("changed since it was imported" in refusal["text"], refusal)
        check(not stand.rule(1), "a file that was changed is not loaded")
        if os.geteuid() == 0:
            mode = os.stat(os.path.join(stand.service.data, "rules"))
            check_equal((mode.st_uid, mode.st_mode & 0o007), (0, 0), "whose the packs are")
        stand.service.quiet()


if __name__ == "__main__":
    raise SystemExit(main([folder_import, nothing_usable, zip_import, hostile_zip, links, in_a_copy, killed,
                           signatures, changed_files, sigmahq, at_work]))
