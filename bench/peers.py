"""What other programs make of the same lines: how small they keep them and how long a search takes.

Each peer is a function (folder, corpus, queries) that gives a Peer, or None when its program is absent. `queries` maps
a name to a phrase; 'count' is the number of lines by host. All are pinned to one core and warm: a run to warm up, then
the median of five (three of what takes long). Only what a peer keeps is its size: logs and temporary files are left
out.
"""
import collections
import io
import os
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import time
import urllib.parse
import urllib.request

PACKAGES = ['rsyslog', 'zstd', 'ripgrep', 'systemd-journal-remote', 'clickhouse-server', 'clickhouse-client', 'sqlite3']
LINES_MAX = 1000000  # journald and SQLite take seconds for what others take in a blink
CORE = str(sorted(os.sched_getaffinity(0))[0])
JOURNAL_WRITER = '/lib/systemd/systemd-journal-remote'
CLICKHOUSE = '/usr/sbin/clickhouse-server'
TCP_PORT, HTTP_PORT = 16519, 16518
TICKS = os.sysconf('SC_CLK_TCK')
SLOW_S = 5
SLOW_BYTES = 50000000  # zstd -19 sees no more
# <PRI> away, RFC 5424's version and stamp or RFC 3164's stamp away: host, program, rest.
LINE = re.compile(rb'<\d+>(?:1 \S+|\w{3} [ \d]\d [\d:]{8}) (\S+) ([^ \[:]+)(.*)', re.S)


class Peer:
    """One row: what it kept of how many bytes, what that cost, and its searches: name -> (wall ms, CPU ms, hits)."""

    def __init__(self, name, raw, size, load_cpu_s, lines):
        self.name, self.raw, self.size, self.load_cpu_s, self.lines = name, raw, size, load_cpu_s, lines
        self.searches = {}
        self.hosts = {}  # of one that counts: host -> lines

    @property
    def ratio(self):
        return self.raw / self.size if self.size else 0


def run(command, stdin=None, stdout=subprocess.DEVNULL):
    """Runs it on one core; (seconds, CPU seconds of it and its children)."""
    begun, before = time.monotonic(), os.times()
    subprocess.run(['taskset', '-c', CORE] + command, stdin=stdin or subprocess.DEVNULL, stdout=stdout,
                   stderr=subprocess.DEVNULL, check=False)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - begun, cpu


def median(work):
    """(wall ms, CPU ms, hits) of work(), which gives (seconds, CPU seconds, hits)."""
    first = work()
    done = [work() for _ in range(3 if first[0] > SLOW_S else 5)]
    return (statistics.median(row[0] for row in done) * 1000, statistics.median(row[1] for row in done) * 1000,
            first[2])


def counted(command):
    """A command that prints a number of lines, once."""
    out = subprocess.PIPE
    begun, before = time.monotonic(), os.times()
    done = subprocess.run(['taskset', '-c', CORE, 'sh', '-c', command], stdin=subprocess.DEVNULL, stdout=out,
                          stderr=subprocess.DEVNULL, check=False)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - begun, cpu, int(done.stdout.strip() or 0)


def size_of(folder):
    return sum(os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names)


def first_lines(corpus, count):
    with open(corpus, 'rb') as file:
        for number, line in enumerate(file):
            if number == count:
                return
            yield line.rstrip(b'\n')


def line_count(corpus):
    with open(corpus, 'rb') as file:
        return sum(block.count(b'\n') for block in iter(lambda: file.read(1 << 20), b''))


def host_counts(corpus):
    """host -> lines, by the same expression that fills the peers."""
    hosts = collections.Counter()
    for line in first_lines(corpus, LINES_MAX):
        found = LINE.match(line)
        hosts[found.group(1).decode() if found else ''] += 1
    return {host: count for host, count in hosts.items() if host not in ('', '-')}


# -------------------------------------------------------------------------------------------------- plain files


def blocks_ratio(corpus, level, block, limit=128 << 20):
    """How much smaller zstd makes the first bytes of the corpus in independent blocks."""
    raw = size = 0
    with open(corpus, 'rb') as file:
        while raw < limit and (part := file.read(block)):
            done = subprocess.run(['zstd', '-q', f'-{level}', '-c'], input=part, stdout=subprocess.PIPE, check=True)
            raw, size = raw + len(part), size + len(done.stdout)
    return raw / size if size else 0


