"""Scenario 1 from end to end, with the real programs: demo-city's cameras and publishers, the gateway,
the stream as a consumer reads it, and the page in a browser.

    chlorine_test.py BIN_DIR CONFIG WALL_E2E OUT_DIR

Proves: ONE incident (12D02) with evidence from hazmat, 110 and Blue Sky Guard and the tank, gate and
tower cameras; every evidence's aligned interval contains its true time; every frame reference's
interval contains the time read from that frame's pixels, also after the camera's ring has let go of
it; the same incident in `watch --json` and on the wall; nothing of a caller's phone downstream.
"""

import datetime
import decimal
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

BIN, CONFIG, WALL_E2E, OUT_DIR = (pathlib.Path(a).resolve() for a in sys.argv[1:5])
PACE = 16
EVIDENCE_COUNT = 5
CAMERAS = ["tank-101", "gate-1", "41020201001320000007"]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def nanoseconds(rfc3339):
    whole, _, fraction = rfc3339.removesuffix("Z").partition(".")
    instant = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return int(instant.timestamp()) * 10**9 + int((fraction or "0").ljust(9, "0"))


def span_nanoseconds(text):
    return int(decimal.Decimal(text.removesuffix("s")) * 10**9)


class Chlorine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.dir.name)
        rtsp, publishers, consumers, broadcast, wall = free_ports(5)
        text = CONFIG.read_text().replace(":8554/", f":{rtsp}/")
        text = re.sub(r"(?m)^state_dir:.*$", f"state_dir: {root / 'state'}", text)
        text += f"""
publishers: {{endpoint: "tcp://127.0.0.1:{publishers}"}}
consumers: {{endpoint: "tcp://127.0.0.1:{consumers}", broadcast_endpoint: "tcp://127.0.0.1:{broadcast}"}}
wall: {{port: {wall}}}
"""
        (root / "demo.yaml").write_text(text)
        cls.root = root
        cls.stream = f"tcp://127.0.0.1:{consumers}"
        cls.url = f"http://127.0.0.1:{wall}"
        cls.truth_file = root / "truth.jsonl"
        cls.log = open(root / "log", "wb")
        cls.children = [
            subprocess.Popen(
                [BIN / "demo-city", "--rtsp-port", str(rtsp), "--pace", str(PACE), "--seed", "7",
                 "--scenario-after", "8", "--truth", cls.truth_file,
                 "--gateway", f"tcp://127.0.0.1:{publishers}"],
                stdout=cls.log, stderr=cls.log),
            subprocess.Popen([BIN / "fusion-gateway", "run", root / "demo.yaml"],
                             stdout=cls.log, stderr=cls.log)]
        for child in cls.children:
            cls.addClassCleanup(child.kill)
        cls.incident = cls.wait_for_incident()

    @classmethod
    def tearDownClass(cls):
        for child in cls.children:
            child.send_signal(signal.SIGTERM)
        codes = [child.wait(timeout=20) for child in cls.children]
        cls.log.close()
        cls.dir.cleanup()
        assert codes == [0, 0], f"demo-city and gateway ended with {codes}"

    @classmethod
    def get(cls, path):
        with urllib.request.urlopen(cls.url + path, timeout=20) as response:
            return response.headers, response.read()

    @classmethod
    def incidents(cls):
        return json.loads(cls.get("/api/v1/incidents?closed=1")[1]).get("incidents", [])

    @classmethod
    def wait_for_incident(cls):
        """The chlorine incident once every evidence has its frames."""
        deadline = time.monotonic() + 90
        found = None
        while time.monotonic() < deadline:
            time.sleep(0.5)
            try:
                chemical = [i for i in cls.incidents() if i.get("classCode") == "12D02"]
            except (urllib.error.URLError, ConnectionError):
                continue
            found = chemical[0] if chemical else None
            if found and len(found["evidence"]) >= EVIDENCE_COUNT and all(
                    len(c.get("frames", [])) >= EVIDENCE_COUNT
                    for c in found.get("cameras", []) if c["cameraId"] in CAMERAS):
                return found
        text = (cls.root / "log").read_text(errors="replace")[-3000:]
        raise AssertionError(f"no whole chlorine incident in 90 s: {json.dumps(found)[:3000]}\n{text}")

    @classmethod
    def truth(cls):
        lines = [json.loads(line) for line in cls.truth_file.read_text().splitlines()]
        return {(t["feedId"], t["reportId"]): t for t in lines if "reportId" in t}

    def test_it_is_one_incident_with_five_evidences_of_three_feeds(self):
        chemical = [i for i in self.incidents() if i.get("classCode") == "12D02"]
        self.assertEqual(len(chemical), 1)
        incident = chemical[0]
        truth = self.truth()
        expected = {key for key, t in truth.items() if t["incident"] == "chlorine-1"}
        self.assertEqual({(e["feedId"], e["reportId"]) for e in incident["evidence"]}, expected)
        self.assertEqual({e["feedId"] for e in incident["evidence"]},
                         {"hazmat", "police110", "sky_guard"})
        self.assertEqual(incident["state"], "ACCEPTED")
        self.assertEqual(incident["siteId"], "410200007")

    def test_every_evidence_interval_contains_its_true_time(self):
        truth = self.truth()
        for evidence in self.incident["evidence"]:
            true = nanoseconds(truth[(evidence["feedId"], evidence["reportId"])]["trueTime"])
            aligned = nanoseconds(evidence["aligned"]["utc"])
            bound = span_nanoseconds(evidence["aligned"]["uncertainty"])
            self.assertLessEqual(abs(true - aligned), bound, evidence)

    def test_the_tank_gate_and_tower_cameras_come_first(self):
        self.assertEqual([c["cameraId"] for c in self.incident["cameras"][:3]], CAMERAS)

    def check_frames(self):
        """Every frame reference against its own pixels. Returns how many were looked at."""
        looked_at = 0
        for camera in self.incident["cameras"]:
            for frame in camera.get("frames", []):
                query = urllib.parse.urlencode({"frame": frame["frameId"]})
                headers, jpeg = self.get(f"/api/v1/cameras/{camera['cameraId']}/snapshot?{query}")
                self.assertEqual(headers["Content-Type"], "image/jpeg")
                self.assertEqual(nanoseconds(headers["Captured-At"]),
                                 nanoseconds(frame["captured"]["utc"]))
                shown = subprocess.run([BIN / "read-time-pattern", "-"], input=jpeg,
                                       capture_output=True, check=True)
                true = nanoseconds(shown.stdout.decode().strip())
                captured = nanoseconds(frame["captured"]["utc"])
                bound = span_nanoseconds(frame["captured"]["uncertainty"])
                self.assertLessEqual(abs(true - captured), bound, (camera["cameraId"], frame))
                self.assertEqual(frame["captured"]["source"], "SENDER_REPORT")
                # The offset is told against the evidence, and is what the pixels say, within the ±.
                evidence = next(e for e in self.incident["evidence"]
                                if e["reportId"] == frame["reportId"])
                told = span_nanoseconds(frame["offset"])
                self.assertLessEqual(
                    abs(true - nanoseconds(evidence["aligned"]["utc"]) - told), bound)
                looked_at += 1
        return looked_at

    def test_every_frame_bears_in_its_pixels_the_time_it_is_said_to_be_of(self):
        self.assertGreaterEqual(self.check_frames(), EVIDENCE_COUNT * len(CAMERAS))

    def test_watch_tells_the_same_incident(self):
        watched = subprocess.run(
            [BIN / "fusion-gateway", "watch", "--json", "--endpoint", self.stream, "--count", "60"],
            capture_output=True, timeout=60, check=True)
        records = [json.loads(line) for line in watched.stdout.decode().splitlines()]
        self.assertEqual([int(r["seq"]) for r in records], list(range(1, 61)))
        ids = {r["incident"]["incidentId"] for r in records
               if r.get("incident", {}).get("siteId") == "410200007"}
        self.assertEqual(ids, {self.incident["incidentId"]})

    def test_settled_is_in_strict_order_of_aligned_time(self):
        watched = subprocess.run(
            [BIN / "fusion-gateway", "watch", "--json", "--stream", "settled", "--endpoint",
             self.stream, "--count", "40"], capture_output=True, timeout=60, check=True)
        records = [json.loads(line) for line in watched.stdout.decode().splitlines()]
        reports = [r["report"] for r in records if "report" in r and not r.get("late")]
        keys = [(nanoseconds(r["aligned"]["utc"]), r["feedId"], r["reportId"]) for r in reports]
        self.assertGreater(len(keys), 5)
        self.assertEqual(keys, sorted(keys))

    def test_no_phone_number_of_a_caller_is_downstream(self):
        whole = re.compile(rb"(?<!\d)1[3-9]\d{9}(?!\d)")
        for path in ["/api/v1/incidents", "/api/v1/records?stream=live&after=0&max=1000"]:
            self.assertIsNone(whole.search(self.get(path)[1]), path)
        for file in (self.root / "state").glob("journal.db*"):
            self.assertIsNone(whole.search(file.read_bytes()), file)

    def test_what_is_outside_the_ring_is_404_with_the_range_held(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.get("/api/v1/cameras/tank-101/snapshot?at=2020-01-01T00:00:00Z")
        self.assertEqual(caught.exception.code, 404)
        problem = json.loads(caught.exception.read())
        self.assertEqual(problem["status"], 404)

    def test_z_the_wall_shows_it(self):
        OUT_DIR.mkdir(parents=True, exist_ok=True)
        shown = subprocess.run(["node", WALL_E2E, self.url + "/", OUT_DIR],
                               env={**os.environ, "FG_WALL_CAMERAS": "3"},
                               capture_output=True, timeout=170)
        self.assertEqual(shown.returncode, 0, shown.stdout.decode() + shown.stderr.decode())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
