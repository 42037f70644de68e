"""The documents' examples, run as they are written against a gateway of this build."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from documents import ROOT, blocks, compile_c, read

GATEWAY = os.path.join(os.environ.get("FG_BIN_DIR", os.path.join(ROOT, "build", "bin")), "fusion-gateway")

CONFIG = """\
gateway_id: examples
state_dir: {folder}/state
publishers: {{endpoint: "tcp://127.0.0.1:{publishers}"}}
consumers: {{endpoint: "tcp://127.0.0.1:{consumers}", broadcast_endpoint: "tcp://127.0.0.1:{broadcast}"}}
wall: {{port: {wall}}}
sites:
  - {{site_id: "410200007", name: site, latitude: 34.7971, longitude: 114.3071, district_code: "410202", medium: chlorine}}
feeds:
  - {{feed_id: try-it, plugin: hazmat, default_crs: WGS84}}
  - {{feed_id: smallest, plugin: smallest, plugin_path: "{folder}/smallest.so"}}
"""


def free_ports(*names):
    sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
    ports = {name: s.getsockname()[1] for name, s in sockets.items()}
    for s in sockets.values():
        s.close()
    return ports


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="fg-examples-")
        cls.addClassCleanup(cls.folder.cleanup)
        source = os.path.join(cls.folder.name, "smallest.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(blocks("docs/plugin-abi.md", "c")[-1])
        compile_c(source, os.path.join(cls.folder.name, "smallest.so"))
        cls.ports = free_ports("publishers", "consumers", "broadcast", "wall")
        config = os.path.join(cls.folder.name, "site.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=cls.folder.name, **cls.ports))
        cls.log = open(os.path.join(cls.folder.name, "log"), "w+b")
        cls.addClassCleanup(cls.log.close)
        cls.gateway = subprocess.Popen([GATEWAY, "run", config], stdout=cls.log, stderr=cls.log,
                                       stdin=subprocess.DEVNULL)
        cls.addClassCleanup(cls.stop)
        cls.wait_until_ready()

    @classmethod
    def wait_until_ready(cls):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and cls.gateway.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{cls.ports['wall']}/readyz", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        cls.log.seek(0)
        raise AssertionError("the gateway did not become ready:\n" + cls.log.read().decode())

    @classmethod
    def stop(cls):
        cls.gateway.send_signal(signal.SIGTERM)
        try:
            cls.gateway.wait(20)
        except subprocess.TimeoutExpired:
            cls.gateway.kill()
            cls.gateway.wait()
            raise

    def endpoint(self, name):
        return f"tcp://127.0.0.1:{self.ports[name]}"

    def run_to_end(self, command):
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL, cwd=self.folder.name,
                              env=dict(os.environ, XDG_STATE_HOME=self.folder.name))

    def test_the_first_event_is_on_disk_and_its_incident_is_read(self):
        published = self.run_to_end([sys.executable, "-B", f"{ROOT}/docs/examples/publish_first_event.py",
                                     self.endpoint("publishers")])
        self.assertIn("on disk:", published.stdout, published.stderr)
        reader = subprocess.Popen([sys.executable, "-B", f"{ROOT}/docs/examples/read_incidents.py",
                                   self.endpoint("consumers")], stdout=subprocess.PIPE, text=True)
        try:
            os.set_blocking(reader.stdout.fileno(), False)
            self.assertIn("revision", self.first_line(reader))
        finally:
            reader.kill()
            reader.wait()
            reader.stdout.close()

    def test_the_first_event_says_bye(self):
        self.run_to_end([sys.executable, "-B", f"{ROOT}/docs/examples/publish_first_event.py", self.endpoint("publishers")])
        deadline = time.monotonic() + 5
        while (state := self.feed_state("try-it")) != "DISCONNECTED" and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(state, "DISCONNECTED", "it would go silent for too long else")

    def test_the_reader_ends_quietly_with_its_pipe(self):
        self.run_to_end([sys.executable, "-B", f"{ROOT}/docs/examples/publish_first_event.py", self.endpoint("publishers")])
        reader = f"{sys.executable} -B {ROOT}/docs/examples/read_incidents.py {self.endpoint('consumers')}"
        with subprocess.Popen(["bash", "-c", f"{reader} | head -n 1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as pipe:
            # Each event is a record more to be written after head has ended.
            deadline = time.monotonic() + 20
            while pipe.poll() is None and time.monotonic() < deadline:
                self.run_to_end([sys.executable, "-B", f"{ROOT}/docs/examples/publish_first_event.py",
                                 self.endpoint("publishers")])
            self.assertEqual((pipe.wait(1), pipe.stderr.read()), (0, ""))

    def feed_state(self, feed_id):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['wall']}/api/v1/feeds", timeout=5) as answer:
            feeds = json.load(answer)["feeds"]
        return next((feed["state"] for feed in feeds if feed["feedId"] == feed_id), None)

    def first_line(self, process):
        deadline = time.monotonic() + 20
        line = ""
        while time.monotonic() < deadline and not line.endswith("\n"):
            line += process.stdout.readline()  # may have come in part
            time.sleep(0.02)
        return line

    def test_the_readmes_command_line_publishes(self):
        (line,) = [block for block in blocks("README.md", "sh") if "publish --feed" in block]
        line = line.replace("build/bin/fusion-gateway publish",
                            f"{GATEWAY} publish --endpoint {self.endpoint('publishers')}")
        ran = self.run_to_end(["bash", "-euo", "pipefail", "-c", line])
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_every_counter_is_documented_and_no_other(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['wall']}/metrics", timeout=5) as answer:
            told = set(re.findall(r"^# TYPE fusion_gateway_(\w+)", answer.read().decode(), re.M))
        rows = read("docs/operations.md").split("All of them:")[1]
        documented = {name for cell in re.findall(r"^\| (.*?) \|", rows, re.M) for name in re.findall(r"`(\w+)`", cell)}
        self.assertEqual(documented, told)

    def test_the_smallest_plugin_takes_and_refuses_payloads(self):
        for payload, status in (('{"id":"7"}', 0), ("smoke", 1)):
            ran = self.run_to_end(["bash", "-c", f"echo '{payload}' | {GATEWAY} publish --feed smallest "
                                   f"--endpoint {self.endpoint('publishers')} -"])
            self.assertEqual(ran.returncode, status, ran.stdout + ran.stderr)


if __name__ == "__main__":
    unittest.main()
