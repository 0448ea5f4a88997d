#!/usr/bin/env python3
"""Agents that all come at once: how long until each is welcome, what one costs, and whether who was there notices.

usage: bench/herd.py [COUNT] [--relay]       --relay: all but the one come over a relay

`bench-herd` plays them, each with an identity of its own, against the real service on the loopback, sharing the
cores of this machine with it. Beside them one agent that was there before delivers ten records a second: how long
each of them waits to be durable is measured. Rows: what, seconds until half, 99 of 100 and all were welcome; attempts.
"""
import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests'))
from agent_peer import Agent, Refused  # noqa: E402
from agent_relay import Relay  # noqa: E402
from service import Service  # noqa: E402
from web_api import Web  # noqa: E402

HERD = os.path.join(ROOT, 'build', 'bench', 'bench-herd')
TICKS = os.sysconf('SC_CLK_TCK')
ROLES = ('intake', 'desk', 'keeper')


def make_known(data, count):
    """Rows as the desk makes them at an enrolment."""
    with sqlite3.connect(os.path.join(data, 'desk', 'desk.db')) as db:
        columns = [row[1:5] for row in db.execute('PRAGMA table_info(agent)')]
        default = {name: 0 if kind == 'INTEGER' else '' for name, kind, _, _ in columns if name != 'id'}
        default.update(object=db.execute('SELECT min(id) FROM object').fetchone()[0], intake=-1, serial='00',
                       grp='default', until_ns=2**62, heard_ns=time.time_ns())
        names = list(default)
        for i in range(count):
            row = dict(default, uuid=f'00000000-0000-4000-8000-{i:012x}', name=f'herd-{i}')
            db.execute(f'INSERT INTO agent ({",".join(names)}) VALUES ({",".join("?" * len(names))})',
                       [row[name] for name in names])


def memory_kb(pid):
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('Pss:'))


def cpu_s(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as file:
        return sum(int(n) for n in file.read().rsplit(')', 1)[1].split()[11:13]) / TICKS


class Steady(threading.Thread):
    """The one that was there before: milliseconds that its records waited."""

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.agent = agent
        self.waits = []
        self.dropped = 0
        self.ends = False

    def run(self):
        acknowledged = 0
        while not self.ends:
            try:
                link = self.agent.hello(number=acknowledged)
                while not self.ends:
                    begin = time.monotonic()
                    link.data([('file', '/log', 1, link.number + 1, [b'steady'])])
                    link.until_durable(link.number)
                    acknowledged = link.number
                    self.waits.append((time.monotonic() - begin) * 1000)
                    time.sleep(0.1)
            except (Refused, OSError, TimeoutError):
                self.dropped += 1
                time.sleep(0.5)

    def told(self):
        waits, self.waits = sorted(self.waits), []
        if not waits:
            return 'nothing'
        return f'median {waits[len(waits) // 2]:.0f} ms, longest {waits[-1]:.0f} ms of {len(waits)}'


def say(herd, spread_ms):
    herd.stdin.write(f'{spread_ms}\n')
    herd.stdin.flush()
    attempts, failed, half, most, every = herd.stdout.readline().split()
    return f'half {half} s, 99 % {most} s, all {every} s; attempts {attempts}, of them in vain {failed}'


def main():
    arguments = [word for word in sys.argv[1:] if word != '--relay']
    count = int(arguments[0]) if arguments else 5000
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(Service(agent_relays='127.0.0.1'))
        relay = None
        agent = Agent(service.ports['agent-port'])
        agent.enrol(Web(service).change('agent.token', name='steady')['token'])
        service.stop()
        make_known(service.data, count)
        keys = os.path.join(service.data, 'keys')
        subprocess.run(['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out',
                        f'{keys}/key.pem'], check=True, capture_output=True)
        subprocess.run(['openssl', 'pkey', '-in', f'{keys}/key.pem', '-pubout', '-outform', 'DER', '-out',
                        f'{keys}/public.der'], check=True, capture_output=True)
        service.start()
        if '--relay' in sys.argv:
            relay = stack.enter_context(Relay(service.ports['agent-port'], connections=2 * count,
                                              connections_address=2 * count))
        steady = Steady(agent)
        steady.start()
        port = relay.port if relay else service.ports['agent-port']
        herd = subprocess.Popen([HERD, str(port), str(count), keys], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        herd.stdout.readline()
        time.sleep(3)
        pids = {role: service.pids(role) for role in ROLES}
        if relay:
            pids['relay'] = [relay.process.pid]
        before = {role: (sum(map(memory_kb, pids[role])), sum(map(cpu_s, pids[role]))) for role in pids}
        print(f'{count} agents; before them the one that was there: {steady.told()}')
        print('all at once:', say(herd, 0))
        time.sleep(8)  # what handshakes leave goes back to the system after five
        print('  the one that was there:', steady.told(), f'dropped {steady.dropped} times')
        for role in pids:
            memory, cpu = sum(map(memory_kb, pids[role])), sum(map(cpu_s, pids[role]))
            print(f'  {role}: {(memory - before[role][0]) / count:.1f} KiB an agent, '
                  f'{(cpu - before[role][1]) * 1000 / count:.2f} ms of CPU an agent')
        for what, act in (('after a stop and a start', service.stop), ('after kill -9 and a start', service.kill)):
            act()
            time.sleep(2)  # as its unit waits: processes that were killed take a moment to give their ports back
            service.start()
            print(f'{what}, as agents come back (500 ms to 1 s):', say(herd, 500))
            time.sleep(2)
            print('  the one that was there:', steady.told())
        steady.ends = True
        herd.stdin.close()
        herd.wait(30)
        bad = [line for line in service.read_log().splitlines() if ' error ' in line]
        print('errors in the log:', len(bad), *bad[:5], sep='\n  ' if bad else ' ')


if __name__ == '__main__':
    main()
