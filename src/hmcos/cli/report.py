"""hmcos report: the page that explains a plan."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

import hmcos
from hmcos.cli.interruption import Interruption
from hmcos.cli.options import complete_models, time_limit_option
from hmcos.cli.progress import Progress
from hmcos.report.page.page import NAME

_EXAMPLES = """
\b
Examples:
  hmcos report out/plan.json --open
  hmcos report out/plan.json --model moved/model.onnx -o page.html
"""


@click.command(epilog=_EXAMPLES, short_help="Write the page that explains a plan.")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--open", "opens", is_flag=True, help="Show the page in the browser.")
@click.option(
    "--model",
    metavar="MODEL",
    shell_complete=complete_models,
    help="The planned model, if it has been moved since.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, readable=False),
    help=f"Where to write the page.  [default: {NAME} beside PLAN; eyes.html beside eyes.plan.json]",
)
@time_limit_option(
    "Stop the search for a tiling after this time (10 seconds without this option), and trying changes after "
    "as long again; the page says how many were tried."
)
def report(plan: Path, opens: bool, model: str | None, output: Path | None, time_limit: float | None) -> int:
    """Write the page that explains why the model of PLAN needs its memory, and what would reduce it.

    The page is one file that works offline (docs/page.md). Ctrl-C stops the search for advice.
    """
    with Interruption() as interruption, Progress() as progress:
        place = hmcos.report(
            plan,
            model=model,
            output=output,
            time_limit=time_limit,
            observer=progress,
            interrupted=interruption.happened,
        )
    click.echo(place)
    if opens:
        webbrowser.open(place.absolute().as_uri())
    return 0
