"""Our order of Inductor's kernels beside its own: the same bits, the better of the two, and no traces."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any, cast

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn

import hmcos.torch
from hmcos.errors import OptionError
from hmcos.frontends.torch import private_inductor
from hmcos.limits import Status
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.torch import InductorOrders, inductor, kernel_orders
from torch_kernels import MODELS, Branches, Products
from torch_training import same

COMPILERS = [os.environ["CXX"].split()[0]] if os.environ.get("CXX") else ["g++", "clang++"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="Inductor needs a C++ compiler"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
CALLS = 4
"""Twice in each order."""


@pytest.fixture(autouse=True)
def fresh(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Inductor keep what it compiles among the test's files, and compute the same bits at each call."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(base.parent / "inductor"))
    config: Any = import_module("torch._inductor.config")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.compiler.reset()
    with config.patch({"cpp.simdlen": 1, "cpp.threads": 1}):
        yield
    torch.compiler.reset()
    torch.set_num_threads(threads)


def compiled(model: nn.Module, *, dynamic: bool = False) -> Any:
    return cast(Any, torch.compile)(model, dynamic=dynamic)


def step(model: nn.Module, call: Any, given: Tensor, *, training: bool) -> list[Tensor]:
    """Return the results of a call, and the gradients if it trains; random numbers are the same each time."""
    torch.manual_seed(4)
    if not training:
        with torch.no_grad():
            return leaves(call(given))
    results = leaves(call(given))
    torch.stack([each.square().sum() for each in results]).sum().backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    buffers = [buffer.clone() for buffer in model.buffers()]
    return [*(each.detach() for each in results), *gradients, *buffers]


def leaves(results: Any) -> list[Tensor]:
    return list(results) if isinstance(results, list | tuple) else [results]  # pyright: ignore


def equal(ones: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(same(one.contiguous(), other.contiguous()) for one, other in zip(ones, others, strict=True))


def products(seed: int) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(seed)
    return Products(seed), torch.randn(32, 8)


def tried(model: nn.Module, given: Tensor, calls: int = CALLS, **named: Any) -> tuple[InductorOrders, Any]:
    """Return what was found for a model in inference, and the compiled model."""
    with inductor(cache=False) as orders:
        call = compiled(model, **named)
        for _ in range(calls):
            step(model, call, given, training=False)
    return orders, call


@pytest.fixture
def any_order(monkeypatch: pytest.MonkeyPatch) -> list[Problem]:
    """Let some other order be tried for each graph, whatever it needs; return the list of problems."""
    problems: list[Problem] = []

    def search(problem: Problem, *_: object) -> Schedule:
        problems.append(problem)
        random, order, done = Random(7), list[int](), set[int]()
        while len(order) < problem.operators:
            ready = [op for op in range(problem.operators) if op not in done]
            order.append(random.choice([op for op in ready if set(problem.predecessors[op]) <= done]))
            done.add(order[-1])
        reached = kernel_orders.peak(problem, order)
        return Schedule(tuple(order), reached, 0, Status.FEASIBLE, "random", 0.0)

    def scheduler(_: str) -> Any:
        return search

    monkeypatch.setattr(kernel_orders, "scheduler", scheduler)
    monkeypatch.setattr(kernel_orders._Found, "improves", True)  # pyright: ignore[reportPrivateUsage]
    return problems


@pytest.mark.parametrize("seed", range(8))
def test_memory_grows_as_counted(seed: int) -> None:
    model, given = products(seed)
    config: Any = import_module("torch._inductor.config")
    with config.patch(allow_buffer_reuse=False):  # else, Inductor may hold a dead buffer to use it again
        orders, _ = tried(model, given)
    (graph,) = orders.graphs
    assert graph.counted.hmcos == graph.lower_bound
    assert graph.measured == (graph.counted if graph.counted.hmcos < graph.counted.inductor else None)
    assert graph.kept == ("hmcos" if graph.measured else "inductor")


def test_saved_tensors_and_gradients_from_outside_die_in_backward(any_order: list[Problem]) -> None:
    torch.manual_seed(1)
    model, given = Branches(), torch.randn(32, 8)
    config: Any = import_module("torch._inductor.config")
    with config.patch(allow_buffer_reuse=False), inductor(cache=False) as orders:
        call = compiled(model)
        for _ in range(CALLS):
            step(model, call, given, training=True)
    _, backward = orders.graphs
    assert backward.measured == backward.counted
    wide = {weight.shape[1] * 32 * 4 for weight in (*model.first, *model.second)}
    assert wide <= {any_order[1].sizes[b] for b in any_order[1].inputs}


def test_some_orders_are_better() -> None:
    found = [tried(*products(seed))[0].graphs[0] for seed in range(4)]
    assert sum(graph.kept == "hmcos" for graph in found) >= 2
    for graph in found:
        assert graph.measured is None or graph.kept == (
            "hmcos" if graph.measured.hmcos < graph.measured.inductor else "inductor"
        )


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_any_order_has_the_bits_of_inductor(name: str, training: bool, any_order: list[Problem]) -> None:
    torch.manual_seed(1)
    make, shape = MODELS[name]
    model = make().train(training)
    given = torch.randn(shape) if shape else torch.arange(12).view(2, 6) % 11
    other = deepcopy(model)
    call = compiled(other)
    expected = [step(other, call, given, training=training) for _ in range(CALLS + 1)]
    torch.compiler.reset()
    with inductor(cache=False) as orders:
        call = compiled(model)
        found = [step(model, call, given, training=training) for _ in range(CALLS)]
    found.append(step(model, call, given, training=training))
    assert all(equal(*pair) for pair in zip(expected, found, strict=True))
    assert [graph.title for graph in orders.graphs] == (
        ["forward", "backward"] if training else ["inference"]
    )
    assert len(any_order) == len(orders.graphs)
    for graph in orders.graphs:
        assert graph.measured is not None
        better = graph.measured.hmcos < graph.measured.inductor
        assert graph.kept == ("hmcos" if better else "inductor")


def test_the_order_that_inductor_gets_respects_dependences(
    any_order: list[Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory: Any = import_module("torch._inductor.memory")
    handed: list[list[str]] = []
    original = memory.reorder_for_peak_memory

    def reorder(nodes: list[Any], *given: Any, **named: Any) -> list[Any]:
        order = original(nodes, *given, **named)
        for method in named.get("methods", ()):
            chosen = method(nodes)
            handed.append([node.get_name() for node in chosen])
            assert sorted(map(id, chosen)) == sorted(map(id, nodes))
            for at, node in enumerate(chosen):
                assert node.mpi_node.pred_nodes <= set(chosen[:at])
        return order

    monkeypatch.setattr(memory, "reorder_for_peak_memory", reorder)
    tried(*products(3))
    assert len(handed) == len(any_order) == 1
    assert sorted(handed[0]) == sorted(any_order[0].names)
    assert handed[0] != list(any_order[0].names)


def fails(*_: Any, **__: Any) -> Any:
    raise RuntimeError("not today\nsecond line")


@pytest.mark.parametrize("part", ["_found", "_second", "copied_graph"])
def test_what_fails_is_a_warning(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_orders, part, fails)
    model, given = products(4)
    with pytest.warns(UserWarning, match=r"inference graph runs in Inductor's order: not today$"):
        orders, call = tried(model, given)
    assert all(graph.kept == "inductor" and graph.measured is None for graph in orders.graphs)
    assert equal(step(model, call, given, training=False), leaves(model(given)))


def test_other_kernels_in_the_second_compilation_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    real = kernel_orders.kernel_problem

    def renamed(*given: Any) -> Problem:
        problem = real(*given)
        return kernel_orders.replace(problem, names=("other", *problem.names[1:]))

    monkeypatch.setattr(kernel_orders, "kernel_problem", renamed)
    with pytest.warns(UserWarning, match="other kernels when it compiled the graph again"):
        orders, _ = tried(*products(4))
    assert orders.graphs[0].why == "it cannot be compiled in another order"


@pytest.mark.parametrize(("growth", "kept"), [((7, 6), "hmcos"), ((6, 6), "inductor"), ((6, 7), "inductor")])
def test_the_order_that_needs_less_is_kept(
    growth: tuple[int, int], kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter(growth)

    def grow(call: Callable[[list[Any]], Any], inputs: list[Any], _: Any) -> tuple[Any, int]:
        return call(inputs), next(measured)

    monkeypatch.setattr(kernel_orders, "growth_of_storages", grow)
    orders, _ = tried(*products(4))
    (graph,) = orders.graphs
    assert (graph.kept, graph.measured) == (kept, kernel_orders.Growth(*growth))


def test_what_is_not_measured_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    model, given = products(4)
    with pytest.warns(UserWarning, match="not called four times"):
        orders, _ = tried(model, given, calls=CALLS - 1)
    assert (orders.graphs[0].kept, orders.graphs[0].measured) == ("inductor", None)
    for name, answer, why in (
        ("uses_cuda_graphs", True, "graphs of CUDA"),
        ("wrapper_of", None, "not Python"),
    ):
        torch.compiler.reset()
        with monkeypatch.context() as patch:
            patch.setattr(kernel_orders, name, lambda *_, answer=answer: answer)  # pyright: ignore
            orders, _ = tried(model, given)
        assert orders.graphs[0].kept == "inductor" and why in orders.graphs[0].why


def test_a_call_that_fails_in_our_order_ends_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    real = kernel_orders.growth_of_storages
    calls: list[int] = []

    def second_fails(*given: Any) -> Any:
        calls.append(1)
        return fails() if len(calls) == 2 else real(*given)

    monkeypatch.setattr(kernel_orders, "growth_of_storages", second_fails)
    model, given = products(4)
    with inductor(cache=False) as orders:
        call = compiled(model)
        for _ in range(CALLS - 1):
            step(model, call, given, training=False)
        with pytest.raises(RuntimeError, match="not today"):
            step(model, call, given, training=False)
        assert equal(step(model, call, given, training=False), leaves(model(given)))
    assert orders.graphs[0].why == "a call in the other order failed"


def test_calls_of_equal_sizes_are_compared() -> None:
    model, _ = products(4)
    with inductor(cache=False) as orders:
        call = compiled(model, dynamic=True)
        for size in (40, 48, 56, 64, 56):
            step(model, call, torch.randn(size, 8), training=False)
        assert orders.graphs[0].measured is None
        step(model, call, torch.randn(48, 8), training=False)
    (graph,) = orders.graphs
    assert graph.kept == "hmcos" and graph.measured is not None


def settings() -> list[object]:
    configs: list[Any] = [import_module(name) for name in private_inductor._CACHES]  # pyright: ignore
    names = (list(keys) for keys in private_inductor._CACHES.values())  # pyright: ignore
    values = [getattr(c, key, None) for c, keys in zip(configs, names, strict=True) for key in keys]
    compile_fx: Any = import_module("torch._inductor.compile_fx")
    memory: Any = import_module("torch._inductor.memory")
    return [*values, compile_fx.compile_fx, memory.reorder_for_peak_memory]


def test_everything_is_as_before_behind_the_block() -> None:
    before = settings()
    with inductor() as outer:
        assert settings()[:6] == [False] * 6
        with pytest.raises(RuntimeError), inductor() as inner:
            raise RuntimeError
        assert settings()[:6] == [False] * 6
        assert outer.graphs == inner.graphs == ()
        compiled(nn.Linear(3, 3))(torch.ones(2, 3))
    assert settings() == before
    with pytest.raises(OptionError, match="time limit"), inductor(time_limit=-1):
        pass
    assert settings() == before


def test_the_innermost_block_takes_the_graphs() -> None:
    model, given = products(4)
    with inductor(cache=False) as outer:
        orders, _ = tried(model, given)
        torch.compiler.reset()
        call = compiled(model)
        for _ in range(CALLS):
            step(model, call, given, training=False)
    assert [len(each.graphs) for each in (orders, outer)] == [1, 1]


def test_other_threads_compile_as_always() -> None:
    model, given = products(4)

    def elsewhere() -> None:
        step(model, compiled(model), given, training=False)

    with warnings.catch_warnings(), inductor(cache=False) as orders:
        warnings.simplefilter("ignore")
        thread = Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert orders.graphs == ()


def test_a_block_that_compiles_nothing_says_so() -> None:
    model, given = products(4)
    call = compiled(model)
    step(model, call, given, training=False)
    with pytest.warns(UserWarning, match="Inductor compiled no graph within"), inductor():
        step(model, call, given, training=False)


def test_nothing_is_compiled_again_behind_the_block() -> None:
    model, given = products(4)
    orders, call = tried(model, given)
    dynamo: Any = import_module("torch._dynamo.config")
    with dynamo.patch(error_on_recompile=True):
        step(model, call, given, training=False)
    assert len(orders.graphs) == 1


def test_another_torch_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(private_inductor._NEEDED, "torch._inductor.memory", ("renamed",))  # pyright: ignore
    model, given = products(4)
    with pytest.warns(UserWarning, match=r"torch \S+ has no torch._inductor.memory.renamed: .* 2\.13"):
        orders, call = tried(model, given)
    assert orders.graphs == ()
    assert equal(step(model, call, given, training=False), leaves(model(given)))


def test_collective_operators_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmcos.frontends.torch.kernels.fixed_order", lambda _: "it is collective")  # pyright: ignore
    with pytest.warns(UserWarning, match="it is collective"):
        orders, _ = tried(*products(4))
    assert orders.graphs == ()


def test_every_graph_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("hmcos").setLevel(logging.INFO)
    with caplog.at_level(logging.INFO, logger="hmcos"):
        orders, _ = tried(*products(4))
    assert str(orders) in [record.getMessage() for record in caplog.records]
    assert "inference graph of 16 kernels: memory grows by" in str(orders)


def test_orders_are_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model, given = products(4)
    with hmcos.torch.inductor():
        call = compiled(model)
        for _ in range(CALLS):
            step(model, call, given, training=False)
    assert len(list(tmp_path.glob("hmcos/orders/*.json"))) == 1
