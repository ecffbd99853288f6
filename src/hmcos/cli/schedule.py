"""hmcos schedule: reorder a model so that it needs the least memory."""

from __future__ import annotations

import json
from typing import Any

import click

import hmcos
from hmcos.cli.exits import exit_code
from hmcos.cli.interruption import Interruption
from hmcos.cli.options import (
    Share,
    alignment_option,
    allocator_option,
    bind_option,
    budget_option,
    complete_schedulers,
    jobs_option,
    json_option,
    kernels_option,
    model_argument,
    output_option,
    overwrite_option,
    target_option,
    time_limit_option,
)
from hmcos.cli.progress import Progress
from hmcos.frontends.loading import SUFFIXES
from hmcos.limits import Status
from hmcos.plan.plan import Plan
from hmcos.words import one_line

_EXAMPLES = """
\b
Examples:
  hmcos schedule model.onnx -o out
  hmcos schedule model.onnx --bind batch=1 --bind seq=128 --time-limit 20
  hmcos schedule zoo:nasnet-cifar --target hmcos --json
  hmcos schedule model.onnx --jobs 1      in one process, however long the search takes
  hmcos schedule model.onnx -o out --alignment 16 --external-io --emit c
  hmcos schedule model.onnx --budget 256K      exit code 0: fits, 3: cannot, 4: undecided
  hmcos schedule model.tflite --budget 96K --budget-for total --pointer-bytes 4
  hmcos schedule model.pt2 -o out --bind s77=8     an exported program of PyTorch
  hmcos schedule model.tflite -o out --kernels cmsis-nn:dsp     firmware with CMSIS-NN, on a Cortex-M4
  hmcos schedule model.tflite --memories chip.toml      64K of SRAM and a slow memory: which tensor goes where
  hmcos schedule model.onnx -o out --tile      below any order: regions run in pieces
  hmcos schedule model.tflite -o out --tile --max-extra-macs 10% --strip-quantize
"""


_TILING = ("max_extra_macs", "allow_rounding", "strip_quantize", "tile_for")
"""Options that say how to tile."""


@click.command(epilog=_EXAMPLES, short_help="Reorder a model so that it needs the least memory, with proof.")
@model_argument
@output_option(
    "DIR", "Folder for the reordered model, plan.json and report.html; without it, nothing is written."
)
@click.option(
    "-s",
    "--scheduler",
    default="optimal",
    show_default=True,
    metavar="NAME",
    shell_complete=complete_schedulers,
    help="Scheduler that finds the order: optimal, given, rpo, greedy, random, ...",
)
@target_option
@kernels_option
@bind_option
@time_limit_option("Stop the search after this time and return the best order so far.")
@click.option(
    "--state-limit",
    type=int,
    metavar="N",
    help="Stop the search after this many states, in one process unless --jobs is given.",
)
@jobs_option
@budget_option("Ask whether the network fits into so many bytes: 256K, 1.5MB.")
@click.option(
    "--budget-for",
    type=click.Choice(["peak", "total"]),
    default="peak",
    show_default=True,
    help="What --budget is for: the peak, or all that must be declared as TFLM's tensor_arena.",
)
@click.option(
    "--pointer-bytes",
    type=click.Choice(["4", "8"]),
    default="8",
    show_default=True,
    help="Where TFLM will run: 4 predicts its arena on a microcontroller of 32 bits.",
)
@alignment_option
@click.option(
    "--offsets/--no-offsets",
    default=True,
    show_default=True,
    help="Write the offsets of the arena into a TensorFlow Lite model, for microcontrollers.",
)
@allocator_option(None)
@click.option(
    "--minimize",
    default="peak",
    show_default=True,
    type=click.Choice(["peak", "arena"]),
    help="What to minimize; for a smaller arena, a higher peak is accepted.",
)
@click.option("--external-io", is_flag=True, help="The caller supplies the memory of inputs and outputs.")
@click.option(
    "--memories",
    type=click.Path(readable=False),
    metavar="FILE.toml",
    help="Put buffers into several memories such that the slower ones are read and written the least.",
)
@click.option("--emit", type=click.Choice(["c"]), help="Also write the arena as a C header into the folder.")
@click.option("--tile", is_flag=True, help="Change the graph: run regions in pieces where that needs less.")
@click.option(
    "--max-extra-macs",
    type=Share(),
    default="5%",
    show_default=True,
    help="With --tile: how much may be computed again, as 5% or 0.05.",
)
@click.option(
    "--tile-for",
    type=click.Choice(["peak", "total"]),
    help="With --tile: lower the peak, or all that must be declared as TFLM's tensor_arena (the default for"
    " .tflite models); every operator that tiling adds takes some of that.",
)
@click.option("--allow-rounding", is_flag=True, help="With --tile: float results may round otherwise.")
@click.option(
    "--strip-quantize",
    is_flag=True,
    help="With --tile: drop float inputs and outputs; the quantized tensors go in and out instead.",
)
@overwrite_option("Replace the plan of another model, or another program's report.html.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of random searches.")
@json_option
def schedule(
    model: str,
    bind: tuple[tuple[str, int], ...],
    as_json: bool,
    tile: bool,
    **options: Any,
) -> int:
    """Find the operator order of MODEL that needs the least memory, and prove it.

    MODEL is an ONNX or TensorFlow Lite file, zoo:NAME, or a problem as JSON. Ctrl-C stops the search and
    keeps the best order so far; a second Ctrl-C aborts.
    """
    # The other options are named like the keywords of hmcos.schedule.
    allowed = {name: options.pop(name) for name in _TILING}
    tiling = hmcos.Tiling(**allowed) if tile else None
    with Interruption() as interruption, Progress() as progress:
        plan = hmcos.schedule(
            model,
            bind=dict(bind),
            tile=tiling,
            observer=progress,
            interrupted=interruption.happened,
            whole_arena=True,
            pointer_bytes=int(options.pop("pointer_bytes")),
            **options,
        )
    _tell_result(plan, options["target"], as_json=as_json)
    if plan.memories is not None:
        return exit_code(plan.memories.answer)
    if options["budget"] is None:
        return 0
    whole = options["budget_for"] == "total"
    return exit_code(plan.fits_in_all(options["budget"]) if whole else _answer(plan, options["budget"]))


