from __future__ import annotations

import os
import random
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest

from hmcos.staging import Hole, digest_of_file, parts, staged

MIB = 1 << 20


def _sparse(path: Path, pieces: list[tuple[int, bytes]], size: int) -> bytes:
    """Write pieces at offsets into a file that is otherwise a hole; return what it holds."""
    with path.open("wb") as file:
        file.truncate(size)
        for offset, content in pieces:
            file.seek(offset)
            file.write(content)
    return path.read_bytes()


def _has_holes(folder: Path) -> bool:
    _sparse(folder / "try", [], 4 * MIB)
    return (folder / "try").stat().st_blocks == 0 if hasattr(os, "SEEK_DATA") else False


@pytest.mark.parametrize("size", [0, 1, MIB, 3 * MIB + 5])
@pytest.mark.parametrize("known", [True, False])
def test_a_copy_has_the_bytes_of_the_source_and_their_digest(size: int, known: bool, tmp_path: Path) -> None:
    draw = random.Random(size)
    pieces = [(draw.randrange(size + 1), draw.randbytes(draw.randrange(9))) for _ in range(3)]
    content = _sparse(tmp_path / "source", [p for p in pieces if sum((p[0], len(p[1]))) <= size], size)
    with patch.object(os, "lseek", os.lseek if known else _unknown), staged(tmp_path / "out") as staging:
        digest = staging.copy(tmp_path / "source", tmp_path / "out" / "copy")
    assert (tmp_path / "out" / "copy").read_bytes() == content
    assert digest == sha256(content).hexdigest() == digest_of_file(tmp_path / "source")


def _unknown(file: int, place: int, how: int) -> int:
    raise OSError(22, "Invalid argument")


def test_holes_stay_holes(tmp_path: Path) -> None:
    if not _has_holes(tmp_path):
        pytest.skip("this file system has no holes")
    _sparse(tmp_path / "source", [(0, b"begin"), (16 * MIB, b"middle")], 64 * MIB)
    holes = sum(part.size for part in parts(tmp_path / "source") if isinstance(part, Hole))
    assert holes > 60 * MIB
    with staged(tmp_path / "out") as staging:
        staging.copy(tmp_path / "source", tmp_path / "out" / "copy")
    there = (tmp_path / "out" / "copy").stat()
    assert there.st_size == 64 * MIB
    assert there.st_blocks * 512 < MIB
