"""What a Publisher's thread does: it owns the connection and the session, brings the outbox's payloads to the gateway
and removes what the gateway has on its disk. The whole conversation is in docs/wire-protocol.md.

Threading: run() is the thread; stop, flush, stats and `fenced` may be called from any other. The outbox is shared with
the callers. Nothing waits without a time-out.
"""

import enum
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import zmq

from . import wire
from .errors import ConnectError, FlushTimeout, OutboxError, PublisherClosed, PublisherFenced
from .events import Disposition, Notice, NoticeKind, PublisherEvents, PublisherStats, RejectedPayload, TestResult
from .outbox import Outbox
from .peer_socket import CurveKeys, Event, PeerSocket, Waker
from .send_window import SendWindow
from .wire import Body, WireError

_log = logging.getLogger("fusiongateway")

_PROTOCOL = 1
# Envelope of a publish beside its payloads: session, seq, time.
_ENVELOPE_BYTES = 512
# A new session probes at once a few times: the gateway can align the first payloads.
_FIRST_PROBES = 4
_FIRST_PROBE_INTERVAL = 0.05
# So many messages or batches before the other direction has its turn.
_TURN = 64
_BYE_LINGER = 0.2
_SEND_RETRY = 0.02

_LEVELS = {NoticeKind.CONNECTED: logging.INFO, NoticeKind.FENCED: logging.ERROR, NoticeKind.OUTBOX_FAILED: logging.ERROR}


@dataclass(frozen=True)
class SessionOptions:
    """Times in seconds."""

    feed_id: str
    endpoint: str
    keys: CurveKeys | None
    client: str
    test_mode: bool
    heartbeat_interval: float
    probe_interval: float
    # Nothing heard for so long: the connection is given up and made anew.
    silence_max: float
    # A hello that is not answered for so long is said again.
    hello_timeout: float
    # Between refused hellos: from min, doubled each time up to max.
    retry_min: float
    retry_max: float


class _State(enum.Enum):
    DOWN = enum.auto()
    HELLO = enum.auto()
    OPEN = enum.auto()


class _CallbackFailed(Exception):
    pass


