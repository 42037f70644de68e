"""The JSON form of the wire contract (docs/wire-protocol.md): messages, numbers, instants, payloads.

Pure functions. What the gateway sends is checked here: a value of another type than the contract's is a
WireError, which ends nothing but the message.
"""

import base64
import calendar
import json
import re
import time
from typing import Any

Body = dict[str, Any]

_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))\Z")
_DURATION = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?s\Z")


class WireError(ValueError):
    """Not a message of the contract."""


def message(kind: str, body: Body) -> bytes:
    return json.dumps({kind: body}, ensure_ascii=False, separators=(",", ":")).encode()


def parse(data: bytes) -> tuple[str, Body]:
    """The message's kind and body; of several kinds the first."""
    try:
        whole = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from error
    if not isinstance(whole, dict) or not whole:
        raise WireError("not an object")
    kind, body = next(iter(whole.items()))
    if not isinstance(body, dict):
        raise WireError(f"{kind} is not an object")
    return kind, body


def number(body: Body, name: str) -> int:
    """An unsigned number, written as one or as a string; 0 if it is not there."""
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise WireError(f"{name} is not a number")
    try:
        value = int(value)
    except ValueError as error:
        raise WireError(f"{name} is not a number") from error
    if not 0 <= value < 1 << 63:
        raise WireError(f"{name} is out of range")
    return value


def text(body: Body, name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise WireError(f"{name} is not a string")
    return value


def child(body: Body, name: str) -> Body:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise WireError(f"{name} is not an object")
    return value


def children(body: Body, name: str) -> list[Body]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise WireError(f"{name} is not a list of objects")
    return value


def to_timestamp(utc_ns: int) -> str:
    seconds, rest = divmod(utc_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"


def from_timestamp(value: str) -> int:
    """Nanoseconds since 1970, UTC."""
    found = _TIMESTAMP.match(value)
    if not found:
        raise WireError(f"not an instant: {value[:40]!r}")
    *fields, fraction, sign, hours, minutes = found.groups()
    seconds = calendar.timegm(tuple(int(field) for field in fields))
    if sign:
        seconds -= (1 if sign == "+" else -1) * (int(hours) * 3600 + int(minutes) * 60)
    return seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def from_duration(value: str) -> float:
    """Seconds."""
    if not _DURATION.match(value):
        raise WireError(f"not a span: {value[:40]!r}")
    return float(value[:-1])


def native_json(value: Any) -> bytes:
    """A dict or list as JSON, once and for all. ValueError, TypeError or RecursionError if it is none."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def payload_element(payload: bytes) -> bytes:
    """How a payload stands in publish.payloads: a JSON object or array as itself, so that the gateway keeps
    these very bytes; anything else as base64 in a string."""
    if payload[:1] in (b"{", b"[") and payload[-1:] in (b"}", b"]") and _is_json(payload):
        return payload
    return b'"' + base64.b64encode(payload) + b'"'


def _is_json(payload: bytes) -> bool:
    try:
        json.loads(payload.decode())
        return True
    except (ValueError, RecursionError):
        return False


def publish_message(session: str, first_seq: int, elements: list[bytes], sent_at_ns: int) -> bytes:
    """A publish whose payloads stand in it byte for byte."""
    head = f'{{"publish":{{"session":{json.dumps(session)},"firstSeq":"{first_seq}","sentAt":"{to_timestamp(sent_at_ns)}",'
    return head.encode() + b'"payloads":[' + b",".join(elements) + b"]}}"
