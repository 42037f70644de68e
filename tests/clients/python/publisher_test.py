"""The Publisher against the real gateway."""

import logging
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from gateway import PATIENCE, PROGRAM, Gateway, GatewayTest, alarm, free_port, python, report, wait_until
from fusiongateway import (ConnectError, CurveKeys, FlushTimeout, FusionGatewayError, NoticeKind, OutboxError, OutboxFull,
                           OutboxInUse, OutboxLimits, PayloadError, Publisher, PublisherClosed, PublisherFenced)

logging.getLogger("fusiongateway").setLevel(logging.CRITICAL)


class Heard:
    """Collects what a publisher tells."""

    def __init__(self):
        self.rejections, self.dispositions, self.results, self.notices, self.acked = [], [], [], [], []

    def callbacks(self):
        return {"on_rejection": self.rejections.append, "on_disposition": self.dispositions.append,
                "on_test_result": self.results.append, "on_notice": self.notices.append, "on_acked": self.acked.append}

    def kinds(self):
        return [notice.kind for notice in self.notices]


class PublisherTest(GatewayTest):
    def publisher(self, feed_id="reports", outbox="", **options):
        publisher = Publisher(feed_id, outbox or self.outbox(), endpoint=self.gateway.publishers,
                              **{"retry_min": 0.05, **options})
        self.addCleanup(publisher.close)
        return publisher


