"""Names are for people: none of a tensor or an operator changes an order, a size, an offset or an answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hmcos
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.schema import unpacked
from hmcos.frontends.tflite.writing import pack
from hmcos.graph.graph import Graph
from hmcos.memory.target import target_names
from hmcos.network.opening import open_source
from hmcos.plan.file.plan_file import plan_text, read_plan
from hmcos.plan.plan import Plan
from hmcos.tasks.schedule.recheck import checks_at_rest
from property.graph_strategies import graphs
from property.strategies import generators
from property.tflite_strategies import networks

pytestmark = pytest.mark.slow

NAMES = ("", "same", "x", "tensor 1", "tensor 2", "scratch of x", "buffer 0", "t0")


def renamed(graph: Graph, rng: Random) -> Graph:
    """Return the graph with other names: one for all, or any of a few."""
    few = rng.choice((NAMES[:1], NAMES[1:2], NAMES))
    tensors = tuple(replace(tensor, name=rng.choice(few)) for tensor in graph.tensors)
    operators = tuple(replace(op, name=rng.choice(few)) for op in graph.operators)
    return replace(graph, tensors=tensors, operators=operators)


def as_model(graph: Graph) -> Model:
    return Model(graph, None, "onnx", "", "", False, (), {}, 0, 0, None)


def figures(plan: Plan) -> object:
    """Return all that a plan says, but for names."""
    found = plan.schedule
    assert plan.arena is not None
    return (
        (
            plan.order,
            plan.memory,
            found.peak,
            found.lower_bound,
            found.status,
            plan.given_peak,
            plan.rpo_peak,
        ),
        [(live.tensor, live.operator, live.size) for live in plan.crest.tensors],
        (plan.arena.offsets, plan.arena.size, plan.arena.lower_bound, plan.arena.status),
        [(b.tensors, b.operator, b.size, b.birth, b.death, b.takes_over) for b in plan.buffers],
    )


def read_again(plan: Plan) -> Plan:
    """Return the plan as its file tells it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_text(plan_text(plan))
        return read_plan(path)


@given(graphs(), generators(), st.sampled_from(target_names()), st.booleans())
def test_no_name_in_a_graph_changes_its_plan(graph: Graph, rng: Random, target: str, external: bool) -> None:
    usual, other = as_model(graph), as_model(renamed(graph, rng))
    plans = [hmcos.schedule(model, target=target, external_io=external) for model in (usual, other)]
    assert figures(plans[0]) == figures(plans[1])
    for model, plan in zip((usual, other), plans, strict=True):
        checks = checks_at_rest(open_source(model), read_again(plan))
        assert all(check.held for check in checks), checks


@settings(max_examples=40)
@given(networks(), generators())
def test_no_name_in_a_tflite_file_changes_its_plan(content: bytes, rng: Random) -> None:
    model = unpacked(content)
    few = rng.choice(((None,), (b"",), (b"same",), (None, b"", b"same", b"tensor 1", b"\xff")))
    for graph in model.subgraphs or []:
        for tensor in graph.tensors or []:
            tensor.name = rng.choice(few)
    figured: list[object] = []
    with TemporaryDirectory() as folder:
        for name, written in (("usual", content), ("other", pack(model))):
            path = Path(folder) / f"{name}.tflite"
            path.write_bytes(written)
            plan = hmcos.schedule(path, output=Path(folder) / name, emit="c")
            checks = checks_at_rest(open_source(path), read_plan(Path(folder) / name / "plan.json"))
            assert all(check.held for check in checks), checks
            figured.append(figures(plan))
    assert figured[0] == figured[1]
