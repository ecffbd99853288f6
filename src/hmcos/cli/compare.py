"""hmcos compare: every scheduler side by side."""

from __future__ import annotations

import json

import click

from hmcos import api
from hmcos.cli.options import (
    alignment_option,
    bind_option,
    json_option,
    model_argument,
    target_option,
    time_limit_option,
)
from hmcos.cli.progress import Progress

_EXAMPLES = """
\b
Examples:
  hmcos compare zoo:nasnet-cifar --target hmcos
  hmcos compare model.onnx --bind batch=1 --time-limit 10 --json
"""


@click.command(epilog=_EXAMPLES, short_help="Set every scheduler side by side.")
@model_argument
@target_option
@bind_option
@time_limit_option("Seconds for each scheduler.")
@alignment_option
@json_option
def compare(
    model: str,
    target: str,
    bind: tuple[tuple[str, int], ...],
    time_limit: float | None,
    alignment: int | None,
    as_json: bool,
) -> int:
    """Schedule MODEL with every scheduler and show what each of them needs."""
    with Progress() as progress:
        found = api.compare(
            model,
            target=target,
            bind=dict(bind),
            time_limit=time_limit,
            alignment=alignment,
            observer=progress,
        )
    if as_json:
        from hmcos.report.records import comparison_record  # noqa: PLC0415 (tables need rich, records do not)

        click.echo(json.dumps(comparison_record(found)))
    else:
        from hmcos.report.tables import comparison_table, show  # noqa: PLC0415

        show(comparison_table(found))
    return 0
