"""Whatever files and options are called, an error is one short line that nothing on a terminal obeys."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto, helper

import hmcos
from hmcos.__main__ import run
from hmcos.errors import HmcosError
from hmcos.words import LONGEST, LONGEST_LINE
from networks import FORK
from onnx_models import FLOAT, graph, model, value

LONG = 10_000
PREFIX = len("hmcos: error: ")
NAMES: dict[str, str] = {
    "one word": "n" * LONG,
    "words": "name " * (LONG // 5),
    "fused": "a/b;" * (LONG // 4),
    "quotes": "it's \"" * (LONG // 6),
    "terminal": "\x1b[2J\x07\r\n" * (LONG // 7),
    "letters": "\u0438\u043c\u044f\u202e\u2028" * (LONG // 5),
    "equals": "n=" * (LONG // 2),
}


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the files of one call stand."""

    path: Path

    def text(self, name: str, content: str) -> str:
        (self.path / name).write_bytes(content.encode("utf-8", "surrogatepass"))
        return str(self.path / name)

    def json(self, name: str, content: object) -> str:
        return self.text(name, json.dumps(content))

    def onnx(self, proto: ModelProto) -> str:
        (self.path / "model.onnx").write_bytes(proto.SerializeToString())
        return str(self.path / "model.onnx")

    def fork(self) -> str:
        hmcos.export_instance(FORK, self.path / "fork.json")
        return str(self.path / "fork.json")

    def plan(self, change: Callable[[dict[str, Any]], object]) -> list[str]:
        """A model and a plan of it, changed."""
        source = self.fork()
        hmcos.schedule(source, output=self.path / "out")
        content = json.loads((self.path / "out" / "plan.json").read_text(encoding="utf-8"))
        change(content)
        return [source, self.json("plan.json", content)]


def proto(name: str, kind: str = "Add", symbol: str = "batch") -> ModelProto:
    """A model in which a tensor, an operator and a dimension have names of the user's."""
    reads = [value("x", [symbol, 4])]
    node = helper.make_node(kind, ["x", name], [name + "y"], name=name)
    return model(graph([node], [*reads, value(name, [symbol, 4])], [value(name + "y")]))


def unknown_kind(name: str) -> ModelProto:
    node = helper.make_node(name, ["x"], ["y"], name=name)
    return model(graph([node], [value("x", [1, 4], FLOAT)], [value("y", None)]))


def missing_input(name: str) -> ModelProto:
    node = helper.make_node("Relu", [name], ["y"], name=name)
    return model(graph([node], [value("x", [1, 4])], [value("y", [1, 4])]))


def lives(cell: str) -> str:
    return 'id,lower,upper,size\n"' + cell.replace('"', '""') + '",4,2,8\n'


def renamed(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**content, name: 1}


EMPTY = {"format": "hmcos-instance/1", "buffers": [1], "inputs": [], "kept": []}
ODD = {"reads": [0], "makes": [0]}
LIVES = "id,lower,upper,size\na,0,1,1\n"

