#!/usr/bin/env python3
"""What network devices send: SNMP notifications and flows, by real programs of Debian and by datagrams made here."""
import contextlib
import json
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

from senders import stopped, which
from service import Service, check, check_equal, free_port, main

COMMUNITY = "s3cret-Community"


def said(hits):
    return [json.loads(hit["raw"]) for hit in hits]


def gaps(service, query, count, wait=20):
    """The gap records of a query, once there are so many."""
    deadline = time.time() + wait
    found = []
    while len(found) < count and time.time() < deadline:
        found = [hit for hit in service.search(query) if hit["type"] == "gap"]
        time.sleep(0.3)
    return found


def udp(port, *bodies):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        for body in bodies:
            link.sendto(body, ("127.0.0.1", port))


# ---- SNMP ----

def ber(tag, *parts):
    content = b"".join(parts)
    length = bytes([len(content)]) if len(content) < 128 else b"\x82" + struct.pack(">H", len(content))
    return bytes([tag]) + length + content


def inform(number, community=COMMUNITY, text=b"x"):
    """An inform of version 2c whose trap is 1.3.6.1.4.1.99999.0.1."""
    trap = b"\x2b\x06\x01\x04\x01\x86\x8d\x1f\x00\x01"
    bindings = ber(0x30, ber(0x30, ber(6, b"\x2b\x06\x01\x02\x01\x01\x03\x00"), ber(0x43, b"\x01\x02")),
                   ber(0x30, ber(6, b"\x2b\x06\x01\x06\x03\x01\x01\x04\x01\x00"), ber(6, trap)),
                   ber(0x30, ber(6, b"\x2b\x06\x01\x04\x01\x86\x8d\x1f\x02\x00"), ber(4, text)))
    pdu = ber(0xa6, ber(2, struct.pack(">i", number)), ber(2, b"\0"), ber(2, b"\0"), bindings)
    return ber(0x30, ber(2, b"\x01"), ber(4, community.encode()), pdu)


def snmp_service(communities=(COMMUNITY,), users=(), **settings):
    folder = tempfile.mkdtemp(prefix="qorgan-snmp-")
    for name, lines in (("communities", communities), ("users", users)):
        if lines:
            with open(f"{folder}/{name}", "w", encoding="ascii") as out:
                out.writelines(f"{line}\n" for line in lines)
            settings[f"snmp_{name}"] = f"{folder}/{name}"
    service = Service(snmp_port=free_port(socket.SOCK_DGRAM), intakes=1, **settings)
    service.folder = folder
    return service


def no_secret(service, secret):
    """Neither the log nor any record says it; below the data folder no file holds it."""
    check(secret not in service.read_log(), "the log holds the community")
    found = subprocess.run(["grep", "-rlaF", secret, service.data], capture_output=True, text=True, check=False)
    check(found.stdout == "", f"files that hold the community: {found.stdout}")


def snmptrap_versions():
    """real snmptrap, versions 1 and 2c: names, addresses, exact values; kinds and fields as events"""
    snmptrap = which("snmptrap")
    with snmp_service() as service:
        agent = f"udp:127.0.0.1:{service.settings['snmp-port']}"

        def send(*arguments):
            subprocess.run([snmptrap, "-m", "", "-c", COMMUNITY, *arguments], check=True, timeout=30,
                           capture_output=True)

        send("-v1", agent, "1.3.6.1.4.1.9", "192.0.2.7", "2", "0", "4711", "1.3.6.1.2.1.2.2.1.1.3", "i", "3",
             "1.3.6.1.2.1.2.2.1.2.3", "s", "GigabitEthernet0/3")
        send("-v1", agent, "1.3.6.1.4.1.99999", "192.0.2.7", "6", "17", "1", "1.3.6.1.4.1.99999.2.0", "x", "00ff10")
        send("-v2c", agent, "123456", "1.3.6.1.6.3.1.1.5.5", "1.3.6.1.4.1.9.2.1.5.0", "a", "198.51.100.9",
             "1.3.6.1.4.1.99999.9.0", "C", "18446744073709551615", "1.3.6.1.6.3.18.1.4.0", "s", "handed-on-Secret")
        hits = service.wait_for("snmp_version:*", 3)
        check_equal(len(hits), 3, "records\n" + service.read_log()[-800:])
        check(all((hit["source_kind"], hit["source"]) == ("snmp", "127.0.0.1") for hit in hits), "their source")
        traps = {trap["trap"]: trap for trap in said(hits)}
        down = traps["linkDown"]
        check_equal((down["snmp_version"], down["trap_oid"], down["agent"], down["enterprise"], down["uptime"]),
                    ("1", "1.3.6.1.6.3.1.1.5.3", "192.0.2.7", "1.3.6.1.4.1.9", 4711), "version 1, generic")
        check_equal((down["ifIndex"], down["ifDescr"]), (3, "GigabitEthernet0/3"), "named bindings")
        own = traps["1.3.6.1.4.1.99999.0.17"]
        check_equal(own["varbinds"], [{"oid": "1.3.6.1.4.1.99999.2.0", "type": "octets", "value": "0x00ff10"}],
                    "version 1, of an enterprise")
        failed = traps["authenticationFailure"]
        check_equal((failed["snmp_version"], failed["authAddr"], failed["uptime"]), ("2c", "198.51.100.9", 123456),
                    "version 2c")
        check_equal(failed["varbinds"][1]["value"], 18446744073709551615, "a counter of 64 bits")
        check_equal(failed["varbinds"][2]["value"], "withheld", "a community in a binding")
        check_equal(len(service.wait_for("kind:link_down host:192.0.2.7", 1)), 1, "the event of the link")
        check_equal(len(service.wait_for("kind:sign_in outcome:failure src:198.51.100.9", 1)), 1, "a refused sign-in")
        service.stop()
        no_secret(service, COMMUNITY)
        no_secret(service, "handed-on-Secret")
        service.quiet()
    shutil.rmtree(service.folder, ignore_errors=True)


