"""agent_rpm.py - the agent's rpm: made twice alike, what it asks of RHEL 9, installed by the real rpm with its scripts
into a root of its own, renewed, removed."""
import os
import re
import shutil
import sys
import tempfile

from agent_host import AGENT
from agent_package import BUILD, need, run
from service import ROOT, Skip, check, check_equal, main

UNITS = "qorgan-agent.service qorgan-relay.service"
DATABASE = "var/lib/rpm"
EPOCH = "1767225600"  # what is made says that it was made then
# What stands in RHEL 9.0 behind each library that the agent may ask for, and the newest of its symbols' versions.
RHEL = {"libc.so.6": "GLIBC_2.34", "libssl.so.3": "OPENSSL_3.0.0", "libcrypto.so.3": "OPENSSL_3.0.0",
        "libsystemd.so.0": "LIBSYSTEMD_250", "libp11-kit.so.0": "LIBP11_KIT_1.0", "libzstd.so.1": "",
        "libseccomp.so.2": ""}
FILES = """drwxr-xr-x root root /etc/qorgan
drwxr-xr-x root root /etc/qorgan-agent
-rw-r--r-- root root /etc/qorgan-agent/agent.conf
-rwxr-xr-x root root /usr/bin/qorgan-agent
-rw-r--r-- root root /usr/lib/systemd/system/qorgan-agent.service
-rw-r--r-- root root /usr/lib/systemd/system/qorgan-relay.service
-rw-r--r-- root root /usr/lib/sysusers.d/qorgan-agent.conf
drwxr-xr-x root root /usr/share/licenses/qorgan-agent
-rw-r--r-- root root /usr/share/licenses/qorgan-agent/LICENSE
-rw-r--r-- root root /usr/share/man/man1/qorgan-agent.1.gz
"""


def package_make(folder, tree=ROOT, build=BUILD):
    need("rpmbuild", "rpm")
    done = run(os.path.join(tree, "packaging/agent-rpm"), build, folder)
    check_equal(done.returncode, 0, done.stderr)
    return os.path.join(folder, next(name for name in os.listdir(folder) if name.endswith(".rpm")))


def asked(package, *what):
    done = run("rpm", "-qp", *what, package)
    check_equal(done.returncode, 0, done.stderr)
    return done.stdout


def made_twice_it_is_the_same():
    """two makings of the rpm are the same bytes, whatever the mask and the clock, and tell nothing of who made it"""
    with tempfile.TemporaryDirectory() as folder:
        first = package_make(os.path.join(folder, "a"))
        os.umask(0o077)
        try:
            second = package_make(os.path.join(folder, "b"))
        finally:
            os.umask(0o022)
        with open(first, "rb") as one, open(second, "rb") as other:
            check(one.read() == other.read(), "the packages differ")
        told = asked(first, "--qf", "%{BUILDHOST} %{BUILDTIME} %{VERSION} %{LICENSE}")
        check_equal(told, f"qorgan {EPOCH} {run(AGENT, 'version').stdout.split()[1]} Apache-2.0", "of its making")
        check_equal(set(asked(first, "--qf", "[%{FILEMTIMES} ]").split()), {EPOCH}, "times of its files")


def number(version):
    return [int(part) for part in re.findall(r"\d+", version)]


def rhel_has_what_it_asks():
    """each library that the rpm requires, and each version of its symbols, is there in RHEL 9"""
    with tempfile.TemporaryDirectory() as folder:
        wanted = asked(package_make(folder), "--requires").splitlines()
    libraries = re.findall(r"^(\S+\.so[.\d]*)\(([.\w]*)\)", "\n".join(wanted), re.M)
    check({"libc.so.6", "libssl.so.3", "libsystemd.so.0"} <= {name for name, _ in libraries}, wanted)
    for name, version in libraries:
        check(name in RHEL, f"RHEL 9 has no {name}")
        if version:
            kind, newest = version.rsplit("_", 1)[0], RHEL[name]
            check(newest.startswith(kind) and number(version) <= number(newest), f"{name} of RHEL 9 has no {version}")
    check("systemd" in wanted, wanted)


