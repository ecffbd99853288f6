from __future__ import annotations

from hmcos.report.pictures.dot import Html, digraph, quoted, statement
from hmcos.report.pictures.sketch import Edge, Group, SketchNode


def test_any_name_is_one_string() -> None:
    assert quoted('a "b" \\ c') == '"a \\"b\\" \\\\ c"'
    assert quoted("two\nlines") == '"two\\nlines"'
    assert quoted("bell \x07") == '"bell \\\\x07"'


def test_only_what_is_marked_is_html() -> None:
    assert statement(SketchNode("a", {"label": "<b>"})) == '"a" [label="<b>"];'
    assert statement(SketchNode("a", {"label": Html("<B>x</B>")})) == '"a" [label=<<B>x</B>>];'


def test_statements_nest() -> None:
    inner = statement(Group("c", (SketchNode("a", {}),), {"label": "cell"}))
    arrow = statement(Edge("a", "b", {"penwidth": 1.5}))
    assert digraph([inner, arrow], {"node": {"shape": "box"}}) == (
        'digraph {\nnode [shape="box"];\nsubgraph "cluster_c" {\nlabel="cell";\n"a";\n}\n'
        '"a" -> "b" [penwidth=1.5];\n}\n'
    )
