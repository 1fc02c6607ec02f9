"""What crosses between the receiver and the writer arrives as it was sent."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from homing.outcomes import OUTCOMES, Refusal, Verdict
from homing.ping import Ping
from homing.server.stores.base import Batch
from homing.server.stores.written import Written, write_down
from homing.server.writer.messages import pack_batch, pack_recorded, unpack_batch, unpack_recorded
from homing.server.writer.scribe import Recorded

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
WHOLE = st.integers(-(2**63), 2**63 - 1)
LEAVES = st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(LEAVES, lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXT, part, max_size=3))
PINGS = st.builds(
    Ping,
    app=st.integers(1, 9),
    instance=st.none() | TEXT,
    kind=TEXT,
    at=WHOLE,
    received=WHOLE,
    id=st.none() | TEXT,
    dimensions=st.dictionaries(TEXT, TEXT, max_size=3),
    properties=st.dictionaries(TEXT, VALUES, max_size=3),
    credential=st.none() | TEXT,
    is_event=st.booleans(),
    is_kept=st.booleans(),
)
NAMES = st.sampled_from(sorted(OUTCOMES))
REFUSALS = st.builds(Refusal, NAMES, TEXT, st.none() | st.integers(0, 100))
VERDICTS = st.lists(st.builds(OUTCOMES.__getitem__, NAMES) | REFUSALS, max_size=5)


@given(st.lists(PINGS, max_size=4), TEXT)
def test_batches(pings: list[Ping], name: str) -> None:
    """A batch arrives as it was sent, its pings written down, from which all but their ids can be read."""
    found = unpack_batch(pack_batch(Batch(name, pings))[4:])
    assert Batch(name, list(map(write_down, pings))) == found
    for ping, written in zip(pings, found.pings, strict=True):
        assert isinstance(written, Written)
        assert ping._replace(id=None, credential=None, is_event=False, is_kept=True) == written.read()
        assert (ping.credential, ping.repeats, ping.is_kept) == (written.credential, written.repeats, written.is_kept)
        assert (ping.id is None) == (written.claim is None)


def test_a_ping_with_nothing() -> None:
    """What a ping has by default travels too."""
    ping = Ping(1, None, "check", 5, 6)
    assert [write_down(ping)] == unpack_batch(pack_batch(Batch("b", [ping]))[4:]).pings


def plain(verdict: Verdict) -> Any:
    """Return what a verdict says."""
    if isinstance(verdict, Refusal):
        return (verdict.outcome, verdict.detail, verdict.retry_after)
    return verdict


@given(VERDICTS, st.none() | TEXT)
def test_verdicts(verdicts: list[Verdict], trouble: str | None) -> None:
    """Every verdict arrives with its sentence and its wait."""
    name, found = unpack_recorded(pack_recorded("b", Recorded(verdicts, 0.25, trouble))[4:])
    assert "b" == name
    assert [plain(each) for each in verdicts] == [plain(each) for each in found.verdicts]
    assert (0.25, trouble) == (found.seconds, found.trouble)