def what_would_not_start_is_not_packed():
    """a program that needs newer symbols or other libraries than RHEL 9's is refused, with their names"""
    need("cc", "rpmbuild")
    text = '#include <stdio.h>\n#include <stdlib.h>\n%s\nint main(void) { %s; return puts("qorgan-agent 9.9") < 0; }\n'
    rows = ((text % ("", "arc4random()"), [], "needs GLIBC_2.36 of libc.so.6"),
            (text % ("#include <zlib.h>", "zlibVersion()"), ["-lz"], "RHEL 9 has no libz.so.1"))
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "src/cmd/qorgan-agent")
        os.makedirs(os.path.dirname(program))
        for source, libraries, want in rows:
            done = run("cc", "-o", program, "-x", "c", "-", *libraries, input=source)
            check_equal(done.returncode, 0, done.stderr)
            done = run(os.path.join(ROOT, "packaging/agent-rpm"), folder, os.path.join(folder, "out"))
            check(done.returncode == 1 and want in done.stderr, f"{want}: {done.returncode} {done.stderr}")
            check_equal(os.listdir(os.path.join(folder, "out")), [], "nothing was made")


class Root:
    """A root in which scripts run: sh, systemd-sysusers, the agent's libraries, and a systemctl that writes down what
    it was asked for."""

    def __init__(self, folder):
        if os.geteuid() != 0:
            raise Skip("needs root: rpm changes to the root that it installs in")
        need("systemd-sysusers")
        self.path = folder
        for name in ("usr/bin", "usr/lib", "usr/lib64", "etc", "run/systemd/system", "dev", "tmp", "var/tmp", DATABASE):
            os.makedirs(os.path.join(folder, name))
        for name in ("bin", "lib", "lib64"):
            os.symlink("usr/" + name, os.path.join(folder, name))
        self.copy("/bin/sh", shutil.which("systemd-sysusers"))
        self.copy_libraries("/bin/sh", shutil.which("systemd-sysusers"), AGENT)
        self.write("dev/null", "")
        self.write("usr/bin/systemctl", '#!/bin/sh\necho "$*" >> /asked\n')
        os.chmod(os.path.join(folder, "usr/bin/systemctl"), 0o755)

    def copy(self, *paths):
        for path in paths:
            target = self.path + path
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if not os.path.exists(target):
                shutil.copy(path, target)

    def copy_libraries(self, *programs):
        for program in programs:
            self.copy(*re.findall(r"(/\S+) \(0x", run("ldd", program).stdout))

    def rpm(self, *arguments, says=""):
        """What it prints; nothing goes wrong in the package's scripts, and of files it says no more than that."""
        done = run("rpm", "--root", self.path, "--dbpath", f"/{DATABASE}", "--force-debian", *arguments)
        said = re.sub(r"^Creating .*\n", "", done.stderr, flags=re.M)  # systemd-sysusers, of the user
        check_equal((done.returncode, said), (0, says), f"{arguments}: {done.stdout}")
        return done.stdout

    def systemctl_was_asked(self):
        path = os.path.join(self.path, "asked")
        if not os.path.exists(path):
            return []
        lines = self.read("asked").splitlines()
        os.unlink(path)
        return lines

    def has(self, name):
        return os.path.exists(os.path.join(self.path, name))

    def read(self, name):
        with open(os.path.join(self.path, name), encoding="ascii") as file:
            return file.read()

    def write(self, name, text):
        os.makedirs(os.path.dirname(os.path.join(self.path, name)), exist_ok=True)
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(text)


