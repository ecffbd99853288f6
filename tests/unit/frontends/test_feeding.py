"""Random inputs have the right types and ranges, and are the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hmcos.errors import OptionError
from hmcos.frontends.feeding import own_inputs, random_inputs
from hmcos.frontends.indices import SMALL, Range, index_ranges
from hmcos.frontends.onnx import load
from hmcos.frontends.onnx.ranges import parameter_ranges
from hmcos.graph.graph import Graph
from unit.verify import faults


def graph(text: str) -> Graph:
    return load(faults.model(text)).graph


def test_the_same_seed_and_run_give_the_same_bytes() -> None:
    net = graph(faults.NET)
    first, again = (random_inputs(net, 3, 0)[net.inputs[0]] for _ in range(2))
    assert first.tobytes() == again.tobytes()
    for seed, run in ((3, 1), (4, 0)):
        assert random_inputs(net, seed, run)[net.inputs[0]].tobytes() != first.tobytes()


def test_indices_stay_inside_what_they_index() -> None:
    net = graph("""net (int64[100] i, float[20,3] t) => (float[100,3] y)
    { a = Cast<to=6>(i) b = Cast<to=7>(a) y = Gather(t, b) }""")
    found = {net.tensors[t].name: wanted for t, wanted in index_ranges(net, {}).items()}
    assert found == {"i": Range(0, 2), "a": Range(0, 2), "b": Range(0, 2)}
    values = random_inputs(net, 0, 0)[net.inputs[0]].view(np.int64)
    assert set(values) == {0, 1, 2}


def test_ratios_and_thresholds_are_valid() -> None:
    net = graph("""net (float[2,4] x, float r, float[2,4] rois, int64[2] n,
    float[2,1,5,5] image) => (float[2,4] y, float[2,1,2,2] z)
    { y = Dropout(x, r) z = RoiAlign<output_height=2, output_width=2>(image, rois, n) }""")
    found = {net.tensors[t].name: wanted for t, wanted in index_ranges(net, {}).items()}
    assert found == {"r": Range(0, 0), "n": Range(0, 0)}


HEADS = "int64[50] i, int64[50] j, float[50] f, float[9,9] t"
CONSTANTS = "<int64 two = {2}, int64 five = {5}, int64 minus = {-3}, int64[3] some = {1, 2, 3}>"


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("k = Mul(i, two)", 0, 4),
        ("k = Mul(two, i)", 0, 4),
        ("k = Mul(i, minus)", -2, 0),
        ("k = Add(i, five)", -5, 3),
        ("k = Sub(five, i)", -3, 5),
        ("k = Sub(i, five)", 5, 13),
        ("k = Div(i, five)", 0, 40),
        ("k = Mod(i, five)", 0, SMALL - 1),
        ("a = Neg(i) k = Neg(a)", 0, 8),
        ("a = Mul(i, five) b = Mul(a, five) k = Mul(b, five)", 0, 0),
        ("a = Cast<to=7>(f) k = Abs(a)", 0, 8),
        ("a = Gather(some, two) b = Unsqueeze(a, zero) k = Add(i, two)", -2, 6),
        ("a = Constant<value_ints=[1, 4]>() b = Unsqueeze(i, one) m = Mul(b, a) k = ReduceMax(m)", 0, 2),
        ("s = CumSum(i, zero) k = Identity(s)", 0, 0),
        ("a = Concat<axis=0>(i, j) b = Mul(a, two) k = Add(b, two)", -1, 3),
        ("a = Where(c, i, j) k = Clip(a)", 0, 8),
        ("k = Max(i, two)", 0, 8),
    ],
)
def test_indices_computed_from_inputs_stay_inside_what_they_index(text: str, least: int, most: int) -> None:
    constants = CONSTANTS.replace(">", ", int64[1] zero = {0}, int64[1] one = {1}>")
    source = faults.model(
        f"net ({HEADS}, bool[50] c) => (float[50,9] y) {constants} {{ {text} y = Gather(t, k) }}"
    )
    del source.graph.output[0].type.tensor_type.shape.dim[:]
    model = load(source)
    net = model.graph
    known = parameter_ranges(model)
    name = "f" if "(f)" in text else "i"
    t = net.inputs["ijf".index(name)]
    wanted = index_ranges(net, known).get(t, Range(0, SMALL - 1))
    assert (wanted.least, wanted.most) == (least, most)
    drawn = random_inputs(net, 0, 0, known)[t].view(np.float32 if name == "f" else np.int64)
    assert least <= drawn.min() <= drawn.max() <= most


def test_two_unknown_operands_share_the_range() -> None:
    for kind, right in (("Add", Range(0, 4)), ("Mul", Range(0, 2)), ("Sub", Range(0, 0))):
        net = graph(f"net ({HEADS}) => (float[50,9] y) {{ k = {kind}(i, j) y = Gather(t, k) }}")
        found = index_ranges(net, {})
        i, j = (found[t] for t in net.inputs[:2])
        assert j == right
        results = {
            {"Add": a + b, "Mul": a * b, "Sub": a - b}[kind]
            for a in range(i.least, i.most + 1)
            for b in range(j.least, j.most + 1)
        }
        assert results <= set(range(9)), kind


def test_types_and_ranges() -> None:
    net = graph("""net (bool[64] b, int32[64] k, int32[64] d, uint8[64] u, float16[64] h, bfloat16[64] g,
    double[64] f) => (bool[64] z) { q = Div(k, d) z = Not(b) }""")
    found = {net.tensors[t].name: content for t, content in random_inputs(net, 0, 0).items()}
    assert {name: len(content) for name, content in found.items()} == {
        "b": 64, "k": 256, "d": 256, "u": 64, "h": 128, "g": 128, "f": 512
    }  # fmt: skip
    assert set(found["b"]) == {0, 1}
    assert set(found["k"].view(np.int32)) == set(range(SMALL))
    assert set(found["d"].view(np.int32)) == set(range(1, SMALL))
    assert found["u"].max() > 64
    for values in (found["h"].view(np.float16), found["f"].view(np.float64)):
        assert np.isfinite(values).all() and 0.5 < values.std() < 2
    wide = (found["g"].view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    assert np.isfinite(wide).all() and 0.5 < wide.std() < 2


def test_a_file_that_is_no_array(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"rubbish")
    with pytest.raises(OptionError, match=r"--input x: .*x\.npy: cannot be read as \.npy"):
        own_inputs(graph(faults.NET), {"x": tmp_path / "x.npy"})
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(OptionError, match="cannot be read"):
        own_inputs(graph(faults.NET), {"x": tmp_path / "x.npy"})


def test_numbers_that_are_compared_are_each_of_those_in_turn() -> None:
    text = """net (int64 rate, int64[2] x) => (bool a, bool b, bool[2] c)
    <int64 high = {16000}, int64 low = {-5}>
    { r = Cast<to=7>(rate) a = Equal(high, r) b = Less(rate, low) c = Greater(x, high) }"""
    model = load(faults.model(text))
    known = parameter_ranges(model)
    rate, other = model.graph.inputs
    fed = [random_inputs(model.graph, 0, run, known) for run in range(3)]
    assert [each[rate].view(np.int64).tolist() for each in fed[:2]] == [[16000], [-5]]
    assert 0 <= fed[2][rate].view(np.int64)[0] < SMALL
    assert all(set(each[other].view(np.int64)) <= set(range(SMALL)) for each in fed)
    assert random_inputs(model.graph, 0, 0, known, 1)[rate].view(np.int64).tolist() == [1]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "(float[3,5,2] x, int64[1] v, int64[1] s) => (float[a,b,c] y) { y = Slice(x, s, s, v) }",
            2,
        ),
        ("(float[3,5] x, int64[4] v) => (float[3,5] y) { y = ReverseSequence(x, v) }", 3),
        ("(float[4,5] x, int64[4] v) => (float y) { y = NegativeLogLikelihoodLoss(x, v) }", 4),
    ],
)
def test_places_and_lengths_are_valid(text: str, wanted: int) -> None:
    net = graph(f"net {text}")
    ranges = {net.tensors[t].name: each for t, each in index_ranges(net, {}).items()}
    assert ranges["v"].most == wanted
    assert ranges["v"].least in (0, 1)


def test_indices_in_bodies_stay_inside_too() -> None:
    net = graph("""net (float[9,2] table, int64[3] i, int64[3] j, bool c) => (float[3,2] y)
    { y = If (c) <then_branch = one () => (float[3,2] t) { t = Gather(table, i) },
                  else_branch = other () => (float[3,2] e) { k = Add(j, j) e = Gather(table, k) }> }""")
    ranges = {net.tensors[t].name: each for t, each in index_ranges(net, {}).items()}
    assert ranges == {"i": Range(0, 1), "j": Range(0, 0)}


def test_indices_that_a_loop_carries_stay_inside() -> None:
    net = graph("""net (float[9,9] table, int64[3] i, int64 n, bool c) => (int64[3] y)
    { y = Loop (n, c, i) <body = b (int64 k, bool go, int64[3] at) => (bool on, int64[3] next)
        { on = Identity(go) rows = Gather(table, at) next = Identity(at) }> }""")
    ranges = {net.tensors[t].name: each for t, each in index_ranges(net, {}).items()}
    assert ranges == {"i": Range(0, 8)}
