"""The models that the benchmarks of this folder measure."""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Sequence
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "compile_rows.py"


def models(places: Sequence[str], folder: Path) -> Iterator[Path]:
    """Yield the .tflite files of folders, and other paths that are named; if none is, an example."""
    if not places:
        example = folder / "eyes.tflite"
        example.write_bytes(runpy.run_path(str(EXAMPLE))["small_network"]())
        yield example
    for place in map(Path, places):
        yield from sorted(place.glob("*.tflite")) if place.is_dir() else [place]
