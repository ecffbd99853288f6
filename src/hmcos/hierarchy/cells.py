r"""Cells: groups of sequences that all lead into one operator, or that all follow one.

    a   b
     \ /
      c
     / \
    d   e

A cell is its end c with a and b: c post-dominates them, so every path from a or b to an output passes c.
An intrusion is a cell among the sequences that c dominates, here d and e: every path from an input to them
passes c. Of these, the closed part whose outgoing buffers are smallest becomes the intrusion.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from heapq import heappop, heappush

from hmcos.hierarchy.dominators import ROOT, dominators, exits
from hmcos.hierarchy.sequences import Sequences

LARGEST = 64
"""The most sequences in a cell: a larger one is no easier to schedule than the whole. Cells whose ends are
given may have any size, as published."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Sequences that are scheduled as one, and their connections to the rest."""

    sequences: tuple[int, ...]
    """Its members, ascending."""
    end: int
    """The operator that ends the cell, or that an intrusion follows."""
    intrudes: bool
    """Whether it is an intrusion: it follows `end` instead of leading into it."""
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


def find_cells(
    sequences: Sequences, ends: Collection[int] | None = None, largest: int = LARGEST
) -> tuple[Cell, ...]:
    """Return disjoint cells, ascending by their ends; contracting them leaves the graph acyclic.

    Without `ends`, every operator with several predecessors may end a cell; of these, the outermost cells
    with at most `largest` members are returned. With `ends`, only these operators end cells, if they start a
    sequence; the published system takes the sequences that start with a Concat (HMCOS, DAC 2022,
    hierarchical graph).

    Contraction makes no cycle because only the end of a cell is read outside, an intrusion reads only the
    outputs of its end and its own, and an end that is a member of an intrusion does not end a cell.
    """
    if ends is None:
        heads = _outermost(sequences, largest)
    else:
        heads, largest = _starts(sequences, ends), len(sequences)
    taken, cells = [False] * len(sequences), list[Cell]()
    leaves = _leaves(sequences)
    for head in heads:
        inside = () if taken[head] else _leading_into(sequences, head, (taken, leaves), largest)
        if len(inside) < 2:
            continue
        intrusion = _intrusion(sequences, head)
        for s in (*inside, *intrusion):
            taken[s] = True
        cells.append(_cell(sequences, inside, head, intrudes=False))
        if intrusion:
            cells.append(_cell(sequences, intrusion, head, intrudes=True))
    return tuple(cells)


def _leaves(sequences: Sequences) -> list[bool]:
    """Return, per sequence, whether one of its buffers is an output of the problem, or nothing follows it."""
    leaving = [False] * len(sequences)
    for op in exits(sequences.problem):
        leaving[sequences.owner[op]] = True
    return leaving


def _starts(sequences: Sequences, ends: Collection[int]) -> list[int]:
    return sorted(s for s in {sequences.owner[op] for op in ends} if sequences.operators[s][0] in ends)


def _outermost(sequences: Sequences, largest: int) -> list[int]:
    """Return the sequences that may end a cell and lie in no other cell of at most `largest` members."""
    several = [len(before) > 1 for before in sequences.predecessors]
    tree = dominators(sequences.predecessors, [s for s, leaves in enumerate(_leaves(sequences)) if leaves])
    covered = [False] * len(several)
    ends: list[int] = []
    # Descending numbers: a post-dominator comes before what it post-dominates.
    for s in range(len(several) - 1, -1, -1):
        parent = tree.parent[s]
        covered[s] = parent != ROOT and (
            covered[parent] or (several[parent] and tree.weight(parent) <= largest)
        )
        if several[s] and not covered[s]:
            ends.append(s)
    return ends[::-1]


def _leading_into(
    sequences: Sequences, head: int, barred: tuple[list[bool], list[bool]], largest: int
) -> tuple[int, ...]:
    """Return the end and all sequences that lead only into it, directly or through one another.

    Barred sequences are left out. The result is empty if there are more than `largest` sequences.
    """
    inside = {head}
    waiting = [-p for p in reversed(sequences.predecessors[head])]
    seen = set(waiting)
    # Descending numbers: when a sequence is looked at, all members that follow it are known.
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
    """Return the members of the intrusion after a cell's end, ascending; empty if there are fewer than two.

    Candidates are the sequences that the end dominates, up to the next ones with several predecessors.
    They form a tree, so the closed subset with the fewest outgoing bytes is computed from the leaves up.
    After each sequence there are two choices: all its readers belong to the intrusion, or its own buffers
    are outgoing and only those readers belong to it that leave no bytes behind.
    """
    dominated = _dominated(sequences, head)
    members = {head, *dominated}
    outgoing: dict[int, int] = {}
    following: dict[int, tuple[int, ...]] = {}
    for s in sorted(members, reverse=True):
        after = sequences.successors[s]
        own, kept = _outgoing(sequences, s)
        rest = kept + sum(outgoing.get(a, 0) for a in after)
        takes_all = bool(after) and members.issuperset(after) and rest <= own
        following[s] = after if takes_all else tuple(a for a in after if outgoing.get(a) == 0)
        outgoing[s] = rest if takes_all else own
    chosen: list[int] = []
    stack = list(following[head])
    while stack:
        chosen.append(stack.pop())
        stack += following[chosen[-1]]
    return tuple(sorted(chosen)) if len(chosen) > 1 else ()


def _dominated(sequences: Sequences, head: int) -> list[int]:
    """Return the sequences that follow only the end, or only one such sequence, and that read no input."""
    producer = sequences.problem.producer
    dominated: list[int] = []
    stack = [head]
    while stack:
        for s in sequences.successors[stack.pop()]:
            reads = (b for op in sequences.operators[s] for b in sequences.problem.reads[op])
            if len(sequences.predecessors[s]) == 1 and all(producer[b] >= 0 for b in reads):
                dominated.append(s)
                stack.append(s)
    return dominated


def _outgoing(sequences: Sequences, s: int) -> tuple[int, int]:
    """Return the bytes that a sequence leaves to others or to the end, and those that are kept to the end."""
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
