"""A publisher's outbox on disk (one SQLite file): a payload gets its seq and is durable before it is sent, and
leaves only when the gateway has acked it.

The file also holds what must survive with it: the outbox_id (random, made with the file), the feed it belongs to,
acked_through, the gateway's journal_id, the last disposition taken, and the caller's bookmarks. It is the same file
as the C++ client's. One owner at a time: a second one is refused.

Bounds: payloads and bytes; append refuses above them and takes nothing of that call. Threading: any thread; calls
are serialised. A call returns after its commit (WAL, synchronous=FULL).
"""

import ctypes
import os
import secrets
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from .errors import OutboxError, OutboxFull, OutboxInUse, PublisherClosed

_SCHEMA_VERSION = 1
_SCHEMA = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE item(seq INTEGER PRIMARY KEY, payload BLOB NOT NULL, label TEXT NOT NULL)",
    "CREATE TABLE bookmark(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_IN_MEMORY = ":memory:"


@dataclass(frozen=True)
class OutboxLimits:
    payloads: int = 1_000_000
    bytes: int = 1 << 30


@dataclass(frozen=True)
class OutboxItem:
    seq: int
    payload: bytes
    label: str


@dataclass(frozen=True)
class Bookmark:
    """A caller's own place in its source, stored in the same transaction as the payloads read up to it."""

    name: str
    value: str


