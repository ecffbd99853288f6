"""Writing a model and its plan: both appear, or neither."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from hmcos.frontends import loading
from hmcos.frontends.copying import copy_data
from hmcos.frontends.model import Model
from hmcos.plan.plan import Outputs, Plan
from hmcos.plan.plan_file import plan_text
from hmcos.plan.staging import Staging, staged
from hmcos.stages.header import header_text
from hmcos.stages.opening import Opened
from hmcos.stages.places import Places
from hmcos.stages.sources import relative_source


def save(
    plan: Plan,
    opened: Opened,
    places: Places,
    started: float,
    offsets: Mapping[int, int] | None = None,
) -> Plan:
    """Return the plan with its outputs and seconds, after model and plan were written.

    `offsets` are bytes in the arena by tensor, for a format that holds them.
    `started` is when saving began and the plan's total ended, by `time.perf_counter`. All files are complete
    on the disk before the first takes its place; the plan is the last one and holds the sha256 of the others,
    so that a set of which only some were replaced is told from a whole one. The seconds in the file are those
    before the writing.

    Raises:
        OutputError: something cannot be written; then nothing is.
    """
    with staged(places.folder) as staging:
        digests = _results(plan, opened, places, staging, offsets)
        source = relative_source(plan.source, places.plan)
        plan = replace(
            plan, source=source, outputs=_outputs(places, digests), file=str(places.plan.absolute())
        )
        staging.add(places.plan, plan_text(plan).encode())
    spent = time.perf_counter() - started
    seconds = replace(plan.seconds, save=plan.seconds.save + spent, total=plan.seconds.total + spent)
    return replace(plan, seconds=seconds)


def _results(
    plan: Plan, opened: Opened, places: Places, staging: Staging, offsets: Mapping[int, int] | None
) -> dict[str, str]:
    """Return the sha256 of all that belongs to the plan by its path in the folder, after it was written."""
    digests = copy_data(places.data, staging)
    if places.model is not None and isinstance(opened.content, Model):
        content = loading.serialised(opened.content, plan.orders, offsets)
        digests[places.model.name] = staging.add(places.model, content)
    if places.header is not None:
        text = header_text(plan, opened.stem)
        digests[places.header.name] = staging.add(places.header, text.encode())
    return digests


def _outputs(places: Places, digests: Mapping[str, str]) -> Outputs:
    paths = (str(p) if p else None for p in (places.model, places.plan, places.header))
    return Outputs(*paths, sha256=digests)
