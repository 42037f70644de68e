"""A publisher over HTTP against the real gateway: what its peer over ZeroMQ has, it has."""

import hashlib
import http.client
import json
import os
import random
import sys
import threading
import time
import unittest
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from gateway import Gateway, alarm, report, wait_until  # noqa: E402
from fusiongateway import Publisher  # noqa: E402

TOKENS = {feed: f"{feed}-token-{random.getrandbits(128):032x}" for feed in ("web", "web-alarms", "told", "slow", "old")}


def feed_yaml(feed, plugin, more=""):
    digest = hashlib.sha256(TOKENS[feed].encode()).hexdigest()
    return f'  - {{feed_id: {feed}, plugin: {plugin}, default_crs: WGS84, http_tokens_sha256: ["{digest}"]{more}}}\n'


FEEDS = (feed_yaml("web", "report") + feed_yaml("web-alarms", "hazmat") + feed_yaml("told", "hazmat")
         + feed_yaml("slow", "report", ", quota_payloads_per_s: 2")
         + feed_yaml("old", "grid", ", encoding: GB18030"))
WINDOW = "  window_payloads: 8\n  batch_max: 8\n  session_timeout: 10s\n"


class Web:
    """One publisher of one feed, over one connection that it keeps."""

    def __init__(self, gateway, feed, outbox="box-1", token=None):
        self.feed, self.outbox = feed, outbox
        self._host = urlsplit(gateway._wall).netloc
        self._headers = {"Authorization": f"Bearer {token or TOKENS[feed]}"}
        self._connection = None

    def ask(self, method, what, body=None, content_type="application/x-ndjson", **query):
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, timeout=70)
        headers = dict(self._headers, **({"Content-Type": content_type} if body is not None else {}))
        target = f"/api/v1/feeds/{self.feed}/{what}?{urlencode(query)}"
        try:
            self._connection.request(method, target, body, headers)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError:
            self.close()
            raise
        except http.client.HTTPException as error:
            self.close()
            raise ConnectionError(str(error)) from error

    def publish(self, first_seq, payloads, **query):
        lines = b"".join((p if isinstance(p, bytes) else json.dumps(p).encode()) + b"\n" for p in payloads)
        return self.ask("POST", "reports", lines, outbox_id=self.outbox, first_seq=first_seq, **query)

    def place(self, acked_through=0):
        return self.ask("GET", "publisher", outbox_id=self.outbox, acked_through=acked_through)

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Publishing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(WINDOW, FEEDS)
        cls.addClassCleanup(cls.gateway.remove)

    def web(self, feed="web", **options):
        publisher = Web(self.gateway, feed, outbox=self.id().rsplit(".", 1)[1], **options)
        self.addCleanup(publisher.close)
        return publisher

    def free(self, feed):
        """Waits until no other test's session holds the feed."""
        def disconnected():
            feeds = json.loads(self.gateway.get("/api/v1/feeds"))["feeds"]
            return any(f["feedId"] == feed and f.get("state", "DISCONNECTED") == "DISCONNECTED" for f in feeds)
        wait_until(disconnected)

    def test_an_answer_means_on_disk_and_a_repeat_counts_once(self):
        web = self.web()
        status, place = web.place()
        self.assertEqual((status, place.get("resumeAfterSeq", "0"), place["maxBatch"]), (200, "0", 8))
        payloads = [report("once-1"), {"kind": "SENSOR_READING"}, report("once-3")]
        status, answer = web.publish(1, payloads, takeover="true")
        self.assertEqual((status, answer["throughSeq"]), (200, "3"))
        self.assertEqual([(r["seq"], r["code"]) for r in answer["rejections"]], [("2", "MISSING_FIELD")])
        self.assertEqual(web.publish(1, payloads), (status, answer), "the same answer again")
        self.assertEqual([i for i in self.gateway.report_ids("web") if i.startswith("once")], ["once-1", "once-3"])
        status, place = web.place()
        self.assertEqual((place["resumeAfterSeq"], place["throughSeq"], place["rejections"][0]["seq"]), ("3", "3", "2"))
        self.assertNotIn("rejections", web.place(acked_through=3)[1])
        status, gap = web.publish(9, [report("gap")])
        self.assertEqual((status, gap["code"], gap["nextSeq"]), (400, "SEQ_GAP", "4"))
        status, gone = web.publish(4, [report(f"many-{i}") for i in range(9)])
        self.assertEqual((status, gone["code"]), (413, "TOO_LARGE"))

    def test_test_mode_shows_what_is_made_and_keeps_nothing(self):
        web = self.web()
        body = json.dumps([report("tried"), {"kind": "nonsense"}]).encode()
        status, answer = web.ask("POST", "reports", body, "application/json", mode="test")
        self.assertEqual(status, 200)
        self.assertEqual(answer["results"][0]["reports"][0]["reportId"], "tried")
        self.assertIn("code", answer["results"][1]["rejection"])
        self.assertNotIn("tried", self.gateway.report_ids("web"))

    def test_only_the_feeds_own_token_publishes(self):
        for token, feed, status in (("nobodys", "web", 401), (TOKENS["old"], "web", 403), (TOKENS["old"], "nowhere", 403),
                                    (TOKENS["web"], "alarms", 403)):
            answer = self.web(feed, token=token).publish(1, [report("forged")])
            self.assertEqual(answer[0], status, answer)
        self.assertNotIn("forged", self.gateway.report_ids("web"))
        self.assertGreaterEqual(self.gateway.metric("wall_publisher_tokens_refused_total"), 4)

    def test_beyond_the_window_is_busy_and_a_quota_only_slows(self):
        web, beside = self.web("slow"), self.web("slow")
        first = []
        thread = threading.Thread(target=lambda: first.append(web.publish(1, [report(f"slow-{i}") for i in range(8)])))
        thread.start()
        wait_until(lambda: self.gateway.metric("publisher_exchanges_waiting") >= 1)
        next_batch = [report(f"slow-{i}") for i in range(8, 16)]
        status, busy = beside.publish(9, next_batch)
        self.assertEqual((status, busy["code"], busy["nextSeq"]), (429, "BUSY", "9"))
        thread.join()
        self.assertEqual(first[0][0], 200, first)
        self.assertEqual(web.publish(9, next_batch)[0], 200)
        self.assertEqual(self.gateway.report_ids("slow"), [f"slow-{i}" for i in range(16)])

    def test_dispositions_come_by_long_poll_until_they_are_acknowledged(self):
        web, poll = self.web("told"), self.web("told")
        told = []
        thread = threading.Thread(target=lambda: told.append(poll.ask("GET", "dispositions", wait="30s")))
        thread.start()
        wait_until(lambda: self.gateway.metric("publisher_exchanges_waiting") >= 1)
        self.assertEqual(web.publish(1, [alarm("polled")])[0], 200)
        thread.join()
        status, answer = told[0]
        self.assertEqual((status, answer["dispositions"][0]["reportId"]), (200, "polled"))
        self.assertEqual(poll.ask("GET", "dispositions")[1]["dispositions"][0]["seq"], "1", "not acknowledged yet")
        through = poll.ask("GET", "dispositions")[1]["throughSeq"]
        self.assertNotIn("dispositions", poll.ask("GET", "dispositions", after=through)[1])
        self.assertEqual(poll.ask("GET", "dispositions", after=10**6)[1]["code"], "SEQ_AHEAD")

    def test_a_session_over_zeromq_is_not_disturbed_unless_it_is_taken_over(self):
        self.free("web-alarms")
        web = self.web("web-alarms")
        with Publisher("web-alarms", self.gateway.path("zmq.outbox"), endpoint=self.gateway.publishers) as zmq_publisher:
            zmq_publisher.publish(alarm("by-zeromq"))
            zmq_publisher.flush(30)
            status, refused = web.publish(1, [alarm("by-http")])
            self.assertEqual((status, refused["code"]), (409, "FEED_IN_USE"))
            self.assertEqual(web.ask("GET", "dispositions")[0], 409, "they are told to the session")
            zmq_publisher.publish(alarm("by-zeromq-too"))
            zmq_publisher.flush(30)
            self.assertEqual(web.publish(1, [alarm("by-http")], takeover="true")[0], 200)
            wait_until(lambda: zmq_publisher.stats().fenced)
        self.assertLessEqual({"by-zeromq", "by-zeromq-too", "by-http"}, set(self.gateway.report_ids("web-alarms")))

    def test_lines_of_a_gb18030_feed_are_its_bytes(self):
        event = {"eventId": "老-1", "reportTime": "20261123100000", "category": "环境", "description": "化工园区刺鼻气味",
                 "lon": 114.3, "lat": 34.8, "crs": "WGS84", "state": "reported"}
        line = json.dumps(event, ensure_ascii=False).encode("gb18030")
        web = self.web("old")
        self.assertEqual(web.publish(1, [line])[0], 200)
        (taken,) = self.gateway.reports("old")
        self.assertIn("刺鼻气味", json.dumps(taken, ensure_ascii=False))
        status, refused = web.ask("POST", "reports", line, "application/json", outbox_id=web.outbox, first_seq=2)
        self.assertEqual(status, 400)
        self.assertIn("x-ndjson", refused["detail"])

    def test_probes_measure_the_publishers_clock(self):
        self.free("old")
        web = self.web("old")

        def now():
            t = time.time_ns()
            return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t // 10**9)) + f".{t % 10**9:09d}Z"

        exchange = None
        for _ in range(2):
            body = {"t1": now(), **({"last": exchange} if exchange else {})}
            status, reply = web.ask("POST", "probe", json.dumps(body).encode(), "application/json", outbox_id=web.outbox)
            self.assertEqual(status, 200, reply)
            exchange = dict(reply, t4=now())
        event = {"eventId": "probed", "reportTime": now(), "category": "x", "description": "x", "lon": 114.3, "lat": 34.8,
                 "crs": "WGS84", "state": "reported"}
        self.assertEqual(web.publish(1, [event])[0], 200)
        (taken,) = [r for r in self.gateway.reports("old") if r["reportId"] == "probed"]
        self.assertEqual(taken["aligned"]["source"], "PROBED")

    def test_a_token_is_nowhere_to_be_read(self):
        self.web().place()
        with open(self.gateway.path("log"), encoding="utf-8") as log:
            texts = [log.read(), self.gateway.get("/metrics"), self.gateway.get("/api/v1/feeds")]
        for text in texts:
            for token in TOKENS.values():
                self.assertNotIn(token, text)


