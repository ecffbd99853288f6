"""What is given as a file may be something else under its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.files import read_ordinary
from networks import FORK

COMMANDS = ("inspect x.onnx", "inspect x.tflite", "inspect x.json", "report x.json", "explain x.json")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def test_ordinary_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to("a")
    assert read_ordinary(tmp_path / "link") == b"content"


@pytest.mark.parametrize("name", ["missing", "", "nul\0", "n" * 10_000])
def test_what_cannot_be_read_is_an_error_with_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError) as caught:
        read_ordinary(tmp_path / name)
    assert caught.value.strerror


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("make", [_pipe, _device])
@pytest.mark.parametrize("words", [*COMMANDS, "schedule fork.json --target x.toml"])
def test_devices_that_never_end_and_pipes_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], None],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    hmcos.export_instance(FORK, "fork.json")
    name = words.rsplit(maxsplit=1)[-1]
    make(tmp_path / name)
    assert run(words.split()) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f"hmcos: error: {name}: ")
    assert shown.endswith("it is a device or a pipe; name an ordinary file\n")
