"""Reads the `live` or `settled` stream of a gateway reliably: every record once, in order, through restarts of either
side.

    with Consumer(bodies=["incident"], place_path="/var/lib/myapp/incidents.place") as consumer:
        for record in consumer.records():
            store(record)

Asking for the next thing says that the last one is done with: only then is the place stored and the gateway given
credit for more, so that a slow reader slows the gateway's sending and nothing piles up here.

Threading: one thread at a time; only stop() may be called from others and from signal handlers. Nothing is skipped
silently: a gap is asked for again, another journal is an exception, and a place that is no longer held is an event.
"""

import enum
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import zmq

from . import wire
from .errors import ConnectError, ConsumerRefused, JournalChanged, PlaceError
from .peer_socket import CurveKeys, Event, PeerSocket
from .wire import Body, WireError

_log = logging.getLogger("fusiongateway")

STREAMS = ("live", "settled")
# The gateway lost the subscription, not the consumer its place.
_ASKS_FOR_SUBSCRIPTION = {"HELLO_REQUIRED", "SUBSCRIBE_REQUIRED"}
# Waiting helps.
_PASSES_BY_ITSELF = {"TOO_SLOW", "TOO_MANY_CONSUMERS", "JOURNAL_UNREADABLE", "UNAVAILABLE"}
# How long a stop() may go unnoticed.
_TURN = 0.5


