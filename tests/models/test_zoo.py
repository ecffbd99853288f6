"""The zoo's networks are the published ones: operators, peaks in three orders, and numbers that run."""

import hashlib
import importlib
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto

from hmcos.frontends.loading import load
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import lower
from hmcos.memory.target import load_target
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.zoo.catalogue import build, names
from hmcos.zoo.randwire import RandWire

pytestmark = pytest.mark.slow

checker: Any = importlib.import_module("onnx.checker")
Floats = NDArray[np.float32]
runtime: Any = importlib.import_module("onnxruntime")

PUBLISHED = {
    "nasnet-cifar": (780, 2_605_824, 2_359_296, 1_786_624),
    "amoebanet-cifar": (742, 1_769_472, 1_834_416, 1_179_648),
    "pnas-cifar": (916, 2_138_752, 2_695_808, 1_516_160),
    "darts-imagenet": (523, 5_562_752, 5_146_752, 3_842_176),
    "randwire, published wiring": (538, 5_136_768, 5_381_376, 4_647_552),
}
"""Operators, then peaks in bytes of the file order, of the published system's reverse post-order, and the
proved optimum, of the published networks under the published system's memory model."""

PUBLISHED_WIRING = {
    "nasnet-cifar": "4dbe0ea76d6411d4c780659b5aad32f6b2c3cc4b430f0be498ad240e6414bc96",
    "amoebanet-cifar": "cf6d45a9f1f74d0c5e6b7df03640a3b170277cb6bd12b2b3b7daff37cd37704f",
    "pnas-cifar": "6b2f550c5d183a830587d066949baacebdd87e1b5144e2ef33f74b22e3467370",
    "darts-imagenet": "e034e744088339a66a348930d563ced1b231b050655fb1f95a33a6fc4fe64cd2",
    "randwire, published wiring": "2e6f893d001c50e28e4d852601f08de23f2e72a328298ad7ae024197a62ad642",
}
"""What `_wiring` makes of the published files themselves."""

WIRING = """
- - 0+1 1 - 4 5 - 6+7 3+7+8 0+2+8 - 2+5+9+11 5+7 10 1+10+14 3+12 16 12 6+17 4+5+6+17 3+13+17 5+21
0+1+2+11+18 0+4+5+19 9+14+23 0+12 23+26 3 14+18 2+14+16+28 12+17+25

- 0 - - - 4 0+3 6 7 8 - 0+2+9 - - 3+7 13 12+13 5 0 11+16 - 10+13+19+20 1+4+5 1+5+11+18+21+22 12+14
0+9+11+17+23 7+8+15 1+2+3+12+25 2+4+8+10+15+26 14+22 0+2+5+11+20+21 5+29+30

- 0 1 1+2 2 - 0+4 - 6 - 3+5 8+9 7+8+11 - 11 13 15 3+9 5+16+17 11 5+9+12+13 3+10+19 8 6+14+20
2+7+8+16+20+23 3+12+17+22+23 10+13+15+21 6+14+22 22 6+10+15+27+28 3+17 0+15+30
"""
"""The graphs that the published random-wired network was drawn with: what each node reads, stage by stage."""

DIGESTS = {
    "nasnet-cifar": "6c56f90a0140c02fb520c7a71c7f3f2a2eed61334773f7548cebb8099614fed5",
    "randwire": "8a26e1a4820a431541977f1cbbef03c36b6838a468e87e8b6a36b61a267661cd",
    "mobilenet-v2": "404a81ab75cebc56c7bfb3172359b1254c5ac67d69f2f5ba567b8a781a157454",
}
"""SHA-256 of the whole model. A change of the generator may change them; a machine or a Python may not."""

INT8_DIGEST = "92ddc577ee6dd9d638303cdc840bdd381893242721e097683a9c68696eb6f78d"
"""The same of mobilenet-v2 in integers."""


def _published_randwire() -> ModelProto:
    stages = [
        [tuple(int(i) for i in node.split("+") if i != "-") for node in stage.split()]
        for stage in WIRING.strip().split("\n\n")
    ]
    return RandWire().wired(stages).model()


def _published(name: str) -> ModelProto:
    return _published_randwire() if name.startswith("randwire") else build(name)


