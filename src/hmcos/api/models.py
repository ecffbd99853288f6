"""Read networks, describe them, and export them as problems."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from hmcos.frontends.model import Model
from hmcos.limits import Watch
from hmcos.memory.instance import write_instance
from hmcos.memory.problem import Problem
from hmcos.memory.target import Target
from hmcos.network.opening import Openable, open_source
from hmcos.staging import identities, write
from hmcos.tasks.places import check_apart, check_file, target_file
from hmcos.tasks.request import Request, chosen_target
from hmcos.tasks.schedule.solving import lowered

if TYPE_CHECKING:
    from hmcos.tasks.inspection import Inspection


def inspect(model: Openable, *, bind: Mapping[str, int] | None = None) -> Inspection:
    """Return the contents of a network: inputs, outputs, operators by kind, sizes, symbols to bind.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    from hmcos.tasks.inspection import inspect_source  # noqa: PLC0415 (only here)

    return inspect_source(model, bind)


def load(model: Openable, *, bind: Mapping[str, int] | None = None) -> Model | Problem:
    """Return a network, read and checked: a Model, or a Problem if the file holds one.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    return open_source(model, bind).content


def lower(
    model: Openable,
    *,
    target: str | PathLike[str] | Target = "default",
    kernels: str | None = None,
    bind: Mapping[str, int] | None = None,
    alignment: int | None = None,
) -> Problem:
    """Return the problem that the schedulers search: a network as numbers, on a target.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    request = Request(chosen_target(target, kernels), alignment=alignment)
    return lowered(request, open_source(model, bind, numbers_only=True), Watch())[0].problem


def export_instance(
    model: Openable,
    path: str | PathLike[str],
    *,
    target: str | PathLike[str] | Target = "default",
    kernels: str | None = None,
    bind: Mapping[str, int] | None = None,
    alignment: int | None = None,
) -> Problem:
    """Write the problem of a network on a target as an instance file, and return it.

    Raises:
        HmcosError: one of its subclasses for any wrong input, or for a path that cannot be written.
    """
    place = Path(path)
    check_file(place)
    opened = open_source(model, bind, numbers_only=True)
    check_apart(place, identities(*opened.files, *target_file(target)))
    request = Request(chosen_target(target, kernels), alignment=alignment)
    problem = lowered(request, opened, Watch())[0].problem
    write(place, write_instance(problem).encode())
    return problem