Line = Callable[[Folder, str], list[str]]
LINES: dict[str, Line] = {
    "model path": lambda _, n: ["schedule", n],
    "onnx path": lambda _, n: ["schedule", f"{n}.onnx"],
    "instance path": lambda _, n: ["schedule", f"{n}.json"],
    "zoo name": lambda _, n: ["schedule", f"zoo:{n}"],
    "command": lambda _, n: [n],
    "option": lambda _, n: ["schedule", "x", f"--{n}"],
    "choice": lambda f, n: ["schedule", f.fork(), "--emit", n],
    "scheduler": lambda f, n: ["schedule", f.fork(), "--scheduler", n],
    "allocator": lambda f, n: ["schedule", f.fork(), "--allocator", n],
    "target": lambda f, n: ["schedule", f.fork(), "--target", n],
    "target path": lambda f, n: ["schedule", f.fork(), "--target", f"{n}.toml"],
    "size": lambda f, n: ["schedule", f.fork(), "--budget", n],
    "number": lambda f, n: ["schedule", f.fork(), "--time-limit", n],
    "output": lambda f, n: ["schedule", f.fork(), "-o", f"{f.fork()}/{n}"],
    "binding": lambda f, n: ["schedule", f.fork(), "--bind", n],
    "symbol of a problem": lambda f, n: ["schedule", f.fork(), "--bind", f"{n}=1"],
    "symbol of a model": lambda f, n: ["schedule", f.onnx(proto("w")), "--bind", f"{n}=1"],
    "unbound symbol": lambda f, n: ["schedule", f.onnx(proto("w", symbol=n))],
    "tensor": lambda f, n: ["schedule", f.onnx(missing_input(n))],
    "operator kind": lambda f, n: ["schedule", f.onnx(unknown_kind(n))],
    "operator of a problem": lambda f, n: [
        "schedule",
        f.json("p.json", {**EMPTY, "operators": [{"name": n, **ODD}]}),
    ],
    "key of a problem": lambda f, n: [
        "schedule",
        f.json("p.json", renamed(json.loads(Path(f.fork()).read_text(encoding="utf-8")), n)),
    ],
    "format of a problem": lambda f, n: ["schedule", f.json("p.json", {"format": n})],
    "key of a target": lambda f, n: [
        "schedule",
        f.fork(),
        "--target",
        f.text("t.toml", f"{json.dumps(n)} = 1"),
    ],
    "kind in a target": lambda f, n: [
        "schedule",
        f.fork(),
        "--target",
        f.text("t.toml", f"views = [{json.dumps(n)}]\n[[overwrite]]\nkinds = [{json.dumps(n)}]"),
    ],
    "cell of a csv": lambda f, n: ["arena", f.text("lives.csv", lives(n))],
    "heading of a csv": lambda f, n: ["arena", f.text("lives.csv", f"id,lower,{json.dumps(n)}\n")],
    "number in a csv": lambda f, n: [
        "arena",
        f.text("lives.csv", 'id,lower,upper,size\na,0,1,"' + n.replace('"', '""') + '"\n'),
    ],
    "lives path": lambda _, n: ["arena", f"{n}.csv"],
    "arena output": lambda f, n: [
        "arena",
        f.text("l.csv", LIVES),
        "-o",
        f"{n}/x.csv",
    ],
    "status of a plan": lambda f, n: ["verify", *f.plan(lambda c: c.update(status=n))],
    "target of a plan": lambda f, n: ["verify", *f.plan(lambda c: c["target"].update(name=n, data=n))],
    "model of a plan": lambda f, n: ["verify", *f.plan(lambda c: c["outputs"].update(model=n))],
    "key of a plan": lambda f, n: ["verify", *f.plan(lambda c: c.update(order=[n]))],
    "plan path": lambda f, n: ["verify", f.fork(), n],
    "input": lambda f, n: ["verify", f.fork(), "p.json", "--input", n],
    "page": lambda f, n: ["report", f.plan(len)[1], "--model", n],
    "picture": lambda f, n: ["draw", f.fork(), "-w", n, "-o", "x.svg"],
    "picture path": lambda f, n: ["draw", f.fork(), "-o", n],
    "zoo network": lambda _, n: ["zoo", n, "-o", "x.onnx"],
    "zoo parameter": lambda _, n: ["zoo", "nasnet", f"--{n}", "1", "-o", "x.onnx"],
    "zoo value": lambda _, n: ["zoo", "nasnet", "--dataset", n, "-o", "x.onnx"],
    "instance out": lambda f, n: ["inspect", f.fork(), "--instance", f"{f.fork()}/{n}"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
@pytest.mark.parametrize("line", LINES.values(), ids=list(LINES))
def test_an_error_is_one_short_line(
    line: Line, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Words of a command line come as the locale spells their bytes.
    code = run(
        [os.fsdecode(word.encode("utf-8", "surrogateescape")) for word in line(Folder(tmp_path), name)]
    )
    shown = capsys.readouterr()
    if code not in (1, 2):  # not wrong, or told in a table: the laws of tables hold for that
        assert all(line.isprintable() for line in shown.out.splitlines())
        return
    assert shown.out == ""
    message = shown.err.removesuffix("\n")
    assert message.startswith("hmcos: error: ")
    assert message.isprintable()
    assert len(message) <= PREFIX + LONGEST_LINE
    # Nothing of more than 200 characters was repeated: neither in one piece, nor as quoted text.
    assert max(map(len, message.split())) <= LONGEST + len("'':")


def classes(of: type[HmcosError] = HmcosError) -> Iterator[type[HmcosError]]:
    yield of
    for below in of.__subclasses__():
        yield from classes(below)


@pytest.mark.parametrize("kind", list(dict.fromkeys(classes())))
@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_every_error_class_is_short(kind: type[HmcosError], name: str) -> None:
    told = str(kind(f"{name}: operator {name!r} cannot be read; use --bind"))
    assert told.isprintable()
    assert len(told) <= LONGEST_LINE
    assert told.endswith("; use --bind")


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_results_with_such_names_stay_readable(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.json"
    hmcos.export_instance(replace(FORK, names=(name,) * 5), path)
    for command in ("schedule", "explain", "compare", "inspect"):
        assert run([command, str(path)]) == 0
        shown = capsys.readouterr().out
        assert all(line.isprintable() for line in shown.splitlines())
        assert len(shown) < 12_000
