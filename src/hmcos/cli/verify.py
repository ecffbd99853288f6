"""hmcos verify: check a plan or a reordered model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

import hmcos
from hmcos.cli.exits import proof_exit_code
from hmcos.cli.options import Size, bind_option, json_option, model_argument
from hmcos.errors import OptionError

_EXAMPLES = """
\b
Examples:
  hmcos verify model.onnx out/plan.json
  hmcos verify model.onnx out/model.onnx --runs 5 --seed 7
  hmcos verify zoo:nasnet-cifar out/plan.json --json
  hmcos verify model.onnx out/plan.json --input tokens=tokens.npy
  hmcos verify model.tflite out/model.tflite --time-limit 60
  hmcos verify model.tflite firmware/model.c --runs 20
"""


class InputFile(click.ParamType[tuple[str, Path]]):
    """NAME=FILE.npy: the value of an input."""

    name = "NAME=FILE.npy"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Return name and file; raises OptionError if the text is not such a pair."""
        name, equals, file = str(value).partition("=")
        if not equals or not name or not file:
            raise OptionError(f"--input {value}: write NAME=FILE.npy, such as --input tokens=tokens.npy")
        return name, Path(file)


@click.command(epilog=_EXAMPLES, short_help="Check a plan or a reordered model by counting and running it.")
@model_argument
@click.argument("plan_or_model", type=click.Path())
@bind_option
@click.option("--runs", type=int, default=2, show_default=True, help="Number of inputs to run on.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random inputs.")
@click.option(
    "--input", "inputs", type=InputFile(), multiple=True, help="A file to use as an input; can be repeated."
)
@click.option(
    "-l",
    "--time-limit",
    type=click.IntRange(1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="Processor time that running the models may use.",
)
@click.option(
    "--memory-limit", type=Size(), default="16G", show_default=True, help="Memory that a run may use."
)
@click.option("--cc", metavar="COMPILER", help="Compiler of generated code.  [default: cc, gcc or clang]")
@click.option(
    "--cmsis-nn",
    metavar="FOLDER",
    type=click.Path(),
    help="Folder of CMSIS-NN, with Include and Source, for code that calls it.",
)
@json_option
def verify(model: str, plan_or_model: str, **options: Any) -> int:
    """Check that what PLAN_OR_MODEL says about MODEL is true.

    Recounts order, memory and arena with independent code, runs both models on the same inputs, and runs the
    network inside the planned arena, one operator at a time. A TensorFlow Lite model runs on LiteRT and on
    TFLM, which also reports the size of its arena. C code of hmcos compile, or its plan, is counted again,
    compiled, and run on the inputs that TFLM runs on, with sanitizers and everything dead overwritten, and
    on an emulated Cortex-M4 if zig and unicorn are installed. Exit codes: 0 if the plan holds, 5 if it does
    not, 6 if a check could not run, for instance because the runtime is not installed or lacks an operator.
    """
    # The other options are named like the keywords of hmcos.verify.
    as_json = options.pop("as_json")
    pairs = {name: dict(options.pop(name)) for name in ("bind", "inputs")}
    verification = hmcos.verify(model, plan_or_model, **pairs, **options)
    if as_json:
        from hmcos.report.records.result_records import verification_record  # noqa: PLC0415 (tables need rich, records do not)

        click.echo(json.dumps(verification_record(verification)))
    else:
        from hmcos.report.tables.result_tables import show  # noqa: PLC0415
        from hmcos.report.tables.verification_table import verification_table  # noqa: PLC0415

        show(verification_table(verification))
    return proof_exit_code(verification.answer)
