"""The backend of torch.compile: the bits of the given order, memory as predicted and never more."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import logging
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint  # pyright: ignore[reportUnknownVariableType]

from hmcos.errors import HmcosError
from hmcos.runtimes.torch.tally import Tally
from hmcos.runtimes.torch.watching import Watching
from hmcos.torch import backend, compiling
from hmcos.torch.ordering import Ordered
from torch_models import FAMILIES
from torch_training import ResNet18, Transformer, image_batches, same, word_batches, word_loss

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
NO_CACHE = {"cache": False, "time_limit": 2.0}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def compiled(model: nn.Module, options: dict[str, Any] = NO_CACHE, *, dynamic: bool = False) -> Any:
    compile_ = cast(Any, torch.compile)
    return compile_(model, backend=backend, options=options, dynamic=dynamic)


def given_order(model: nn.Module) -> Any:
    compile_ = cast(Any, torch.compile)
    return compile_(model, backend="aot_eager")


class Losing(nn.Module):
    """A network with its loss, so that one graph holds all of training but the update."""

    def __init__(self, network: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.network, self.loss = network, loss

    def forward(self, *inputs: Tensor) -> Tensor:
        *given, target = inputs
        return self.loss(self.network(*given), target)


def summed(output: Any, target: Tensor) -> Tensor:
    parts: list[Tensor] = list(output) if isinstance(output, tuple | list) else [output]  # pyright: ignore[reportUnknownArgumentType]
    return torch.stack([part.float().square().sum() for part in parts]).sum()


MODELS: dict[str, Callable[[], tuple[nn.Module, tuple[Any, ...]]]] = {
    "transformer": lambda: (Losing(Transformer(2), word_loss), word_batches(2)[0]),
    "resnet": lambda: (Losing(ResNet18(4), nn.CrossEntropyLoss()), image_batches(2)[0]),
    **{
        name: lambda name=name: (
            Losing(FAMILIES[name]().module.train(), summed),
            (*FAMILIES[name]().inputs, torch.zeros(())),
        )
        for name in ("dense", "unet", "dla", "nas-cells")
    },
}


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Ordered]:
    """Return the list that all plans made during the test are put into."""
    made: list[Ordered] = []
    real = compiling.ordered

    def noted(*arguments: Any, **named: Any) -> Ordered:
        made.append(real(*arguments, **named))
        return made[-1]

    monkeypatch.setattr(compiling, "ordered", noted)
    return made


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list that the most bytes alive during each call of a graph are put into.

    Parameters and what else is held from outside does not count, but the gradient of one number that
    backward comes from: the tests add it.
    """
    peaks: list[int] = []
    real = compiling._boxed  # pyright: ignore[reportPrivateUsage]

    def boxed(module: Any) -> Any:
        run = real(module)

        def call(arguments: list[Any]) -> Any:
            tally, most = Tally(OUTSIDE), [0]
            tally.show_all(arguments)
            most[0] = tally.bytes

            def use(used: int) -> None:
                most[0] = max(most[0], used)

            with Watching(tally, use):
                outputs = run(arguments)
            peaks.append(most[0])
            return outputs

        call._boxed_call = True  # pyright: ignore[reportFunctionMemberAccess]
        return call

    monkeypatch.setattr(compiling, "_boxed", boxed)
    return peaks


OUTSIDE: list[Tensor] = []
"""What is held from outside during a test that measures."""


@pytest.mark.parametrize("name", MODELS)
def test_training_has_the_bits_and_the_predicted_memory(
    name: str, planned: list[Ordered], measured: list[int]
) -> None:
    model, inputs = MODELS[name]()
    given = deepcopy(model)
    OUTSIDE[:] = [*model.parameters(), *model.buffers(), *(t for t in inputs if isinstance(t, Tensor))]
    planned_model = compiled(model)
    torch.manual_seed(5)
    loss = planned_model(*inputs)
    loss.backward()
    expected = given_order(given)
    torch.manual_seed(5)
    other = expected(*inputs)
    other.backward()
    assert same(loss.detach(), other.detach())
    pairs = zip(model.parameters(), given.parameters(), strict=True)
    assert all(p.grad is None or (q.grad is not None and same(p.grad, q.grad)) for p, q in pairs)
    assert all(same(p, q) for p, q in zip(model.buffers(), given.buffers(), strict=True))
    forward, backward = planned
    tangent = loss.element_size()
    assert measured == [forward.plan.peak, backward.plan.peak + tangent]
    assert all(each.plan.peak <= each.plan.given_peak for each in planned)
    assert all(each.plan.status == "optimal" or name == "nas-cells" for each in planned)


@pytest.mark.parametrize("name", MODELS)
def test_inference_has_the_bits_and_the_predicted_memory(
    name: str, planned: list[Ordered], measured: list[int]
) -> None:
    model, inputs = MODELS[name]()
    model.eval()
    OUTSIDE[:] = [*model.parameters(), *model.buffers(), *(t for t in inputs if isinstance(t, Tensor))]
    with torch.no_grad():
        result = compiled(model)(*inputs)
        assert same(result, given_order(model)(*inputs))
    (only,) = planned
    assert measured == [only.plan.peak]
    assert only.plan.peak <= only.plan.given_peak


