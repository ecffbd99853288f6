"""The names of Inductor that are not part of torch's public interface, all in this file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from threading import RLock, get_ident
from typing import Any, cast

import torch
from torch._guards import TracingContext
from torch.fx import GraphModule

from hmcos.errors import ToolError

Compile = Callable[..., Any]
"""Inductor's compiler of one graph: (graph, example inputs, further named arguments) -> compiled graph."""
Call = Callable[[list[Any]], Any]
"""A compiled graph: it takes one list of inputs, and empties it."""
_NEEDED = {
    "torch._inductor.compile_fx": ("compile_fx", "compile_fx_inner"),
    "torch._inductor.memory": ("reorder_for_peak_memory", "get_freeable_input_buf", "estimate_peak_memory"),
    "torch._inductor.output_code": ("CompiledFxGraph",),
    "torch._inductor.virtualized": ("V",),
}
_CACHES: dict[str, Mapping[str, object]] = {
    "torch._inductor.config": {"fx_graph_cache": False, "fx_graph_remote_cache": False},
    "torch._functorch.config": {
        "enable_autograd_cache": False,
        "enable_remote_autograd_cache": False,
        "bundled_autograd_cache": False,
        "force_autograd_cache": False,
    },
    "torch._dynamo.config": {"caching_precompile": False},
}
"""Settings under which a compiled graph neither comes from a cache nor goes into one."""
_PATCHING = RLock()
"""Held while a function of Inductor is replaced for one compilation."""


def check_inductor() -> None:
    """Check that this version of torch has the parts of Inductor that are used here.

    Raises:
        ToolError: one is missing; names it.
    """
    for module, names in _NEEDED.items():
        try:
            found = import_module(module)
        except ImportError:
            raise _unknown(module) from None
        for name in names:
            if not hasattr(found, name):
                raise _unknown(f"{module}.{name}")


def _unknown(name: str) -> ToolError:
    return ToolError(
        f"torch {torch.__version__} has no {name}: hmcos.torch.inductor() was made for torch 2.13"
    )


@contextmanager
def caches_off() -> Generator[None]:
    """Let compilations of this thread neither read nor fill Inductor's caches of graphs.

    Their keys do not depend on the order of kernels. The cache of compiled C++ and Triton code stays on: its
    keys are the code.
    """
    with ExitStack() as stack:
        for name, settings in _CACHES.items():
            config = import_module(name)
            known = {key: value for key, value in settings.items() if getattr(config, key, value) != value}
            if known:
                stack.enter_context(config.patch(known))
        yield


