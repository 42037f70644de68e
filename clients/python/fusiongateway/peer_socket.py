"""One DEALER connection to a gateway, made fresh each time: a DEALER that libzmq reconnects by itself comes back under
a new identity with its old queue, which is not the session it had. So a lost connection is reported, and the caller
makes a new PeerSocket and says hello again.

Threading: one thread owns it; only Waker.wake may be called from others. Nothing waits longer than asked.
"""

import enum
import math
import os
import select
import struct
from dataclasses import dataclass

import zmq

from .errors import ConnectError

_KEY_LENGTH = 40
_RECONNECT_MS = 100
_RECONNECT_MAX_MS = 2000
_WATCHED = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL


@dataclass(frozen=True)
class CurveKeys:
    """CURVE keys in Z85 (40 characters). Without keys there is no encryption, which a gateway takes on loopback only."""

    server_public: str
    client_public: str
    client_secret: str

    def __post_init__(self) -> None:
        for name in ("server_public", "client_public", "client_secret"):
            if len(getattr(self, name)) != _KEY_LENGTH:
                raise ConnectError(f"CURVE key {name} is missing or not of 40 Z85 characters; a pair is made with "
                                   "fusion-gateway keygen, the gateway's public key comes from its operator")

    def __repr__(self) -> str:
        return f"CurveKeys(client_public={self.client_public!r})"

    @classmethod
    def load(cls, path: str, server_public: str = "") -> "CurveKeys":
        """From a file made by `fusion-gateway keygen`; the gateway's public key is given, or stands in the file as
        `server_key: ...`."""
        entries: dict[str, str] = {}
        try:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    name, colon, value = line.partition(": ")
                    if colon and not line.startswith("#"):
                        entries[name] = value.strip().strip('"')
        except OSError as error:
            raise ConnectError(f"{path}: cannot be read ({error.strerror}); make one with fusion-gateway keygen") from error
        try:
            return cls(server_public or entries.get("server_key", ""), entries.get("public_key", ""),
                       entries.get("secret_key", ""))
        except ConnectError as error:
            raise ConnectError(f"{path}: {error}") from error


class Waker:
    """Ends another thread's wait early."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __del__(self) -> None:
        os.close(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def wake(self) -> None:
        try:
            os.eventfd_write(self._descriptor, 1)
        except BlockingIOError:
            pass  # a full counter already wakes

    def wait(self, seconds: float) -> None:
        """Until woken, at most so long."""
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        poller.poll(_milliseconds(seconds))
        self.clear()

    def clear(self) -> None:
        try:
            os.eventfd_read(self._descriptor)
        except BlockingIOError:
            pass


class Event(enum.Enum):
    TIMEOUT = enum.auto()
    MESSAGE = enum.auto()
    WOKEN = enum.auto()
    DISCONNECTED = enum.auto()
    KEY_REFUSED = enum.auto()


class PeerSocket:
    def __init__(self, context: zmq.Context, endpoint: str, keys: CurveKeys | None) -> None:
        """Starts connecting; that the other side is not there yet is no error. ConnectError: an endpoint or a key that
        libzmq does not take."""
        self._dealer = context.socket(zmq.DEALER)
        self._monitor = self._dealer.get_monitor_socket(_WATCHED)
        try:
            self._dealer.linger = 0
            self._dealer.reconnect_ivl = _RECONNECT_MS
            self._dealer.reconnect_ivl_max = _RECONNECT_MAX_MS
            if keys:
                self._dealer.curve_serverkey = keys.server_public.encode()
                self._dealer.curve_publickey = keys.client_public.encode()
                self._dealer.curve_secretkey = keys.client_secret.encode()
            self._dealer.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise ConnectError(f'cannot connect to "{endpoint}": {error}; write it like tcp://127.0.0.1:5701, '
                               "keys as 40 Z85 characters") from error
        self._poller = zmq.Poller()
        self._poller.register(self._dealer, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)

    def send(self, message: bytes) -> bool:
        """Queues one message; False when the gateway takes none now."""
        try:
            self._dealer.send(message, zmq.DONTWAIT)
            return True
        except zmq.Again:
            return False

    def wait(self, seconds: float, waker: Waker | None = None) -> tuple[Event, bytes]:
        """The first thing that happens within `seconds`."""
        if waker is not None:
            self._poller.register(waker, zmq.POLLIN)
        ready = dict(self._poller.poll(_milliseconds(seconds)))
        if self._dealer in ready:
            try:
                # Of several frames the first counts; the protocol sends one.
                return Event.MESSAGE, self._dealer.recv_multipart(zmq.DONTWAIT)[0]
            except zmq.Again:
                pass
        if self._monitor in ready:
            # The first frame begins with the event's 16 bits; the second is its address.
            (event,) = struct.unpack_from("=H", self._monitor.recv_multipart(zmq.DONTWAIT)[0])
            return (Event.DISCONNECTED if event == zmq.EVENT_DISCONNECTED else Event.KEY_REFUSED), b""
        if waker is not None and waker.fileno() in ready:
            waker.clear()
            return Event.WOKEN, b""
        return Event.TIMEOUT, b""

    def close(self, linger: float = 0) -> None:
        """Unsent messages may still leave for `linger` seconds after this."""
        self._dealer.disable_monitor()
        self._monitor.close(linger=0)
        self._dealer.close(linger=_milliseconds(linger))


def _milliseconds(seconds: float) -> int:
    return max(math.ceil(seconds * 1000), 0)
