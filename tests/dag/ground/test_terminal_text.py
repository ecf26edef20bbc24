"""Untrusted text on a terminal."""

import random
import unicodedata

import pytest

from dagscope.dag.ground.terminal_text import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31mred", r"\x9b31mred"),
        ("\x1b]52;c;cm0gLXJmIC8=\x07", r"\x1b]52;c;cm0gLXJmIC8=\x07"),
        ("user\u202etxt.exe", r"user\u202etxt.exe"),
        ("\u2066a\u2069", r"\u2066a\u2069"),
        ("Total events: 0\rTotal events: 9", r"Total events: 0\rTotal events: 9"),
        ("one\ntwo\ttabbed", r"one\ntwo\ttabbed"),
        ("del\x7f nul\x00 bel\x07", r"del\x7f nul\x00 bel\x07"),
        ("a\u2028b\u2029c\u0085d", r"a\u2028b\u2029c\x85d"),
        ("\U000e0041tag", r"\U000e0041tag"),
        ("\ud800lone", r"\ud800lone"),
        ("é 世界 👩\u200d🚀 \xa0", "é 世界 👩\u200d🚀 \xa0"),
    ],
)
def test_shown(text: str, expected: str) -> None:
    """Characters that a terminal would act on become escapes, and every script and emoji stays unchanged."""
    assert shown(text) == expected


def test_fuzz() -> None:
    """No text, whatever its characters, keeps a character that a terminal acts on."""
    chance = random.Random(4)
    for _ in range(500):
        text = "".join(chr(chance.choice((chance.randrange(0x100), chance.randrange(0x110000)))) for _ in range(50))
        left = {unicodedata.category(character) for character in shown(text) if character not in "\u200c\u200d"}
        assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
