"""The rewriting of a plan as keys of its file, and back."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.errors import PlanError
from hmcos.plan.file.fields import Fields, expecting
from hmcos.plan.rewriting import VERSION, RegionRow, Rewriting

MOST_PIECES = 4096
"""Per region: a plan that asks for more was not written by hmcos, and would fill the memory."""
MOST_IN_ALL = 65_536
"""Operators of pieces of all regions of a plan."""

_expect = expecting("run hmcos schedule --tile on the model again")


def rewriting_record(rewriting: Rewriting) -> dict[str, object]:
    """Return the key `rewriting` of a plan file (docs/plan-format.md)."""
    return {
        "version": rewriting.version,
        "sha256": rewriting.sha256,
        "stripped": list(rewriting.stripped),
        "order": list(rewriting.order),
        "regions": [
            {
                "first": rewriting.order[row.begin],
                "last": rewriting.order[row.end - 1],
                "begin": row.begin,
                "end": row.end,
                "rows": row.rows,
                "columns": row.columns,
                "early": row.early,
            }
            for row in rewriting.regions
        ],
        "folds": list(rewriting.folds),
        "fixed": dict(sorted(rewriting.fixed.items())),
        "exact": rewriting.is_exact,
        "peak_before": rewriting.peak_before,
        "peak_best_order": rewriting.peak_best_order,
        "macs": rewriting.macs,
        "extra_macs": rewriting.extra_macs,
        "operators_before": rewriting.operators_before,
        "bytes_before": rewriting.bytes_before,
        "bytes": rewriting.bytes_after,
        "new_kinds": list(rewriting.new_kinds),
    }


def read_rewriting(fields: Fields) -> Rewriting:
    """Return the rewriting in a plan file.

    Raises:
        PlanError: a key is missing or wrong, a grid is too large, regions overlap, or the rules are those of
            another version of hmcos.
    """
    if fields.number("version") != VERSION:
        raise PlanError(
            f"{fields.where('version')}: is {fields.number('version')}, but this version of hmcos tiles by "
            f"rules of version {VERSION}; run hmcos schedule --tile on the model again"
        )
    order = fields.numbers("order")
    regions = tuple(_region(row, order) for row in fields.parts("regions"))
    pieces = 0
    for before, row in zip((None, *regions), regions, strict=False):
        _expect(before is None or before.end <= row.begin, fields, "regions", "must not overlap")
        pieces += row.rows * row.columns * (row.end - row.begin)
    stripped = fields.numbers("stripped")
    _expect(pieces <= MOST_IN_ALL, fields, "regions", f"must not make more than {MOST_IN_ALL:,} operators")
    fixed = fields.part("fixed")
    macs = fields.number("macs")
    return Rewriting(
        stripped=stripped,
        order=order,
        regions=regions,
        sha256=fields.text("sha256"),
        peak_before=fields.number("peak_before"),
        peak_best_order=fields.number("peak_best_order"),
        macs=macs,
        extra_macs=fields.number("extra_macs", lowest=-macs),
        operators_before=fields.number("operators_before"),
        bytes_before=fields.number("bytes_before"),
        bytes_after=fields.number("bytes"),
        new_kinds=fields.texts("new_kinds"),
        folds=fields.numbers("folds"),
        fixed={symbol: fixed.number(symbol) for symbol in fixed.values},
        is_exact=fields.flag("exact"),
    )


def _region(fields: Fields, order: Sequence[int]) -> RegionRow:
    begin, end = fields.number("begin"), fields.number("end")
    rows, columns = fields.number("rows", lowest=1), fields.number("columns", lowest=1)
    early = fields.number_or_none("early")
    _expect(begin < end <= len(order), fields, "end", "must be behind `begin` and within `order`")
    for key, position in (("first", begin), ("last", end - 1)):
        is_there = fields.number(key) == order[position]
        _expect(is_there, fields, key, f"must be the operator at position {position} of `order`")
    _expect(1 < rows * columns <= MOST_PIECES, fields, "rows", f"must make 2 to {MOST_PIECES:,} pieces")
    _expect(early is None or early < rows * columns, fields, "early", "must be the number of a piece")
    return RegionRow(begin, end, rows, columns, early)
