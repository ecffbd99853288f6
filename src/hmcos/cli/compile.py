"""hmcos compile: a network as one C file that computes it row by row."""

from __future__ import annotations

import json
from typing import Any

import click

import hmcos
from hmcos.cli.exits import exit_code
from hmcos.cli.interruption import Interruption
from hmcos.cli.options import (
    Size,
    bind_option,
    budget_option,
    json_option,
    model_argument,
    output_option,
    overwrite_option,
    time_limit_option,
)
from hmcos.cli.progress import Progress
from hmcos.errors import OptionError

_EXAMPLES = """
\b
Examples:
  hmcos compile model.tflite -o model.c
  hmcos compile model.tflite -o firmware/eyes.c --input rows --name eyes
  hmcos compile model.tflite -o model.c --kernels cmsis-nn
  hmcos compile model.tflite -o model.c --section flash=.ext_flash --section ram=.dtcm
  hmcos compile model.tflite --budget 16K      exit code 0: fits, 3: cannot, 4: undecided
"""


class Section(click.ParamType[tuple[str, str]]):
    """flash=NAME or ram=NAME: a section of the linker."""

    name = "flash=NAME|ram=NAME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return what goes there and the section; raises OptionError if the text is not such a pair."""
        what, equals, section = str(value).partition("=")
        if what not in ("flash", "ram") or not equals or not section:
            raise OptionError(f"--section {value}: write flash=NAME or ram=NAME, such as --section ram=.dtcm")
        return what, section


@click.command(
    "compile",
    epilog=_EXAMPLES,
    short_help="Write a network as C code that runs row by row in the least memory.",
)
@model_argument
@bind_option
@output_option(
    "FILE.c",
    "C file to write, such as eyes.c, with eyes.h, eyes.plan.json and eyes.html beside it; else nothing is.",
)
@click.option(
    "--input",
    "feeding",
    default="whole",
    show_default=True,
    type=click.Choice(["whole", "rows"]),
    help="How the input arrives: in memory as a whole, or one row after the other, as a camera gives it.",
)
@click.option(
    "--kernels",
    default="plain",
    show_default=True,
    type=click.Choice(["plain", "cmsis-nn"]),
    help="Whose functions compute rows: those in the code, or CMSIS-NN's, which your firmware has to have.",
)
@click.option(
    "--name", metavar="NAME", help="Begins the names of functions and macros.  [default: the file's]"
)
@click.option(
    "--section",
    "sections",
    type=Section(),
    multiple=True,
    help="The section of the linker for constants (flash) or for the arena (ram); can be repeated.",
)
@click.option(
    "--alignment",
    type=Size(),
    default=1,
    show_default=True,
    help="Round offsets of rows up to a multiple of this.",
)
@time_limit_option("Stop the search after this time and compile the best order so far.")
@budget_option("Write only if the arena fits into so many bytes: 16K.")
@overwrite_option("Replace results of another model, and files that hmcos did not make.")
@json_option
def compile_(model: str, as_json: bool, **options: Any) -> int:
    """Write MODEL, an int8 .tflite network, as one C99 file that computes it row by row.

    A row of a tensor is kept until its last reader, so the code needs a part of the memory that orders of
    whole operators need. It computes nothing twice, and gives the bits of TFLM's reference kernels. Ctrl-C
    stops the search and keeps the best order so far; a second Ctrl-C aborts.
    """
    feeding, alignment = options.pop("feeding"), options.pop("alignment")
    pairs = options.pop("sections")
    sections = dict(pairs)
    if len(sections) < len(pairs):
        raise OptionError("--section names the same memory twice; give flash=NAME and ram=NAME once each")
    with Interruption() as interruption, Progress() as progress:
        result = hmcos.compile_c(
            model,
            hmcos.Rows(feeding, alignment),
            bind=dict(options.pop("bind")),
            flash_section=sections.get("flash", ""),
            ram_section=sections.get("ram", ""),
            observer=progress,
            interrupted=interruption.happened,
            **options,
        )
    if as_json:
        from hmcos.report.records.row_record import compiled_record  # noqa: PLC0415 (no rich)

        click.echo(json.dumps(compiled_record(result.plan)))
    else:
        from hmcos.report.tables.compiled_tables import compiled_tables  # noqa: PLC0415
        from hmcos.report.tables.result_tables import show  # noqa: PLC0415

        show(compiled_tables(result.plan))
    budget = options["budget"]
    if budget is not None and result.plan.memory > budget:
        click.echo(f"hmcos: note: above the budget of {budget:,} bytes, so nothing was written", err=True)
    return 0 if budget is None else exit_code(result.answer(budget))
