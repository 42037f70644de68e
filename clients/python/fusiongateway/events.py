"""What a Publisher tells its caller."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RejectedPayload:
    """The gateway did not take this payload; it is kept there (masked) as a dead letter and is gone from the outbox."""

    seq: int
    code: str
    message: str
    # Path of the offending field in the payload; empty = the whole.
    field: str
    # The caller's own name for the payload, as given to publish.
    label: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True)
class Disposition:
    """What became of a report."""

    seq: int
    report_id: str
    incident_id: str
    # "ACCEPTED", "FALSE_ALARM" ...: the name of IncidentState.
    state: str
    note: str


@dataclass(frozen=True)
class TestResult:
    """Test mode: what the gateway made of one payload."""

    __test__ = False  # no test case, whatever a test runner thinks of the name

    seq: int
    # The resulting Reports, as protobuf JSON.
    reports: list[dict[str, Any]]
    # Set instead if it was refused.
    code: str = ""
    message: str = ""
    field: str = ""


class NoticeKind(enum.Enum):
    # A session is open.
    CONNECTED = enum.auto()
    # The connection was lost or went silent; reconnecting by itself.
    DISCONNECTED = enum.auto()
    # Another journal than last time: the gateway was restored or replaced.
    JOURNAL_CHANGED = enum.auto()
    # The gateway no longer holds lost_from .. lost_through, which it had acked and which are gone from the outbox:
    # publish them again from their origin if they matter. The outbox was given a new id and its payloads were
    # renumbered by `renumbered_by`.
    GATEWAY_WENT_BACK = enum.auto()
    # The gateway holds more of this outbox than the outbox ever gave out: the file is an old copy. It was given a new
    # id and its payloads were renumbered by `renumbered_by`.
    OUTBOX_WENT_BACK = enum.auto()
    # The gateway refused the hello or a message, `code` says why; retried with back-off.
    REFUSED = enum.auto()
    # Terminal: another publisher speaks for this feed now. publish fails from here on.
    FENCED = enum.auto()
    # The outbox cannot be read or written; retried with back-off.
    OUTBOX_FAILED = enum.auto()
    # on_rejection or on_disposition raised: what it was told is told again, with back-off.
    CALLBACK_FAILED = enum.auto()


@dataclass(frozen=True)
class Notice:
    kind: NoticeKind
    # For people: what happened and what to do.
    message: str
    code: str = ""
    journal_id: str = ""
    previous_journal_id: str = ""
    lost_from: int = 0
    lost_through: int = 0
    renumbered_by: int = 0


@dataclass(frozen=True)
class PublisherEvents:
    """Called one at a time on the publisher's thread; they may call its members except flush and close, and should
    return soon. Told at least once: one told just before a crash is told again."""

    on_rejection: Callable[[RejectedPayload], None] | None = None
    on_disposition: Callable[[Disposition], None] | None = None
    on_test_result: Callable[[TestResult], None] | None = None
    on_notice: Callable[[Notice], None] | None = None
    # Everything through this seq is on the gateway's disk, or was rejected.
    on_acked: Callable[[int], None] | None = None


@dataclass(frozen=True)
class PublisherStats:
    connected: bool = False
    fenced: bool = False
    last_seq: int = 0
    acked_through: int = 0
    waiting: int = 0
    sent: int = 0
    rejected: int = 0
    busy: int = 0
    sessions: int = 0
    probes: int = 0
    bad_messages: int = 0
