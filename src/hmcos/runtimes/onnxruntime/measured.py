"""What was measured of a model on a runtime."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """One setting and the memory it took, in bytes."""

    setting: str
    median: int
    """By how much the process grew at most while the network ran, plus its inputs."""
    least: int
    most: int
    predicted: int | None
    """The peak as the target counts it; None where ONNX Runtime chooses the order."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What running a model takes in each setting."""

    model: str
    target: str
    processes: int
    """Fresh processes per setting."""
    rows: tuple[Measured, ...]
