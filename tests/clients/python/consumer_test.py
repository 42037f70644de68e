"""The Consumer against the real gateway; and against a scripted one for what a healthy gateway never does."""

import json
import logging
import threading
import unittest

import zmq

from gateway import PATIENCE, GatewayTest, alarm, read_bodies, report, wait_until
from fusiongateway import (ConnectError, Consumer, ConsumerNoticeKind, ConsumerRefused, JournalChanged, OutOfRange, PlaceError,
                           Publisher, Snapshot)

logging.getLogger("fusiongateway").setLevel(logging.CRITICAL)


class Reading(GatewayTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with Publisher("reports", cls.gateway.path("outbox"), endpoint=cls.gateway.publishers) as publisher:
            publisher.publish_batch([report(f"r-{i:03}") for i in range(300)])
            publisher.flush(PATIENCE)
        with Publisher("alarms", cls.gateway.path("alarms"), endpoint=cls.gateway.publishers) as publisher:
            publisher.publish(alarm("a-1"))
            publisher.flush(PATIENCE)
        cls.ids = [f"r-{i:03}" for i in range(300)] + ["a-1"]

    def consumer(self, **options):
        consumer = Consumer(endpoint=self.gateway.consumers, **options)
        self.addCleanup(consumer.close)
        return consumer

    @staticmethod
    def report_ids(records):
        return [record["report"]["reportId"] for record in records]

    def test_every_record_comes_once_and_in_order_with_the_smallest_credit(self):
        consumer, through, ids = self.consumer(window=1, bodies=["report"]), 0, []
        while len(ids) < len(self.ids):
            event = wait_until(lambda: consumer.next(0.5))
            self.assertEqual(event.from_seq, through + 1)
            through = event.through_seq
            self.assertLessEqual(len(event.records), 1)
            ids += self.report_ids(event.records)
        self.assertEqual(ids, self.ids)

    def test_a_kept_place_goes_on_where_it_was(self):
        place = self.gateway.path("a folder/place")
        first = self.consumer(place_path=place, bodies=["report"], window=50)
        read = self.report_ids(first.next(PATIENCE).records)
        second_batch = first.next(PATIENCE)  # says that the first one is done with
        first.close()                 # ... and nothing of this one
        again = self.consumer(place_path=place, bodies=["report"], window=50)
        event = again.next(PATIENCE)
        self.assertEqual((event.from_seq, event.journal_id), (second_batch.from_seq, second_batch.journal_id))
        self.assertGreater(len(read), 0)
        again.done()
        through = again.through_seq
        again.close()
        with open(place, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["throughSeq"], str(through))
        with self.assertRaisesRegex(PlaceError, "'live', not in 'settled'"):
            self.consumer(place_path=place, stream="settled")
        with open(place, "w", encoding="utf-8") as file:
            file.write("damaged")
        with self.assertRaisesRegex(PlaceError, "move it away"):
            self.consumer(place_path=place)

    def test_a_place_the_caller_keeps_goes_on_there(self):
        first = self.consumer(bodies=["report"], window=50)
        event = first.next(PATIENCE)
        resumed = self.consumer(bodies=["report"], after_seq=first.through_seq, journal_id=first.journal_id)
        following = resumed.next(PATIENCE)
        self.assertEqual(following.from_seq, event.through_seq + 1)
        self.assertEqual(self.report_ids(event.records + following.records), self.ids[:len(event.records + following.records)])

    def test_filters_and_snapshot(self):
        incident = read_bodies(self.consumer(bodies=["incident"]), "incident", 1)[-1]
        self.assertEqual(incident["districtCode"], "410202")
        elsewhere, newest, found = self.consumer(bodies=["incident"], district_codes=["999999"]), self.gateway.live_through(), []
        while elsewhere.through_seq < newest:
            found += wait_until(lambda: elsewhere.next(0.5)).records
        self.assertEqual(found, [])
        snapshot = self.consumer(snapshot=True).next(PATIENCE)
        self.assertIsInstance(snapshot, Snapshot)
        self.assertEqual([i["incidentId"] for i in snapshot.incidents], [incident["incidentId"]])

    def test_the_settled_stream_holds_the_same_reports(self):
        consumer = self.consumer(stream="settled", bodies=["report"])
        settled = [one["reportId"] for one in read_bodies(consumer, "report", len(self.ids))]
        self.assertEqual(sorted(settled), sorted(self.ids))

    def test_what_can_never_work_is_refused(self):
        for make in (lambda: self.consumer(stream="dead"), lambda: Consumer(endpoint="nowhere")):
            with self.assertRaises((ValueError, ConnectError)):
                make()
        consumer = self.consumer(bodies=["weather"])
        with self.assertRaises(ConsumerRefused) as raised:
            consumer.next(PATIENCE)
        self.assertEqual(raised.exception.code, "BAD_FILTER")

    def test_a_silent_gateway_is_left_and_found_again(self):
        notices = []
        consumer = self.consumer(bodies=["report"], window=50, silence_max=3, retry_min=0.05, on_notice=notices.append)
        ids = self.report_ids(consumer.next(PATIENCE).records)
        self.gateway.pause()
        try:
            while not notices:
                ids += self.report_ids(getattr(consumer.next(0.1), "records", []))
        finally:
            self.gateway.go_on()
        self.assertEqual(notices[0].kind, ConsumerNoticeKind.DISCONNECTED)
        ids += [one["reportId"] for one in read_bodies(consumer, "report", len(self.ids) - len(ids))]
        self.assertEqual(ids, self.ids)

    def test_stop_ends_a_waiting_reader(self):
        consumer = self.consumer(after_seq=0, bodies=["camera"])
        timer = threading.Timer(0.3, consumer.stop)
        timer.start()
        for _ in consumer:
            pass
        timer.join()


class Scripted(unittest.TestCase):
    """A ROUTER that answers subscriptions as the test says: what a healthy gateway does not do."""

    def setUp(self):
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.linger = 0
        port = self.router.bind_to_random_port("tcp://127.0.0.1")
        self.notices = []
        self.consumer = Consumer(endpoint=f"tcp://127.0.0.1:{port}", after_seq=10, journal_id="j", retry_min=0.01,
                                 on_notice=self.notices.append)
        self.addCleanup(self.context.destroy, linger=0)
        self.addCleanup(self.consumer.close)

    def subscription(self):
        """The next subscribe, and whom to answer; runs the consumer meanwhile."""
        while not self.router.poll(0):
            self.assertIsNone(self.consumer.next(0.05))
        while True:
            peer, message = self.router.recv_multipart()
            if "subscribe" in json.loads(message):
                return peer, json.loads(message)["subscribe"]

    def answer(self, peer, **message):
        self.router.send_multipart([peer, json.dumps(message).encode()])

    def records(self, first, through, journal_id="j"):
        return {"journalId": journal_id, "fromSeq": str(first), "throughSeq": str(through),
                "records": [{"seq": str(seq)} for seq in range(first, through + 1)]}

    def next(self):
        return wait_until(lambda: self.consumer.next(0.1))

    def test_a_gap_is_asked_for_again_and_never_passed_on(self):
        peer, subscribe = self.subscription()
        self.assertEqual((subscribe["afterSeq"], subscribe["journalId"]), ("10", "j"))
        self.answer(peer, records=self.records(13, 14))
        peer, subscribe = self.subscription()
        self.assertEqual(subscribe["afterSeq"], "10")
        self.assertEqual([n.kind for n in self.notices], [ConsumerNoticeKind.GAP])
        self.answer(peer, records=self.records(11, 14))
        self.assertEqual(len(self.next().records), 4)

    def test_what_is_sent_twice_is_given_out_once(self):
        peer, _ = self.subscription()
        self.answer(peer, records=self.records(11, 12))
        self.assertEqual(self.next().through_seq, 12)
        self.answer(peer, records=self.records(11, 12))
        self.answer(peer, records=self.records(12, 14))
        event = self.next()
        self.assertEqual((event.from_seq, [r["seq"] for r in event.records]), (13, ["13", "14"]))

    def test_a_place_no_longer_held_is_told_and_reading_goes_on_at_the_oldest(self):
        peer, _ = self.subscription()
        self.answer(peer, outOfRange={"oldestSeq": "50", "journalId": "j"})
        event = self.next()
        self.assertIsInstance(event, OutOfRange)
        self.assertEqual((event.expected_seq, event.oldest_seq), (11, 50))
        peer, subscribe = self.subscription()
        self.assertEqual(subscribe["afterSeq"], "49")
        self.answer(peer, records=self.records(50, 51))
        self.assertEqual(self.next().from_seq, 50)

    def test_another_journal_in_mid_stream_is_an_exception(self):
        peer, _ = self.subscription()
        self.answer(peer, records=self.records(11, 12, "another"))
        with self.assertRaises(JournalChanged) as raised:
            self.next()
        self.assertEqual((raised.exception.through_seq, raised.exception.previous_journal_id), (10, "j"))

    def test_a_lost_subscription_and_a_refusal_that_passes_are_tried_again(self):
        for code in ("SUBSCRIBE_REQUIRED", "TOO_MANY_CONSUMERS", "TOO_SLOW"):
            peer, _ = self.subscription()
            self.answer(peer, error={"code": code, "message": "later"})
        peer, _ = self.subscription()
        self.answer(peer, records=self.records(11, 11))
        self.assertEqual(self.next().through_seq, 11)

    def test_a_peer_that_is_no_gateway_is_said(self):
        peer, _ = self.subscription()
        self.router.send_multipart([peer, b"\x00not JSON"])
        with self.assertRaisesRegex(ConsumerRefused, "consumers' endpoint"):
            self.next()


if __name__ == "__main__":
    unittest.main()
