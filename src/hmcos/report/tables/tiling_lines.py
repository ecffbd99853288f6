"""What a tiling changed, in lines under the table of a plan."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from hmcos.plan.plan import Plan
from hmcos.plan.rewriting import RegionRow, Rewriting
from hmcos.report.words.macs import more_macs
from hmcos.words import short

LISTED = 6
"""Regions that are listed one by one."""


def tiling_lines(plan: Plan) -> Iterator[Text]:
    """Yield what was tiled and what it costs, or why nothing was; nothing where no tiling was asked for."""
    if plan.untiled:
        yield Text(f"not tiled: {plan.untiled}")
    rewriting = plan.rewriting
    if rewriting is None:
        return
    operators = f"{len(plan.operators):,} operators instead of {rewriting.operators_before:,}"
    is_tiled = bool(rewriting.regions) or not rewriting.stripped
    if rewriting.stripped:
        yield Text(_stripped(rewriting, "" if is_tiled else f"; {operators}"))
    if is_tiled:
        yield Text(
            f"tiled: {more_macs(rewriting)} ({abs(rewriting.extra_macs):,} of {rewriting.macs:,}), "
            f"{operators}"
        )
    for row in rewriting.regions[:LISTED]:
        yield Text(f"  {_region(rewriting, row)}")
    if len(rewriting.regions) > LISTED:
        yield Text(f"  and {len(rewriting.regions) - LISTED} more regions")
    if rewriting.folds:
        yield Text(f"operators gone, as constants or in those that read them: {len(rewriting.folds):,}")
    if rewriting.fixed:
        sizes = ", ".join(f"{symbol} = {size:,}" for symbol, size in sorted(rewriting.fixed.items()))
        yield Text(f"sizes that are fixed in the written model: {sizes}")
    yield Text(f"file: {short(rewriting.bytes_after)} instead of {short(rewriting.bytes_before)}")
    if rewriting.new_kinds:
        yield Text(f"new kinds of operators: {', '.join(rewriting.new_kinds)}")
    if not rewriting.is_exact:
        yield Text("results may round otherwise than those of the source: hmcos verify tells how far")


def _stripped(rewriting: Rewriting, more: str) -> str:
    gone = ", ".join(str(number) for number in rewriting.stripped[:LISTED])
    rest = f" and {len(rewriting.stripped) - LISTED} more" if len(rewriting.stripped) > LISTED else ""
    word = "operator" if len(rewriting.stripped) == 1 else "operators"
    return f"stripped of {word} {gone}{rest}: quantized tensors go in and out where floats did{more}"


def _region(rewriting: Rewriting, row: RegionRow) -> str:
    early = "" if row.early is None else f", cut early from piece {row.early} on"
    first, last = rewriting.order[row.begin], rewriting.order[row.end - 1]
    return f"operators {first} to {last}: {row.rows} x {row.columns} pieces{early}"
