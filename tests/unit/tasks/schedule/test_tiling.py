"""Networks that are tiled: the plan, its file, what is written, and what is proved of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import hmcos
from hmcos.errors import OptionError, PlanError
from hmcos.plan.file.plan_file import plan_text, read_plan
from networks import FORK


def pyramid(*, height: int | str = 32, activation: str = "Relu") -> ModelProto:
    """Two convolutions around a tensor that is much larger than what they read and make."""
    rng = np.random.default_rng(0)
    weights = {
        "wide": rng.standard_normal((32, 3, 3, 3)),
        "narrow": rng.standard_normal((4, 32, 3, 3)) / 16,
        "flat": rng.standard_normal((4, 10)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "wide"], ["a"], name="widen", pads=[1, 1, 1, 1]),
        helper.make_node(activation, ["a"], ["b"]),
        helper.make_node("Conv", ["b", "narrow"], ["c"], name="narrow", pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("MatMul", ["e", "flat"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "pyramid",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, height, 32))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 10))],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "pyramid.onnx"
    path.write_bytes(pyramid().SerializeToString())
    return path


GENEROUS = hmcos.Tiling(0.4)


def written(source: Path, **options: Any) -> tuple[hmcos.Plan, Path]:
    out = source.parent / "out"
    return hmcos.schedule(source, tile=GENEROUS, output=out, **options), out


def test_the_peak_falls_and_everything_is_proved_of_the_written_model(source: Path) -> None:
    before = source.read_bytes()
    plan, out = written(source)
    rewriting = plan.rewriting
    assert rewriting is not None
    # The input, and a tensor of 131,072 bytes that the Relu overwrites.
    assert rewriting.peak_before == rewriting.peak_best_order == 143_360
    assert plan.peak < 80_000
    assert rewriting.extra <= 0.4
    assert rewriting.new_kinds == ("Concat", "Slice")
    assert rewriting.operators_before == 6
    found = onnx.load(str(out / "pyramid.onnx"))  # pyright: ignore[reportUnknownMemberType]
    assert len(found.graph.node) == len(plan.operators) > 6
    found_equal = hmcos.verify(source, out / "plan.json")
    assert found_equal.holds
    words = {check.name: check.words for check in found_equal.checks}
    assert words["same function"].startswith("1 outputs are bit-equal")
    assert words["inner tensors"] == "3 tensors that source and result both have are equal in every bit"
    assert source.read_bytes() == before


def test_the_sizes_of_both_files_are_told(source: Path) -> None:
    plan, out = written(source)
    assert plan.rewriting is not None
    assert plan.rewriting.bytes_before == source.stat().st_size
    assert plan.rewriting.bytes_after == (out / "pyramid.onnx").stat().st_size
    record = json.loads((out / "plan.json").read_text())
    record["rewriting"]["bytes"] += 1
    (out / "plan.json").write_text(json.dumps(record))
    with pytest.raises(PlanError, match=r"rewriting\.bytes: is \d+ in the plan"):
        hmcos.explain(source, read_plan(out / "plan.json"))


def test_an_order_of_another_scheduler_needs_no_more_than_the_source(source: Path) -> None:
    for scheduler in ("given", "rpo", "greedy", "random"):
        plan = hmcos.schedule(source, tile=GENEROUS, scheduler=scheduler)
        assert plan.schedule.scheduler == scheduler
        assert plan.peak < 143_360 if plan.rewriting else plan.untiled


def test_the_plan_file_says_how_to_make_the_model_again(source: Path) -> None:
    plan, out = written(source)
    record = json.loads((out / "plan.json").read_text())
    assert record["format"] == "hmcos-plan/2"
    assert read_plan(out / "plan.json").rewriting == plan.rewriting
    assert plan_text(read_plan(out / "plan.json")) == (out / "plan.json").read_text()
    (out / "pyramid.onnx").unlink()
    assert hmcos.verify(source, out / "plan.json").holds


def test_tiled_plans_are_explained_and_run_like_any(source: Path) -> None:
    plan, out = written(source)
    saved = read_plan(out / "plan.json")
    assert hmcos.explain(source, saved).plan.peak == plan.peak
    session = hmcos.session(saved)
    (made,) = session.run(None, {"x": np.ones((1, 3, 32, 32), np.float32)})
    assert made.shape == (1, 10)
    source.unlink()
    assert hmcos.session(read_plan(out / "plan.json")) is not None


def test_a_result_that_is_not_the_tiled_source_is_found(source: Path) -> None:
    _, out = written(source)
    model = onnx.load(str(out / "pyramid.onnx"))  # pyright: ignore[reportUnknownMemberType]
    tile = next(node for node in model.graph.node if node.op_type == "Conv")
    attribute = next(a for a in tile.attribute if a.name == "pads")
    attribute.ints[0] = 1 - attribute.ints[0]
    (out / "pyramid.onnx").write_bytes(model.SerializeToString())
    assert not hmcos.verify(source, out / "plan.json").holds


Change = Callable[[dict[str, Any]], object]


UNREADABLE: tuple[tuple[Change, str], ...] = (
    (lambda r: r.update(version=2), "is 2, but this version of hmcos tiles by rules of version 1"),
    (lambda r: r["regions"][0].update(rows=10**9), "must make 2 to 4,096 pieces"),
    (lambda r: r["regions"][0].update(rows=1, columns=1), "must make 2 to 4,096 pieces"),
    (lambda r: r["regions"][0].update(end=10**6), "must be behind `begin` and within `order`"),
    (lambda r: r["regions"][0].update(early=10**6), "must be the number of a piece"),
    (lambda r: r["regions"].append(r["regions"][0]), "must not overlap"),
    (lambda r: r["regions"][0].update(first=1), "first: must be the operator at position 0 of `order`"),
    (lambda r: r["regions"][0].update(last=4), "last: must be the operator at position 2 of `order`"),
    (lambda r: r["regions"][0].pop("last"), "last"),
)


@pytest.mark.parametrize(("change", "words"), UNREADABLE)
def test_plans_that_no_tiling_has_are_refused_when_read(source: Path, change: Change, words: str) -> None:
    _, out = written(source)
    record = json.loads((out / "plan.json").read_text())
    change(record["rewriting"])
    (out / "plan.json").write_text(json.dumps(record))
    with pytest.raises(PlanError, match=words):
        read_plan(out / "plan.json")


UNFITTING: tuple[tuple[Change, str], ...] = (
    (lambda r: r.update(sha256="0" * 64), "it is not the model of the plan"),
    (lambda r: r["regions"][0].update(rows=2, columns=1, early=None), "it is not the model of the plan"),
    (lambda r: r["regions"][0].update(end=len(r["order"]), last=5), "cannot be tiled"),
    (lambda r: r.update(extra_macs=1), "extra_macs: is 1 in the plan, but"),
    (lambda r: r.update(peak_before=10**9), "peak_before: is 1000000000 in the plan, but"),
    (lambda r: r.update(new_kinds=[]), "new_kinds: is .* in the plan, but"),
    (lambda r: r["order"].pop(), "tiles an order of other operators"),
    (lambda r: r.update(exact=False), "exact: is False in the plan, but True by counting"),
)


@pytest.mark.parametrize(("change", "words"), UNFITTING)
def test_plans_that_do_not_fit_the_source_are_refused(source: Path, change: Change, words: str) -> None:
    _, out = written(source)
    record = json.loads((out / "plan.json").read_text())
    change(record["rewriting"])
    (out / "plan.json").write_text(json.dumps(record))
    with pytest.raises(PlanError, match=words):
        hmcos.verify(source, out / "plan.json")


def test_readers_of_the_first_format_are_not_led_astray(source: Path) -> None:
    _, out = written(source)
    record = json.loads((out / "plan.json").read_text())
    record["format"] = "hmcos-plan/3"
    (out / "plan.json").write_text(json.dumps(record))
    with pytest.raises(PlanError, match="this version reads hmcos-plan/1 and hmcos-plan/2"):
        read_plan(out / "plan.json")


def test_what_gains_nothing_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "whole.onnx"
    node = helper.make_node("GlobalAveragePool", ["x"], ["y"])
    graph = helper.make_graph(
        [node],
        "whole",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, 1, 1))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    plan = hmcos.schedule(path, tile=hmcos.Tiling(), output=tmp_path / "out")
    assert plan.rewriting is None
    assert plan.untiled == "operator 0 (GlobalAveragePool), at the peak, averages over rows and columns"
    assert (tmp_path / "out/whole.onnx").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("activation", "tiling", "options", "looser"),
    [
        ("Relu", hmcos.Tiling(0.0), "--max-extra-macs 3%", hmcos.Tiling(0.03)),
        ("Elu", hmcos.Tiling(0.05), "--allow-rounding", hmcos.Tiling(0.05, allow_rounding=True)),
        (
            "Elu",
            hmcos.Tiling(0.0),
            "--allow-rounding --max-extra-macs 3%",
            hmcos.Tiling(0.03, allow_rounding=True),
        ),
    ],
)
def test_the_options_that_would_help_are_named(
    activation: str, tiling: hmcos.Tiling, options: str, looser: hmcos.Tiling
) -> None:
    model = pyramid(activation=activation)
    untiled = hmcos.tile(model, tiling).plan.untiled
    assert untiled.endswith(f" extra MACs; {options} finds one that needs 78,976 bytes")
    assert hmcos.tile(model, looser).peak <= 78_976


def test_a_budget_takes_the_least_extra_arithmetic_within_it(source: Path) -> None:
    least = hmcos.tile(source, GENEROUS)
    loose = hmcos.tile(source, GENEROUS, budget=100_000)
    assert least.peak < loose.peak <= 100_000
    assert loose.extra_macs < least.extra_macs
    whole = hmcos.tile(source, GENEROUS, budget=143_360)
    assert whole.plan.rewriting is None
    assert whole.plan.status is hmcos.Status.FITS
    tight = hmcos.tile(source, GENEROUS, budget=1_000)
    assert tight.plan.rewriting is not None
    assert 1_000 < tight.peak <= loose.peak


def test_more_arithmetic_never_gives_less(source: Path) -> None:
    peaks = [hmcos.tile(source, hmcos.Tiling(share)).peak for share in (0.0, 0.02, 0.1, 0.4, 2.0)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] == 143_360


def test_the_api_returns_the_changed_model(source: Path) -> None:
    found = hmcos.tile(source, GENEROUS)
    assert (found.peak_before, found.peak_best_order) == (143_360, 143_360)
    assert len(found.model.graph.operators) == len(found.plan.operators)
    assert len(found.regions) == 1
    again = hmcos.tile(source, GENEROUS)
    assert again.plan.order == found.plan.order
    assert again.model.sha256 == found.model.sha256


def test_bound_rows_are_fixed_in_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "open.onnx"
    path.write_bytes(pyramid(height="rows").SerializeToString())
    plan = hmcos.schedule(path, tile=GENEROUS, bind={"rows": 32}, output=tmp_path / "out")
    assert plan.rewriting is not None
    found = onnx.load(str(tmp_path / "out/open.onnx"))  # pyright: ignore[reportUnknownMemberType]
    assert found.graph.input[0].type.tensor_type.shape.dim[2].dim_value == 32
    assert hmcos.verify(path, tmp_path / "out/plan.json").holds


def test_problems_have_no_graph_to_tile() -> None:
    with pytest.raises(OptionError, match="only a model has a graph that can be tiled"):
        hmcos.tile(FORK)


def test_no_target_can_say_that_cuts_are_views(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "views.toml"
    target.write_text('views = ["Slice"]')
    with pytest.raises(OptionError, match=r"'.*views.toml' says that Slice is a view"):
        hmcos.tile(source, target=target)


@pytest.mark.parametrize("share", [-0.1, float("nan")])
def test_extra_arithmetic_is_a_part(share: float) -> None:
    with pytest.raises(OptionError, match="extra MACs are a part of at least 0"):
        hmcos.Tiling(share)


def test_rounding_is_allowed_only_on_demand_and_told(tmp_path: Path) -> None:
    path = tmp_path / "rounds.onnx"
    path.write_bytes(pyramid(activation="Softplus").SerializeToString())
    exact = hmcos.tile(path, GENEROUS)
    plan = hmcos.schedule(path, tile=hmcos.Tiling(0.4, allow_rounding=True), output=tmp_path / "out")
    assert plan.rewriting is not None
    assert not plan.rewriting.is_exact
    assert plan.peak < exact.peak
    found = hmcos.verify(path, tmp_path / "out/plan.json")
    assert found.holds
    words = {check.name: check.words for check in found.checks}
    for name in ("same function", "inner tensors"):
        apart = float(words[name].partition("at most ")[2].split()[0])
        assert 0 <= apart < 1e-5


def test_models_that_were_given_in_memory_are_compared_with_what_was_given(tmp_path: Path) -> None:
    plan = hmcos.schedule(pyramid(), tile=GENEROUS, output=tmp_path / "out")
    assert plan.rewriting is not None
    found = hmcos.verify(pyramid(), tmp_path / "out/plan.json")
    assert found.holds
    assert "inner tensors" in [check.name for check in found.checks]


def test_weights_beside_the_model_stay_there(tmp_path: Path) -> None:
    path = tmp_path / "pyramid.onnx"
    onnx.save(  # pyright: ignore[reportUnknownMemberType]
        pyramid(), path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    plan = hmcos.schedule(path, tile=GENEROUS, output=tmp_path / "out")
    assert plan.rewriting is not None
    assert (tmp_path / "out/weights.bin").read_bytes() == (tmp_path / "weights.bin").read_bytes()
    found = hmcos.verify(path, tmp_path / "out/plan.json")
    assert found.holds
    inner = next(check for check in found.checks if check.name == "inner tensors")
    assert "only the outputs were compared" in inner.words


def test_an_order_that_cannot_run_is_refused(source: Path) -> None:
    _, out = written(source)
    record = json.loads((out / "plan.json").read_text())
    rewriting = record["rewriting"]
    for order in ([1, 0, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [0, 2, 1, 3, 4, 5]):
        region = rewriting["regions"][0]
        region.update(first=order[region["begin"]], last=order[region["end"] - 1])
        (out / "plan.json").write_text(json.dumps(record | {"rewriting": rewriting | {"order": order}}))
        with pytest.raises(PlanError, match=r"rewriting.order: operator \d .* comes before what it reads"):
            hmcos.verify(source, out / "plan.json")


def test_a_plan_cannot_claim_bits_that_its_pieces_may_round(tmp_path: Path) -> None:
    path = tmp_path / "rounds.onnx"
    path.write_bytes(pyramid(activation="Softplus").SerializeToString())
    hmcos.schedule(path, tile=hmcos.Tiling(0.4, allow_rounding=True), output=tmp_path / "out")
    record = json.loads((tmp_path / "out/plan.json").read_text())
    record["rewriting"]["exact"] = True
    (tmp_path / "out/plan.json").write_text(json.dumps(record))
    with pytest.raises(PlanError, match="exact: is True in the plan, but False by counting"):
        hmcos.verify(path, tmp_path / "out/plan.json")


def transposed(kernel: int, stride: int) -> ModelProto:
    """A transposed convolution whose pieces read some inputs twice, between narrower tensors."""
    rng = np.random.default_rng(1)
    weights = {"up": (3, 16, kernel, kernel), "down": (2, 16, 1, 1)}
    nodes = [
        helper.make_node("ConvTranspose", ["x", "up"], ["a"], strides=[stride, stride]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "down"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "transposed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 16, 16))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2, 1, 1))],
        [numpy_helper.from_array(rng.random(shape, np.float32), name) for name, shape in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def multiplications(model: ModelProto) -> int:
    """Those of all convolutions, counted by the shapes in the model: transposed ones by what they read."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    known = [*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output]
    sizes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in known}
    weights = {w.name: list(w.dims) for w in model.graph.initializer}
    found = 0
    for node in model.graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            per = node.input[0] if node.op_type == "ConvTranspose" else node.output[0]
            found += prod(sizes[per]) * prod(weights[node.input[1]][1:])
    return found


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (4, 3), (1, 2), (2, 3), (5, 1)])
def test_transposed_convolutions_are_counted_by_what_they_read(
    kernel: int, stride: int, tmp_path: Path
) -> None:
    source = transposed(kernel, stride)
    plan = hmcos.schedule(source, tile=hmcos.Tiling(1.0), output=tmp_path)
    assert plan.rewriting is not None
    result = onnx.load(str(next(tmp_path.glob("*.onnx"))))  # pyright: ignore[reportUnknownMemberType]
    assert plan.rewriting.macs == multiplications(source)
    assert plan.rewriting.extra_macs == multiplications(result) - multiplications(source)


def test_pools_that_derive_padding_from_dilated_windows_stay_whole() -> None:
    pool = helper.make_node("MaxPool", ["x"], ["a"], kernel_shape=[2, 2], dilations=[2, 2])
    pool.attribute.append(helper.make_attribute("auto_pad", "SAME_UPPER"))
    nodes = [
        pool,
        helper.make_node("GlobalAveragePool", ["a"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "dilated",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 16, 16))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, 1, 1))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    found = hmcos.tile(model, GENEROUS)
    assert found.plan.rewriting is None
    assert found.plan.untiled == (
        "operator 0 (MaxPool), at the peak, derives its padding from a dilated window"
    )