def test_saved_outputs_that_the_user_gets_are_held(planned: list[Ordered], measured: list[int]) -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(64, 64))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            hidden = (x @ self.weight).sigmoid()  # saved for backward, and an output
            return hidden.exp().sum(), hidden

    model, x = Both(), torch.randn(256, 64)
    OUTSIDE[:] = [model.weight, x]
    loss, hidden = compiled(model)(x)
    OUTSIDE.append(hidden)
    loss.backward()
    tangents = loss.nbytes + hidden.nbytes
    assert measured[1] == planned[1].plan.peak + tangents


def test_graph_breaks_give_several_graphs(planned: list[Ordered]) -> None:
    class Breaking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            torch._dynamo.graph_break()  # pyright: ignore[reportPrivateUsage]
            return self.second(x.relu())

    model, x = Breaking(), torch.randn(3, 8)
    result = compiled(model)(x)
    result.sum().backward()
    assert len(planned) == 4
    assert same(result, model(x))


def test_dynamic_sizes_are_planned_one_by_one(planned: list[Ordered]) -> None:
    model = Transformer(1, dropout=0.0)
    other = deepcopy(model)
    dynamic = compiled(model, dynamic=True)
    for size in (2, 3, 4, 3):
        words, target = word_batches(size)[0]
        for each in (model, other):
            each.zero_grad()
        word_loss(dynamic(words), target).backward()
        word_loss(other(words), target).backward()
        assert model.places.grad is not None and other.places.grad is not None
        assert same(model.places.grad, other.places.grad)
    assert len(planned) == 6


def test_further_sizes_share_the_given_order(
    planned: list[Ordered], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(compiling, "MOST_SIZES", 2)
    model, made = nn.Linear(8, 8), list[Any]()
    real = compiling._boxed  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(compiling, "_boxed", lambda module: made.append(module) or real(module))  # pyright: ignore
    dynamic = compiled(model, dynamic=True)
    with torch.no_grad(), caplog.at_level(logging.INFO, logger="hmcos.torch"):
        for size in range(2, 8):
            x = torch.randn(size, 8)
            assert same(dynamic(x), model(x))
    assert len(planned) == 2
    assert len(made) == 3
    assert [r for r in caplog.messages if "in the given order from now on, after 2 sizes" in r]


def test_a_graph_that_cannot_be_ordered_runs_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Ordered:
        raise RuntimeError("no order today")

    monkeypatch.setattr(compiling, "ordered", fails)
    model, x = nn.Linear(4, 4), torch.ones(2, 4)
    with pytest.warns(UserWarning, match="forward graph runs in the given order: no order today"):
        result = compiled(model, {})(x)
    result.sum().backward()
    assert same(result, model(x))
    assert model.weight.grad is not None


def test_wrong_options_are_named() -> None:
    model, x = nn.Linear(4, 4), torch.ones(2, 4)
    for options, match in (
        ({"time": 1}, "no option 'time'.*time_limit"),
        ({"target": "no"}, "no"),
        ({"time_limit": -1}, "time limit"),
        ({"time_limit": "1"}, "time_limit='1': give a number of seconds"),
        ({"target": 3}, "target=3: give the name of a target"),
        ({"cache": "no"}, "cache='no': give True or False"),
    ):
        torch.compiler.reset()
        with pytest.raises(Exception, match=match) as caught:
            compiled(model, options)(x)
        assert isinstance(caught.value.__cause__ or caught.value, HmcosError | Exception)


def test_every_graph_is_logged_with_its_peaks(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("hmcos").setLevel(logging.INFO)
    with caplog.at_level(logging.INFO, logger="hmcos"):
        compiled(nn.Linear(4, 4))(torch.ones(2, 4)).sum().backward()
    lines = [record.getMessage() for record in caplog.records if record.name == "hmcos.torch"]
    assert [line.partition(" of ")[0] for line in lines] == ["forward graph", "backward graph"]
    assert all("peak" in line and "->" in line and line.endswith("optimal") for line in lines)


def test_torch_finds_the_backend_by_its_name(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups: dict[str, dict[str, str]] = project["entry-points"]
    written = tmp_path / "hmcos-0.dist-info"
    written.mkdir()
    (written / "METADATA").write_text("Metadata-Version: 2.1\nName: hmcos\nVersion: 0\n")
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in names.items())
        for group, names in groups.items()
    )
    (written / "entry_points.txt").write_text(points)
    program = (
        "import torch; m = torch.nn.Linear(4, 4); x = torch.ones(2, 4);"
        "assert 'hmcos' in torch.compiler.list_backends();"
        "assert torch.equal(torch.compile(m, backend='hmcos', options={'cache': False})(x), m(x))"
    )
    paths = os.pathsep.join([str(tmp_path), str(ROOT / "src")])
    ran = run_python(program, paths)
    assert ran.returncode == 0, ran.stderr


def run_python(program: str, paths: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = (sys.executable, "-c", program)
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_checkpointed_models_have_the_bits_of_the_given_order(dropout: float) -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(16, 64), nn.Dropout(dropout), nn.Tanh(), nn.Linear(64, 16))

        def forward(self, x: Tensor) -> Tensor:
            return cast(Any, checkpoint)(self.inner, x, use_reentrant=False).sum()

    model = Checkpointed()
    other = deepcopy(model)
    x = torch.randn(8, 16)
    for each in (compiled(model), other):
        torch.manual_seed(4)
        each(x).backward()
    assert all(
        same(cast(Tensor, p.grad), cast(Tensor, q.grad))
        for p, q in zip(model.parameters(), other.parameters(), strict=True)
    )
