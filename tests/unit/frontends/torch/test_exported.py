"""Exported programs as models: signatures, symbols, writes, and what cannot be scheduled."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export
from torch.utils import _pytree as pytree

import hmcos
import hmcos.torch
from hmcos.errors import ModelError, OptionError, SizeError
from hmcos.frontends.loading import load, serialised
from hmcos.frontends.torch.exported import saved

X = torch.arange(32, dtype=torch.float32).reshape(4, 8)


class Function(nn.Module):
    """A module that computes a function."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any, **named: Any) -> Any:
        return self.function(*args, **named)


def exported(function: Any, *args: Any, **settings: Any) -> ExportedProgram:
    return export(Function(function), args, **settings)


def ran(program: ExportedProgram, *args: Any) -> list[Any]:
    copies = pytree.tree_map_only(torch.Tensor, torch.clone, args)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        return [*pytree.tree_leaves(program.module()(*copies)), *pytree.tree_leaves(copies)]


def check(program: ExportedProgram, *args: Any, bind: dict[str, int] | None = None) -> None:
    """Check that the program and what became of it compute the same, also after saving and loading."""
    plan = hmcos.schedule(program, bind=bind)
    model = load(program, bind)
    written = torch.export.load(io.BytesIO(serialised(model, plan.orders)))
    for other in (hmcos.torch.reordered(program, bind=bind), written):
        for one, two in zip(ran(program, *args), ran(other, *args), strict=True):
            assert type(one) is type(two)
            assert torch.equal(one, two) if isinstance(one, Tensor) else one == two


def wide_first(x: Tensor) -> Any:
    """Return a sum of two branches; the order of the source makes both wide values first."""
    a, b = x.repeat(8, 1), x.repeat(8, 1) + 1
    return a.sum(0) + b.sum(0)


def test_the_order_of_a_program_changes_and_its_peak_falls() -> None:
    program = exported(wide_first, X)
    plan = hmcos.schedule(program)
    assert (plan.given_peak, plan.peak) == (3200, 2176) and plan.status is hmcos.Status.OPTIMAL
    check(program, X)
    assert hmcos.schedule(hmcos.torch.reordered(program)).given_peak == plan.peak


def test_signatures_of_every_kind() -> None:
    def function(x: Tensor, pair: tuple[Tensor, dict[str, Any]], number: int) -> Any:
        return {"a": x + pair[0], "b": (None, [pair[1]["k"] * number]), "same": x, "five": 5}

    check(exported(function, X, (X, {"k": X}), 3), X, (X, {"k": X}), 3)


