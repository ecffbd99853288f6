"""Random inputs have the right types and ranges, and are the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hmcos.errors import OptionError
from hmcos.frontends.feeding import random_inputs, read_input
from hmcos.frontends.indices import SMALL, index_limits
from hmcos.frontends.onnx import load
from hmcos.graph.model import Graph
from unit.verify import faults


def graph(text: str) -> Graph:
    return load(faults.model(text)).graph


def test_the_same_seed_and_run_give_the_same_bytes() -> None:
    net = graph(faults.NET)
    first, again = random_inputs(net, 3, 0)["x"], random_inputs(net, 3, 0)["x"]
    assert first.tobytes() == again.tobytes()
    for seed, run in ((3, 1), (4, 0)):
        assert random_inputs(net, seed, run)["x"].tobytes() != first.tobytes()


def test_indices_stay_inside_what_they_index() -> None:
    net = graph("""net (int64[100] i, float[20,3] t) => (float[100,3] y)
    { a = Cast<to=6>(i) b = Cast<to=7>(a) y = Gather(t, b) }""")
    assert {net.tensors[t].name: size for t, size in index_limits(net).items()} == {"i": 3, "a": 3, "b": 3}
    values = random_inputs(net, 0, 0)["i"].view(np.int64)
    assert set(values) == {0, 1, 2}


def test_types_and_ranges() -> None:
    net = graph("""net (bool[64] b, int32[64] k, int32[64] d, uint8[64] u, float16[64] h, bfloat16[64] g,
    double[64] f) => (bool[64] z) { q = Div(k, d) z = Not(b) }""")
    found = random_inputs(net, 0, 0)
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
        read_input(graph(faults.NET), "x", tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(OptionError, match="cannot be read"):
        read_input(graph(faults.NET), "x", tmp_path / "x.npy")
