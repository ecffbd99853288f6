"""How the models of a verification are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hmcos.errors import OptionError
from hmcos.frontends.model import Model
from hmcos.plan.plan import Plan
from hmcos.verify.checks import Check


@dataclass(frozen=True, slots=True)
class Running:
    """How models are run: on what, and with which limits."""

    runs: int = 2
    seed: int = 0
    inputs: Mapping[str, Path] | None = None
    """The user's own inputs: name to .npy file."""
    seconds: int = 600
    """Of processor time."""
    memory: int = 16 * 2**30
    """Bytes of address space."""

    def __post_init__(self) -> None:
        if self.runs < 1 or self.seed < 0 or self.seconds < 1 or self.memory < 2**20:
            raise OptionError("verify needs at least one run, one second, 1 MiB and a seed of at least 0")


@dataclass(frozen=True, slots=True)
class Runner:
    """How the models of a format are compared and run."""

    ran: Callable[[Model, Plan | None, Path | None, Running], list[Check]]
    """Returns the checks of a written model and of running it; without one, of the order of the plan."""
    compared: Callable[[Model, Plan | None, Path], Check]
    """Returns whether a written model is the source in the planned order, without running it."""
