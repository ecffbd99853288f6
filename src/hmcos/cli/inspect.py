"""hmcos inspect: the contents of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

import hmcos
from hmcos.cli.options import (
    alignment_option,
    bind_option,
    json_option,
    kernels_option,
    model_argument,
    target_option,
)

_EXAMPLES = """
\b
Examples:
  hmcos inspect model.onnx
  hmcos inspect model.onnx --bind batch=1 --json
  hmcos inspect zoo:nasnet-cifar --target hmcos --instance nasnet.json
"""


@click.command(epilog=_EXAMPLES, short_help="Show the contents of a model, and what to bind.")
@model_argument
@target_option
@kernels_option
@bind_option
@alignment_option
@click.option(
    "--instance",
    metavar="OUT.json",
    type=click.Path(path_type=Path),
    help="Write the problem of MODEL on the target as a file: to store, share or schedule.",
)
@json_option
def inspect(
    model: str,
    bind: tuple[tuple[str, int], ...],
    instance: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Show inputs, outputs, operators and sizes of MODEL, and which symbols to bind."""
    inspection = hmcos.inspect(model, bind=dict(bind))
    if instance is not None:
        # The other options are named like the keywords of hmcos.export_instance.
        hmcos.export_instance(model, instance, bind=dict(bind), **options)
    if as_json:
        from hmcos.report.records.result_records import inspection_record  # noqa: PLC0415 (tables need rich, records do not)

        click.echo(json.dumps(inspection_record(inspection)))
    else:
        from hmcos.report.tables.result_tables import inspection_tables, show  # noqa: PLC0415

        show(inspection_tables(inspection))
    return 0
