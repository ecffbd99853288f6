"""The networks that `zoo:NAME` stands for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from hmcos.errors import OptionError
from hmcos.words import meant

if TYPE_CHECKING:
    from onnx import ModelProto

FAMILIES: dict[str, str] = {
    "nasnet": "hmcos.zoo.nasnet:NASNet",
    "amoebanet": "hmcos.zoo.amoebanet:AmoebaNet",
    "pnas": "hmcos.zoo.pnas:PNASNet",
    "darts": "hmcos.zoo.darts:DARTS",
    "randwire": "hmcos.zoo.randwire:RandWire",
}
"""Where the parameters of each family are, a class with a method `build`."""

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
}
"""Name to family and parameters; the rest are the family's defaults."""


def names() -> tuple[str, ...]:
    """Return the names of all networks that are ready made."""
    return tuple(NETWORKS)


def defaults(family: str) -> dict[str, object]:
    """Return the parameters of a family and what they are when not given."""
    return {
        name: parameter.default for name, parameter in inspect.signature(_maker(family)).parameters.items()
    }


def build(name: str, **parameters: object) -> ModelProto:
    """Return a network: one of `names()`, or a family such as nasnet; the parameters given go first.

    Raises:
        OptionError: no such network, no such parameter, or a value out of range.
    """
    check_name(name)
    family, chosen = NETWORKS.get(name, (name, {}))
    make = _maker(family)
    known = inspect.signature(make).parameters
    for parameter in parameters:
        if parameter not in known:
            there = f"it has {', '.join(known)}.{meant(parameter, known)}"
            raise OptionError(f"zoo: {family} has no parameter {parameter!r}: {there}")
    return cast("ModelProto", make(**{**chosen, **parameters}).build())


def check_name(name: str) -> None:
    """Do nothing if there is such a network or family.

    Raises:
        OptionError: there is none; tells which was meant.
    """
    if name not in NETWORKS and name not in FAMILIES:
        hint = meant(name, [*NETWORKS, *FAMILIES]) or f" There are {', '.join(NETWORKS)}."
        raise OptionError(f"zoo: no network is called {name!r}.{hint}")


def _maker(family: str) -> Callable[..., Any]:
    module, _, found = FAMILIES[family].partition(":")
    return cast(Callable[..., Any], getattr(import_module(module), found))
