"""The whole arenas of a plan as keys of its file, and back."""

from __future__ import annotations

from typing import Any

from hmcos.plan.file.fields import Fields, expecting
from hmcos.plan.whole_arena import TwoArenas, WholeArena, WholeArenas

_expect = expecting("run hmcos schedule on the model again")


def whole_arenas_record(arenas: WholeArenas) -> dict[str, object]:
    """Return the key `tflm`, as in a plan file and in JSON output."""
    return {
        "now": _record(arenas.now),
        "order": _record(arenas.order),
        "offsets": _record(arenas.offsets),
        "tiled": _record(arenas.tiled),
        **_goals(arenas),
        "measured": arenas.measured,
        "kernels": arenas.kernels,
        "pointer_bytes": arenas.pointer_bytes,
        "unknown": list(arenas.unknown),
        "kept": arenas.kept,
    }


def read_whole_arenas(fields: Fields) -> WholeArenas:
    """Return the whole arenas in a plan file.

    Raises:
        PlanError: a key is missing or wrong.
    """
    unknown = fields.texts("unknown")
    return WholeArenas(
        now=_arena(fields.part("now"), unknown),
        order=_arena(fields.part("order"), unknown),
        offsets=_arena_or_none(fields, "offsets", unknown),
        tiled=_arena_or_none(fields, "tiled", unknown),
        measured=fields.flag("measured"),
        kernels=fields.text("kernels"),
        pointer_bytes=fields.number("pointer_bytes"),
        kept=fields.text("kept") if "kept" in fields.values else "",
        **_read_goals(fields, unknown),
    )


def _goals(arenas: WholeArenas) -> dict[str, object]:
    """Return what a tiling was for, and the arena for each goal; nothing where none was asked for."""
    if not arenas.tiled_for:
        return {}
    goals = {"peak": _record(arenas.for_peak), "total": _record(arenas.for_total)}
    return {"tiled_for": arenas.tiled_for, "goals": goals}


def _read_goals(fields: Fields, unknown: tuple[str, ...]) -> dict[str, Any]:
    if "tiled_for" not in fields.values:
        return {}
    goals, wanted = fields.part("goals"), fields.text("tiled_for")
    _expect(wanted in ("peak", "total"), fields, "tiled_for", "must be `peak` or `total`")
    return {
        "tiled_for": wanted,
        "for_peak": _arena_or_none(goals, "peak", unknown),
        "for_total": _arena_or_none(goals, "total", unknown),
    }


def _arena_or_none(fields: Fields, key: str, unknown: tuple[str, ...]) -> WholeArena | None:
    return None if fields.is_null(key) else _arena(fields.part(key), unknown)


def _record(arena: WholeArena | None) -> dict[str, object] | None:
    if arena is None:
        return None
    whole = {"head": arena.head, "tail": arena.tail, "total": arena.total, "declare": arena.declare}
    apart = arena.apart
    if apart is None:
        return {**whole}
    return {**whole, "non_persistent": apart.non_persistent, "persistent": apart.persistent}


def _apart(fields: Fields) -> TwoArenas | None:
    if "persistent" not in fields.values:
        return None
    return TwoArenas(fields.number("non_persistent"), fields.number("persistent"))


def _arena(fields: Fields, unknown: tuple[str, ...]) -> WholeArena:
    arena = WholeArena(
        fields.number("head"),
        fields.number("tail"),
        fields.number("total"),
        fields.number("declare"),
        unknown,
        _apart(fields),
    )
    _expect(arena.total == arena.head + arena.tail, fields, "total", "must be the sum of `head` and `tail`")
    _expect(arena.declare >= arena.total, fields, "declare", "must not be below `total`")
    return arena