def snmpinform_is_answered():
    """real snmpinform gets its answer, and the record is durable then; with another community it gets none"""
    snmpinform = which("snmpinform")
    with snmp_service(("first", COMMUNITY)) as service:
        agent = f"udp:127.0.0.1:{service.settings['snmp-port']}"
        for community, wanted in ((COMMUNITY, 0), ("first", 0), ("public", 1)):
            done = subprocess.run([snmpinform, "-m", "", "-v2c", "-c", community, "-t", "2", "-r", "1", agent, "1",
                                   "1.3.6.1.6.3.1.1.5.1", "1.3.6.1.2.1.1.5.0", "s", f"name-{community[:3]}"],
                                  capture_output=True, timeout=60, check=False)
            check_equal(done.returncode, wanted, f"{community}: {done.stderr.decode()}" + service.read_log()[-500:])
            check_equal(len(service.sent(f"name-{community[:3]}")), 1 - wanted, "records when the answer came")
        refused = gaps(service, "community", 2)  # it was given twice, a tick lies between
        check_equal(sum(json.loads(gap["raw"])["count"] for gap in refused), 2, "refused ones are counted")
        check("none of ours" in service.read_log(), "the log says why")
        check_equal(len(service.wait_for("kind:system_start snmp_pdu:inform", 2)), 2, "events")
        no_secret(service, COMMUNITY)
        service.quiet()
    shutil.rmtree(service.folder, ignore_errors=True)


def informs_wait_for_the_disk():
    """informs: no answer while the keeper stands still, one each when it goes on, and none is kept twice"""
    with snmp_service() as service:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.connect(("127.0.0.1", service.settings["snmp-port"]))
            link.settimeout(1)
            with stopped(service.pids("keeper")):
                for number in list(range(50)) * 3:
                    link.send(inform(number))
                silent = False
                try:
                    link.recv(4096)
                except TimeoutError:
                    silent = True
                check(silent, "an answer while nothing is durable")
            link.settimeout(10)
            answers = [link.recv(4096) for _ in range(50)]
            wanted = [inform(number).replace(b"\xa6", b"\xa2", 1) for number in range(50)]
            check_equal(answers, wanted, "answers")
            link.send(inform(7))
            check_equal(link.recv(4096), wanted[7], "one that comes again is answered again")
        check_equal(len(service.sent("snmp_pdu:inform")), 50, "records")
        service.quiet()
    shutil.rmtree(service.folder, ignore_errors=True)


USERS = ["# name, hash, passwords", "plain sha1 plain-Password", "a224 sha224 first-Password aes second-Password",
         "a256 sha256 first-Password aes second-Password", "a384\tsha384 first-Password  aes second-Password",
         "a512 sha512 first-Password aes second-Password", "a1 sha1 first-Password aes second-Password"]
HASHES = {"plain": "SHA", "a1": "SHA", "a224": "SHA-224", "a256": "SHA-256", "a384": "SHA-384", "a512": "SHA-512"}


