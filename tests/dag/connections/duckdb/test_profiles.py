"""DuckDB's profile of a statement as a tree of operators."""

from dagscope.dag.connections.duckdb.profiles import profile_tree


def test_a_deep_plan_is_cut() -> None:
    """A plan that is nested deeper than a client can show ends where it is cut."""
    operator: dict[str, object] = {"type": "LAST"}
    for _ in range(500):
        operator = {"type": "UNION", "children": [operator]}
    tree, depth = profile_tree({"operator": [operator]}), 0
    while tree is not None and tree.children:
        tree, depth = tree.children[0], depth + 1
    assert depth == 100


def test_a_profile_without_operators() -> None:
    """What is no profile, and a profile of a statement that has no plan, has no tree."""
    assert [profile_tree(profile) for profile in (None, [], {}, {"operator": []})] == [None] * 4