def zstd(folder, corpus, queries, level=3):
    if not shutil.which('zstd'):
        return None
    path = os.path.join(folder, f'zstd-{level}.zst')
    options = [f'-{level}'] + (['--long=27'] if level > 9 else [])
    raw, lines, source = os.path.getsize(corpus), line_count(corpus), corpus
    if level > 9 and raw > SLOW_BYTES:
        source = os.path.join(folder, 'head')
        with open(source, 'wb') as file, open(corpus, 'rb') as whole:
            shutil.copyfileobj(io.BytesIO(whole.read(SLOW_BYTES)), file)
        raw, lines = SLOW_BYTES, line_count(source)
    _, cpu = run(['zstd', '-q', '-f', *options, source, '-o', path])
    peer = Peer(f'zstd {" ".join(options)}', raw, os.path.getsize(path), cpu, lines)
    for name, phrase in queries.items():
        if name != 'count' and level == 3:
            peer.searches[name] = median(lambda text=phrase: counted(f"zstd -dc '{path}' | grep -cF -- '{text}'"))
    os.unlink(path)
    return peer


def ripgrep(_, corpus, queries):
    if not shutil.which('rg'):
        return None
    size = os.path.getsize(corpus)
    peer = Peer('ripgrep, raw file', size, size, 0, line_count(corpus))
    for name, phrase in queries.items():
        if name != 'count':
            peer.searches[name] = median(lambda text=phrase: counted(f"rg -j1 -cF -- '{text}' '{corpus}'"))
    return peer


# ------------------------------------------------------------------------------------------------------ journald


def export(corpus, count):
    for number, line in enumerate(first_lines(corpus, count)):
        found = LINE.match(line)
        host, program = (found.group(1), found.group(2)) if found else (b'-', b'-')
        stamp = 1795132800000000 + number * 1000
        yield (b'__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n_HOSTNAME=%s\nPRIORITY=6\n'
               b'SYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n\n' % (stamp, number * 1000 + 1, b'1' * 32, host, program, line))


def journald(folder, corpus, queries):
    if not os.access(JOURNAL_WRITER, os.X_OK) or not shutil.which('journalctl'):
        return None
    kept = os.path.join(folder, 'journal')
    os.makedirs(kept, exist_ok=True)
    text = os.path.join(folder, 'journal.export')
    with open(text, 'wb') as file:
        file.writelines(export(corpus, LINES_MAX))
    with open(text, 'rb') as file:
        _, cpu = run([JOURNAL_WRITER, '-o', os.path.join(kept, 'bench.journal'), '-'], stdin=file)
    os.unlink(text)
    raw = sum(len(line) + 1 for line in first_lines(corpus, LINES_MAX))
    peer = Peer('journald', raw, size_of(kept), cpu, min(line_count(corpus), LINES_MAX))
    for name, phrase in queries.items():
        if name != 'count':
            peer.searches[name] = median(lambda text=phrase: counted(
                f"journalctl -D '{kept}' -q -o cat --grep='{text}' | wc -l"))
    shutil.rmtree(kept)
    return peer


# -------------------------------------------------------------------------------------------------------- SQLite


def fts5(folder, corpus, queries):
    path = os.path.join(folder, 'fts5.db')
    before = time.process_time()
    base = sqlite3.connect(path, isolation_level=None)
    try:
        base.execute('create virtual table log using fts5(line)')
    except sqlite3.OperationalError:
        return None
    base.execute('pragma synchronous=off')
    base.execute('begin')
    raw = lines = 0
    for line in first_lines(corpus, LINES_MAX):
        base.execute('insert into log values (?)', (line.decode('utf-8', 'replace'),))
        raw, lines = raw + len(line) + 1, lines + 1
    base.execute('commit')
    peer = Peer('SQLite FTS5', raw, os.path.getsize(path), time.process_time() - before, lines)

    def ask(phrase):
        begun, cpu = time.monotonic(), time.process_time()
        quoted = phrase.replace('"', '""')
        hits = base.execute('select count(*) from log where log match ?', (f'"{quoted}"',)).fetchone()[0]
        return time.monotonic() - begun, time.process_time() - cpu, hits

    for name, phrase in queries.items():
        if name != 'count':
            peer.searches[name] = median(lambda text=phrase: ask(text))
    base.close()
    os.unlink(path)
    return peer


# ---------------------------------------------------------------------------------------------------- ClickHouse

CONFIGURATION = '''<?xml version="1.0"?>
<yandex><logger><level>warning</level><log>{0}/log</log><errorlog>{0}/errors</errorlog></logger>
<tcp_port>{1}</tcp_port><http_port>{2}</http_port><listen_host>127.0.0.1</listen_host>
<path>{0}/data/</path><tmp_path>{0}/tmp/</tmp_path><mark_cache_size>536870912</mark_cache_size>
<users_config>{0}/users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database><compression><case><min_part_size>0</min_part_size>
<min_part_size_ratio>0</min_part_size_ratio><method>{3}</method></case></compression></yandex>
'''
USERS = '''<?xml version="1.0"?><yandex><profiles><default><max_threads>1</max_threads></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
<quota>default</quota></default></users><quotas><default></default></quotas></yandex>
'''


