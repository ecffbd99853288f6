"""What is known of ONNX Runtime's own kernels, measured with `bound` inputs and outputs (docs/verify.md)."""

from __future__ import annotations

from collections.abc import Collection

from hmcos.graph.graph import Operator

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

FIRST_FORBIDDEN = {"Max": 1, "Mean": 2, "Min": 1, "Sum": 2}
"""Kinds whose kernels before opset 8 fill the result from their first inputs, and then add the others one by
one: those from this position on must not be overwritten, for the same reason."""
VARIADIC_OPSET = 8
"""The opset from which on this is no longer so."""


def forbids_overwrite(op: Operator, over: Collection[int], opset: int) -> bool:
    """Return whether an operator's kernel forbids that its result is written over these inputs."""
    if op.domain or op.kind not in FIRST_FORBIDDEN or opset >= VARIADIC_OPSET:
        return (op.kind if op.domain == "" else f"{op.domain}:{op.kind}") in FORBID_OVERWRITE
    return any(t in over for t in op.inputs[FIRST_FORBIDDEN[op.kind] :])


HALVES = frozenset({"float16", "bfloat16"})
"""Elements that ONNX Runtime computes with in float32, across operators: a whole run keeps more digits than
operators that are run one at a time, so that their results are not the same bits."""
