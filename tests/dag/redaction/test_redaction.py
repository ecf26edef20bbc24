"""Text that is safe to show."""

from decimal import Decimal
from typing import Any

import pytest

from dagscope.dag.redaction.redaction import Redaction


def test_secrets_are_hidden() -> None:
    """Every secret is hidden, wherever it occurs, and nothing else."""
    redaction = Redaction(["hunter2", "s3cr3t"])
    assert redaction.text("hunter2, key=s3cr3t; xhunter2x") == "***, key=***; x***x"
    assert redaction.text("nothing to hide") == "nothing to hide"


def test_secret_within_another() -> None:
    """A secret that contains another one is hidden completely."""
    assert Redaction(["pass", "password1"]).text("password1 pass") == "*** ***"


def test_secret_of_few_characters() -> None:
    """A value of fewer than four characters is not hidden: hiding each `1` would make texts unreadable."""
    assert Redaction(["1", "abc"]).text("1 row, abc") == "1 row, abc"


@pytest.mark.parametrize("shown", ["pa'ss\"wo\\rd", "pa''ss\"wo\\rd", "PA'SS\"WO\\RD", "pa'ss\\\"wo\\\\rd"])
def test_secret_as_others_write_it(shown: str) -> None:
    """A secret is also hidden if it is quoted for SQL or JSON, or if a database writes it in capitals."""
    assert Redaction(["pa'ss\"wo\\rd"]).text(f"refused: {shown}.") == "refused: ***."


def test_text_that_is_not_unicode() -> None:
    """An unpaired surrogate, which no encoder accepts, is shown as `?`."""
    assert Redaction().text("Gr\u00f6\u00dfe \ud800") == "Gr\u00f6\u00dfe ?"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (12345678901234567890, 12345678901234567890),
        (1.5, 1.5),
        (float("nan"), "NaN"),
        (Decimal("1.10"), 1.1),
        ("key hunter2", "key ***"),
        (["hunter2", {"hunter2": b"text"}], ["***", {"***": "dGV4dA=="}]),
        ({1: (2, 3)}, {"1": [2, 3]}),
    ],
)
def test_values(value: Any, shown: Any) -> None:
    """A value becomes plain JSON data with all strings redacted, including keys."""
    assert Redaction(["hunter2"]).value(value) == shown


def test_value_without_a_json_form() -> None:
    """A value that has no JSON form is shown as its redacted repr."""
    assert Redaction(["hunter2"]).value({"who": {"hunter2": 1j}}) == "{'who': {'***': 1j}}"


def test_value_without_a_text() -> None:
    """A value that not even Python can represent is shown as its type and the reason."""
    shown = Redaction().value([10**5_000])
    assert shown.startswith("<list: Exceeds the limit (4300 digits) for integer string conversion")
    endless: list[Any] = []
    endless.append([endless])
    assert Redaction().value(endless) == "[[[...]]]"


@pytest.mark.parametrize("secret", ["1234", "true", "null", '":"x', "[1, "])
def test_secret_that_looks_like_json(secret: str) -> None:
    """A secret that is also a piece of JSON is hidden in strings only: numbers, words and structure stay."""
    value = {"amount": 1234.5, "sure": True, "list": [1, None], "said": f"it is {secret}!"}
    assert Redaction([secret]).value(value) == {**value, "said": "it is ***!"}


