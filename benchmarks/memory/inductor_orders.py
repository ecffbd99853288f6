"""Measure what another order of Inductor's kernels brings: each graph, and whole steps; print two tables.

    python benchmarks/memory/inductor_orders.py                     all cases, minutes of compilation each
    python benchmarks/memory/inductor_orders.py gpt-training unet   some cases

Needs PyTorch and a C++ compiler. Runs on the CPU, or on a GPU with --device cuda. Each case runs in a process
of its own.

In the first table, memory is what a call of one graph adds at most, as `hmcos.torch.inductor()` counts and
measures it. In the second it is the growth of PyTorch's allocator during a whole step, workspace of kernels
included: forward, and in training backward and SGD. "Bits" compares results and gradients of both.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORDS = 4000
GRAPHS = ("case", "graph", "kernels", "estimate", "counted", "bound", "measured", "ours measured", "kept")
STEPS = ("case", "Inductor", "kept orders", "bits")


def torch() -> Any:
    """Return the module torch, with the tests' networks in reach."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.insert(0, str(ROOT / "tests"))
    return import_module("torch")


def _loss_of_words(output: Any, target: Any) -> Any:
    return torch().nn.functional.cross_entropy(output.flatten(0, 1), target.flatten())


def _words() -> tuple[Any, Any]:
    return torch().randint(WORDS, (1, 64)), torch().randint(WORDS, (1, 64))


def gpt() -> tuple[Any, Any, Any, Any]:
    """Return a decoder of 4 layers, an input, a target and a loss."""
    network = import_module("torch_models.transformers").Language(WORDS, 256, 4)
    network.places = torch().nn.Embedding(64, 256)
    return network, *_words(), _loss_of_words


def bert() -> tuple[Any, Any, Any, Any]:
    """Return an encoder of 4 layers that sees all words."""
    nn = torch().nn
    layer = nn.TransformerEncoderLayer(256, 4, 1024, 0.1, "gelu", batch_first=True)
    encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    network = nn.Sequential(nn.Embedding(WORDS, 256), encoder, nn.Linear(256, WORDS))
    return network, *_words(), _loss_of_words


def _mean_square(output: Any, _: Any) -> Any:
    return output.float().square().mean()


def _images(network: Any, side: int, batch: int) -> tuple[Any, Any, Any, Any]:
    image = torch().randn(batch, 3, side, side)
    return network, image, None, _mean_square


def cells() -> tuple[Any, Any, Any, Any]:
    """Return cells as architecture search finds them."""
    return _images(import_module("torch_models.images").Cells(3, 32), 32, 1)


def unet() -> tuple[Any, Any, Any, Any]:
    """Return a U-Net."""
    return _images(import_module("torch_models.decoders").UNet((16, 32, 64, 128)), 64, 1)


def wired() -> tuple[Any, Any, Any, Any]:
    """Return stages that are wired at random."""
    images = import_module("torch_models.images")
    stages = (images.Wired(12, 32, 3), images.conv(32, 64, 3, 2), images.Wired(12, 64, 5))
    return _images(torch().nn.Sequential(images.conv(3, 32), *stages, images.head(64)), 32, 1)


def resnet() -> tuple[Any, Any, Any, Any]:
    """Return ResNet-18."""
    return _images(import_module("torch_training").ResNet18(64), 64, 1)


NETWORKS: dict[str, Callable[[], tuple[Any, Any, Any, Any]]] = {
    "gpt": gpt,
    "bert": bert,
    "cells": cells,
    "unet": unet,
    "wired": wired,
    "resnet-18": resnet,
}
CASES = [f"{name}{what}" for name in NETWORKS for what in ("", "-training")]


def stepping(model: Any, given: tuple[Any, Any, Any], training: bool) -> Callable[[Any], list[Any]]:
    """Return a function that makes a step by a compiled model and returns results and gradients."""
    inputs, target, loss = given
    optimizer = torch().optim.SGD(model.parameters(), lr=0.0)

    def step(call: Any) -> list[Any]:
        torch().manual_seed(2)
        if not training:
            with torch().no_grad():
                return [call(inputs)]
        result = loss(call(inputs), target)
        result.backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        optimizer.step()
        optimizer.zero_grad()
        return [result.detach(), *gradients]

    return step


def case(name: str, device: str) -> dict[str, Any]:
    """Return what was measured of a case."""
    network, training = name.removesuffix("-training"), name.endswith("-training")
    inductor: Any = import_module("hmcos.torch").inductor
    allocated: Any = import_module("hmcos.runtimes.torch.allocators").most_allocated
    torch().manual_seed(0)
    torch().set_num_threads(1)  # atomic additions of several threads make other bits each time
    model, inputs, target, loss = NETWORKS[network]()
    model.to(device).train(training)
    target = target if target is None else target.to(device)
    step = stepping(model, (inputs.to(device), target, loss), training)

    def grown(call: Any) -> int:
        return allocated(lambda: step(call), on_cuda=device == "cuda")

    plain = torch().compile(model)
    expected = [step(plain) for _ in range(3)][-1]
    before = grown(plain)
    torch().compiler.reset()
    with inductor(cache=False) as orders:
        call = torch().compile(model)
        found = [step(call) for _ in range(4)]
    bits = all(torch().equal(*pair) for each in found for pair in zip(each, expected, strict=True))
    return {
        "graphs": [asdict(graph) for graph in orders.graphs],
        "steps": [before, grown(call)],
        "bits": bits,
    }


def _child(name: str, options: argparse.Namespace) -> dict[str, Any] | str:
    """Return what a process of its own measured, or why there is nothing."""
    command = [sys.executable, __file__, "--child", "--device", options.device, name]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=options.limit, check=False)
    except subprocess.TimeoutExpired:
        return f"stopped after {options.limit} seconds"
    return json.loads(ran.stdout.splitlines()[-1]) if ran.returncode == 0 else ran.stderr.splitlines()[-1]


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |"


def _table(title: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print("", _row(title), _row(["---"] * len(title)), *map(_row, rows), sep="\n", flush=True)


def _graph_row(name: str, graph: dict[str, Any]) -> list[object]:
    measured = graph["measured"] or {"inductor": "", "hmcos": ""}
    return [
        name,
        graph["title"],
        graph["kernels"],
        graph["estimated"]["inductor"],
        graph["counted"]["inductor"],
        graph["lower_bound"],
        measured["inductor"],
        measured["hmcos"],
        graph["kept"],
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("cases", nargs="*", choices=[*CASES, []], default=[])
    options.add_argument("--device", default="cpu")
    options.add_argument("--limit", type=int, default=1800)
    options.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.child:
        print(json.dumps(case(arguments.cases[0], arguments.device)))
        return
    graphs: list[list[object]] = []
    steps: list[list[object]] = []
    for name in arguments.cases or CASES:
        found = _child(name, arguments)
        if isinstance(found, str):
            steps.append([name, found, "", ""])
            continue
        graphs += [_graph_row(name, graph) for graph in found["graphs"]]
        steps.append([name, *found["steps"], "equal" if found["bits"] else "DIFFERENT"])
        print(name, json.dumps(found), file=sys.stderr, flush=True)
    _table(GRAPHS, graphs)
    _table(STEPS, steps)


if __name__ == "__main__":
    main()
