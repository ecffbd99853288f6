"""Measured memory of a model on ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """One setting and the memory that it took, in bytes."""

    setting: str
    median: int
    """Median over the processes of the most that one grew while the network ran, plus the inputs."""
    least: int
    most: int
    predicted: int | None
    """The peak as the target counts it; None if ONNX Runtime chooses the order."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The memory of a model in each setting."""

    model: str
    target: str
    processes: int
    """Number of processes per setting."""
    rows: tuple[Measured, ...]
