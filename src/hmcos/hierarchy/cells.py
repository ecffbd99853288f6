r"""Cells: sequences that all lead into one operator, or all come out of it.

    a   b
     \ /
      c
     / \
    d   e

The end c of a cell post-dominates its members: every way from a or b to an output passes c. An intrusion is
a part of what c dominates: every way from an input to d or e passes c. The closed part whose outgoing
buffers are smallest becomes a cell of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from heapq import heappop, heappush

from hmcos.hierarchy.dominators import ROOT, dominators, exits
from hmcos.hierarchy.sequences import Sequences

LARGEST = 64
"""Sequences in the largest cell that post-dominance alone may make: a larger one is no easier to
schedule than the whole. Cells whose ends are given may be of any size, as published."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Sequences that are scheduled as one, and how they hang together with the rest."""

    sequences: tuple[int, ...]
    """Its members, ascending."""
    end: int
    """The operator that ends it, or that it follows when it is an intrusion."""
    intrudes: bool
    """Whether it was cut from the cell that follows `end`."""
    input_frontier: tuple[int, ...]
    """Members that read a buffer from outside."""
    output_frontier: tuple[int, ...]
    """Members that make a buffer which is read outside or kept."""
    entrances: tuple[int, ...]
    """Members that follow no other member."""
    exits: tuple[int, ...]
    """Members that no other member follows."""
    consumed: tuple[tuple[int, int], ...]
    """Buffers from outside and how many operators of the cell read each, ascending."""
    produced: tuple[tuple[int, int], ...]
    """Buffers made here and how many operators outside read each (0 for a kept one), ascending."""


def find_cells(sequences: Sequences, ends: Collection[int] | None = None) -> tuple[Cell, ...]:
    """Return disjoint cells, ascending by their ends; contracted, they leave the graph acyclic.

    Without `ends` every operator with several predecessors may end a cell: the outermost ones with at most
    LARGEST members do. With `ends` these operators do, where they start a sequence; the published system
    takes the sequences that start with a Concat (HMCOS, DAC 2022, hierarchical graph).

    Why contraction makes no cycle: of a cell only its end is read outside, an intrusion reads only what
    its end makes or what comes from itself, and a cell end that an intrusion has taken ends no cell.
    """
    if ends is None:
        heads, largest = _outermost(sequences), LARGEST
    else:
        heads, largest = _starts(sequences, ends), len(sequences)
    taken, found = [False] * len(sequences), list[Cell]()
    leaves = _leaves(sequences)
    for head in heads:
        inside = () if taken[head] else _leading_into(sequences, head, (taken, leaves), largest)
        if len(inside) < 2:
            continue
        intrusion = _intrusion(sequences, head)
        for s in (*inside, *intrusion):
            taken[s] = True
        found.append(_cell(sequences, inside, head, intrudes=False))
        if intrusion:
            found.append(_cell(sequences, intrusion, head, intrudes=True))
    return tuple(found)


def _leaves(sequences: Sequences) -> list[bool]:
    """Return per sequence whether one of its buffers is an output of the problem, or nobody follows it."""
    leaving = [False] * len(sequences)
    for op in exits(sequences.problem):
        leaving[sequences.owner[op]] = True
    return leaving


def _starts(sequences: Sequences, ends: Collection[int]) -> list[int]:
    return sorted(s for s in {sequences.owner[op] for op in ends} if sequences.operators[s][0] in ends)


def _outermost(sequences: Sequences) -> list[int]:
    """Return the sequences that may end a cell and are in no other cell of at most LARGEST members."""
    several = [len(before) > 1 for before in sequences.predecessors]
    tree = dominators(sequences.predecessors, [s for s, leaves in enumerate(_leaves(sequences)) if leaves])
    covered = [False] * len(several)
    found: list[int] = []
    # A post-dominator follows what it post-dominates: descending numbers meet it first.
    for s in range(len(several) - 1, -1, -1):
        parent = tree.parent[s]
        covered[s] = parent != ROOT and (
            covered[parent] or (several[parent] and tree.weight(parent) <= LARGEST)
        )
        if several[s] and not covered[s]:
            found.append(s)
    return found[::-1]