def _tell_result(plan: Plan, target: str, *, as_json: bool) -> None:
    _note(plan, target)
    if as_json:
        from hmcos.report.records.result_records import plan_record  # noqa: PLC0415 (tables need rich, records do not)

        click.echo(json.dumps(plan_record(plan)))
    else:
        from hmcos.report.tables.result_tables import plan_tables, show  # noqa: PLC0415

        show(plan_tables(plan))


def _answer(plan: Plan, budget: int) -> Status:
    """Return whether the network fits a budget: its peak, and its arena where one was asked for."""
    if plan.tflm is not None and plan.tflm.kept and plan.tflm.now.head <= budget:
        return Status.FITS  # the source does, though not by the rules of the target
    if plan.status is Status.DOES_NOT_FIT and (plan.rewriting is not None or plan.untiled):
        return Status.FEASIBLE  # proved of this graph, not of all tilings
    if plan.status is Status.FITS and plan.arena is not None and plan.arena.size > budget:
        return Status.FEASIBLE
    return plan.status


def _note(plan: Plan, target: str) -> None:
    """Print notes about the result on standard error."""
    if plan.memories is not None and plan.source.format == "tflite":
        _tell("TFLM has one arena for tensors, so no offsets are written into the .tflite")
    if plan.outputs.plan is not None and plan.outputs.page is None:
        _tell(_why_no_page())
    for note in plan.source.notes:
        _tell(note)
    if plan.source.inlined:
        _tell("local functions were inlined; node numbers refer to the inlined model")
    if plan.source.format not in SUFFIXES.values() and target != "default":
        _tell(f"{plan.source.name} carries its own rules; the target has no effect")


def _why_no_page() -> str:
    """Return why there is no page beside the plan."""
    from hmcos.report.page.page import has_plotly  # noqa: PLC0415 (only with -o)

    if has_plotly():
        return "report.html in the folder is not a page of hmcos and was kept; --overwrite replaces it"
    return "no report.html without plotly: pip install 'hmcos[report]'"


def _tell(note: str) -> None:
    click.echo(f"hmcos: note: {one_line(note)}", err=True)
