"""Check the links inside a built site: every file and every anchor that a page links to must exist."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {"", "top"}
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the anchor and the link of one element."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        self.links += [values[name] for name in ("href", "src", "data") if name in values]


def broken_links(folder: Path, given: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a line for every broken link between the pages of a folder.

    Pages in `given` were not made by Sphinx: links may lead to them, their own are not followed.
    """
    made = [path for path in sorted(folder.rglob("*.html")) if path.name not in given]
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in made}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            where = path.relative_to(folder.resolve())
            if not target.is_file():
                yield f"{where}: {link} leads to no file"
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{where}: {link} leads to no place on that page"
