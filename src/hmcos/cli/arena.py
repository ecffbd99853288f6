"""hmcos arena: offsets for the lives in a file."""

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
CSV files are in MiniMalloc's format: id,lower,upper,size, live in [lower, upper). The result adds an offset.
Exit codes with --capacity: 0 fits, 3 proved that nothing fits, 4 undecided within the limit.
"""


@click.command(epilog=_EXAMPLES, short_help="Find offsets for buffers whose lives are known.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--capacity", type=Size(), help="Bytes to fit into; without it, find the smallest arena.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help="Write the lives with their offsets: .csv, or .json with every life pinned.",
)
@allocator_option("auto")
@time_limit_option("Stop the search after this time and return the best arena so far.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Workers of the constraint solver.")
@json_option
def arena(file: Path, as_json: bool, **options: Any) -> int:
    """Find offsets for the lives in FILE (CSV or JSON) such that buffers live together never overlap.

    Ctrl-C stops the search and keeps the best arena so far; a second Ctrl-C aborts.
    """
    # The other options are named like the keywords of hmcos.allocate.
    with Interruption() as interruption:
        with Progress() as progress:
            allocation = hmcos.allocate(file, observer=progress, interrupted=interruption.happened, **options)
        if as_json:
            from hmcos.report.records.result_records import allocation_record  # noqa: PLC0415 (tables need rich)

            click.echo(json.dumps(allocation_record(allocation)))
        else:
            from hmcos.report.tables.arena_table import allocation_table  # noqa: PLC0415
            from hmcos.report.tables.result_tables import show  # noqa: PLC0415

            show(allocation_table(allocation))
    return 0 if allocation.capacity is None else exit_code(allocation.decided)
