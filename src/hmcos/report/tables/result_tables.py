"""Results as tables for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hmcos.frontends.outline import Port
from hmcos.limits import Status
from hmcos.network.opening import ZOO
from hmcos.plan.plan import UNUSED, Plan, Source, TargetUsed
from hmcos.plan.rewriting import Rewriting
from hmcos.plan.schedule import Schedule
from hmcos.report.tables.arena_table import plan_arena
from hmcos.report.tables.fitting import fitted, path_line
from hmcos.report.tables.memories_table import plan_memories
from hmcos.report.tables.tiling_lines import tiling_lines
from hmcos.report.tables.whole_arena_table import whole_arena
from hmcos.report.words.names import operator_words, shown
from hmcos.report.words.sizes import savings
from hmcos.words import human, printable

if TYPE_CHECKING:
    from hmcos.tasks.compare.experiment import Experiment
    from hmcos.tasks.compare.schedulers import Comparison
    from hmcos.tasks.inspection import Inspection

LISTED = 8
"""Live tensors that are shown one by one."""
_ARENAS = ("best fit\narena", "TFLite\narena", "smallest\narena")
"""The planners of the experiment."""
_UNKNOWN = 5
"""Most operators that are named of those whose scratch is unknown."""
_WORDS = {
    Status.OPTIMAL: "proved: no order of these operators needs less",
    Status.AT_MOST: "sizes that depend on data count at their bounds; no order needs less for these",
    Status.FEASIBLE: "a valid order; a better one may exist",
    Status.TIME_LIMIT: "the best order found in the time given",
    Status.STATE_LIMIT: "the best order found with the states given",
    Status.INTERRUPTED: "the best order found before the interruption",
    Status.FITS: "an order within the budget",
    Status.DOES_NOT_FIT: "proved: no order is within the budget",
}


def show(what: RenderableType) -> None:
    """Print to standard output, as wide as the terminal; as plain text if it is not a terminal."""
    width = None if sys.stdout.isatty() else 120
    Console(highlight=False, width=width).print(fitted(what), crop=False)


def plan_tables(plan: Plan) -> RenderableType:
    """Return the peaks of a plan, what it proved, and which tensors make the peak."""
    peaks = Table()
    peaks.add_column("order")
    peaks.add_column("peak memory", justify="right")
    peaks.add_column("saved", justify="right")
    rewriting = plan.rewriting
    before = given = plan.given_peak if rewriting is None else rewriting.peak_before
    if plan.tflm is not None:  # which places tensors by itself, and so may take more than the peak
        before = max(given, plan.tflm.now.head)
        peaks.add_row("TFLM today", human(plan.tflm.now.head), "")
    title = plan.schedule.title if rewriting is None else f"{_change(rewriting)}, {plan.schedule.title}"
    peaks.add_row("file order", human(given), savings(before, given) if before > given else "")
    if rewriting is None:
        peaks.add_row("reverse post-order", human(plan.rpo_peak), savings(before, plan.rpo_peak))
    else:
        best = rewriting.peak_best_order
        peaks.add_row("best order found", human(best), savings(before, best))
    peaks.add_row(
        f"[bold]{escape(title)}[/bold]",
        f"[bold]{human(plan.peak)}[/bold]",
        f"[bold]{savings(before, plan.peak)}[/bold]",
    )
    bound = "lower bound" if rewriting is None else f"lower bound of the {_change(rewriting)} graph"
    bound = "lower bound of these sizes" if plan.status is Status.AT_MOST else bound
    peaks.add_row(bound, human(plan.lower_bound), f"at most {savings(before, plan.lower_bound)}")
    return Group(
        _title(plan.source, plan.target),
        peaks,
        Text(_verdict(plan)),
        *_unknown(plan.target),
        *tiling_lines(plan),
        *plan_arena(plan),
        *plan_memories(plan),
        *whole_arena(plan),
        *_crest(plan),
        *_written(plan),
    )


def _change(rewriting: Rewriting) -> str:
    return "tiled" if rewriting.regions or not rewriting.stripped else "stripped"


def comparison_table(comparison: Comparison) -> RenderableType:
    """Return one row per scheduler."""
    table = Table()
    for heading in ("scheduler", "peak memory", "over the bound", "status", "seconds"):
        table.add_column(heading, justify="left" if heading in {"scheduler", "status"} else "right")
    least = min(schedule.peak for schedule in comparison.schedules)
    for schedule in comparison.schedules:
        over = f"{100 * (schedule.peak - schedule.lower_bound) / max(1, schedule.lower_bound):.1f} %"
        name, seconds = title_beside(schedule, least), f"{schedule.seconds:.3f}"
        table.add_row(name, human(schedule.peak), over, str(schedule.status), seconds)
    bound = max(schedule.lower_bound for schedule in comparison.schedules)
    return Group(
        _title(comparison.source, comparison.target),
        table,
        Text(f"lower bound: {human(bound)}"),
        *_unknown(comparison.target),
    )


def experiment_table(experiment: Experiment) -> RenderableType:
    """Return one row per network and order: its peak, and what each planner needs for its arena."""
    table = Table("order")
    for heading in ("peak", "seconds", *_ARENAS):
        table.add_column(heading, justify="right")
    for row in experiment.rows:
        table.add_row(Text(printable(row.network.removeprefix(ZOO)), style="bold"))
        least = min(trial.schedule.peak for trial in row.trials)
        for place, trial in enumerate(row.trials, 1):
            table.add_row(
                f"  {title_beside(trial.schedule, least)}",
                f"{trial.schedule.peak:,}",
                f"{trial.schedule.seconds:.3f}",
                *(f"{arena.size:,}" for _, arena in trial.arenas),
                end_section=place == len(row.trials),
            )
    return Group(Text(f"bytes, target {printable(experiment.target.name)}", style="bold"), table)


def title_beside(schedule: Schedule, least: int) -> str:
    """Return the label of a schedule in a comparison; `least` is the lowest peak in it, in bytes."""
    # A search that was cut short can end above the order of a cheaper scheduler.
    unproved = schedule.title != schedule.scheduler
    return "cut short" if unproved and schedule.peak > least else schedule.title


def inspection_tables(inspection: Inspection) -> RenderableType:
    """Return inputs, outputs, operators by kind, and sizes."""
    ports = Table()
    for heading in ("", "name", "type"):
        ports.add_column(heading)
    for place, listed in (("input", inspection.inputs), ("output", inspection.outputs)):
        for port in listed:
            ports.add_row(place, Text(printable(port.title)), Text(printable(_type(port))))
    kinds = Table("kind")
    kinds.add_column("operators", justify="right")
    for kind, many in inspection.kinds.items():
        kinds.add_row(Text(printable(kind)), str(many))
    name = Text(printable(inspection.source.name), style="bold")
    return Group(name, ports, *([kinds] if inspection.kinds else []), *map(Text, _facts(inspection)))


def zoo_tables(
    networks: Sequence[tuple[str, str, str]], families: Sequence[tuple[str, str]]
) -> RenderableType:
    """Return the bundled networks, and the families with their default parameters."""
    listed = Table("network", "family", "parameters")
    for network in networks:
        listed.add_row(*network)
    known = Table("family", "parameters, and what they are when not given")
    for family in families:
        known.add_row(*family)
    return Group(listed, known)


def _title(source: Source, target: TargetUsed) -> Text:
    kernels = f", kernels {printable(target.kernels)}" if target.kernels else ""
    noted = ", local functions inlined" if source.inlined else ""
    return Text(f"{printable(source.name)}, target {printable(target.name)}{kernels}{noted}", style="bold")


def _unknown(target: TargetUsed) -> list[Text]:
    """Return a line that names the operators whose scratch is not known, if there are any."""
    unknown = target.unknown_scratch
    if not unknown:
        return []
    more = f" and {len(unknown) - _UNKNOWN} more" if len(unknown) > _UNKNOWN else ""
    named = ", ".join(map(printable, unknown[:_UNKNOWN]))
    return [Text(f"scratch unknown, counted as none: {named}{more}")]


def _verdict(plan: Plan) -> str:
    gap = plan.peak - plan.lower_bound
    percent = f"{100 * gap / plan.lower_bound:.1f} %" if gap and plan.lower_bound else ""
    # Where nothing fits, the gap is not that of an answer, but of the best order on the way to it.
    over = f" ({percent} above the lower bound)" if percent and plan.status != Status.DOES_NOT_FIT else ""
    target = printable(plan.target.name)
    words = _WORDS[plan.status]
    if plan.status is Status.DOES_NOT_FIT and (plan.rewriting is not None or plan.untiled):
        words = (
            "no tiling was found that does; proved of this graph only: no order of it is within the budget"
        )
    return f"{plan.status}: {words}{over}, as target {target} counts memory"


def _crest(plan: Plan) -> list[RenderableType]:
    crest = plan.crest
    if crest.operator is None:
        only_inputs = all(tensor.name != UNUSED for tensor in crest.tensors)
        where = "before the first operator" + (": the inputs of the network" if only_inputs else "")
    else:
        where = f"at step {crest.step}, {operator_words(plan.operators[crest.operator])}"
    live = Table("tensor")
    live.add_column("bytes", justify="right")
    for tensor in crest.tensors[:LISTED]:
        live.add_row(Text(shown(tensor.name)), human(tensor.size))
    rest = crest.tensors[LISTED:]
    if rest:
        live.add_row(f"in {len(rest)} more", human(sum(tensor.size for tensor in rest)))
    return [Text(f"the peak is {where}; live then:"), live]


def _written(plan: Plan) -> list[Text]:
    spent, outputs = plan.seconds, plan.outputs
    arena = f"arena {plan.arena.seconds:.2f}, " if plan.arena else ""
    spent_words = f"load {spent.load:.2f}, schedule {spent.schedule:.2f}, {arena}save {spent.save:.2f}"
    places = (
        ("model:", outputs.model),
        ("plan: ", outputs.plan),
        ("arena:", outputs.header),
        ("page: ", outputs.page),
    )
    return [
        Text(f"{spent.total:.2f} s: {spent_words}"),
        *(path_line(f"{what} {place}") for what, place in places if place),
    ]


def _type(port: Port) -> str:
    shape = "?" if port.shape is None else ", ".join(map(str, port.shape))
    return f"{port.element or 'unknown'}[{shape}]"


def _facts(inspection: Inspection) -> list[str]:
    lines = [f"operators:   {inspection.operators}"]
    lines += [f"parameters:  {inspection.parameters}, {human(inspection.parameter_bytes)}"]
    if inspection.activations is not None and inspection.activation_bytes is not None:
        lines.append(f"activations: {inspection.activations}, {human(inspection.activation_bytes)}")
    else:
        lines.append(f"activations: sizes unknown: {printable(inspection.obstacle)}")
    if inspection.symbols:
        lines.append(f"symbols:     {printable(', '.join(inspection.symbols))}")
    if inspection.unbound:
        lines.append(f"to bind:     {' '.join(f'--bind {printable(s)}=VALUE' for s in inspection.unbound)}")
    lines += [f"note:        {printable(note)}" for note in inspection.source.notes]
    return lines
