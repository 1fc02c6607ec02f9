"""Sirveo's event (document 001): the enumerated fields, and a checksum of the others."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from homing.sdk.endpoint import Endpoint
from homing.sdk.payload import SWITCH, TEXT, Moment, Row, untold
from homing.sdk.wire.base import Credentials, go_arch, go_system, instance, kind, version

CHECKSUM: Final = "checksum"
CHECKSUM_CHARACTERS: Final = 16


def checksum(fields: Mapping[str, Any]) -> str:
    """Return the checksum of all other fields: the beginning of SHA-256 over their canonical JSON."""
    import json

    others = {name: value for name, value in fields.items() if name != CHECKSUM}
    canonical = json.dumps(others, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()[:CHECKSUM_CHARACTERS]


def _key_hash(moment: Moment) -> str | None:
    licence = moment.licence
    return sha256(licence.key.encode()).hexdigest() if licence and licence.key else None


def _is_valid(moment: Moment) -> bool:
    return moment.licence is not None and moment.licence.is_valid


def _custom_id(moment: Moment) -> str | None:
    return moment.identifier or None


def _later(_moment: Moment) -> str:
    return "0" * CHECKSUM_CHARACTERS


ROWS: Final = (
    Row("build_version", TEXT, "The version that runs.", "0.1.0", version, may_be_told=True),
    Row("build_commit", TEXT, "The commit it was built from.", "4379644", untold, may_be_told=True),
    Row("build_time", TEXT, "When it was built.", "2024-02-16T23:06:23+02:00", untold, may_be_told=True),
    Row("build_mode", TEXT, "How it was built.", "licenced", untold, may_be_told=True),
    Row("build_os", TEXT, "The system it was built for.", "linux", go_system, may_be_told=True),
    Row("build_arch", TEXT, "The processor it was built for.", "amd64", go_arch, may_be_told=True),
    Row(
        "instance_id",
        TEXT,
        "Tells servers apart: a random UUID, made when the server first starts.",
        "4915a241-ba4e-4cfc-b1b2-3bb2b5a1c0de",
        instance,
    ),
    Row(
        "license_key_hash",
        TEXT,
        "SHA-256 of the licence's key; left out where no licence is configured.",
        "e88394fedd7157c0b9b8f7ac8e0b1f6f1e6cc8a2d3b3e8e1f70a9a5a6c1d2e3f",
        _key_hash,
        is_optional=True,
    ),
    Row("license_valid", SWITCH, "Whether the server holds its licence for valid.", example=True, probe=_is_valid),
    Row("reason", TEXT, "Why it was sent.", "begin", kind),
    Row(CHECKSUM, TEXT, "Made of the other values.", "e7916a6b1daa5149", _later),
    Row(
        "custom_id",
        TEXT,
        "The operator's name for the server; to the operator's own destination only, and only if one is set.",
        "rack 4",
        _custom_id,
        is_optional=True,
    ),
)


class Sirveo:
    """Sends what Sirveo's receiver, a collector or a webhook read."""

    name = "sirveo"
    rows = ROWS
    is_open = False
    has_id = False

    def target(self, endpoint: Endpoint, _key: str) -> Endpoint:
        """Return the endpoint: it is any URL."""
        return endpoint

    def headers(self, own: Credentials) -> Mapping[str, str]:
        """Return the bearer's token, if there is one."""
        secret = own.bearer or own.key
        return {"Authorization": f"Bearer {secret}"} if secret else {}

    def body(self, pings: Sequence[dict[str, Any]], *, key: str, now: int) -> Any:
        """Return the fields with the checksum of what is left of them."""
        [fields] = pings
        return {**fields, CHECKSUM: checksum(fields)} if CHECKSUM in fields else fields
