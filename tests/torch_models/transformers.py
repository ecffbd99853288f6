"""Networks of attention: an encoder, a decoder that fills a cache, both together, and experts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from torch_models.example import Calls, Example, seeded


def split(x: Tensor, heads: int) -> Tensor:
    """Return a sequence with its numbers split by head."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)


class Block(Calls):
    """Attention and a network of two layers, each added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.mix, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part, self.heads) for part in self.mixed(x))
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.drop(self.join(seen.transpose(1, 2).flatten(2)))
        return x + self.drop(self.wide(self.norms[1](x)))

    def mixed(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.mix(self.norms[0](x)).chunk(3, -1)


class Language(Calls):
    """A language model whose embedding is also its last layer."""

    def __init__(self, words: int, width: int, layers: int) -> None:
        super().__init__()
        self.embedding, self.places = nn.Embedding(words, width), nn.Embedding(32, width)
        self.blocks = nn.ModuleList(Block(width, 4) for _ in range(layers))
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, words, bias=False)
        self.last.weight = self.embedding.weight

    def forward(self, words: Tensor) -> Tensor:
        x = self.embedding(words) + self.places(torch.arange(words.shape[1], device=words.device))
        for block in self.blocks:
            x = block(x)
        return self.last(self.norm(x))


@seeded
def transformer() -> Example:
    """Return a language model of three layers with tied weights."""
    return Example(Language(64, 32, 3), (torch.randint(64, (2, 16)),))


class Cached(nn.Module):
    """One step of a decoder: writes a key and a value into its buffers, and returns new states, too."""

    def __init__(self, width: int, heads: int, length: int) -> None:
        super().__init__()
        self.heads = heads
        self.embedding = nn.Embedding(40, width)
        self.mix, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.last = nn.Linear(width, 40)
        self.register_buffer("keys", torch.zeros(1, heads, length, width // heads))
        self.register_buffer("values", torch.zeros(1, heads, length, width // heads))

    def forward(self, word: Tensor, place: Tensor, old: dict[str, Tensor]) -> dict[str, Any]:
        x = self.embedding(word)
        q, k, v = (split(part, self.heads) for part in self.mix(x).chunk(3, -1))
        keys, values = self.get_buffer("keys"), self.get_buffer("values")
        keys.index_copy_(2, place, k)
        values[:, :, place] = v
        old["mean"].mul_(0.5).add_(x.mean(1), alpha=0.5)
        mask = torch.arange(keys.shape[2], device=place.device) <= place
        seen = functional.scaled_dot_product_attention(q, keys, values, attn_mask=mask[None, None, None])
        longer = torch.cat([old["states"], x], 1)
        x = x + self.join(seen.transpose(1, 2).flatten(2))
        return {"words": self.last(x), "states": longer, "nothing": None, "both": (x, longer.sum(1))}


@seeded
def cached_decoder() -> Example:
    """Return one step of a decoder with caches in buffers, and dictionaries as input and output."""
    old = {"states": torch.randn(1, 5, 32), "mean": torch.randn(1, 32)}
    return Example(Cached(32, 4, 8), (torch.randint(40, (1, 1)), torch.tensor([5]), old))


class RootNorm(Calls):
    """Normalization by the root of the mean square."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Biased(Calls):
    """Attention with a bias for every distance, from a sequence to another one or to itself."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm, self.bias = RootNorm(width), nn.Embedding(16, heads)
        self.query, self.pair = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.join = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, to: Tensor) -> Tensor:
        q = split(self.query(self.norm(x)), self.heads)
        k, v = self.pair(to).view(*to.shape[:2], 2, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        scores = q @ k.mT + self.biases(x.shape[1], to.shape[1])
        return x + self.join((scores.float().softmax(-1) @ v).transpose(1, 2).flatten(2))

    def biases(self, rows: int, columns: int) -> Tensor:
        device = self.bias.weight.device
        distance = torch.arange(columns, device=device)[None] - torch.arange(rows, device=device)[:, None]
        large = 4 + (torch.log(distance.abs().clamp(min=1) / 4.0) * 3).long().clamp(max=3)
        number = torch.where(distance.abs() < 4, distance.abs(), large) + 8 * (distance > 0)
        bias = self.bias(number).permute(2, 0, 1)[None]
        return bias.masked_fill(distance > 0, float("-inf")) if self.causal else bias


class Feeding(Calls):
    """A gated network of two layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.wide = RootNorm(width), nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(2 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.wide(self.norm(x)).chunk(2, -1)
        return x + self.narrow(functional.gelu(gate, approximate="tanh") * up)


class Translator(Calls):
    """An encoder and a decoder that reads what the encoder made in every layer."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(48, width)
        each = range(layers)
        self.encoder = nn.ModuleList(nn.ModuleList([Biased(width, 4, False), Feeding(width)]) for _ in each)
        self.decoder = nn.ModuleList(
            nn.ModuleList([Biased(width, 4, True), Biased(width, 4, False), Feeding(width)]) for _ in each
        )

    def forward(self, read: Tensor, said: Tensor) -> Tensor:
        x = self.embedding(read)
        for look, feed in zip(*self.parts(self.encoder), strict=True):
            x = feed(look(x, x))
        y = self.embedding(said)
        for itself, other, feed in zip(*self.parts(self.decoder), strict=True):
            y = feed(other(itself(y, y), x))
        return functional.linear(y * 0.2, self.embedding.weight)

    def parts(self, layers: nn.ModuleList) -> list[list[Any]]:
        return [list(part) for part in zip(*(list(layer.children()) for layer in layers), strict=True)]


@seeded
def t5() -> Example:
    """Return an encoder with a decoder, with biases by distance."""
    return Example(Translator(32, 2), (torch.randint(48, (2, 12)), torch.randint(48, (2, 7))))


class Experts(Calls):
    """Networks of two layers of which each word uses the two that a router chooses."""

    def __init__(self, width: int, experts: int) -> None:
        super().__init__()
        self.router = nn.Linear(width, experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 3 * width), nn.SiLU(), nn.Linear(3 * width, width))
            for _ in range(experts)
        )

    def forward(self, x: Tensor) -> Tensor:
        best, which = self.router(x).softmax(-1).topk(2, -1)
        share = torch.zeros_like(self.router(x)).scatter_(-1, which, best / best.sum(-1, keepdim=True))
        made = torch.zeros_like(x)
        for part, expert in zip(share.unbind(-1), self.experts, strict=True):
            made.addcmul_(part[..., None], expert(x))
        return x + made


@seeded
def experts() -> Example:
    """Return two layers of experts with attention between them."""
    return Example(nn.Sequential(Experts(24, 4), Block(24, 4), Experts(24, 4)), (torch.randn(2, 10, 24),))
