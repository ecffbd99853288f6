"""Protect the results of one network from being replaced by those of another."""

from __future__ import annotations

from pathlib import Path

from hmcos.errors import OutputError, PlanError
from hmcos.network.opening import ZOO, Opened
from hmcos.network.sources import source_places
from hmcos.plan.file.plan_file import read_source
from hmcos.plan.plan import Outputs, Source
from hmcos.staging import same_file

UNKNOWN = "<problem>"
"""The name of a problem in memory, which cannot be distinguished from another one."""


def check_replaced(plan: Path, opened: Opened, instead: str = "folder") -> None:
    """Check that the place of a plan is empty or holds a plan of the same source, even one changed since.

    `instead` is what people can choose another one of.

    Raises:
        OutputError: it holds a plan of another source, or a file that is not a plan.
    """
    if not plan.is_file():
        return
    try:
        source, outputs = read_source(plan)
    except PlanError as error:
        raise OutputError(
            f"{plan}: is not a plan that hmcos can read; "
            f"choose another {instead}, or replace it with --overwrite"
        ) from error
    if not _is_same(source, outputs, plan, opened):
        raise OutputError(
            f"{plan}: holds the plan of another source, {source.name!r}; choose another {instead}, "
            "or replace that plan with --overwrite"
        )


def _is_same(source: Source, outputs: Outputs, plan: Path, opened: Opened) -> bool:
    """Return whether a plan is for a network: by the bytes of the source, its file, or its zoo name."""
    if source.original_sha256 and source.original_sha256 == opened.source.original_sha256:
        return True
    if opened.path is None:
        return source.name == opened.source.name and source.name.startswith((ZOO, UNKNOWN))
    if source.name.startswith((ZOO, "<")):
        return False
    return any(same_file(place, opened.path) for place in source_places(source, str(plan), outputs.plan))
