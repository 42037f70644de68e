"""python3 -m fusiongateway publish | watch: the kit at a command line."""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import urllib.parse

from .consumer import STREAMS, Consumer, OutOfRange, Records
from .errors import ConnectError, FlushTimeout, FusionGatewayError, JournalChanged, OutboxFull
from .events import Notice, NoticeKind, RejectedPayload, TestResult
from .outbox import Bookmark
from .peer_socket import CurveKeys
from .publisher import PAYLOAD_BYTES_MAX, Publisher
from .source_lines import SourceLines

_DONE, _FAILED, _USAGE = 0, 1, 2
_BATCH_LINES = 256
_BATCH_BYTES = 256 * 1024
_PROGRESS_INTERVAL = 1.0
# What a person has to do about a refusal that waiting does not mend.
_ADVICE = {
    "UNKNOWN_FEED": "the gateway has no such feed: correct --feed, or add it to feeds in the gateway's configuration",
    "FORBIDDEN": "this key is not bound to the feed: have it bound in the gateway's publishers.curve.keys",
    "FENCED": "another publisher speaks for this feed: stop one of the two, or use a feed of your own",
    "PROTOCOL_UNSUPPORTED": "the versions do not fit: update this program or the gateway",
    "KEY_REFUSED": "the keys do not fit: check --key and --server-key",
    "BAD_ENDPOINT": "correct --endpoint",
}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m fusiongateway", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    publish = commands.add_parser(
        "publish", help="publish a file's lines, one payload a line, and end when each is on the gateway's disk or rejected",
        description="Publishes a file's lines, one payload a line (NDJSON), and ends when each is on the gateway's disk or "
                    "rejected. A run that was interrupted, or repeated on a file that has grown, goes on after the last "
                    "line taken. Exit status: 0 all taken, 1 something was not, 2 bad usage.")
    publish.add_argument("file", help="one payload a line; - is standard input (whose place is not kept)")
    publish.add_argument("--feed", required=True, help="the feed, as in the gateway's configuration")
    publish.add_argument("--endpoint", default="tcp://127.0.0.1:5701", help="the gateway's publishers' socket")
    publish.add_argument("--outbox", default="", help="outbox file; default: one for this feed and endpoint in your state folder")
    publish.add_argument("--again", action="store_true", help="send the file from its first line, whatever an earlier run has sent")
    publish.add_argument("--test", action="store_true", help="test mode: print what the gateway makes of each line; nothing is kept")
    publish.add_argument("--patience", type=float, default=30.0, help="give up after so many seconds without an ack; 30")

    watch = commands.add_parser(
        "watch", help="print a stream's records, one a line as JSON",
        description="Prints a stream's records, one a line as JSON, until Ctrl-C. Exit status: 0 done, 1 refused, 2 bad usage.")
    watch.add_argument("--stream", choices=STREAMS, default="live")
    watch.add_argument("--endpoint", default="tcp://127.0.0.1:5702", help="the gateway's consumers' socket")
    watch.add_argument("--after", type=int, default=0, help="records after this seq; 0 = from the oldest held")
    watch.add_argument("--place", default="", help="file that keeps the place, so that the next run goes on there")
    watch.add_argument("--bodies", default="", help="only these: report,incident,feed,camera ...")
    watch.add_argument("--districts", default="", help="only these district codes, with commas")
    watch.add_argument("--count", type=int, default=0, help="end after so many records; 0 = never")
    watch.add_argument("--idle", type=float, default=None, help="end when nothing has come for so many seconds")

    for command in (publish, watch):
        command.add_argument("--key", default="", help="CURVE key file, made by fusion-gateway keygen")
        command.add_argument("--server-key", default="", help="the gateway's CURVE public key")
    return parser.parse_args(arguments)


def load_keys(options: argparse.Namespace) -> CurveKeys | None:
    if not options.key and options.server_key:
        raise ConnectError("--server-key needs --key FILE, made by fusion-gateway keygen")
    return CurveKeys.load(options.key, options.server_key) if options.key else None


