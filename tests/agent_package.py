"""agent_package.py - the agent's Debian package and unit: made twice alike, installed into a root of its own, removed,
purged; the unit judged by systemd's own tools; the agent under the unit's rights. Then the users of all units."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from agent_host import AGENT
from service import ROOT, Skip, check, check_equal, main

UNIT = os.path.join(ROOT, "packaging/qorgan-agent.service")
EXPOSURE_MAX = 36  # tenths, as systemd-analyze security counts
BUILD = os.path.dirname(os.path.dirname(os.path.dirname(AGENT)))


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"there is no {program}")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


def package_make(folder):
    need("dpkg-deb")
    done = run(os.path.join(ROOT, "packaging/agent-deb"), BUILD, folder)
    check_equal(done.returncode, 0, done.stderr)
    return os.path.join(folder, next(name for name in os.listdir(folder) if name.endswith(".deb")))


def unit_settings():
    """Settings of the unit's [Service], in order."""
    with open(UNIT, encoding="ascii") as unit:
        lines = [line.strip() for line in unit]
    return [tuple(line.split("=", 1)) for line in lines if "=" in line and not line.startswith("#")]


def made_twice_it_is_the_same():
    """two makings of the package are the same bytes, whatever the mask and the clock"""
    with tempfile.TemporaryDirectory() as folder:
        first = package_make(os.path.join(folder, "a"))
        os.umask(0o077)
        try:
            second = package_make(os.path.join(folder, "b"))
        finally:
            os.umask(0o022)
        with open(first, "rb") as one, open(second, "rb") as other:
            check(one.read() == other.read(), "the packages differ")


class Root:
    """A root with dpkg's own folders and nothing else."""

    def __init__(self, folder):
        self.path = folder
        for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/log", "etc"):
            os.makedirs(os.path.join(folder, name))
        for name in ("status", "available"):
            with open(os.path.join(folder, "var/lib/dpkg", name), "w", encoding="ascii"):
                pass

    def dpkg(self, *arguments):
        done = run("dpkg", f"--root={self.path}", "--force-not-root,depends,script-chrootless,confold",
                   *arguments)
        check_equal(done.returncode, 0, done.stdout + done.stderr)

    def has(self, name):
        return os.path.exists(os.path.join(self.path, name))

    def read(self, name):
        with open(os.path.join(self.path, name), encoding="ascii") as file:
            return file.read()

    def write(self, name, text):
        os.makedirs(os.path.dirname(os.path.join(self.path, name)), exist_ok=True)
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(text)


def installed_removed_purged():
    """installed: files and user; installed again: a changed conffile stays; removed: data stay; purged: none"""
    need("dpkg", "systemd-sysusers")
    with tempfile.TemporaryDirectory() as folder:
        package = package_make(os.path.join(folder, "made"))
        root = Root(os.path.join(folder, "root"))
        root.dpkg("--install", package)
        for name in ("usr/bin/qorgan-agent", "lib/systemd/system/qorgan-agent.service", "etc/qorgan-agent/agent.conf",
                     "usr/share/man/man1/qorgan-agent.1.gz", "usr/lib/sysusers.d/qorgan-agent.conf"):
            check(root.has(name), f"{name} was not installed")
        check("qorgan-agent:" in root.read("etc/passwd"), root.read("etc/passwd"))
        check("install ok installed" in root.read("var/lib/dpkg/status"), root.read("var/lib/dpkg/status"))
        root.write("etc/qorgan-agent/agent.conf", "commands = off\n")
        root.write("var/lib/qorgan-agent/id", "x\n")
        root.dpkg("--install", package)
        check_equal(root.read("etc/qorgan-agent/agent.conf"), "commands = off\n", "the conffile")
        root.dpkg("--remove", "qorgan-agent")
        check(not root.has("usr/bin/qorgan-agent") and not root.has("lib/systemd/system/qorgan-agent.service"),
              "files stay after removal")
        check(root.has("var/lib/qorgan-agent/id") and root.has("etc/qorgan-agent/agent.conf"),
              "removal took data or settings")
        root.dpkg("--purge", "qorgan-agent")
        check(not root.has("var/lib/qorgan-agent") and not root.has("etc/qorgan-agent"), "it stays after a purge")


def the_unit_is_understood():
    """systemd knows every setting of the unit, and finds it exposed no more than it is"""
    need("systemd-analyze")
    with tempfile.TemporaryDirectory() as folder:
        unit = os.path.join(folder, "qorgan-agent.service")
        with open(UNIT, encoding="ascii") as source, open(unit, "w", encoding="ascii") as target:
            target.write(source.read().replace("/usr/bin/qorgan-agent", AGENT))
        done = run("systemd-analyze", "verify", "--man=no", unit)
        check(unit not in done.stderr and "qorgan-agent.service:" not in done.stderr, done.stderr)
        done = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)
        check_equal(done.returncode, 0, done.stdout[-300:])


def it_starts_with_the_unit_s_rights():
    """with the unit's capabilities, without new ones, below folders that may not be written, it starts and judges"""
    need("setpriv", "unshare")
    if os.geteuid() != 0:
        raise Skip("needs root")
    settings = dict(unit_settings())
    keep = ",".join("+" + name.removeprefix("CAP_").lower() for name in settings["CapabilityBoundingSet"].split())
    with tempfile.TemporaryDirectory() as folder:
        script = ("mount --make-rprivate / && mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro /usr /usr;"
                  "shift; exec setpriv --bounding-set \"$1\" --inh-caps=-all --no-new-privs \"$2\" run --data \"$3\"")
        if run("unshare", "--mount", "true").returncode != 0:
            raise Skip("no namespaces here")
        done = run("unshare", "--mount", "sh", "-c", script, "sh", folder, "-all," + keep, AGENT, folder)
        check("is not enrolled" in done.stderr + done.stdout, done.stderr)


def each_unit_finds_its_user():
    """of what an installation lays down, systemd-sysusers makes the user of each unit, and no other"""
    need("meson", "systemd-sysusers")
    plan = run("meson", "introspect", "--installed", BUILD)
    check_equal(plan.returncode, 0, plan.stderr)
    wanted = {"qorgan-agent"}  # its program becomes it by itself, and the relay, too
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "etc"))
        for source, target in json.loads(plan.stdout).items():
            if target.endswith(".service"):
                with open(source, encoding="ascii") as unit:
                    wanted |= {line.strip().removeprefix("User=") for line in unit if line.startswith("User=")}
            elif "/sysusers.d/" in target:
                copy = os.path.join(root, "usr/lib/sysusers.d", os.path.basename(target))
                os.makedirs(os.path.dirname(copy), exist_ok=True)
                shutil.copyfile(source, copy)
        done = run("systemd-sysusers", f"--root={root}")
        check_equal(done.returncode, 0, done.stderr)
        with open(os.path.join(root, "etc/passwd"), encoding="ascii") as file:
            made = [line.split(":") for line in file]
    names = {row[0] for row in made if row[0].startswith("qorgan")}
    check_equal(names, wanted - {"root"}, "the users that were made")
    check(all(row[6].strip().endswith("nologin") and row[5] == f"/var/lib/{row[0]}" for row in made
              if row[0] in names), made)


TESTS = [made_twice_it_is_the_same, installed_removed_purged, the_unit_is_understood,
         it_starts_with_the_unit_s_rights, each_unit_finds_its_user]

if __name__ == "__main__":
    sys.exit(main(TESTS))
