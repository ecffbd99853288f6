"""The bundled networks by name, as in `zoo:NAME`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

from hmcos.errors import OptionError
from hmcos.registry import imported
from hmcos.words import meant

if TYPE_CHECKING:
    from onnx import ModelProto

    from hmcos.memory.problem import Problem
    from hmcos.memory.target import Target
    from hmcos.zoo.network import BundledNetwork

FAMILIES: dict[str, str] = {
    "nasnet": "hmcos.zoo.nasnet:NASNet",
    "amoebanet": "hmcos.zoo.amoebanet:AmoebaNet",
    "pnas": "hmcos.zoo.pnas:PNASNet",
    "darts": "hmcos.zoo.darts:DARTS",
    "randwire": "hmcos.zoo.randwire:RandWire",
    "mobilenet-v2": "hmcos.zoo.mobilenet_v2:MobileNetV2",
}
"""Family to "module:class"; the class is a `BundledNetwork`, whose fields are the parameters."""

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "nasnet-cifar": ("nasnet", {"cells": 6, "filters": 32}),
    "nasnet-imagenet": ("nasnet", {"dataset": "imagenet", "cells": 4, "filters": 11}),
    "amoebanet-cifar": ("amoebanet", {"cells": 6, "filters": 36}),
    "amoebanet-imagenet": ("amoebanet", {"dataset": "imagenet", "cells": 4, "filters": 12}),
    "pnas-cifar": ("pnas", {"cells": 6, "filters": 32}),
    "pnas-imagenet": ("pnas", {"dataset": "imagenet", "cells": 4, "filters": 12}),
    "darts-cifar": ("darts", {"cells": 6, "filters": 36}),
    "darts-imagenet": ("darts", {"dataset": "imagenet", "cells": 4, "filters": 12}),
    "randwire": ("randwire", {}),
    "randwire-s1": ("randwire", {"seed": 1}),
    "randwire-s2": ("randwire", {"seed": 2}),
    "mobilenet-v2": ("mobilenet-v2", {}),
}
"""Name to family and parameters; all other parameters have the defaults of the family."""


def names() -> tuple[str, ...]:
    """Return the names of all networks in `NETWORKS`."""
    return tuple(NETWORKS)


def defaults(family: str) -> dict[str, object]:
    """Return the parameters of a family with their default values."""
    return dict(_parameters(family))


def build(name: str, /, **parameters: object) -> ModelProto:
    """Return the model of a network in `names()`, or of a family; given parameters replace the defaults.

    Raises:
        OptionError: there is no such network or parameter, or a value is out of range.
    """
    return _network(name, parameters).build()


def problem(
    name: str,
    /,
    *,
    target: str | PathLike[str] | Target = "default",
    alignment: int | None = None,
    **parameters: object,
) -> Problem:
    """Return the problem of a network in `names()`, or of a family, without weights and without a model.

    It equals `hmcos.lower(build(name, **parameters), target=target, alignment=alignment)`, and takes a third
    of the time. Given parameters replace the defaults. `alignment` in bytes replaces the target's.

    Raises:
        OptionError: there is no such network or parameter, or a value is out of range.
        TargetError: there is no such target.
        InstanceError: a tensor would take 2**63 bytes or more.
    """
    # The command line lists the names of networks, and should not load what lowers them.
    from hmcos.memory.sharing import lower  # noqa: PLC0415
    from hmcos.memory.target import target_called  # noqa: PLC0415

    graph = _network(name, parameters).network().graph()
    return lower(graph, target_called(target), alignment=alignment).problem


def parameter_bytes(name: str, /, **parameters: object) -> int:
    """Return the bytes of the weights of a network in `names()`, or of a family, as a file would hold them.

    Raises:
        OptionError: there is no such network or parameter, or a value is out of range.
    """
    return _network(name, parameters).network().parameter_bytes


def _network(name: str, parameters: Mapping[str, object]) -> BundledNetwork:
    check_name(name)
    family, chosen = NETWORKS.get(name, (name, {}))
    make = _maker(family)
    known = _parameters(family)
    for parameter in parameters:
        if parameter not in known:
            there = f"it has {', '.join(known)}.{meant(parameter, known)}"
            raise OptionError(f"zoo: {family} has no parameter {parameter!r}: {there}")
    return make(**{**chosen, **parameters})


def check_name(name: str) -> None:
    """Check that there is a network or family of a name.

    Raises:
        OptionError: there is none; suggests the closest names.
    """
    if name not in NETWORKS and name not in FAMILIES:
        hint = meant(name, [*NETWORKS, *FAMILIES]) or f" There are {', '.join(NETWORKS)}."
        raise OptionError(f"zoo: no network is called {name!r}.{hint}")


def _maker(family: str) -> Callable[..., BundledNetwork]:
    return cast("Callable[..., BundledNetwork]", imported(FAMILIES[family]))


@cache
def _parameters(family: str) -> Mapping[str, object]:
    """Return the parameters of a family with their default values."""
    found = inspect.signature(_maker(family)).parameters
    return {name: parameter.default for name, parameter in found.items()}
