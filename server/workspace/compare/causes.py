"""Why nodes are red now: the earliest changes among what they read, the likeliest first. A pure function.

An asset's change is a cause only if it is its own, such as of its code or of data from outside the DAG, and if what it
writes has changed, and so has everything on a way from there to the red node. So a change of code that changes no row
is none, and a table that differs because its upstreams do is none either.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dagscope.server.workspace.compare.changes import AssetChanges, TestChange
from dagscope.server.workspace.compare.executions import RanTest
from dagscope.server.workspace.compare.own_changes import (
    Cause,
    CauseKind,
    from_outside,
    lines_of,
    own_changes,
    what_it_wrote,
)


@dataclass(frozen=True)
class Red:
    """A red node, or a red root test where `asset` is "", with its causes, and a sentence about them."""

    asset: str
    tests: tuple[str, ...]
    message: str
    sentence: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True)
class RedRootTest:
    """A root test that failed, and what has changed of it."""

    test: RanTest
    change: TestChange | None


def causes_of_red(
    changes: Mapping[str, AssetChanges],
    upstreams: Mapping[str, Sequence[str]],
    root_tests: Sequence[RedRootTest] = (),
    reads: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Red, ...]:
    """The red nodes in the order of `changes`, which is that of the DAG, and then the red root tests.

    `upstreams` are those of each asset, `reads` the assets that each data test refers to.
    """
    search = _Search(changes, upstreams, reads or {})
    nodes = [search.red_node(change) for change in changes.values() if change.after and change.after.is_red]
    return (*nodes, *(search.red_root_test(test) for test in root_tests))


class _Search:
    def __init__(
        self,
        changes: Mapping[str, AssetChanges],
        upstreams: Mapping[str, Sequence[str]],
        reads: Mapping[str, Sequence[str]],
    ) -> None:
        self._changes, self._upstreams, self._reads = changes, upstreams, reads
        self._order = {asset: place for place, asset in enumerate(changes)}
        self._changed: dict[str, bool] = {}

    def red_node(self, change: AssetChanges) -> Red:
        after = change.after
        assert after is not None
        red_tests = [test for test in after.tests if test.is_red]
        if not red_tests:
            text = change.after.code.sql if change.after and change.after.code else ""
            causes = self._ranked(self._origins([change.asset], is_failed=True), text + after.message)
            return Red(change.asset, (), after.message, self._sentence(causes, [change.asset], ()), causes)
        found = list(_changed_tests(change.tests, change.asset))
        roots = [change.asset, *(asset for test in red_tests for asset in self._reads.get(test.name, ()))]
        found += self._origins(roots)
        causes = self._ranked(found, " ".join(_text(test) for test in red_tests))
        names = tuple(test.name for test in red_tests)
        return Red(change.asset, names, after.message, self._sentence(causes, roots, red_tests), causes)

    def red_root_test(self, root: RedRootTest) -> Red:
        found = list(_changed_tests([root.change] if root.change else [], ""))
        roots = list(self._reads.get(root.test.name, ()))
        causes = self._ranked([*found, *self._origins(roots)], _text(root.test))
        return Red("", (root.test.name,), root.test.error, self._sentence(causes, roots, [root.test]), causes)

    def _sentence(self, causes: Sequence[Cause], roots: Sequence[str], tests: Sequence[RanTest]) -> str:
        if causes:
            return causes[0].sentence
        unknown = [root for root in roots if (change := self._changes.get(root)) and not change.is_known]
        if unknown:
            return f"the cause is not known: too little is recorded of {unknown[0]}"
        if not tests:
            return "nothing changed: it failed because of time, order, chance, or something outside the DAG"
        return "nothing changed: the test depends on time, order or chance"

    # -- origins

    def _origins(self, roots: Iterable[str], is_failed: bool = False) -> list[Cause]:
        """The own changes of the assets and of all that they read, as far as changed rows lead."""
        causes: list[Cause] = []
        waiting = deque(dict.fromkeys(roots))
        readers: dict[str, str] = {}
        seen = set(waiting)
        first = frozenset(waiting)
        while waiting:
            asset = waiting.popleft()
            change = self._changes.get(asset)
            if change is None:
                continue
            if (asset in first and is_failed) or self._has_changed(asset):
                told = self._own(change, writes=not (asset in first and is_failed))
                causes += (self._with_reader(cause, readers.get(asset)) for cause in told)
            for upstream in self._upstreams.get(asset, ()):
                if upstream not in seen and self._has_changed(upstream):
                    seen.add(upstream)
                    readers[upstream] = asset
                    waiting.append(upstream)
        return causes

    def _with_reader(self, cause: Cause, reader: str | None) -> Cause:
        """What speaks for a view, of whose rows nothing is known, is what was made of them."""
        change = self._changes.get(reader or "")
        if cause.evidence or change is None or change.same_rows is not False:
            return cause
        return _with(cause, f"{reader}, which reads it, has other rows")

    def _has_changed(self, asset: str) -> bool:
        """Whether the rows or columns that it leaves differ; if that is not known, whether they may."""
        waiting = [asset]
        while waiting:  # no recursion: a DAG can be a chain of thousands
            name = waiting[-1]
            if name in self._changed:
                waiting.pop()
                continue
            known = self._is_changed(name)
            missing = (
                [] if known is not None else [up for up in self._upstreams.get(name, ()) if up not in self._changed]
            )
            if missing:
                waiting += missing
                continue
            if known is None:
                known = any(self._changed[upstream] for upstream in self._upstreams.get(name, ()))
            self._changed[name] = known
        return self._changed[asset]

    def _is_changed(self, asset: str) -> bool | None:
        """None if its upstreams decide, as those of a view."""
        change = self._changes.get(asset)
        if change is None or change.after is None:
            return False
        if change.before is None or change.columns or change.same_rows is False:
            return True
        if change.same_rows is True:
            return False
        return True if change.has_other_code or change.upstreams else None

    def _own(self, change: AssetChanges, writes: bool) -> Iterator[Cause]:
        """What has changed of the asset itself."""
        if change.before is None:
            yield Cause(CauseKind.NEW, change.asset, f"{change.asset} is new", ())
            return
        evidence = tuple(what_it_wrote(change)) if writes else ()
        found = tuple(own_changes(change))
        for kind, text in found:
            yield Cause(kind, change.asset, f"{change.asset}: {text}", evidence)
        if found or not writes or not change.is_known:
            return
        reads = self._upstreams.get(change.asset, ())
        if any(self._has_changed(upstream) for upstream in reads):
            return
        elsewhere = [upstream for upstream in change.upstreams if upstream not in self._changes]
        for upstream in elsewhere:
            sentence = f"{upstream}: it has other rows, although this task did not execute it"
            yield Cause(CauseKind.DATA, upstream, sentence, evidence)
        if not elsewhere:
            yield from_outside(change, bool(reads), evidence)

    # -- ranking

    def _ranked(self, causes: Iterable[Cause], text: str) -> tuple[Cause, ...]:
        """The likeliest first: those whose changed lines name columns of the failing test; then the earliest."""
        words = _words(text)
        scored = []
        for cause in dict.fromkeys(causes):
            shared = sorted(words & self._changed_words(cause))
            score = _WEIGHT[cause.kind] + (2 if shared else 0)
            told = _with(cause, f"what changed and what failed both name {', '.join(shared[:3])}") if shared else cause
            scored.append((-score, self._order.get(cause.asset, -1), told))
        ranked = _once_for_settings(cause for *_, cause in sorted(scored, key=lambda item: item[:2]))
        if len(ranked) == 1:
            return (_with(ranked[0], "nothing else that it reads has changed by itself"),)
        return tuple(ranked)

    def _changed_words(self, cause: Cause) -> frozenset[str]:
        change = self._changes.get(cause.asset)
        if change is None or cause.kind is CauseKind.TEST:
            return frozenset()
        own = {column.name.lower() for column in (change.after.columns or ())} if change.after else set()
        if change.before:
            own |= {column.name.lower() for column in (change.before.columns or ())}
        if cause.kind is CauseKind.SQL and change.source:
            return _words(change.source.changed_lines) & own
        if cause.kind is CauseKind.SCHEMA:
            columns = change.columns
            return frozenset(
                each.name.lower() for group in (columns.added, columns.removed, columns.retyped) for each in group
            )
        return frozenset()


_WEIGHT = {
    CauseKind.TEST: 5,
    CauseKind.SQL: 5,
    CauseKind.SCHEMA: 5,
    CauseKind.PARAMETER: 4,
    CauseKind.SETTING: 4,
    CauseKind.NEW: 4,
    CauseKind.DATA: 3,
    CauseKind.CLOCK: 3,
    CauseKind.CHANCE: 3,
    CauseKind.ORDER: 2,
}

_WORD = re.compile(r"[A-Za-z_]\w*")


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))


def _text(test: RanTest) -> str:
    return test.code.source if test.code else ""


def _once_for_settings(causes: Iterable[Cause]) -> list[Cause]:
    """A setting changes for all assets of a connection at once: only the first of them is named."""
    kept, said = [], set[str]()
    for cause in causes:
        what = cause.sentence.partition(": ")[2] if cause.kind is CauseKind.SETTING else cause.sentence
        if what not in said:
            said.add(what)
            kept.append(cause)
    return kept


def _with(cause: Cause, evidence: str) -> Cause:
    return replace(cause, evidence=(*cause.evidence, evidence))


def _changed_tests(changes: Iterable[TestChange], asset: str) -> Iterator[Cause]:
    for change in changes:
        if change.after is None or not change.after.is_red:
            continue
        if change.code is not None:
            sentence = f"data test {change.name}: its SQL changed ({lines_of(change.code)})"
            yield Cause(CauseKind.TEST, asset, sentence, (), change.name)
        elif change.before is None:
            yield Cause(CauseKind.TEST, asset, f"data test {change.name} is new", (), change.name)
