"""The outbox's promises, on real files."""

import os
import sqlite3
import stat
import tempfile
import threading
import unittest

from gateway import PATIENCE, python
from fusiongateway import Bookmark, OutboxError, OutboxFull, OutboxInUse, OutboxLimits, PublisherClosed
from fusiongateway.outbox import Outbox


class OutboxTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fg-outbox-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "deeper", "feed.outbox")

    def open(self, feed_id="feed", limits=OutboxLimits()):
        outbox = Outbox(self.path, feed_id, limits)
        self.addCleanup(outbox.close)
        return outbox

    def test_what_was_appended_is_there_after_reopening(self):
        outbox = self.open()
        self.assertEqual(outbox.append([(b"a", "one"), (b"\xff\x00", "two")], Bookmark("source", "line 2")), 1)
        outbox.set_journal("journal")
        outbox.set_dispositions_through(9)
        outbox_id = outbox.id
        outbox.close()

        again = self.open()
        self.assertEqual((again.id, again.journal_id, again.dispositions_through), (outbox_id, "journal", 9))
        self.assertEqual([(i.seq, i.payload, i.label) for i in again.read(0, 10, 1000)], [(1, b"a", "one"), (2, b"\xff\x00", "two")])
        self.assertEqual((again.read_bookmark("source"), again.read_bookmark("other")), ("line 2", ""))
        self.assertEqual(again.append([(b"c", "")]), 3)

    def test_what_is_acked_is_gone_and_its_seq_is_not_given_out_again(self):
        outbox = self.open()
        outbox.append([(b"aa", ""), (b"b", "")])
        outbox.acknowledge(2)
        outbox.acknowledge(1)
        self.assertEqual((outbox.payload_count, outbox.byte_count, outbox.acked_through), (0, 0, 2))
        outbox.close()
        self.assertEqual(self.open().append([(b"c", "")]), 3)

    def test_an_ack_of_what_was_never_given_out_is_refused(self):
        with self.assertRaisesRegex(OutboxError, "only 0 were given out"):
            self.open().acknowledge(1)

    def test_renewal_keeps_what_waits_and_counts_from_one(self):
        outbox = self.open()
        outbox.append([(bytes([65 + i]), "") for i in range(5)])
        outbox.acknowledge(2)
        before, old_id = outbox.totals(), outbox.id
        self.assertEqual(outbox.renew(), 2)
        self.assertEqual([(i.seq, i.payload) for i in outbox.read(0, 10, 1000)], [(1, b"C"), (2, b"D"), (3, b"E")])
        self.assertNotEqual(outbox.id, old_id)
        self.assertEqual(outbox.totals(), before)
        self.assertEqual((outbox.acked_through, outbox.last_seq), (0, 3))

    def test_reading_is_bounded_by_count_and_bytes_and_gives_at_least_one(self):
        outbox = self.open()
        outbox.append([(b"x" * 100, "") for _ in range(10)])
        self.assertEqual(len(outbox.read(0, 3, 1000)), 3)
        self.assertEqual(len(outbox.read(0, 10, 250)), 2)
        self.assertEqual(len(outbox.read(9, 10, 1)), 1)

    def test_a_full_outbox_takes_nothing_of_a_call_and_says_what_to_do(self):
        outbox = self.open(limits=OutboxLimits(payloads=3, bytes=100))
        outbox.append([(b"a", "")])
        with self.assertRaisesRegex(OutboxFull, "nothing of this call was taken. Keep it"):
            outbox.append([(b"b", "")] * 3)
        with self.assertRaises(OutboxFull):
            outbox.append([(b"c" * 100, "")], Bookmark("source", "moved"))
        self.assertEqual((outbox.last_seq, outbox.payload_count, outbox.read_bookmark("source")), (1, 1, ""))
        outbox.acknowledge(1)
        self.assertEqual(outbox.append([(b"d", "")] * 3), 2)

    def test_a_second_owner_is_refused(self):
        self.open()
        with self.assertRaisesRegex(OutboxInUse, "one publisher owns one outbox"):
            self.open()

    def test_another_feeds_outbox_is_refused(self):
        self.open().close()
        with self.assertRaisesRegex(OutboxError, 'belongs to feed "feed", not to "other"'):
            self.open("other")

    def test_a_newer_file_and_a_file_that_is_none_are_refused(self):
        self.open().close()
        with sqlite3.connect(self.path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        with self.assertRaisesRegex(OutboxError, "newer version"):
            self.open()
        with open(self.path, "wb") as file:
            file.write(b"no database, but long enough to be looked at as one" * 100)
        with self.assertRaisesRegex(OutboxError, "move the file away"):
            self.open()

    def mode(self, path):
        return stat.S_IMODE(os.stat(path).st_mode)

    def test_files_and_folder_are_their_owners_alone(self):
        self.open().append([(b"a", "")])
        self.assertEqual([self.mode(self.path), self.mode(self.path + "-wal"), self.mode(os.path.dirname(self.path))],
                         [0o600, 0o600, 0o700])

    def test_one_that_others_could_read_is_closed_to_them(self):
        self.open().close()
        os.chmod(self.path, 0o644)
        self.open()
        self.assertEqual(self.mode(self.path), 0o600)

    def test_a_refused_second_owner_does_not_unlock_it_for_other_processes(self):
        self.open()
        with self.assertRaises(OutboxInUse):
            self.open()
        program = """if True:
            import sys
            from fusiongateway import OutboxInUse
            from fusiongateway.outbox import Outbox
            try:
                Outbox(sys.argv[1], "feed")
            except OutboxInUse:
                sys.exit(0)
            sys.exit(1)
        """
        with python("-c", program, self.path) as process:
            self.assertEqual(process.wait(PATIENCE), 0)

    def test_a_closed_outbox_says_so(self):
        outbox = self.open()
        outbox.close()
        with self.assertRaises(PublisherClosed):
            outbox.append([(b"a", "")])

    def test_many_threads_get_seqs_without_gap_or_repeat(self):
        outbox, seqs = self.open(), []
        threads = [threading.Thread(target=lambda: seqs.extend(outbox.append([(b"x", "")]) for _ in range(20))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(seqs), list(range(1, 81)))

    def test_a_forked_child_neither_uses_nor_harms_it(self):
        # The child ends as a program does: everything it holds is taken down.
        program = """if True:
            import os, sys
            from fusiongateway import PublisherClosed
            from fusiongateway.outbox import Outbox
            outbox = Outbox(sys.argv[1], "feed")
            outbox.append([(b"before", "")])
            child = os.fork()
            if child == 0:
                try:
                    outbox.append([(b"from the child", "")])
                except PublisherClosed:
                    sys.exit(0)
                sys.exit(1)
            assert os.waitpid(child, 0)[1] == 0
            assert os.path.exists(sys.argv[1] + "-wal")
            assert outbox.append([(b"after", "")]) == 2
            os._exit(0)
        """
        with python("-c", program, self.path) as process:
            self.assertEqual(process.wait(PATIENCE), 0)
        self.assertEqual([i.payload for i in self.open().read(0, 10, 100)], [b"before", b"after"])


if __name__ == "__main__":
    unittest.main()