class Killed(unittest.TestCase):
    def test_kill_minus_9_loses_nothing_and_repeats_nothing(self):
        gateway = Gateway("", FEEDS)
        self.addCleanup(gateway.remove)
        web = Web(gateway, "web", "kept")
        self.addCleanup(web.close)
        payloads = [report(f"k-{n:04d}") for n in range(1, 601)]
        done = threading.Event()

        def kill_it():
            for _ in range(4):
                time.sleep(random.uniform(0.1, 0.5))
                if done.is_set():
                    return
                gateway.kill()
                gateway.start()

        killer = threading.Thread(target=kill_it)
        killer.start()
        acked, resumed, deadline = 0, 0, time.monotonic() + 120
        while acked < len(payloads) and time.monotonic() < deadline:
            try:
                status, answer = web.publish(acked + 1, payloads[acked:acked + 5])
                if status == 200:
                    acked += 5
                    time.sleep(0.005)
                    continue
                self.assertIn(status, (429, 503), answer)
                time.sleep(0.05)
            except OSError:
                time.sleep(0.05)
                try:
                    status, answer = web.place()
                except OSError:
                    continue
                if status != 200:  # it is still starting
                    self.assertIn(status, (429, 503), answer)
                    continue
                through = int(answer.get("resumeAfterSeq", 0))
                self.assertGreaterEqual(through, acked, "what was acked is on disk")
                resumed += 1
        done.set()
        killer.join()
        self.assertEqual(acked, len(payloads))
        self.assertGreaterEqual(resumed, 1, "the gateway was never killed under way")
        self.assertEqual(sorted(gateway.report_ids("web")), [p["reportId"] for p in payloads])


if __name__ == "__main__":
    unittest.main()
