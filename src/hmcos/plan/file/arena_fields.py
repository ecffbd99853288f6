"""The arena in a plan file: what is written of it, and how that is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hmcos.errors import PlanError
from hmcos.limits import Status
from hmcos.plan.arena import Arena, PlacedBuffer
from hmcos.plan.file.fields import Fields
from hmcos.plan.plan import Plan


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
        **_buffers_record(plan.buffers),
    }


def _buffers_record(buffers: Sequence[PlacedBuffer]) -> dict[str, object]:
    if any(not buffer.tensors and buffer.operator is None for buffer in buffers):
        # A plan of the first edition, read and written again: it has names alone, each of them once.
        by_name = {name: i for i, buffer in enumerate(buffers) for name in buffer.names}
        return {"buffers": [_buffer_record(buffer) for buffer in buffers], "tensors": by_name}
    rows = [
        {**_buffer_record(buffer), "tensors": list(buffer.tensors), "names": list(buffer.names)}
        for buffer in buffers
    ]
    return {"buffers": rows, "tensors": _index_by_name(buffers)}


def _index_by_name(buffers: Sequence[PlacedBuffer]) -> dict[str, int]:
    """Return the index of the buffer by the name of a tensor in it, for names that tell one tensor."""
    listed = Counter(name for buffer in buffers for name in buffer.names)
    return {
        name: i for i, buffer in enumerate(buffers) for name in buffer.names if name and listed[name] == 1
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
    if not any({"tensors", "names"} & row.values.keys() for row in rows):
        return _first_edition(fields, rows)
    found = tuple(_buffer(row, rows, *_tensors(row)) for row in rows)
    listed = [t for buffer in found for t in buffer.tensors]
    if len(listed) != len(set(listed)):
        raise PlanError(f"{fields.where('buffers')}: a tensor is in two of them; plan the model anew")
    tensors = fields.part("tensors")
    if {name: _index(tensors, name, rows) for name in tensors.values} != _index_by_name(found):
        raise PlanError(f"{fields.where('tensors')}: is not what `buffers` says; plan the model anew")
    return found


def _first_edition(fields: Fields, rows: Sequence[Fields]) -> tuple[PlacedBuffer, ...]:
    """Return the buffers of a plan that tells tensors by their names alone, and each name once."""
    inside: list[list[str]] = [[] for _ in rows]
    tensors = fields.part("tensors")
    for name in tensors.values:
        inside[_index(tensors, name, rows)].append(name)
    return tuple(_buffer(row, rows, (), tuple(names)) for row, names in zip(rows, inside, strict=True))


def _tensors(row: Fields) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the ids of the tensors in a buffer, and their names."""
    ids, names = row.numbers("tensors"), row.texts("names")
    if len(ids) != len(names):
        raise PlanError(f"{row.where('names')}: must be as many as `tensors`; plan the model anew")
    if bool(ids) is (row.number_or_none("operator") is not None):
        raise PlanError(f"{row.where('tensors')}: must list a tensor, unless the buffer is scratch")
    return ids, names


def _buffer(
    row: Fields, rows: Sequence[Fields], tensors: tuple[int, ...], names: tuple[str, ...]
) -> PlacedBuffer:
    return PlacedBuffer(
        name=row.text("name"),
        offset=row.number("offset"),
        size=row.number("size"),
        birth=row.number("birth"),
        death=row.number("death"),
        operator=row.number_or_none("operator"),
        takes_over=_index_or_none(row, "takes_over", rows),
        tensors=tensors,
        names=names,
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
