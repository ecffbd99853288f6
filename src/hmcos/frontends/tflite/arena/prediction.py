"""The whole arena of a model in TensorFlow Lite for Microcontrollers (TFLM), from its file alone.

Follows, step by step, what TFLM puts into its arena while it sets a model up: `AllocateTensors` in
micro_interpreter.cc, and `StartModelAllocation` and `CommitStaticMemoryPlan` in micro_allocator.cc.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from hmcos.alignment import round_up
from hmcos.errors import ModelError
from hmcos.frontends.kernel_table import DEFAULT, kernel_set
from hmcos.frontends.tflite.arena.greedy import PER_BUFFER, UNPLANNED, head_of
from hmcos.frontends.tflite.arena.kept import Kept, also_kept
from hmcos.frontends.tflite.arena.room import Room
from hmcos.frontends.tflite.arena.sizes import Build, Kernel, build, known_kernels
from hmcos.frontends.tflite.arena.usage import planned
from hmcos.frontends.tflite.behind import NOT_IN_TFLM, is_behind
from hmcos.frontends.tflite.facts import Facts
from hmcos.frontends.tflite.kernels.kernel_set import ALIGNMENT, KernelSet
from hmcos.frontends.tflite.kernels.node import Node, Requests
from hmcos.frontends.tflite.offsets import offsets_used
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import ModelT, OperatorT, TensorT, content_of, integers
from hmcos.frontends.tflite.subgraphs import read_subgraph
from hmcos.graph.graph import Graph, Operator
from hmcos.memory.target import kind_name
from hmcos.plan.whole_arena import TwoArenas, WholeArena

_MOST_REQUESTS = 12
"""Scratch buffers that one kernel may ask for: kMaxScratchBuffersPerOp in micro_allocator.cc."""
_NUMBER = 4


def predicted_arena(content: bytes, pointer_bytes: int = 8, kernels: str = DEFAULT) -> WholeArena:
    """Return head, tail, total and the least arena for a model file, predicted; see `sizes.BUILDS`.

    The scratch is that of the named kernels; what they keep counts as that of the reference kernels, which is
    a few bytes less per operator (docs/tflite.md).

    Raises:
        ModelError: the bytes are not a model, or a size is not known, or TFLM would not find all data.
        OptionError: no kernels are called that.
    """
    return Setup.of(content, pointer_bytes, kernels).arena()


@dataclass
class Setup:
    """Setting up one model."""

    model: ModelT
    build: Build
    kernels: KernelSet

    def __post_init__(self) -> None:
        self.room = Room()
        self.subgraphs = self.model.subgraphs or []
        known: dict[int, Graph] = {}
        self.graphs = [read_subgraph(self.model, index, known) for index in range(len(self.subgraphs))]
        self.known = known_kernels(self.build.pointer)
        self.valued: set[object] = set()
        """The resources whose values have room, by name."""

    @classmethod
    def of(cls, content: bytes, pointer_bytes: int, kernels: str) -> Setup:
        """Return the setting up of the model in a file, by pointers and kernels.

        Raises:
            ModelError: the bytes are not a model, or not one that TFLM reads.
            OptionError: no kernels are called that.
        """
        model = parse(content)
        if is_behind(model):
            raise ModelError(NOT_IN_TFLM)
        return cls(model, build(pointer_bytes), kernel_set(kernels))

    def arena(self) -> WholeArena:
        """Return the arena after everything was set up."""
        room = self.room
        self.start()
        self.prepare()
        count = sum(map(len, self.scratch.values()))
        if count:
            room.keep_structure(self.build["scratch_handle"], count)
        head = self.plan(count)
        room.reserve(head)
        main = self.subgraphs[0]
        for ends in (integers(main.inputs), integers(main.outputs)):
            room.keep(self.build.pointer * len(ends))
            for t in ends:
                self.keep_tensor(t)
        total = head + room.tail
        declare = round_up(max(room.needed, total), ALIGNMENT)
        return WholeArena(head, room.tail, total, declare, self.unknown, self.apart())

    def apart(self) -> TwoArenas:
        """Return two arenas for `MicroAllocator::Create` with a persistent and a non-persistent arena.

        Each arena then has an allocator of its own, both of which are kept in the persistent one.
        """
        more = sum(structure.size for structure in self.build.two_allocators)
        persistent = self.room.tail + more - self.build.allocator[0].size
        return TwoArenas(round_up(self.room.front, ALIGNMENT), round_up(persistent, ALIGNMENT))

    def start(self) -> None:
        """Keep the allocator, the tables of tensors and operators, and what operators say of themselves."""
        room = self.room
        for structure in self.build.allocator:
            room.keep_structure(structure)
        names = {_resource_name(op) for op in self.operators_of("VAR_HANDLE")}
        if names:
            room.keep(self.build["resources"].size)
            room.keep(self.build["resource"].size * len(names))
        room.keep_structure(self.build["builtin_allocator"])
        room.reserve(self.build["scratch_request"].size * _MOST_REQUESTS)
        room.keep_structure(self.build["subgraph"], len(self.graphs))
        for graph in self.graphs:
            room.keep_structure(self.build["eval_tensor"], len(graph.tensors))
        for graph in self.graphs:
            room.keep_structure(self.build["node"], len(graph.operators))
        every = [self.kernel(op) for graph in self.graphs for op in graph.operators]
        for kernel in every:
            if kernel is not None and kernel.options.size:
                room.keep_structure(kernel.options)
        for kernel in every:
            if kernel is not None and kernel.data:
                room.keep(kernel.data)

    def operators_of(self, kind: str) -> Iterator[OperatorT]:
        """Yield the operators of a kind."""
        for graph, subgraph in zip(self.graphs, self.subgraphs, strict=True):
            for op, operator in zip(graph.operators, subgraph.operators or [], strict=True):
                if op.kind == kind:
                    yield operator

    def prepare(self) -> None:
        """Keep what kernels keep by their shapes, and hold for a moment what they look at."""
        room, asked = self.room, 0
        for index, graph in enumerate(self.graphs):
            for op in graph.operators:
                kernel = self.kernel(op)
                if kernel is not None:
                    for t in kernel.looked_at(op):
                        self.take_tensor(index, t)
                for size in self.kept(index, op):
                    room.keep(size)
                asked += len(self.scratch.get((index, op.number), ()))
                room.reserve(self.build["scratch_request"].size * (asked + _MOST_REQUESTS))

    def kept(self, index: int, op: Operator) -> list[int]:
        """Return the bytes of everything that the kernel of an operator keeps by its shapes, one by one."""
        kernel, by_set = self.kernel(op), self.kernels.keeps(self.node(index, op))
        ruled = [] if kernel is None else also_kept(self._ruled(index, op, kernel))
        return [*ruled, *by_set]

    def _ruled(self, index: int, op: Operator, kernel: Kernel) -> Kept:
        """Return an operator with what its rule may ask for."""
        options = (self.subgraphs[index].operators or [])[op.number].builtinOptions
        adjoint = [bool(getattr(options, name, False)) for name in ("adjX", "adjY")]
        weights = op.input(1)
        channels = 0 if weights is None else self.channels(index, weights)
        # The kernel multiplies rows by rows: it copies the first input if that is transposed, and the second
        # one if it is not.
        is_valued = op.kind == "ASSIGN_VARIABLE" and not self.gets_value(index, op)
        transposed = adjoint[0], not adjoint[1]
        return Kept(self.build, kernel, self.graphs[index], op, channels, transposed, is_valued)

    def gets_value(self, index: int, op: Operator) -> bool:
        """Return whether an ASSIGN_VARIABLE is the first of its resource, which has a value from then on."""
        graph = self.graphs[index]
        handles = [other for other in graph.operators if op.input(0) in other.makes]
        names = {_resource_name((self.subgraphs[index].operators or [])[other.number]) for other in handles}
        is_first = names.isdisjoint(self.valued)
        self.valued |= names
        return is_first

    def plan(self, asked: int) -> int:
        """Return the head, planned with tables that are there for a moment; keep the variables."""
        room, everything = self.room, sum(len(graph.tensors) for graph in self.graphs)
        room.take(self.build.pointer * len(self.graphs), self.build.pointer)
        info = self.build["allocation_info"]
        room.take(info.size * (everything + asked), info.alignment)
        offsets = offsets_used(self.model) or (UNPLANNED,) * everything
        placed = iter(offsets)
        stored: list[frozenset[int]] = []
        for index, graph in enumerate(self.graphs):
            apart: set[int] = set()
            handles = {t for op in graph.operators if op.kind == "VAR_HANDLE" for t in op.makes}
            for t, tensor in enumerate(graph.tensors):
                planned_here = next(placed) == UNPLANNED
                if self.tensor(index, t).isVariable and planned_here:
                    room.keep(tensor.size)
                    apart.add(t)
                elif t in handles or (not self.tensor(index, t).isVariable and self.has_data(index, t)):
                    apart.add(t)
            stored.append(frozenset(apart))
        buffers = planned(self.model, self.graphs, stored, self.scratch, offsets)
        room.take_rest(PER_BUFFER * len(buffers))
        return head_of(buffers)

    def has_data(self, index: int, t: int) -> bool:
        """Return whether a tensor's values are in the file."""
        return bool(content_of((self.model.buffers or [])[self.tensor(index, t).buffer]))

    @cached_property
    def requests(self) -> dict[tuple[int, int], Requests | None]:
        """Subgraph and operator to the scratch that its kernel requests; None where that is not known."""
        found: dict[tuple[int, int], Requests | None] = {}
        for index, graph in enumerate(self.graphs):
            for op in graph.operators:
                found[index, op.number] = self.kernels.requests(self.node(index, op))
        return found

    def node(self, index: int, op: Operator) -> Node:
        """Return an operator of a subgraph as its kernel sees it."""
        graph = self.graphs[index]
        return Node(graph, op, lambda: Facts(graph, self.model, index), self.build.pointer)

    @cached_property
    def scratch(self) -> dict[tuple[int, int], Requests]:
        """The same where it is known and there is any."""
        return {place: asked for place, asked in self.requests.items() if asked}

    @property
    def unknown(self) -> tuple[str, ...]:
        """The kinds of which it is not known what they keep or request."""
        kinds = {
            op.kind
            for index, graph in enumerate(self.graphs)
            for op in graph.operators
            if self.kernel(op) is None or self.requests[index, op.number] is None
        }
        return tuple(sorted(kinds))

    def kernel(self, op: Operator) -> Kernel | None:
        """Return what the kernel of an operator keeps; None if its kind is unknown."""
        return self.known.get(kind_name(op.kind, op.domain))

    def tensor(self, index: int, t: int) -> TensorT:
        """Return a tensor of a subgraph as the file has it."""
        return (self.subgraphs[index].tensors or [])[t]

    def channels(self, index: int, t: int) -> int:
        """Return the number of scales of a tensor; 0 if it is not quantized."""
        by = self.tensor(index, t).quantization
        if by is None or by.scale is None or by.zeroPoint is None or not len(by.zeroPoint):
            return 0
        return len(by.scale)

    def keep_tensor(self, t: int) -> None:
        """Keep an input or output of the model, as it can be asked for by users, with its quantization."""
        room, channels = self.room, self.channels(0, t)
        room.keep_structure(self.build["tensor"])
        if channels:
            room.keep_structure(self.build["quantization"])
            room.keep(_NUMBER * (1 + channels), _NUMBER)

    def take_tensor(self, index: int, t: int) -> None:
        """Hold a tensor for the moment in which a kernel looks at it."""
        channels, by = self.channels(index, t), self.build["quantization"]
        self.room.take(self.build["tensor"].size, self.build["tensor"].alignment)
        if channels:
            self.room.take(by.size, by.alignment)
            self.room.take(_NUMBER * (1 + channels), _NUMBER)


def _resource_name(operator: OperatorT) -> object:
    """Return the name that a VAR_HANDLE has for its resource."""
    return getattr(operator.builtinOptions, "sharedName", None)