@dataclass(frozen=True)
class Records:
    """The range from_seq .. through_seq was scanned; `records` holds what the filter let through, perhaps nothing: each
    a StreamRecord in protobuf's JSON mapping (seqs are strings)."""

    journal_id: str
    from_seq: int
    through_seq: int
    records: list[dict[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class Snapshot:
    """The open incidents as they are; records follow from through_seq + 1."""

    journal_id: str
    through_seq: int
    incidents: list[dict[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class OutOfRange:
    """Loss: record expected_seq was due and is no longer held. What is held, from oldest_seq on, follows."""

    journal_id: str
    expected_seq: int
    oldest_seq: int


class ConsumerNoticeKind(enum.Enum):
    # The connection was lost or went silent; it comes back by itself.
    DISCONNECTED = enum.auto()
    # A record was due and a later one came: the missing ones are asked for again.
    GAP = enum.auto()
    # The gateway refused the subscription for now, `code` says why; retried with back-off.
    REFUSED = enum.auto()


@dataclass(frozen=True)
class ConsumerNotice:
    kind: ConsumerNoticeKind
    # For people.
    message: str
    code: str = ""


class Consumer:
    def __init__(self, *, endpoint: str = "tcp://127.0.0.1:5702", keys: CurveKeys | None = None, stream: str = "live",
                 after_seq: int = 0, journal_id: str = "", place_path: str | os.PathLike[str] = "",
                 bodies: Iterable[str] = (), district_codes: Iterable[str] = (), min_severity: str = "",
                 window: int = 1024, snapshot: bool = False,
                 on_notice: Callable[[ConsumerNotice], None] | None = None,
                 silence_max: float = 10.0, heartbeat_interval: float = 3.0, retry_min: float = 0.2,
                 retry_max: float = 10.0) -> None:
        """A gateway that is not there yet is no error.

        Where to begin: at the place that place_path keeps; without one after `after_seq` of `journal_id`, which the
        caller stored; 0 = from the oldest record held. `snapshot` asks for the open incidents first, when there is no
        place yet. Empty filters let everything through; `bodies` are "report", "incident" ..., min_severity is
        "MODERATE" .... Raises ConnectError, PlaceError, ValueError.
        """
        if stream not in STREAMS:
            raise ValueError(f'there is no stream "{stream}"; the streams are live and settled')
        self._endpoint, self._keys, self._stream = endpoint, keys, stream
        self._filter = {"bodies": list(bodies), "districtCodes": list(district_codes)}
        if min_severity:
            self._filter["minSeverity"] = min_severity
        self._window, self._snapshot, self._on_notice = window, snapshot, on_notice
        self._silence_max, self._heartbeat_interval = silence_max, heartbeat_interval
        self._retry_min, self._retry_max = retry_min, retry_max

        self._place = _PlaceFile(os.fspath(place_path), stream) if place_path else None
        stored = self._place.load() if self._place else None
        self._journal_id, self._through_seq = stored or (journal_id, after_seq)
        # The first record may have any seq: the oldest held.
        self._any_start = self._through_seq == 0
        self._consumed_seq = self._through_seq
        self._undone = False

        self._socket: PeerSocket | None = None
        self._next_attempt = 0.0
        self._last_heard = 0.0
        self._heartbeat_due = 0.0
        self._back_off_time = 0.0
        self._heard = False
        self._last_refusal = ""
        self._halted: JournalChanged | ConsumerRefused | None = None
        self._stopped = False
        self._context = zmq.Context()
        try:
            PeerSocket(self._context, endpoint, keys).close()
        except ConnectError:
            self._context.destroy(linger=0)
            raise

    @property
    def through_seq(self) -> int:
        """Everything through here was given out. Store it, and journal_id, with what you made of it."""
        return self._through_seq

    @property
    def journal_id(self) -> str:
        return self._journal_id

    def next(self, timeout: float) -> Records | Snapshot | OutOfRange | None:
        """What comes next; None if nothing did within `timeout` seconds. Says done() for what came before.

        Raises JournalChanged and ConsumerRefused, again and again until restart().
        """
        self.done()
        deadline = time.monotonic() + timeout
        while not self._stopped:
            if self._halted:
                raise self._halted
            event = self._step(deadline)
            if event is not None:
                self._undone = True
                return event
            if time.monotonic() >= deadline:
                break
        return None

    def done(self) -> None:
        """What next() gave out is dealt with: its place is stored (place_path), and the gateway may send more."""
        if not self._undone:
            return
        self._undone = False
        if self._place:
            self._place.save(self._journal_id, self._through_seq)
        if self._socket and self._heard and self._consumed_seq < self._through_seq:
            self._give_credit()

    def __iter__(self) -> Iterator[Records | Snapshot | OutOfRange]:
        return self.events()

    def events(self, idle_timeout: float | None = None) -> Iterator[Records | Snapshot | OutOfRange]:
        """Everything that comes, until stop(), or until nothing has come for idle_timeout seconds."""
        idle_since = time.monotonic()
        while not self._stopped:
            left = _TURN if idle_timeout is None else idle_timeout - (time.monotonic() - idle_since)
            if left < 0:
                return
            event = self.next(min(left, _TURN))
            if event is not None:
                yield event
                idle_since = time.monotonic()

    def records(self, idle_timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """Record by record. The place moves on when a whole batch is done with: after a crash within one its records
        come again. Use events() where each must count once, and store through_seq with them."""
        for event in self.events(idle_timeout):
            if isinstance(event, Records):
                yield from event.records

    def restart(self, after_seq: int = 0, *, snapshot: bool = False) -> None:
        """Subscribes anew after `after_seq` of whatever journal the gateway has now."""
        self._halted = None
        self._undone = False
        self._journal_id = ""
        self._through_seq = self._consumed_seq = after_seq
        self._any_start = after_seq == 0
        self._snapshot = self._snapshot or snapshot
        self._drop(0)

    def stop(self) -> None:
        """Ends the iterators and next() within half a second."""
        self._stopped = True

    def close(self) -> None:
        """Ends the subscription. What was given out last is not done with unless done() or next() said so."""
        self._stopped = True
        self._drop(0)
        self._context.destroy(linger=0)

    def __enter__(self) -> "Consumer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    # ---- Connection

    def _step(self, deadline: float) -> Records | Snapshot | OutOfRange | None:
        """One thing: connects, keeps alive, or receives."""
        now = time.monotonic()
        if not self._socket:
            if now < self._next_attempt:
                time.sleep(max(min(deadline, self._next_attempt, now + _TURN) - now, 0))
                return None
            self._subscribe()
        assert self._socket is not None
        if self._heard and now >= self._heartbeat_due:
            self._give_credit()
        due = min(deadline, self._last_heard + self._silence_max, now + _TURN)
        if self._heard:
            due = min(due, self._heartbeat_due)
        event, data = self._socket.wait(due - time.monotonic())
        if event is Event.MESSAGE:
            return self._handle(data)
        if event is Event.DISCONNECTED:
            self._lost("the connection to the gateway was lost; reconnecting")
        elif event is Event.KEY_REFUSED:
            self._refused("KEY_REFUSED", "the gateway refused this CURVE key; check the keys on both sides")
        elif time.monotonic() >= self._last_heard + self._silence_max:
            # Only now: what came while the caller was busy was read first.
            self._lost("the gateway has gone silent; reconnecting")
        return None

    def _subscribe(self) -> None:
        self._socket = PeerSocket(self._context, self._endpoint, self._keys)
        self._heard = False
        self._consumed_seq = self._through_seq
        self._last_heard = time.monotonic()
        # A consumer that has its place already goes on from there.
        self._send("subscribe", {"stream": self._stream, "afterSeq": str(self._through_seq),
                                 "journalId": self._journal_id, "filter": self._filter, "window": self._window,
                                 "snapshot": self._snapshot and self._any_start})

    def _send(self, kind: str, body: Body) -> bool:
        return self._socket is not None and self._socket.send(wire.message(kind, body))

    def _give_credit(self) -> None:
        """Also the consumer's heartbeat. What was given out and is not done with yet is no credit."""
        self._heartbeat_due = time.monotonic() + self._heartbeat_interval
        if self._send("consumed", {"throughSeq": str(self._through_seq)}):
            self._consumed_seq = self._through_seq

    def _drop(self, before_next: float) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None
        self._heard = False
        self._next_attempt = time.monotonic() + before_next

    def _back_off(self) -> None:
        self._back_off_time = min(max(self._back_off_time * 2, self._retry_min), self._retry_max)
        self._drop(self._back_off_time)

    def _lost(self, why: str) -> None:
        if not self._heard:
            self._back_off()
            return
        self._drop(0)
        self._tell(ConsumerNotice(ConsumerNoticeKind.DISCONNECTED, why))

    def _refused(self, code: str, message: str) -> None:
        self._back_off()
        if code not in _PASSES_BY_ITSELF:
            self._halted = ConsumerRefused(code, message)
        elif code != self._last_refusal:
            # Retried with back-off: the same refusal is told once.
            self._last_refusal = code
            self._tell(ConsumerNotice(ConsumerNoticeKind.REFUSED, message, code))

    def _tell(self, notice: ConsumerNotice) -> None:
        _log.warning("consumer of %s: %s%s%s", self._stream, notice.code, ": " if notice.code else "", notice.message)
        if self._on_notice:
            self._on_notice(notice)

    # ---- Incoming

    def _handle(self, data: bytes) -> Records | Snapshot | OutOfRange | None:
        try:
            kind, body = wire.parse(data)
            self._last_heard = time.monotonic()
            if not self._heard:
                self._heartbeat_due = self._last_heard + self._heartbeat_interval
            self._heard = True
            if kind == "records":
                return self._on_records(body)
            if kind == "snapshot":
                return self._on_snapshot(body)
            if kind == "outOfRange":
                return self._on_out_of_range(body)
            if kind == "error":
                self._on_error(wire.text(body, "code"), wire.text(body, "message"))
        except WireError as error:
            self._refused("MALFORMED", f"a message of the gateway cannot be read ({error}); is this its consumers' endpoint?")
        return None

    def _on_records(self, body: Body) -> Records | None:
        journal_id, records = wire.text(body, "journalId"), wire.children(body, "records")
        from_seq, through_seq = wire.number(body, "fromSeq"), wire.number(body, "throughSeq")
        if self._is_another_journal(journal_id):
            return None
        if from_seq > self._through_seq + 1 and not self._any_start:
            self._gap(from_seq)
            return None
        self._journal_id = journal_id
        self._back_off_time = 0
        self._last_refusal = ""
        # A heartbeat (nothing was scanned), or sent twice around a reconnection: given out once.
        if through_seq < from_seq or through_seq <= self._through_seq:
            return None
        new = [record for record in records if wire.number(record, "seq") > self._through_seq]
        first = from_seq if self._any_start else self._through_seq + 1
        self._through_seq = through_seq
        self._any_start = False
        return Records(journal_id, first, through_seq, new)

    def _on_snapshot(self, body: Body) -> Snapshot | None:
        journal_id, incidents = wire.text(body, "journalId"), wire.children(body, "incidents")
        through_seq = wire.number(body, "throughSeq")
        if self._is_another_journal(journal_id):
            return None
        self._journal_id = journal_id
        self._through_seq = self._consumed_seq = through_seq
        self._any_start = False
        return Snapshot(journal_id, through_seq, incidents)

    def _on_out_of_range(self, body: Body) -> OutOfRange | None:
        journal_id, oldest_seq = wire.text(body, "journalId"), wire.number(body, "oldestSeq")
        if self._is_another_journal(journal_id):
            return None
        event = OutOfRange(journal_id, self._through_seq + 1, oldest_seq)
        _log.error("consumer of %s: record %d is no longer held; the oldest is %d", self._stream, event.expected_seq, oldest_seq)
        # Asked again from the oldest on: the loss is told, what is left is read.
        self._through_seq = self._consumed_seq = max(oldest_seq, 1) - 1
        self._any_start = self._through_seq == 0
        self._drop(0)
        return event

    def _is_another_journal(self, journal_id: str) -> bool:
        if not self._journal_id or journal_id == self._journal_id:
            return False
        self._journal_changed("the gateway has another journal than the records so far came from (restored from a "
                              "backup, or another gateway)")
        return True

    def _journal_changed(self, message: str) -> None:
        self._drop(0)
        self._halted = JournalChanged(
            f"{message} To go on: restart(after_seq=N) if it says how far both are the same; else restart(snapshot=True) "
            "and reconcile by incidentId and revision.", self._through_seq, self._journal_id)

    def _gap(self, from_seq: int) -> None:
        self._back_off()
        self._tell(ConsumerNotice(ConsumerNoticeKind.GAP, f"record {self._through_seq + 1} was due, but {from_seq} came; "
                                                          "asking for the missing ones again"))

    def _on_error(self, code: str, message: str) -> None:
        if code == "JOURNAL_CHANGED":
            self._journal_changed(message)
        elif code in _ASKS_FOR_SUBSCRIPTION:
            self._lost("the gateway does not know this subscription any more; reconnecting")
        else:
            self._refused(code, message)


class _PlaceFile:
    """A consumer's place on disk: replaced as a whole, durable when save returns."""

    def __init__(self, path: str, stream: str) -> None:
        self._path = path
        self._stream = stream

    def load(self) -> tuple[str, int] | None:
        try:
            with open(self._path, encoding="utf-8") as file:
                place = json.load(file)
            if wire.text(place, "stream") != self._stream:
                raise PlaceError(f"{self._path} keeps the place in {place['stream']!r}, not in {self._stream!r}; give each "
                                 "consumer its own file")
            return wire.text(place, "journalId"), wire.number(place, "throughSeq")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, AttributeError) as error:
            raise PlaceError(f"{self._path}: cannot be read: {error}; move it away to begin anew") from error

    def save(self, journal_id: str, through_seq: int) -> None:
        try:
            folder = os.path.dirname(self._path)
            os.makedirs(folder or ".", exist_ok=True)
            temporary = f"{self._path}.new"
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump({"stream": self._stream, "journalId": journal_id, "throughSeq": str(through_seq)}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)
            descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise PlaceError(f"{self._path}: cannot be written: {error}") from error
