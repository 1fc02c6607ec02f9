"""What is remembered of the last pings."""

from pathlib import Path

import pytest

from homing.outcomes import ACCEPTED, Refusal, outcome_of
from homing.ping import Ping
from homing.server.ingest.live import MOST_SEEN, Live
from homing.server.ingest.steps import Context, check_kind
from homing.server.ingest.veil import Veil
from tests.receiving import HEARTBEAT, NATIVE, pings_headers, site

NOTHING_KNOWN = Context(0, frozenset(), 1, Veil(b""))


def ping(instance: str, app: int = 1) -> Ping:
    """Return a ping."""
    return Ping(app, instance, "begin", 0, 0, properties={"secret": 1})


def test_each_app_has_its_own() -> None:
    """Each app's last pings are kept, those of all come newest first, and none drives out another's."""
    live = Live()
    live.judged(1, "native", items=[ping("a")], verdicts=[ACCEPTED], received=5)
    for _ in range(3):
        many = [ping(str(number)) for number in range(MOST_SEEN + 1)]
        live.judged(2, "native", items=many, verdicts=[ACCEPTED] * len(many), received=6)
    assert ["a"] == [seen.instance for seen in live.last([1])]
    both = live.last([1, 2], limit=10**6)
    assert MOST_SEEN + 1 == len(both)
    assert ("200", "a") == (both[0].instance, both[-1].instance)
    assert 1 == both[-1].number


def test_what_it_holds_on_to() -> None:
    """A refusal is kept without what was being done when it was met, and without the id of who was not let in."""
    live = Live()
    with pytest.raises(Refusal) as met:
        check_kind(ping("a")._replace(kind=""), NOTHING_KNOWN)
    live.judged(1, "native", items=[ping("a")], verdicts=[met.value], received=5)
    live.refused(1, "native", refusal=met.value, received=6)
    for seen in live.last([1]):
        assert isinstance(seen.verdict, Refusal)
        assert (None, met.value.sentence) == (seen.verdict.__traceback__, seen.verdict.sentence)
        assert (None, None) == (seen.kind, seen.instance)


def test_forgetting() -> None:
    """What came from an instance that was erased is gone, the rest stays."""
    live = Live()
    live.judged(1, "native", items=[ping("a"), ping("b")], verdicts=[ACCEPTED] * 2, received=5)
    live.forget("a")
    live.judged(1, "native", items=[ping("c")], verdicts=[ACCEPTED], received=6)
    assert [("c", 3), ("b", 2)] == [(seen.instance, seen.number) for seen in live.last([1])]


def test_choosing() -> None:
    """Those that were taken and those that were not can be asked for alone."""
    live = Live()
    live.judged(1, "native", items=[ping("a"), Refusal("kind")], verdicts=[ACCEPTED, Refusal("kind")], received=5)
    live.refused(1, "native", refusal=Refusal("malformed"), received=6)
    live.refused(None, "native", refusal=Refusal("key_unknown"), received=7)
    assert ["a"] == [seen.instance for seen in live.last([1], accepted=True)]
    assert ["malformed", "kind"] == [outcome_of(seen.verdict).name for seen in live.last([1], accepted=False)]


def test_what_the_receiver_remembers(tmp_path: Path) -> None:
    """Pings and refused requests are seen with their reasons; those without an app by nobody; contents never."""
    with site(tmp_path) as to:
        app, key = to.add_app()
        body = b'{"instance_id": "a", "kind": "begin", "note": "a secret of 192.0.2.1"}'
        to.send("POST", NATIVE, pings_headers(key), body)
        to.send("POST", NATIVE, pings_headers(key), b"{")
        to.send("POST", f"/in/{key}{HEARTBEAT}", {}, b"{}")
        to.send("POST", NATIVE, pings_headers("unknown"), body)
        to.retire(app)
        to.send("POST", NATIVE, pings_headers(key), body)
        live = to.receiver.live.last([app.id])
        names = [f"{seen.dialect} {outcome_of(seen.verdict).name}" for seen in live]
        assert ["native app_retired", "seqdesk token_missing", "native malformed", "native accepted"] == names
        assert "192.0.2.1" not in str(live)
        assert key not in str(live)