def replace_compile_fx(compiling: Callable[[Compile], Compile | None]) -> Callable[[], None]:
    """Let Inductor compile graphs by what a function returns for its own compiler; return what undoes that.

    The function is called at each graph of torch.compile; None means Inductor's own. Callers that bring a
    compiler of their own keep it.
    """
    module: Any = import_module("torch._inductor.compile_fx")
    original, inner = module.compile_fx, module.compile_fx_inner

    def compile_fx(model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        own = None if rest or "inner_compile" in named else compiling(inner)
        if own is None:
            return original(model, inputs, *rest, **named)
        with caches_off():
            return original(model, inputs, inner_compile=own, **named)

    def undo() -> None:
        if module.compile_fx is compile_fx:
            module.compile_fx = original

    module.compile_fx = compile_fx
    return undo


@dataclass(frozen=True)
class Input:
    """An input that dies within a graph."""

    size: int
    """Bytes; symbolic sizes count as those of the example."""
    readers: frozenset[Any]
    """The scheduler nodes that read it."""


@dataclass(frozen=True)
class Scheduled:
    """The kernels of a graph when Inductor has chosen their order by its own methods."""

    nodes: Sequence[Any]
    """Its scheduler nodes in that order, with what its planning of memory knows of them."""
    freed: Mapping[str, Any]
    """By name: the inputs that die within the graph by Inductor's estimate."""
    inputs: Mapping[str, Input]
    """By name: the inputs that die within the graph, gradients from outside among them."""
    returned: frozenset[str]
    """The names of the buffers that are outputs."""
    scheduler: Any

    def estimate(self, nodes: Sequence[Any]) -> int:
        """Return by how many bytes memory grows at most in an order, as Inductor estimates it."""
        memory: Any = import_module("torch._inductor.memory")
        peak = memory.estimate_peak_memory(list(nodes), self.freed, self.returned)[0]
        return int(peak) - sum(map(self.size, self.freed.values()))

    def size(self, buffer: Any) -> int:
        """Return the bytes of a buffer of Inductor; symbolic sizes count as those of the example."""
        return int(buffer.mpi_buffer.size_free)


def _freed(buffer: Any) -> Input:
    return Input(int(buffer.mpi_buffer.size_free), frozenset(buffer.mpi_buffer.succ_nodes))


def _gradients(nodes: Sequence[Any], inputs: Collection[str], graph: Any) -> dict[str, Input]:
    """Return the inputs of a backward graph that autograd gives up, which Inductor's estimate keeps."""
    sizes: dict[str, int] = {}
    readers: defaultdict[str, set[Any]] = defaultdict(set)
    for node in nodes:
        for read in node.read_writes.reads:
            if read.name in inputs and read.name.startswith("tangents"):
                sizes[read.name] = int(graph.get_dep_size_hint(read))
                readers[read.name].add(node)
    return {name: Input(size, frozenset(readers[name])) for name, size in sizes.items()}


@contextmanager
def reordering(choose: Callable[[Scheduled], Sequence[Any] | None]) -> Generator[None]:
    """Let a function choose the order of kernels in graphs that this thread compiles; None is Inductor's.

    The order goes through Inductor's own `reorder_for_peak_memory`, as its only method. Bodies of control
    flow keep Inductor's order.
    """
    memory: Any = import_module("torch._inductor.memory")
    graphs: Any = import_module("torch._inductor.virtualized").V
    thread = get_ident()
    with _PATCHING:
        original = memory.reorder_for_peak_memory

        def reorder(nodes: list[Any], *given: Any, **named: Any) -> list[Any]:
            order = original(nodes, *given, **named)
            if get_ident() != thread or graphs.graph.name:
                return order
            inputs, outputs = given[2], given[3]
            freed = memory.get_freeable_input_buf(nodes, inputs)
            dying = {
                **{name: _freed(buffer) for name, buffer in freed.items()},
                **_gradients(nodes, inputs, graphs.graph),
            }
            scheduled = Scheduled(order, freed, dying, frozenset(outputs), graphs.graph.scheduler)
            chosen = choose(scheduled)
            if chosen is None:
                return order

            def hmcos(_: list[Any]) -> list[Any]:
                return list(chosen)

            original(nodes, *given, methods=[hmcos])
            return list(chosen)  # also where Inductor's estimate prefers another order: running decides

        memory.reorder_for_peak_memory = reorder
        try:
            yield
        finally:
            memory.reorder_for_peak_memory = original


def copied_graph(module: GraphModule) -> GraphModule:
    """Return a copy of a graph that shares parameters and constants: compiling a graph changes it."""
    made = GraphModule(module, deepcopy(module.graph), type(module).__name__)
    made.meta.update(module.meta)
    made.shape_env = getattr(module, "shape_env", None)
    for name, part in list(module.named_children()):
        if isinstance(part, GraphModule):
            setattr(made, name, copied_graph(part))
    return made


def is_compiled_graph(compiled: object) -> bool:
    """Return whether Inductor made code for a graph, and not just a function that returns its inputs."""
    kind: Any = import_module("torch._inductor.output_code").CompiledFxGraph
    return isinstance(compiled, kind)


@contextmanager
def second_compilation() -> Generator[None]:
    """Let a graph be compiled that was compiled already; what the first one told its caller stays."""
    tracing = TracingContext.try_get()
    strides = None if tracing is None else cast("list[Any] | None", tracing.output_strides)
    told = list(strides or ())
    if strides is not None:
        strides.clear()
    try:
        yield
    finally:
        if strides is not None:
            strides[:] = told


def strides_of(compiled: Any) -> object:
    """Return the layouts of the outputs of a compiled graph."""
    return compiled.output_strides


def call_of(compiled: Any) -> Call:
    """Return the function that a compiled graph calls."""
    return compiled.current_callable


def set_call(compiled: Any, call: Call) -> None:
    """Let a compiled graph call another function."""
    compiled.current_callable = call


def uses_cuda_graphs(compiled: Any, named: Mapping[str, Any]) -> bool:
    """Return whether a compiled graph replays graphs of CUDA, which keep their memory between calls."""
    return "cuda" in compiled.device_types and bool(named.get("cudagraphs"))


def devices_of(compiled: Any) -> frozenset[str]:
    """Return the types of the devices that a compiled graph runs on."""
    return frozenset(compiled.device_types)


def cuda_devices_of(compiled: Any) -> frozenset[int]:
    """Return the numbers of the CUDA devices that a compiled graph runs on."""
    return frozenset(compiled.device_idxs)


def wrapper_of(compiled: Any) -> dict[str, Any] | None:
    """Return the global names of the Python code that Inductor wrote for a graph; None if it wrote C++."""
    runner: object = compiled.compiled_fn_runner
    function: Any = getattr(type(runner), "call", None)
    if runner is None or function is None or getattr(compiled, "_wrap_compiled_regions", False):
        return None
    return function.__globals__


def base_of(scheduled: Scheduled, buffer: Any) -> str:
    """Return the name of the buffer or input whose memory a buffer is in; its own name if it has its own.

    It is in another one if it is that one after a write in place, a view of it, or a part of a concatenation
    that its kernel writes right there.
    """
    name = str(buffer.get_name())
    written = scheduled.scheduler.mutation_real_name.get(name)
    if written is not None:
        return str(written)
    joined = getattr(buffer.node.layout, "view", None)
    if joined is not None:
        return str(joined.get_name())
    viewed = buffer.get_aliases()
    return str(viewed[0]) if viewed else name


def tuple_of(buffer: Any) -> str | None:
    """Return the name of the tuple of results that a buffer is taken out of; None for other buffers."""
    node = buffer.node
    return str(node.inputs[0].get_name()) if type(node).__name__ == "MultiOutput" else None


def results_in(buffer: Any) -> dict[str, int]:
    """Return the results in a tuple of results, with their bytes; nothing for other buffers."""
    results = [each for each in getattr(buffer.node, "outputs", ()) if type(each).__name__ == "MultiOutput"]
    sizes: Any = import_module("torch._inductor.virtualized").V.graph.sizevars
    return {
        str(each.get_name()): int(sizes.optimization_hint(each.get_numel(), fallback=0))
        * each.get_dtype().itemsize
        for each in results
    }


def stays_inside(scheduled: Scheduled, buffer: Any, node: Any) -> bool:
    """Return whether a fused kernel uses up a buffer that it makes, so that it gets no memory."""
    name = buffer.get_name()
    if name in scheduled.returned or len(node.get_nodes()) == 1:
        return False
    return bool(scheduled.scheduler.can_buffer_be_removed_through_fusion(name, node.get_operation_names()))


def fixed_order(scheduled: Scheduled) -> str | None:
    """Return why the order of the kernels of a graph must stay; None if it may change."""
    if getattr(scheduled.scheduler, "_multi_stream_nodes", False):
        return "it uses several streams of the device"
    for node in scheduled.nodes:
        for each in node.get_nodes():
            operator = getattr(each.node, "op_overload", None)
            if "c10d" in getattr(operator, "namespace", ""):
                return f"{operator} must run in the same order in all processes"
    return None


def keeps_order(node: Any) -> bool:
    """Return whether a kernel draws random numbers or acts on the world: its order among such ones stays."""
    for each in node.get_nodes():
        operator = getattr(each.node, "op_overload", None)
        tags = getattr(operator, "tags", ())
        if each.has_side_effects() or torch.Tag.nondeterministic_seeded in tags:
            return True
    return False


def overwrites(scheduled: Scheduled, node: Any) -> list[tuple[str, str]]:
    """Return which results Inductor writes over which buffers, by name, if a kernel is the last to read them.

    A loop that was fused into the kernel takes over what no other loop in it reads.
    """
    scheduler = scheduled.scheduler
    loops = {each.get_name() for each in node.get_nodes()}
    pairs: list[tuple[str, str]] = []
    for loop in node.get_nodes():
        for name in sorted({read.name for read in loop.read_writes.reads}):
            buffer = scheduler.name_to_donated_buffer.get(name) or scheduler.name_to_buf.get(name)
            users = [] if buffer is None else [u for u in buffer.users if u.node.get_name() in loops]
            if [(user.node, user.can_inplace) for user in users] == [(loop, True)]:
                pairs += [(str(result.get_name()), name) for result in loop.get_outputs()]
    return pairs
