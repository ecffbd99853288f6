"""States of a search, all of them."""

from __future__ import annotations

from hmcos.schedulers.exact.moves import Moves


def closed_states(moves: Moves) -> list[int]:
    """Every set of finished sequences that is closed under predecessors."""
    found = {0}
    frontier = [0]
    for done in frontier:
        for c, before in enumerate(moves.before):
            larger = done | 1 << c
            if larger != done and before & done == before and larger not in found:
                found.add(larger)
                frontier.append(larger)
    return sorted(found)