class Publishing(PublisherTest):
    def test_what_was_published_is_on_the_gateways_disk_after_a_flush(self):
        heard = Heard()
        publisher = self.publisher(**heard.callbacks())
        first = publisher.publish(report("p-1"), "mine")
        self.assertEqual(publisher.publish_batch([report("p-2"), report("p-3")]), first + 1)
        publisher.flush(PATIENCE)
        self.assertLessEqual({"p-1", "p-2", "p-3"}, set(self.gateway.report_ids("reports")))
        wait_until(lambda: heard.acked and heard.acked[-1] == first + 2)
        stats = publisher.stats()
        self.assertEqual((stats.waiting, stats.rejected, stats.connected, stats.acked_through), (0, 0, True, first + 2))
        self.assertEqual(heard.kinds(), [NoticeKind.CONNECTED])
        self.assertTrue(publisher.journal_id)

    def test_a_rejection_tells_field_label_and_payload(self):
        heard = Heard()
        publisher = self.publisher(**heard.callbacks())
        publisher.publish_batch([report("r-1"), {"kind": "SENSOR_READING"}, report("r-2")], labels=["a", "line 2", "c"])
        publisher.flush(PATIENCE)
        (rejected,) = heard.rejections
        self.assertEqual((rejected.seq, rejected.code, rejected.field, rejected.label, rejected.payload),
                         (2, "MISSING_FIELD", "reportId", "line 2", b'{"kind":"SENSOR_READING"}'))
        self.assertTrue(rejected.message)
        self.assertLessEqual({"r-1", "r-2"}, set(self.gateway.report_ids("reports")))

    def test_text_bytes_and_protobuf_arrive_as_they_are(self):
        heard = Heard()
        publisher = self.publisher(**heard.callbacks())
        publisher.publish('{"reportId":"form-text","kind":"SENSOR_READING","note":"原文"}')
        publisher.publish(b'{"reportId":"form-bytes","kind":"SENSOR_READING"}\n')
        publisher.publish(b"\x0a\x0aform-proto\x28\x03")  # report_id and kind, in protobuf
        publisher.publish(b"\xff\xfe neither")
        publisher.flush(PATIENCE)
        self.assertEqual([r.seq for r in heard.rejections], [4])
        self.assertEqual(heard.rejections[0].payload, b"\xff\xfe neither")
        found = {r["reportId"]: r for r in self.gateway.reports("reports")}
        self.assertIn("原文", found["form-text"]["unknownFieldsJson"])
        self.assertLessEqual({"form-bytes", "form-proto"}, set(found))

    def test_probes_make_reports_probed(self):
        publisher = self.publisher()
        wait_until(lambda: publisher.stats().probes >= 3)
        publisher.publish(report("probed"))
        publisher.flush(PATIENCE)
        (probed,) = [r for r in self.gateway.reports("reports") if r["reportId"] == "probed"]
        self.assertEqual(probed["aligned"]["source"], "PROBED")

    def test_nothing_is_lost_while_the_gateway_is_not_there(self):
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        with Publisher("reports", self.outbox(), endpoint=endpoint) as publisher:
            publisher.publish(report("early"))
            with self.assertRaisesRegex(FlushTimeout, "1 payloads are not acked yet; they stay in the outbox"):
                publisher.flush(0.1)
        self.assertEqual(publisher.stats().waiting, 1)
        self.publisher().flush(PATIENCE)
        self.assertIn("early", self.gateway.report_ids("reports"))

    def test_a_full_outbox_refuses_and_takes_again_when_acked(self):
        path, limits = self.outbox(), OutboxLimits(payloads=2)
        with Publisher("reports", path, endpoint=f"tcp://127.0.0.1:{free_port()}", outbox_limits=limits) as publisher:
            publisher.publish_batch([report("full-1"), report("full-2")])
            with self.assertRaisesRegex(OutboxFull, "publish it again when some are acked"):
                publisher.publish(report("full-3"))
        publisher = self.publisher(outbox=path, outbox_limits=limits)
        publisher.flush(PATIENCE)
        self.assertEqual(publisher.publish(report("full-3")), 3)

    def test_a_payload_that_can_never_go_is_refused_at_once(self):
        publisher = self.publisher()
        for payload in ({"a": float("inf")}, {"a": object()}, 7, b"x" * 700_001):
            with self.assertRaises(PayloadError):
                publisher.publish(payload)
        self.assertEqual(publisher.stats().last_seq, 0)

    def test_what_does_not_fit_into_a_message_is_told_and_the_others_go(self):
        heard = Heard()
        publisher = self.publisher(payload_bytes_max=2_000_000, **heard.callbacks())
        publisher.publish_batch([report("fit-1"), report("huge", note="x" * 1_100_000), report("fit-2")])
        publisher.flush(PATIENCE)
        self.assertEqual([(r.seq, r.code, len(r.payload) > 1_100_000) for r in heard.rejections], [(2, "TOO_LARGE", True)])
        self.assertLessEqual({"fit-1", "fit-2"}, set(self.gateway.report_ids("reports")))

    def test_a_silent_gateway_is_left_and_found_again(self):
        heard = Heard()
        publisher = self.publisher(silence_max=0.5, hello_timeout=0.5, heartbeat_interval=0.1, **heard.callbacks())
        wait_until(lambda: publisher.stats().connected)
        self.gateway.pause()
        try:
            wait_until(lambda: NoticeKind.DISCONNECTED in heard.kinds())
            publisher.publish(report("after-silence"))
        finally:
            self.gateway.go_on()
        publisher.flush(PATIENCE)
        self.assertIn("after-silence", self.gateway.report_ids("reports"))
        self.assertGreaterEqual(publisher.stats().sessions, 2)

    def test_an_unknown_feed_is_told_once_and_tried_on(self):
        heard = Heard()
        publisher = self.publisher("nobody", **heard.callbacks())
        wait_until(lambda: heard.notices)
        with self.assertRaises(FlushTimeout):
            publisher.publish(report("x"))
            publisher.flush(0.5)
        self.assertEqual([(n.kind, n.code) for n in heard.notices], [(NoticeKind.REFUSED, "UNKNOWN_FEED")])


