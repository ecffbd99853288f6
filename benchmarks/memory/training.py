"""Measure whole training steps in several ways; print what PyTorch allocates besides the model, and the time.

    python benchmarks/memory/training.py [--steps 5] [--only transformer] [--ways eager hmcos]
    python benchmarks/memory/training.py --small                shows that everything runs

Needs PyTorch, and a C++ compiler for Inductor. Every way trains the same model by SGD with momentum. Memory
is the growth of PyTorch's allocator during one step, workspace of kernels included, after some steps. The
time is the least CPU time of a step, of all threads: it hardly depends on what else the machine does.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from hmcos.runtimes.torch.allocators import most_allocated
from hmcos.torch import backend, training_step
from hmcos.torch import inductor as trying_orders

WORDS = 4000
Step = Callable[[], object]


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.queries(self.before(x)).view(batch, length, 3, width // 64, 64).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
        x = x + self.joined(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.wide(self.between(x))


class Transformer(nn.Module):
    """A decoder with tied weights."""

    def __init__(self, layers: int = 6, width: int = 256) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.head = nn.Linear(width, WORDS, bias=False)
        self.head.weight = self.words.weight
        self.checkpointed = False

    def forward(self, words: Tensor, target: Tensor) -> Tensor:
        x = self.words(words)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.checkpointed else block(x)
        return functional.cross_entropy(self.head(x).flatten(0, 1), target.flatten())


class Basic(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first, self.norm1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.second, self.norm2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        self.shortcut = nn.Identity() if before == after else shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.second(functional.relu(self.norm1(self.first(x)))))
        return functional.relu(y + self.shortcut(x))


class ResNet18(nn.Module):
    """ResNet-18 for images of 64 x 64 pixels."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        layers = [Basic(width, width, 1), Basic(width, width, 1)]
        for after in (2 * width, 4 * width, 8 * width):
            layers += [Basic(after // 2, after, 2), Basic(after, after, 1)]
        self.layers = nn.ModuleList(layers)
        self.head = nn.Linear(8 * width, 10)
        self.checkpointed = False

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        x = self.stem(image)
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False) if self.checkpointed else layer(x)
        return functional.cross_entropy(self.head(x.mean((2, 3))), target)


def momentum(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def eager(model: nn.Module, batch: tuple[Tensor, ...]) -> Step:
    optimizer, call = momentum(model.parameters()), model

    def step() -> None:
        call(*batch).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def in_backward(model: nn.Module, batch: tuple[Tensor, ...]) -> Step:
    """Return eager PyTorch with one optimizer per parameter, which runs as soon as its gradient is there."""
    optimizers = {parameter: momentum([parameter]) for parameter in model.parameters()}

    def update(parameter: Tensor) -> None:
        optimizers[parameter].step()  # pyright: ignore[reportArgumentType]
        optimizers[parameter].zero_grad()  # pyright: ignore[reportArgumentType]

    for parameter in optimizers:
        parameter.register_post_accumulate_grad_hook(update)
    return lambda: model(*batch).backward()


def checkpointed(model: nn.Module, batch: tuple[Tensor, ...]) -> Step:
    model.checkpointed = True  # pyright: ignore[reportArgumentType]
    return eager(model, batch)


def inductor(model: nn.Module, batch: tuple[Tensor, ...]) -> Step:
    return eager(torch.compile(model), batch)  # pyright: ignore[reportArgumentType]


def inductor_ordered(model: nn.Module, batch: tuple[Tensor, ...]) -> Step:
    """Return Inductor with our order of its kernels where that needs less; four steps decide it."""
    with trying_orders():
        step = inductor(model, batch)
        for _ in range(4):
            step()
    return step


def compiled(model: nn.Module, batch: tuple[Tensor, ...]) -> Step:
    return eager(torch.compile(model, backend=backend), batch)  # pyright: ignore[reportArgumentType]


def whole(model: nn.Module, batch: tuple[Tensor, ...]) -> Step:
    step = training_step(model, None, momentum(model.parameters()), batch)
    return lambda: step(*batch)


WAYS: Mapping[str, tuple[str, Callable[[nn.Module, tuple[Tensor, ...]], Step]]] = {
    "eager": ("eager", eager),
    "hooks": ("eager, optimizer in backward", in_backward),
    "checkpoints": ("eager, activation checkpointing", checkpointed),
    "inductor": ("Inductor", inductor),
    "ordered": ("Inductor in `hmcos.torch.inductor()`", inductor_ordered),
    "backend": ('`torch.compile(model, backend="hmcos")`', compiled),
    "hmcos": ("`hmcos.torch.training_step`", whole),
}


def words(size: int) -> tuple[Tensor, ...]:
    return torch.randint(WORDS, (size, 64)), torch.randint(WORDS, (size, 64))


def images(size: int) -> tuple[Tensor, ...]:
    return torch.randn(size, 3, 64, 64), torch.randint(10, (size,))


NETWORKS: Mapping[str, tuple[Callable[[bool], nn.Module], Callable[[int], tuple[Tensor, ...]]]] = {
    "transformer": (lambda small: Transformer(1, 64) if small else Transformer(), words),
    "resnet-18": (lambda small: ResNet18(8) if small else ResNet18(), images),
}


def measured(step: Step, steps: int) -> tuple[int, float]:
    """Return the growth of the allocator in bytes, and the least CPU seconds of some steps."""
    for _ in range(3):
        step()
    seconds: list[float] = []
    for _ in range(steps):
        started = time.process_time()
        step()
        seconds.append(time.process_time() - started)
    return most_allocated(step, on_cuda=False), min(seconds)


def cells(way: str, networks: Sequence[str], options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the MB and the milliseconds of one way, per network and size of batch."""
    found: list[tuple[str, str]] = []
    for network in networks:
        make, batch_of = NETWORKS[network]
        for size in options.batch:
            torch.compiler.reset()
            torch.manual_seed(0)
            grown, seconds = measured(WAYS[way][1](make(options.small), batch_of(size)), options.steps)
            found.append((f"{grown / 1e6:.1f}", f"{1000 * seconds:.0f}"))
            print(f"{way}, {network}, batch {size}: {' MB, '.join(found[-1])} ms", file=sys.stderr)
    return found


def main(arguments: Sequence[str]) -> None:
    """Print a table of memory and one of time."""
    parser = argparse.ArgumentParser(description="Measure whole training steps in several ways.")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--only", choices=[*NETWORKS], default=None)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--ways", choices=[*WAYS], nargs="+", default=[*WAYS])
    parser.add_argument("--small", action="store_true", help="tiny models: shows that everything runs")
    options = parser.parse_args(arguments)
    networks = [options.only] if options.only else [*NETWORKS]
    rows = {WAYS[way][0]: cells(way, networks, options) for way in options.ways}
    headings = [f"{network}, batch {size}" for network in networks for size in options.batch]
    for place, unit in enumerate(("MB", "CPU ms")):
        print(f"\n| {unit} | {' | '.join(headings)} |\n|---|{'---:|' * len(headings)}")
        for name, figures in rows.items():
            print(f"| {name} | {' | '.join(figure[place] for figure in figures)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
