"""The real gateway program for these tests, on ephemeral ports, and what they ask it over HTTP."""

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
import unittest
import urllib.error
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PACKAGE = os.path.join(ROOT, "clients", "python")
sys.path.insert(0, PACKAGE)

PROGRAM = os.path.join(os.environ.get("FG_BIN_DIR", os.path.join(ROOT, "build", "bin")), "fusion-gateway")

CONFIG = """\
gateway_id: python-kit
state_dir: {folder}/state
publishers:
  endpoint: "tcp://127.0.0.1:{publishers}"
{publishers_yaml}
consumers:
  endpoint: "tcp://127.0.0.1:{consumers}"
  broadcast_endpoint: "tcp://127.0.0.1:{broadcast}"
wall: {{port: {wall}}}
sites:
  - {{site_id: "410200007", name: site, latitude: 34.7971, longitude: 114.3071, district_code: "410202", medium: chlorine}}
feeds:
  - {{feed_id: reports, plugin: report}}
  - {{feed_id: alarms, plugin: hazmat, default_crs: WGS84}}
{extra_yaml}
"""


def free_port():
    """Below the range that the kernel gives outgoing connections."""
    while True:
        port = random.randint(12000, 31999)
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            continue


# Seconds until a test gives up; nothing takes so long on a machine that is not overloaded.
PATIENCE = 60


def wait_until(condition, seconds=PATIENCE):
    """The condition's first true value; fails the test without one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {condition}")


class Gateway:
    def __init__(self, publishers_yaml="", extra_yaml=""):
        self.folder = tempfile.mkdtemp(prefix="fg-python-")
        ports = {name: free_port() for name in ("publishers", "consumers", "broadcast", "wall")}
        self.publishers = f"tcp://127.0.0.1:{ports['publishers']}"
        self.consumers = f"tcp://127.0.0.1:{ports['consumers']}"
        self._wall = f"http://127.0.0.1:{ports['wall']}"
        self._config = os.path.join(self.folder, "site.yaml")
        with open(self._config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=self.folder, publishers_yaml=publishers_yaml, extra_yaml=extra_yaml, **ports))
        self._process = None
        self.start()

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self._process = subprocess.Popen([PROGRAM, "run", self._config], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.get("/readyz")
                return
            except OSError:
                time.sleep(0.02)
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            text = log.read()
        self.remove()
        raise AssertionError("the gateway did not become ready:\n" + text)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def pause(self):
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def run(self, *arguments):
        subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, timeout=PATIENCE)

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def get(self, path):
        with urllib.request.urlopen(self._wall + path, timeout=PATIENCE) as answer:
            return answer.read().decode()

    def post(self, path, body):
        request = urllib.request.Request(self._wall + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def metric(self, name):
        found = re.search(rf"^fusion_gateway_{name} (\S+)$", self.get("/metrics"), re.M)
        return float(found.group(1)) if found else None

    def live_through(self):
        """The newest seq of the live stream."""
        return int(json.loads(self.get("/api/v1/incidents")).get("throughSeq", 0))

    def records(self, body):
        """All bodies of this kind in the live stream."""
        found, after = [], 0
        while True:
            answer = json.loads(self.get(f"/api/v1/records?stream=live&after={after}&max=500"))
            records = answer.get("records", [])
            found += [record[body] for record in records if body in record]
            through = int(answer.get("throughSeq", 0))
            if not records or through <= after:
                return found
            after = through

    def reports(self, feed_id):
        return [report for report in self.records("report") if report["feedId"] == feed_id]

    def report_ids(self, feed_id):
        return [report["reportId"] for report in self.reports(feed_id)]


class GatewayTest(unittest.TestCase):
    """One gateway for a class of tests; its options are class attributes."""

    publishers_yaml = ""
    extra_yaml = ""

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(cls.publishers_yaml, cls.extra_yaml)
        cls.addClassCleanup(cls.gateway.remove)

    def outbox(self):
        """A path of this test's own."""
        return self.gateway.path(f"{self.id()}.outbox")


def report(report_id, **fields):
    """The smallest payload of plugin `report`."""
    now = time.time_ns()
    occurred = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9:09d}Z"
    return {"reportId": report_id, "kind": "SENSOR_READING", "occurredAt": occurred, **fields}


def alarm(alarm_id):
    """A chlorine alarm in the hazmat platform's form: it makes an incident."""
    beijing = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
    return {"dataType": "alarm", "enterpriseId": "410200007", "alarmId": alarm_id, "quotaId": "410200007002G0001QT001",
            "level": "HH", "value": 5.5, "threshold": 1.0, "unit": "ppm", "startTime": beijing, "state": "active"}


def read_bodies(consumer, body, count):
    """The next `count` bodies of this kind, and what came with the last of them."""
    found = []
    while len(found) < count:
        event = wait_until(lambda: consumer.next(0.5))
        found += [record[body] for record in getattr(event, "records", []) if body in record]
    return found


def python(*arguments, **options):
    """This Python with the kit on its path."""
    environment = dict(os.environ, PYTHONPATH=PACKAGE, PYTHONDONTWRITEBYTECODE="1", **options.pop("env", {}))
    return subprocess.Popen([sys.executable, "-B", *arguments], env=environment, text=True, **options)