class Ownership(PublisherTest):
    def test_a_newer_publisher_fences_the_older_for_good(self):
        heard = Heard()
        older = self.publisher(outbox=self.outbox() + "1", **heard.callbacks())
        older.publish(report("f-1"))
        older.flush(PATIENCE)
        newer = self.publisher(outbox=self.outbox() + "2")
        newer.publish(report("f-2"))
        newer.flush(PATIENCE)
        wait_until(lambda: older.stats().fenced)
        with self.assertRaisesRegex(PublisherFenced, "stop one of the two"):
            older.publish(report("f-3"))
        older.flush(1)  # everything published was acked
        wait_until(lambda: heard.kinds()[-1] is NoticeKind.FENCED)
        newer.publish(report("f-4"))
        newer.flush(PATIENCE)
        self.assertEqual(newer.stats().sessions, 1)

    def test_a_second_process_is_refused_with_what_to_do(self):
        self.publisher()
        program = "import sys; from fusiongateway import Publisher; Publisher('reports', sys.argv[1])"
        with python("-c", program, self.outbox(), stderr=subprocess.PIPE) as second:
            told = second.communicate(timeout=PATIENCE)[1]
        self.assertIn("OutboxInUse", told)
        self.assertIn("in use by another process", told)
        with self.assertRaises(OutboxInUse):
            self.publisher()

    def test_a_wiped_outbox_loses_nothing_that_comes_after(self):
        for name in ("before", "after"):
            with self.publisher() as publisher:
                self.assertEqual(publisher.publish(report(f"wiped-{name}")), 1)
                publisher.flush(PATIENCE)
            os.unlink(self.outbox())
        self.assertLessEqual({"wiped-before", "wiped-after"}, set(self.gateway.report_ids("reports")))

    def test_an_old_copy_of_an_outbox_is_told_and_its_payloads_go(self):
        with self.publisher() as publisher:
            publisher.publish(report("copy-1"))
            publisher.flush(PATIENCE)
        shutil.copy(self.outbox(), self.outbox() + ".copy")
        with self.publisher() as publisher:
            publisher.publish_batch([report("copy-2"), report("copy-3"), report("copy-4")])
            publisher.flush(PATIENCE)
        shutil.copy(self.outbox() + ".copy", self.outbox())
        heard = Heard()
        publisher = self.publisher(**heard.callbacks())
        publisher.publish(report("copy-5"))
        publisher.flush(PATIENCE)
        self.assertEqual(heard.kinds(), [NoticeKind.OUTBOX_WENT_BACK, NoticeKind.CONNECTED])
        self.assertIn("copy-5", self.gateway.report_ids("reports"))

    def test_closing_is_final_and_repeatable(self):
        publisher = self.publisher()
        publisher.close()
        publisher.close()
        with self.assertRaises(PublisherClosed):
            publisher.publish(report("late"))

    def test_a_program_that_forgets_to_close_ends_and_keeps_what_it_published(self):
        program = """if True:
            import sys
            from fusiongateway import Publisher
            publisher = Publisher("reports", sys.argv[1], endpoint=sys.argv[2], on_notice=lambda notice: publisher)
            publisher.publish({"reportId": "forgotten", "kind": "SENSOR_READING"})
        """
        with python("-c", program, self.outbox(), self.gateway.publishers) as process:
            self.assertEqual(process.wait(PATIENCE), 0)
        self.publisher().flush(PATIENCE)
        self.assertIn("forgotten", self.gateway.report_ids("reports"))

    def test_closing_does_not_wait_for_ever_for_a_callback(self):
        called, go_on = threading.Event(), threading.Event()
        publisher = self.publisher(on_acked=lambda _: (called.set(), go_on.wait(PATIENCE)))
        publisher.publish(report("held"))
        self.assertTrue(called.wait(PATIENCE))
        with self.assertRaisesRegex(TimeoutError, "a callback does not return"):
            publisher.close(0.1)
        go_on.set()
        publisher.close()

    def test_what_cannot_connect_or_store_is_refused_at_once(self):
        with self.assertRaisesRegex(ConnectError, "write it like tcp://"):
            Publisher("reports", self.outbox(), endpoint="nowhere")
        with self.assertRaisesRegex(ConnectError, "40 Z85 characters"):
            CurveKeys("short", "", "")
        with self.assertRaises(OutboxError):
            Publisher("reports", "/proc/no/such/folder/outbox")

    def test_a_callback_may_publish_but_not_wait(self):
        refused = []

        def publish_more(rejected):
            publisher.publish(report("from-callback"))
            for wait in (lambda: publisher.flush(1), publisher.close):
                try:
                    wait()
                except FusionGatewayError as error:
                    refused.append(str(error))

        publisher = self.publisher(on_rejection=publish_more)
        publisher.publish({"no": "id"})
        publisher.flush(PATIENCE)
        publisher.flush(PATIENCE)
        self.assertEqual(len(refused), 2)
        self.assertIn("from-callback", self.gateway.report_ids("reports"))


