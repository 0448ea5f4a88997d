"""rpm on a machine made of files: packages built by the real rpmbuild, installed by the real rpm, and its database in
the two other forms that systems have."""
import os
import shutil
import sqlite3
import struct
import subprocess
import zlib

from service import Skip

SPEC = """Name: {name}
Version: {version}
Release: {release}
Epoch: {epoch}
Summary: {name}
License: none
Vendor: Qorgan tests
BuildArch: noarch
%description
{name}
%install
mkdir -p %{{buildroot}}/opt/{name}-{version}
echo {name} > %{{buildroot}}/opt/{name}-{version}/file
%files
/opt/{name}-{version}
"""
FOLDER = "var/lib/rpm"


class Rpm:
    def __init__(self, folder, machine):
        for program in ("rpm", "rpmbuild"):
            if not shutil.which(program):
                raise Skip(f"there is no {program}")
        if os.geteuid() != 0:
            raise Skip("needs root: rpm changes to the root that it installs in")
        self.folder = os.path.join(folder, "rpmbuild")
        self.machine = machine
        os.makedirs(self.folder)

    def build(self, name, version, release="1", epoch=0):
        """The path of a package."""
        spec = os.path.join(self.folder, f"{name}.spec")
        with open(spec, "w", encoding="ascii") as file:
            file.write(SPEC.format(name=name, version=version, release=release, epoch=epoch))
        self.do("rpmbuild", "--define", f"_topdir {self.folder}", "--define", f"_dbpath {self.folder}/db", "-bb", spec)
        return os.path.join(self.folder, "RPMS", "noarch", f"{name}-{version}-{release}.noarch.rpm")

    def run(self, *arguments):
        return self.do("rpm", "--root", self.machine, "--dbpath", f"/{FOLDER}", *arguments)

    def do(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.stderr[-1000:]}")
        return done.stdout

    def said(self):
        """What rpm itself says is installed."""
        lines = self.run("-qa", "--qf", r"%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n").splitlines()
        return sorted(tuple(line.replace(" 0:", " ").split(" ")) for line in lines)

    def headers(self):
        with sqlite3.connect(self.path("rpmdb.sqlite")) as database:
            return [row[0] for row in database.execute("SELECT blob FROM Packages ORDER BY hnum")]

    def path(self, name):
        return os.path.join(self.machine, FOLDER, name)

    def become(self, name, write, headers):
        """The database in another form, as the only one."""
        write(self.path(name), headers)
        for old in os.listdir(os.path.join(self.machine, FOLDER)):
            if old != name:
                os.remove(self.path(old))


def write_berkeley(path, headers):
    """As RHEL 7 and 8 have it, by Berkeley DB's own loader."""
    if not shutil.which("db5.3_load"):
        raise Skip("there is no db5.3_load")
    pairs = [(0, struct.pack("<I", len(headers)))] + list(enumerate(headers, 1))
    lines = ["VERSION=3", "format=bytevalue", "type=hash", "HEADER=END"]
    for number, value in pairs:
        lines += [" " + struct.pack("<I", number).hex(), " " + value.hex()]
    subprocess.run(["db5.3_load", path], input="\n".join(lines + ["DATA=END", ""]), text=True, check=True)


def write_ndb(path, headers):
    """As SUSE has it. Debian's rpm does not write it: from the description in rpm's lib/backend/ndb/rpmpkg.c."""
    slots, blobs, place = b"", b"", 4096 // 16
    for number, header in enumerate(headers, 1):
        blob = b"BlbS" + struct.pack("<III", number, 0, len(header)) + header
        blob += b"\0" * (-(len(blob) + 12) % 16)
        blob += struct.pack("<II", zlib.adler32(blob), len(header)) + b"BlbE"
        slots += b"Slot" + struct.pack("<III", number, place, len(blob) // 16)
        blobs += blob
        place += len(blob) // 16
    head = b"RpmP" + struct.pack("<IIII", 0, 1, 1, len(headers) + 1) + b"\0" * 12
    free = b"Slot" + b"\0" * 12
    with open(path, "wb") as file:
        file.write((head + slots + free * 256)[:4096] + blobs)
