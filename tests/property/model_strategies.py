"""Random ONNX models that a runtime can run."""

from __future__ import annotations

from hypothesis import strategies as st
from onnx import ModelProto, parser

from unit.verify.faults import HEAD

UNARY = ("Neg", "Sin", "Relu", "Identity", "Tanh", "Abs")
BINARY = ("Add", "Mul", "Sub", "Max")


@st.composite
def models(draw: st.DrawFn) -> ModelProto:
    """Networks of element-wise operators and views, with inputs, fans, joins and unread results."""
    names, lines = ["x", "z"], list[str]()
    for k in range(draw(st.integers(1, 10))):
        kind = draw(st.sampled_from((*UNARY, *BINARY)))
        read = [draw(st.sampled_from(names)) for _ in range(2 if kind in BINARY else 1)]
        lines.append(f"t{k} = {kind}({', '.join(read)})")
        names.append(f"t{k}")
    made = names[2:]
    outputs = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3, unique=True))
    heads = ", ".join(f"float[3,5] {name}" for name in outputs)
    return parser.parse_model(f"{HEAD} net (float[3,5] x, float[3,5] z) => ({heads}) {{ {' '.join(lines)} }}")
