"""hmcos arena: offsets for lives that come from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

import hmcos
from hmcos.cli.exits import exit_code
from hmcos.cli.interruption import Interruption
from hmcos.cli.options import Size, allocator_option, json_option, time_limit_option
from hmcos.cli.progress import Progress

_EXAMPLES = """
\b
Examples:
  hmcos arena lives.csv                        the smallest arena
  hmcos arena lives.csv --capacity 1MiB -o placed.csv
  hmcos arena lives.json --time-limit 10 --json

\b
CSV as MiniMalloc has it: id,lower,upper,size with life [lower, upper); the result adds a column offset.
Exit code with a capacity: 0 fits, 3 proved that it does not, 4 undecided within the limit.
"""


@click.command(epilog=_EXAMPLES, short_help="Give offsets to buffers whose lives are known.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--capacity", type=Size(), help="Bytes to fit into; the smallest arena when not given.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Write the lives with their offsets: .csv, or .json with every life pinned.",
)
@allocator_option("auto")
@time_limit_option("Stop the search after so long; the best arena so far is the answer.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Workers of the constraint solver.")
@json_option
def arena(file: Path, as_json: bool, **options: Any) -> int:
    """Find offsets for the lives in FILE, a CSV or JSON file, so that those that meet do not overlap.

    Ctrl-C ends the search and keeps the best arena so far; a second one ends everything.
    """
    # The other options have the names of the keywords of hmcos.allocate.
    with Interruption() as interruption:
        with Progress() as progress:
            found = hmcos.allocate(file, observer=progress, interrupted=interruption.happened, **options)
        if as_json:
            from hmcos.report.records.result_records import allocation_record  # noqa: PLC0415 (tables need rich)

            click.echo(json.dumps(allocation_record(found)))
        else:
            from hmcos.report.tables.arena_table import allocation_table  # noqa: PLC0415
            from hmcos.report.tables.result_tables import show  # noqa: PLC0415

            show(allocation_table(found))
    return 0 if found.capacity is None else exit_code(found.decided)
