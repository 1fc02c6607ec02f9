"""Functions that an application may give as values: each finds its answer anew at every send."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

PROVIDERS: Final = {"postgres": "postgresql", "postgresql": "postgresql", "file": "sqlite", "sqlite": "sqlite"}
"""Kinds of databases by the beginning of their URLs."""


def version_on_disk(path: Path | str) -> Callable[[], str]:
    """Return a function that reads a version from a file: `version` of a JSON object, else the file's only line."""

    def read() -> str:
        text = Path(path).read_text(encoding="utf-8").strip()
        if not text.startswith("{"):
            return text
        import json

        return str(json.loads(text)["version"])

    return read


def provider_of(url: Any) -> str:
    """Return the kind of the database behind a URL: postgresql, sqlite or unknown. Nothing else of it is told."""
    scheme, colon, _rest = str(url).partition(":")
    # Drivers stand behind a plus: postgresql+psycopg.
    return PROVIDERS.get(scheme.partition("+")[0].lower(), "unknown") if colon else "unknown"
