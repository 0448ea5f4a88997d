"""service.py - starts the real `qorgan serve` on a folder and ports of its own, for the scenario tests; prints TAP."""
import concurrent.futures
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
QORGAN = os.environ.get("QORGAN", os.path.join(ROOT, "build/src/cmd/qorgan"))
VERIFY = os.environ.get("QORGAN_VERIFY", os.path.join(ROOT, "build/src/cmd/qorgan-verify"))


taken = []


def free_port(kind=socket.SOCK_STREAM):
    """A port that is free now and belongs to this script until it ends, also while the server on it is down: scripts
    run beside each other. It lies below those that the system gives to clients."""
    for port in random.sample(range(10240, 32768), 64):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                claim.bind(f"\0qorgan-test-port-{port}")  # no two scripts can hold it, and nothing of it stays behind
                probe.bind(("127.0.0.1", port))
                taken.append(claim)
                return port
            except OSError:
                claim.close()
    raise RuntimeError("no port is free")


class Service:
    """One server; also a context manager that stops it and removes its folder."""

    def __init__(self, data=None, **settings):
        self.own = data is None
        self.data = data or tempfile.mkdtemp(prefix="qorgan-test-")
        self.log_path = self.data.rstrip("/") + ".log"
        ports = ("syslog-port", "syslog-tls-port", "agent-port", "web-port")
        self.ports = {name: free_port() for name in ports}
        self.settings = {"collect-files": os.path.join(self.data, "watched"), "collect-journal": 0, "log-file-mib": 4}
        # Each engine compiles all rules, which is most of a start; who is about several of them says so.
        self.settings["engines"] = 1
        self.settings["canary-s"] = 0  # records that come by themselves: tests/canary.py has them
        self.settings.update(self.ports)
        self.settings.update({key.replace("_", "-"): value for key, value in settings.items()})
        self.prefix = []  # a command that runs the server
        self.process = None
        self.user = self.password = None

    def start(self, wait=60, expect=True, arguments=()):
        sets = [part for key, value in self.settings.items() for part in ("--set", f"{key}={value}")]
        self.log = open(self.log_path, "ab")
        begin = self.log.tell()
        command = [*self.prefix, QORGAN, "serve", "--data", self.data, *arguments, *sets]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        deadline = time.time() + wait
        while time.time() < deadline:
            text = self.read_log(begin)
            if "Qorgan runs." in text and "next  " in text:
                found = re.search(r"user (\S+)  password (\S+)", text)
                if found:
                    self.user, self.password = found.groups()
                return True
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        if expect:
            raise RuntimeError("the service did not start:\n" + self.read_log(begin))
        return False

    def read_log(self, begin=0):
        with open(self.log_path, "rb") as log:
            log.seek(begin)
            return log.read().decode("utf-8", "replace")

    def stop(self, wait=30):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(wait)
        return self.process.returncode if self.process else None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def pids(self, role):
        found = subprocess.run(["pgrep", "-P", str(self.process.pid), "-f", f"qorgan -x {role}$"],
                               capture_output=True, text=True, check=False)
        return [int(pid) for pid in found.stdout.split()]

    def run(self, *arguments, check=True, text_input=None):
        done = subprocess.run([QORGAN, arguments[0], "--data", self.data, *arguments[1:]], capture_output=True,
                              check=False, input=text_input, timeout=120)
        if check and done.returncode != 0:
            raise RuntimeError(f"{arguments}: {done.stderr.decode()}")
        return done

    def search(self, query, limit=1000000):
        done = self.run("search", "--json", "--limit", str(limit), query)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def sent(self, query):
        """Hits without what the archive and the desk write of themselves."""
        return [hit for hit in self.search(query) if hit["type"] in ("raw", "digest")]

    def wait_for(self, query, count, wait=30):
        """Until the query has at least `count` hits among what sources sent; gives them."""
        deadline = time.time() + wait
        hits = []
        while time.time() < deadline:
            hits = self.sent(query)
            if len(hits) >= count:
                break
            time.sleep(0.3)
        return hits

    def quiet(self):
        """No process died and nothing went wrong: the service's log says so."""
        bad = [line for line in self.read_log().splitlines() if " error " in line or "assertion failed" in line]
        check(not bad, "the log has errors:\n" + "\n".join(bad[:20]))

    def public_key(self):
        with open(os.path.join(self.data, "keys/signer.pub"), encoding="ascii") as key:
            return key.read().strip()

    def audit(self):
        """qorgan-verify over the whole folder, once a checkpoint is there (one a second); (exit status, output)."""
        deadline = time.time() + 15
        while time.time() < deadline and not os.path.exists(os.path.join(self.data, "archive/checkpoints/latest")):
            time.sleep(0.1)
        deadline = time.time() + 10
        while time.time() < deadline and not os.path.exists(f"{self.data}/archive/checkpoints/latest"):
            time.sleep(0.1)
        done = subprocess.run([VERIFY, "--data", os.path.join(self.data, "archive"), "--vkey", self.public_key()],
                              capture_output=True, text=True, check=False, timeout=300)
        return done.returncode, done.stdout + done.stderr

    def proof(self, record, path, wait=15):
        """Writes the proof of a record; a checkpoint comes once a second, so it may not cover the record at once."""
        deadline = time.time() + wait
        while True:
            done = self.run("proof", str(record), "--out", path, check=False)
            if done.returncode == 0:
                return
            if "no signed checkpoint covers" not in done.stderr.decode() or time.time() > deadline:
                raise RuntimeError(f"proof of {record}: {done.stderr.decode()}")
            time.sleep(0.2)

    def tcp(self, payload, port=None, wait=10):
        with socket.create_connection(("127.0.0.1", port or self.ports["syslog-port"]), timeout=wait) as link:
            link.sendall(payload)

    def udp(self, payload):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.sendto(payload, ("127.0.0.1", self.ports["syslog-port"]))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.stop()
        self.kill()
        if self.own and not os.environ.get("KEEP"):
            shutil.rmtree(self.data, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.unlink(self.log_path)


class Skip(Exception):
    """The test cannot run here; the reason is its text."""


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def check_equal(got, want, text):
    check(got == want, f"{text}: {got!r}, wanted {want!r}")


def outcome(test):
    """(whether it passed, its row, what went wrong); every trouble is a failed row, and the next test goes on."""
    name = test.__doc__.strip().splitlines()[0]
    begin = time.time()
    try:
        test()
        return True, f"{name} ({time.time() - begin:.1f} s)", ""
    except Skip as reason:
        return True, f"{name} # SKIP {reason}", ""
    except Exception as trouble:
        return False, name, f"{type(trouble).__name__}: {trouble}"


def main(tests, beside=()):
    """Runs the functions, or those whose name holds argv[1]; prints TAP; the exit status.

    Those of `beside` mostly wait for the clocks of the product: one after another beside the others, told at the end.
    """
    chosen = [test for test in [*tests, *beside] if len(sys.argv) < 2 or sys.argv[1] in test.__name__]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        waiting = {test: thread.submit(outcome, test) for test in chosen if test in beside}
        for number, test in enumerate(chosen, 1):
            good, row, trouble = waiting[test].result() if test in waiting else outcome(test)
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {row}", flush=True)
            for line in trouble.splitlines()[:60]:
                print(f"#   {line}", flush=True)
    print(f"1..{len(chosen)}")
    return 1 if failed else 0
