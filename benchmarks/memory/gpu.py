"""Measure training steps and inference of real models on a GPU: eager, its rivals and hmcos; print a table.

python benchmarks/memory/gpu.py                    all cases
python benchmarks/memory/gpu.py gpt2-sgd unetpp    some cases
python benchmarks/memory/gpu.py --small            tiny models, on the CPU as well: shows that everything runs
python benchmarks/memory/gpu.py --deterministic    with kernels that compute the same bits each time

It needs torch, timm, transformers and hmcos. Each case runs in each way in a process of its own, which ends
after --limit seconds.

"Peak" is the most that PyTorch's allocator handed out during one step, beyond what was there before it:
parameters, optimizer state, inputs. "Predicted" is the plan's peak without those, and "given" the same for
the order in which the graph was traced; workspace of kernels is not in them. "Bits" compares the losses of
three steps and the parameters after them, or the outputs, with those of eager; "unstable" says that eager
itself computes other bits each time, which --deterministic prevents. "aot_eager" runs the graphs of backend
in the order in which they were traced.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

MB = 1e6
SWITCHES = ("small", "deterministic")
HEADINGS = ("case", "way", "peak MB", "predicted MB", "given MB", "ms", "bits")


@dataclass(frozen=True)
class Case:
    """A model and what it is run on."""

    model: Any
    batch: tuple[Any, ...]
    optimizer: str = ""
    """Name of a class in torch.optim; empty for inference."""
    loss: Any = None
    """A function of output and target; None if the model returns its loss."""


def torch() -> Any:
    """Return the module torch."""
    return import_module("torch")


def language(kind: str, batch: int, optimizer: str, small: bool) -> Case:
    """Return a language model of the size of its first paper, on 128 tokens."""
    transformers: Any = import_module("transformers")
    if kind == "gpt2":
        sizes: dict[str, int] = {"n_layer": 3, "n_embd": 64, "n_head": 4, "vocab_size": 1000} if small else {}
        config = transformers.GPT2Config(**sizes, use_cache=False)
        network = transformers.GPT2LMHeadModel(config)
    else:
        sizes = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 1000}
        config = transformers.BertConfig(**(sizes | {"intermediate_size": 256} if small else {}))
        network = transformers.BertForMaskedLM(config)
    tokens = torch().randint(0, 1000, (batch, 32 if small else 128))
    return Case(_with_loss(network), (tokens,), optimizer)


def _with_loss(network: Any) -> Any:
    """Return a module that takes tokens and returns the loss of a language model on them."""

    class WithLoss(torch().nn.Module):
        def __init__(self) -> None:
            super().__init__()  # pyright: ignore[reportUnknownMemberType]
            self.network = network

        def forward(self, tokens: Any) -> Any:
            return self.network(input_ids=tokens, labels=tokens).loss

    return WithLoss()


def images(name: str, batch: int, optimizer: str, small: bool) -> Case:
    """Return a classifier of timm."""
    side = 64 if small else 224
    name, size = ({"resnet50": "resnet18"}.get(name, name), {}) if small else (name, {})
    if small and name.startswith("vit"):
        size = {"img_size": 64, "depth": 3, "embed_dim": 64, "num_heads": 4}
    model = import_module("timm").create_model(name, pretrained=False, num_classes=10, **size)
    loss = torch().nn.functional.cross_entropy if optimizer else None
    batches = (torch().randn(batch, 3, side, side), torch().randint(0, 10, (batch,)))
    return Case(model, batches if optimizer else batches[:1], optimizer, loss)


def segmentation(batch: int, small: bool) -> Case:
    """Return a UNet++ for inference."""
    smp: Any = import_module("segmentation_models_pytorch")
    side = 64 if small else 512
    model = smp.UnetPlusPlus("resnet18" if small else "resnet34", encoder_weights=None)
    return Case(model, (torch().randn(batch, 3, side, side),))


CASES: Mapping[str, Callable[[bool], Case]] = {
    "gpt2-sgd": lambda small: language("gpt2", 1, "SGD", small),
    "gpt2-adamw": lambda small: language("gpt2", 1, "AdamW", small),
    "gpt2-sgd-8": lambda small: language("gpt2", 8, "SGD", small),
    "bert-sgd": lambda small: language("bert", 1, "SGD", small),
    "resnet50-sgd": lambda small: images("resnet50", 1, "SGD", small),
    "resnet50-sgd-32": lambda small: images("resnet50", 2 if small else 32, "SGD", small),
    "vit-adamw": lambda small: images("vit_small_patch16_224", 1, "AdamW", small),
    "nasnetalarge": lambda small: images("nasnetalarge", 1 if small else 8, "", small),
    "hrnet": lambda small: images("hrnet_w18_small" if small else "hrnet_w18", 8, "", small),
    "unetpp": lambda small: segmentation(1 if small else 8, small),
}


# Ways of running: functions of a case, which return a function that runs it once, and the plan or None.


def _step(case: Case, model: Any, after_backward: Callable[[], object]) -> Callable[[], Any]:
    def step() -> Any:
        *inputs, target = case.batch
        loss = case.loss(model(*inputs), target) if case.loss else model(*case.batch)
        loss.backward()
        after_backward()
        return loss.detach()

    return step


def _optimizer(case: Case, parameters: Any) -> Any:
    return getattr(torch().optim, case.optimizer)(parameters, lr=1e-3)


def _stepping(optimizer: Any) -> Callable[[], object]:
    def after_backward() -> None:
        optimizer.step()
        optimizer.zero_grad()

    return after_backward


def eager_step(case: Case) -> tuple[Callable[[], Any], Any]:
    """Eager PyTorch."""
    return _step(case, case.model, _stepping(_optimizer(case, case.model.parameters()))), None


def hooked_step(case: Case) -> tuple[Callable[[], Any], Any]:
    """Eager with an optimizer of its own for each parameter, which a hook calls in the backward pass."""
    for parameter in case.model.parameters():
        _hook(parameter, _stepping(_optimizer(case, [parameter])))
    return _step(case, case.model, lambda: None), None


def _hook(parameter: Any, stepping: Callable[[], object]) -> None:
    def run(parameter: Any) -> None:
        stepping()

    parameter.register_post_accumulate_grad_hook(run)


def checkpointed_step(case: Case) -> tuple[Callable[[], Any], Any]:
    """Eager with activation checkpointing, which computes the forward pass twice."""
    network = getattr(case.model, "network", case.model)
    if hasattr(network, "gradient_checkpointing_enable"):
        network.gradient_checkpointing_enable()
    else:
        network.set_grad_checkpointing()
    return eager_step(case)


def compiled_step(case: Case, backend: Any) -> tuple[Callable[[], Any], Any]:
    """Return a step whose model torch.compile compiles."""
    model = torch().compile(case.model, backend=backend)
    return _step(case, model, _stepping(_optimizer(case, case.model.parameters()))), None


def ordered_step(case: Case) -> tuple[Callable[[], Any], Any]:
    """Inductor with our order of its kernels where that needs less, after the four steps that decide it."""
    with import_module("hmcos.torch").inductor():
        run, _ = compiled_step(case, "inductor")
        for _ in range(4):
            run()
    return run, None


def our_step(case: Case) -> tuple[Callable[[], Any], Any]:
    """Forward, backward and update as one graph in our order."""
    optimizer = _optimizer(case, case.model.parameters())
    ours: Any = import_module("hmcos.torch").training_step(case.model, case.loss, optimizer, case.batch)
    return lambda: ours(*case.batch), ours.plans[0]


def eager_run(case: Case) -> tuple[Callable[[], Any], Any]:
    """Eager PyTorch."""
    return lambda: case.model(*case.batch), None


def exported_run(case: Case, ours: bool) -> tuple[Callable[[], Any], Any]:
    """Return a run of the exported program, in its order or in ours."""
    program = torch().export.export(case.model, case.batch)
    feed: Any = import_module("hmcos.runtimes.torch.exported").feed(program)
    names = [node.name for node in program.graph.nodes if node.op == "placeholder"]
    found: Any = import_module("hmcos.torch").ordered(
        program.graph_module, feed.values, parameters=[names[at] for at in feed.parameters]
    )
    graph = found.module if ours else program.graph_module
    return lambda: graph(*feed.values), found.plan


TRAINING: Mapping[str, Callable[[Case], tuple[Callable[[], Any], Any]]] = {
    "eager": eager_step,
    "hooks": hooked_step,
    "checkpoints": checkpointed_step,
    "inductor": lambda case: compiled_step(case, "inductor"),
    "inductor, ordered": ordered_step,
    "aot_eager": lambda case: compiled_step(case, "aot_eager"),
    "backend": lambda case: compiled_step(case, import_module("hmcos.torch").backend),
    "hmcos": our_step,
}
INFERENCE: Mapping[str, Callable[[Case], tuple[Callable[[], Any], Any]]] = {
    "eager": eager_run,
    "exported": lambda case: exported_run(case, ours=False),
    "hmcos": lambda case: exported_run(case, ours=True),
}


def moved(case: Case, device: str) -> Case:
    """Return a case on a device, its model in the mode that it needs."""
    model = case.model.to(device)
    model.train(bool(case.optimizer))
    return Case(model, tuple(t.to(device) for t in case.batch), case.optimizer, case.loss)


def measured(name: str, way: str, small: bool, deterministic: bool) -> dict[str, Any]:
    """Return what one way of running a case takes, in bytes and milliseconds, and a digest of its results."""
    device = "cuda" if torch().cuda.is_available() else "cpu"
    torch().manual_seed(1)
    torch().use_deterministic_algorithms(deterministic, warn_only=True)
    case = moved(CASES[name](small), device)
    with torch().set_grad_enabled(bool(case.optimizer)):
        run, plan = (TRAINING if case.optimizer else INFERENCE)[way](case)
        digest = hashlib.sha256()
        for _ in range(3 if case.optimizer else 1):
            _add(digest, run())
        if case.optimizer:
            _add(digest, list(case.model.parameters()))
        allocators: Any = import_module("hmcos.runtimes.torch.allocators")
        peak = allocators.most_allocated(run, on_cuda=device == "cuda")
        inputs = sum(t.nbytes for t in case.batch)
        return {
            "peak": peak,
            "predicted": plan and plan.peak - inputs,
            "given": plan and plan.given_peak - inputs,
            "ms": 1000 * _seconds(run, device, 3 if small else 10),
            "digest": digest.hexdigest(),
        }


def _add(digest: Any, values: Any) -> None:
    for tensor in torch().utils._pytree.tree_leaves(values):
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch().uint8).numpy().tobytes())


def _seconds(run: Callable[[], Any], device: str, times: int) -> float:
    started = 0.0
    for at in range(times + 1):
        if at == 1:
            _settle(device)
            started = time.perf_counter()
        run()
    _settle(device)
    return (time.perf_counter() - started) / times


def _settle(device: str) -> None:
    if device == "cuda":
        torch().cuda.synchronize()


def rows(name: str, options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield a row for each way of running a case."""
    expected = _digest(_child(name, "eager", options))
    ways = INFERENCE if name in ("nasnetalarge", "hrnet", "unetpp") else TRAINING
    for way in ways:
        found = _child(name, way, options)
        if isinstance(found, str):
            yield [name, way, *[""] * (len(HEADINGS) - 3), found]
            continue
        same = _digest(found) == expected
        bits = ("equal" if same else "other bits") if way != "eager" else ("" if same else "unstable")
        figures = [found[key] for key in ("peak", "predicted", "given")]
        cells = ["" if size is None else f"{size / MB:,.2f}" for size in figures]
        yield [name, way, *cells, f"{found['ms']:.1f}", bits]


