"""Files take their places all together or not at all, wherever the system fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmcos.errors import OutputError
from hmcos.staging import staged

NAMES = st.sampled_from(["a", "b", "c", "new/a", "new/deep/b", "old/a", "old/b"])
CONTENTS = st.dictionaries(NAMES, st.binary(max_size=5), max_size=5)
CALLS: tuple[tuple[object, str], ...] = (
    (os, "link"),
    (os, "fsync"),
    (Path, "replace"),
    (Path, "lstat"),
    (Path, "mkdir"),
)
ERRORS = (OSError(28, "No space left on device"), KeyboardInterrupt())


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, and every folder as an empty name with a slash."""
    return {
        path.relative_to(folder).as_posix() + "/" * path.is_dir(): b"" if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def failing(call: Callable[..., Any], at: int, error: BaseException) -> Callable[..., Any]:
    """The same call, but the one of that number fails, and only that one."""
    count = 0

    def made(*arguments: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        if count == at:
            raise error
        return call(*arguments, **named)

    return made


def put(folder: Path, contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@given(before=CONTENTS, after=CONTENTS, lasting=st.booleans())
def test_all_files_are_there_and_no_others_changed(
    before: dict[str, bytes], after: dict[str, bytes], lasting: bool
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        put(folder, before)
        with staged(folder, lasting=lasting) as staging:
            for place, content in after.items():
                staging.add(folder / place, content)
        found = {place: content for place, content in files(folder).items() if not place.endswith("/")}
        assert found == {**before, **after}


@pytest.mark.slow
@settings(max_examples=40)
@pytest.mark.parametrize("error", ERRORS, ids=["full", "interrupted"])
@pytest.mark.parametrize("call", CALLS, ids=[name for _, name in CALLS])
@given(before=CONTENTS, after=CONTENTS, at=st.integers(1, 8))
def test_when_one_call_fails_all_is_as_it_was_or_as_it_should_be(
    call: tuple[object, str],
    error: BaseException,
    before: dict[str, bytes],
    after: dict[str, bytes],
    at: int,
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        put(folder, before)
        was = files(folder)
        raised = False
        with ExitStack() as patched:
            patched.enter_context(patch.object(*call, failing(getattr(*call), at, error)))
            try:
                with staged(folder) as staging:
                    for place, content in after.items():
                        staging.add(folder / place, content)
            except (OutputError, KeyboardInterrupt):
                raised = True
        found = files(folder)
        assert not any(place.startswith(".") for place in found), "a hidden folder is left"
        plain = {place: content for place, content in found.items() if not place.endswith("/")}
        # An interruption after the last file has its place is told too.
        assert (raised and found == was) or plain == {**before, **after}
