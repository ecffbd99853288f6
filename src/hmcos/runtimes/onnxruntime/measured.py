"""Measured memory of a model on a runtime."""

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
    """The peak as the target counts it; None if the target does not count it."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The memory of a model in each setting."""

    model: str
    target: str
    processes: int
    """Number of processes per setting."""
    rows: tuple[Measured, ...]
    runtime: str = "ONNX Runtime"
    """As people call it."""
