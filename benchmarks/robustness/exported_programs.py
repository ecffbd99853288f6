"""Small exported programs of PyTorch to damage, as files."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import io
import json
import zipfile
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

torch.set_num_threads(1)  # the files are tried in processes that are forked


class Net(nn.Module):
    """Tied layers, a normalisation that keeps statistics, and a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)
        self.two.weight = self.one.weight
        self.norm = nn.BatchNorm1d(8)

    def forward(self, x: Tensor, pair: dict[str, Any]) -> Any:
        """Return several values."""
        wide = [x.repeat(4, 1), x.repeat(4, 1) + torch.tensor([1.5])]
        y = self.two(self.norm(self.one(x)).relu()) * pair["number"]
        return {"y": y, "z": (wide[0].sum(0) + wide[1].sum(0), None, pair["t"])}


class Rows(nn.Module):
    """Symbolic sizes, writes through views, and parts of results."""

    def forward(self, x: Tensor) -> Any:
        """Return several values."""
        a, b = x.view(x.shape[0] * 2, 4).chunk(2, 1)
        y = torch.cat([a, b.exp()], 1)
        y[1:].mul_(2)
        return y, x.shape[0] + 1, torch.rand_like(y)


class Branches(nn.Module):
    """A branch, of which one body holds a loop."""

    def forward(self, x: Tensor) -> Any:
        """Return the result of a branch."""

        return torch.cond(x.sum() > 0, _looped, _shifted, (x,))


def _looped(x: Tensor) -> Tensor:
    start = torch.zeros((), dtype=torch.int64)
    return cast(Any, torch.while_loop)(_goes_on, _round, (start, x))[1]


def _goes_on(number: Tensor, x: Tensor) -> Tensor:
    del x
    return number < 3


def _round(number: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    return number + 1, x.sin()


def _shifted(x: Tensor) -> Tensor:
    return x.cos() + 1


def files() -> list[bytes]:
    """Return programs as torch.export.save writes them."""
    x = torch.ones(4, 8)
    batch = Dim("batch", min=2, max=64)
    return [
        _saved(export(Net().train(), (x, {"number": 2, "t": x}))),
        _saved(export(Rows(), (x,), dynamic_shapes=({0: batch},))),
        _saved(export(Branches(), (x,))),
        _saved(export(Rows(), (x,)).run_decompositions()),
    ]


def _saved(program: ExportedProgram) -> bytes:
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def without_notes(content: bytes) -> bytes:
    """Return an archive whose nodes say nothing about themselves, and which has no signatures of modules."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith("models/model.json"):
                graph = json.loads(data)
                graph["graph_module"]["module_call_graph"] = []
                data = json.dumps(_bare(graph)).encode()
            new.writestr(zipfile.ZipInfo(info.filename), data)
    return made.getvalue()


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        kept = cast("dict[str, Any]", value)
        return {key: _bare(each) for key, each in kept.items() if key != "metadata"} | _notes(kept)
    return value


def _notes(kept: dict[str, Any]) -> dict[str, Any]:
    """Return empty notes where there were some: torch insists on them."""
    return {"metadata": {}} if "metadata" in kept else {}