class Outbox:
    def __init__(self, path: str, feed_id: str, limits: OutboxLimits = OutboxLimits()) -> None:
        """Opens or makes the file (0600) and its folder (0700). Refused: another feed's outbox, a damaged file, a file of a newer
        version, a file that somebody else has open. The path ":memory:" is for what need not survive."""
        self._path = path
        self._limits = limits
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._id = ""
        self._journal_id = ""
        self._acked_through = 0
        self._last_seq = 0
        self._dispositions_through = 0
        self._hellos = 0
        self._payloads = 0
        self._bytes = 0
        # How far renewals have moved seqs down so far.
        self._renumbered = 0
        try:
            self._make_file()
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            _open_outboxes.add(self)
            self._prepare(feed_id)
        except (OSError, sqlite3.Error, OutboxError) as error:
            self.close()
            if isinstance(error, OutboxError):
                raise
            raise self._failed("open it", error) from error

    # ---- What it holds. Numbers of one moment; totals() gives two that belong together.

    @property
    def id(self) -> str:
        return self._id

    @property
    def acked_through(self) -> int:
        return self._acked_through

    @property
    def last_seq(self) -> int:
        """The highest seq given out."""
        return self._last_seq

    @property
    def payload_count(self) -> int:
        return self._payloads

    @property
    def byte_count(self) -> int:
        return self._bytes

    @property
    def journal_id(self) -> str:
        return self._journal_id

    @property
    def dispositions_through(self) -> int:
        return self._dispositions_through

    def totals(self) -> tuple[int, int]:
        """How much was given out and acked since it was opened. Unlike seqs these never go back."""
        with self._lock:
            return self._last_seq + self._renumbered, self._acked_through + self._renumbered

    # ---- What changes it

    def append(self, payloads: Sequence[tuple[bytes, str]], bookmark: Bookmark | None = None) -> int:
        """Stores (payload, label) pairs; the first one's seq, the others follow."""
        added = sum(len(payload) for payload, _ in payloads)
        with self._lock:
            if self._payloads + len(payloads) > self._limits.payloads or self._bytes + added > self._limits.bytes:
                raise OutboxFull(
                    f"the outbox is full: {self._payloads} payloads, {self._bytes} bytes wait for the gateway's ack "
                    f"(at most {self._limits.payloads} and {self._limits.bytes}); nothing of this call was taken. "
                    "Keep it and publish it again when some are acked; if the gateway cannot be reached, mend that")
            first = self._last_seq + 1
            with self._transaction("store a payload") as db:
                db.executemany("INSERT INTO item VALUES(?, ?, ?)",
                               ((first + i, payload, label) for i, (payload, label) in enumerate(payloads)))
                if bookmark:
                    db.execute("INSERT INTO bookmark VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                               (bookmark.name, bookmark.value))
            self._last_seq += len(payloads)
            self._payloads += len(payloads)
            self._bytes += added
            return first

    def read(self, after_seq: int, max_count: int, max_bytes: int) -> list[OutboxItem]:
        """Items after `after_seq` in order: at most `max_count`, and no more than `max_bytes` beyond the first."""
        items: list[OutboxItem] = []
        used = 0
        with self._lock, self._using("read payloads") as db:
            for row in db.execute("SELECT seq, payload, label FROM item WHERE seq > ? ORDER BY seq LIMIT ?",
                                  (after_seq, max_count)):
                used += len(row[1])
                if items and used > max_bytes:
                    break
                items.append(OutboxItem(*row))
        return items

    def acknowledge(self, through_seq: int) -> None:
        """Removes everything through it. One at or below acked_through changes nothing; one never given out is
        refused."""
        with self._lock:
            if through_seq <= self._acked_through:
                return
            if through_seq > self._last_seq:
                raise OutboxError(f"the gateway acked seq {through_seq}, but only {self._last_seq} were given out")
            with self._transaction("remove acked payloads") as db:
                count, size = db.execute("SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0) FROM item WHERE seq <= ?",
                                         (through_seq,)).fetchone()
                db.execute("DELETE FROM item WHERE seq <= ?", (through_seq,))
                self._set_meta(db, "acked_through", str(through_seq))
            self._acked_through = through_seq
            self._payloads -= count
            self._bytes -= size

    def set_journal(self, journal_id: str) -> None:
        with self._lock:
            with self._transaction("write its state") as db:
                self._set_meta(db, "journal_id", journal_id)
            self._journal_id = journal_id

    def set_dispositions_through(self, seq: int) -> None:
        with self._lock:
            with self._transaction("write its state") as db:
                self._set_meta(db, "dispositions_through", str(seq))
            self._dispositions_through = seq

    def count_hello(self) -> int:
        """How many hellos were said from this outbox, the one that follows included."""
        with self._lock:
            with self._transaction("write its state") as db:
                self._set_meta(db, "hellos", str(self._hellos + 1))
            self._hellos += 1
            return self._hellos

    def renew(self) -> int:
        """Gives the outbox a new random id and numbers what it still holds from 1: for a gateway that does not know
        what this outbox_id counted. Returns how much was subtracted from each seq."""
        new_id = secrets.token_hex(16)
        with self._lock:
            shift = self._acked_through
            with self._transaction("renumber payloads") as db:
                # Seqs only move down and stay apart, but SQLite checks uniqueness row by row: go by way of the
                # negative numbers.
                db.execute("UPDATE item SET seq = -(seq - ?)", (shift,))
                db.execute("UPDATE item SET seq = -seq")
                self._set_meta(db, "outbox_id", new_id)
                self._set_meta(db, "acked_through", "0")
            self._id = new_id
            self._last_seq -= shift
            self._acked_through = 0
            self._renumbered += shift
            return shift

    def read_bookmark(self, name: str) -> str:
        """Empty if there is none."""
        with self._lock, self._using("read a bookmark") as db:
            row = db.execute("SELECT value FROM bookmark WHERE name = ?", (name,)).fetchone()
            return row[0] if row else ""

    def close(self) -> None:
        with self._lock:
            db, self._db = self._db, None
            _open_outboxes.discard(self)
            if db is not None:
                db.close()

    # ---- Inside

    def _make_file(self) -> None:
        if self._path == _IN_MEMORY:
            return
        # Payloads may hold personal data: file and folders are their owner's alone. SQLite gives the files beside it
        # the same mode.
        _make_private_folder(os.path.dirname(self._path))
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            # Not opened: closing it again would drop the locks of an Outbox in this process.
            with suppress(PermissionError):
                os.chmod(self._path, 0o600)

    def _prepare(self, feed_id: str) -> None:
        assert self._db is not None
        # Locked exclusively from the first read on: two senders of one outbox would reuse seqs.
        for statement in ("PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                          "BEGIN IMMEDIATE", "COMMIT"):
            self._db.execute(statement).fetchall()
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise OutboxError(f'the outbox "{self._path}" was written by a newer version; update this program')
        if version == 0:
            with self._transaction("make its tables") as db:
                for statement in _SCHEMA:
                    db.execute(statement)
                self._set_meta(db, "outbox_id", secrets.token_hex(16))
                self._set_meta(db, "feed_id", feed_id)
                db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        owner = self._meta("feed_id")
        if owner != feed_id:
            raise OutboxError(f'the outbox "{self._path}" belongs to feed "{owner}", not to "{feed_id}"; give each '
                              "feed its own outbox")
        self._load_state()

    def _load_state(self) -> None:
        assert self._db is not None
        self._id = self._meta("outbox_id")
        if not self._id:
            raise OutboxError(f'the outbox "{self._path}" holds no outbox_id; move the file away to begin a new one')
        self._journal_id = self._meta("journal_id")
        self._acked_through = int(self._meta("acked_through") or 0)
        self._dispositions_through = int(self._meta("dispositions_through") or 0)
        self._hellos = int(self._meta("hellos") or 0)
        self._payloads, self._bytes, highest = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0), COALESCE(MAX(seq), 0) FROM item").fetchone()
        self._last_seq = max(self._acked_through, highest)

    def _meta(self, name: str) -> str:
        assert self._db is not None
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    @staticmethod
    def _set_meta(db: sqlite3.Connection, name: str, value: str) -> None:
        db.execute("INSERT INTO meta VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))

    @contextmanager
    def _using(self, doing: str) -> Iterator[sqlite3.Connection]:
        """The open file, its errors told as OutboxError. The lock is held."""
        if self._db is None:
            raise PublisherClosed("the outbox is closed")
        try:
            yield self._db
        except sqlite3.Error as error:
            raise self._failed(doing, error) from error

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[sqlite3.Connection]:
        with self._using(doing) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _failed(self, doing: str, error: Exception) -> OutboxError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            return OutboxInUse(f'the outbox "{self._path}" is in use by another process or another Publisher; one '
                               "publisher owns one outbox: stop the other one, or give each its own")
        advice = {sqlite3.SQLITE_FULL: "; free some disk space",
                  sqlite3.SQLITE_CORRUPT: "; move the file away to begin a new outbox",
                  sqlite3.SQLITE_NOTADB: "; move the file away to begin a new outbox"}.get(code, "")
        return OutboxError(f'outbox "{self._path}": cannot {doing}: {error}{advice}')


def _make_private_folder(folder: str) -> None:
    if not folder or os.path.isdir(folder):
        return
    _make_private_folder(os.path.dirname(folder))
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)


_open_outboxes: "weakref.WeakSet[Outbox]" = weakref.WeakSet()


def _forget_after_fork() -> None:
    """A child must neither use nor close its parent's SQLite files: closing would remove the WAL under the parent.
    One reference too many keeps the child's copy from ever being closed."""
    for outbox in list(_open_outboxes):
        db: Any = outbox._db
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))
        outbox._db = None
        outbox._lock = threading.Lock()
    _open_outboxes.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
