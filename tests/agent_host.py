"""agent_host.py - a host with the real `qorgan-agent` on folders of its own, for the scenario tests."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from service import QORGAN, check

AGENT = os.environ.get("QORGAN_AGENT", os.path.join(os.path.dirname(QORGAN), "qorgan-agent"))


class Host:
    """One agent; also a context manager that kills it and removes its folders."""

    def __init__(self, **settings):
        self.root = tempfile.mkdtemp(prefix="qorgan-host-")
        self.data = os.path.join(self.root, "data")
        self.logs = os.path.join(self.root, "logs")
        self.journal = os.path.join(self.root, "journal")
        self.log_path = os.path.join(self.root, "agent.log")
        os.mkdir(self.logs)
        # What this machine is made of is nothing that most scenarios ask for.
        self.settings = {"allow": self.logs, "spool-size": "16M", "inventory": "off", **settings}
        if os.geteuid() == 0:
            self.settings.setdefault("user", "nobody")
        self.machine = None  # a folder that stands for "/" in the inventory
        self.process = None
        self.prefix = []

    def enrol(self, token, *arguments):
        done = subprocess.run([AGENT, "enrol", token, "--data", self.data, *arguments], capture_output=True, text=True,
                              check=False, timeout=60)
        if done.returncode == 0:
            self.configure()
        return done.returncode, done.stdout + done.stderr

    def configure(self, **settings):
        self.settings.update(settings)
        with open(os.path.join(self.data, "agent.conf"), "w", encoding="ascii") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in self.settings.items())

    def start(self):
        arguments = ["--journal", self.journal] if os.path.isdir(self.journal) else []
        if self.machine:
            arguments += ["--root", self.machine]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.prefix, AGENT, "run", "--data", self.data, *arguments],
                                            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self, wait=10):
        """The exit status and how long it took."""
        begin = time.time()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(wait), time.time() - begin

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def status(self):
        done = subprocess.run([AGENT, "status", "--data", self.data, "--json"], capture_output=True, text=True,
                              check=False, timeout=10)
        return json.loads(done.stdout) if done.stdout.startswith("{") else {}

    def until(self, what, wait=30):
        """Until what(status) holds; its file is written every ten seconds and at each change of the connection."""
        deadline = time.time() + wait
        while time.time() < deadline:
            check(self.process.poll() is None, f"the agent ended: {self.log()[-2000:]}")
            status = self.status()
            if status and what(status):
                return status
            time.sleep(0.1)
        raise AssertionError(f"not in {wait} s: {self.status()}\n{self.log()[-2000:]}")

    def path(self, name):
        return os.path.join(self.logs, name)

    def write(self, name, lines, mode="a"):
        with open(self.path(name), mode, encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.root, ignore_errors=True)
