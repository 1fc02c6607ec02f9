"""Sirveo's event (document 001): what was built, who runs it, and why it is sent. Every field is enumerated."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from homing.outcomes import ACCEPTED, Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import (
    MOST_COMMAS,
    Answer,
    Dialect,
    Headers,
    Reading,
    Request,
    bearer,
    decode,
    read_as,
    refused,
    told,
)

PATH: Final = "/sirveo"
MODE: Final = "build_mode"
LICENCE: Final = "license_valid"
CHECKSUM: Final = "checksum"
MATCHES: Final = "checksum_matches"
CHECKSUM_CHARACTERS: Final = 16


class _Event(msgspec.Struct):
    """What the document lists. Builds differ in what they know of themselves, so most of it may be missing."""

    instance_id: str
    reason: str
    build_version: str | None = None
    build_commit: str | None = None
    build_time: str | None = None
    build_mode: str | None = None
    build_os: str | None = None
    build_arch: str | None = None
    license_key_hash: str | None = None
    license_valid: bool | None = None
    checksum: str | None = None
    custom_id: str | None = None


class _Listed(_Event, forbid_unknown_fields=True):
    """An event that has nothing else."""


_strict: Final[msgspec.json.Decoder[_Event]] = msgspec.json.Decoder(_Listed)

KEYS: Final = frozenset(_Event.__struct_fields__)
"""The keys of an event. All others are dropped before storing."""

PROPERTIES: Final = ("build_commit", "build_time", "license_key_hash", CHECKSUM, "custom_id")
"""The keys that become properties."""


class Sirveo(Dialect):
    """Reads events; the answer's body is of no interest to the sender."""

    name = "sirveo"
    paths = (PATH,)
    open_paths = (PATH,)
    dimensions = frozenset({MODE, LICENCE})

    def key(self, headers: Headers, _query: str) -> str | None:
        """Return the bearer token."""
        return bearer(headers)

    def read(self, request: Request) -> Reading:
        """Return the one ping of an event."""
        event = read_as(_strict, request.body) if len(request.body) <= MOST_COMMAS else None
        if event is not None and not _may_match(event.checksum):
            return Reading((_ping(request, event, matches=False),))
        value = decode(request.body)
        try:
            event = msgspec.convert(value, _Event)
        except msgspec.ValidationError as error:
            raise Refusal("shape", f"{error}.") from error
        return Reading((_ping(request, event, matches=_matches(value)),), len(value.keys() - KEYS))

    def answer(self, _reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return 200, or the refusal of the one ping."""
        [verdict] = verdicts
        if isinstance(verdict, Refusal):
            return refused(verdict)
        return _ACCEPTED if verdict is ACCEPTED else Answer(verdict.status, msgspec.json.encode(told(verdict)))


_ACCEPTED: Final = Answer(ACCEPTED.status, msgspec.json.encode(told(ACCEPTED)))


def _may_match(checksum: str | None) -> bool:
    """Say whether a checksum could be one of Homing's at all: to make it again takes longer than all the rest."""
    return checksum is not None and len(checksum) == CHECKSUM_CHARACTERS


def _matches(event: Mapping[str, Any]) -> bool:
    """Say whether the checksum is that of Homing's sending side.

    It is the beginning of SHA-256 over the other fields as canonical JSON. Sirveo does not say what its own is made of.
    """
    others = {name: value for name, value in event.items() if name != CHECKSUM}
    canonical = msgspec.json.encode(others, order="sorted")
    return event.get(CHECKSUM) == sha256(canonical).hexdigest()[:CHECKSUM_CHARACTERS]


def _ping(request: Request, event: _Event, *, matches: bool) -> Ping:
    found = {
        "version": event.build_version,
        "platform": event.build_os,
        "arch": event.build_arch,
        MODE: event.build_mode,
        LICENCE: None if event.license_valid is None else str(event.license_valid).lower(),
    }
    # Builds that were not told something send it empty.
    dimensions = {name: value for name, value in found.items() if value}
    properties = {name: value for name in PROPERTIES if (value := getattr(event, name)) is not None}
    if event.checksum is not None:
        properties[MATCHES] = matches
    app, received = request.app, request.received
    instance, kind = event.instance_id, event.reason
    return Ping(app, instance, kind, received, received, None, dimensions, properties, is_event=True)
