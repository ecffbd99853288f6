"""hmcos compare: every scheduler side by side."""

from __future__ import annotations

import json
from typing import Any

import click
from click.core import ParameterSource

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
from hmcos.errors import OptionError

_ALL = "zoo:all"

_EXAMPLES = """
\b
Examples:
  hmcos compare zoo:nasnet-cifar --target hmcos
  hmcos compare zoo:all --json                 the experiment of the paper, on target hmcos
  hmcos compare model.onnx --bind batch=1 --time-limit 10 --json
"""


@click.command(epilog=_EXAMPLES, short_help="Compare all schedulers side by side.")
@model_argument
@target_option
@kernels_option
@bind_option
@time_limit_option("Seconds for each scheduler.")
@jobs_option
@alignment_option
@json_option
def compare(model: str, bind: tuple[tuple[str, int], ...], as_json: bool, **options: Any) -> int:
    """Schedule MODEL with every scheduler and show the peak of each.

    With zoo:all, run the experiment of the HMCOS paper: several orders of every bundled network, and the
    arenas of each order; the target is hmcos unless you name one.
    """
    # The other options are named like the keywords of hmcos.compare and hmcos.experiment.
    if model == _ALL:
        return _experiment(bind, as_json, options)
    with Progress() as progress:
        comparison = hmcos.compare(model, bind=dict(bind), observer=progress, **options)
    if as_json:
        from hmcos.report.records.result_records import comparison_record  # noqa: PLC0415 (tables need rich, records do not)

        click.echo(json.dumps(comparison_record(comparison)))
    else:
        from hmcos.report.tables.result_tables import comparison_table, show  # noqa: PLC0415

        show(comparison_table(comparison))
    return 0


def _experiment(bind: tuple[tuple[str, int], ...], as_json: bool, options: dict[str, Any]) -> int:
    if bind:
        raise OptionError(f"{_ALL} has no symbolic dimensions, so {bind[0][0]} cannot be bound")
    if options.pop("kernels") is not None:
        raise OptionError(f"{_ALL} has no .tflite models, so there are no kernels to choose")
    if click.get_current_context().get_parameter_source("target") is ParameterSource.DEFAULT:
        options["target"] = "hmcos"
    with Interruption() as interruption, Progress() as progress:
        trials = hmcos.experiment(observer=progress, interrupted=interruption.happened, **options)
    if as_json:
        from hmcos.report.records.result_records import experiment_record  # noqa: PLC0415 (tables need rich, records do not)

        click.echo(json.dumps(experiment_record(trials)))
    else:
        from hmcos.report.tables.result_tables import experiment_table, show  # noqa: PLC0415

        show(experiment_table(trials))
    return 0
