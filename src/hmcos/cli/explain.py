"""hmcos explain: why a model needs its memory, and what would reduce it."""

from __future__ import annotations

import json
from typing import Any

import click

import hmcos
from hmcos.cli.interruption import Interruption
from hmcos.cli.options import (
    alignment_option,
    bind_option,
    jobs_option,
    json_option,
    kernels_option,
    model_argument,
    target_option,
    time_limit_option,
)
from hmcos.cli.progress import Progress

_EXAMPLES = """
\b
Examples:
  hmcos explain model.onnx
  hmcos explain model.onnx --bind batch=1 --target tflm
  hmcos explain zoo:nasnet-cifar --json
"""


@click.command(epilog=_EXAMPLES, short_help="Explain why a model needs its memory, and what would reduce it.")
@model_argument
@target_option
@kernels_option
@bind_option
@time_limit_option(
    "Stop the search for an order after this time, the search for a tiling after as long again "
    "(10 seconds without this option), and trying changes after as long again."
)
@jobs_option
@alignment_option
@click.option("--external-io", is_flag=True, help="The caller supplies the memory of inputs and outputs.")
@json_option
def explain(model: str, bind: tuple[tuple[str, int], ...], as_json: bool, **options: Any) -> int:
    """Show what is live at the peak of MODEL, which operators force it, and what would reduce it.

    The advice is computed: hmcos tiles the network, and searches for the best order of each changed network.
    Ctrl-C stops the searches and shows the results so far.
    """
    # The other options are named like the keywords of hmcos.explain.
    with Interruption() as interruption, Progress() as progress:
        explanation = hmcos.explain(
            model, bind=dict(bind), observer=progress, interrupted=interruption.happened, **options
        )
    if as_json:
        from hmcos.report.records.explanation_record import explanation_record  # noqa: PLC0415 (tables need rich)

        click.echo(json.dumps(explanation_record(explanation)))
    else:
        from hmcos.report.tables.explanation_tables import explanation_tables  # noqa: PLC0415
        from hmcos.report.tables.result_tables import show  # noqa: PLC0415

        show(explanation_tables(explanation))
    return 0
