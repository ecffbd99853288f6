"""hmcos evaluate: many networks, row by row."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

import click

import hmcos
from hmcos.cli.interruption import Interruption
from hmcos.cli.options import (
    Size,
    alignment_option,
    allocator_option,
    bind_option,
    budget_option,
    complete_models,
    json_option,
    output_option,
    overwrite_option,
    target_option,
    time_limit_option,
)
from hmcos.errors import OptionError
from hmcos.frontends.loading import SUFFIXES
from hmcos.log import is_heard
from hmcos.words import one_line, printable, short
from hmcos.zoo.catalogue import names as zoo_names

if TYPE_CHECKING:
    from hmcos.tasks.evaluate.summary import Summary

WRONG_ROWS, INTERRUPTED = 1, 130
_ALL = "zoo:all"
_PACE = 0.1
"""Seconds between two updates of the bar."""

_EXAMPLES = """
\b
Examples:
  hmcos evaluate models/ -o rows.jsonl         every model in a folder, on all cores
  hmcos evaluate models/ -o rows.jsonl --resume      go on where it stopped
  hmcos evaluate *.tflite --target tflm --budget 256K -o rows.csv
  hmcos evaluate zoo:all --target hmcos --jobs 2 --json
  hmcos evaluate models/ --jobs 8 --memory-limit 4G --time-limit 60 -o rows.jsonl
  hmcos evaluate models/ --dask tcp://10.0.0.1:8786 -o rows.jsonl
  hmcos evaluate models/ --dask scheduler.json -o rows.jsonl

\b
Exit codes: 0 every network has its figures, 1 rows have errors, 130 interrupted: the rows so far are kept.
"""


@click.command(epilog=_EXAMPLES, short_help="Evaluate many networks, row by row, on all cores or a cluster.")
@click.argument("models", nargs=-1, required=True, shell_complete=complete_models)
@output_option("FILE", "File to which each row is appended at once: .jsonl or .csv.")
@click.option("--resume", is_flag=True, help="Go on with the file: keep its rows, and search only the rest.")
@overwrite_option("Replace the file.")
@budget_option("Ask of each network whether it fits into so many bytes: 256K, 1.5MB.")
@target_option
@bind_option
@time_limit_option("Stop each search after this time, with the best order so far.")
@click.option(
    "--jobs", type=int, metavar="N", help="Worker processes; 1 works in this one.  [default: all cores]"
)
@click.option(
    "--memory-limit",
    type=Size(),
    help="Bytes that each worker may take; a network that needs more is an error.",
)
@click.option(
    "--dask", metavar="ADDRESS", help="A cluster of Dask instead: tcp://HOST:PORT, or its scheduler file."
)
@alignment_option
@allocator_option(None)
@click.option(
    "--keep-going/--fail-fast",
    default=True,
    show_default=True,
    help="Whether to go on after a network with an error.",
)
@json_option
def evaluate(
    models: tuple[str, ...],
    bind: tuple[tuple[str, int], ...],
    dask: str | None,
    keep_going: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Find the least peak of each of MODELS: files, folders of them, zoo:NAME, or zoo:all.

    Each network is one row of the result: its peak, a proved lower bound, its arena, or an error. Ctrl-C ends
    the run and keeps the rows; --resume goes on later. Errors are counted at the end.
    """
    # The other options are named like the keywords of hmcos.evaluate.
    given = tuple(_expanded(models))
    rows: list[hmcos.Row] = []
    with ExitStack() as stack:
        interruption = stack.enter_context(Interruption("the rows so far are kept; again to stop at once"))
        if dask is not None:
            options["executor"] = stack.enter_context(_cluster(dask))
        found = stack.enter_context(
            hmcos.evaluate(given, bind=dict(bind), interrupted=interruption.happened, **options)
        )
        bar = stack.enter_context(Bar(len(given), with_budget=options["budget"] is not None))
        for row in found:
            rows.append(row)
            bar.add(row)
            if row.error is not None and not keep_going:
                break
    _tell(_summary(rows, given, options), as_json=as_json)
    if interruption.happened():
        return INTERRUPTED
    return WRONG_ROWS if any(row.error is not None for row in rows) else 0


def _expanded(models: tuple[str, ...]) -> Iterator[str]:
    """Yield the networks that are meant: those in a folder, all of the zoo, or the one that is named.

    Raises:
        OptionError: a folder has no model in it.
    """
    for model in models:
        if model == _ALL:
            yield from (f"zoo:{name}" for name in zoo_names())
        elif Path(model).is_dir():
            files = sorted(path for path in Path(model).rglob("*") if path.suffix.lower() in SUFFIXES)
            if not files:
                raise OptionError(f"{model}: holds no model file ({', '.join(SUFFIXES)})")
            yield from map(str, files)
        else:
            yield model


@contextmanager
def _cluster(address: str) -> Generator[Any]:
    from hmcos.tasks.evaluate.executors import cluster  # noqa: PLC0415 (few runs need it)

    def note(words: str) -> None:
        click.echo(f"hmcos: note: {one_line(words)}", err=True)

    with cluster(address, note) as executor:
        yield executor


def _summary(rows: list[hmcos.Row], given: tuple[str, ...], options: dict[str, Any]) -> Summary:
    from hmcos.tasks.evaluate.summary import Summary, in_order  # noqa: PLC0415 (after the work)

    listed = in_order(rows, map(printable, given))
    missing = len(given) - len(rows)
    return Summary(listed, options["target"], options["budget"], options["output"], missing)


def _tell(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        from hmcos.report.records.evaluation_record import evaluation_record  # noqa: PLC0415 (tables need rich)

        click.echo(json.dumps(evaluation_record(summary)))
    else:
        from hmcos.report.tables.evaluation_tables import evaluation_tables  # noqa: PLC0415
        from hmcos.report.tables.result_tables import show  # noqa: PLC0415

        show(evaluation_tables(summary))


class Bar:
    """A bar on a terminal's standard error: networks done, how many a second, the best, and failures."""

    def __init__(self, networks: int, *, with_budget: bool) -> None:
        """Show nothing yet, and nothing at all where standard error is no terminal."""
        self._shown = sys.stderr.isatty() and not is_heard()  # lines of a log would tear it apart
        self._networks, self._with_budget = networks, with_budget
        self._begun = self._next = perf_counter()
        self._done = self._fit = self._failed = 0
        self._best: int | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Show the bar."""
        if self._shown:
            from rich.console import Console  # noqa: PLC0415 (only on a terminal)
            from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

            columns = (BarColumn(), TextColumn("{task.description}"))
            bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar = self._open.enter_context(bar)
            self._task = self._bar.add_task(self._words(), total=self._networks)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self._open.close()

    def add(self, row: hmcos.Row) -> None:
        """Count a row, and show it unless the bar was updated a moment ago."""
        self._done += 1
        self._fit += row.fits is True
        self._failed += row.error is not None
        if row.peak is not None:
            self._best = row.peak if self._best is None else min(self._best, row.peak)
        if self._shown and (perf_counter() >= self._next or self._done == self._networks):
            self._next = perf_counter() + _PACE
            self._bar.update(self._task, completed=self._done, description=self._words())

    def _words(self) -> str:
        rate = self._done / max(1e-9, perf_counter() - self._begun)
        words = [f"{self._done:,} of {self._networks:,}", f"{rate:,.1f} a second"]
        words += [f"{self._fit:,} fit"] if self._with_budget else []
        words += [f"least peak {short(self._best)}"] if self._best is not None else []
        words += [f"{self._failed:,} error{'s' * (self._failed > 1)}"] if self._failed else []
        return ", ".join(words)
