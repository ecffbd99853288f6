"""What the documents promise about keys and names is what the code does."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import hmcos
from hmcos.limits import Status
from hmcos.plan.file.plan_file import plan_text
from hmcos.report.pictures.picture_table import names as picture_names
from hmcos.report.records.explanation_record import explanation_record
from hmcos.report.records.result_records import (
    comparison_record,
    experiment_record,
    inspection_record,
    measurement_record,
    plan_record,
    verification_record,
)
from hmcos.runtimes.onnxruntime.measured import Measured, Measurement
from hmcos.tasks.compare.experiment import PLANNERS
from hmcos.verify.checks import Answer, Check, Verification
from networks import FORK

ROOT = Path(__file__).parents[2]


PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("[ACRS][A-Z]*.md", "docs/**/*.md", "benchmarks/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("src", "tests", "benchmarks", "examples", "tools")
    for path in ROOT.glob(f"{folder}/**/*.py")
)
FILE = re.compile(r"(?<![\w/.:\-])((?:\.?\w[\w.\-]*/)+[\w.\-]+\.(?:py|toml|md|csv|yml))(?![\w/])")
FOLDER = re.compile(r"`((?:\w+/)+)`")
MODULE = re.compile(
    r"`(?:hmcos\.)?((?:allocation|frontends|hierarchy|memory|network|schedulers|tasks|verify)\.\w+)"
)
ARCHAIC = re.compile(
    r"\b(?:whoever|anew|lest|hence|nobody|bears?|stands?|tells? (?:of|that)|come along|falls? away)\b",
    re.IGNORECASE,
)
ELSEWHERE = ("tflite-micro/", "out/", "build/")
"""How places begin that are in other projects or are generated."""


def lost(text: str, beside: Path = ROOT) -> list[str]:
    """Return the files, folders and modules that a text names and that are not there."""
    roots = (beside, ROOT, ROOT / "src/hmcos", ROOT / "tests/unit")
    package = ROOT / "src/hmcos"
    folders = {name for name in FOLDER.findall(text) if any(package.rglob(name))}
    named = [name for pattern in (FILE, FOLDER) for name in pattern.findall(text) if name not in folders]
    gone = [
        name
        for name in named
        if not name.startswith(ELSEWHERE)
        and "NAME" not in name
        and not (name.startswith(".") and not (ROOT / ".github").exists())
        and not any((root / name).exists() for root in roots)
    ]
    modules = ((name, package / name.replace(".", "/")) for name in MODULE.findall(text))
    return [
        *gone,
        *(name for name, path in modules if not (path.is_dir() or path.with_suffix(".py").exists())),
    ]


def prose(script: str) -> Iterator[str]:
    """Yield the docstrings and the comments of a script."""
    text = document(script)
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_key_of_the_output_is_documented() -> None:
    records = (
        plan_record(hmcos.schedule(FORK)),
        comparison_record(hmcos.compare(FORK)),
        inspection_record(hmcos.inspect(FORK)),
        explanation_record(hmcos.explain(FORK)),
        verification_record(Verification("model", "plan", (Check("order", Answer.HOLDS, ""),))),
        measurement_record(Measurement("model", "none", 1, (Measured("file order", 1, 1, 1, None),))),
    )
    text = document("docs/json.md")
    for record in records:
        for key in record:
            assert f"`{key}`" in text, key


def test_every_key_of_the_experiment_is_documented(tmp_path: Path) -> None:
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    record = experiment_record(hmcos.experiment([str(tmp_path / "fork.json")]))
    keys = set(re.findall(r'"(\w+)":', json.dumps(record))) - set(PLANNERS)
    text = document("docs/json.md")
    for key in sorted(keys):
        assert f"`{key}`" in text, key


def test_every_picture_is_documented() -> None:
    text = document("docs/plots.md")
    for name in picture_names():
        assert f"`{name}`" in text


def test_every_status_is_documented() -> None:
    text = document("docs/json.md")
    for status in Status:
        assert f"`{status}`" in text


def test_every_key_of_a_plan_is_documented() -> None:
    text = document("docs/plan-format.md")
    for key in re.findall(r'^ "(\w+)":', plan_text(hmcos.schedule(FORK)), re.MULTILINE):
        assert f"`{key}`" in text, key


def test_every_public_name_is_documented() -> None:
    listed = set(re.findall(r"`hmcos\.(\w+)", document("docs/python.md")))
    assert set(hmcos.__all__) - {"__version__"} == listed


def test_every_name_that_the_documents_use_is_public() -> None:
    texts = [document("README.md"), *(path.read_text(encoding="utf-8") for path in ROOT.glob("docs/*.md"))]
    used = {name for text in texts for name in re.findall(r"\bhmcos\.(\w+)\(", text)}
    assert {"schedule", "lower", "verify", "report"} <= used
    assert used <= set(hmcos.__all__)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", document(name)):
        if "://" not in link:
            assert ((ROOT / name).parent / link).exists(), link


@pytest.mark.parametrize("name", PAGES)
def test_every_place_that_a_page_names_is_there(name: str) -> None:
    assert lost(document(name), (ROOT / name).parent) == []


@pytest.mark.parametrize("name", PAGES)
def test_pages_use_plain_words(name: str) -> None:
    found = [word[0] for word in ARCHAIC.finditer(document(name))]
    assert found == [], "say it in words that an engineer uses today: docs/glossary.md"


def test_the_architecture_states_the_contracts_as_the_build_enforces_them() -> None:
    text = document("ARCHITECTURE.md")
    contracts = tomllib.loads(document("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = "".join(f"    {line}\n" for line in contracts[0]["layers"])
    assert f"\n\n{layers}\n" in text
    for contract in contracts[1:]:
        assert f"| {contract['name']} |" in text
    rooms = text[text.index("## Rooms") : text.index("## Contracts")]
    package = ROOT / "src/hmcos"
    names = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    names |= {path.name for path in package.glob("*.py")} - {"__init__.py"}
    assert {name for name in names if f"`{name}`" not in rooms} == set()


def test_every_place_that_a_docstring_or_a_comment_names_is_there() -> None:
    gone = {script: lost("\n".join(prose(script))) for script in SCRIPTS}
    assert {script: names for script, names in gone.items() if names} == {}


def test_the_sections_of_the_memory_model_that_docstrings_cite_are_there() -> None:
    headings = set(re.findall(r"^## (.*)$", document("docs/memory-model.md"), re.MULTILINE))
    texts = ("\n".join(prose(script)) for script in SCRIPTS if script.startswith("src/"))
    cited = [found for text in texts for found in re.findall(r"\(memory model,\s+(.*?)\)", text)]
    assert {"Sharing", "Lives", "Special cases"} <= set(cited) <= headings


def test_a_place_that_is_gone_is_found() -> None:
    assert {"README.md", "SECURITY.md", "docs/arena.md", "docs/tutorials/own-problem.md"} <= set(PAGES)
    text = "`memory/gone.py`, `nowhere/`, docs/gone.md, `memory.gone.Life`"
    there = "`memory/profile.py`, `memory.lifetimes.Life`, `exact/`, `out/plan.md`, `zoo/NAME.py`"
    assert lost(there) == []
    assert lost(text) == ["memory/gone.py", "docs/gone.md", "nowhere/", "memory.gone"]


@pytest.mark.slow
def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.findall(r"```python\n(.*?)```", document("README.md"), re.DOTALL)
    assert len(code) == 1
    monkeypatch.chdir(tmp_path)
    printed: list[str] = []

    def note(*words: object) -> None:
        printed.append(" ".join(map(str, words)))

    exec(code[0], {"print": note})
    promised = re.findall(r"print\(.*\)\s+# (.*)", code[0])
    assert printed == promised
