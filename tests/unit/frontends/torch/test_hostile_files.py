"""Files of programs that lie about their weights, or call what is no operator: one line, and nothing runs."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn

import hmcos
import hmcos.torch
from hmcos.errors import ModelError
from hmcos.frontends.torch.exported import saved

GRAPH = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"


class Tied(nn.Module):
    """Two layers of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(x).relu())


@pytest.fixture(scope="module")
def sound() -> bytes:
    return saved(torch.export.export(Tied(), (torch.ones(4, 8),)))


def changed(content: bytes, entry: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return an archive of which the JSON of an entry is changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith(entry):
                tree = json.loads(data)
                change(tree)
                data = json.dumps(tree).encode()
            new.writestr(info.filename, data)
    return made.getvalue()


def refused(content: bytes, folder: Path) -> str:
    """Return the one line that says why a file is refused."""
    place = folder / "m.pt2"
    place.write_bytes(content)
    with pytest.raises(ModelError) as error:
        hmcos.schedule(place)
    assert str(error.value).startswith(f"{place}: ") and "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("size", "stride", "offset", "says"),
    [
        ((8, 8), (8, 10**30), 0, "larger than its entry"),
        ((0, 2**63), (1, 1), 0, "other type or shape"),
        ((4, 8), (8, 1), 0, "other type or shape"),
        ((8, 8), (8, -1), 0, "is negative"),
        ((8, 8), (8, 1), 1, "larger than its entry"),
    ],
)
def test_weights_that_lie_about_their_shape(
    sound: bytes, tmp_path: Path, size: tuple[int, ...], stride: tuple[int, ...], offset: int, says: str
) -> None:
    def lie(tree: dict[str, Any]) -> None:
        for name in ("one.weight", "two.weight"):
            meta = tree["config"][name]["tensor_meta"]
            meta["sizes"], meta["strides"] = ([{"as_int": n} for n in each] for each in (size, stride))
            meta["storage_offset"] = {"as_int": offset}

    assert says in refused(changed(sound, WEIGHTS, lie), tmp_path)


def test_numbers_that_torch_cannot_hold(sound: bytes, tmp_path: Path) -> None:
    def lie(tree: dict[str, Any]) -> None:
        for name in ("one.weight", "two.weight"):
            tree["config"][name]["tensor_meta"]["strides"] = [{"as_int": 10**30}, {"as_int": 1}]
            tree["config"][name]["tensor_meta"]["sizes"] = [{"as_int": 1}, {"as_int": 8}]

    def lie_too(tree: dict[str, Any]) -> None:
        for name, value in tree["graph_module"]["graph"]["tensor_values"].items():
            if name.endswith("weight"):
                value["sizes"][0] = {"as_int": 1}

    content = changed(changed(sound, WEIGHTS, lie), GRAPH, lie_too)
    assert "is damaged" in refused(content, tmp_path)


def test_a_weight_that_the_archive_lacks(sound: bytes, tmp_path: Path) -> None:
    content = changed(sound, WEIGHTS, lambda tree: tree["config"].pop("two.bias"))
    assert "holds no weight 'two.bias'" in refused(content, tmp_path)


def calling(target: str, *given: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Return a change that lets a graph call something first."""
    inputs = [{"name": "", "arg": each, "kind": 1} for each in given]

    def call(tree: dict[str, Any]) -> None:
        node: dict[str, Any] = {
            "target": target,
            "inputs": inputs,
            "outputs": [],
            "metadata": {},
            "name": "new",
        }
        node["is_hop_single_tensor_return"] = None
        tree["graph_module"]["graph"]["nodes"].insert(0, node)

    return call


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.save.default",
        "torch.ops.aten.save",
        "torch.ops.aten.warn.default",
        "torch.ops.aten.set_grad_enabled.default",
        "torch.ops.loaded_libraries.add",
        "torch.ops.aten.relu.overloads",
    ],
)
def test_what_the_dispatcher_does_not_run_is_not_called(sound: bytes, tmp_path: Path, target: str) -> None:
    content = changed(sound, GRAPH, calling(target, {"as_string": "x"}))
    said = refused(content, tmp_path)
    assert "is no operator that hmcos lets a file call" in said or "cannot read its graph" in said


def test_no_real_kernel_runs_on_tensors_that_are_made_up_for_it() -> None:
    class Histogram(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return torch.ops.aten.histogram.bin_ct(x, 10)[0]

    with pytest.raises(ModelError, match=r"node 'histogram\w*' .* has no kernel for tensors without values"):
        hmcos.torch.ordered(torch.fx.symbolic_trace(Histogram()), [torch.ones(8)])


def test_torch_says_nothing_beside_the_error(
    sound: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def lie(tree: dict[str, Any]) -> None:
        tree["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][1] = {"as_int": 5}

    assert "node 'linear'" in refused(changed(sound, GRAPH, lie), tmp_path)
    assert capfd.readouterr() == ("", "")
    logging.getLogger("torch._subclasses.fake_tensor").error("heard again")
