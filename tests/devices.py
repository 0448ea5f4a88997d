#!/usr/bin/env python3
"""What network devices send: SNMP notifications and flows, by the real programs of Debian and by datagrams made here."""
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


def snmp_service(communities=(COMMUNITY,), **settings):
    folder = tempfile.mkdtemp(prefix="qorgan-snmp-")
    path = f"{folder}/communities"
    with open(path, "w", encoding="ascii") as out:
        out.writelines(f"{line}\n" for line in communities)
    service = Service(snmp_port=free_port(socket.SOCK_DGRAM), snmp_communities=path, intakes=1, **settings)
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
        check_equal((failed["snmp_version"], failed["authAddr"], failed["uptime"]), ("2c", "198.51.100.9", 123456), "2c")
        check_equal(failed["varbinds"][1]["value"], 18446744073709551615, "a counter of 64 bits")
        check_equal(failed["varbinds"][2]["value"], "withheld", "a community in a binding")
        check_equal(len(service.wait_for("kind:link_down host:192.0.2.7", 1)), 1, "the event of the link")
        check_equal(len(service.wait_for("kind:sign_in outcome:failure src:198.51.100.9", 1)), 1, "the event of the sign-in")
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


if __name__ == "__main__":
    sys.exit(main([snmptrap_versions, snmpinform_is_answered, informs_wait_for_the_disk, snmp_refusals,
                   softflowd_versions]))
