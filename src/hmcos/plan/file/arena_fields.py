"""Write and read the arena in a plan file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hmcos.errors import PlanError
from hmcos.limits import Status
from hmcos.plan.arena import Arena, PlacedBuffer
from hmcos.plan.file.fields import Fields
from hmcos.plan.plan import Plan


def arena_record(arena: Arena) -> dict[str, object]:
    """Return the keys of an arena as a whole, without its seconds, which differ from run to run."""
    return {
        "size": arena.size,
        "lower_bound": arena.lower_bound,
        "status": str(arena.status),
        "allocator": arena.allocator,
        "alignment": arena.alignment,
        **({"reserved": arena.reserved} if arena.reserved else {}),
    }


def arena_keys(plan: Plan) -> dict[str, object]:
    """Return the keys of a plan file that describe its arena; empty if the plan has no arena."""
    if plan.arena is None:
        return {}
    return {
        "arena": arena_record(plan.arena),
        "arena_seconds": plan.arena.seconds,
        "largest_first_arena": plan.largest_first_arena,
        **buffers_record(plan.buffers),
    }


def buffers_record(buffers: Sequence[PlacedBuffer]) -> dict[str, object]:
    """Return the buffers of a plan, and its tensors by name, as keys of its file."""
    if any(not buffer.tensors and buffer.operator is None for buffer in buffers):
        # A plan of the first edition that is written again: it has only names, each of them once.
        by_name = {name: i for i, buffer in enumerate(buffers) for name in buffer.names}
        return {"buffers": [_buffer_record(buffer) for buffer in buffers], "tensors": by_name}
    rows = [
        {**_buffer_record(buffer), "tensors": list(buffer.tensors), "names": list(buffer.names)}
        for buffer in buffers
    ]
    return {"buffers": rows, "tensors": _index_by_name(buffers)}


def _index_by_name(buffers: Sequence[PlacedBuffer]) -> dict[str, int]:
    """Return tensor name to the index of its buffer, for the names that only one tensor has."""
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
        **({} if buffer.memory is None else {"memory": buffer.memory}),
    }


def read_arena(fields: Fields) -> tuple[Arena | None, tuple[PlacedBuffer, ...], int | None]:
    """Return the arena, its buffers, and the bytes of largest first; None, nothing, None without an arena.

    Raises:
        PlanError: a key is missing or wrong.
    """
    if "arena" not in fields.values:
        return None, (), None
    buffers = read_buffers(fields)
    part = fields.part("arena")
    arena = Arena(
        offsets=tuple(buffer.offset for buffer in buffers),
        size=part.number("size"),
        lower_bound=part.number("lower_bound"),
        status=status_of(part),
        allocator=part.text("allocator"),
        alignment=part.number("alignment", lowest=1),
        seconds=fields.real("arena_seconds"),
        reserved=part.number("reserved") if "reserved" in part.values else 0,
    )
    return arena, buffers, fields.number("largest_first_arena")


def read_buffers(fields: Fields) -> tuple[PlacedBuffer, ...]:
    """Return the buffers in a plan file, without their memories.

    Raises:
        PlanError: a key is missing or wrong.
    """
    rows = fields.parts("buffers")
    if not any({"tensors", "names"} & row.values.keys() for row in rows):
        return _first_edition(fields, rows)
    buffers = tuple(_buffer(row, rows, *_tensors(row)) for row in rows)
    listed = [t for buffer in buffers for t in buffer.tensors]
    if len(listed) != len(set(listed)):
        raise PlanError(f"{fields.where('buffers')}: list a tensor twice; run hmcos schedule again")
    tensors = fields.part("tensors")
    if {name: _index(tensors, name, rows) for name in tensors.values} != _index_by_name(buffers):
        raise PlanError(f"{fields.where('tensors')}: contradicts `buffers`; run hmcos schedule again")
    return buffers


def _first_edition(fields: Fields, rows: Sequence[Fields]) -> tuple[PlacedBuffer, ...]:
    """Return the buffers of a plan that has names of tensors instead of ids, each name once."""
    inside: list[list[str]] = [[] for _ in rows]
    tensors = fields.part("tensors")
    for name in tensors.values:
        inside[_index(tensors, name, rows)].append(name)
    return tuple(_buffer(row, rows, (), tuple(names)) for row, names in zip(rows, inside, strict=True))


def _tensors(row: Fields) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the ids of the tensors in a buffer, and their names."""
    ids, names = row.numbers("tensors"), row.texts("names")
    if len(ids) != len(names):
        raise PlanError(f"{row.where('names')}: must be as many as `tensors`; run hmcos schedule again")
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
    index = fields.number(key)
    if index >= len(rows):
        raise PlanError(f"{fields.where(key)}: there is no buffer {index}; the last is {len(rows) - 1}")
    return index


def status_of(fields: Fields) -> Status:
    """Return the field `status`, which must be the name of a status."""
    name = fields.text("status")
    if name not in tuple(Status):
        raise PlanError(f"{fields.where('status')}: no status is called {name!r}")
    return Status(name)
