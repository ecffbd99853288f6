"""hmcos measure: the memory that ONNX Runtime, or TFLM, really takes."""

from __future__ import annotations

import json

import click

import hmcos
from hmcos.cli.options import bind_option, json_option, model_argument, target_option, time_limit_option
from hmcos.tasks.measure.tflite import ArenaMeasurement

_EXAMPLES = """
\b
Examples:
  hmcos measure model.onnx
  hmcos measure zoo:nasnet-cifar --target onnxruntime --processes 9
  hmcos measure model.tflite
"""


@click.command(
    epilog=_EXAMPLES, short_help="Measure what ONNX Runtime, or TFLM, really takes in several orders."
)
@model_argument
@target_option
@bind_option
@time_limit_option("Stop the search for the planned order after so long.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Fresh processes per setting; the median counts.",
)
@json_option
def measure(
    model: str,
    target: str,
    bind: tuple[tuple[str, int], ...],
    time_limit: float | None,
    processes: int,
    as_json: bool,
) -> int:
    """Run MODEL by default, in the order of its file, and in the planned order, and show the memory.

    Measured is by how much a process grows while the network runs, plus its inputs; beside it stands the
    peak that the target predicts. Kernels need some memory of their own on top.

    Of a TensorFlow Lite model it shows the arena that TensorFlow Lite for Microcontrollers reports.
    """
    found = hmcos.measure(model, target=target, bind=dict(bind), time_limit=time_limit, processes=processes)
    if isinstance(found, ArenaMeasurement):
        _tell_arena(found, as_json=as_json)
    elif as_json:
        from hmcos.report.records.result_records import measurement_record  # noqa: PLC0415 (tables need rich, records do not)

        click.echo(json.dumps(measurement_record(found)))
    else:
        from hmcos.report.tables.result_tables import show  # noqa: PLC0415
        from hmcos.report.tables.verification_table import measurement_table  # noqa: PLC0415

        show(measurement_table(found))
    return 0


def _tell_arena(found: ArenaMeasurement, *, as_json: bool) -> None:
    from hmcos.report.tables.tflm_arena import arena_record, arena_table  # noqa: PLC0415 (needs rich)

    if as_json:
        click.echo(json.dumps(arena_record(found)))
    else:
        from hmcos.report.tables.result_tables import show  # noqa: PLC0415

        show(arena_table(found))
