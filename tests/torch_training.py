"""Small networks to train, and training in eager PyTorch to compare with."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hmcos.torch import TrainingStep, training_step

WORDS = 50


class Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.queries = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.wide = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.queries(self.before(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.dropout(self.joined(seen.transpose(1, 2).reshape(batch, length, width)))
        return x + self.wide(self.between(x))


class Transformer(nn.Module):
    """A decoder with tied weights and dropout."""

    def __init__(self, layers: int = 3, width: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.places = nn.Parameter(torch.randn(32, width))
        self.blocks = nn.Sequential(*(Block(width, 4, dropout) for _ in range(layers)))
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, WORDS, bias=False)
        self.head.weight = self.words.weight

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.last(self.blocks(self.words(words) + self.places[: words.shape[1]])))


class Basic(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        self.shortcut = nn.Identity() if before == after else shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.second(self.relu(self.norm1(self.first(x)))))
        y += self.shortcut(x)
        return self.relu(y)


class ResNet18(nn.Module):
    """The layers of ResNet-18, narrower."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(True),
            nn.MaxPool2d(3, 2, 1),
        )
        layers = [Basic(width, width, 1), Basic(width, width, 1)]
        for stage in (1, 2, 3):
            before, after = width << (stage - 1), width << stage
            layers += [Basic(before, after, 2), Basic(after, after, 1)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(width << 3, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.stem(x)).mean((2, 3)))


def word_loss(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output.flatten(0, 1), target.flatten())


def word_batches(size: int, count: int = 3, length: int = 16) -> list[tuple[Tensor, ...]]:
    torch.manual_seed(7)
    shape = (size, length)
    return [(torch.randint(WORDS, shape), torch.randint(WORDS, shape)) for _ in range(count)]


def image_batches(size: int, count: int = 3) -> list[tuple[Tensor, ...]]:
    torch.manual_seed(7)
    return [(torch.randn(size, 3, 64, 64), torch.randint(10, (size,))) for _ in range(count)]


Batches = Sequence[Any]
MakeOptimizer = Callable[[nn.Module], torch.optim.Optimizer]


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=0.01)


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


@dataclass
class Training:
    """How a model is trained, by eager PyTorch or by hmcos."""

    make: Callable[[], nn.Module]
    loss: Callable[[Any, Any], Tensor] | None
    optimizer: MakeOptimizer = adamw
    clip: float | None = None
    accumulate: int = 1
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    scheduler: Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler] | None = None
    seconds: float = 1.0
    """Of each search: an order need not be the best to have the bits of eager."""
    steps: list[TrainingStep] = field(default_factory=list[TrainingStep])

    def model(self) -> nn.Module:
        torch.manual_seed(0)
        return self.make()

    def value(self, model: nn.Module, batch: Any) -> Tensor:
        """Return the loss as eager PyTorch computes it."""
        if isinstance(batch, dict):
            return model(**batch).loss
        if self.loss is None:
            result = model(*batch)
            return getattr(result, "loss", result)
        *inputs, target = batch
        return self.loss(model(*inputs), target)

    def eager(self, model: nn.Module, batches: Batches) -> list[Tensor]:
        """Train by eager PyTorch; return the losses."""
        optimizer, losses = self.optimizer(model), list[Tensor]()
        schedule = self.scheduler(optimizer) if self.scheduler else None
        torch.manual_seed(3)
        for number, batch in enumerate(batches, 1):
            with self.around():
                loss = self.value(model, batch)
            loss.backward()
            losses.append(loss.detach())
            if number % self.accumulate == 0:
                if self.clip is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), self.clip)
                optimizer.step()
                optimizer.zero_grad()
                if schedule:
                    schedule.step()
        return losses

    def planned(self, model: nn.Module, batches: Batches) -> list[Tensor]:
        """Train by hmcos; return the losses."""
        optimizer, losses = self.optimizer(model), list[Tensor]()
        schedule = self.scheduler(optimizer) if self.scheduler else None
        with self.around():
            step = self.step(model, optimizer, batches[0])
        torch.manual_seed(3)
        for number, batch in enumerate(batches, 1):
            with self.around():
                losses.append(step(**batch) if isinstance(batch, dict) else step(*batch))
            if schedule and number % self.accumulate == 0:
                schedule.step()
        return losses

    def step(self, model: nn.Module, optimizer: torch.optim.Optimizer, batch: Any) -> TrainingStep:
        step = training_step(
            model,
            self.loss,
            optimizer,
            batch,
            clip_grad_norm=self.clip,
            accumulate=self.accumulate,
            time_limit=self.seconds,
            cache=False,
        )
        self.steps.append(step)
        return step

    def differences(self, batches: Batches) -> list[str]:
        """Return what is not equal bit by bit after training by both."""
        eager = self.model()
        planned = deepcopy(eager)
        losses = zip(self.eager(eager, batches), self.planned(planned, batches), strict=True)
        different = [
            f"loss {number}" for number, (ours, theirs) in enumerate(losses) if not same(ours, theirs)
        ]
        ours, theirs = planned.state_dict(), eager.state_dict()
        return different + [name for name, value in theirs.items() if not same(ours[name], value)]


def same(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same bits."""
    return torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))
