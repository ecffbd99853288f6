"""A tiled .tflite computes the same bits in every runtime, and needs what was predicted."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import given, settings

import hmcos
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.format import TFLITE
from hmcos.frontends.tflite.offsets import offsets_in
from hmcos.frontends.tflite.reading import model_in, parse
from hmcos.frontends.tflite.schema import content_of, text
from hmcos.graph.graph import Graph
from hmcos.graph.rewrite import PadStep, SliceStep, rewritten
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.memory.sharing import lower
from hmcos.memory.target import load_target
from hmcos.runtimes.tflite.litert import random_inputs, run
from hmcos.runtimes.tflite.tflm import arena_in, room
from hmcos.transforms.cost import Costing, cost
from hmcos.transforms.ordered_network import OrderedNetwork
from hmcos.transforms.tile import TiledRegion, expand
from property.strategies import generators
from property.tile_networks import random_regions
from property.tile_tflite_networks import RandomTflite, ordered
from tflite_models import Sketch


def tiled(rng: Random) -> tuple[Model, OrderedNetwork, list[TiledRegion]]:
    """Return a network, along an order, and regions of it; perhaps none."""
    rng = Random(rng.randrange(2**32))
    network = RandomTflite(rng, rng.randint(1, 9))
    while not network.sketch.model.subgraphs[0].operators:
        network = RandomTflite(rng, rng.randint(1, 9))
    model = network.model()
    along = ordered(model, rng)
    return model, along, random_regions(along, rng)


def peak(problem: Problem) -> int:
    return profile(problem, range(problem.operators)).peak


def source(model: Model) -> bytes:
    return cast(bytes, model.proto)


def litert(model: Model, fed: list[Any], kernels: str) -> list[Any]:
    """Return the outputs of a model in LiteRT: BUILTIN_REF for its reference kernels, AUTO for XNNPACK."""
    interpreter: Any = import_module("ai_edge_litert.interpreter")
    session = interpreter.Interpreter(
        model_content=source(model),
        num_threads=1,
        experimental_op_resolver_type=interpreter.OpResolverType[kernels],
    )
    session.allocate_tensors()
    for details, value in zip(session.get_input_details(), fed, strict=True):
        session.set_tensor(details["index"], value)
    session.invoke()
    return [session.get_tensor(details["index"]) for details in session.get_output_details()]


def same(one: list[Any], other: list[Any]) -> bool:
    return [a.tobytes() for a in one] == [b.tobytes() for b in other]


@settings(max_examples=120)
@given(generators())
def test_pieces_compute_the_same_bits_in_litert(rng: Random) -> None:
    model, network, regions = tiled(rng)
    made = TFLITE.rewritten(model, expand(network, regions))
    fed = random_inputs(model.graph, rng.randrange(1000))
    for kernels in ("BUILTIN_REF", "AUTO"):
        assert same(litert(model, fed, kernels), litert(made, fed, kernels))


@settings(max_examples=8)
@given(generators())
def test_pieces_compute_the_same_bits_in_tflm_in_what_was_predicted(rng: Random) -> None:
    pytest.importorskip("tflite_micro")
    model, network, regions = tiled(rng)
    made = TFLITE.rewritten(model, expand(network, regions))
    fed = random_inputs(model.graph, rng.randrange(1000))
    neutral = rewritten(model.graph, expand(network, regions), network.rules.spelling)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.tflite"
        path.write_bytes(source(made))
        plan = hmcos.schedule(path, output=Path(folder) / "out")
        placed = (Path(folder) / "out/m.tflite").read_bytes()
    assert plan.arena is not None
    assert plan.peak <= peak(network.rules.problem(neutral).problem)
    before = run("tflm", source(model), fed, room(source(model), model.graph))
    after = run("tflm", placed, fed, room(placed, made.graph))
    assert same(list(before.outputs), list(after.outputs))
    assert arena_in(after.log).head == plan.arena.size


@settings(max_examples=120)
@given(generators())
def test_the_written_graph_is_the_one_that_was_priced(rng: Random) -> None:
    model, network, regions = tiled(rng)
    rewrite = expand(network, regions)
    neutral = rewritten(model.graph, rewrite, network.rules.spelling)
    made = TFLITE.rewritten(model, rewrite)
    target = TFLITE.target(load_target("tflm"), made)
    assert shapes(made.graph) == shapes(neutral)
    assert peak(lower(made.graph, target).problem) == peak(network.rules.problem(neutral).problem)
    costing, extra = Costing(network), 0
    for r in regions:
        assert costing.pieces(r.begin, r.end, r.rows, r.columns) is not None
        extra += costing.macs(r.begin, r.end, r.rows, r.columns)
    assert total_macs(made) == network.macs + extra


@settings(max_examples=120)
@given(generators())
def test_what_tflm_keeps_for_the_tiles_is_what_was_priced(rng: Random) -> None:
    model, network, regions = tiled(rng)
    rewrite = expand(network, regions)
    made = TFLITE.rewritten(model, rewrite)
    before, after = predicted_arena(source(model)), predicted_arena(source(made))
    kept = sum(found.kept for region in regions if (found := cost(network, region)) is not None)
    # Equal constants are written once, which the prices only estimate.
    estimated = sum(24 * isinstance(s, SliceStep) + 12 * isinstance(s, PadStep) for s in rewrite.steps)
    constants = sum(tensor.is_parameter for tensor in made.graph.tensors)
    constants -= sum(tensor.is_parameter for tensor in model.graph.tensors)
    rounding = 48
    assert abs(after.tail - before.tail - (kept - estimated + 24 * constants)) <= rounding


def shapes(graph: Graph) -> list[tuple[object, ...]]:
    """Return kind, and the shapes of what is computed, per operator."""
    known = graph.tensors
    return [
        (
            op.kind,
            *(known[t].shape for t in op.inputs if t is not None and not known[t].is_parameter),
            *(known[t].shape for t in op.makes),
        )
        for op in graph.operators
    ]


def total_macs(model: Model) -> int:
    windows = TFLITE.windows(model)
    rules = ordered(model, Random(0)).rules
    order = tuple(op.number for op in model.graph.operators)
    return OrderedNetwork(model.graph, windows, rules, order).macs


@settings(max_examples=60)
@given(generators())
def test_the_file_keeps_its_interface_and_what_others_read(rng: Random) -> None:
    model, network, regions = tiled(rng)
    rewrite = expand(network, regions)
    made = TFLITE.rewritten(model, rewrite)
    assert source(TFLITE.rewritten(model, rewrite)) == source(made)
    before, after = parse(source(model)), parse(source(made))
    graph: Any = (after.subgraphs or [])[0]
    names = [text(tensor.name) for tensor in graph.tensors]
    assert len(set(names)) == len(names)
    assert interface(model) == interface(made)
    assert offsets_in(after) is None
    old, new = before.buffers or [], after.buffers or []
    assert [*map(content_of, old)] == [*map(content_of, new[: len(old)])]
    used = {t for op in graph.operators for t in (*op.inputs, *op.outputs)}
    computed = {t for t, known in enumerate(made.graph.tensors) if not known.is_parameter}
    assert computed <= used


def interface(model: Model) -> list[tuple[str, str, tuple[int, ...]]]:
    known = (model.graph.tensors[t] for t in (*model.graph.inputs, *model.graph.outputs))
    return [(tensor.name, tensor.element, tensor.shape) for tensor in known]


def test_an_entry_without_rows_and_columns_is_read_as_it_is() -> None:
    sketch = Sketch()
    sketch.subgraph()
    x, vector, made = sketch.tensor([1, 8, 6, 4]), sketch.tensor([4]), sketch.tensor([1, 8, 6, 4])
    sketch.operator("ADD", [x, vector], [made])
    sketch.ports([x, vector], [made])
    model = model_in(sketch.bytes(), None)
    network = ordered(model, Random(0))
    new = TFLITE.rewritten(model, expand(network, [TiledRegion(0, 1, 2, 1, early=1)]))
    assert [op.kind for op in new.graph.operators] == ["SLICE", "ADD", "SLICE", "ADD", "CONCATENATION"]