def _digest(found: dict[str, Any] | str) -> str:
    return found if isinstance(found, str) else found["digest"]


def _child(name: str, way: str, options: argparse.Namespace) -> dict[str, Any] | str:
    """Return what a process of its own measures, or why it does not."""
    command = [
        sys.executable,
        __file__,
        name,
        "--way",
        way,
        *(f"--{switch}" for switch in SWITCHES if getattr(options, switch)),
    ]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=options.limit, check=False)
    except subprocess.TimeoutExpired:
        return f"did not end within {options.limit:g} s"
    if ended.returncode:
        return (ended.stderr.strip().splitlines() or ["no word"])[-1][:160]
    return json.loads(ended.stdout.splitlines()[-1])


def main(arguments: Sequence[str]) -> None:
    """Print the table, or the measurement of one way of running one case."""
    parser = argparse.ArgumentParser(description="Measure real models of PyTorch on a GPU.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--small", action="store_true", help="tiny models, on the CPU as well")
    parser.add_argument("--deterministic", action="store_true", help="kernels with the same bits each time")
    parser.add_argument("--limit", type=float, default=600, help="seconds for each process")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := set(options.cases) - CASES.keys():
        parser.error(f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    if options.way:
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        print(json.dumps(measured(options.cases[0], options.way, options.small, options.deterministic)))
        return
    print(f"| {' | '.join(HEADINGS)} |\n| --- | --- |{' ---: |' * (len(HEADINGS) - 3)} --- |")
    for name in options.cases or CASES:
        for cells in rows(name, options):
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
