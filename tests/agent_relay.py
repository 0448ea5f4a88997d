"""agent_relay.py - the real `qorgan-agent relay`, and a wire that can be cut, slowed and made to swallow, for the
scenario tests."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from agent_host import AGENT
from service import check, free_port


class Relay:
    """One relay; also a context manager that kills it."""

    def __init__(self, *servers, **settings):
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="qorgan-relay-")
        self.log_path = os.path.join(self.folder, "log")
        self.settings = {"servers": ",".join(f"127.0.0.1:{port}" for port in servers),
                         "listen": f"127.0.0.1:{self.port}", "name": f"relay-{self.port}",
                         **{name.replace("_", "-"): value for name, value in settings.items()}}
        if os.geteuid() == 0:
            self.settings.setdefault("user", "nobody")
        self.process = None

    def start(self, wait=20):
        path = os.path.join(self.folder, "relay.conf")
        with open(path, "w", encoding="ascii") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in self.settings.items())
        begin = len(self.log())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([AGENT, "relay", "--config", path], stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL)
        deadline = time.time() + wait
        while " started" not in self.log()[begin:]:
            check(self.process.poll() is None and time.time() < deadline, f"the relay did not start: {self.log()}")
            time.sleep(0.02)
        return self

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def until(self, words, wait=30):
        deadline = time.time() + wait
        while words not in self.log():
            check(time.time() < deadline, f"not in {wait} s: {words!r}\n{self.log()[-2000:]}")
            time.sleep(0.1)

    def stop(self, wait=10):
        begin = time.time()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(wait), time.time() - begin

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


class Wire:
    """A port that leads to another one, through a wire that a test can treat badly."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.rate = 0           # bytes a second and direction; 0: as fast as it goes
        self.swallows = False   # takes everything and gives nothing on, and nobody is told
        self.links = set()
        self.lock = threading.Lock()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self.lock:
                self.links.update((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while got := one.recv(max(1, min(65536, self.rate // 10 or 65536))):
                if self.swallows:
                    continue
                other.sendall(got)
                if self.rate:
                    time.sleep(len(got) / self.rate)
        except OSError:
            pass
        for link in (one, other):
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            self.links.discard(one)

    def cut(self):
        """Every connection ends in the middle of whatever it says."""
        with self.lock:
            links = list(self.links)
        for link in links:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.socket.close()
        self.cut()
