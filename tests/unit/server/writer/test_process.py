"""The writer's side of the channel: what waits is joined, recorded exactly once, and told by its id."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from homing.errors import StoreRejected, StoreUnavailable
from homing.outcomes import Verdict, outcome_of
from homing.server.channel.frames import READY, receive
from homing.server.stores.base import Batch
from homing.server.writer.messages import pack_batch, unpack_recorded
from homing.server.writer.process import ALONG, serve, together
from homing.server.writer.scribe import Scribe
from tests.contract.engines import Sqlite
from tests.contract.site import Site

TOO_LARGE = 2**63
"""A number that crosses to the writer, and is more than the store's column holds."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A store."""
    made = Site(Sqlite(tmp_path))
    yield made
    made.close()


class Seen:
    """The store of a site, which notes what is stored together."""

    def __init__(self, site: Site) -> None:
        self._store = site.store
        self.commits: list[list[str]] = []
        self.full = False

    def record(self, batch: Batch) -> list[Verdict]:
        """Store a batch."""
        self.commits.append([batch.id])
        if self.full:
            raise StoreUnavailable("the disk is full")
        return self._store.record(batch)

    def record_together(self, batches: Sequence[Batch]) -> list[list[Verdict]]:
        """Store batches in one transaction."""
        self.commits.append([batch.id for batch in batches])
        if self.full:
            raise StoreUnavailable("the disk is full")
        return self._store.record_together(batches)

    def settle(self) -> None:
        """Write what was put off."""
        self._store.settle()


def told(site: Site, seen: Seen, batches: Sequence[Batch]) -> list[tuple[str, list[str]]]:
    """Serve batches that all wait already; return what became of them, in the order in which it was told."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"".join(map(pack_batch, batches)))
        ours.shutdown(socket.SHUT_WR)
        serve(Scribe(seen, site.clock), theirs)
        assert receive(ours) == READY
        found = [unpack_recorded(receive(ours) or b"") for _ in batches]
    return [(name, [outcome_of(each).name for each in recorded.verdicts]) for name, recorded in found]


def large(site: Site, name: str) -> Batch:
    """Make a batch that is not small."""
    return Batch(name, [site.ping(f"{name}-{n}", properties={"text": "x" * 100}) for n in range(100)])


def test_what_is_small_is_taken_along() -> None:
    """A commit is of the eldest and of what is small, up to a limit; what is left goes on waiting in its order."""
    half, many = b"s" * (ALONG // 2), b"m" * (ALONG + 1)
    waiting = [many, half, many, half, half, b"s"]
    assert [many, half, half] == together(waiting)
    assert [many, half, b"s"] == waiting
    assert [many, half, b"s"] == together(waiting)
    assert not waiting


def test_small_batches_share_a_commit(site: Site) -> None:
    """They are recorded with the large one before them, and each is told of under its own id."""
    seen = Seen(site)
    batches = [large(site, "a"), Batch("s", [site.ping("x")]), large(site, "b"), Batch("t", [site.ping("y")] * 2)]
    expected = [("a", 100), ("s", 1), ("t", 2), ("b", 100)]
    assert [(name, ["accepted"] * count) for name, count in expected] == told(site, seen, batches)
    assert [["a", "s", "t"], ["b"]] == seen.commits
    assert 203 == sum(site.requests().values())


def test_a_second_copy_in_another_batch(site: Site) -> None:
    """A ping that came twice counts once, also where both are stored in one commit."""
    ping = site.ping("x", id="once")
    found = told(site, Seen(site), [Batch("s", [ping]), Batch("t", [ping, site.ping("y")])])
    assert [("s", ["accepted"]), ("t", ["duplicate", "accepted"])] == found


def test_a_guilty_ping_harms_no_other_batch(site: Site) -> None:
    """What cannot be stored together is stored each by itself."""
    guilty = site.ping("g")._replace(id="guilty", received=TOO_LARGE)
    found = told(site, Seen(site), [Batch("s", [site.ping("x")]), Batch("t", [guilty, site.ping("y")])])
    assert [("s", ["accepted"]), ("t", ["unstorable", "accepted"])] == found
    assert 2 == sum(site.requests().values())


def test_what_was_recorded_before(site: Site) -> None:
    """After a death batches are given again, perhaps beside others: each counts once, and is answered as it was."""
    batches = [Batch("s", [site.ping("x")]), Batch("t", [site.ping("y"), site.ping("y")])]
    assert told(site, Seen(site), batches) == told(site, Seen(site), batches)
    more = [*batches, Batch("u", [site.ping("z")])]
    assert [("s", ["accepted"]), ("t", ["accepted"] * 2), ("u", ["accepted"])] == told(site, Seen(site), more)
    assert 4 == sum(site.requests().values())


def test_an_unavailable_store_is_tried_once(site: Site) -> None:
    """Where it cannot be written, all that would have been in the commit come back later."""
    seen = Seen(site)
    seen.full = True
    found = told(site, seen, [Batch("s", [site.ping("x")]), Batch("t", [site.ping("y"), site.ping("z")])])
    assert [("s", ["unavailable"]), ("t", ["unavailable"] * 2)] == found
    assert [["s", "t"]] == seen.commits


def test_trouble_is_waited_for_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where batches are recorded each by itself, and one finds the store locked, the others do not wait as well."""
    seen = Seen(site)
    first, *others = [Batch(name, [site.ping(name)]) for name in "stu"]
    told(site, seen, [first])
    seen.full = True
    monkeypatch.setattr(seen, "record_together", _refuse)
    seen.commits.clear()
    assert {"unavailable"} == {name for _id, names in told(site, seen, [first, *others]) for name in names}
    assert [["s"]] == seen.commits


def _refuse(_batches: Sequence[Batch]) -> list[list[Verdict]]:
    raise StoreRejected("one of them was recorded before")


def test_a_fault_of_joining_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What fails only together is in the log, and costs nobody a verdict."""
    seen = Seen(site)
    monkeypatch.setattr(seen, "record_together", _stumble)
    found = told(site, seen, [Batch("s", [site.ping("x")]), Batch("t", [site.ping("y")])])
    assert [("s", ["accepted"]), ("t", ["accepted"])] == found
    assert "internal" in capsys.readouterr().out


def _stumble(_batches: Sequence[Batch]) -> list[list[Verdict]]:
    raise KeyError("a fault of ours")


class Last(Seen):
    """A store whose receiver is gone after the next batch."""

    def __init__(self, site: Site, ours: socket.socket) -> None:
        super().__init__(site)
        self._ours = ours

    def record(self, batch: Batch) -> list[Verdict]:
        """Store a batch."""
        found = super().record(batch)
        self._ours.close()
        return found


def test_receipts_are_written_where_nobody_listens(site: Site) -> None:
    """When the receiver is gone, what was put off is written all the same."""
    site.store.record(Batch("first", [site.ping("x")]))
    site.clock.advance(seconds=1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(pack_batch(Batch("second", [site.ping("x")])))
        with pytest.raises(ConnectionError):
            serve(Scribe(Last(site, ours), site.clock), theirs)
    [found] = site.reader.instances(site.owner, site.app).items
    assert site.clock.now() == found.last_seen
