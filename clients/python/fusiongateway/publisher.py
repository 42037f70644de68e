"""Publishes one feed's payloads to a gateway so that each is there exactly once, whatever restarts.

    with Publisher("grid", "/var/lib/myapp/grid.outbox") as publisher:
        seq = publisher.publish({"eventId": ...})

publish returns when the payload is on this machine's disk; a background thread brings it to the gateway, through
restarts of either side, and removes it when the gateway has it on its own disk.

Bounds: the outbox (OutboxFull), one payload's size (PayloadError), and the gateway's credit. Nothing waits without a
time-out. Threading: members may be called from any thread.
"""

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

import zmq

from . import wire
from .errors import FusionGatewayError, OutboxError, PayloadError, PublisherClosed, PublisherFenced
from .events import Disposition, Notice, PublisherEvents, PublisherStats, RejectedPayload, TestResult
from .outbox import Bookmark, Outbox, OutboxLimits
from .peer_socket import CurveKeys, PeerSocket
from .session import Session, SessionOptions

Payload = dict[str, Any] | list[Any] | str | bytes | bytearray | memoryview

# Larger payloads are refused by publish.
PAYLOAD_BYTES_MAX = 700_000
_AT_EXIT_SECONDS = 2.0


class Publisher:
    def __init__(self, feed_id: str, outbox_path: str | os.PathLike[str] = "", *,
                 endpoint: str = "tcp://127.0.0.1:5701", keys: CurveKeys | None = None,
                 client: str = "fusiongateway-python/1", test_mode: bool = False,
                 outbox_limits: OutboxLimits = OutboxLimits(), payload_bytes_max: int = PAYLOAD_BYTES_MAX,
                 on_rejection: Callable[[RejectedPayload], None] | None = None,
                 on_disposition: Callable[[Disposition], None] | None = None,
                 on_test_result: Callable[[TestResult], None] | None = None,
                 on_notice: Callable[[Notice], None] | None = None,
                 on_acked: Callable[[int], None] | None = None,
                 heartbeat_interval: float = 2.0, probe_interval: float = 1.0, silence_max: float = 10.0,
                 hello_timeout: float = 3.0, retry_min: float = 0.2, retry_max: float = 10.0) -> None:
        """Opens the outbox (made if it is not there) and starts to connect; a gateway that is not there yet is no error.

        In test mode payloads are decoded and answered with the resulting reports (on_test_result), never fused or kept:
        not here either, so that the outbox is in memory and outbox_path is not used. Raises OutboxError, OutboxInUse,
        ConnectError.
        """
        if not feed_id:
            raise ValueError("feed_id is empty; it stands in the gateway's configuration")
        path = ":memory:" if test_mode else os.fspath(outbox_path)
        if not path or (path == ":memory:" and not test_mode):
            raise OutboxError("outbox_path names the file that keeps what is not acked yet; give each feed its own")
        _check_connection(endpoint, keys)
        self._payload_bytes_max = payload_bytes_max
        self._pid = os.getpid()
        self._outbox = Outbox(path, feed_id, outbox_limits)
        self._session = Session(
            SessionOptions(feed_id, endpoint, keys, client, test_mode, heartbeat_interval, probe_interval, silence_max,
                           hello_timeout, retry_min, retry_max),
            PublisherEvents(on_rejection, on_disposition, on_test_result, on_notice, on_acked), self._outbox)
        self._thread = threading.Thread(target=self._session.run, name=f"publisher {feed_id}", daemon=True)
        self._thread.start()
        # A publisher that nobody closed says bye at the program's end.
        self._finalizer = weakref.finalize(self, _end, self._session, self._thread, self._outbox, self._pid)

    def publish(self, payload: Payload, label: str = "") -> int:
        """The payload's seq, once it is on disk.

        A dict or list is written as JSON once; str and bytes are taken as they are. The gateway's plugin gets exactly
        these bytes. `label` is the caller's own name for it; it comes back with a rejection and is never sent.
        Raises OutboxFull, PayloadError, PublisherFenced, PublisherClosed, OutboxError: nothing was taken.
        """
        return self.publish_batch([payload], labels=[label])

    def publish_batch(self, payloads: Iterable[Payload], *, labels: Iterable[str] | None = None,
                      bookmark: Bookmark | None = None) -> int:
        """All or none, in one commit; the first one's seq. `bookmark`, if given, is stored in that commit, so that a
        source is read exactly once."""
        encoded = [self._encode(payload) for payload in payloads]
        names = list(labels) if labels is not None else [""] * len(encoded)
        if len(names) != len(encoded):
            raise ValueError(f"{len(encoded)} payloads, but {len(names)} labels")
        self._check_usable()
        first = self._outbox.append(list(zip(encoded, names)), bookmark)
        self._session.wake()
        return first

    def read_bookmark(self, name: str) -> str:
        """Empty if there is none."""
        self._check_process()
        return self._outbox.read_bookmark(name)

    def flush(self, timeout: float) -> None:
        """Waits until everything published before the call is acked. FlushTimeout after `timeout` seconds; what is not
        acked stays in the outbox and is sent on."""
        self._check_process()
        self._check_not_in_callback("flush")
        self._session.flush(timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Says bye and stops the thread; what is not acked stays in the outbox. Idempotent. TimeoutError if a callback
        does not return in time."""
        self._check_process()
        self._check_not_in_callback("close")
        self._session.stop()
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError(f"the publisher's thread has not ended within {timeout} s: a callback does not return")
        self._finalizer.detach()
        self._outbox.close()

    def stats(self) -> PublisherStats:
        return self._session.stats()

    @property
    def outbox_id(self) -> str:
        return self._outbox.id

    @property
    def journal_id(self) -> str:
        """Empty before the first welcome ever."""
        return self._outbox.journal_id

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _encode(self, payload: Payload) -> bytes:
        try:
            if isinstance(payload, (dict, list)):
                encoded = wire.native_json(payload)
            elif isinstance(payload, str):
                encoded = payload.encode()
            elif isinstance(payload, (bytes, bytearray, memoryview)):
                encoded = bytes(payload)
            else:
                raise TypeError(f"a payload is a dict, list, str or bytes, not {type(payload).__name__}")
        except (ValueError, TypeError, RecursionError) as error:
            raise PayloadError(f"the payload cannot be written as JSON: {error}; give its exact text as str or bytes") from error
        if len(encoded) > self._payload_bytes_max:
            raise PayloadError(f"a payload of {len(encoded)} bytes is larger than the {self._payload_bytes_max} that are "
                               "taken; send large pictures by reference")
        return encoded

    def _check_usable(self) -> None:
        self._check_process()
        if self._session.fenced:
            raise PublisherFenced(self._session.fenced_message())
        if self._session.stopping:
            raise PublisherClosed("the publisher is closed")

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise PublisherClosed("this publisher belongs to the process before the fork; open one here, with its own "
                                  "outbox, or publish from there")

    def _check_not_in_callback(self, name: str) -> None:
        if threading.current_thread() is self._thread:
            raise FusionGatewayError(f"{name} would wait for the very callback it is called from")


def _check_connection(endpoint: str, keys: CurveKeys | None) -> None:
    """Refuses a bad endpoint or key here rather than in a notice."""
    context = zmq.Context()
    try:
        PeerSocket(context, endpoint, keys).close()
    finally:
        context.destroy(linger=0)


def _end(session: Session, thread: threading.Thread, outbox: Outbox, pid: int) -> None:
    if os.getpid() != pid:
        return
    session.stop()
    if threading.current_thread() is not thread:
        thread.join(_AT_EXIT_SECONDS)
    if not thread.is_alive():
        outbox.close()
