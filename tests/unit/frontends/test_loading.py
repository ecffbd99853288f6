"""Formats by suffix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hmcos.errors import ModelError
from hmcos.frontends.loading import load
from onnx_models import diamond


def test_the_suffix_names_the_format(tmp_path: Path) -> None:
    path = tmp_path / "MODEL.ONNX"
    path.write_bytes(diamond().SerializeToString())
    assert load(path).format == "onnx"
    assert load(diamond()).format == "onnx"


def test_unknown_suffixes_and_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"the suffix '\.h5' names no known format; there are \.onnx"):
        load(tmp_path / "model.h5")
    with pytest.raises(ModelError, match="is a directory"):
        load(tmp_path)


def test_the_table_does_not_import_onnx() -> None:
    code = "import sys, hmcos.frontends.loading; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
