"""op_sched: like the published HMCOS program of this name, with the same output lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hmcos.cli.interruption import Interruption
from hmcos.cli.options import (
    bind_option,
    complete_models,
    complete_targets,
    overwrite_option,
    time_limit_option,
)
from hmcos.cli.progress import Progress

_EXAMPLES = """
\b
Examples:
  op_sched nasnet-cifar.onnx out
  op_sched zoo:pnas-cifar out
"""


@click.command(epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", shell_complete=complete_models)
@click.argument("outdir", type=click.Path(path_type=Path))
@click.option(
    "-t",
    "--target",
    default="hmcos",
    show_default=True,
    metavar="NAME|FILE.toml",
    shell_complete=complete_targets,
    help="What may share memory; hmcos has the published rules.",
)
@bind_option
@overwrite_option("Replace the plan of another model in OUTDIR.")
@time_limit_option("Seconds for each search, which then returns its best order so far.")
def op_sched(model: str, outdir: Path, bind: tuple[tuple[str, int], ...], **options: Any) -> int:
    """Print peak and arena of MODEL as the published HMCOS program does, then the proven optimum.

    Writes the model in the optimal order, the plan and pictures into OUTDIR. Sizes are in whole KB (1024
    bytes); the arenas of HMCOS and RPO are laid out as by TensorFlow Lite.
    """
    from hmcos.api.op_sched import run_published  # noqa: PLC0415 (--help needs no search)

    with Interruption() as interruption, Progress() as progress:
        drawn = run_published(
            model, outdir, bind=dict(bind), observer=progress, interrupted=interruption.happened, **options
        )
    for line in drawn.found.lines:
        click.echo(line)
    for note in drawn.notes:
        click.echo(f"op_sched: note: {note}", err=True)
    for path in (drawn.found.plan.outputs.model, drawn.found.plan.outputs.plan, *drawn.pictures):
        if path is not None:
            click.echo(f"op_sched: wrote {path}", err=True)
    return 0
