"""Tensors are told apart by their ids, so that any names do: empty, missing, equal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import hmcos
from hmcos.errors import OptionError, PlanError
from hmcos.frontends.feeding import own_inputs
from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.network.opening import open_source
from hmcos.plan.file.plan_file import read_plan
from hmcos.plan.plan import Plan
from hmcos.tasks.schedule.recheck import checks_at_rest
from tflite_models import Sketch, branches, loop, renamed

Record = dict[str, Any]
Change = Callable[[Record], object]
NAMINGS: dict[str, Callable[[int], str | None]] = {
    "empty": lambda _: "",
    "missing": lambda _: None,
    "equal": lambda _: "same",
    "some empty": lambda t: "" if t % 2 else f"t{t}",
    "in pairs": lambda t: f"t{t // 2}",
    "like those for people": lambda t: "" if t % 2 else f"tensor {t + 1}",
}


def written(folder: Path, sketch: Sketch) -> Path:
    path = folder / "m.tflite"
    path.write_bytes(sketch.bytes())
    return path


def without_names(plan: Plan) -> object:
    """Return what a plan says of memory."""
    assert plan.arena is not None
    buffers = [(b.tensors, b.offset, b.size, b.birth, b.death, b.takes_over) for b in plan.buffers]
    live = [(one.tensor, one.operator, one.size) for one in plan.crest.tensors]
    return plan.order, plan.memory, plan.arena.size, buffers, live, plan.orders


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("network", [branches, loop])
def test_names_change_nothing_of_a_plan(tmp_path: Path, naming: str, network: Callable[[], Sketch]) -> None:
    usual = hmcos.schedule(written(tmp_path, network()))
    path = written(tmp_path, renamed(network(), NAMINGS[naming]))
    plan = hmcos.schedule(path, output=tmp_path / "out", emit="c")
    assert without_names(plan) == without_names(usual)
    saved = read_plan(tmp_path / "out/plan.json")
    assert (saved.buffers, saved.crest) == (plan.buffers, plan.crest)
    assert all(check.held for check in checks_at_rest(open_source(path), saved))


@pytest.mark.parametrize("naming", NAMINGS)
def test_every_tensor_has_an_offset_of_its_own_in_the_header(tmp_path: Path, naming: str) -> None:
    path = written(tmp_path, renamed(branches(), NAMINGS[naming]))
    plan = hmcos.schedule(path, output=tmp_path / "out", emit="c")
    lines = (tmp_path / "out/m_arena.h").read_text().splitlines()
    macros = [line.split()[1] for line in lines if line.startswith("#define M_OFFSET_")]
    assert len(set(macros)) == len(macros) == sum(len(b.tensors) or 1 for b in plan.buffers)
    for buffer in plan.buffers:
        for t, name in zip(buffer.tensors, buffer.names, strict=True):
            own = f"TENSOR_{t}" if not name else f"{name}_{t}".upper()
            if naming in ("empty", "missing", "equal"):
                assert f"M_OFFSET_{own}" in macros


def test_a_tensor_without_a_name_is_called_by_its_id(tmp_path: Path) -> None:
    path = written(tmp_path, renamed(branches(), NAMINGS["empty"]))
    plan = hmcos.schedule(path)
    assert {b.name for b in plan.buffers if b.tensors} == {f"tensor {b.tensors[0]}" for b in plan.buffers}
    assert all(one.name == f"tensor {one.tensor}" for one in plan.crest.tensors)


def changed(folder: Path, change: Change, naming: str = "equal") -> str:
    """Return what is wrong with a plan whose record was changed: found by its reader, or by the verifier."""
    path = written(folder, renamed(branches(), NAMINGS[naming]))
    hmcos.schedule(path, output=folder / "out", offsets=False)
    place = folder / "out/plan.json"
    record = cast(Record, json.loads(place.read_text()))
    change(record)
    place.write_text(json.dumps(record))
    try:
        plan = read_plan(place)
    except PlanError as error:
        return str(error)
    checks = checks_at_rest(open_source(path), plan)
    return next((check.words for check in checks if not check.held), "")


def swapped(rows: list[Record], key: str) -> None:
    rows[1][key], rows[2][key] = rows[2][key], rows[1][key]


FALSE_IDS: list[tuple[Change, str]] = [
    (lambda r: swapped(r["buffers"], "tensors"), "'same': has 16 bytes in the arena, but needs 256"),
    (
        lambda r: r["buffers"][1].update(tensors=[99]),
        "there is no such buffer: no place is for tensor 99",
    ),
    (lambda r: r["buffers"][1].update(tensors=[8]), "there is no such buffer: no place is for tensor 8"),
    (lambda r: r["buffers"][1].update(tensors=[0]), "buffers: list a tensor twice"),
    (lambda r: r["buffers"][1].update(tensors=[]), "names: must be as many as `tensors`"),
    (lambda r: r["buffers"][1].update(tensors=[], names=[]), "tensors: must list a tensor, unless"),
    (lambda r: r["buffers"][1].update(names=["other"]), "tensors: contradicts `buffers`"),
    (lambda r: r["buffers"][1].update(names=[""]), "other names to the tensors in its place"),
    (lambda r: r["buffers"][1].pop("tensors"), "tensors: is missing"),
    (lambda r: r["tensors"].update(same=1), "tensors: contradicts `buffers`"),
    (lambda r: r["crest"]["tensors"][0].update(tensor=99), "crest.tensors: are not those that are live"),
    (lambda r: swapped(r["crest"]["tensors"], "tensor"), ""),
    (lambda r: r["crest"]["tensors"][0].update(tensor=None), "tensor: must be null exactly where"),
    (lambda r: r["crest"]["tensors"][0].update(operator=0), "tensor: must be null exactly where"),
    (lambda r: r["crest"]["tensors"][0].update(tensor=None, operator=0), "crest.tensors: are not those"),
    (lambda r: r["crest"]["tensors"][0].pop("operator"), "operator: is missing"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("change", "words"), FALSE_IDS)
def test_a_false_id_is_found(tmp_path: Path, change: Change, words: str) -> None:
    found = changed(tmp_path, change)
    assert words in found and bool(words) is bool(found)


def fed(*names: str) -> Graph:
    """Return a network with so many inputs of these names."""
    builder = GraphBuilder()
    inputs = [builder.add_input(Tensor(name, "int8", 8, (2,))) for name in names]
    made = builder.add_tensor(Tensor("", "int8", 8, (2,)))
    builder.add_operator(Operator(0, "", "ADD_N", "", tuple(inputs), (made,)))
    builder.add_output(made)
    return builder.build()


def test_an_input_is_named_or_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    np.save(file, np.array([1, 2], np.int8))
    graph = fed("x", "", "1", "same", "same")
    asked = {"x": 0, "1": 2, "3": 3, "4": 4}
    assert list(own_inputs(graph, dict.fromkeys(asked, file))) == [graph.inputs[i] for i in asked.values()]
    for name, words in (
        ("same", "--input same: name this input by its position, 3 or 4"),
        ("", "--input : name this input by its position, 1"),
        ("5", "--input 5: the network has no such input; it has x, 1, 1, same, same"),
        ("²", "--input ²: the network has no such input"),
        ("9" * 5000, "the network has no such input"),
    ):
        with pytest.raises(OptionError) as caught:
            own_inputs(graph, {name: file})
        assert words in str(caught.value)
    with pytest.raises(OptionError, match="--input 0: this input has a file already"):
        own_inputs(graph, {"x": file, "0": file})


def test_the_tensor_that_a_buffer_was_made_for_comes_first(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    view, fed, result = (sketch.tensor([1, 16]) for _ in range(3))
    sketch.operator("RESHAPE", [fed], [view], newShape=[1, 16])
    sketch.operator("ABS", [view], [result])
    sketch.ports([fed], [result])
    path = written(tmp_path, sketch)
    target = tmp_path / "views.toml"
    target.write_text('alignment = 16\nviews = ["RESHAPE"]\n')
    plan = hmcos.schedule(path, target=str(target))
    assert [(b.name, b.tensors) for b in plan.buffers] == [("t1", (1, 0)), ("t2", (2,))]
    assert all(check.held for check in checks_at_rest(open_source(path), plan))


def test_inspect_calls_an_input_without_a_name_by_its_id(tmp_path: Path) -> None:
    path = written(tmp_path, renamed(branches(), NAMINGS["empty"]))
    ports = hmcos.inspect(path).inputs
    assert [(port.name, port.tensor, port.title) for port in ports] == [("", 0, "tensor 0")]
