"""Build the site into build/docs/html: pages, reference and gallery. Warnings are errors.

python tools/build_docs.py [--external]

Nothing is written into docs/. Needs the packages of the extra "docs".
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from docs_gallery import fill_gallery, filled
from docs_links import broken_links
from docs_reference import help_texts, write_reference

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "docs"
SOURCE, HTML = BUILD / "source", BUILD / "html"
PROJECT = ("ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
"""Pages from the top of the checkout, which become project/*.md."""
REPOSITORY = "https://github.com/hmcos/hmcos/blob/main"


def moved(text: str) -> str:
    """Return a page from the top of the checkout with links that work in project/ of the site."""

    def link(found: re.Match[str]) -> str:
        place, anchor = found[1], found[2] or ""
        if "://" in place:
            return found[0]
        if place in PROJECT:
            return f"]({place.lower()}{anchor})"
        if place.startswith("docs/"):
            return f"](../{place.removeprefix('docs/')}{anchor})"
        return f"]({REPOSITORY}/{place}{anchor})"

    return re.sub(r"\]\(([^)#\s]+)(#[^)]*)?\)", link, text)


def write_source() -> None:
    """Write all sources of the site into a folder of its own."""
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE, ignore=shutil.ignore_patterns("__pycache__"))
    (SOURCE / "project").mkdir()
    for name in PROJECT:
        text = (ROOT / name).read_text(encoding="utf-8")
        (SOURCE / "project" / name.lower()).write_text(moved(text), encoding="utf-8")
    write_reference(SOURCE / "reference")
    commands = SOURCE / "commands.md"
    text = filled(commands.read_text(encoding="utf-8"), "help", help_texts())
    commands.write_text(text, encoding="utf-8")
    fill_gallery(SOURCE)


def sphinx(builder: str, target: Path) -> None:
    """Run a builder of Sphinx; ends the program if it fails or warns."""
    options = ("--fail-on-warning", "--keep-going", "--quiet", "--doctree-dir", BUILD / "doctrees")
    command = (sys.executable, "-m", "sphinx", "-b", builder, *options, SOURCE, target)
    if subprocess.run([str(word) for word in command], check=False).returncode:
        sys.exit(f"make docs: sphinx -b {builder} failed; the lines above say where")


def main(arguments: Sequence[str]) -> None:
    """Build the site and check its links."""
    parser = argparse.ArgumentParser(description="Build the site into build/docs/html.")
    parser.add_argument("--external", action="store_true", help="also check links to the internet")
    external = parser.parse_args(arguments).external
    write_source()
    sphinx("html", HTML)
    broken = list(broken_links(HTML, given=tuple(path.name for path in (SOURCE / "extra").iterdir())))
    if broken:
        sys.exit("\n".join(["make docs: links that lead nowhere:", *broken]))
    if external:
        sphinx("linkcheck", BUILD / "links")
    count = len(list(HTML.rglob("*.html")))
    print(f"{HTML.relative_to(ROOT)}/index.html: {count} pages, all links between them lead somewhere")


if __name__ == "__main__":
    main(sys.argv[1:])
