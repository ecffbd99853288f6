from __future__ import annotations

from hmcos.report.dot import Html, cluster, digraph, edge, node, quoted


def test_any_name_is_one_string() -> None:
    assert quoted('a "b" \\ c') == '"a \\"b\\" \\\\ c"'
    assert quoted("two\nlines") == '"two\\nlines"'
    assert quoted("bell \x07") == '"bell \\\\x07"'


def test_only_what_is_marked_is_html() -> None:
    assert node("a", {"label": "<b>"}) == '"a" [label="<b>"];'
    assert node("a", {"label": Html("<B>x</B>")}) == '"a" [label=<<B>x</B>>];'


def test_statements_nest() -> None:
    inner = cluster("c", [node("a", {}), edge("a", "b", {"penwidth": 1.5})], {"label": "cell"})
    assert digraph([inner], {"node": {"shape": "box"}}) == (
        'digraph {\nnode [shape="box"];\nsubgraph "cluster_c" {\nlabel="cell";\n"a";\n'
        '"a" -> "b" [penwidth=1.5];\n}\n}\n'
    )
