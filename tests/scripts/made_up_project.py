"""A project folder with the real ./run, ./check and scripts/, and stand-ins for everything they call.

The stand-ins are real processes on real ports: what is under test is how the scripts start them,
watch them and leave nothing behind.
"""

import os
import shutil
import socket
import stat
import subprocess
import tempfile
import textwrap
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))

# Ready over HTTP; has a worker of its own; its behaviour is set by files in the state folder.
GATEWAY = """\
    #!/usr/bin/env python3
    import http.server, os, signal, subprocess, sys
    here = os.path.dirname(os.path.abspath(__file__))
    ports = open(os.path.join(here, "ports")).read().split()
    if sys.argv[1] == "check-config":
        if "broken" in open(sys.argv[2]).read():
            sys.exit(sys.argv[2] + ":3: unknown key; take it out")
        print("  camera c1   rtsp://127.0.0.1:%s/c1" % ports[4])
        print("  publishers tcp://127.0.0.1:%s  stream tcp://127.0.0.1:%s  broadcast tcp://127.0.0.1:%s  wall http://127.0.0.1:%s"
              % tuple(ports[:4]))
        sys.exit(0)
    behaviour = open(os.path.join(here, "behaviour")).read().split()
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(os.path.join(here, "pids"), "a") as pids:
        pids.write("%d %d\\n" % (os.getpid(), worker.pid))
    if "stubborn" in behaviour:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: (worker.kill(), os._exit(0)))
    if "dies" in behaviour:
        print("cannot go on: the disk is full", flush=True)
        worker.kill()
        sys.exit(3)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/readyz" else 404)
            self.end_headers()
        def log_message(self, *args):
            pass
    http.server.HTTPServer(("127.0.0.1", int(ports[3])), Handler).serve_forever()
"""

CITY = """\
    #!/usr/bin/env python3
    import os, sys, time
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "pids"), "a") as pids:
        pids.write("%d\\n" % os.getpid())
    print("city", *sys.argv[1:], flush=True)
    time.sleep(600)
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def alive(pid):
    """Running, and not merely waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class MadeUpProject:
    def __init__(self, behaviour=""):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="fg-scripts-"))
        self.bin = os.path.join(self.root, "build", "bin")
        self.stand_ins = os.path.join(self.root, "stand-ins")
        self.ports = free_ports(5)
        for script in ("run", "check"):
            shutil.copy(os.path.join(ROOT, script), self.root)
        shutil.copytree(os.path.join(ROOT, "scripts"), os.path.join(self.root, "scripts"))
        self.write("scripts/packages.txt", "# nothing\n")
        self.write("config/demo.yaml", "gateway_id: x\n")
        self.write("build/build.ninja", "")
        self.write("build/bin/ports", " ".join(map(str, self.ports)))
        self.write("build/bin/behaviour", behaviour)
        self.program("build/bin/fusion-gateway", GATEWAY)
        self.program("build/bin/demo-city", CITY)
        self.stand_in("cmake", 'exit 0')

    def write(self, path, text):
        whole = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w", encoding="utf-8") as file:
            file.write(text)
        return whole

    def program(self, path, text):
        whole = self.write(path, textwrap.dedent(text))
        os.chmod(whole, os.stat(whole).st_mode | stat.S_IXUSR)

    def stand_in(self, command, line):
        """A command of the machine, replaced for this project; its calls are noted in `calls`."""
        self.program(f"stand-ins/{command}",
                     f'#!/bin/bash\necho "{command} $*" >>"{self.root}/calls"\n{line}\n')

    def calls(self):
        try:
            with open(os.path.join(self.root, "calls"), encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def start(self, script, *arguments, **environment):
        """The script as a child without a terminal, from another folder."""
        env = dict(os.environ, PATH=f"{self.stand_ins}:{os.environ['PATH']}", **environment)
        return subprocess.Popen([os.path.join(self.root, script), *arguments], cwd="/", env=env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def pids(self):
        try:
            with open(os.path.join(self.bin, "pids"), encoding="utf-8") as file:
                return [int(pid) for pid in file.read().split()]
        except FileNotFoundError:
            return []

    def remove(self):
        for pid in self.pids():
            if alive(pid):
                os.kill(pid, 9)
        shutil.rmtree(self.root, ignore_errors=True)
