"""Operators of onnxruntime-extensions: texts, tokens, images. The shapes are those that they made."""

from __future__ import annotations

from typing import Any

import pytest
from onnx import ModelProto, TensorProto, ValueInfoProto

from hmcos.errors import SizeError
from hmcos.frontends.onnx import load
from hmcos.graph.graph import Tensor
from onnx_models import BOOL, FLOAT, INT64, graph, model, node, value, weight

TEXT, BYTE = TensorProto.STRING, TensorProto.UINT8
INPUTS = {
    "texts": value("texts", [2], TEXT),
    "column": value("column", [3, 1], TEXT),
    "text": value("text", [], TEXT),
    "table": value("table", [2, 3], TEXT),
    "numbers": value("numbers", [4], INT64),
    "row": value("row", [1, 7], INT64),
    "rows": value("rows", [5, 4], INT64),
    "number": value("number", [], INT64),
    "pairs": value("pairs", [6, 2], INT64),
    "mask": value("mask", [2], BOOL),
    "bytes": value("bytes", [99], BYTE),
    "image": value("image", [5, 7, 3], BYTE),
    "floats": value("floats", [4, 3, 2], FLOAT),
}
FOUR, ONE = "a\t0 0 1 2\nb\t0 1 2 3", "a\t0\nb\t2"
CASES: list[tuple[str, str, dict[str, Any], list[tuple[int, ...]]]] = [
    ("StringUpper", "column", {}, [(3, 1)]),
    ("StringLength", "table", {}, [(2, 3)]),
    ("StringConcat", "texts texts", {}, [(2,)]),
    ("StringEqual", "text texts", {}, [(2,)]),
    ("StringJoin", "table text one", {}, [(2,)]),
    ("StringJoin", "texts text number", {}, [(1,)]),
    ("StringToVector", "column", {"map": FOUR}, [(3, 1, 4)]),
    ("VectorToString", "rows", {"map": FOUR}, [(5,)]),
    ("VectorToString", "numbers", {"map": ONE}, [(4,)]),
    ("VectorToString", "number", {"map": ONE}, [()]),
    ("BpeDecoder", "rows", {}, [(5,)]),
    ("BpeDecoder", "numbers", {}, [(1,)]),
    ("BertTokenizerDecoder", "numbers pairs", {}, [(1,)]),
    ("BertTokenizerDecoder", "numbers pairs", {"use_indices": 1}, [(6,)]),
    ("SentencepieceDecoder", "numbers", {}, [(1,)]),
    ("DrawBoundingBoxes", "image floats", {}, [(5, 7, 3)]),
    ("NegPos", "floats", {}, [(4, 3, 2), (4, 3, 2)]),
    ("GPT2Tokenizer", "column", {"padding_length": 9}, [(3, 1, 9), (3, 1, 9), (3, 1, 9, 2)]),
]
BOUNDED: list[tuple[str, str, dict[str, int], list[tuple[int, ...]]]] = [
    ("BertTokenizer", "texts", {"y1:0": 64}, [(64,), (64,), (64,), (64, 2)]),
    ("HfBertTokenizer", "texts", {"y0:1": 64}, [(1, 64), (1, 64), (1, 64), (64, 2)]),
    ("GPT2Tokenizer", "texts", {"y0:1": 64}, [(2, 64), (2, 64), (2, 64, 2)]),
    ("StringRegexSplitWithOffsets", "texts text text", {"y0:0": 9}, [(9,), (9,), (9,), (3,)]),
    ("SentencepieceTokenizer", "texts", {"y0:0": 9}, [(9,), (3,), (9,)]),
    ("DecodeImage", "bytes", {"y0:0": 480, "y0:1": 640}, [(480, 640, 3)]),
    ("MaskedFill", "texts mask", {}, [(2,)]),
    ("SegmentExtraction", "row", {}, [(7, 2), (7,)]),
    ("SegmentSum", "floats numbers", {"y0:0": 8}, [(8, 3, 2)]),
    ("RaggedTensorToDense", "number numbers number pairs", {}, [(11, 4)]),
    ("MergeSignalSegments", "pairs number", {}, [(6, 2)]),
]


def built(kind: str, reads: str, outputs: int, **attributes: object) -> ModelProto:
    names = [f"y{number}" for number in range(outputs)]
    nodes = [node(f"ai.onnx.contrib::{kind}", reads, " ".join(names), **attributes)]
    inputs = [INPUTS[name] for name in dict.fromkeys(reads.split()) if name in INPUTS]
    results = [ValueInfoProto(name=name) for name in names]
    made = graph(nodes, inputs, results, [weight("one", [1], "int64")])
    return model(made, domains={"ai.onnx.contrib": 1})


def made(source: ModelProto, bind: dict[str, int] | None = None) -> list[Tensor]:
    found = load(source, bind).graph
    return [found.tensors[t] for t in found.outputs]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_sizes_that_follow_from_shapes(
    case: tuple[str, str, dict[str, Any], list[tuple[int, ...]]],
) -> None:
    kind, reads, attributes, shapes = case
    found = made(built(kind, reads, len(shapes), **attributes))
    assert [tensor.shape for tensor in found] == shapes
    assert not any(tensor.at_most for tensor in found)


@pytest.mark.parametrize("case", BOUNDED, ids=lambda case: case[0])
def test_sizes_that_depend_on_texts_and_images_are_bound_once(
    case: tuple[str, str, dict[str, int], list[tuple[int, ...]]],
) -> None:
    kind, reads, bind, shapes = case
    found = made(built(kind, reads, len(shapes)), bind)
    assert [tensor.shape for tensor in found] == shapes
    assert found[0].at_most


def test_the_shape_in_the_file_counts() -> None:
    source = built("BertTokenizer", "texts", 3)
    source.graph.output[2].CopyFrom(value("y2", [53], INT64))
    assert [tensor.shape for tensor in made(source)] == [(53,)] * 3
    source.graph.output[2].CopyFrom(value("y2", ["tokens"], INT64))
    assert [(tensor.shape, tensor.at_most) for tensor in made(source, {"tokens": 9})] == [((9,), True)] * 3


def test_what_is_to_be_bound_is_told() -> None:
    with pytest.raises(SizeError, match=r"--bind y0:0=N --bind y1:0=N") as raised:
        made(built("BertTokenizer", "texts", 2))
    assert raised.value.unbound == ("y0:0", "y1:0")


@pytest.mark.parametrize(
    ("kind", "reads", "attributes"),
    [
        ("StringJoin", "table text number", {}),
        ("VectorToString", "rows", {}),
        ("BertTokenizerDecoder", "numbers floats", {"use_indices": 1}),
        ("Unheard", "texts", {}),
    ],
)
def test_what_no_rule_determines_is_unknown(kind: str, reads: str, attributes: dict[str, int]) -> None:
    with pytest.raises(SizeError, match=r"--bind number\S*=VALUE, or give|no size of them can be bound"):
        made(built(kind, reads, 1, **attributes))