def _wiring(model: ModelProto) -> str:
    """Return a digest of every operator's kind, shape and ancestry, whatever the order and the names."""
    graph = model.graph
    values = (*graph.value_info, *graph.output)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
    digests = {graph.input[0].name: "image"}
    for node in graph.node:
        reads = [digests[x] for x in node.input if x in digests]
        text = f"{node.op_type} {reads} {shapes[node.output[0]]}"
        digests[node.output[0]] = hashlib.sha256(text.encode()).hexdigest()
    return hashlib.sha256("".join(sorted(digests.values())).encode()).hexdigest()


def _problem(model: ModelProto) -> Problem:
    return lower(load(model).graph, load_target("hmcos")).problem


@pytest.mark.parametrize("name", PUBLISHED)
def test_operators_and_peaks_are_the_published_ones(name: str) -> None:
    problem = _problem(_published(name))
    given, rpo, optimal = (scheduler(s)(problem, Limits(), Watch()) for s in ("given", "rpo", "optimal"))
    assert (problem.operators, given.peak, rpo.peak, optimal.peak) == PUBLISHED[name]
    assert optimal.status is Status.OPTIMAL


@pytest.mark.parametrize("name", PUBLISHED_WIRING)
def test_wiring_is_the_published_one(name: str) -> None:
    assert _wiring(_published(name)) == PUBLISHED_WIRING[name]


def test_kinds_of_the_published_nasnet() -> None:
    assert Counter(node.op_type for node in build("nasnet-cifar").graph.node) == {
        "Conv": 442,
        "Relu": 162,
        "Add": 100,
        "AveragePool": 43,
        "Concat": 22,
        "Pad": 2,
        "Slice": 2,
        "MaxPool": 2,
        "BatchNormalization": 2,
        "GlobalAveragePool": 1,
        "Squeeze": 1,
        "MatMul": 1,
    }


def _plain() -> Any:
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


def _image(model: ModelProto) -> Floats:
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def _scores(model: ModelProto, mirror: bool = False) -> Floats:
    """Return what ONNX Runtime, which fuses nothing here, makes of a random image."""
    session = runtime.InferenceSession(model.SerializeToString(), _plain())
    image = _image(model)
    return session.run(None, {"image": image[..., ::-1].copy() if mirror else image})[0]


@pytest.mark.parametrize("name", names())
def test_networks_run(name: str) -> None:
    model = build(name)
    checker.check_model(model, full_check=True)
    scores = _scores(model)
    assert np.isfinite(scores).all()
    assert 1e-2 < scores.std() < 1e3
    assert np.abs(scores - _scores(model, mirror=True)).max() > 1e-3 * scores.std(), "the image matters"


@pytest.mark.parametrize("family", ["nasnet", "amoebanet", "pnas", "darts"])
def test_deep_networks_neither_vanish_nor_overflow(family: str) -> None:
    assert 1e-2 < _scores(build(family, cells=15, filters=2)).std() < 1e4


@pytest.mark.parametrize("parameters", [{}, {"width": 0.35, "resolution": 96, "seed": 1}])
def test_quantized_network_runs_within_its_scales(parameters: dict[str, Any]) -> None:
    model = build("mobilenet-v2", int8=True, **parameters)
    scores = _scores(model)
    assert len(np.unique(scores)) > 20
    assert np.abs(scores - _scores(model, mirror=True)).max() > 1e-2 * scores.std(), "the image matters"
    for name, stored in _quantized(model).items():
        assert len(np.unique(stored)) > 16, name
        assert (stored == 127).mean() < 0.1, name
        assert (stored == -128).mean() < 0.9, f"{name} is all negative before its ReLU6"


def _quantized(model: ModelProto) -> dict[str, NDArray[np.int8]]:
    """Return what the quantized tensors of a model hold for a random image."""
    names = [node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"]
    values = {value.name: value for value in model.graph.value_info}
    watched = ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(values[name] for name in names)
    session = runtime.InferenceSession(watched.SerializeToString(), _plain())
    return dict(zip(names, session.run(names, {"image": _image(model)}), strict=True))


@pytest.mark.parametrize("name", DIGESTS)
def test_the_bytes_are_the_same_everywhere(name: str) -> None:
    assert hashlib.sha256(build(name).SerializeToString()).hexdigest() == DIGESTS[name]


def test_the_bytes_of_integers_are_the_same_everywhere() -> None:
    model = build("mobilenet-v2", int8=True)
    assert hashlib.sha256(model.SerializeToString()).hexdigest() == INT8_DIGEST
