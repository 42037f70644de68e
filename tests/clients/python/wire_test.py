"""The JSON form: instants, numbers, payloads; and the send window."""

import json
import random
import time
import unittest

import gateway  # noqa: F401, puts the kit on the path
from fusiongateway import wire
from fusiongateway.send_window import SendWindow


class Instants(unittest.TestCase):
    def test_instants_survive_to_the_nanosecond(self):
        for ns in (0, 1, 999_999_999, 1_000_000_000, time.time_ns()):
            self.assertEqual(wire.from_timestamp(wire.to_timestamp(ns)), ns)

    def test_every_form_of_an_instant_is_read(self):
        self.assertEqual(wire.from_timestamp("1970-01-01T00:00:01Z"), 10**9)
        self.assertEqual(wire.from_timestamp("1970-01-01T00:00:00.5Z"), 500_000_000)
        self.assertEqual(wire.from_timestamp("1970-01-01T08:00:00.000001+08:00"), 1_000)

    def test_what_is_no_instant_or_span_is_refused(self):
        for value in ("", "now", "2026-11-23", "2026-11-23T02:00:00", "2026-11-23T02:00:00Z\n"):
            with self.assertRaises(wire.WireError):
                wire.from_timestamp(value)
        self.assertEqual(wire.from_duration("0.050s"), 0.05)
        for value in ("", "5", "1e9s", "s"):
            with self.assertRaises(wire.WireError):
                wire.from_duration(value)


class Messages(unittest.TestCase):
    def test_a_message_of_another_form_is_refused(self):
        for data in (b"", b"{}", b"[]", b'{"ack":1}', b"\xff", b'"ack"', b"[" * 100_000):
            with self.assertRaises(wire.WireError):
                wire.parse(data)

    def test_numbers_are_taken_as_strings_and_as_numbers(self):
        self.assertEqual([wire.number({"n": n}, "n") for n in (7, "7", 0)] + [wire.number({}, "n")], [7, 7, 0, 0])
        for bad in (-1, "x", True, None, 1.5, 1 << 63, []):
            with self.assertRaises(wire.WireError):
                wire.number({"n": bad}, "n")


class Payloads(unittest.TestCase):
    def test_objects_and_arrays_stand_as_they_are(self):
        for payload in (b'{"a":1.50}', b'[1, 2]', '{"名":"氯"}'.encode(), b'{ "b" : [ ] }'):
            self.assertEqual(wire.payload_element(payload), payload)

    def test_anything_else_is_base64(self):
        # White space around it would be lost; an unbalanced or foreign text would break the message.
        for payload in (b"", b"smoke", b'"text"', b"7", b"\xff\x00", b'{"a":1}\n', b" {}", b"{", b"{]}", b'{"a":"\xff"}',
                        b"\xef\xbb\xbf{}", b"[" * 5000 + b"]" * 5000, b'{"a":"\n"}', b"{}{}"):
            element = wire.payload_element(payload)
            self.assertTrue(element.startswith(b'"'), payload[:20])
            self.assertNotIn(b"\n", element)

    def test_a_publish_is_json_whatever_is_in_it(self):
        randomness = random.Random(7)
        for _ in range(300):
            payloads = [bytes(randomness.choices(b'{}[]",:\\ab1 \n\xc3', k=randomness.randint(0, 12))) for _ in range(5)]
            message = wire.publish_message("s", 5, [wire.payload_element(p) for p in payloads], 0)
            publish = json.loads(message)["publish"]
            self.assertEqual((publish["session"], publish["firstSeq"], len(publish["payloads"])), ("s", "5", 5))

    def test_what_json_cannot_say_is_refused(self):
        for value in ({"a": float("nan")}, {"a": object()}, {"a": "\ud800"}):
            with self.assertRaises((ValueError, TypeError)):
                wire.native_json(value)


class Window(unittest.TestCase):
    def test_credit_bounds_payloads_and_bytes(self):
        window = SendWindow()
        window.reset(10, 3, 100)
        self.assertTrue(window.may_send(60, 1))
        window.sent([60])
        self.assertEqual((window.last_sent, window.payloads_left), (11, 2))
        self.assertFalse(window.may_send(41))
        self.assertTrue(window.may_send(40, 2))
        self.assertFalse(window.may_send(3, 3))

    def test_a_payload_larger_than_the_credit_goes_alone(self):
        window = SendWindow()
        window.reset(0, 3, 100)
        self.assertTrue(window.may_send(500))
        self.assertFalse(window.may_send(500, 2))
        window.sent([500])
        self.assertFalse(window.may_send(1))

    def test_acks_and_refusals_give_it_back(self):
        window = SendWindow()
        window.reset(0, 3, 100)
        window.sent([30, 30, 30])
        window.acked(1)
        self.assertEqual((window.last_sent, window.payloads_left), (3, 1))
        window.rewind(3)
        self.assertEqual((window.last_sent, window.payloads_left), (2, 2))
        window.acked(9)
        self.assertEqual((window.last_sent, window.payloads_left), (9, 3))
        self.assertTrue(window.may_send(100))


if __name__ == "__main__":
    unittest.main()