class Dispositions(PublisherTest):
    def test_dispositions_are_told_once_and_acked(self):
        heard = Heard()
        with self.publisher("alarms", **heard.callbacks()) as publisher:
            publisher.publish(alarm("d-1"))
            publisher.flush(PATIENCE)
            told = wait_until(lambda: heard.dispositions)[0]
            self.assertEqual((told.report_id, told.state), ("d-1", "UNVERIFIED"))
            self.assertTrue(told.incident_id)
            self.gateway.post(f"/api/v1/incidents/{told.incident_id}/actions",
                              {"actionId": "x1", "action": "false_alarm", "reason": "test"})
            wait_until(lambda: any(d.state == "FALSE_ALARM" for d in heard.dispositions))
            seqs = [d.seq for d in heard.dispositions]
            self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))
        # The gateway has the acks too: not even a new outbox is told them again.
        again = Heard()
        publisher = self.publisher("alarms", outbox=self.outbox() + ".new", heartbeat_interval=0.1, **again.callbacks())
        wait_until(lambda: publisher.stats().probes >= 5)
        self.assertEqual(again.dispositions, [])

    def test_a_callback_that_raises_is_told_again(self):
        told, notices = [], []

        def fail_twice(disposition):
            told.append(disposition.seq)
            if len(told) <= 2:
                raise SystemExit("not yet")

        publisher = self.publisher("alarms", on_disposition=fail_twice, on_notice=lambda n: notices.append(n.kind))
        publisher.publish(alarm("d-2"))
        wait_until(lambda: len(told) >= 3)
        self.assertEqual(told[:3], [told[0]] * 3)
        self.assertIn(NoticeKind.CALLBACK_FAILED, notices)
        publisher.flush(PATIENCE)


class TestMode(PublisherTest):
    def test_each_payload_is_answered_and_nothing_is_kept(self):
        real = self.publisher()
        real.publish(report("real-1"))
        heard = Heard()
        with Publisher("reports", endpoint=self.gateway.publishers, test_mode=True, **heard.callbacks()) as test:
            test.publish_batch([report("tested"), {"kind": "SENSOR_READING"}])
            test.flush(PATIENCE)
            wait_until(lambda: len(heard.results) == 2)
        taken, refused = heard.results
        self.assertEqual((taken.seq, [r["reportId"] for r in taken.reports], taken.code), (1, ["tested"], ""))
        self.assertEqual((refused.seq, refused.reports, refused.code, refused.field), (2, [], "MISSING_FIELD", "reportId"))
        real.publish(report("real-2"))
        real.flush(PATIENCE)
        self.assertEqual(real.stats().sessions, 1)
        self.assertEqual(self.gateway.report_ids("reports"), ["real-1", "real-2"])


class SmallWindow(PublisherTest):
    """Little credit, and a queue that holds one payload."""

    publishers_yaml = "  window_payloads: 24\n  window_bytes: 1048576\n  batch_max: 4"
    extra_yaml = "fusion: {queue_payloads_max: 1}"

    def test_all_arrive_once_and_in_order_through_small_credit(self):
        publisher = self.publisher()
        ids = [f"w-{i:04}" for i in range(300)]
        publisher.publish_batch([report(i) for i in ids])
        publisher.flush(PATIENCE)
        self.assertEqual(self.gateway.report_ids("reports"), ids)
        self.assertEqual(publisher.stats().rejected, 0)

    def test_credit_in_bytes_is_kept(self):
        publisher = self.publisher()
        publisher.publish_batch([report(f"large-{i}", note="x" * 400_000) for i in range(4)])
        publisher.flush(PATIENCE)
        self.assertEqual(publisher.stats().rejected, 0)
        self.assertLessEqual({f"large-{i}" for i in range(4)}, set(self.gateway.report_ids("reports")))


class Curve(unittest.TestCase):
    def test_keys_open_the_feed_and_a_wrong_key_is_told(self):
        with tempfile.TemporaryDirectory(prefix="fg-curve-") as folder:
            keys = {}
            for name in ("gateway", "publisher", "stranger"):
                made = subprocess.run([PROGRAM, "keygen", "--out", f"{folder}/{name}.key"], check=True, capture_output=True,
                                      text=True, timeout=PATIENCE)
                keys[name] = made.stdout.strip()
            gateway = Gateway(f"""  curve:
    secret_key_file: {folder}/gateway.key
    keys: {{"{keys['publisher']}": reports}}""")
            self.addCleanup(gateway.remove)
            notices = []
            with Publisher("reports", f"{folder}/outbox", endpoint=gateway.publishers, on_notice=notices.append,
                           keys=CurveKeys.load(f"{folder}/stranger.key", keys["gateway"])) as publisher:
                publisher.publish(report("encrypted"))
                wait_until(lambda: [n for n in notices if n.code == "KEY_REFUSED"])
            with Publisher("reports", f"{folder}/outbox", endpoint=gateway.publishers,
                           keys=CurveKeys.load(f"{folder}/publisher.key", keys["gateway"])) as publisher:
                publisher.flush(PATIENCE)
            self.assertEqual(gateway.report_ids("reports"), ["encrypted"])


if __name__ == "__main__":
    unittest.main()
