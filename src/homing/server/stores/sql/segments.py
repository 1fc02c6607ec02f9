"""Where segments stand, and the rows they are kept in."""

from typing import Any, NamedTuple

from homing.server.counting.segment import Segment, encode


class Place(NamedTuple):
    """Where a page stands; labels stand on `EVERY_DAY`."""

    app: int
    day: int
    bucket: int


def row_of(place: Place, segment: Segment, *, owner: int, seq: int) -> dict[str, Any]:
    """Return the row of what an owner's commit of that number adds to a place."""
    blob = encode(segment)
    return {"owner": owner, **place._asdict(), "first": seq, "last": seq, "size": len(blob), "blob": blob}
