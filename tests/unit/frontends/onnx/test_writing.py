"""Writing ONNX: the source with its nodes permuted, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto

from hmcos.errors import OptionError, OutputError
from hmcos.frontends.copying import check_outputs
from hmcos.frontends.loading import load, save
from hmcos.frontends.model import Model
from onnx_models import branches, diamond, external_diamond, weight

SWAPPED = {"": (0, 2, 3, 1, 4)}


def stored(made: ModelProto, path: Path) -> Model:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.SerializeToString())
    return load(path)


def external(folder: Path, location: str = "data/weights.bin") -> Model:
    """Return the diamond with its weight in a file of its own."""
    return load(external_diamond(folder, location))


def run(path: Path) -> list[float]:
    session = onnxruntime.InferenceSession(path)
    fed = np.arange(8, dtype=np.float32).reshape(2, 4)
    results = cast("list[np.ndarray]", session.run(None, {"x": fed}))  # pyright: ignore[reportUnknownMemberType]
    return [float(x) for x in results[0].ravel()]


def kinds(path: Path) -> list[str]:
    return [op.kind for op in load(path).graph.operators]


def test_nodes_are_permuted_and_nothing_else_changes(tmp_path: Path) -> None:
    made = diamond()
    made.doc_string = "kept"
    # An unknown field of the model, of a node, and of a tensor: number 999, length-delimited.
    unknown = b"\xba\x3e\x03abc"
    made.MergeFromString(unknown)
    made.graph.node[2].MergeFromString(unknown)
    made.graph.initializer[0].MergeFromString(unknown)
    found = stored(made, tmp_path / "in.onnx")
    save(found, SWAPPED, tmp_path / "out" / "out.onnx")
    written = ModelProto.FromString((tmp_path / "out" / "out.onnx").read_bytes())
    assert [n.name for n in written.graph.node] == ["a", "c", "d", "b", "e"]
    nodes = {n.name: n for n in written.graph.node}
    del written.graph.node[:]
    written.graph.node.extend(nodes[name] for name in "abcde")
    assert written == made
    assert written.SerializeToString(deterministic=True) == made.SerializeToString(deterministic=True)
    assert load(tmp_path / "in.onnx") == found
    assert run(tmp_path / "out" / "out.onnx") == run(tmp_path / "in.onnx")


def test_the_identity_writes_the_source(tmp_path: Path) -> None:
    found = stored(branches(), tmp_path / "in.onnx")
    save(found, {}, tmp_path / "out.onnx")
    assert load(tmp_path / "out.onnx").sha256 == found.sha256
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.onnx", "out.onnx"]


def test_bodies_are_permuted_by_their_path_in_the_source(tmp_path: Path) -> None:
    found = stored(branches(), tmp_path / "in.onnx")
    orders = {"": (1, 0), "node 1/then_branch": (0, 2, 1, 3)}
    deep = {"node 1/then_branch/node 1/then_branch": (1, 0)}
    save(found, orders | deep, tmp_path / "out.onnx")
    written = ModelProto.FromString((tmp_path / "out.onnx").read_bytes())
    then = next(a.g for a in written.graph.node[0].attribute if a.name == "then_branch")
    assert [n.op_type for n in then.node] == ["Neg", "Abs", "If", "Add"]
    inner = next(a.g for a in then.node[2].attribute if a.name == "then_branch")
    assert [n.op_type for n in inner.node] == ["Abs", "Exp"]
    save(found, orders, tmp_path / "valid.onnx")
    onnxruntime.InferenceSession(tmp_path / "valid.onnx")


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        ({"": (0, 1)}, "the main graph must list each of its 5 nodes exactly once"),
        ({"": (0, 1, 2, 3, 3)}, "exactly once"),
        ({"node 1/body": ()}, "no body 'node 1/body'"),
    ],
)
def test_wrong_orders_write_nothing(tmp_path: Path, orders: dict[str, tuple[int, ...]], message: str) -> None:
    found = load(diamond())
    with pytest.raises(OptionError, match=message):
        save(found, orders, tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


def test_data_files_are_copied_beside_the_model(tmp_path: Path) -> None:
    found = external(tmp_path / "home")
    assert found.data_files == (Path("data/weights.bin"),)
    assert found.parameter_bytes == 64
    for _ in range(2):  # a second run finds its own files there
        save(found, SWAPPED, tmp_path / "out" / "new.onnx")
    copied = tmp_path / "out/data/weights.bin"
    assert copied.read_bytes() == (tmp_path / "home/data/weights.bin").read_bytes()
    assert copied.stat().st_nlink == 1  # onnx refuses to load data files with more
    cast(Any, onnx).checker.check_model(str(tmp_path / "out/new.onnx"))  # pyright: ignore[reportUnknownMemberType]
    assert sorted(p.name for p in (tmp_path / "out").rglob("*")) == ["data", "new.onnx", "weights.bin"]
    assert run(tmp_path / "out/new.onnx") == run(tmp_path / "home/model.onnx")


def test_an_older_data_file_is_replaced_not_written_through(tmp_path: Path) -> None:
    found = external(tmp_path / "home")
    old = tmp_path / "out/data/weights.bin"
    old.parent.mkdir(parents=True)
    (tmp_path / "precious").write_bytes(b"precious")
    old.symlink_to(tmp_path / "precious")
    save(found, {}, tmp_path / "out/new.onnx")
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert old.read_bytes() == (tmp_path / "home/data/weights.bin").read_bytes()
    assert not old.is_symlink()


def test_loading_never_opens_the_data(tmp_path: Path) -> None:
    found = external(tmp_path / "home")
    (tmp_path / "home/data/weights.bin").unlink()
    assert load(tmp_path / "home/model.onnx") == found
    with pytest.raises(OutputError, match=r"weights\.bin: is missing"):
        save(found, {}, tmp_path / "out/new.onnx")
    assert not (tmp_path / "out/new.onnx").exists()


def test_a_model_may_stand_beside_its_source(tmp_path: Path) -> None:
    found = external(tmp_path / "home")
    save(found, SWAPPED, tmp_path / "home/new.onnx")
    assert kinds(tmp_path / "home/new.onnx") == ["Relu", "Neg", "Abs", "MatMul", "Add"]


def test_the_source_and_its_data_are_never_overwritten(tmp_path: Path) -> None:
    found = external(tmp_path / "home")
    (tmp_path / "link.onnx").symlink_to(tmp_path / "home/model.onnx")
    (tmp_path / "folder").symlink_to(tmp_path / "home")
    before = {p: p.read_bytes() for p in (tmp_path / "home").rglob("*") if p.is_file()}
    for place in ("home/model.onnx", "link.onnx", "folder/model.onnx"):
        with pytest.raises(OutputError, match="is the model itself"):
            save(found, SWAPPED, tmp_path / place)
    with pytest.raises(OutputError, match="is a data file"):
        save(found, SWAPPED, tmp_path / "folder/data/weights.bin")
    with pytest.raises(OutputError, match="is a directory"):
        check_outputs(found, [tmp_path])
    assert {p: p.read_bytes() for p in (tmp_path / "home").rglob("*") if p.is_file()} == before


def test_a_link_in_the_output_folder_does_not_lead_data_out(tmp_path: Path) -> None:
    found = external(tmp_path / "home")
    (tmp_path / "other").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/data").symlink_to(tmp_path / "other")
    with pytest.raises(OutputError, match="leads out of the output folder"):
        save(found, {}, tmp_path / "out/new.onnx")
    assert list((tmp_path / "other").iterdir()) == []


def test_a_model_in_memory_needs_its_data_in_place(tmp_path: Path) -> None:
    external(tmp_path / "home")
    found = load(ModelProto.FromString((tmp_path / "home/model.onnx").read_bytes()))
    save(found, SWAPPED, tmp_path / "home/new.onnx")
    with pytest.raises(OutputError, match="is missing; a model in memory"):
        save(found, SWAPPED, tmp_path / "elsewhere.onnx")


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        save(load(diamond()), {}, tmp_path / "file" / "out.onnx")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        save(load(diamond()), {}, tmp_path / "out.onnx")


def test_only_what_onnx_loaded_can_be_saved(tmp_path: Path) -> None:
    found = load(diamond())
    foreign = Model(found.graph, None, "onnx", "", "", False, (), {}, 0, 0, weight("w", 1))
    with pytest.raises(OptionError, match="not loaded from ONNX"):
        save(foreign, {}, tmp_path / "out.onnx")
