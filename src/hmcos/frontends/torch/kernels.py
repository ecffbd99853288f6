"""From the kernels of Inductor's scheduler to a Problem."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hmcos.alignment import round_up
from hmcos.errors import ModelError
from hmcos.frontends.torch.private_inductor import (
    Scheduled,
    base_of,
    fixed_order,
    keeps_order,
    overwrites,
    results_in,
    stays_inside,
    tuple_of,
)
from hmcos.memory.problem import Problem


def kernel_problem(scheduled: Scheduled, alignment: int) -> Problem:
    """Return the kernels of a graph as a problem: an operator is a kernel, in Inductor's order.

    A kernel that was fused from several makes what others read or the graph returns. Memory that several
    buffers share, because one is a view of the other or was written in place, lives until the last of them
    is read. All results of one operator live until the last was taken out of their tuple, all parts of a
    concatenation until that is read. Of the inputs, those count that die within the graph.

    Sizes are rounded up to `alignment`. Where kernels depend on each other and share nothing, as a write
    behind a read does, there is a buffer of no bytes.

    Raises:
        ModelError: no kernel may change its place; says why.
    """
    if (why := fixed_order(scheduled)) is not None:
        raise ModelError(why)
    building = _Building(scheduled, alignment)
    building.take_inputs()
    for name, buffer in building.buffers.items():
        building.take(name, buffer)
    for name, buffer in building.buffers.items():
        building.extend(name, buffer)
    for node in scheduled.nodes:
        building.overwrite(node)
    return building.problem()


@dataclass(slots=True)
class _Storage:
    """Memory that one or several buffers of Inductor are in."""

    size: int
    maker: int
    """The number of the kernel that makes it, -1 for an input."""
    readers: set[int] = field(default_factory=set[int])
    kept: bool = False
    latest: set[int] = field(default_factory=set[int])
    """Those of the readers that need what was written last."""


class _Building:
    def __init__(self, scheduled: Scheduled, alignment: int) -> None:
        self.scheduled = scheduled
        self.alignment = alignment
        self.number: dict[Any, int] = {node: at for at, node in enumerate(scheduled.nodes)}
        self.buffers: dict[str, Any] = {}
        self.maker: dict[str, int] = {}
        for at, node in enumerate(scheduled.nodes):
            for buffer in node.get_outputs():
                self.buffers[buffer.get_name()], self.maker[buffer.get_name()] = buffer, at
        self.storages: dict[str, _Storage] = {}
        """By the name of the buffer, or the input, that owns it."""
        self.taken: dict[str, str] = {}
        """By name of a buffer: that of the one whose memory its kernel takes over in any order."""

    def take_inputs(self) -> None:
        """Take the inputs that die within the graph."""
        for name, each in self.scheduled.inputs.items():
            size, kept = round_up(each.size, self.alignment), name in self.scheduled.returned
            self.storages[name] = _Storage(size, -1, self.numbers(each.readers), kept)

    def take(self, name: str, buffer: Any) -> None:
        """Take a buffer that has memory of its own, and what its operator returns besides."""
        maker = self.maker[name]
        if self.owner(name) != name or stays_inside(self.scheduled, buffer, self.scheduled.nodes[maker]):
            return
        maker = self.maker.get(tuple_of(buffer) or name, maker)
        self.storages[name] = _Storage(self.bytes(buffer), maker)
        for result, size in results_in(buffer).items():
            if result not in self.buffers:
                readers = self.numbers(buffer.mpi_buffer.succ_nodes)
                self.storages[result] = _Storage(round_up(size, self.alignment), maker, readers)

    def extend(self, name: str, buffer: Any) -> None:
        """Let the memory that a buffer is in live as long as the buffer."""
        storage = self.storages.get(self.owner(name))
        if storage is None:
            return
        # The first kernel that writes a part of a concatenation makes the whole; the others come behind it.
        first = min(self.maker[name], storage.maker)
        readers = self.numbers(buffer.mpi_buffer.succ_nodes) | {self.maker[name], storage.maker}
        whole = self.buffers.get(tuple_of(buffer) or "")
        if whole is not None:
            readers |= self.numbers(whole.mpi_buffer.succ_nodes)
        storage.maker = first
        storage.readers = (storage.readers | readers) - {first, -1}
        storage.kept |= name in self.scheduled.returned

    def overwrite(self, node: Any) -> None:
        """Let a kernel write its results over what only it reads, as Inductor does in any order."""
        at = self.number[node]
        for result, read in overwrites(self.scheduled, node):
            made, given = self.owner(result), self.owner(read)
            storage, old = self.storages.get(made), self.storages.get(given)
            if storage is None or old is None or made == given or storage.maker != at:
                continue
            if old.size == storage.size and not old.kept and (old.latest or old.readers) == {at}:
                old.latest, old.kept = storage.readers, storage.kept
                old.readers |= storage.readers
                self.taken[made] = given
                del self.storages[made]

    def owner(self, name: str) -> str:
        """Return the name of the buffer whose memory a buffer is in."""
        seen = {name}
        while (base := self.base(name)) not in seen:
            name = base
            seen.add(name)
        return name

    def base(self, name: str) -> str:
        if name in self.taken:
            return self.taken[name]
        return base_of(self.scheduled, self.buffers[name]) if name in self.buffers else name

    def numbers(self, nodes: Iterable[Any]) -> set[int]:
        return {self.number[node] for node in nodes if node in self.number}

    def bytes(self, buffer: Any) -> int:
        return round_up(self.scheduled.size(buffer), self.alignment)

    def problem(self) -> Problem:
        named = {name: each for name, each in self.storages.items() if each.size > 0}
        storages, places = list(named.values()), {name: b for b, name in enumerate(named)}
        numbers = range(len(self.scheduled.nodes))
        makes: list[list[int]] = [[] for _ in numbers]
        reads: list[list[int]] = [[] for _ in numbers]
        for b, storage in enumerate(storages):
            if storage.maker >= 0:
                makes[storage.maker].append(b)
            for reader in sorted(storage.readers):
                reads[reader].append(b)
        may_overwrite = [self.may_overwrite(op, makes[op], storages, places) for op in numbers]
        sizes = [each.size for each in storages]
        for producer, readers in self.tokens(reads, storages):
            makes[producer].append(len(sizes))
            for reader in readers:
                reads[reader].append(len(sizes))
            sizes.append(0)
        return Problem(
            names=tuple(node.get_name() for node in self.scheduled.nodes),
            sizes=tuple(sizes),
            inputs=tuple(b for b, each in enumerate(storages) if each.maker < 0),
            kept=tuple(b for b, each in enumerate(storages) if each.kept),
            reads=tuple(map(tuple, reads)),
            makes=tuple(map(tuple, makes)),
            may_overwrite=tuple(may_overwrite),
            scratch=(0,) * len(numbers),
        )

    def tokens(
        self, reads: Sequence[Sequence[int]], storages: Sequence[_Storage]
    ) -> list[tuple[int, list[int]]]:
        """Return the dependences that no memory stands for: a kernel and those that must follow it."""
        following: defaultdict[int, list[int]] = defaultdict(list)
        last: int | None = None
        for at, node in enumerate(self.scheduled.nodes):
            before = self.numbers(node.mpi_node.pred_nodes)
            if keeps_order(node):
                before |= set() if last is None else {last}
                last = at
            implied = {storages[b].maker for b in reads[at]}
            for producer in sorted(before - implied):
                following[producer].append(at)
        return sorted(following.items())

    def may_overwrite(
        self, op: int, made: Sequence[int], storages: Sequence[_Storage], places: Mapping[str, int]
    ) -> tuple[int, ...]:
        """Return the storages that the only result of a kernel takes over if it is the last to read them."""
        if len(made) != 1:
            return ()
        size, node = storages[made[0]].size, self.scheduled.nodes[op]
        given = {self.owner(read) for _, read in overwrites(self.scheduled, node)}
        found = {places[name] for name in given if name in places} - set(made)
        return tuple(sorted(b for b in found if storages[b].size == size and op in storages[b].readers))
