"""SeqDesk's operational heartbeat (document 000): one small JSON object in which every field is enumerated."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec

from homing.outcomes import OUTCOMES, Refusal, Verdict
from homing.ping import UPDATE_STATE, Ping
from homing.server.dialects.base import Answer, Dialect, Reading, Request, decode, read_as, refused, told

DATABASE: Final = "database"
NODE: Final = "node"
TOKEN_HEADER: Final = "x-seqdesk-telemetry-token"  # noqa: S105 - the name of a header
PROTOCOL: Final = 1

_Text = Annotated[str, msgspec.Meta(max_length=1000)]


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    """Every object of the heartbeat names all of its keys."""


class _InstallProfile(_Part):
    id: _Text | None
    version: _Text | None


class _Update(_Part):
    available: bool
    latestVersion: _Text | None


class _Database(_Part):
    provider: Literal["postgresql", "sqlite", "unknown"]


class _Runtime(_Part):
    platform: _Text
    arch: _Text
    nodeMajor: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None


class _Heartbeat(_Part):
    protocolVersion: int
    instanceId: str
    runningVersion: _Text
    installedVersion: _Text
    installProfile: _InstallProfile
    update: _Update
    database: _Database
    runtime: _Runtime


_strict: Final = msgspec.json.Decoder(_Heartbeat)

KEYS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset(_Heartbeat.__struct_fields__),
    "installProfile": frozenset(_InstallProfile.__struct_fields__),
    "update": frozenset(_Update.__struct_fields__),
    "database": frozenset(_Database.__struct_fields__),
    "runtime": frozenset(_Runtime.__struct_fields__),
}
"""The keys of the heartbeat (under "") and of each object in it. All others are dropped before storing."""


class SeqDesk(Dialect):
    """Reads heartbeats; the answer's body is of no interest to the sender."""

    name = "seqdesk"
    paths = ("/api/telemetry/heartbeat",)
    dimensions = frozenset({DATABASE, NODE})

    def read(self, request: Request) -> Reading:
        """Return the one ping of a heartbeat."""
        token = request.headers.get(TOKEN_HEADER, "").strip()
        if not token:
            raise Refusal("token_missing", "Send the header X-SeqDesk-Telemetry-Token.")
        heartbeat, dropped = _read(request.body)
        if heartbeat.protocolVersion != PROTOCOL:
            raise Refusal("protocol_version")
        return Reading((_ping(request, heartbeat, sha256(token.encode()).hexdigest()),), dropped)

    def answer(self, _reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return 200, or the refusal of the one ping."""
        [verdict] = verdicts
        return refused(verdict) if isinstance(verdict, Refusal) else _ANSWERS[verdict.name]


_ANSWERS: Final[Mapping[str, Answer]] = {
    name: Answer(row.status, msgspec.json.encode(told(row))) for name, row in OUTCOMES.items()
}


def _read(body: bytes) -> tuple[_Heartbeat, int]:
    """Return the heartbeat and the number of keys dropped.

    Real senders send exactly the documented keys, and that is read in one pass; anything else is looked at closely.
    """
    heartbeat = read_as(_strict, body)
    if heartbeat is not None:
        return heartbeat, 0
    value = decode(body)
    dropped = _drop_unknown(value) if isinstance(value, dict) else 0
    try:
        return msgspec.convert(value, _Heartbeat), dropped
    except msgspec.ValidationError as error:
        raise Refusal("shape", f"{error}.") from error


def _drop_unknown(heartbeat: dict[str, Any]) -> int:
    dropped = 0
    for name, keys in KEYS.items():
        part = heartbeat.get(name) if name else heartbeat
        if isinstance(part, dict):
            for key in part.keys() - keys:
                del part[key]
                dropped += 1
    return dropped


def _ping(request: Request, heartbeat: _Heartbeat, credential: str) -> Ping:
    runtime = heartbeat.runtime
    dimensions = {
        "version": heartbeat.runningVersion,
        "platform": runtime.platform,
        "arch": runtime.arch,
        UPDATE_STATE: "outdated" if heartbeat.update.available else "latest",
        DATABASE: heartbeat.database.provider,
    }
    if runtime.nodeMajor is not None:
        dimensions[NODE] = str(runtime.nodeMajor)
    profile, update = heartbeat.installProfile, heartbeat.update
    properties = {
        "protocolVersion": heartbeat.protocolVersion,
        "installedVersion": heartbeat.installedVersion,
        "installProfile": {"id": profile.id, "version": profile.version},
        "update": {"available": update.available, "latestVersion": update.latestVersion},
    }
    instance, received = heartbeat.instanceId, request.received
    return Ping(request.app, instance, "heartbeat", received, received, None, dimensions, properties, credential)
