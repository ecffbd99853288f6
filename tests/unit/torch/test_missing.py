"""Without torch, hmcos.torch says what to install."""

from __future__ import annotations

import pytest

import hmcos.torch
from hmcos.errors import ToolError


def test_a_missing_torch_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(place: str) -> None:
        raise ModuleNotFoundError(f"No module named 'torch', which {place} imports", name="torch")

    monkeypatch.setattr(hmcos.torch, "import_module", missing)
    monkeypatch.delitem(vars(hmcos.torch), "reordered", raising=False)
    with pytest.raises(ToolError, match=r"reordered needs PyTorch: pip install 'hmcos\[torch\]'"):
        _ = hmcos.torch.reordered
