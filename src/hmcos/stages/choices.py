"""What a caller chose, checked: the target and the limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import isnan
from os import PathLike, fspath

from hmcos.errors import OptionError
from hmcos.memory.target import Target, check_name, load_target, target_names
from hmcos.plan.limits import Limits, never


def chosen_target(target: str | PathLike[str] | Target) -> Target:
    """Return a target: itself, or the one that a shipped name or a TOML file stands for.

    Raises:
        TargetError: there is none of this name, its file is wrong, or it has the name of a shipped one but
            other rules.
    """
    if isinstance(target, Target):
        check_name(target)
        return target
    return _shipped(str(target)) if target in target_names() else load_target(fspath(target))


@cache
def _shipped(name: str) -> Target:
    """Return a shipped target, read once: whoever asks thousands of times pays for it once."""
    return load_target(name)


def chosen_limits(
    seconds: float | None = None,
    states: int | None = None,
    budget: int | None = None,
    seed: int = 0,
    interrupted: Callable[[], bool] = never,
) -> Limits:
    """Return limits; None stands for no limit in seconds or bytes, and for the usual one in states.

    Raises:
        OptionError: a limit is negative, or no number.
    """
    if seconds is not None and (isnan(seconds) or seconds < 0):
        raise OptionError(f"a time limit is at least 0 seconds, not {seconds}")
    if states is not None and states < 1:
        raise OptionError(f"a state limit is at least 1 state, not {states}")
    if budget is not None and budget < 0:
        raise OptionError(f"a budget is at least 0 bytes, not {budget}")
    limits = Limits(seconds=seconds, budget=budget, seed=seed, interrupted=interrupted)
    return limits if states is None else replace(limits, states=states)
