"""Files of rows, JSON lines or CSV: appended row by row, and read again to resume a run."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any, cast

from hmcos.errors import OptionError, OutputError
from hmcos.files import read_ordinary
from hmcos.processes import send_to
from hmcos.staging import output_errors
from hmcos.tasks.evaluate.row import FIELDS, WHOLE, Row, read_row, row_record
from hmcos.tasks.places import check_file
from hmcos.words import first_line

_SUFFIXES = (".jsonl", ".ndjson", ".csv")
_LINE_END = b"\n"


def csv_text(rows: Iterable[Row], *, heading: bool) -> str:
    """Return rows as CSV, with a heading or without; what a row does not have is left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if heading:
        writer.writerow(FIELDS)
    writer.writerows(row_record(row).values() for row in rows)
    return text.getvalue()


class Standing:
    """The rows that a file holds when a run begins to resume it."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
        self._of_key: dict[str, Row] = {}
        self._free: Counter[str] = Counter()
        self._owed: defaultdict[str, list[str]] = defaultdict(list)
        for row in rows:
            self._rows[row.name, row.key].append(row)
            self._of_key[row.key] = row
            self._free[row.key] += 1

    def find(self, name: str, key: str) -> tuple[Row | None, Row | None]:
        """Return the row of a candidate, None if none stands, and the row to write for it, None if none.

        A row counts for the same bytes under another name, as when files were moved. If a candidate of its
        own name comes later, as equal files do, the file gets a row for the other name then. So in the end
        each candidate has one.
        """
        own = self._rows.get((name, key))
        if own:
            row = own.pop()
            if self._free[key]:
                self._free[key] -= 1
                return row, None
            return row, replace(row, name=self._owed[key].pop())
        if key not in self._of_key:
            return None, None
        row = replace(self._of_key[key], name=name)
        if not self._free[key]:
            return row, row
        self._free[key] -= 1
        self._owed[key].append(name)
        return row, None


class RowsFile:
    """A file that rows of one run are appended to; each is in the file when the next begins."""

    def __init__(self, path: Path) -> None:
        """Name the file, without opening it.

        Raises:
            OptionError: its suffix is of no format.
            OutputError: it is no place for a file.
        """
        if path.suffix.lower() not in _SUFFIXES:
            raise OptionError(
                f"{path}: rows are written as JSON lines or CSV; name a file {', '.join(_SUFFIXES)}"
            )
        check_file(path)
        self.path, self._is_csv = path, path.suffix.lower() == ".csv"
        self._file: FileIO | None = None
        self._size = 0
        """Bytes that stay of what is there, and then those that are written."""
        self._expected: int | None = None
        """Bytes that are there when the run begins; None if it does not matter."""
        self._begun = False
        """Whether what does not stay has been removed."""

    def check_new(self) -> None:
        """Check that there are no rows in the file yet.

        Raises:
            OutputError: there is something.
        """
        self._expected = 0
        with output_errors(self.path):
            if self.path.exists() and self.path.stat().st_size:
                raise OutputError(
                    f"{self.path}: is there already; resume it (--resume, resume=True),"
                    " replace it (--overwrite, overwrite=True), or name another file"
                )

    def check_apart(self, file: str) -> None:
        """Check that a candidate is not this file, also through links: it would be written over.

        Raises:
            OutputError: it is.
        """
        with suppress(OSError, ValueError):
            if Path(file).samefile(self.path):
                raise OutputError(f"{self.path}: is the candidate {file}; name another file for the rows")

    def standing(self, request: str) -> Standing:
        """Return the rows of the file, which are kept; a last one that was cut short is not.

        Raises:
            OutputError: the file holds something else, or rows of another request.
        """
        content = b""
        with output_errors(self.path, "cannot be read"), suppress(FileNotFoundError):
            content = read_ordinary(self.path)
        whole, torn = content[: content.rfind(_LINE_END) + 1], content[content.rfind(_LINE_END) + 1 :]
        rows = list(self._read(whole, request))
        if not whole and torn and not self._begins(torn):
            raise OutputError(f"{self.path}: holds no rows of hmcos evaluate; name another file")
        self._size, self._expected = len(whole), len(content)
        return Standing(rows)

    def open(self) -> None:
        """Begin a run, while no other one may write to the file; what is in it stays until the first row.

        Raises:
            OutputError: it cannot be written, another run writes to it, or it has changed since it was read.
        """
        with output_errors(self.path):
            self._file = FileIO(self.path, "a")
            self._lock(self._file)
            if self._expected not in (None, os.fstat(self._file.fileno()).st_size):
                raise OutputError(f"{self.path}: has changed since this run was prepared; begin it again")

    def append(self, row: Row) -> None:
        """Write a row, so that it is in the file even if this process is killed.

        Raises:
            OutputError: it cannot be written.
        """
        self.finish()
        self._write(self._line(row))

    def finish(self) -> None:
        """Leave nothing in the file but rows, even if there are none.

        Raises:
            OutputError: it cannot be written.
        """
        if self._begun or self._file is None:
            return
        with output_errors(self.path):
            self._file.truncate(self._size)
        if self._is_csv and not self._size:
            self._write(csv_text((), heading=True).encode())
        self._begun = True

    def close(self) -> None:
        """Close the file, which another run may then open."""
        if self._file is not None:
            with output_errors(self.path):
                self._file.close()

    def _write(self, content: bytes) -> None:
        """Append a content, or nothing of it if the disk is full."""
        assert self._file is not None
        with output_errors(self.path):
            try:
                send_to(self._file.fileno(), content)
            except OSError:
                with suppress(OSError):
                    self._file.truncate(self._size)
                raise
        self._size += len(content)

    def _lock(self, file: FileIO) -> None:
        """Keep other processes from opening the file, where a system can, until this one closes it or ends.

        Raises:
            OutputError: another one has it.
        """
        if sys.platform == "win32":
            return
        import fcntl  # noqa: PLC0415 (not everywhere)

        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):  # all others: the file system has no locks
                raise OutputError(
                    f"{self.path}: another run writes to it; wait for its end, or name another file"
                ) from error

    def _line(self, row: Row) -> bytes:
        if self._is_csv:
            return csv_text((row,), heading=False).encode()
        return json.dumps(row_record(row)).encode() + _LINE_END

    def _begins(self, torn: bytes) -> bool:
        """Return whether a text is the beginning of the first line of such a file."""
        heading = csv_text((), heading=True).encode() if self._is_csv else b'{"name": "'
        return torn.startswith(heading[: len(torn)]) if len(torn) < len(heading) else torn.startswith(heading)

    def _read(self, content: bytes, request: str) -> Iterator[Row]:
        """Yield the rows of a file.

        Raises:
            OutputError: a line is no row, or of another request.
        """
        number = 0
        try:
            for number, line in enumerate(self._lines(content.decode()), 1 + self._is_csv):
                row = read_row(_from_csv(line) if isinstance(line, list) else _from_json(line))
                if row.key.rpartition("@")[2] != request:
                    raise OutputError(
                        f"{self.path}: line {number} is of another request (another target, budget or limit,"
                        " or another version of hmcos), so it cannot be resumed; name another file"
                    )
                yield row
        except (ValueError, csv.Error, RecursionError) as error:
            wrong = f"line {number} is no row" if number > 1 + self._is_csv else "holds no rows"
            raise OutputError(
                f"{self.path}: {wrong} of hmcos evaluate ({first_line(error)}); name another file"
            ) from error

    def _lines(self, text: str) -> Iterator[str | list[str]]:
        """Yield the lines of a file; those of CSV as cells, without the heading."""
        if not self._is_csv:
            yield from text.split("\n")[:-1]
            return
        reader = csv.reader(io.StringIO(text), strict=True)
        heading = next(reader, None)
        if heading is not None and tuple(heading) != FIELDS:
            raise ValueError("its heading is another")
        yield from reader


def _from_json(line: str) -> dict[str, Any]:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("it is no object")
    return cast("dict[str, Any]", record)


def _from_csv(line: list[str]) -> dict[str, Any]:
    """Return the record that the cells of a line stand for."""
    cells = dict(zip(FIELDS, line, strict=True))
    record: dict[str, Any] = {name: cell or None for name, cell in cells.items()}
    for name in WHOLE:
        record[name] = int(cells[name]) if cells[name] else None
    return record | {"name": cells["name"], "key": cells["key"], "seconds": float(cells["seconds"])}
