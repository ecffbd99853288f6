"""Offsets for the lives in a file: an arena without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hmcos.allocation.files.lives_file import Instance, check_csv, read_lives, write_csv, write_json_lives
from hmcos.allocation.lives import EXTERNAL, PLAIN, Lives
from hmcos.allocation.planner_table import allocator as allocator_called
from hmcos.errors import InstanceError, OptionError
from hmcos.limits import Limits, Status, Watch
from hmcos.log import Log
from hmcos.plan.arena import Arena
from hmcos.staging import write
from hmcos.tasks.places import check_file
from hmcos.verify.counted.arena_check import check_arena

_LOG = Log("hmcos.arena")


@dataclass(frozen=True, slots=True)
class Allocation:
    """Offsets for the lives in a file."""

    source: str
    names: tuple[str, ...]
    """Per life, its name in the file."""
    lives: Lives
    capacity: int | None
    """Available bytes: the requested capacity, or that of all pools in the file; None if unlimited."""
    arena: Arena
    """Its offsets are in the order of the names; -1 for a life outside the arena."""
    output: str | None = None
    """The file that was written; None if there is none, also if the lives do not fit."""

    @property
    def fits(self) -> bool:
        """Whether every life is within the capacity, or no capacity was given."""
        return self.capacity is None or self.arena.size <= self.capacity

    @property
    def decided(self) -> Status:
        """Whether the lives fit: fits, does not fit, or the limit that ended the search undecided."""
        if self.arena.status is Status.DOES_NOT_FIT:
            return Status.DOES_NOT_FIT
        return Status.FITS if self.fits else self.arena.status


@dataclass(frozen=True, slots=True)
class LivesRequest:
    """How to place the lives in a file."""

    allocator: str = "auto"
    capacity: int | None = None
    """Bytes; None to find the smallest arena."""
    jobs: int = 1
    """Workers of the constraint solver."""


def allocate_file(
    path: Path, request: LivesRequest, output: Path | None, limits: Limits, watch: Watch
) -> Allocation:
    """Return offsets for the lives in a file, checked; write them to `output` if they fit.

    Raises:
        InstanceError: the file is malformed, or its lives contradict each other.
        OptionError: the capacity is not positive.
        OutputError: the result cannot be written, or would replace the source.
    """
    plan = allocator_called(request.allocator, request.jobs)
    if request.capacity is not None and request.capacity < 1:
        raise OptionError(f"a capacity is at least 1 byte, not {request.capacity}")
    if output is not None:
        check_file(output, (path,))
    instance = read_lives(path)
    if output is not None and not _is_json(output):
        check_csv(instance, placed=True)
    lives = instance.lives
    try:
        arena = plan(lives, replace(limits, budget=request.capacity), watch)
    except InstanceError as error:  # lives that share an offset, or pins, contradict each other
        raise InstanceError(f"{path}: {error}") from None
    _LOG.info(
        "%s: %d lives, arena by %s in %.3f s: %s",
        path,
        len(lives.lives),
        arena.allocator,
        arena.seconds,
        arena.words,
    )
    check_arena(lives.lives, arena, lives.demands, lives.pools)
    given = [bytes_ for bytes_ in (request.capacity, lives.capacity) if bytes_ is not None]
    allocation = Allocation(str(path), instance.names, lives, min(given, default=None), arena)
    if output is None or not allocation.fits:
        return allocation
    write(output, _text(instance, arena, output).encode())
    return replace(allocation, output=str(output))


def _is_json(output: Path) -> bool:
    return output.suffix.lower() == ".json"


def _text(instance: Instance, arena: Arena, output: Path) -> str:
    """Return the lives with their offsets: a column in CSV, pins in JSON."""
    if not _is_json(output):
        return write_csv(instance, arena)
    lives = instance.lives
    demands = tuple(
        replace(demand, offset=None if offset == EXTERNAL else offset)
        for demand, offset in zip(lives.demands or (PLAIN,) * len(lives.lives), arena.offsets, strict=True)
    )
    return write_json_lives(replace(instance, lives=replace(lives, demands=demands)))