class Session:
    def __init__(self, options: SessionOptions, events: PublisherEvents, outbox: Outbox) -> None:
        self._options = options
        self._events = events
        self._outbox = outbox
        self._waker = Waker()
        self._progress = threading.Condition()
        self._stopping = False
        self._fenced = False

        # The thread's own.
        self._counts: Counter[str] = Counter()
        self._context = zmq.Context()
        self._socket: PeerSocket | None = None
        self._state = _State.DOWN
        self._next_attempt = 0.0
        self._back_off_time = 0.0
        self._hello_deadline = 0.0
        self._last_heard = 0.0
        self._heartbeat_due = 0.0
        self._probe_due = 0.0
        self._send_after = 0.0
        self._first_probes_left = 0
        self._probe_t1: int | None = None
        self._last_exchange: Body = {}
        self._session = ""
        self._max_batch = 1
        self._max_message_bytes = 2 * _ENVELOPE_BYTES
        self._window = SendWindow()
        # Payloads that this gateway's limit does not let through, and their size: sent empty so that the seqs stay
        # whole, and told as rejected.
        self._too_large: dict[int, int] = {}
        self._last_refusal = ("", "")
        self._told_journal_id = ""
        self._failures = 0
        self._last_failure = 0.0

    # ---- For callers

    @property
    def fenced(self) -> bool:
        return self._fenced

    @property
    def stopping(self) -> bool:
        return self._stopping

    def wake(self) -> None:
        self._waker.wake()

    def stop(self) -> None:
        with self._progress:
            self._stopping = True
            self._progress.notify_all()
        self._waker.wake()

    def flush(self, timeout: float) -> None:
        target, _ = self._outbox.totals()

        def acked() -> bool:
            return self._outbox.totals()[1] >= target

        with self._progress:
            in_time = self._progress.wait_for(lambda: self._stopping or self._fenced or acked(), timeout)
        if acked():
            return
        if self._fenced:
            raise PublisherFenced(self.fenced_message())
        if in_time:
            raise PublisherClosed("the publisher was closed; what is not acked stays in the outbox")
        where = "" if self._state is _State.OPEN else f"; there is no session with {self._options.endpoint}"
        raise FlushTimeout(f"{self._outbox.payload_count} payloads are not acked yet; they stay in the outbox{where}")

    def fenced_message(self) -> str:
        return (f'another publisher speaks for feed "{self._options.feed_id}" now and this one has stopped; stop one of '
                "the two programs")

    def stats(self) -> PublisherStats:
        return PublisherStats(connected=self._state is _State.OPEN, fenced=self._fenced, last_seq=self._outbox.last_seq,
                              acked_through=self._outbox.acked_through, waiting=self._outbox.payload_count,
                              **dict(self._counts))

    # ---- The thread

    def run(self) -> None:
        try:
            while not (self._stopping or self._fenced):
                self._turn()
            self._say_bye()
        finally:
            self._drop(0)
            self._context.destroy(linger=int(_BYE_LINGER * 1000))

    def _turn(self) -> None:
        try:
            if self._state is _State.DOWN:
                self._come_up()
            else:
                self._do_due_tasks()
                self._receive()
        except _CallbackFailed:
            self._fail(NoticeKind.CALLBACK_FAILED, "a callback raised (see the log); what it was told is told again")
        except OutboxError as error:
            self._fail(NoticeKind.OUTBOX_FAILED, str(error))
        except Exception as error:  # a mistake of ours must not end the thread silently
            _log.exception("publisher: unexpected error")
            self._fail(NoticeKind.DISCONNECTED, f"unexpected error, reconnecting: {error!r}")

    def _come_up(self) -> None:
        wait = self._next_attempt - time.monotonic()
        if wait > 0:
            self._waker.wait(wait)
            return
        try:
            self._socket = PeerSocket(self._context, self._options.endpoint, self._options.keys)
        except ConnectError as error:
            self._refused("BAD_ENDPOINT", str(error))
            return
        self._say_hello()

    def _say_hello(self) -> None:
        hello = {"feedId": self._options.feed_id, "client": self._options.client, "protocol": _PROTOCOL,
                 "outboxId": self._outbox.id, "ackedThrough": str(self._outbox.acked_through),
                 "helloNumber": str(self._outbox.count_hello())}
        if self._options.test_mode:
            hello["mode"] = "test"
        self._state = _State.HELLO
        self._hello_deadline = time.monotonic() + self._options.hello_timeout
        self._send("hello", hello)

    def _drop(self, before_next: float) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None
        self._state = _State.DOWN
        self._session = ""
        self._too_large.clear()
        self._probe_t1 = None
        self._last_exchange = {}
        self._next_attempt = time.monotonic() + before_next

    def _back_off(self) -> None:
        self._back_off_time = min(max(self._back_off_time * 2, self._options.retry_min), self._options.retry_max)
        self._drop(self._back_off_time)

    def _fail(self, kind: NoticeKind, message: str) -> None:
        """Something on this machine failed. A session that opens in between does not shorten the waits; quiet does."""
        now = time.monotonic()
        if now - self._last_failure > 2 * self._options.retry_max:
            self._failures = 0
        self._last_failure = now
        self._drop(min(self._options.retry_min * 2 ** min(self._failures, 16), self._options.retry_max))
        self._failures += 1
        self._tell(Notice(kind, message))

    def _refused(self, code: str, message: str) -> None:
        self._back_off()
        # Retried with back-off: the same refusal is told once.
        if (code, message) != self._last_refusal:
            self._last_refusal = (code, message)
            self._tell(Notice(NoticeKind.REFUSED, message, code))

    def _disconnected(self, why: str) -> None:
        if self._state is not _State.OPEN:
            self._back_off()
            return
        self._drop(0)
        self._tell(Notice(NoticeKind.DISCONNECTED, why))

    def _receive(self) -> None:
        wait = self._until_next_task()
        for _ in range(_TURN):
            if not self._socket:
                return
            event, data = self._socket.wait(wait, self._waker)
            if event is Event.MESSAGE:
                self._handle(data, time.time_ns())
            elif event is Event.DISCONNECTED:
                self._disconnected("the connection to the gateway was lost; reconnecting")
            elif event is Event.KEY_REFUSED:
                self._refused("KEY_REFUSED", "the gateway refused this CURVE key; check the keys on both sides")
            else:
                break
            wait = 0
        # Only now: what came while a callback was busy was read first.
        if self._state is _State.OPEN and time.monotonic() >= self._last_heard + self._options.silence_max:
            self._disconnected("the gateway has gone silent; reconnecting")

    def _until_next_task(self) -> float:
        now = time.monotonic()
        if self._state is _State.HELLO:
            return self._hello_deadline - now
        due = min(self._heartbeat_due, self._probe_due, self._last_heard + self._options.silence_max)
        if self._send_after > now:
            due = min(due, self._send_after)
        return due - now

    def _do_due_tasks(self) -> None:
        now = time.monotonic()
        if self._state is _State.HELLO:
            if now >= self._hello_deadline:
                self._drop(0)
            return
        if now >= self._probe_due:
            self._send_probe()
        if now >= self._heartbeat_due:
            self._heartbeat_due = time.monotonic() + self._options.heartbeat_interval
            self._send("heartbeat", {"session": self._session})
        if now >= self._send_after:
            self._send_payloads()

    def _send(self, kind: str, body: Body) -> bool:
        return self._socket is not None and self._socket.send(wire.message(kind, body))

    def _say_bye(self) -> None:
        if self._state is _State.OPEN and self._socket:
            self._send("bye", {})
            self._socket.close(_BYE_LINGER)
            self._socket = None

    # ---- Outgoing

    def _send_payloads(self) -> None:
        for _ in range(_TURN):
            if self._window.last_sent >= self._outbox.last_seq or not self._send_batch():
                return

    def _send_batch(self) -> bool:
        """False when no more can go now."""
        room = self._max_message_bytes - _ENVELOPE_BYTES
        count = min(self._max_batch, self._window.payloads_left)
        if count == 0:
            return False
        first_seq = self._window.last_sent + 1
        elements: list[bytes] = []
        sizes: list[int] = []
        used = 0
        for item in self._outbox.read(self._window.last_sent, count, room):
            element = wire.payload_element(item.payload)
            if len(element) + 1 > room:
                self._too_large[item.seq] = len(item.payload)
                element = b'""'
            # The credit is counted in what goes over the wire, envelope included.
            size = len(element) + 1 + (0 if elements else _ENVELOPE_BYTES)
            if used + size > self._max_message_bytes or not self._window.may_send(used + size, len(elements) + 1):
                break
            used += size
            elements.append(element)
            sizes.append(size)
        if not elements or not self._socket:
            return False
        if not self._socket.send(wire.publish_message(self._session, first_seq, elements, time.time_ns())):
            self._send_after = time.monotonic() + _SEND_RETRY
            return False
        self._window.sent(sizes)
        self._counts["sent"] += len(elements)
        return True

    def _send_probe(self) -> None:
        first = self._first_probes_left > 0
        self._first_probes_left -= first
        self._probe_due = time.monotonic() + (_FIRST_PROBE_INTERVAL if first else self._options.probe_interval)
        probe: Body = {"last": self._last_exchange} if self._last_exchange else {}
        self._probe_t1 = time.time_ns()
        probe["t1"] = wire.to_timestamp(self._probe_t1)
        self._send("probe", probe)

    # ---- Incoming

    def _handle(self, data: bytes, received_ns: int) -> None:
        try:
            kind, body = wire.parse(data)
            self._last_heard = time.monotonic()
            if kind == "error":
                self._on_error(wire.text(body, "code"), wire.text(body, "message"))
            elif kind == "welcome" and self._state is _State.HELLO:
                self._on_welcome(body)
            elif self._state is not _State.OPEN:
                self._counts["bad_messages"] += 1
            elif kind == "ack":
                self._on_ack(body)
            elif kind == "busy":
                self._on_busy(body)
            elif kind == "probeReply":
                self._on_probe_reply(body, received_ns)
            elif kind == "disposition":
                self._on_disposition(body)
            elif kind == "testResult":
                self._on_test_result(body)
            else:
                self._counts["bad_messages"] += 1
        except WireError as error:
            self._counts["bad_messages"] += 1
            _log.debug("publisher: a message of the gateway cannot be read: %s", error)

    def _on_welcome(self, welcome: Body) -> None:
        journal_id = wire.text(welcome, "journalId")
        resume_after_seq = wire.number(welcome, "resumeAfterSeq")
        previous = self._outbox.journal_id
        if previous and journal_id not in (previous, self._told_journal_id):
            self._told_journal_id = journal_id
            self._tell(Notice(NoticeKind.JOURNAL_CHANGED,
                              "the gateway has another journal than last time: it was restored or replaced",
                              journal_id=journal_id, previous_journal_id=previous))
        # A test session keeps nothing, so that it resumes nowhere.
        if not self._options.test_mode and not self._check_resume(resume_after_seq):
            return
        if previous != journal_id:
            # The old journal's dispositions are counted apart from the new one's.
            self._outbox.set_dispositions_through(0)
            self._outbox.set_journal(journal_id)
        self._open(welcome, journal_id, resume_after_seq)

    def _check_resume(self, resume_after_seq: int) -> bool:
        """False: the outbox and the gateway disagree about what was taken. It was told, the outbox was given a new id,
        and hello is said again."""
        acked = self._outbox.acked_through
        if resume_after_seq < acked:
            self._tell(Notice(
                NoticeKind.GATEWAY_WENT_BACK,
                f"the gateway acked seq {resume_after_seq + 1} to {acked} and no longer holds them (restored from a "
                "backup?); publish them again from their origin",
                lost_from=resume_after_seq + 1, lost_through=acked, renumbered_by=acked))
        elif resume_after_seq > self._outbox.last_seq:
            self._tell(Notice(
                NoticeKind.OUTBOX_WENT_BACK,
                f"the gateway holds this outbox through seq {resume_after_seq}, which it never gave out: the outbox is "
                "an old copy; what waits in it is sent again under a new outbox id", renumbered_by=acked))
        else:
            return True
        self._outbox.renew()
        self._drop(0)
        return False

    def _open(self, welcome: Body, journal_id: str, resume_after_seq: int) -> None:
        window = wire.child(welcome, "window")
        self._session = wire.text(welcome, "session")
        self._max_batch = max(wire.number(welcome, "maxBatch"), 1)
        self._max_message_bytes = max(wire.number(welcome, "maxMessageBytes"), 2 * _ENVELOPE_BYTES)
        self._window.reset(max(resume_after_seq, self._outbox.acked_through), wire.number(window, "payloads"),
                           wire.number(window, "bytes"))
        now = time.monotonic()
        self._state = _State.OPEN
        self._back_off_time = 0
        self._send_after = self._probe_due = now
        self._first_probes_left = _FIRST_PROBES
        # Its answer acks what the gateway took before a connection was lost.
        self._heartbeat_due = now
        self._last_refusal = ("", "")
        self._counts["sessions"] += 1
        self._tell(Notice(NoticeKind.CONNECTED, f"connected to {self._options.endpoint}", journal_id=journal_id))

    def _on_ack(self, ack: Body) -> None:
        through_seq = wire.number(ack, "throughSeq")
        before = self._outbox.acked_through
        if through_seq > self._outbox.last_seq:
            self._counts["bad_messages"] += 1
            return
        self._tell_too_large(through_seq)
        for rejection in wire.children(ack, "rejections"):
            if wire.number(rejection, "seq") > before:
                self._tell_rejection(rejection)
        self._outbox.acknowledge(through_seq)
        self._too_large = {seq: size for seq, size in self._too_large.items() if seq > through_seq}
        self._window.acked(through_seq)
        if "window" in ack:
            window = wire.child(ack, "window")
            self._window.set_credit(wire.number(window, "payloads"), wire.number(window, "bytes"))
        if through_seq <= before:
            return
        with self._progress:
            self._progress.notify_all()
        self._call(self._events.on_acked, through_seq)

    def _on_busy(self, busy: Body) -> None:
        self._counts["busy"] += 1
        self._window.rewind(wire.number(busy, "nextSeq"))
        wait = wire.from_duration(wire.text(busy, "retryAfter") or "0s")
        self._send_after = time.monotonic() + min(max(wait, _SEND_RETRY), self._options.retry_max)

    def _on_probe_reply(self, reply: Body, received_ns: int) -> None:
        stamps = {name: wire.text(reply, name) for name in ("t1", "t2", "t3")}
        if self._probe_t1 is None or wire.from_timestamp(stamps["t1"]) != self._probe_t1:
            return
        self._probe_t1 = None
        self._last_exchange = {**stamps, "t4": wire.to_timestamp(received_ns)}
        self._counts["probes"] += 1

    def _on_disposition(self, body: Body) -> None:
        disposition = Disposition(wire.number(body, "seq"), wire.text(body, "reportId"), wire.text(body, "incidentId"),
                                  wire.text(body, "state") or "INCIDENT_STATE_UNSPECIFIED", wire.text(body, "note"))
        if disposition.seq > self._outbox.dispositions_through:
            self._must_call(self._events.on_disposition, disposition)
            self._outbox.set_dispositions_through(disposition.seq)
        self._send("dispositionAck", {"throughSeq": str(self._outbox.dispositions_through)})

    def _on_test_result(self, body: Body) -> None:
        rejection = wire.child(body, "rejection")
        self._call(self._events.on_test_result,
                   TestResult(wire.number(body, "seq"), wire.children(body, "reports"), wire.text(rejection, "code"),
                              wire.text(rejection, "message"), wire.text(rejection, "field")))

    def _on_error(self, code: str, message: str) -> None:
        if code == "FENCED":
            self._drop(0)
            with self._progress:
                self._fenced = True
                self._progress.notify_all()
            self._tell(Notice(NoticeKind.FENCED, self.fenced_message(), code))
        elif code == "HELLO_REQUIRED" and self._state is _State.OPEN:
            self._disconnected("the gateway does not know this session any more; reconnecting")
        else:
            self._refused(code, message)

    # ---- Telling the caller

    def _tell_rejection(self, rejection: Body) -> None:
        seq = wire.number(rejection, "seq")
        if seq not in self._too_large:
            self._reject(seq, wire.text(rejection, "code"), wire.text(rejection, "message"), wire.text(rejection, "field"))

    def _tell_too_large(self, through_seq: int) -> None:
        for seq, size in sorted(self._too_large.items()):
            if seq <= through_seq:
                self._reject(seq, "TOO_LARGE", f"a payload of {size} bytes does not fit into this gateway's messages of "
                             f"{self._max_message_bytes} bytes", "")

    def _reject(self, seq: int, code: str, message: str, field: str) -> None:
        items = self._outbox.read(seq - 1, 1, 0)
        label, payload = (items[0].label, items[0].payload) if items and items[0].seq == seq else ("", b"")
        # Without the payload: it may hold personal data.
        _log.warning("feed %s: seq %d %s was rejected: %s %s %s", self._options.feed_id, seq, label, code, field, message)
        self._must_call(self._events.on_rejection, RejectedPayload(seq, code, message, field, label, payload))
        self._counts["rejected"] += 1

    def _tell(self, notice: Notice) -> None:
        _log.log(_LEVELS.get(notice.kind, logging.WARNING), "feed %s: %s%s%s", self._options.feed_id, notice.code,
                 ": " if notice.code else "", notice.message)
        self._call(self._events.on_notice, notice)

    def _call(self, callback: Callable[[Any], None] | None, event: Any) -> bool:
        """False if it raised. It must not end the thread, not even by sys.exit()."""
        if callback is None:
            return True
        try:
            callback(event)
            return True
        except BaseException:
            _log.exception("feed %s: a callback raised", self._options.feed_id)
            return False

    def _must_call(self, callback: Callable[[Any], None] | None, event: Any) -> None:
        """For what is told once more if the caller did not get it."""
        if not self._call(callback, event):
            raise _CallbackFailed