def default_outbox(feed_id: str, endpoint: str) -> str:
    """One for each feed and endpoint, so that a repeated run finds its own again."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    # Another than `fusion-gateway publish` has: their bookmarks differ.
    return os.path.join(state, "fusion-gateway", "outbox", urllib.parse.quote(f"{feed_id}@{endpoint}", safe="") + ".python.db")


class PublishCommand:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._name = "standard input" if options.file == "-" else options.file
        self._hopeless = threading.Event()
        self._refused_with = ""
        self._connected = False
        self._rejected = 0
        self._sent = 0

    def run(self) -> int:
        options = self._options
        try:
            source = SourceLines(options.file)
        except OSError as error:
            say(f"{options.file}: cannot be read: {error.strerror}")
            return _FAILED
        with Publisher(options.feed, options.outbox or default_outbox(options.feed, options.endpoint),
                       endpoint=options.endpoint, keys=load_keys(options), client="python3 -m fusiongateway publish",
                       test_mode=options.test, on_rejection=self._on_rejection, on_notice=self._on_notice,
                       on_test_result=self._on_test_result) as publisher:
            if waiting := publisher.stats().waiting:
                say(f"上次未完成 {waiting} 条，继续发送 · {waiting} from an earlier run are still to be sent")
            self._skip_what_was_taken(publisher, source)
            finished = self._send_all(publisher, source) and self._wait_for_acks(publisher)
            waiting = publisher.stats().waiting
        if not finished and self._refused_with:
            say(f"{_ADVICE[self._refused_with]}; {waiting} stay in the outbox until then")
            return _FAILED
        if not finished:
            say(f"未完成：{waiting} 条留在发件箱，再次运行即可继续 · not finished: {waiting} stay in the outbox, run the same "
                "command again to go on")
            return _FAILED
        say(f"已发送 {self._sent} 条，拒绝 {self._rejected} 条 · {self._sent} sent, {self._rejected} rejected")
        return _FAILED if self._rejected else _DONE

    def _bookmark_name(self) -> str:
        return os.path.abspath(self._options.file)

    def _skip_what_was_taken(self, publisher: Publisher, source: SourceLines) -> None:
        if self._options.again or self._options.file == "-":
            return
        if source.move_to(publisher.read_bookmark(self._bookmark_name())):
            say(f"{self._name}: 前 {source.line_count} 行已由之前的运行发送 · the first {source.line_count} lines were sent by "
                "an earlier run (--again sends them anew)")

    def _send_all(self, publisher: Publisher, source: SourceLines) -> bool:
        while True:
            lines, labels = self._next_batch(source)
            if not lines:
                return True
            place = None if self._options.file == "-" else Bookmark(self._bookmark_name(), source.place())
            if not self._publish(publisher, lines, labels, place):
                return False

    def _next_batch(self, source: SourceLines) -> tuple[list[bytes], list[str]]:
        lines: list[bytes] = []
        labels: list[str] = []
        size = 0
        while len(lines) < _BATCH_LINES and size < _BATCH_BYTES and (line := source.next()) is not None:
            label = f"{self._name}:{source.line_count}"
            if len(line) > PAYLOAD_BYTES_MAX:
                self._rejected += 1
                say(f"{label}: TOO_LARGE the line has {len(line)} bytes, at most {PAYLOAD_BYTES_MAX} are taken")
                continue
            lines.append(line)
            labels.append(label)
            size += len(line)
        return lines, labels

    def _publish(self, publisher: Publisher, lines: list[bytes], labels: list[str], place: Bookmark | None) -> bool:
        while not self._hopeless.is_set():
            try:
                publisher.publish_batch(lines, labels=labels, bookmark=place)
                self._sent += len(lines)
                return True
            except OutboxFull:
                if not self._wait_for_acks(publisher):
                    return False
        return False

    def _wait_for_acks(self, publisher: Publisher) -> bool:
        """Until everything is acked; False when there is no more hope."""
        waited, acked_before = 0.0, -1
        while not self._hopeless.is_set():
            try:
                publisher.flush(_PROGRESS_INTERVAL)
                return True
            except FlushTimeout:
                stats = publisher.stats()
            waited = waited + _PROGRESS_INTERVAL if stats.acked_through == acked_before else 0.0
            acked_before = stats.acked_through
            if waited >= self._options.patience:
                return False
            say(f"已确认 {stats.acked_through}，待确认 {stats.waiting} · acked {stats.acked_through}, waiting {stats.waiting}"
                if self._connected else f"等待网关 {self._options.endpoint} · waiting for the gateway at {self._options.endpoint}; "
                "is it running, and is this its publishers' endpoint?")
        return False

    def _on_rejection(self, rejected: RejectedPayload) -> None:
        self._rejected += 1
        say(f"{rejected.label}: {rejected.code} {rejected.message}" + (f" ({rejected.field})" if rejected.field else ""))

    def _on_test_result(self, result: TestResult) -> None:
        if result.code:
            self._rejected += 1
        print(json.dumps({"seq": result.seq, "reports": result.reports} if not result.code else
                         {"seq": result.seq, "code": result.code, "message": result.message, "field": result.field},
                         ensure_ascii=False), flush=True)

    def _on_notice(self, notice: Notice) -> None:
        if notice.kind is NoticeKind.CONNECTED:
            self._connected = True
            return
        self._connected = self._connected and notice.kind is not NoticeKind.DISCONNECTED
        say(f"{notice.code}: {notice.message}" if notice.code else notice.message)
        if notice.code in _ADVICE:
            self._refused_with = notice.code
            self._hopeless.set()


def run_watch(options: argparse.Namespace) -> int:
    printed = 0
    with Consumer(endpoint=options.endpoint, keys=load_keys(options), stream=options.stream, after_seq=options.after,
                  place_path=options.place, bodies=filter(None, options.bodies.split(",")),
                  district_codes=filter(None, options.districts.split(",")),
                  on_notice=lambda notice: say(notice.message)) as consumer:
        signal.signal(signal.SIGTERM, lambda *_: consumer.stop())
        for event in consumer.events(options.idle):
            if isinstance(event, OutOfRange):
                say(f"record {event.expected_seq} is no longer held; the oldest is {event.oldest_seq}")
            if not isinstance(event, Records):
                continue
            for record in event.records:
                print(json.dumps(record, ensure_ascii=False))
                printed += 1
                if printed == options.count:
                    sys.stdout.flush()
                    return _DONE
            # A pipe's reader sees a record when it is there, not when a buffer is full.
            sys.stdout.flush()
            consumer.done()
    return _DONE


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    # What happens is said here in plain lines.
    logging.getLogger("fusiongateway").addHandler(logging.NullHandler())
    try:
        return PublishCommand(options).run() if options.command == "publish" else run_watch(options)
    except JournalChanged as error:
        say(f"{error} (at the command line: watch anew, without --after and with a new --place file)")
        return _FAILED
    except (ConnectError, ValueError) as error:
        say(str(error))
        return _USAGE
    except FusionGatewayError as error:
        say(str(error))
        return _FAILED
    except BrokenPipeError:
        # The pipe's reader has enough; nothing more is to be written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DONE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
