"""Networks that make images: their memory lies where the images are largest, or in what waits for those."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from torch_models.example import Calls, Example, seeded
from torch_models.images import conv


class UNet(Calls):
    """An encoder whose images wait for the decoder."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.stem = conv(3, widths[0])
        self.down = nn.ModuleList(nn.Sequential(nn.MaxPool2d(2), conv(a, b), conv(b, b)) for a, b in pairs)
        self.up = nn.ModuleList(conv(a + b, a) for a, b in reversed(pairs))
        self.last = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        waiting = [self.stem(x)]
        for down in self.down:
            waiting.append(down(waiting[-1]))
        y = waiting.pop()
        for up in self.up:
            y = functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
            y = up(torch.cat([waiting.pop(), y], 1))
        return self.last(y)


@seeded
def unet() -> Example:
    """Return a U-Net."""
    return Example(UNet((8, 12, 16, 24)), (torch.randn(1, 3, 48, 48),))


class Adversaries(Calls):
    """A generator, and a discriminator of what it makes and of a real image."""

    def __init__(self, code: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.start = nn.Linear(code, 4 * width * 16)
        self.generator = nn.Sequential(
            nn.BatchNorm2d(4 * width),
            nn.ReLU(True),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(True),
            nn.ConvTranspose2d(2 * width, 4 * width, 4, 2, 1),
            nn.PixelShuffle(2),
            nn.Conv2d(width, 3, 3, padding=1),
            nn.Tanh(),
        )
        self.discriminator = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.InstanceNorm2d(2 * width),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(2 * width, 1, 8),
        )

    def forward(self, code: Tensor, real: Tensor) -> Tensor:
        made = self.generator(self.start(code).reshape(-1, 4 * self.width, 4, 4))
        return torch.cat([self.discriminator(made), self.discriminator(real)]).flatten(1)


@seeded
def gan() -> Example:
    """Return a generator with the discriminator that judges it."""
    return Example(Adversaries(16, 8), (torch.randn(2, 16), torch.randn(2, 3, 32, 32)))


class Normed(Calls):
    """A residual block with group normalization, as decoders of images use it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.GroupNorm(4, inputs), nn.GroupNorm(4, outputs)])
        self.convs = nn.ModuleList(nn.Conv2d(a, outputs, 3, padding=1) for a in (inputs, outputs))
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for norm, layer in zip(self.norms, self.convs, strict=True):
            y = layer(functional.silu(norm(y)))
        return self.shortcut(x) + y


class Attention(Calls):
    """Attention between all points of an image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.mix, self.last = (
            nn.GroupNorm(4, width),
            nn.Conv2d(width, 3 * width, 1),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.mix(self.norm(x)).flatten(2).chunk(3, 1)
        weights = torch.softmax(q.transpose(1, 2) @ k * q.shape[1] ** -0.5, -1)
        return x + self.last((v @ weights.transpose(1, 2)).reshape(x.shape))


@seeded
def conv_transpose_decoder() -> Example:
    """Return the decoder of an autoencoder, with transposed convolutions."""
    module = nn.Sequential(
        nn.Conv2d(4, 32, 3, padding=1),
        Normed(32, 32),
        Attention(32),
        nn.ConvTranspose2d(32, 24, 4, 2, 1),
        Normed(24, 24),
        nn.ConvTranspose2d(24, 16, 2, 2),
        Normed(16, 8),
        nn.Conv2d(8, 3, 3, padding=1),
    )
    return Example(module, (torch.randn(1, 4, 8, 8),))
