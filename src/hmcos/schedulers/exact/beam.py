"""Beam search for orders with a low peak, without a proof.

Among states with equally many moves, the beam keeps the few with the lowest peak so far, then the lowest
stable memory. Each state that it keeps is closed under commits (commits.py) as far as the threshold
allows. So a narrow beam does about as well as a wide one, and the backward direction usually does better.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from hmcos.schedulers.exact.commits import Commits, PruningRules, Root
from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.moves import Cost


@dataclass(frozen=True, slots=True)
class _Node:
    left: int
    """The moves still to come, as a bit set."""
    mem: int
    """Stable memory in bytes."""
    peak: int
    """Largest running memory of a choice on the way, in bytes; commits, which stay within the threshold, do
    not count."""
    ready: dict[int, Cost]
    steps: list[int]
    parent: _Node | None

    @property
    def rank(self) -> tuple[int, int, int]:
        return self.peak, self.mem, self.left


def beam(
    effects: Effects, root: Root, threshold: int, width: int, rules: PruningRules
) -> Generator[None, None, list[int] | None]:
    """Return the moves of a path from a root to the end within a threshold in bytes, None if it finds none.

    The generator yields after every state, so that the caller can stop it.
    """
    commits = Commits(effects, threshold, rules)
    ready, steps = root.ready.copy(), root.steps.copy()
    left, mem = commits.close(root.left, root.mem, ready, steps)
    levels = {left.bit_count(): {left: _Node(left, mem, 0, ready, steps, None)}}
    while levels:
        moves_left = max(levels)
        level = levels.pop(moves_left)
        if not moves_left:
            return _path(level[0])
        for node in sorted(level.values(), key=lambda node: node.rank)[:width]:
            for c, (need, _) in node.ready.items():
                if node.mem + need <= threshold:
                    child = _child(commits, node, c, need)
                    same_size = levels.setdefault(child.left.bit_count(), {})
                    known = same_size.get(child.left)
                    if known is None or child.peak < known.peak:
                        same_size[child.left] = child
            yield
    return None


def _child(commits: Commits, node: _Node, c: int, need: int) -> _Node:
    ready = node.ready.copy()
    steps: list[int] = []
    closing = commits.known(c, node.left, node.mem)
    if closing:
        left, mem = commits.follow(closing, node.left, node.mem, ready, steps)
    else:
        left, mem = commits.advance(c, node.left, node.mem, ready, steps)
    return _Node(left, mem, max(node.peak, node.mem + need), ready, steps, node)


def _path(end: _Node) -> list[int]:
    taken: list[list[int]] = []
    node: _Node | None = end
    while node is not None:
        taken.append(node.steps)
        node = node.parent
    return [c for steps in reversed(taken) for c in steps]
