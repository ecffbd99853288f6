"""Facts about operator kinds that hold on every target. What may share memory depends on the target."""

from __future__ import annotations

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
"""Two spellings of the standard operator set; a `Graph` uses the empty one."""

CONSTANT_KINDS = frozenset({"Constant"})
"""Kinds whose outputs are values in the file, so that they are parameters."""

RANDOM_KINDS = frozenset(
    {
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    }
)
"""Kinds of ONNX that draw random numbers on every run."""

RANDOM_TFLITE_KINDS = frozenset(
    {"MULTINOMIAL", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "STABLEHLO_RNG_BIT_GENERATOR"}
)
"""Kinds of TensorFlow Lite that draw random numbers on every run."""

RANDOM_IN_TRAINING_KINDS = frozenset({"Dropout"})
"""Kinds of ONNX that draw random numbers in training mode, but not at inference."""


def is_constant(kind: str, domain: str) -> bool:
    """Return whether operators of a kind output a value that is in the file."""
    return domain in STANDARD_DOMAINS and kind in CONSTANT_KINDS


def is_random(kind: str, domain: str, *, training: bool) -> bool:
    """Return whether an ONNX operator of a kind makes different values on every run."""
    if domain not in STANDARD_DOMAINS:
        return False
    return kind in RANDOM_KINDS or (training and kind in RANDOM_IN_TRAINING_KINDS)
