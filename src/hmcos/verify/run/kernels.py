"""Properties of ONNX Runtime's kernels, measured with bound inputs and outputs (docs/verify.md)."""

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
"""Kinds whose kernels write part of the result before they have read the whole input: in ONNX Runtime 1.32
they compute something else if the output is bound to the input's bytes. A plan may still let them overwrite
their input, for another runtime; here the step runs on a copy of the input and does not count as proved."""

FIRST_FORBIDDEN = {"Max": 1, "Mean": 2, "Min": 1, "Sum": 2}
"""Kinds whose kernels before opset 8 fill the result from the first inputs and then add the others one by
one: inputs from this position on must not be overwritten, for the same reason."""
VARIADIC_OPSET = 8
"""The first opset without this restriction."""


def forbids_overwrite(op: Operator, over: Collection[int], opset: int) -> bool:
    """Return whether an operator's kernel cannot overwrite these inputs with its result."""
    if op.domain or op.kind not in FIRST_FORBIDDEN or opset >= VARIADIC_OPSET:
        return (op.kind if op.domain == "" else f"{op.domain}:{op.kind}") in FORBID_OVERWRITE
    return any(t in over for t in op.inputs[FIRST_FORBIDDEN[op.kind] :])


HALVES = frozenset({"float16", "bfloat16"})
"""Element types that ONNX Runtime computes in float32 across operators: a whole run keeps more digits than
single operators do, so that the results differ in their last bits."""
