"""The bundled networks by name, as in `zoo:NAME`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from hmcos.errors import OptionError
from hmcos.registry import imported
from hmcos.words import meant

if TYPE_CHECKING:
    from onnx import ModelProto

FAMILIES: dict[str, str] = {
    "nasnet": "hmcos.zoo.nasnet:NASNet",
    "amoebanet": "hmcos.zoo.amoebanet:AmoebaNet",
    "pnas": "hmcos.zoo.pnas:PNASNet",
    "darts": "hmcos.zoo.darts:DARTS",
    "randwire": "hmcos.zoo.randwire:RandWire",
    "mobilenet-v2": "hmcos.zoo.mobilenet_v2:MobileNetV2",
}
"""Family to "module:class"; the fields of the class are the parameters, its method `build` makes the
model."""

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
    return {
        name: parameter.default for name, parameter in inspect.signature(_maker(family)).parameters.items()
    }


def build(name: str, **parameters: object) -> ModelProto:
    """Return the model of a network in `names()`, or of a family; given parameters replace the defaults.

    Raises:
        OptionError: there is no such network or parameter, or a value is out of range.
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
    """Check that there is a network or family of a name.

    Raises:
        OptionError: there is none; suggests the closest names.
    """
    if name not in NETWORKS and name not in FAMILIES:
        hint = meant(name, [*NETWORKS, *FAMILIES]) or f" There are {', '.join(NETWORKS)}."
        raise OptionError(f"zoo: no network is called {name!r}.{hint}")


def _maker(family: str) -> Callable[..., Any]:
    return cast(Callable[..., Any], imported(FAMILIES[family]))
