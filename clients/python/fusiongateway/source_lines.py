"""The lines of a file or of standard input, with a place in a file that can be stored and found again: how many bytes
and lines were taken, and a hash of those bytes, so that another file of the same name is not taken for the same."""

import hashlib
import sys
from typing import BinaryIO

_BLOCK = 1 << 20


class SourceLines:
    def __init__(self, path: str) -> None:
        """"-" is standard input. OSError if the file cannot be read."""
        self._file: BinaryIO = sys.stdin.buffer if path == "-" else open(path, "rb")
        self._hash = hashlib.sha256()
        self._bytes = 0
        self.line_count = 0

    def next(self) -> bytes | None:
        """The next line that is not blank, without its end; None at the end."""
        while line := self._file.readline():
            self._count(line)
            self.line_count += 1
            if line.strip():
                return line.removesuffix(b"\n").removesuffix(b"\r")
        return None

    def place(self) -> str:
        return f"{self.line_count} {self._bytes} {self._hash.hexdigest()}"

    def move_to(self, place: str) -> bool:
        """To a place told by place(), if the file's beginning is still the same; else nothing is moved."""
        try:
            lines, size, digest = place.split()
            left = int(size)
            while left > 0 and (block := self._file.read(min(left, _BLOCK))):
                self._count(block)
                left -= len(block)
            if left == 0 and self._hash.hexdigest() == digest:
                self.line_count = int(lines)
                return True
        except ValueError:
            pass
        self._file.seek(0)
        self._hash = hashlib.sha256()
        self._bytes = 0
        return False

    def _count(self, data: bytes) -> None:
        self._hash.update(data)
        self._bytes += len(data)
