"""hmcos measure: the memory that ONNX Runtime, or TFLM, takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

import hmcos
from hmcos.cli.options import bind_option, json_option, model_argument, target_option, time_limit_option

if TYPE_CHECKING:
    from hmcos.tasks.measure.tflite import ArenaMeasurement

_EXAMPLES = """
\b
Examples:
  hmcos measure model.onnx
  hmcos measure zoo:nasnet-cifar --target onnxruntime --processes 9
  hmcos measure model.tflite
  hmcos measure model.pt2
"""


@click.command(
    epilog=_EXAMPLES, short_help="Measure the memory that ONNX Runtime, or TFLM, takes in several orders."
)
@model_argument
@target_option
@bind_option
@time_limit_option("Stop the search for the planned order after this time.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="New processes per setting; the median is shown.",
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
    """Run MODEL with default settings, in file order and in the planned order, and show the memory of each.

    The measured memory is the growth of the process while the network runs, plus the inputs; beside it
    stands the peak that the target predicts. Kernels need some memory of their own on top.

    For a TensorFlow Lite model, show the arena that TensorFlow Lite for Microcontrollers (TFLM) reports. For
    an exported program of PyTorch, show the bytes of live tensors and of the allocator, in both orders.
    """
    from hmcos.tasks.measure.tflite import ArenaMeasurement  # noqa: PLC0415 (imports numpy, and help needs no command)

    measurement = hmcos.measure(
        model, target=target, bind=dict(bind), time_limit=time_limit, processes=processes
    )
    if isinstance(measurement, ArenaMeasurement):
        _tell_arena(measurement, as_json=as_json)
    elif as_json:
        from hmcos.report.records.result_records import measurement_record  # noqa: PLC0415 (tables need rich, records do not)

        click.echo(json.dumps(measurement_record(measurement)))
    else:
        from hmcos.report.tables.result_tables import show  # noqa: PLC0415
        from hmcos.report.tables.verification_table import measurement_table  # noqa: PLC0415

        show(measurement_table(measurement))
    return 0


def _tell_arena(measurement: ArenaMeasurement, *, as_json: bool) -> None:
    from hmcos.report.tables.tflm_arena import arena_record, arena_table  # noqa: PLC0415 (needs rich)

    if as_json:
        click.echo(json.dumps(arena_record(measurement)))
    else:
        from hmcos.report.tables.result_tables import show  # noqa: PLC0415

        show(arena_table(measurement))
