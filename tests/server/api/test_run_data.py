"""The data of a run, on its way to templates and raw assets."""

from pathlib import Path

from tests.doors import OpenDoor
from tests.projects import model, raw, write_project

NUMBERS = '{"price": 1.10, "long": 0.12345678901234567890123, "large": 1E+3, "tiny": 1e-999999999, "all": [2.50]}'


def test_digits_of_data(tmp_path: Path, opened: OpenDoor) -> None:
    """Numbers of a run's data keep all of their digits, in templates and in raw assets, also in a retry."""
    names = ("price", "long", "large", "tiny", "all")
    sql = "SELECT " + ", ".join(f"'{{{{ param(\"{name}\") }}}}' AS {name}_" for name in names)
    execute = "def execute(context):\n    return context.input['__input__']\n"
    door = opened(write_project(tmp_path, {model("s.a"): sql, raw("s.b"): execute}))
    body = f'{{"taskId": "t", "data": {NUMBERS}}}'
    assert (
        door.request("POST", "/api/dag/run", content=body, headers={"Content-Type": "application/json"}).status_code
        == 200
    )
    for _ in range(2):
        row = door.get("/api/dag/asset/s.a/data").json()["data"][0]
        assert list(row.values()) == ["1.10", "0.12345678901234567890123", "1000", "0.0", "(2.50)"]
        assert '"price":1.10,"long":0.12345678901234567890123' in door.get("/api/dag/asset/s.b/data").text
        door.post("/api/dag/asset/s.a/execute", {"taskId": "t"})
