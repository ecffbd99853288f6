"""The arena in a plan file: what is written of it, and how that is read."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.errors import PlanError
from hmcos.plan.arena import Arena, PlacedBuffer
from hmcos.plan.fields import Fields
from hmcos.plan.plan import Plan
from hmcos.plan.schedule import Status


def arena_record(arena: Arena) -> dict[str, object]:
    """Return what is said of an arena as a whole, its seconds left out: those differ from run to run."""
    return {
        "size": arena.size,
        "lower_bound": arena.lower_bound,
        "status": str(arena.status),
        "allocator": arena.allocator,
        "alignment": arena.alignment,
    }


def arena_keys(plan: Plan) -> dict[str, object]:
    """Return the keys of a plan file that tell of its arena; none at all when there is no arena."""
    if plan.arena is None:
        return {}
    return {
        "arena": arena_record(plan.arena),
        "arena_seconds": plan.arena.seconds,
        "largest_first_arena": plan.largest_first_arena,
        "buffers": [_buffer_record(buffer) for buffer in plan.buffers],
        "tensors": {name: i for i, buffer in enumerate(plan.buffers) for name in buffer.tensors},
    }


def _buffer_record(buffer: PlacedBuffer) -> dict[str, object]:
    return {
        "name": buffer.name,
        "offset": buffer.offset,
        "size": buffer.size,
        "birth": buffer.birth,
        "death": buffer.death,
        "operator": buffer.operator,
        "takes_over": buffer.takes_over,
    }


def read_arena(fields: Fields) -> tuple[Arena | None, tuple[PlacedBuffer, ...], int | None]:
    """Return the arena, its buffers, and the bytes of largest first; nothing from a plan without an arena.

    Raises:
        PlanError: a key is missing or wrong.
    """
    if "arena" not in fields.values:
        return None, (), None
    buffers = _buffers(fields)
    part = fields.part("arena")
    arena = Arena(
        offsets=tuple(buffer.offset for buffer in buffers),
        size=part.number("size"),
        lower_bound=part.number("lower_bound"),
        status=status_of(part),
        allocator=part.text("allocator"),
        alignment=part.number("alignment", lowest=1),
        seconds=fields.real("arena_seconds"),
    )
    return arena, buffers, fields.number("largest_first_arena")


def _buffers(fields: Fields) -> tuple[PlacedBuffer, ...]:
    rows = fields.parts("buffers")
    inside: list[list[str]] = [[] for _ in rows]
    tensors = fields.part("tensors")
    for name in tensors.values:
        inside[_index(tensors, name, rows)].append(name)
    return tuple(
        PlacedBuffer(
            name=row.text("name"),
            offset=row.number("offset"),
            size=row.number("size"),
            birth=row.number("birth"),
            death=row.number("death"),
            operator=row.number_or_none("operator"),
            takes_over=_index_or_none(row, "takes_over", rows),
            tensors=tuple(names),
        )
        for row, names in zip(rows, inside, strict=True)
    )


def _index_or_none(fields: Fields, key: str, rows: Sequence[Fields]) -> int | None:
    return None if fields.number_or_none(key) is None else _index(fields, key, rows)


def _index(fields: Fields, key: str, rows: Sequence[Fields]) -> int:
    """Return a field that must be an index into the buffers."""
    found = fields.number(key)
    if found >= len(rows):
        raise PlanError(f"{fields.where(key)}: there is no buffer {found}; the last is {len(rows) - 1}")
    return found


def status_of(fields: Fields) -> Status:
    """Return the field `status`, which must be one of those there are."""
    found = fields.text("status")
    if found not in tuple(Status):
        raise PlanError(f"{fields.where('status')}: no status is called {found!r}")
    return Status(found)
