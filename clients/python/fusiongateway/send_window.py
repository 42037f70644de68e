"""How far a publisher may send: the gateway's absolute credit beyond what it has acked, and what is on its way.

Pure bookkeeping; one thread.
"""

from collections import deque


class SendWindow:
    def __init__(self) -> None:
        self._through = 0
        self._credit_payloads = 0
        self._credit_bytes = 0
        self._bytes = 0
        # Sizes of _through + 1, _through + 2, ...
        self._in_flight: deque[int] = deque()

    @property
    def last_sent(self) -> int:
        return self._through + len(self._in_flight)

    @property
    def payloads_left(self) -> int:
        """How many payloads the credit lets through now, if they are small."""
        return max(self._credit_payloads - len(self._in_flight), 0)

    def reset(self, through_seq: int, payloads: int, byte_count: int) -> None:
        """Starts a session: everything through `through_seq` is with the gateway, nothing is on its way."""
        self._through = through_seq
        self._bytes = 0
        self._in_flight.clear()
        self.set_credit(payloads, byte_count)

    def may_send(self, sizes: int, count: int = 1) -> bool:
        """`count` more payloads of `sizes` bytes together may go now. With nothing on the way one payload larger
        than the credit in bytes may go too: it would otherwise never go."""
        if count > self.payloads_left:
            return False
        return (not self._in_flight and count == 1) or self._bytes + sizes <= self._credit_bytes

    def sent(self, sizes: list[int]) -> None:
        """The payloads after last_sent are on their way."""
        self._in_flight.extend(sizes)
        self._bytes += sum(sizes)

    def acked(self, through_seq: int) -> None:
        while self._through < through_seq:
            if not self._in_flight:
                self._through = through_seq
                return
            self._bytes -= self._in_flight.popleft()
            self._through += 1

    def set_credit(self, payloads: int, byte_count: int) -> None:
        self._credit_payloads = payloads
        self._credit_bytes = byte_count

    def rewind(self, next_seq: int) -> None:
        """The gateway refused `next_seq` and everything after it: they are not on their way any more."""
        while self._in_flight and self.last_sent >= next_seq:
            self._bytes -= self._in_flight.pop()
