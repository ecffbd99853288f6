"""How Sphinx makes the site. `make docs` calls it on a copy of this folder with generated pages in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import hmcos

if TYPE_CHECKING:
    from docutils.nodes import Element, TextElement
    from sphinx.application import Sphinx
    from sphinx.domains.python import PythonDomain
    from sphinx.environment import BuildEnvironment

project = "hmcos"
author = "The hmcos authors"
copyright = author  # noqa: A001 (Sphinx asks for this name)
version = release = hmcos.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns: list[str] = []
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
# Docstrings mark names by single backticks.
default_role = "code"

myst_enable_extensions = ["colon_fence"]
# Links such as verify.md#three-answers lead to headings; one that leads nowhere is a warning, so an error.
myst_heading_anchors = 4

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"hmcos {release}"
html_extra_path = ["extra"]
html_show_sphinx = False
html_theme_options = {"source_repository": "https://github.com/hmcos/hmcos/", "source_branch": "main"}
html_theme_options |= {"source_directory": "docs/", "top_of_page_buttons": []}

# Checked by `make docs EXTERNAL=1` only, since that needs the internet.
linkcheck_timeout = 20
linkcheck_anchors = False


def link_by_name(app: Sphinx, env: BuildEnvironment, node: Element, shown: TextElement) -> Element | None:
    """Return the link to a class that is documented under another module than the one that holds it.

    Annotations say where a class is written, such as `hmcos.plan.plan.Plan`, and the reference calls it
    `hmcos.Plan`.
    """
    if node.get("refdomain") != "py" or not str(node["reftarget"]).startswith("hmcos."):
        return None
    domain = cast("PythonDomain", env.get_domain("py"))
    name = str(node["reftarget"]).rsplit(".", 1)[-1]
    places = [
        full for full in domain.objects if full.rsplit(".", 1)[-1] == name and full != node["reftarget"]
    ]
    classes = [full for full in places if domain.objects[full].objtype == "class"]
    if len(classes) != 1:
        return None
    source = str(node.get("refdoc", env.docname))
    target = dict(node.attributes) | {"reftarget": classes[0]}
    return domain.resolve_xref(env, source, app.builder, "class", classes[0], _like(node, target), shown)


def _like(node: Element, attributes: dict[str, Any]) -> Any:
    made = node.copy()
    made.attributes.update(attributes)
    return made


def keep_colons(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Put back the words before a colon that napoleon takes for the type of an attribute."""
    mark = ":type: "
    for number, line in enumerate(lines):
        if what in ("attribute", "property") and line.startswith(mark):
            del lines[number]
            lines[0] = f"{line.removeprefix(mark)}: {lines[0]}"
            return


def setup(app: Sphinx) -> None:
    """Connect what this project adds to Sphinx."""
    app.connect("missing-reference", link_by_name)
    app.connect("autodoc-process-docstring", keep_colons, priority=600)