def _leading_into(
    sequences: Sequences, head: int, barred: tuple[list[bool], list[bool]], largest: int
) -> tuple[int, ...]:
    """Return the end and all sequences whose every way on leads, through such ones, into it.

    Sequences that are barred do not join. Empty when there are more than `largest`.
    """
    inside = {head}
    waiting = [-p for p in reversed(sequences.predecessors[head])]
    seen = set(waiting)
    # Descending numbers: all members that follow a sequence are known before it is looked at.
    while waiting:
        s = -heappop(waiting)
        if any(bar[s] for bar in barred) or not inside.issuperset(sequences.successors[s]):
            continue
        inside.add(s)
        if len(inside) > largest:
            return ()
        for p in sequences.predecessors[s]:
            if -p not in seen:
                seen.add(-p)
                heappush(waiting, -p)
    return tuple(sorted(inside))


def _intrusion(sequences: Sequences, head: int) -> tuple[int, ...]:
    """Return the members of the intrusion behind a cell's end, ascending; empty for fewer than two.

    What the end dominates is followed until another sequence with several predecessors. That is a tree, so
    that the best closed subset is found from its leaves up: behind each sequence either all that read from
    it come along, or its own buffers stay outgoing and only those come along that leave nothing.
    """
    dominated = _dominated(sequences, head)
    members = {head, *dominated}
    outgoing: dict[int, int] = {}
    along: dict[int, tuple[int, ...]] = {}
    for s in sorted(members, reverse=True):
        after = sequences.successors[s]
        own, kept = _outgoing(sequences, s)
        rest = kept + sum(outgoing.get(a, 0) for a in after)
        all_along = bool(after) and members.issuperset(after) and rest <= own
        along[s] = after if all_along else tuple(a for a in after if outgoing.get(a) == 0)
        outgoing[s] = rest if all_along else own
    chosen: list[int] = []
    stack = list(along[head])
    while stack:
        chosen.append(stack.pop())
        stack += along[chosen[-1]]
    return tuple(sorted(chosen)) if len(chosen) > 1 else ()


def _dominated(sequences: Sequences, head: int) -> list[int]:
    """Return the sequences that follow only the end or one another, each a single one, and read no input."""
    producer = sequences.problem.producer
    found: list[int] = []
    stack = [head]
    while stack:
        for s in sequences.successors[stack.pop()]:
            reads = (b for op in sequences.operators[s] for b in sequences.problem.reads[op])
            if len(sequences.predecessors[s]) == 1 and all(producer[b] >= 0 for b in reads):
                found.append(s)
                stack.append(s)
    return found


def _outgoing(sequences: Sequences, s: int) -> tuple[int, int]:
    """Return the bytes that a sequence leaves behind, and those of them that are kept to the end."""
    problem, owner = sequences.problem, sequences.owner
    made = [b for op in sequences.operators[s] for b in problem.makes[op]]
    kept = sum(problem.sizes[b] for b in made if b in problem.held)
    read = (b for b in made if b not in problem.held and any(owner[r] != s for r in problem.readers[b]))
    return kept + sum(problem.sizes[b] for b in read), kept


def _cell(sequences: Sequences, members: tuple[int, ...], head: int, *, intrudes: bool) -> Cell:
    problem, owner, inside = sequences.problem, sequences.owner, frozenset(members)
    consumed: dict[int, int] = {}
    produced: dict[int, int] = {}
    fed: set[int] = set()
    feeding: set[int] = set()
    for s in members:
        for op in sequences.operators[s]:
            for b in problem.reads[op]:
                maker = problem.producer[b]
                if maker < 0 or owner[maker] not in inside:
                    consumed[b] = consumed.get(b, 0) + 1
                    fed.add(s)
            for b in problem.makes[op]:
                outside = sum(owner[r] not in inside for r in problem.readers[b])
                if outside or b in problem.held:
                    produced[b] = outside
                    feeding.add(s)
    return Cell(
        sequences=members,
        end=sequences.operators[head][0],
        intrudes=intrudes,
        input_frontier=tuple(sorted(fed)),
        output_frontier=tuple(sorted(feeding)),
        entrances=tuple(s for s in members if inside.isdisjoint(sequences.predecessors[s])),
        exits=tuple(s for s in members if inside.isdisjoint(sequences.successors[s])),
        consumed=tuple(sorted(consumed.items())),
        produced=tuple(sorted(produced.items())),
    )
