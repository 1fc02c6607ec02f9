"""The reader's folded pages: a cache bounded in bytes that follows the commits."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from homing.server.counting.page import Page
from homing.server.counting.segment import decode, encode
from homing.server.stores.sql.database import among
from homing.server.stores.sql.schema import head, segment
from homing.server.stores.sql.text import json_list

EMPTY_BYTES: Final = 400
SLACK_BYTES: Final = 1 << 20
ROOMY: Final = 0.9

PageKey = tuple[int, int, int]
"""App, day, bucket."""


class _Held:
    """A page and what it is thought to weigh, in bytes."""

    def __init__(self, page: Page, size: int) -> None:
        self.page = page
        self.size = size
        self.measured = size

    def absorb(self, last: int, blob: bytes) -> None:
        self.page.absorb(last, decode(blob))
        self.size += len(blob)
        if self.size > 2 * self.measured + SLACK_BYTES:
            # Most segments repeat what the page has; once in a while it is weighed anew.
            self.size = self.measured = EMPTY_BYTES + len(encode(self.page.folded))


class Pages:
    """Folded pages of one store, the most recently used ones, as of each owner's mark."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._held: dict[PageKey, _Held] = {}
        self._marks: dict[int, tuple[int, int]] = {}
        self._apps: dict[int, set[int]] = {}

    @property
    def is_full(self) -> bool:
        """Whether the next page may push another one out."""
        return self._bytes > ROOMY * self._most

    def refresh(self, connection: Connection, owner: int) -> tuple[int, int]:
        """Fold in what was committed since the owner's mark; return the new mark and the ordinals dealt so far."""
        found = connection.execute(select(head).where(head.c.owner == owner)).first()
        if found is None:
            return 0, 0
        mark, erasures = self._marks.get(owner, (found.seq, found.erasures))
        if erasures != found.erasures:
            self._forget(owner)
        elif mark != found.seq:
            for row in connection.execute(_SINCE, {"of": owner, "mark": mark}):
                self._follow(row)
        self._marks[owner] = (found.seq, found.erasures)
        return int(found.seq), int(found.ordinals)

    def _forget(self, owner: int) -> None:
        for key in [key for key in self._held if key[0] in self._apps.get(owner, ())]:
            self._drop(key)

    def _follow(self, row: Any) -> None:
        key = (row.app, row.day, row.bucket)
        held = self._held.get(key)
        if held is None:
            return
        if row.first <= held.page.last:
            # Merged with what is folded in already: such a page is read anew.
            self._drop(key)
            return
        before = held.size
        held.absorb(row.last, row.blob)
        self._bytes += held.size - before

    def _drop(self, key: PageKey) -> None:
        self._bytes -= self._held.pop(key).size

    def prepare(self, connection: Connection, owner: int, *, days: Iterable[tuple[int, int]], bucket: int) -> None:
        """Load what is missing of these (app, day) in a bucket, as far as the cache holds it."""
        missing: dict[int, list[int]] = {}
        for app, day in days:
            if (app, day, bucket) not in self._held:
                missing.setdefault(app, []).append(day)
        for app, wanted in missing.items():
            self._apps.setdefault(owner, set()).add(app)
            self._load(connection, app, wanted, bucket)

    def page(self, connection: Connection, app: int, *, day: int, bucket: int) -> Page:
        """Return one page; not to be changed by the caller."""
        key = (app, day, bucket)
        held = self._held.pop(key, None)
        if held is None:
            self._load(connection, app, [day], bucket)
            return self._held[key].page
        self._held[key] = held
        return held.page

    def _load(self, connection: Connection, app: int, days: Sequence[int], bucket: int) -> None:
        rows = connection.execute(_OF_DAYS, {"of": app, "at": bucket, "wanted": json_list(days)})
        blobs: dict[int, list[bytes]] = {day: [] for day in days}
        last = dict.fromkeys(days, 0)
        for row in rows:
            blobs[row.day].append(row.blob)
            last[row.day] = row.last
        for day in days:
            page = Page(last[day], [decode(blob) for blob in blobs[day]])
            self._hold((app, day, bucket), _Held(page, EMPTY_BYTES + sum(map(len, blobs[day]))))

    def _hold(self, key: PageKey, held: _Held) -> None:
        while self._held and self._bytes + held.size > self._most:
            self._drop(next(iter(self._held)))
        self._held[key] = held
        self._bytes += held.size


_SINCE: Final = (
    select(segment)
    .where(segment.c.owner == bindparam("of"), segment.c.last > bindparam("mark"))
    .order_by(segment.c.last)
)
_OF_DAYS: Final = (
    select(segment.c.day, segment.c.last, segment.c.blob)
    .where(segment.c.app == bindparam("of"), among(segment.c.day, "wanted"), segment.c.bucket == bindparam("at"))
    .order_by(segment.c.day, segment.c.last)
)
