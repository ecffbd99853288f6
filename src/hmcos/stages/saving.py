"""Writing a model and its plan: both appear, or neither."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from hmcos.frontends import loading
from hmcos.frontends.model import Model
from hmcos.plan.plan import Outputs, Plan
from hmcos.plan.plan_file import plan_text
from hmcos.plan.staging import output_errors, staged, write
from hmcos.stages.header import header_text
from hmcos.stages.opening import Opened
from hmcos.stages.places import Places


def save(
    plan: Plan,
    opened: Opened,
    places: Places,
    started: float,
    offsets: Mapping[int, int] | None = None,
) -> Plan:
    """Return the plan with its outputs and seconds, after model and plan were written.

    `offsets` are bytes in the arena by tensor, for a format that holds them.
    `started` is when saving began and the plan's total ended, by `time.perf_counter`. The plan file
    is complete before the model is written and takes its place after it. The seconds in the file
    are those before the writing.

    Raises:
        OutputError: something cannot be written; then nothing is.
    """
    plan = replace(plan, outputs=_outputs(places))
    made = [place for place in (places.model, places.header) if place is not None]
    written = [*(file.target for file in places.data), *made]
    with _folder(places.folder), _undone(written), staged(places.plan, plan_text(plan).encode()):
        if places.model is not None and isinstance(opened.content, Model):
            loading.save(opened.content, plan.orders, places.model, offsets)
        if places.header is not None:
            write(places.header, header_text(plan, opened.stem).encode())
    spent = time.perf_counter() - started
    seconds = replace(plan.seconds, save=plan.seconds.save + spent, total=plan.seconds.total + spent)
    return replace(plan, seconds=seconds)


def _outputs(places: Places) -> Outputs:
    return Outputs(*(str(p) if p else None for p in (places.model, places.plan, places.header)))


@contextmanager
def _folder(folder: Path) -> Generator[None]:
    """Make the folder, and unmake what was made of it when the block fails."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        with output_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            with suppress(OSError):
                made.rmdir()
        raise


@contextmanager
def _undone(files: list[Path]) -> Generator[None]:
    """Remove those of the files that the block made, when it fails."""
    missing = [file for file in files if not file.exists()]
    try:
        yield
    except BaseException:
        for file in missing:
            file.unlink(missing_ok=True)
        raise
