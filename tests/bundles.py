"""Bundles for tests, also such as dagscope does not write, and the server that shows one."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from dagscope.storage.bundle_file import MANIFEST
from tests.doors import DAGSCOPE, ServerDoor
from tests.projects import block, model

PROJECT = {
    model("staging.orders"): block("tests: [{name: paid}]\nprimary_key_fields: [id]")
    + "SELECT range AS id, range % 7 AS price FROM range(100)",
    model("mart.sums"): block("is_data_framed: true")
    + 'SELECT price, count(*) AS n FROM {{ Ref("staging.orders") }} GROUP BY price ORDER BY price',
    "assets/models/mart/total.py": "def execute(context):\n    return {'total': 100}\n",
    "assets/tests/staging/paid.sql": 'SELECT * FROM {{ Ref("staging.orders") }} WHERE price < 0',
    "README.md": "# Orders\n",
}
"""Two SQL models, of which one hands on a frame, a raw asset and a data test."""

CHEAPER = PROJECT[model("staging.orders")].replace("range % 7", "range % 7 - 1")
"""`staging.orders` with rows that fail its test."""


class OpenedBundle(ServerDoor):
    """A real `dagscope open` process, which unpacks beside the bundle."""

    @property
    def command(self) -> list[str]:
        return ["env", f"TMPDIR={self.folder.parent}", DAGSCOPE, "open", str(self.folder), *self.options]


OpenBundle = Callable[[Path], OpenedBundle]
"""Opens the bundle in a file with `dagscope open`."""


def members_of(bundle: bytes) -> dict[str, bytes]:
    """The members of a bundle by name."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def bundle_of(members: Mapping[str, bytes], **said: Any) -> bytes:
    """A bundle of these members. Its manifest says what they are, except what is `said` instead."""
    manifest = json.loads(members[MANIFEST]) | {
        "members": {
            name: {"bytes": len(content), "digest": blake2b(content, digest_size=20).hexdigest()}
            for name, content in members.items()
            if name != MANIFEST
        }
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (dict(members) | {MANIFEST: json.dumps(manifest | said).encode()}).items():
            archive.writestr(name, content)
    return written.getvalue()


def saved(folder: Path, bundle: bytes) -> Path:
    """The bundle as a file."""
    file = folder / "received.dagscope"
    file.write_bytes(bundle)
    return file
