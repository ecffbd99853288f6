"""hmcos draw: pictures of a model, its hierarchy, its orders and its arena."""

from __future__ import annotations

from typing import Any

import click

import hmcos
from hmcos.cli.interruption import Interruption
from hmcos.cli.options import (
    alignment_option,
    bind_option,
    complete_schedulers,
    kernels_option,
    model_argument,
    target_option,
    time_limit_option,
)
from hmcos.cli.progress import Progress
from hmcos.plan.file.row_file import is_row_plan
from hmcos.report.pictures.picture_table import names, renderer

_EXAMPLES = """
\b
Examples:
  hmcos draw zoo:pnas-cifar --what memory -o memory.svg
  hmcos draw model.onnx --what schedule --scheduler rpo -o schedule.pdf
  hmcos draw model.onnx --what arena --target hmcos -o arena.png
  hmcos draw model.onnx --what graph -o graph.dot        for other layout programs
  hmcos draw firmware/eyes.plan.json -o rows.png         the row plan of hmcos compile
"""

_RENDERERS = {
    "Graphviz": "laid out by the program dot of Graphviz",
    "hmcos": "laid out by hmcos, since the program dot of Graphviz is not installed",
}


@click.command(epilog=_EXAMPLES, short_help="Draw a model, its hierarchy, its orders or its arena.")
@model_argument
@click.option(
    "-w",
    "--what",
    type=click.Choice(names()),
    default=None,
    help="What to draw (docs/plots.md).  [default: schedule; rows for a row plan]",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    required=True,
    help="File to write: .svg, .pdf, .png, or .dot for graphs.",
)
@click.option(
    "-s",
    "--scheduler",
    default="optimal",
    show_default=True,
    metavar="NAME",
    shell_complete=complete_schedulers,
    help="Scheduler whose order to show.",
)
@click.option("--allocator", default="auto", show_default=True, metavar="NAME", help="Planner of the arena.")
@target_option
@kernels_option
@bind_option
@time_limit_option("Stop searches after this time and draw the best order and arena so far.")
@alignment_option
def draw(model: str, bind: tuple[tuple[str, int], ...], **options: Any) -> int:
    """Draw MODEL, or the row plan of hmcos compile, into a file; the suffix of FILE selects the format.

    Everything but memory, arena and rows is a graph. Graphs are laid out by the program dot of Graphviz where
    it is installed, otherwise by hmcos itself, or written as DOT text.
    """
    # The other options are named like the keywords of hmcos.draw.
    with Interruption() as interruption, Progress() as progress:
        place = hmcos.draw(
            model, bind=dict(bind), observer=progress, interrupted=interruption.happened, **options
        )
    click.echo(place)
    what = options["what"] or ("rows" if is_row_plan(model) else "schedule")
    if told := _RENDERERS.get(renderer(what, place.suffix.lower().removeprefix("."))):
        click.echo(f"hmcos: note: {told}", err=True)
    return 0
