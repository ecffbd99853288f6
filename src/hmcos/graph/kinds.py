"""Facts about operator kinds that hold on every target; what may share memory is a fact of a target."""

from __future__ import annotations

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
"""Two spellings of the standard operator set; a `Graph` uses the empty one."""

CONSTANT_KINDS = frozenset({"Constant"})
"""Kinds without inputs whose outputs stand in the file, so that they are parameters."""

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
"""Kinds of ONNX that draw numbers on every run."""

RANDOM_TFLITE_KINDS = frozenset(
    {"MULTINOMIAL", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "STABLEHLO_RNG_BIT_GENERATOR"}
)
"""Kinds of TensorFlow Lite that do."""

RANDOM_IN_TRAINING_KINDS = frozenset({"Dropout"})
"""Kinds that draw numbers on every run in training mode, and none at inference."""


def is_constant(kind: str, domain: str) -> bool:
    """Return whether operators of this kind bring a value that stands in the file."""
    return domain in STANDARD_DOMAINS and kind in CONSTANT_KINDS


def is_random(kind: str, domain: str, *, training: bool) -> bool:
    """Return whether an operator of this kind makes different values on every run."""
    if domain not in STANDARD_DOMAINS:
        return False
    return kind in RANDOM_KINDS or (training and kind in RANDOM_IN_TRAINING_KINDS)
