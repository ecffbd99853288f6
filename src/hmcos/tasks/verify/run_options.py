"""How to run the models of a verification."""

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
    """How to run models: on which inputs, within which limits."""

    runs: int = 2
    seed: int = 0
    inputs: Mapping[str, Path] | None = None
    """Inputs from the user: name to .npy file."""
    seconds: int = 600
    """Of processor time."""
    memory: int = 16 * 2**30
    """Bytes of address space."""
    cc: str | None = None
    """The compiler of generated code; None for the system's."""
    cmsis_nn: Path | None = None
    """The folder of CMSIS-NN, for code that calls it."""

    def __post_init__(self) -> None:
        if self.runs < 1 or self.seed < 0 or self.seconds < 1 or self.memory < 2**20:
            raise OptionError("verify needs at least one run, one second, 1 MiB and a seed of at least 0")


@dataclass(frozen=True, slots=True)
class Runner:
    """The functions that compare and run the models of one format."""

    ran: Callable[[Model, Plan | None, Path | None, Running], list[Check]]
    """Returns the checks that compare and run a written model, or else the source in planned order."""
    compared: Callable[[Model, Plan | None, Path], Check]
    """Returns the check that a written model is the source in the planned order, without running it."""
