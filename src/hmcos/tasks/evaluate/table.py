"""All rows of a run, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from hmcos.errors import ToolError
from hmcos.staging import write
from hmcos.tasks.evaluate.row import FIELDS, WHOLE, Row, row_record
from hmcos.tasks.evaluate.rows_file import csv_text
from hmcos.tasks.places import check_file


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a run, in the order in which they were completed."""

    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, number: int) -> Row:
        return self.rows[number]

    def __repr__(self) -> str:
        wrong = sum(row.error is not None for row in self.rows)
        return f"<Table: {len(self.rows):,} rows, {wrong:,} of them errors>"

    def to_pandas(self) -> Any:
        """Return the rows as a pandas DataFrame, one column per field; whole numbers stay whole.

        Raises:
            ToolError: pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise ToolError("pandas is not installed: pip install pandas") from error
        frame = pandas.DataFrame([row_record(row) for row in self.rows], columns=list(FIELDS))
        return frame.astype(dict.fromkeys(WHOLE, "Int64") | {"seconds": "float64"})

    def write_csv(self, path: str | PathLike[str]) -> None:
        """Write the rows as CSV, with a heading; a file that is there is replaced.

        Raises:
            OutputError: the file cannot be written.
        """
        place = Path(path)
        check_file(place)
        write(place, csv_text(self.rows, heading=True).encode())
