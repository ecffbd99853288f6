"""What is known of ONNX Runtime's own kernels, measured with `bound` inputs and outputs (docs/verify.md)."""

from __future__ import annotations

FORBID_OVERWRITE = frozenset(
    {
        "Gelu",
        "com.microsoft:BiasGelu",
        "com.microsoft:FastGelu",
        "com.microsoft:Gelu",
        "com.microsoft:QuickGelu",
    }
)
"""Kinds whose kernels write part of the result before they have read all of the input: in ONNX Runtime 1.32
they compute something else when the output is bound to the input's bytes. The operator may still be
written over its input by another runtime, so a plan for such a one is right; here the step is run on a copy
of the input and does not count as proved."""

HALVES = frozenset({"float16", "bfloat16"})
"""Elements that ONNX Runtime computes with in float32, across operators: a whole run keeps more digits than
operators that are run one at a time, so that their results are not the same bits."""
