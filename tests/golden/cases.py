"""The golden cases: one file is one request to the receiver, its answer, and the pings it became.

- about: what the case shows, in one sentence
- app: `dimensions` that the app declares; `retired`
- before: requests that were answered earlier, none of which is looked at
- request: `method` (POST), `path`, `headers`, and the body as one of `json`, `text`, `hex`, or `parts`, which is pairs
  of a text and how often it stands there; `{key}` is the app's key, `{read_key}` one to read with, also in a text
- hook: what the app's webhook is made with, whose address is then `{hook}`
- answer: `status` and `json`, which is left out where the answer is empty
- pings: what was stored, in order; a number where only their number matters
- dropped: how many unknown keys were dropped before storing
- outcomes: what became of the pings or of the request, in alphabetical order, where the answer does not name it
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.clock import iso_time
from homing.ping import Ping
from homing.server.ingest.steps import ADDRESS

HERE: Final = Path(__file__).parent

FOLDERS: Final = tuple(sorted(path.name for path in HERE.iterdir() if any(path.glob("*.json"))))
"""What has cases."""

WEBHOOK: Final = "webhook"
DIALECTS: Final = tuple(name for name in FOLDERS if name != WEBHOOK)
"""The dialects among them that have a protocol, and so a page of their own."""


class Case(NamedTuple):
    """One golden case."""

    name: str
    about: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any]
    pings: Sequence[Mapping[str, Any]] | int
    app: Mapping[str, Any]
    before: Sequence[Mapping[str, Any]]
    dropped: int
    outcomes: Sequence[str]
    hook: Mapping[str, Any] | None

    @property
    def named(self) -> list[str]:
        """What became of each ping, or of the request."""
        if self.outcomes:
            return sorted(self.outcomes)
        told = self.answer["json"]
        return sorted(each["outcome"] for each in told.get("results", [told]) if "outcome" in each)


def cases(dialect: str) -> list[Case]:
    """Read every case of a dialect."""
    return [_case(path) for path in sorted((HERE / dialect).glob("*.json"))]


def _case(path: Path) -> Case:
    rest = {"app": {}, "before": [], "pings": [], "dropped": 0, "outcomes": [], "hook": None}
    return Case(name=path.stem, **{**rest, **json.loads(path.read_text(encoding="utf-8"))})


def body_of(request: Mapping[str, Any]) -> bytes:
    """Return the body of a case's request."""
    if "json" in request:
        return json.dumps(request["json"], separators=(",", ":")).encode()
    if "hex" in request:
        return bytes.fromhex(request["hex"])
    if "parts" in request:
        return b"".join(text.encode() * times for text, times in request["parts"])
    return str(request.get("text", "")).encode()


def told(ping: Ping) -> dict[str, Any]:
    """Return a ping as it stands in a case: what it lacks is left out, and the hash of the sender's address."""
    fields = {
        "instance": ping.instance,
        "kind": ping.kind,
        "at": iso_time(ping.at),
        "id": ping.id,
        "dimensions": dict(ping.dimensions),
        "properties": {name: value for name, value in ping.properties.items() if name != ADDRESS},
        "credential": ping.credential,
    }
    return {name: value for name, value in fields.items() if value is not None}
