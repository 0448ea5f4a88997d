#!/usr/bin/env python3
"""What machines are made of: the real agent on a machine made of files, the real service, its pages and questions."""
import json
import os
import re
import shutil
import socket
import time

from agent import Stand
from rpm_host import Rpm, write_berkeley, write_ndb
from service import ROOT, Skip, check, check_equal, main

HEADS = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


class Machine:
    """A folder that stands for the root of a machine."""

    def __init__(self, root):
        self.root = root
        self.put("etc/passwd", "root:x:0:0::/root:/bin/bash\neve:x:1000:1000::/home/eve:/bin/sh\n")
        self.put("etc/group", "root:x:0:\nsudo:x:27:\neve:x:1000:\n")
        self.put("etc/chrony/chrony.conf", "pool time.example iburst\n")
        self.put("run/chrony/chronyd.pid", "1\n")
        self.put("run/systemd/timesync/synchronized", "")
        self.put("usr/lib/os-release", 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n')
        self.put("proc/sys/kernel/hostname", "srv-1\n")
        self.put("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n")
        self.put("proc/mounts", "/dev/sda1 /srv ext4 rw 0 0\n")
        self.put("sys/class/net/eth0/type", "1\n")
        self.put("sys/class/net/eth0/address", "52:54:00:12:34:56\n")
        self.put("sys/class/dmi/id/product_serial", "S-77\n")
        self.listen(22)
        self.packages({"libssl3": ("3.0.11-1~deb12u2", "openssl"), "zlib1g": ("1:1.2.13", "zlib")})

    def put(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def remove(self, path):
        path = os.path.join(self.root, path)
        (shutil.rmtree if os.path.isdir(path) else os.remove)(path)

    def listen(self, *ports):
        rows = "".join(f"  {i}: 00000000:{port:04X} 00000000:0000 0A 0:0 0:0 0  0  0 {500 + i} 1\n"
                       for i, port in enumerate(ports))
        self.put("proc/net/tcp", HEADS + rows)
        self.put("proc/net/udp", HEADS)

    def packages(self, packages):
        self.put("var/lib/dpkg/status", "".join(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\n"
            f"Version: {version}\n\n" for name, (version, source) in packages.items()))

    def plug(self, plug, vendor, product, interface, serial="4C53"):
        folder = f"sys/bus/usb/devices/{plug}"
        self.put(f"{folder}/idProduct", product + "\n")
        self.put(f"{folder}/serial", serial + "\n")
        self.put(f"{folder}/{plug}:1.0/bInterfaceClass", interface + "\n")
        self.put(f"{folder}/idVendor", vendor + "\n")


class InventoryStand(Stand):
    def __enter__(self):
        super().__enter__()
        self.host.machine = os.path.join(self.host.root, "machine")
        os.mkdir(self.host.machine)
        os.chmod(self.host.root, 0o755)
        self.host.settings["inventory"] = "on"
        self.machine = Machine(self.host.machine)
        return self

    def ask(self, ask, **members):
        return self.web.ask(ask, **members)

    def until(self, what, said, wait=150):
        deadline = time.time() + wait
        while time.time() < deadline:
            found = what()
            if found:
                return found
            time.sleep(0.3)
        raise AssertionError(f"not in {wait} s: {said}\n{self.host.log()[-1500:]}\n{self.service.read_log()[-1500:]}")

    def keys(self, kind, agent="srv-1"):
        answer = self.ask("inventory.show", agent=agent, kind=kind, limit=500)
        return {item["key"]: item["value"] for item in answer.get("items", [])}

    def command(self, *arguments):
        done = self.service.run("inventory", *arguments, "--json", check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def changes(self, **members):
        return self.ask("inventory.changes", limit=500, **members).get("changes", [])

    def told(self):
        """All records of the agent about its machine."""
        hits = sorted(self.service.sent('"inventory"'), key=lambda hit: hit["record"])
        return [json.loads(hit["raw"]) for hit in hits
                if hit["source_kind"] == "agent" and hit["raw"].startswith('{"event":"inventory.')]

    def known(self):
        """Until all kinds were told."""
        return self.until(lambda: (kinds := {row["kind"] for row in self.ask("inventory.show", agent="srv-1").get(
            "kinds", []) if row["whole_ns"]}) and len(kinds) == 13, "all kinds are told")


def a_machine_is_told_kept_and_found():
    """the first inventory arrives; hosts, packages, ports and users are found; an object is told by its machines"""
    with InventoryStand() as stand:
        stand.enrolled()
        stand.known()
        check_equal(stand.keys("package")["libssl3:amd64"],
                    {"name": "libssl3", "version": "3.0.11-1~deb12u2", "source": "openssl"}, "a package")
        check("tcp 0.0.0.0:22" in stand.keys("port"), "the port is there")
        check_equal(stand.changes(), [], "what was there from the beginning is no change")
        host = stand.ask("inventory.list")["hosts"][0]
        check_equal((host["name"], host["os"], host["kernel"], host["serial"]),
                    ("srv-1", "Debian GNU/Linux 12 (bookworm)", "6.1.0-18-amd64", "S-77"), "the machine")
        for question, total in ((dict(name="openssl", op="lt", version="3.0.15"), 1),
                                (dict(name="openssl", op="lt", version="3.0.11-1~deb12u2"), 0),
                                (dict(kind="port", name="22", exact="true"), 1), (dict(kind="user", name="eve"), 1)):
            check_equal(stand.ask("inventory.search", **question)["total"], total, f"{question}")
        rows = stand.ask("inventory.object", object=1)
        check_equal(rows["hosts"][0]["listens"], ["tcp 0.0.0.0:22"], "what the questionnaire can be filled with")
        printed = stand.command("search", "openssl", "--below", "3.0.15")
        check_equal([(row["machine"], row["key"]) for row in printed], [("srv-1", "libssl3:amd64")], "by the command")
        check_equal(stand.command("search", "openssl", "--below", "3.0.11-1~deb12u2"), [], "and not below")
        stand.machine.packages({"zlib1g": ("1:1.2.13", "zlib")})
        stand.machine.listen(80)
        stand.until(lambda: any(row["key"] == "tcp 0.0.0.0:80" for row in stand.changes()), "another port")
        check_equal(sorted(row["key"] for row in stand.command("show", "srv-1", "--kind", "port")), ["tcp 0.0.0.0:80"],
                    "the command shows what holds now")
        counts = {row["kind"]: row for row in stand.command("list")}
        check((counts["user"]["items"], counts["user"]["whole"]) == (2, True) and len(counts) == 13, f"{counts}")


def what_changes_becomes_an_event_and_an_incident():
    """a USB stick, a modem, a port, a member of sudo, the time source: each is an event and a rule's match"""
    with InventoryStand() as stand:
        stand.enrolled()
        stand.known()
        begun = time.time()
        stand.machine.plug("1-2", "0781", "5581", "08")
        stand.until(lambda: "1-2 0781:5581 4C53" in stand.keys("usb"), "the stick is seen", wait=20)
        check(time.time() - begun < 15, "within seconds")
        stand.machine.plug("1-3", "12d1", "1506", "02", serial="")
        stand.machine.put("sys/bus/usb/devices/1-3/1-3:1.0/bInterfaceSubClass", "02\n")
        stand.machine.listen(22, 4444)
        stand.machine.put("etc/group", "root:x:0:\nsudo:x:27:eve\neve:x:1000:\n")
        stand.machine.remove("run/systemd/timesync/synchronized")
        wanted = {("added", "usb"), ("added", "port"), ("added", "member"), ("changed", "time")}
        stand.until(lambda: wanted <= {(row["change"], row["kind"]) for row in stand.changes()}, f"{wanted}")
        titles = ("USB storage device attached", "Modem or phone attached", "New listening port",
                  "Account in a privileged group", "Clock no longer synchronised")
        found = stand.until(lambda: (rules := {row["title"] for row in stand.ask(
            "incident.list", limit=100).get("incidents", [])}) and set(titles) <= rules and rules, f"{titles}", wait=60)
        check(set(titles) <= found, f"{found}")
        stand.machine.remove("sys/bus/usb/devices/1-2")
        stand.until(lambda: any(row["change"] == "removed" and row["kind"] == "usb" for row in stand.changes()),
                    "its removal is an event", wait=20)
        check("1-2 0781:5581 4C53" not in stand.keys("usb"), "and it is gone")
        status, _, page = stand.web.request("GET", "/inventory/" + stand.ask("inventory.list")["hosts"][0]["agent"])
        check(status == 200 and "1-3 12d1:1506" in page, "the page shows what is there")


def a_restart_tells_nothing_again():
    """a stop and a start, and a kill, repeat nothing; what changed meanwhile is told; being asked tells all"""
    with InventoryStand() as stand:
        stand.enrolled()
        stand.known()
        time.sleep(6)
        before = len(stand.told())
        status, _ = stand.host.stop()
        check_equal(status, 0, "it stops")
        stand.host.start()
        stand.host.until(lambda status: status["state"] == "connected")
        time.sleep(8)
        check_equal(len(stand.told()), before, "nothing was told again")
        stand.host.kill()
        stand.machine.put("etc/passwd", "root:x:0:0::/root:/bin/bash\n")
        stand.host.start()
        stand.until(lambda: any(row["key"] == "eve" for row in stand.changes(kind="user")), "what changed meanwhile")
        check(stand.told()[before:] and all(one["event"] == "inventory.removed" for one in stand.told()[before:]),
              f"and nothing else: {stand.told()[before:]}")
        agent = stand.ask("inventory.list")["hosts"][0]["agent"]
        snapshots = sum(one["event"] == "inventory.snapshot" for one in stand.told())
        answer = stand.web.change("inventory.ask", agent=agent)
        check(answer.get("ok"), f"{answer}")
        stand.until(lambda: sum(one["event"] == "inventory.snapshot" for one in stand.told()) >= snapshots + 13,
                    "all is told anew", wait=60)
        check(all(one["change"] == "removed" for one in stand.changes()), "which is no change")


def twenty_thousand_packages():
    """20,000 packages arrive, are searched and healed; the agent stays small"""
    with InventoryStand() as stand:
        stand.machine.packages({f"package-{i}": (f"{i}.1", "many") for i in range(20000)})
        stand.enrolled()
        stand.until(lambda: stand.ask("inventory.show", agent="srv-1", kind="package").get("total") == 20000,
                    "all of them")
        check_equal(stand.ask("inventory.search", name="package-19999", op="lt", version="20000")["total"], 1, "found")
        check_equal(stand.ask("inventory.search", name="many", exact="true")["total"], 20000, "by their source")
        with open(f"/proc/{stand.host.process.pid}/status", encoding="ascii") as file:
            resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        print(f"# the agent has {resident} KiB resident")
        check(resident < 40000, "the agent is small")


def installed(stand):
    """Names and versions of what is told to be there; each has said which tool installed it, and when."""
    items = stand.keys("package").values()
    check(all(item["tool"] == "rpm" and item["installed_s"] > 0 for item in items), f"{items}")
    return sorted((item["name"], item["version"]) for item in items)


def packages_of_rpm_are_followed():
    """the real rpm installs, upgrades and erases; the inventory follows, and is the same from each form of database"""
    with InventoryStand() as stand:
        rpm = Rpm(stand.host.root, stand.machine.root)
        stand.machine.remove("var/lib/dpkg")
        rpm.run("-i", rpm.build("qorgan-one", "1.0~rc1"), rpm.build("qorgan-two", "1.0", epoch=2))
        stand.enrolled()
        stand.known()
        check_equal(installed(stand), [("qorgan-one", "1.0~rc1-1"), ("qorgan-two", "2:1.0-1")], "what was installed")
        check_equal(stand.keys("system")["packages"], {"read": ["rpm"], "not_read": []}, "which list was read")
        check_equal(stand.keys("package")["qorgan-one:noarch"]["vendor"], "Qorgan tests", "by whom")
        agent = stand.ask("inventory.list")["hosts"][0]["agent"]

        def anew():
            """Until all packages were told again."""
            def snapshots():
                return sum(one["event"] == "inventory.snapshot" and one["kind"] == "package" for one in stand.told())

            before = snapshots()
            stand.until(lambda: stand.web.change("inventory.ask", agent=agent).get("ok"), "it is asked")
            stand.until(lambda: snapshots() > before, "packages are told", wait=60)
            check_equal(installed(stand), rpm_says, "the same as rpm says")
            return sorted((row["change"], row["key"]) for row in stand.changes(kind="package"))

        rpm.run("-U", rpm.build("qorgan-one", "1.0"))
        rpm.run("-e", "qorgan-two")
        rpm_says = rpm.said()
        changes = [("changed", "qorgan-one:noarch"), ("removed", "qorgan-two:noarch")]
        check_equal(anew(), changes, "an upgrade is a change")
        for version, total in (("1.0", 0), ("1.0-2", 1), ("1.0^git1", 1), ("1.0~rc2", 0)):
            check_equal(stand.ask("inventory.search", name="qorgan-one", op="lt", version=version)["total"], total,
                        f"below {version}, as rpm orders versions")
        check_equal([row["key"] for row in stand.command("search", "qorgan-one", "--below", "1.0^")],
                    ["qorgan-one:noarch"], "and by the command")
        rpm.run("-i", rpm.build("qorgan-many", "1"), rpm.build("qorgan-many", "2"))
        rpm_says, headers = rpm.said(), rpm.headers()
        changes = [("added", f"qorgan-many:noarch {version}-1") for version in (1, 2)] + changes
        check_equal(anew(), changes, "two versions beside each other are two")
        for name, write in (("Packages.db", write_ndb), ("Packages", write_berkeley)):
            rpm.become(name, write, headers)
            check_equal(anew(), changes, f"nothing else is said by {name}")
        with open(rpm.path("Packages"), "r+b") as file:
            file.write(b"another form of database")
        check(stand.web.change("inventory.ask", agent=agent).get("ok"), "it is asked")
        stand.until(lambda: stand.keys("system")["packages"] == {"read": [], "not_read": ["rpm"]}, "a gap is said")
        stand.until(lambda: "package: cannot" in stand.host.status().get("inventory_trouble", ""), "on the host too")
        check_equal(installed(stand), rpm_says, "and is not taken for gone")


def versions_of_rpm_are_ordered_as_rpm_does():
    """the table that the unit test holds the desk to, asked of the real rpm"""
    if not shutil.which("rpm"):
        raise Skip("there is no rpm")
    with open(os.path.join(ROOT, "src/desk/inventory_test.c"), encoding="utf-8") as file:
        table = file.read().partition("versions_of_rpm(void)")[2].partition("};")[0]
    rows = re.findall(r'\{"([^"]+)", "([^"]+)", (-?\d)\},(?! /\* any release)', table)
    rows = [row for row in rows if "\\" not in row[0] and row[0] != "..."]
    check(len(rows) > 40, f"the table is found: {len(rows)} rows")
    asked = "".join(f"print(rpm.vercmp([==[{a}]==], [==[{b}]==])) " for a, b, _ in rows)
    said = os.popen(f"rpm --eval '%{{lua: {asked}}}'").read()
    check_equal(re.findall(r"-?\d", said), [order for _, _, order in rows], "the order of each pair")


def the_real_machine_is_told():
    """this machine itself, seen from inside the sandbox: a port that is opened is told, and gone when it is closed"""
    with InventoryStand() as stand:
        stand.host.machine = None
        stand.enrolled()
        status = stand.host.until(lambda status: status.get("inventory"))
        stand.until(lambda: stand.keys("port") or stand.keys("user"), "something is told")
        check("root" in stand.until(lambda: stand.keys("user"), "users"), "there is a root")
        system = stand.until(lambda: stand.keys("system"), "the system")
        check_equal(system["kernel"]["release"], os.uname().release, "the kernel")

        def kinds():
            return {row["kind"] for row in stand.ask("inventory.show", agent="srv-1")["kinds"]}

        def told(change, key):
            return any((row["change"], row["key"]) == (change, key) for row in stand.changes(kind="port"))

        stand.until(lambda: "port" in kinds(), "ports")
        with socket.create_server(("127.0.0.1", 0)) as server:
            key = f"tcp 127.0.0.1:{server.getsockname()[1]}"
            stand.until(lambda: told("added", key), key)
        stand.until(lambda: told("removed", key), key)
        status = stand.host.status()
        check("cannot be read" not in status.get("inventory_trouble", "").replace("package: cannot be read", ""),
              f"all can be read: {status}")


def what_the_host_forbids_is_not_told():
    """inventory = off in agent.conf: nothing is told, and the refusal is a record"""
    with InventoryStand() as stand:
        stand.host.settings["inventory"] = "off"
        stand.enrolled(files=[stand.host.logs], inventory=True)
        refused = stand.own("agent.policy")[0]["refused"]
        check_equal(refused, ["inventory"], "what was refused")
        time.sleep(3)
        check_equal(stand.told(), [], "nothing is told")
        check_equal(stand.ask("inventory.list")["total"], 0, "and nothing known")


if __name__ == "__main__":
    raise SystemExit(main([a_machine_is_told_kept_and_found, what_changes_becomes_an_event_and_an_incident,
                           a_restart_tells_nothing_again, twenty_thousand_packages,
                           versions_of_rpm_are_ordered_as_rpm_does, the_real_machine_is_told,
                           what_the_host_forbids_is_not_told], beside=[packages_of_rpm_are_followed]))
