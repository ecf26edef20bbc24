"""The server hears of every secret that redaction learns."""

from dagscope.dag.process.learned_secrets import LearnedSecrets
from dagscope.dag.redaction.redaction import Redaction


def test_what_is_new() -> None:
    """A secret is returned once, also if a task learns it on a project that was loaded again meanwhile."""
    secrets, first, second = LearnedSecrets(), Redaction(["known-before"]), Redaction()
    secrets.watch(first)
    assert secrets.taken() == ()
    first.learn_all(["hunter2"])
    assert secrets.taken() == ("hunter2",)
    secrets.watch(second)
    first.learn_all(["of-the-first"])
    second.learn_all(["of-the-second"])
    assert sorted(secrets.taken()) == ["of-the-first", "of-the-second"]
    assert secrets.taken() == ()
    assert secrets.newest is second
