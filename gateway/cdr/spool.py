"""Where records wait while the database is away: JSON lines in files of a folder, on disk before we say so (fsync).

A file is taken over by whoever can lock it, so that several gateways may share a folder and a restart finds what the
last run left. A line that cannot be read (the machine went down in the middle of it) is put aside, never lost silently.
Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from gateway.cdr.model import Record

LINES = 500
"""Records in one file."""
ASIDE = "refused.jsonl"


class Spool:
    """Raises OSError from every method when the folder cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: BinaryIO | None = None
        self._path = folder
        self._lines = 0

    def append(self, records: Sequence[Record]) -> None:
        """On disk when this returns; when it raises, the caller still has them (and some may come twice)."""
        if self._file is None or self._lines >= LINES:
            self._next()
        assert self._file is not None
        try:
            for record in records:
                self._file.write(record.model_dump_json().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self.close()  # half a line may stand at its end: nothing is written behind it
            raise
        self._lines += len(records)

    def waiting(self) -> list[Path]:
        """Files to replay, the oldest first; our own is closed for it."""
        self.close()
        if not self.folder.is_dir():
            return []
        return sorted(self.folder.glob("records-*.jsonl"), key=_age)

    def read(self, path: Path) -> tuple[list[Record], BinaryIO | None]:
        """Its records, and the lock to hold until they are written; (nothing, None) where another has it."""
        try:
            file = path.open("r+b")
        except FileNotFoundError:
            return [], None
        if not _lock(file):
            file.close()
            return [], None
        records, broken = [], []
        for line in file:
            try:
                records.append(Record.model_validate_json(line))
            except ValidationError:
                broken.append(line)
        if broken:
            self._put_aside(broken)
        return records, file

    def done(self, path: Path, lock: BinaryIO) -> None:
        """All of it is in the database."""
        path.unlink(missing_ok=True)
        lock.close()

    def refuse(self, records: Sequence[Record]) -> None:
        """Keep what the database would not take for a person to look at."""
        self._put_aside([record.model_dump_json().encode() + b"\n" for record in records])

    def close(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:  # what was buffered does not fit; the caller knows already
                pass
            if not self._lines:
                self._path.unlink(missing_ok=True)
        self._file, self._lines = None, 0

    def _put_aside(self, lines: Sequence[bytes]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ASIDE).open("ab") as file:
            file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())

    def _next(self) -> None:
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = self.folder / f"records-{secrets.token_hex(6)}.jsonl"
            file = path.open("xb")
            os.chmod(path, 0o600)  # who called whom is nobody else's business
            if _lock(file) and os.fstat(file.fileno()).st_nlink:
                self._file, self._path = file, path
                return
            file.close()  # another gateway found it before we had locked it, and took it for a leftover


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # another gateway has just replayed it
        return 0


def _lock(file: BinaryIO) -> bool:
    """False: another process has it. Where there are no such locks, a folder belongs to one gateway."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
