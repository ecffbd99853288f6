"""From TensorFlow Lite files to graphs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hmcos.errors import ModelError, OptionError
from hmcos.frontends.loading import load
from hmcos.frontends.model import Model
from tflite_models import NUMPY, Sketch, branches, conditional, one_operator


def loaded(sketch: Sketch, folder: Path) -> Model:
    path = folder / "m.tflite"
    path.write_bytes(sketch.bytes())
    return load(path)


def test_tensors_and_operators_keep_their_numbers(tmp_path: Path) -> None:
    graph = loaded(branches(64, 2), tmp_path).graph
    assert [op.kind for op in graph.operators] == ["FULLY_CONNECTED"] * 4 + ["CONCATENATION"]
    assert graph.operators[0].inputs == (0, 6, None)
    assert [t.size for t in graph.tensors] == [16, 64, 64, 1, 1, 2, 1024, 64]
    assert [t.is_parameter for t in graph.tensors] == [False] * 6 + [True] * 2
    assert (graph.inputs, graph.outputs) == ((0,), (5,))
    assert graph.tensors[0].name == "t0"
    assert graph.operators[4].name == "CONCATENATION 4"


@pytest.mark.parametrize(
    ("element", "size"),
    [("INT4", 3), ("INT8", 5), ("INT16", 10), ("FLOAT16", 10), ("FLOAT32", 20), ("INT64", 40), ("BOOL", 5)],
)
def test_sizes_follow_the_element_type(element: str, size: int, tmp_path: Path) -> None:
    model = loaded(one_operator(element=element, shape=[5]), tmp_path)
    assert model.graph.tensors[0].size == size


def test_both_fields_of_an_operator_code_are_read(tmp_path: Path) -> None:
    sketch = one_operator("GELU")  # 150, more than the old field of one byte can hold
    assert loaded(sketch, tmp_path).graph.operators[0].kind == "GELU"
    sketch = one_operator("MUL")
    sketch.model.operatorCodes[0].builtinCode = 0  # an old file has only the deprecated field
    assert loaded(sketch, tmp_path).graph.operators[0].kind == "MUL"


def test_a_custom_operator_is_opaque_and_keeps_its_place_among_its_like(tmp_path: Path) -> None:
    op = loaded(one_operator("TFLite_Detection_PostProcess"), tmp_path).graph.operators[0]
    assert (op.kind, op.domain, op.is_random) == ("TFLite_Detection_PostProcess", "custom", True)


def test_a_variable_costs_nothing_here_and_its_readers_keep_their_order(tmp_path: Path) -> None:
    sketch = one_operator()
    state = sketch.tensor([1, 100], isVariable=True)
    sketch.model.subgraphs[0].operators[0].inputs = [0, state]
    graph = loaded(sketch, tmp_path).graph
    assert graph.tensors[state].is_parameter
    assert graph.operators[0].is_random
    assert not graph.tensors[1].is_parameter


def test_bodies_are_graphs_of_their_own(tmp_path: Path) -> None:
    op = loaded(conditional(), tmp_path).graph.operators[0]
    assert [body.attribute for body in op.bodies] == ["then", "else"]
    assert [body.graph.operators[1].name for body in op.bodies] == [
        "ADD 1 of subgraph 1",
        "MUL 1 of subgraph 2",
    ]


def test_a_batch_of_one_may_be_left_open(tmp_path: Path) -> None:
    sketch = one_operator()
    sketch.model.subgraphs[0].tensors[0].shapeSignature = [-1, 4]
    assert loaded(sketch, tmp_path).graph.tensors[0].shape == (1, 4)


@pytest.mark.parametrize(
    ("shape", "signature"), [([-1, 4], None), ([1, 1], [1, -1]), ([2, 4], [-1, 4]), ([], [-1])]
)
def test_dynamic_shapes_are_refused(shape: list[int], signature: list[int] | None, tmp_path: Path) -> None:
    sketch = one_operator()
    sketch.model.subgraphs[0].tensors[1].shape = shape
    sketch.model.subgraphs[0].tensors[1].shapeSignature = signature
    with pytest.raises(
        ModelError, match=r"tensor 1 \('t1'\): has a dynamic shape.* only LiteRT .*fixed sizes"
    ):
        loaded(sketch, tmp_path)


def test_variants_have_no_fixed_size(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds variant, of which the size is not known"):
        loaded(one_operator(element="VARIANT"), tmp_path)


def test_there_are_no_symbols_to_bind(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(one_operator().bytes())
    with pytest.raises(OptionError, match="no dimension 'batch' to bind; it has no symbolic dimensions"):
        load(path, {"batch": 1})


def test_constants_are_parameters(tmp_path: Path) -> None:
    sketch = one_operator()
    weights = sketch.tensor([1, 4], data=NUMPY.arange(4).astype("int8"))
    sketch.model.subgraphs[0].operators[0].inputs = [0, weights]
    model = loaded(sketch, tmp_path)
    assert model.graph.tensors[weights].is_parameter
    assert model.parameter_bytes == 4


def test_importing_hmcos_loads_no_schema() -> None:
    code = "import sys, hmcos, hmcos.api; sys.exit(any('litert' in m or 'flatbuf' in m for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


BAD_REFERENCES: tuple[tuple[Callable[[Any], object], str], ...] = (
    (lambda g: setattr(g.operators[0], "inputs", [0, 99]), r"inputs of operator 0 \(ADD\) name tensor 99"),
    (lambda g: setattr(g.operators[0], "inputs", [-5]), "name tensor -5"),
    (lambda g: setattr(g, "outputs", [7]), "the outputs name tensor 7; there are 2"),
    (lambda g: setattr(g.tensors[1], "buffer", 50), r"tensor 1 \('t1'\): uses buffer 50; there are 1"),
    (lambda g: setattr(g.operators[0], "opcodeIndex", 3), "uses operator code 3, but the file has 1"),
    (lambda g: setattr(g.tensors[0], "type", 77), "element type 77 is in no version of the schema"),
    (lambda g: setattr(g, "inputs", []), "no input, parameter or operator provides it"),
)


@pytest.mark.parametrize(("change", "message"), BAD_REFERENCES)
def test_bad_references_are_named(change: Callable[[Any], object], message: str, tmp_path: Path) -> None:
    sketch = one_operator()
    change(sketch.model.subgraphs[0])
    with pytest.raises(ModelError, match=message):
        loaded(sketch, tmp_path)


def test_unknown_operators_are_refused(tmp_path: Path) -> None:
    sketch = one_operator()
    sketch.model.operatorCodes[0].builtinCode = 9999
    with pytest.raises(ModelError, match="operator 0: builtin operator 9999 is in no version of the schema"):
        loaded(sketch, tmp_path)


def test_missing_and_endless_subgraphs_are_refused(tmp_path: Path) -> None:
    sketch = conditional()
    sketch.model.subgraphs[0].operators[0].builtinOptions.elseSubgraphIndex = 8
    with pytest.raises(ModelError, match=r"operator 0 \(IF\) runs subgraph 8 as else; there is none"):
        loaded(sketch, tmp_path)
    sketch.model.subgraphs[0].operators[0].builtinOptions.elseSubgraphIndex = 0
    with pytest.raises(ModelError, match="they call themselves"):
        loaded(sketch, tmp_path)
