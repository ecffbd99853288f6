"""The gallery: pictures and the page, made by the commands that the gallery shows beside them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, what it shows, and the rest of the command that draws it."""

    what: str
    title: str
    told: str
    model: str
    options: str = ""

    @property
    def file(self) -> str:
        """Where it is drawn."""
        return f"{self.what}.svg"

    @property
    def command(self) -> str:
        """What draws it."""
        options = f" {self.options}" if self.options else ""
        return f"hmcos draw {self.model} --what {self.what}{options} -o {self.file}"


CIFAR = "zoo:nasnet-cifar"
PICTURES = (
    Picture(
        "memory",
        "Memory over time",
        "How many bytes are in use at every step: in the order of the file, in reverse post-order and in the"
        " best order. The dotted line is the proved lower bound.",
        CIFAR,
        "--target hmcos",
    ),
    Picture(
        "arena",
        "The arena",
        "A rectangle per tensor: when it lives, and at which addresses. No two overlap. What is live at the"
        " peak is framed and listed.",
        CIFAR,
        "--target hmcos",
    ),
    Picture(
        "graph",
        "The graph",
        "Operators with their numbers in the source. The more bytes an operator makes, the darker it is.",
        "fork.json",
    ),
    Picture(
        "schedule", "The order", "The same graph with the step at which every operator runs.", "fork.json"
    ),
    Picture(
        "hierarchy",
        "Cells and sequences",
        "Operators that are scheduled as one stand in one frame. This is a NASNet of one cell per stage; open"
        " the picture to read it.",
        "nasnet.onnx",
        "--target hmcos",
    ),
    Picture(
        "top",
        "The top level",
        "The same network with every cell as one node, and the bytes that flow from one to the next.",
        "nasnet.onnx",
        "--target hmcos",
    ),
    Picture(
        "dominators",
        "Dominators",
        "The tree of operators that stand on every way from the start.",
        "fork.json",
    ),
    Picture(
        "post-dominators",
        "Post-dominators",
        "The tree of operators that stand on every way to the end.",
        "fork.json",
    ),
)


def fill_gallery(source: Path) -> None:
    """Fill the gallery in the source folder of the site; pictures go beside it, the page into extra/."""
    page = source / "gallery.md"
    text = page.read_text(encoding="utf-8")
    folder, extra = source / "gallery", source / "extra"
    folder.mkdir()
    extra.mkdir()
    for script in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        (folder / "script.py").write_text(script, encoding="utf-8")
        call("python script.py", folder)
    for command in re.findall(r"`(hmcos zoo .*?)`", text):
        call(command, folder)
    text = filled(text, "pictures", "\n".join(_shown(picture, folder) for picture in PICTURES))
    command = f"hmcos schedule {CIFAR} --target hmcos -o out"
    call(command, folder)
    name = f"{CIFAR.partition(':')[2]}.html"
    (folder / "out" / "report.html").rename(extra / name)
    link = f'<a href="{name}">The page of {CIFAR}</a>\n\n```console\n$ {command}\n```'
    page.write_text(filled(text, "page", link), encoding="utf-8")


def filled(text: str, name: str, content: str) -> str:
    """Return a page with content in the place that it keeps for it.

    Raises:
        SystemExit: there is no such place.
    """
    place = f"<!-- generated: {name} -->"
    if text.count(place) != 1:
        sys.exit(f"make docs: a page has to have {place} once, and has it {text.count(place)} times")
    return text.replace(place, content)


def _shown(picture: Picture, folder: Path) -> str:
    call(picture.command, folder)
    image = f"```{{image}} gallery/{picture.file}\n:alt: {picture.title}\n```"
    return f"## {picture.title}\n\n{picture.told}\n\n{image}\n\n```console\n$ {picture.command}\n```\n"


def call(command: str, folder: Path) -> None:
    """Run a command of the gallery in a folder.

    Raises:
        SystemExit: it fails; tells the command and what it printed.
    """
    program, *words = shlex.split(command)
    start = [sys.executable, "-m", "hmcos"] if program == "hmcos" else [sys.executable]
    ended = subprocess.run([*start, *words], cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{command} ended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