def cpu_of(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as file:
        return sum(int(n) for n in file.read().rsplit(')', 1)[1].split()[11:13]) / TICKS


def ask_clickhouse(query, body=None):
    address = f'http://127.0.0.1:{HTTP_PORT}/?query=' + urllib.parse.quote(query)
    with urllib.request.urlopen(address, data=body if body is not None else b'', timeout=3600) as answer:
        return answer.read().decode()


def escaped(value):
    return value.replace(b'\\', b'\\\\').replace(b'\t', b'\\t')


def rows_of(corpus):
    """Batches of tab-separated rows: number, host, line."""
    batch, number = [], 0
    for line in first_lines(corpus, 1 << 62):
        found = LINE.match(line)
        batch.append(b'%d\t%s\t%s\n' % (number, escaped(found.group(1)) if found else b'-', escaped(line)))
        number += 1
        if len(batch) == 200000:
            yield b''.join(batch)
            batch.clear()
    if batch:
        yield b''.join(batch)


def clickhouse_fill(pid, folder, corpus, queries, codec):
    before = cpu_of(pid)
    ask_clickhouse('create table log (number UInt64, host String, line String) engine = MergeTree order by number '
                   'partition by tuple()')
    for batch in rows_of(corpus):
        ask_clickhouse('insert into log format TabSeparated', batch)
    ask_clickhouse('optimize table log final')
    lines = int(ask_clickhouse('select count() from log'))
    kept = int(ask_clickhouse("select sum(bytes_on_disk) from system.parts where table = 'log' and active"))
    peer = Peer(f'ClickHouse 18.16, {codec}', os.path.getsize(corpus), kept, cpu_of(pid) - before, lines)

    def ask(query):
        begun, cpu = time.monotonic(), cpu_of(pid)
        answer = ask_clickhouse(query)
        return time.monotonic() - begun, cpu_of(pid) - cpu, int(answer.split()[0]) if answer.strip() else 0

    for name, phrase in queries.items():
        query = f"select count() from log where position(line, '{phrase}') > 0"
        if name == 'count':
            query = 'select count(), host from log group by host order by count() desc'
        peer.searches[name] = median(lambda text=query: ask(text))
    counted_rows = ask_clickhouse('select host, count() from log group by host').splitlines()
    peer.hosts = {host: int(count) for host, count in (row.split('\t') for row in counted_rows)
                  if host not in ('', '-')}
    return peer


def clickhouse(folder, corpus, queries, codec='lz4'):
    if not os.access(CLICKHOUSE, os.X_OK):
        return None
    home = os.path.join(folder, 'clickhouse-' + codec)
    for name in ('data', 'tmp'):
        os.makedirs(os.path.join(home, name), exist_ok=True)
    with open(os.path.join(home, 'config.xml'), 'w', encoding='ascii') as file:
        file.write(CONFIGURATION.format(home, TCP_PORT, HTTP_PORT, codec))
    with open(os.path.join(home, 'users.xml'), 'w', encoding='ascii') as file:
        file.write(USERS)
    with subprocess.Popen(['taskset', '-c', CORE, CLICKHOUSE, '--config-file=' + os.path.join(home, 'config.xml')],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          cwd=home) as server:
        try:
            for _ in range(100):
                try:
                    ask_clickhouse('select 1')
                    break
                except OSError:
                    time.sleep(0.2)
            peer = clickhouse_fill(server.pid, home, corpus, queries, codec.upper())
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    shutil.rmtree(home, ignore_errors=True)
    return peer


def all_of(folder, corpus, queries, say):
    """Every peer that is here; says which is not."""
    makers = [('zstd -3', zstd), ('zstd -19', lambda *a: zstd(*a, level=19)), ('ripgrep', ripgrep),
              ('journald', journald), ('SQLite FTS5', fts5), ('ClickHouse LZ4', clickhouse),
              ('ClickHouse ZSTD', lambda *a: clickhouse(*a, codec='zstd'))]
    peers = []
    for name, maker in makers:
        say(f'peer: {name}')
        peer = maker(folder, corpus, queries)
        if peer:
            peers.append(peer)
        else:
            say(f'peer: {name} is absent and passed over; bench/run --install brings it')
    return peers