def test_secret_that_json_escapes() -> None:
    """A secret with quotes or backslashes is hidden in values as well."""
    secret = 'pa"ss\\wo\nrd'
    assert Redaction([secret]).value({"said": f"it is {secret}!"}) == {"said": "it is ***!"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ATTACH 'postgres://ann:hunter2@db/shop'", "ATTACH 'postgres://ann:***@db/shop'"),
        ("ATTACH 'postgres://ann@db/shop?password=hunter2&x=1'", "ATTACH 'postgres://ann@db/shop?password=***&x=1'"),
        ("ATTACH 'host=db password=hunter2 user=ann'", "ATTACH 'host=db password=*** user=ann'"),
        ("ATTACH 'host=db password = hunter2'", "ATTACH 'host=db password = ***'"),
        ("ATTACH 'host=db password=''hunt er2'''", "ATTACH 'host=db password=''***'''"),
        ("ATTACH 'f.db' (ENCRYPTION_KEY 'hunter2')", "ATTACH 'f.db' (ENCRYPTION_KEY '***')"),
        ("SET s3_secret_access_key = 'hunter2'", "SET s3_secret_access_key = '***'"),
        ("CREATE ROLE ann PASSWORD 'hunter2'", "CREATE ROLE ann PASSWORD '***'"),
        (
            "CREATE OR REPLACE SECRET s (TYPE s3, KEY_ID 'k', SECRET 'a''b)', REGION 'eu', NEW_OPTION $$x$$)",
            "CREATE OR REPLACE SECRET s (TYPE s3, KEY_ID '***', SECRET '***', REGION 'eu', NEW_OPTION $$***$$)",
        ),
        (
            "CREATE SECRET (TYPE http, EXTRA_HTTP_HEADERS MAP {'Authorization': 'Bearer x'}, SCOPE 's')",
            "CREATE SECRET (TYPE http, EXTRA_HTTP_HEADERS MAP {'***': '***'}, SCOPE 's')",
        ),
        ("CREATE ROLE ann PASSWORD E'hunt\\'er2'; --'", "CREATE ROLE ann PASSWORD E'***'; --'"),
        (
            "CREATE SECRET (TYPE s3, /* a /* b */ ( */ NIX 'x'), 'y'",
            "CREATE SECRET (TYPE s3, /* a /* b */ ( */ NIX '***'), 'y'",
        ),
        ("set Session my.s3_token to 'hunter2'", "set Session my.s3_token to '***'"),
        ("İİ PASSWORD 'hunter2', İ", "İİ PASSWORD '***', İ"),
        ("PASSWORD 'password=x host=\"y\"' z", "PASSWORD '***' z"),
    ],
)
def test_secrets_by_their_place(text: str, shown: str) -> None:
    """A secret that its position in a text reveals is hidden, and nothing next to it."""
    assert Redaction().text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "SELECT secret, token FROM keys WHERE a.password = b.password AND kind = 'secret'",
        "CREATE SECRET s (TYPE s3, SECRET '{{ ENV(\"S3_SECRET\") }}')",
        "http://localhost:8080/api?taskId=a@b",
        'SELECT password "Password", token "Token" FROM users',
        "SET allow_persistent_secrets = 'false'",
        "SET secret_directory = 'here'",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    """Columns with a secret's name, templates that use a secret, and addresses without one are shown."""
    assert Redaction().text(text) == text


@pytest.mark.parametrize("quote", ["'", "E'", "$$", "$tag$"])
def test_a_secret_that_is_not_closed(quote: str) -> None:
    """If the end of a secret is missing, everything after it is hidden, also in a database's quotation."""
    redaction = Redaction()
    text = f"CREATE ROLE ann PASSWORD {quote}hunter2 and more\n"
    redaction.learn(text)
    assert redaction.text(text) == f"CREATE ROLE ann PASSWORD {quote}***"
    assert redaction.text('unterminated at "hunter2 and more"') == 'unterminated at "***"'


def test_many_secrets() -> None:
    """Each of thousands of secrets is hidden; if two start at the same place, the longer one."""
    redaction = Redaction(f"secret-{number}" for number in range(5_000))
    assert redaction.text("Secret-1, secret-4999, secret-49990, secret-x") == "***, ***, ***0, secret-x"


def test_secret_that_is_not_unicode() -> None:
    """A secret with an unpaired surrogate is hidden in the form that would be shown."""
    assert Redaction(["hunter\ud800"]).text("login hunter\ud800 refused") == "login *** refused"


def test_words_are_not_learned() -> None:
    """An ordinary word that is an option's value is not hidden elsewhere."""
    redaction = Redaction()
    redaction.learn("CREATE SECRET (TYPE s3, VERIFIED 'true', KEY_ID 'null')")
    redaction.learn("UPDATE users SET password = 'test'")
    assert redaction.text("true, null, test") == "true, null, test"


def test_a_secret_that_was_learned() -> None:
    """A secret of one text is hidden in others, whole or truncated in the line that a database quotes."""
    redaction = Redaction()
    redaction.learn("CREATE SECRET (TYPE s3, SECRET 'hunter2secret')")
    assert redaction.text('near "hunter2secret"') == 'near "***"'
    quoted = "LINE 1: ...ter2secret', nix FROM nix WHERE x = 'hunter2sec...\n   ^"
    assert redaction.text(quoted) == "LINE 1: ...***', nix FROM nix WHERE x = '***...\n   ^"
