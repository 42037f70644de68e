"""Publishes to a Fusion Gateway, and reads its incident stream, so that nothing is lost and nothing comes twice.

Publisher brings one feed's payloads to the gateway through an outbox on this machine's disk; Consumer reads the `live`
or `settled` stream. Only pyzmq and the standard library are needed.
"""

from .consumer import Consumer, ConsumerNotice, ConsumerNoticeKind, OutOfRange, Records, Snapshot
from .errors import (ConnectError, ConsumerRefused, FlushTimeout, FusionGatewayError, JournalChanged, OutboxError,
                     OutboxFull, OutboxInUse, PayloadError, PlaceError, PublisherClosed, PublisherFenced)
from .events import Disposition, Notice, NoticeKind, PublisherStats, RejectedPayload, TestResult
from .outbox import Bookmark, OutboxLimits
from .peer_socket import CurveKeys
from .publisher import Payload, Publisher

__all__ = [
    "Bookmark", "ConnectError", "Consumer", "ConsumerNotice", "ConsumerNoticeKind", "ConsumerRefused", "CurveKeys",
    "Disposition", "FlushTimeout", "FusionGatewayError", "JournalChanged", "Notice", "NoticeKind", "OutOfRange",
    "OutboxError", "OutboxFull", "OutboxInUse", "OutboxLimits", "Payload", "PayloadError", "PlaceError", "Publisher",
    "PublisherClosed", "PublisherFenced", "PublisherStats", "Records", "RejectedPayload", "Snapshot", "TestResult",
]
