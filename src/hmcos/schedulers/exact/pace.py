"""How long each part of the exact search goes on before another has its turn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchPace:
    """States that parts of the search may enter; they change its speed, but no optimum and no proof."""

    quick_operators: int = 1_500
    """Problems with at most this many operators are first searched whole: cutting them would take longer."""
    instant_states: int = 300
    """States of the first search of the whole, which may make even the must-live bound unnecessary."""
    quick_states: int = 6_000
    """States of the search of the whole in all, before the problem is cut."""
    first_round: int = 2_000
    """States that each piece may enter before all effort goes to the piece with the largest peak."""
    slice: int = 256
    """The two directions take turns after this many states."""
    first_steps: int = 2_000
    """States that stepping may enter before the probe just below the peak begins."""
    patience: int = 2_000
    """States that stepping may spend on a threshold above the lower bound."""
    first_probe: int = 1_000
    """States of the probes of the first round after stepping; doubled whenever a round decides nothing."""
    beam_states: int = 10
    """A beam begins after this many states for each sequence and each state that it keeps: a search that ends
    sooner is quicker without it."""
    level_states: int = 100_000
    """An integer program of a level is solved after each so many states: it takes about as long."""
    often: int = 2_000
    """States after which a direction remembers what follows from moves: a shorter search would lose time."""
    long_run: int = 5
    """Until then, rests of runs of so many steps are remembered: shorter ones are quickly followed anew."""
    uncut: int = 64
    """Valley cuts begin after this many states: a search that succeeds sooner is quicker without them."""
