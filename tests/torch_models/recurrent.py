"""Networks whose operators hide loops over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from torch_models.example import Example, seeded


class Tagger(nn.Module):
    """Two layers that read a sentence in both directions, and a label for each word."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.lstm = nn.LSTM(width, width, 2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(2 * width, width, batch_first=True)
        self.last = nn.Linear(width, 5)

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        read, (_, cell) = self.lstm(self.embedding(words))
        read, _ = self.gru(read)
        return self.last(read), cell


@seeded
def lstm() -> Example:
    """Return a network of LSTM and GRU layers."""
    return Example(Tagger(50, 16), (torch.randint(50, (2, 7)),))
