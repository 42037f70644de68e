"""What can go wrong, each as a class whose message says what to do."""


class FusionGatewayError(Exception):
    """The root of this package's errors."""


class ConnectError(FusionGatewayError, ValueError):
    """An endpoint or a key that cannot be used. A gateway that is not there yet is no error."""


class PayloadError(FusionGatewayError, ValueError):
    """This payload can never be sent: too large, or not to be written as JSON."""


class OutboxError(FusionGatewayError):
    """The outbox cannot be opened, read or written; the message says why and what to do."""


class OutboxInUse(OutboxError):
    """Another process, or another Publisher of this one, has the outbox open."""


class OutboxFull(OutboxError):
    """The outbox has reached its bound. Nothing of the call was taken; publish again when some are acked."""


class PublisherClosed(FusionGatewayError):
    """The publisher was closed, or was made before a fork."""


class PublisherFenced(FusionGatewayError):
    """Terminal: another program publishes for this feed now. Stop one of the two."""


class FlushTimeout(FusionGatewayError, TimeoutError):
    """Not everything was acked in time. It stays in the outbox and is sent on."""


class ConsumerRefused(FusionGatewayError):
    """The gateway refused the subscription and waiting does not help; `code` is its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class JournalChanged(FusionGatewayError):
    """The gateway has another journal than the records so far came from (restored, or replaced).

    Its seqs mean other records. The message says how far both journals are the same, if the gateway knows:
    then `consumer.restart(after_seq=...)` from there. Otherwise `consumer.restart(snapshot=True)` and
    reconcile by incidentId and revision.
    """

    def __init__(self, message: str, through_seq: int, previous_journal_id: str) -> None:
        super().__init__(message)
        self.through_seq = through_seq
        self.previous_journal_id = previous_journal_id


class PlaceError(FusionGatewayError):
    """The file that keeps a consumer's place cannot be read or written, or is another stream's."""
