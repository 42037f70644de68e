"""What `cmake --install` leaves is enough: the installed gateway runs from anywhere, and a project that
finds the package builds against it and publishes to that gateway."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

BUILD = os.environ["FG_BUILD_DIR"]
SOURCE = os.environ["FG_SOURCE_DIR"]
CMAKE = os.environ["FG_CMAKE"]

CONFIG = """\
gateway_id: installed
publishers: {{endpoint: "tcp://127.0.0.1:{publishers}"}}
consumers: {{endpoint: "tcp://127.0.0.1:{consumers}", broadcast_endpoint: "tcp://127.0.0.1:{broadcast}"}}
wall: {{port: {wall}}}
feeds:
  - {{feed_id: grid, plugin: grid, default_crs: WGS84}}
"""
EVENT = ('{"eventId":"E-1","reportTime":"2026-11-23T10:00:00+08:00","category":"环境","description":"x",'
         '"lon":114.3,"lat":34.8,"crs":"WGS84","state":"reported"}')


def free_ports(*names):
    sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
    ports = {name: s.getsockname()[1] for name, s in sockets.items()}
    for s in sockets.values():
        s.close()
    return ports


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False,
                          stdin=subprocess.DEVNULL, **more)


class Installation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fg-install-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        first = os.path.join(cls.folder, "first")
        installed = run(CMAKE, "--install", BUILD, "--prefix", first)
        if installed.returncode != 0:
            raise AssertionError(installed.stdout + installed.stderr)
        # Nothing may depend on the place it was installed to.
        cls.prefix = os.path.join(cls.folder, "moved")
        os.rename(first, cls.prefix)
        cls.program = os.path.join(cls.prefix, "bin", "fusion-gateway")
        cls.ports = free_ports("publishers", "consumers", "broadcast", "wall")
        cls.config = os.path.join(cls.folder, "site.yaml")
        with open(cls.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(**cls.ports))

    def start_gateway(self):
        log = open(os.path.join(self.folder, "log"), "w+b")
        self.addCleanup(log.close)
        gateway = subprocess.Popen([self.program, "run", self.config], stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL)
        self.addCleanup(gateway.wait, 20)
        self.addCleanup(gateway.send_signal, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and gateway.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['wall']}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        log.seek(0)
        self.fail("the gateway did not become ready:\n" + log.read().decode())

    def build_consumer(self):
        source = os.path.join(self.folder, "consumer")
        shutil.copytree(os.path.join(SOURCE, "clients", "cpp", "example"), source)
        build = os.path.join(self.folder, "consumer-build")
        flags = f"-fsanitize={os.environ['FG_SANITIZE']}" if os.environ.get("FG_SANITIZE") else ""
        for command in ((CMAKE, "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                         f"-DCMAKE_CXX_COMPILER={os.environ['FG_CXX']}", f"-DCMAKE_CXX_FLAGS={flags}"),
                        (CMAKE, "--build", build)):
            ran = run(*command)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        return os.path.join(build, "publish-one")

    def test_a_project_builds_against_it_and_publishes_to_the_installed_gateway(self):
        consumer = self.build_consumer()
        self.start_gateway()
        endpoint = f"tcp://127.0.0.1:{self.ports['publishers']}"
        outbox = os.path.join(self.folder, "grid.outbox")
        ran = run(consumer, endpoint, "grid", outbox, EVENT)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn("on disk: seq 1", ran.stdout)
        refused = run(consumer, endpoint, "grid", outbox, "{}")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("MISSING_FIELD", refused.stderr)
        wall = f"http://127.0.0.1:{self.ports['wall']}/"
        with urllib.request.urlopen(wall, timeout=5) as page:
            self.assertIn("<html", page.read().decode())

    def test_headers_are_complete_and_under_one_root(self):
        root = os.path.join(self.prefix, "include")
        self.assertEqual(os.listdir(root), ["fusiongateway"])
        root = os.path.join(root, "fusiongateway")
        missing = []
        for folder, _, names in os.walk(root):
            for name in names:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    included = re.findall(r'#include "([^"]+)"', file.read())
                missing += [i for i in included if not os.path.exists(os.path.join(root, i))]
        self.assertEqual([i for i in missing if i.startswith(("fusion", "clients", "plugins", "proto"))], [])

    def test_no_file_remembers_where_it_was_built(self):
        remembered = []
        for folder, _, names in os.walk(os.path.join(self.prefix, "lib", "cmake")):
            for name in names:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    if BUILD in file.read():
                        remembered.append(name)
        self.assertEqual(remembered, [])


if __name__ == "__main__":
    unittest.main()
