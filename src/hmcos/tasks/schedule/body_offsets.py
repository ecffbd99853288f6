"""Offsets for the tensors in the bodies of a model's operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hmcos.alignment import round_up
from hmcos.allocation.auto import auto
from hmcos.allocation.lives import Demand, Lives
from hmcos.frontends.format import Place
from hmcos.graph.graph import body_path
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import Life
from hmcos.memory.target import Target, kind_name, parse_target
from hmcos.plan.plan import Plan

STATES = 10_000
"""States that the planner may search for the bodies of each operator."""
_Thing = tuple[int, int, bool]
"""What has a place: the subgraph, and a tensor in it or an operator, whose scratch it then is."""


def body_offsets(places: Sequence[Place], plan: Plan) -> dict[int, int]:
    """Return tensor to its offset for all bodies, within the scratch that the plan keeps for them.

    `places` are the graphs of the model, with the numbers of their tensors, which are counted through all
    subgraphs. All bodies of an operator are placed at once, and with them those of other operators that run
    one of them as well: a tensor has one offset, wherever it is made. They are left to the runtime if they
    need more than the scratch because of gaps.
    """
    blocks = {buffer.operator: buffer for buffer in plan.buffers if buffer.operator is not None}
    placed: dict[int, int] = {}
    for operators in _groups(places):
        own = [blocks[op] for op in operators if op in blocks]
        if len(own) < len(operators) or len({buffer.offset for buffer in own}) > 1:
            continue  # without room of their own, or not at one place
        walk = _Walk({place.path: place for place in places}, plan)
        size = max(buffer.size for buffer in own)
        for operator in operators:
            begin = walk.step
            walk.enter("", operator)
            walk.lack(begin, blocks[operator].size, size)
        placed |= {tensor: own[0].offset + offset for tensor, offset in walk.offsets(size).items()}
    return placed


def _groups(places: Sequence[Place]) -> Iterator[list[int]]:
    """Yield the operators of the main graph that run bodies, together where they run one in common."""
    groups: list[tuple[set[int], list[int]]] = []
    for op in places[0].graph.operators:
        starts = tuple(body_path("", op.number, body.attribute) for body in op.bodies)
        inside = {
            place.subgraph
            for place in places
            if any(place.path == start or place.path.startswith(f"{start}/") for start in starts)
        }
        if not inside:
            continue
        meeting = [group for group in groups if not inside.isdisjoint(group[0])]
        groups = [group for group in groups if inside.isdisjoint(group[0])]
        operators = [number for _, listed in meeting for number in listed]
        groups.append((inside.union(*(known for known, _ in meeting)), [*operators, op.number]))
    for _, operators in groups:
        yield operators


@dataclass
class _Walk:
    """The steps of bodies, as the runtime counts them: every operator and every body is one.

    Source: `MarkAllocationLifetimes` in micro_allocation_info.cc of TensorFlow Lite for Microcontrollers.
    """

    places: Mapping[str, Place]
    plan: Plan
    step: int = 0
    times: dict[_Thing, list[tuple[int, int]]] = field(default_factory=dict[_Thing, "list[tuple[int, int]]"])
    """The steps [begin, end) at which things are in use, ascending."""
    sizes: dict[_Thing, int] = field(default_factory=dict[_Thing, int])
    numbers: dict[_Thing, int] = field(default_factory=dict[_Thing, int])
    """Tensors as they are counted through all subgraphs."""
    lacking: list[tuple[Life, Demand]] = field(default_factory=list[tuple[Life, Demand]])
    """Bytes that are not free while an operator runs with a smaller block than others."""

    def __post_init__(self) -> None:
        target = self.plan.target
        self.target: Target = parse_target(target.name, target.data, target.name)
        self.orders = {body.path: body.order for body in self.plan.bodies}

    def enter(self, path: str, operator: int) -> None:
        """Run the bodies of an operator of the graph at a path. Recurses as deep as they are nested."""
        for body in self.places[path].graph.operators[operator].bodies:
            self.step += 1
            self.run(body_path(path, operator, body.attribute))

    def lack(self, begin: int, own: int, size: int) -> None:
        """Say that from a step on, until now, an operator had only part of a block of some size."""
        if own < size:
            self.lacking.append((Life(begin + 1, self.step + 1, size - own, None), Demand(offset=own)))

    def run(self, path: str) -> None:
        """Run the graph at a path."""
        place = self.places[path]
        graph = place.graph
        lives = {t: [self.step, self.step] for t in graph.inputs}
        for number in self.orders[path]:
            self.step += 1
            op, begin = graph.operators[number], self.step
            lives |= {t: [begin, begin] for t in op.makes if not graph.tensors[t].is_parameter}
            self.enter(path, number)
            for t in (*op.reads, *op.makes):
                if t in lives:
                    lives[t][1] = self.step
            scratch = self.target.scratch_of_operator.get(op.name, 0)
            scratch += self.target.scratch_of_kind.get(kind_name(op.kind, op.domain), 0)
            self.add((place.subgraph, number, True), scratch, (begin, self.step + 1))
        for t in graph.outputs:
            if t in lives:
                lives[t][1] = self.step
        for t, (begin, last) in lives.items():
            thing = (place.subgraph, t, False)
            self.numbers[thing] = place.first + t
            self.add(thing, graph.tensors[t].size, (begin, last + 1))

    def add(self, thing: _Thing, size: int, steps: tuple[int, int]) -> None:
        if size:
            self.sizes[thing] = size
            self.times.setdefault(thing, []).append(steps)

    def offsets(self, size: int) -> dict[int, int]:
        """Return tensor to its offset within a block of so many bytes; nothing if they do not fit."""
        alignment = self.plan.target.alignment
        things = list(self.times)
        lives = Lives(
            (*(self.life(t) for t in things), *(life for life, _ in self.lacking)),
            alignment,
            (*(self.demand(t) for t in things), *(demand for _, demand in self.lacking)),
        )
        arena = auto(lives, Limits(states=STATES, budget=size), Watch())
        if arena.size > size:
            return {}
        return {
            self.numbers[thing]: offset
            for thing, offset in zip(things, arena.offsets, strict=False)
            if thing in self.numbers
        }

    def life(self, thing: _Thing) -> Life:
        """Return the bytes of a thing from the first step at which it is in use to the last."""
        times = self.times[thing]
        return Life(times[0][0], times[-1][1], round_up(self.sizes[thing], self.plan.target.alignment), None)

    def demand(self, thing: _Thing) -> Demand:
        """Return when others may use the bytes of a thing; never those of scratch: the runtime places it."""
        if thing not in self.numbers:
            return Demand()
        between = ((end, begin) for (_, end), (begin, _) in pairwise(self.times[thing]))
        return Demand(gaps=tuple((end, begin) for end, begin in between if end < begin))