def newer_tree(folder):
    """What the package is made of, with a second release and other settings to begin with."""
    for part in ("packaging", "man"):
        shutil.copytree(os.path.join(ROOT, part), os.path.join(folder, part))
    for name, old, new in (("packaging/qorgan-agent.spec", "Release: 1\n", "Release: 2\n"),
                           ("packaging/qorgan-agent.conf", "# commands = off", "# commands = on")):
        path = os.path.join(folder, name)
        with open(path, encoding="ascii") as file:
            text = file.read()
        check(old in text, f"{name} has no {old!r}")
        with open(path, "w", encoding="ascii") as file:
            file.write(text.replace(old, new))
    return folder


def installed(root, package):
    root.rpm("-i", "--nodeps", package)
    form = "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\\n]"
    rows = root.rpm("-q", "qorgan-agent", "--qf", form)
    check_equal(rows, FILES, "files, owners and modes")
    check_equal(root.rpm("-V", "--nodeps", "qorgan-agent"), "", "what lies there is what was packed")
    check_equal(root.systemctl_was_asked(),
                [f"--no-reload preset {UNITS}", "daemon-reload", f"try-restart {UNITS}"], "an installation asks for")
    user = next(row.split(":") for row in root.read("etc/passwd").splitlines() if row.startswith("qorgan-agent:"))
    check_equal((user[5], user[6]), ("/var/lib/qorgan-agent", "/usr/sbin/nologin"), "its user")
    check("Apache License" in root.read("usr/share/licenses/qorgan-agent/LICENSE"), "the licence")
    done = run("chroot", root.path, "/usr/bin/qorgan-agent", "version")
    check(done.returncode == 0 and done.stdout.startswith("qorgan-agent "), done.stdout + done.stderr)


def installed_renewed_removed():
    """installed: files, user, program; renewed: changed settings stay, a new start; removed: spool and keys stay"""
    with tempfile.TemporaryDirectory() as folder:
        root = Root(os.path.join(folder, "root"))
        package = package_make(os.path.join(folder, "made"))
        newer = package_make(os.path.join(folder, "newer"), newer_tree(os.path.join(folder, "tree")))
        installed(root, package)
        root.write("etc/qorgan-agent/agent.conf", "commands = off\n")
        for name in ("id", "key.pem", "spool/0"):
            root.write(f"var/lib/qorgan-agent/{name}", "x\n")
        conf = "/etc/qorgan-agent/agent.conf"
        root.rpm("-U", "--nodeps", newer, says=f"warning: {conf} created as {conf}.rpmnew\n")
        check_equal(root.read("etc/qorgan-agent/agent.conf"), "commands = off\n", "the settings")
        check("commands = on" in root.read("etc/qorgan-agent/agent.conf.rpmnew"), "those of the package, beside them")
        check_equal(root.systemctl_was_asked(), ["daemon-reload"] * 2 + [f"try-restart {UNITS}"], "a renewal asks for")
        check_equal(root.rpm("-q", "qorgan-agent", "--qf", "%{RELEASE}\\n"), "2\n", "one package is there")
        root.write("etc/qorgan/relay.conf", "servers = a:6515\n")
        root.rpm("-e", "--nodeps", "qorgan-agent", says=f"warning: {conf} saved as {conf}.rpmsave\n")
        check_equal(root.systemctl_was_asked(), [f"--no-reload disable --now {UNITS}", "daemon-reload"],
                    "a removal asks for")
        for row in FILES.splitlines():
            check(row.startswith("d") or not root.has(row.split()[3][1:]), f"it stays after a removal: {row}")
        for name in ("id", "key.pem", "spool/0"):
            check_equal(root.read(f"var/lib/qorgan-agent/{name}"), "x\n", name)
        check_equal(root.read("etc/qorgan-agent/agent.conf.rpmsave"), "commands = off\n", "settings of a host")
        check(root.has("etc/qorgan/relay.conf"), "settings of a relay")


TESTS = [made_twice_it_is_the_same, rhel_has_what_it_asks, what_would_not_start_is_not_packed,
         installed_renewed_removed]

if __name__ == "__main__":
    sys.exit(main(TESTS))