class Tied(nn.Module):
    """A module that returns one value in several ways, an input and a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x: Tensor) -> Any:
        y = x * self.weight
        return y, y, y.t(), y[0], self.weight, x, self.weight * 2


def test_outputs_that_share_storages() -> None:
    program = export(Tied(), (X,))
    for each in (program, program.run_decompositions()):
        check(each, X)
        assert hmcos.schedule(each).peak == 2 * 128 + 32, "x, y and twice the weight"


def test_sizes_are_outputs_and_numbers_are_inputs() -> None:
    def function(x: Tensor, times: int) -> Any:
        return x.shape[0] * 2, x.repeat(times, 1), times, x.sum().item()

    names = {"args": ({0: Dim("batch", min=2, max=64)}, None)}
    program = export(Function(function), (X, 3), dynamic_shapes=names)
    (symbol,) = hmcos.inspect(program).symbols
    check(program, X, 3, bind={symbol: 4})


def test_inputs_are_written_through_views() -> None:
    def function(x: Tensor) -> Any:
        before = x + 1
        x.view(-1)[3:9].add_(1)
        return before, x * 2, x[0].exp()

    check(exported(function, X), X)
    check(exported(function, X).run_decompositions(), X)


def test_random_numbers_keep_their_order() -> None:
    def function(x: Tensor) -> Any:
        late = torch.rand_like(x)
        small = nn.functional.dropout(x, 0.5, True).sum()
        return late.repeat(4, 1).sum(), small, torch.randn(2)

    check(exported(function, X), X)


class Counting(nn.Module):
    """A module with buffers that each call changes, and tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(8))
        self.calls: Tensor
        self.norm, self.one, self.two = nn.BatchNorm1d(8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Any:
        before = self.calls + 0
        self.calls.add_(x.sum(0))
        return self.two(self.norm(self.one(x))), before, self.calls * 2


def test_buffers_are_written_in_the_same_order() -> None:
    program = export(Counting().train(), (X,))
    for each in (program, program.run_decompositions()):
        load_again = torch.export.load(io.BytesIO(saved(each)))
        other = torch.export.load(io.BytesIO(serialised(load(each), hmcos.schedule(each).orders)))
        for _ in range(2):
            assert all(map(torch.equal, ran(load_again, X), ran(other, X)))
        changed = zip(load_again.buffers(), other.buffers(), strict=True)
        assert all(torch.equal(one, two) for one, two in changed)


def dynamic() -> ExportedProgram:
    def function(x: Tensor) -> Tensor:
        return wide_first(x.reshape(x.shape[0] * 2, -1))

    return export(Function(function), (X,), dynamic_shapes={"args": ({0: Dim("batch", min=4, max=64)},)})


def test_sizes_that_are_not_bound_are_listed_with_their_ranges(tmp_path: Path) -> None:
    program = dynamic()
    symbol = hmcos.inspect(program).symbols[0]
    place = tmp_path / "m.pt2"
    place.write_bytes(saved(program))
    for source, name in ((program, "the exported program"), (place, str(place))):
        with pytest.raises(SizeError) as error:
            hmcos.schedule(source)
        assert str(error.value) == (
            f"{name}: sizes are symbolic: {symbol} (4 to 64); bind them, such as --bind {symbol}=8"
        )
    told = hmcos.inspect(place)
    assert told.unbound == (symbol,) and told.inputs[0].shape == (symbol, 8)
    assert told.kinds["repeat"] == 2 and told.outputs[0].name


@pytest.mark.parametrize(
    ("bind", "says"),
    [
        ({"s5000": 2}, "no symbolic size is called 's5000'"),
        ({"": 3}, "is out of range"),
        ({"": 65}, "4 to 64"),
    ],
)
def test_wrong_bindings_are_refused(bind: dict[str, int], says: str) -> None:
    program = dynamic()
    symbol = hmcos.inspect(program).symbols[0]
    with pytest.raises(OptionError, match=says):
        hmcos.schedule(program, bind={name or symbol: size for name, size in bind.items()})


@pytest.mark.parametrize("size", [2**62, 2**63])
def test_sizes_that_no_tensor_has_are_refused(size: int) -> None:
    program = export(Function(wide_first), (X,), dynamic_shapes={"args": ({0: Dim.DYNAMIC},)})
    symbol = hmcos.inspect(program).symbols[0]
    with pytest.raises(OptionError, match=r"input 'args_0': torch has no tensor of size \[") as error:
        hmcos.schedule(program, bind={symbol: size})
    assert "\n" not in str(error.value)


def test_an_order_for_one_size_is_right_for_all() -> None:
    program = dynamic()
    symbol = hmcos.inspect(program).symbols[0]
    small, large = (hmcos.schedule(program, bind={symbol: size}) for size in (4, 64))
    assert small.peak < large.peak
    other = hmcos.torch.reordered(program, bind={symbol: 6})
    for size in (4, 30):
        assert all(map(torch.equal, ran(program, torch.ones(size, 8)), ran(other, torch.ones(size, 8))))


class Block(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.ReLU(), Function(function))

    def forward(self, x: Tensor) -> Any:
        return self.inner(x)


def nonzero(x: Tensor) -> Tensor:
    return x.nonzero()


def sparse(x: Tensor) -> Tensor:
    return x.to_sparse().to_dense()


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (nonzero, r"node 'nonzero' \(aten\.nonzero\.default\) in module inner\.1: .*depends on data"),
        (sparse, r"node 'to_sparse' .* in module inner\.1: .*sparse tensors.*dense tensors"),
    ],
)
def test_what_has_no_size_is_refused_by_node_and_module(function: Any, says: str) -> None:
    program = export(Block(function), (X,))
    with pytest.raises(ModelError, match=says) as error:
        hmcos.schedule(program)
    assert "\n" not in str(error.value)


def test_a_file_says_the_same_as_the_program_in_memory(tmp_path: Path) -> None:
    place = tmp_path / "m.pt2"
    program = export(Block(wide_first), (X,))
    place.write_bytes(saved(program))
    one, two = load(program), load(place)
    assert one.graph.tensors == two.graph.tensors and one.graph.operators == two.graph.operators
    assert two.parameter_bytes == 0 and two.file_bytes == place.stat().st_size


def test_the_written_file_is_the_source_but_for_the_order_of_its_nodes(tmp_path: Path) -> None:
    place = tmp_path / "m.pt2"
    place.write_bytes(saved(exported(wide_first, X)))
    hmcos.schedule(place, output=tmp_path / "out")
    with zipfile.ZipFile(place) as source, zipfile.ZipFile(tmp_path / "out/m.pt2") as result:
        assert source.namelist() == result.namelist()
        differing = [name for name in source.namelist() if source.read(name) != result.read(name)]
    assert [name.partition("/")[2] for name in differing] == ["models/model.json"]


def test_no_pickle_of_a_file_is_read(tmp_path: Path) -> None:
    place = tmp_path / "m.pt2"
    content = saved(exported(wide_first, X))
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            # Unpickled, this would end the test: sample inputs are the only pickle in a usual file.
            new.writestr(
                name, b"cos\n_exit\n(I3\ntR." if name.endswith("sample_inputs/model.pt") else old.read(name)
            )
    place.write_bytes(made.getvalue())
    plan = hmcos.schedule(place, output=tmp_path / "out")
    assert hmcos.verify(place, tmp_path / "out/plan.json").holds
    assert plan.peak == 2176
