"""The kernels that TensorFlow Lite for Microcontrollers may be built with, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hmcos.errors import OptionError
from hmcos.registry import imported
from hmcos.words import meant

if TYPE_CHECKING:
    from hmcos.frontends.tflite.kernels.kernel_set import KernelSet

DEFAULT = "reference"
"""Those that are meant if nobody names any."""

KERNELS: dict[str, str] = {
    DEFAULT: "hmcos.frontends.tflite.kernels.reference:REFERENCE",
}
"""Name to "module:value", imported on demand."""


def names() -> tuple[str, ...]:
    """Return the names of all kernels that are known."""
    return tuple(KERNELS)


def kernel_set(name: str) -> KernelSet:
    """Return the kernels with a name.

    Raises:
        OptionError: none are called that; lists those that are known.
    """
    if name not in KERNELS:
        known = names()
        raise OptionError(
            f"no kernels are called {name!r}; there are {', '.join(known)}.{meant(name, known)}"
        )
    return cast("KernelSet", imported(KERNELS[name]))
