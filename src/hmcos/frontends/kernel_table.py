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
    "cmsis-nn:c": "hmcos.frontends.tflite.kernels.cmsis_nn:C",
    "cmsis-nn:dsp": "hmcos.frontends.tflite.kernels.cmsis_nn:DSP",
    "cmsis-nn:dsp:armclang": "hmcos.frontends.tflite.kernels.cmsis_nn:DSP_ARMCLANG",
    "cmsis-nn:mve": "hmcos.frontends.tflite.kernels.cmsis_nn:MVE",
    "cmsis-nn:mve:armclang": "hmcos.frontends.tflite.kernels.cmsis_nn:MVE_ARMCLANG",
    "cmsis-nn:mve:size": "hmcos.frontends.tflite.kernels.cmsis_nn:MVE_SIZE",
    "esp-nn:esp32": "hmcos.frontends.tflite.kernels.esp_nn:ESP32",
    "esp-nn:esp32s3": "hmcos.frontends.tflite.kernels.esp_nn:ESP32_S3",
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