def version3(program, service, user, number, *options, level=None, password=None, secret="second-Password"):
    """One real notification of a user; the exit status."""
    protect = ["-l", level or ("authNoPriv" if user == "plain" else "authPriv"), "-a", HASHES.get(user, "SHA"), "-A",
               password or ("plain-Password" if user == "plain" else "first-Password"), "-x", "AES", "-X", secret]
    done = subprocess.run([which(program), "-m", "", "-v3", "-u", user, *protect, *options,
                           f"udp:127.0.0.1:{service.settings['snmp-port']}", "1", "1.3.6.1.6.3.1.1.5.3",
                           "1.3.6.1.2.1.2.2.1.1.3", "i", str(number)], capture_output=True, timeout=60, check=False)
    return done.returncode


def known_senders_only():
    """settings of senders: others' datagrams and connections are refused by address; an inform to another address of
    this machine is answered from there"""
    with Service(syslog_address="0.0.0.0", gelf_port=free_port(), snmp_port=free_port(), netflow_port=free_port(),
                 syslog_senders="127.0.0.9 10.0.0.0/8", gelf_senders="127.0.0.9", netflow_senders="::1 127.0.0.9",
                 snmp_senders="127.0.0.0/29", intakes=1) as service:
        ports = {"udp": service.ports["syslog-port"],
                 **{kind: service.settings[f"{kind}-port"] for kind in ("gelf", "netflow", "snmp")}}
        said = {"udp": b"<13>Nov 28 10:00:00 h a: known sender",
                "gelf": b'{"version":"1.1","short_message":"known gelf"}',
                "netflow": ipfix(0, TEMPLATE + flow_set("198.51.100.1")), "snmp": inform(1)}
        for own in ("127.0.0.9", "127.0.0.10"):  # SNMP takes neither of them, the others the first
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
                link.bind((own, 0))
                for kind, bytes_ in said.items():
                    link.sendto(bytes_, ("127.0.0.1", ports[kind]))
            with socket.create_connection(("127.0.0.1", ports["udp"]), timeout=10, source_address=(own, 0)) as link:
                with contextlib.suppress(OSError):  # who is refused is closed at once
                    link.sendall(said["udp"].replace(b"sender", b"stream") + b"\n")
                    link.shutdown(socket.SHUT_WR)
                    link.recv(1)
        for query in ('"known sender"', '"known stream"', '"known gelf"', "flow_export:ipfix"):
            check_equal([hit["source"] for hit in service.wait_for(query, 1)], ["127.0.0.9"], query)
        refused = [json.loads(gap["raw"]) for gap in gaps(service, '"may not send from"', 6)]
        check_equal(sorted(f"{gap['sender']} {gap['cause']} {'connections' in gap}" for gap in refused),
                    ["127.0.0.10 address False"] * 4 + ["127.0.0.10 address True", "127.0.0.9 address False"],
                    "who was refused")
        for own in ("127.0.0.1", "127.0.0.5"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
                link.bind(("127.0.0.4", 0))
                link.settimeout(10)
                link.connect((own, ports["snmp"]))  # it hears nobody else
                link.send(inform(7, text=own.encode()))
                check(link.recv(2000), f"an answer from {own}")
        for key in ("syslog-senders", "snmp-senders"):
            done = service.run("serve", "--set", f"{key}=192.0.2.1/24", check=False)
            check(done.returncode != 0 and key in done.stderr.decode(), f"{key}: {done.stderr.decode()[-300:]}")


def snmp_version3():
    """real snmptrap and snmpinform of version 3: every hash, with and without AES; an inform is answered"""
    with snmp_service(users=USERS) as service:
        for number, user in enumerate(HASHES):
            check_equal(version3("snmptrap", service, user, number, "-e", "0x8000000001020304"), 0, f"trap of {user}")
            check_equal(version3("snmpinform", service, user, 100 + number, "-t", "3"), 0,
                        f"inform of {user}\n{service.read_log()[-500:]}")
        hits = service.wait_for("snmp_version:3", 12)
        found = [(trap["ifIndex"], trap["snmp_pdu"], trap["snmp_user"], trap["snmp_level"]) for trap in said(hits)]
        check_equal(sorted(found),
                    sorted((number + more, pdu, user, "authNoPriv" if user == "plain" else "authPriv")
                           for number, user in enumerate(HASHES) for pdu, more in (("trap", 0), ("inform", 100))),
                    "records\n" + service.read_log()[-500:])
        check_equal({trap["snmp_engine"] for trap in said(hits) if trap["snmp_pdu"] == "trap"}, {"0x8000000001020304"},
                    "the sender's engine")
        service.stop()
        service.start()
        check_equal(version3("snmpinform", service, "a256", 7), 0, "after a restart")
        for secret in ("first-Password", "second-Password", "plain-Password"):
            no_secret(service, secret)
        service.quiet()
    shutil.rmtree(service.folder, ignore_errors=True)


def snmp_version3_refusals():
    """version 3: wrong passwords, strangers, less protection and old messages are refused, counted by their reason"""
    with snmp_service(users=USERS) as service:
        engine = ("-e", "0x8000000001020304")
        version3("snmptrap", service, "a256", 1, *engine, "-Z", "5,1000")
        version3("snmptrap", service, "a256", 2, *engine, password="other-Password")
        version3("snmptrap", service, "a256", 3, *engine, "-Z", "5,1000", secret="other-Password")
        version3("snmptrap", service, "stranger", 4, *engine)
        version3("snmptrap", service, "a256", 5, *engine, level="authNoPriv")
        version3("snmptrap", service, "a256", 6, *engine, level="noAuthNoPriv")
        version3("snmptrap", service, "a256", 7, *engine, "-Z", "4,5000")  # an earlier life of the device
        version3("snmptrap", service, "a256", 8, *engine, "-Z", "5,849")  # 151 seconds back
        version3("snmptrap", service, "a256", 9, *engine, "-Z", "5,851")
        version3("snmptrap", service, "a256", 10, *engine, "-Z", "6,1")
        check_equal(version3("snmpinform", service, "a256", 11, "-t", "1", "-r", "0", password="other-Password"), 1,
                    "an inform with another password")
        wanted = {"not authentic": 2, "none of ours": 1, "not protected": 2, "too late": 2, "does not read": 1}
        for query, count in wanted.items():
            deadline = time.time() + 10
            total = 0
            while total < count and time.time() < deadline:
                total = sum(json.loads(gap["raw"])["count"] for gap in gaps(service, f'"{query}"', 1))
                time.sleep(0.2)
            check_equal(total, count, f"{query}\n{service.read_log()[-900:]}")
        check_equal(sorted(trap["ifIndex"] for trap in said(service.sent("snmp_version:3"))), [1, 9, 10], "taken")
        service.quiet()
    shutil.rmtree(service.folder, ignore_errors=True)


def snmp_refusals():
    """SNMP: what is no notification is counted by its reason, gets no answer, and harms nobody"""
    with snmp_service() as service:
        good = inform(1)
        get = good.replace(b"\xa6", b"\xa0", 1)
        version3 = ber(0x30, ber(2, b"\x03"), ber(0x30, ber(2, b"\x01")), ber(4, b""), ber(0x30))
        port = service.settings["snmp-port"]
        udp(port, b"", b"\x30", b"<13>syslog", good[:-1], get, version3, *[good[:i] for i in range(1, len(good))])
        for query, count in (("version 3", 1), ("only notifications are taken", 1), ("no SNMP message", 1)):
            check(gaps(service, f'"{query}"', count), f"a gap says {query}\n" + service.read_log()[-800:])
        udp(port, inform(99))
        check_equal(len(service.wait_for("snmp_pdu:inform", 1)), 1, "the good one behind them")
        service.quiet()
    shutil.rmtree(service.folder, ignore_errors=True)


# ---- flows ----

def pcap(path, flows):
    """Packets of UDP between addresses and ports, (src, dst, sport, dport, packets), a second from flow to flow."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, (src, dst, sport, dport, packets) in enumerate(flows):
            for k in range(packets):
                body = b"x" * 100
                datagram = struct.pack(">HHHH", sport, dport, 8 + len(body), 0) + body
                head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), k, 0, 64, 17, 0,
                                   socket.inet_aton(src), socket.inet_aton(dst))
                frame = b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + head + datagram
                out.write(struct.pack("<IIII", 1700000000 + i, k, len(frame), len(frame)) + frame)


FLOWS = [(f"198.51.100.{i}", "203.0.113.5", 40000 + i, 53, 3) for i in range(1, 41)]


def softflowd(port, version, *arguments):
    """A real softflowd exports FLOWS; what it says."""
    folder = tempfile.mkdtemp(prefix="qorgan-softflowd-")
    control = f"{folder}/control"
    try:
        pcap(f"{folder}/flows.pcap", FLOWS)
        with open(f"{folder}/said", "w+", encoding="utf-8") as said_file:
            sender = subprocess.Popen([which("softflowd"), "-d", "-a", "-r", f"{folder}/flows.pcap", "-v", str(version),
                                       "-n", f"127.0.0.1:{port}", "-p", f"{folder}/pid", "-c", control, *arguments],
                                      stdout=said_file, stderr=said_file)
            deadline = time.time() + 30
            while sender.poll() is None and time.time() < deadline:
                # With a file of packets it sometimes waits for a command first, whatever that may be.
                with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as link:
                    link.connect(control)
                time.sleep(0.2)
            if sender.poll() is None:
                sender.kill()
            sender.wait(10)
            said_file.seek(0)
            return said_file.read()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def softflowd_versions():
    """a real softflowd exports 40 flows as NetFlow 5, NetFlow 9 and IPFIX: addresses, ports, counts, times"""
    with Service(netflow_port=free_port(), intakes=1) as service:
        for version, name in ((5, "netflow5"), (9, "netflow9"), (10, "ipfix")):
            trouble = softflowd(service.settings["netflow-port"], version)
            hits = service.wait_for(f"flow_export:{name}", 40)
            flows = [flow for flow in said(hits) if flow["src_ip"].startswith("198.51.100.")]
            check_equal(sorted((flow["src_ip"], flow["dst_ip"], flow["src_port"], flow["dst_port"],
                                flow["protocolIdentifier"], flow["packetDeltaCount"], flow["octetDeltaCount"])
                               for flow in flows),
                        sorted((src, dst, sport, dport, 17, packets, packets * 128)
                               for src, dst, sport, dport, packets in FLOWS), f"{name}\n{trouble[-800:]}")
            starts = sorted(flow["start"][:19] for flow in flows)
            check_equal((starts[0], starts[-1]), ("2023-11-14T22:13:20", "2023-11-14T22:13:59"), f"{name}: times")
            check(all((hit["source_kind"], hit["source"]) == ("netflow", "127.0.0.1") for hit in hits), "their source")
        events = service.wait_for("kind:traffic_allowed src:198.51.100.7 dst:203.0.113.5", 3)
        check_equal(len(events), 3, "one flow as an event of each version")
        lost = [hit["raw"] for hit in service.search("sequence") if hit["type"] == "gap"]
        check_equal(lost, [], "gaps")
        service.quiet()


def softflowd_over_tcp():
    """a real softflowd exports as IPFIX over TCP, and the same over TLS by hand in pieces of a few bytes"""
    with Service(netflow_port=free_port(), netflow_tls_port=free_port(), intakes=1) as service:
        trouble = softflowd(service.settings["netflow-port"], 10, "-P", "tcp")
        hits = service.wait_for("flow_export:ipfix", 40)
        check_equal(sorted(flow["src_ip"] for flow in said(hits)), sorted(flow[0] for flow in FLOWS), trouble[-800:])
        context = ssl.create_default_context(cafile=f"{service.data}/keys/tls.crt")
        with socket.create_connection(("127.0.0.1", service.settings["netflow-tls-port"]), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as link:
                text = ipfix(0, TEMPLATE + flow_set("198.51.100.77"), domain=5) + ipfix(1, flow_set("198.51.100.78"), 5)
                for at in range(0, len(text), 5):
                    link.sendall(text[at:at + 5])
                flows = said(service.wait_for("observation_domain:5", 2))
        check_equal(sorted(flow["src_ip"] for flow in flows), ["198.51.100.77", "198.51.100.78"], "flows over TLS")
        with socket.create_connection(("127.0.0.1", service.settings["netflow-port"]), timeout=20) as link:
            link.sendall(ipfix(0, TEMPLATE + flow_set("198.51.100.79"), domain=6) + b"GET / HTTP/1.1\r\n\r\n")
            link.settimeout(20)
            check_equal(link.recv(100), b"", "closed")
        check_equal(len(service.wait_for("observation_domain:6", 1)), 1, "what came before it broke the protocol")
        check("no IPFIX message" in service.read_log(), "the log says why")
        service.quiet()


TEMPLATE = struct.pack(">HHHH", 2, 16, 256, 2) + struct.pack(">HHHH", 8, 4, 2, 4)


def flow_set(*addresses):
    body = b"".join(socket.inet_aton(address) + struct.pack(">I", 1) for address in addresses)
    return struct.pack(">HH", 256, 4 + len(body)) + body


def ipfix(sequence, sets, domain=1):
    return struct.pack(">HHIII", 10, 16 + len(sets), int(time.time()), sequence, domain) + sets


def version9(sequence, sets, source_id=1):
    return struct.pack(">HHIIII", 9, 1, 60000, int(time.time()), sequence, source_id) + sets


TEMPLATE_9 = struct.pack(">HHHH", 0, 16, 256, 2) + struct.pack(">HHHH", 8, 4, 2, 4)


def flow_losses():
    """flows: holes in sequences are gaps of the exporter; what came before its template is kept until it comes"""
    with Service(netflow_port=free_port(), intakes=1) as service:
        port = service.settings["netflow-port"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.connect(("127.0.0.1", port))
            link.send(ipfix(0, flow_set("198.51.100.1")))
            link.send(ipfix(1, TEMPLATE))  # now the first is known too
            link.send(ipfix(1, flow_set("198.51.100.2")))
            link.send(ipfix(32, flow_set("198.51.100.3")))  # 30 are missing
        udp(port, version9(7, TEMPLATE_9 + flow_set("203.0.113.1")), version9(9, flow_set("203.0.113.2")),
            b"<13>syslog", b"\0\x05\0\1", b"")
        hits = service.wait_for("flow_export:*", 5)
        check_equal(sorted(flow["src_ip"] for flow in said(hits)),
                    ["198.51.100.1", "198.51.100.2", "198.51.100.3", "203.0.113.1", "203.0.113.2"], "flows")
        for query, key, count, source in (("flows did not come", "count", 30, "127.0.0.1"),
                                          ("messages did not come", "messages", 1, "127.0.0.1"),
                                          ("no NetFlow 5 or 9", "count", 2, f"port {port}"),
                                          ("did not read to its end", "messages", 1, f"port {port}")):
            found = gaps(service, f'"{query}"', 1)
            check_equal([(json.loads(gap["raw"])[key], gap["source"]) for gap in found], [(count, source)], query)
        events = service.search("source_kind:netflow type:raw")
        check(all(hit["type"] == "raw" for hit in events), "records")
        status, out = service.audit()
        check_equal(status, 0, "qorgan-verify\n" + out)
        service.quiet()


def flows_of_an_ended_connection():
    """IPFIX over TCP: a connection that ends tells of the sets whose template never came and of half a message"""
    with Service(netflow_port=free_port(), intakes=1) as service:
        whole = ipfix(0, TEMPLATE + flow_set("198.51.100.1"))
        for text in (ipfix(0, flow_set("198.51.100.2")), whole + whole[:-1]):
            with socket.create_connection(("127.0.0.1", service.settings["netflow-port"]), timeout=20) as link:
                link.sendall(text)
        for query, key in (("the template of a set", "sets"), ("did not read to its end", "messages")):
            found = [json.loads(gap["raw"])[key] for gap in gaps(service, f'"{query}"', 1)]
            check_equal(found, [1], f"{query}\n{service.read_log()[-500:]}")
        check_equal(len(service.wait_for("flow_export:ipfix", 1)), 1, "what came whole")
        service.quiet()


def flows_under_load():
    """flows: 40,000 in a burst of large messages, all there but what the kernel or a hole in the sequence counts"""
    with Service(netflow_port=free_port(), intakes=1) as service:
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.connect(("127.0.0.1", service.settings["netflow-port"]))
            link.send(ipfix(0, TEMPLATE))
            while sent < 40000:
                link.send(ipfix(sent, flow_set(*[f"10.{sent >> 16}.{sent >> 8 & 255}.{i}" for i in range(160)])))
                sent += 160
                time.sleep(0.002)
        found = service.wait_for("flow_export:ipfix", 40000, wait=60)
        lost = sum(json.loads(gap["raw"])["count"] for gap in gaps(service, '"did not come"', 1, wait=2))
        check_equal(len(found) + lost, 40000, "flows kept and flows counted as lost")
        check(len(found) > 30000, f"{len(found)} kept")
        service.quiet()


if __name__ == "__main__":
    sys.exit(main([snmptrap_versions, snmpinform_is_answered, known_senders_only, informs_wait_for_the_disk,
                   snmp_version3, snmp_version3_refusals, snmp_refusals, softflowd_versions, softflowd_over_tcp,
                   flow_losses, flows_of_an_ended_connection, flows_under_load]))
