"""kill -9 of either side, restored and replaced gateways: nothing that publish returned is lost, nothing comes twice."""

import json
import logging
import os
import random
import shutil
import subprocess
import threading
import time
import unittest

from gateway import PATIENCE, Gateway, GatewayTest, python, read_bodies, report, wait_until
from fusiongateway import Consumer, ConsumerRefused, JournalChanged, NoticeKind, Publisher, Snapshot

logging.getLogger("fusiongateway").setLevel(logging.CRITICAL)

HERE = os.path.dirname(os.path.abspath(__file__))


class Reader(threading.Thread):
    """Follows the reports of the live stream until it is told to stop, and checks that batches join."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.ids, self.gaps = [], []
        self._consumer = Consumer(endpoint=gateway.consumers, bodies=["report"], retry_min=0.05, silence_max=3,
                                  place_path=gateway.path("reader.place"))
        self.start()

    def run(self):
        with self._consumer as consumer:
            through = 0
            for event in consumer:
                if event.from_seq != through + 1:
                    self.gaps.append((through, event.from_seq))
                through = event.through_seq
                self.ids += [record["report"]["reportId"] for record in event.records]

    def end(self):
        self._consumer.stop()
        self.join(PATIENCE)


class Kills(GatewayTest):
    def test_a_gateway_killed_in_mid_stream_loses_and_doubles_nothing(self):
        reader = Reader(self.gateway)
        ids = []
        with Publisher("reports", self.outbox(), endpoint=self.gateway.publishers, retry_min=0.05) as publisher:
            for round_number in range(3):
                for number in range(100):
                    ids.append(f"g{round_number}-{number}")
                    publisher.publish(report(ids[-1]))
                # On a fast machine a hundred are in the outbox before the publisher is connected at all.
                wait_until(lambda: publisher.stats().sessions > round_number)
                self.gateway.kill()
                ids.append(f"g{round_number}-down")
                publisher.publish(report(ids[-1]))
                self.gateway.start()
            publisher.flush(PATIENCE)
            self.assertGreaterEqual(publisher.stats().sessions, 4)
        wait_until(lambda: len(reader.ids) >= len(ids))
        reader.end()
        self.assertEqual(reader.gaps, [])
        self.assertEqual(reader.ids, ids)
        self.assertEqual(self.gateway.report_ids("reports"), ids)

    def test_a_publisher_killed_at_random_moments_loses_and_doubles_nothing(self):
        seed = random.randrange(1 << 32)
        moments = random.Random(seed)
        returned = []
        for run in range(6):
            with python(os.path.join(HERE, "numbered_publisher.py"), self.gateway.publishers, self.outbox(), f"k{run}",
                        stdout=subprocess.PIPE) as process:
                first = process.stdout.readline()
                time.sleep(moments.uniform(0, 0.25))
                process.kill()
                # A last line may be cut by the kill.
                returned += [line.strip() for line in [first, *process.stdout] if line.endswith("\n")]
        with Publisher("reports", self.outbox(), endpoint=self.gateway.publishers) as publisher:
            publisher.flush(PATIENCE)
        taken = [i for i in self.gateway.report_ids("reports") if i.startswith("k")]
        self.assertEqual(set(returned) - set(taken), set(), f"lost; seed {seed}")
        self.assertEqual(len(taken), len(set(taken)), f"doubled; seed {seed}")
        # Not even the gateway saw one under two seqs: its own defence against repeats was not needed.
        (feed,) = [f for f in json.loads(self.gateway.get("/api/v1/feeds"))["feeds"] if f["feedId"] == "reports"]
        self.assertEqual(feed.get("duplicates", "0"), "0", f"seed {seed}")
        # In the order they were published, of which only the last of a run may have been cut off before it was told.
        for run in range(6):
            numbers = [int(i.split("-")[1]) for i in taken if i.startswith(f"k{run}-")]
            self.assertEqual(numbers, list(range(len(numbers))), f"seed {seed}")
            self.assertLessEqual(len(numbers) - sum(i.startswith(f"k{run}-") for i in returned), 1, f"seed {seed}")


class Restores(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.remove)
        self.notices = []
        self.consumer = Consumer(endpoint=self.gateway.consumers, retry_min=0.05, place_path=self.gateway.path("place"))
        self.addCleanup(self.consumer.close)

    def publish(self, *report_ids):
        with Publisher("reports", self.gateway.path("outbox"), endpoint=self.gateway.publishers,
                       on_notice=self.notices.append) as publisher:
            publisher.publish_batch([report(report_id) for report_id in report_ids])
            publisher.flush(PATIENCE)

    def read(self, count):
        return [one["reportId"] for one in read_bodies(self.consumer, "report", count)]

    def test_a_gateway_restored_from_a_backup_is_told_on_both_sides(self):
        self.publish("one", "two")
        self.gateway.run("backup", self.gateway.path("state/journal.db"), self.gateway.path("backup.db"))
        self.assertEqual(self.read(2), ["one", "two"])
        shared = self.consumer.through_seq
        self.publish("three", "four")
        self.assertEqual(self.read(2), ["three", "four"])

        self.gateway.kill()
        shutil.rmtree(self.gateway.path("state"))
        os.mkdir(self.gateway.path("state"))
        self.gateway.run("restore", self.gateway.path("backup.db"), self.gateway.path("state/journal.db"))
        self.gateway.start()

        self.notices.clear()
        self.publish("five")
        self.assertEqual([n.kind for n in self.notices],
                         [NoticeKind.JOURNAL_CHANGED, NoticeKind.GATEWAY_WENT_BACK, NoticeKind.CONNECTED])
        self.assertEqual((self.notices[1].lost_from, self.notices[1].lost_through), (3, 4))
        self.assertEqual(self.gateway.report_ids("reports"), ["one", "two", "five"])

        for _ in range(2):  # until restart
            with self.assertRaisesRegex(JournalChanged, "restored from a backup of yours.*restart") as raised:
                # What was on its way before is still given out.
                wait_until(lambda: self.consumer.next(1) and False)
        self.assertEqual(raised.exception.through_seq, self.consumer.through_seq)
        self.consumer.restart(shared)
        self.assertEqual(self.read(1), ["five"])

    def test_a_place_that_the_journal_has_not_reached_is_refused(self):
        with Consumer(endpoint=self.gateway.consumers, after_seq=10_000) as consumer:
            with self.assertRaises(ConsumerRefused) as raised:
                wait_until(lambda: consumer.next(1))
            self.assertEqual(raised.exception.code, "SEQ_AHEAD")
            consumer.restart(snapshot=True)
            self.assertIsInstance(wait_until(lambda: consumer.next(1)), Snapshot)


if __name__ == "__main__":
    unittest.main()
