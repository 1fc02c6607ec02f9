"""Events: what is taken, in which batches it leaves, and what is lost."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from homing import Row, SettingsError, SqliteStore, Telemetry
from homing.sdk.events import LOSSES, MOST_BYTES, MOST_DEPTH, is_allowed
from homing.sdk.outbox import BATCH, FLUSH_SECONDS, MOST_TOLD
from homing.sdk.payload import NUMBER
from homing.sdk.policy import HOMING, POLICIES, Kinds
from homing.sdk.transports.base import Deadline, Reply, Request
from tests.unit.sdk.doubles import SECONDS, Clock, Outbox, telemetry, until

NO_ANSWER = Reply(None, "The connection was refused.")


def pings(outbox: Outbox) -> list[list[Any]]:
    """Return the pings of each request."""
    bodies = [json.loads(body) for body in outbox.bodies]
    return [body if isinstance(body, list) else [body] for body in bodies]


def events(outbox: Outbox) -> list[Any]:
    """Return all events that were sent, without heartbeats."""
    return [ping for batch in pings(outbox) for ping in batch if ping["kind"] != "heartbeat"]


def numbers(outbox: Outbox) -> list[int]:
    """Return the number that each event of a test has."""
    return [event["properties"]["n"] for event in events(outbox)]


def nested(depth: int) -> dict[str, Any]:
    """Return properties of that depth."""
    return {"a": nested(depth - 1)} if depth > 1 else {}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that looks often at a clock that stands still."""
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.005)


# What is taken.


def test_an_event(tmp_path: Path) -> None:
    """It has its own id, name, time and properties, and says who told it as a heartbeat does."""
    outbox, clock = Outbox(), Clock()
    with telemetry(tmp_path, transport=outbox, clock=clock) as sending:
        sending.event("report exported", {"format": "csv", "rows": [1, 2.5, None, True, {"ä": ""}]})
        clock.advance(seconds=FLUSH_SECONDS)
        until(lambda: outbox.bodies)
        sending.send_now(SECONDS)
    event, heartbeat = (batch[0] for batch in pings(outbox))
    assert ("report exported", "2024-10-04T00:00:00.000Z") == (event.pop("kind"), event.pop("at"))
    assert event["instance_id"] == heartbeat["instance_id"]
    assert event["dimensions"] == heartbeat["dimensions"]
    assert event["id"] != heartbeat["id"]
    assert {**heartbeat["properties"], "format": "csv", "rows": [1, 2.5, None, True, {"ä": ""}]} == event["properties"]


def test_rows_stand_above(tmp_path: Path) -> None:
    """What an event calls like a field of ours does not replace it; the host is asked once for a whole batch."""
    asked: list[object] = []

    def count(moment: object) -> int:
        asked.append(moment)
        return len(asked)

    rows = [Row("properties.users", NUMBER, "why", 5, count)]
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox, rows=rows) as sending:
        for _ in range(3):
            sending.event("x", {"sdk": "mine", "users": 99})
    found = [event["properties"] for event in events(outbox)]
    assert (1, [1, 1, 1]) == (len(asked), [each["users"] for each in found])
    assert "mine" not in {each["sdk"] for each in found}


def test_what_is_changed_afterwards(tmp_path: Path) -> None:
    """An event is what it was when it was told."""
    outbox = Outbox()
    told = {"n": 1}
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.event("x", told)
        told["n"] = 2
    assert [1] == numbers(outbox)


@pytest.mark.parametrize(
    "properties",
    [
        {"a": object()},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": 2**63},
        {"a": -(2**63) - 1},
        {"a": b"bytes"},
        {"a": {1, 2}},
        {1: "a"},
        {"a": "\0"},
        {"\0": 1},
        {"a": "\ud800"},
        nested(MOST_DEPTH + 1),
        {"a": "x" * MOST_BYTES},
        {"a": "ä" * (MOST_BYTES // 2)},
        [1],
        "text",
        5,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_json(tmp_path: Path, properties: Any) -> None:
    """It is not taken, nothing is raised, and status says so."""
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.event("x", properties)
        status = sending.status()
    assert ([], (("value", 1),)) == (outbox.bodies, status.lost)
    assert any(problem.startswith("The event x was not taken: ") for problem in status.problems)


def test_a_circle_and_a_trap(tmp_path: Path) -> None:
    """Values that contain themselves, or raise when they are looked at, do no harm."""

    class Trap(dict[str, Any]):
        def values(self) -> Any:
            raise ZeroDivisionError

    circle: dict[str, Any] = {}
    circle["a"] = circle
    with telemetry(tmp_path) as sending:
        sending.event("x", circle)
        sending.event("x", Trap(a=1))
        sending.event("x", {"deep": nested(MOST_DEPTH - 1)})
        assert ((("value", 2),), 1) == (sending.status().lost, sending.status().waiting)


class Odd:
    """What numbers in a row are in other people's libraries: neither true nor false, nor equal to anything."""

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ValueError

    def __eq__(self, other: object) -> bool:
        raise ValueError


@pytest.mark.parametrize("policy", ["homing", "slackonos"])
def test_what_cannot_be_asked(tmp_path: Path, policy: str) -> None:
    """Whatever is given as a name or as properties, nothing is raised."""
    with telemetry(tmp_path, policy=policy, file=tmp_path / "c.json") as sending:
        sending.event(Odd(), {})  # type: ignore[arg-type]
        sending.event("x", Odd())  # type: ignore[arg-type]
        sending.event("startup", Odd())  # type: ignore[arg-type]
        assert 3 == sum(dict(sending.status().lost).values())


ALIKE: Any = [1] * 8000


@pytest.mark.parametrize(
    "much",
    [[1] * 5_000_000, [[ALIKE] * 8000] * 8000, dict.fromkeys(range(1_000_000)), "x" * 100_000_000],
    ids=["wide", "deep", "named", "long"],
)
def test_too_much_to_look_at(tmp_path: Path, much: Any) -> None:
    """The caller waits no longer for its refusal than for any other."""
    with telemetry(tmp_path) as sending:
        began = time.perf_counter()
        sending.event("x", {"a": much})
        assert time.perf_counter() - began < 0.1
        assert (("value", 1),) == sending.status().lost


@pytest.mark.parametrize("name", ["", " x", "a\nb", "a" * 101, "heartbeat", 5, None, ["x"]])
def test_names_that_are_not_allowed(tmp_path: Path, name: Any) -> None:
    """They are refused with a sentence, and counted."""
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.event(name)
        status = sending.status()
    assert ([], (("name", 1),)) == (outbox.bodies, status.lost)
    assert any(problem.startswith("The policy homing does not allow the ") for problem in status.problems)


@pytest.mark.parametrize("policy", ["seqdesk", "sirveo", "flowfuse", "slackonos"])
def test_policies_of_documents_refuse(tmp_path: Path, policy: str) -> None:
    """Their documents know no events but those of the system."""  # 004-08
    key = "phc_x" if policy == "slackonos" else ""
    outbox = Outbox()
    given = {"policy": policy, "key": key, "file": tmp_path / "c.json", "transport": outbox}
    with telemetry(tmp_path, **given) as sending:
        sending.event("song played", {"n": 1})
        status = sending.status()
    assert (("name", 1),) == status.lost
    assert b"song" not in b"".join(outbox.bodies)
    assert (f"The policy {policy} does not allow the event 'song played'.",) == status.problems


def test_a_maker_may_allow_less() -> None:
    """A copy of a policy names the events there are."""
    own = HOMING._replace(events=("exported", "imported"))
    assert [True, False] == [is_allowed(own, name) for name in ("exported", "printed")]
    assert [True, True, False] == [is_allowed(HOMING, name) for name in ("exported", "printed", "heartbeat")]


def test_a_form_without_a_place_for_them(tmp_path: Path) -> None:
    """Events need a form that has ids and batches."""
    with pytest.raises(SettingsError, match="policy cannot have events: the form seqdesk has no place for them"):
        telemetry(tmp_path, policy=POLICIES["seqdesk"]._replace(events=("x",)), key="")


def test_nothing_is_kept_while_off(tmp_path: Path) -> None:
    """What is told before consent is never sent, and not even counted."""
    outbox = Outbox()
    store = SqliteStore(tmp_path / "own.db")
    with telemetry(tmp_path, enabled=None, transport=outbox, database=store) as sending:
        sending.event("before", {"n": 1})
        assert (0, ()) == (sending.status().waiting, sending.status().lost)
        sending.save({"enabled": True}, who="ada")
        sending.event("after", {"n": 2})
        sending.send_now(SECONDS)
    assert [2] == numbers(outbox)


# When it leaves.


def test_after_five_seconds(tmp_path: Path) -> None:
    """The first that is told waits so long for others, and they leave together."""
    outbox, clock = Outbox(), Clock()
    with telemetry(tmp_path, transport=outbox, clock=clock) as sending:
        for n in range(3):
            sending.event("x", {"n": n})
        clock.advance(seconds=FLUSH_SECONDS - 0.01)
        time.sleep(0.05)
        assert [] == outbox.bodies
        clock.advance(seconds=0.01)
        until(lambda: outbox.bodies and not sending.status().waiting)
        assert [0, 1, 2] == numbers(outbox)
        assert 1 == len(outbox.bodies)


def test_a_hundred_leave_at_once(tmp_path: Path) -> None:
    """A full batch does not wait, and no request has more than a hundred."""
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox) as sending:
        for n in range(BATCH):
            sending.event("x", {"n": n})
        until(lambda: len(outbox.bodies) == 1)
        for n in range(BATCH, 2 * BATCH + 7):
            sending.event("x", {"n": n})
    assert list(range(2 * BATCH + 7)) == numbers(outbox)
    assert max(len(batch) for batch in pings(outbox)) == BATCH


def test_at_the_end(tmp_path: Path) -> None:
    """What waits leaves when it is stopped."""
    outbox = Outbox()
    sending = telemetry(tmp_path, transport=outbox)
    sending.start()
    for n in range(250):
        sending.event("x", {"n": n})
    sending.stop(SECONDS)
    assert (list(range(250)), 0) == (numbers(outbox), sending.status().waiting)


def test_before_the_start(tmp_path: Path) -> None:
    """What is told before the start waits for it."""
    outbox = Outbox()
    sending = telemetry(tmp_path, transport=outbox)
    sending.event("x", {"n": 1})
    assert ([], 1) == (outbox.bodies, sending.status().waiting)
    sending.start()
    sending.stop(SECONDS)
    assert [1] == numbers(outbox)


def test_not_initialised(tmp_path: Path) -> None:
    """Until the application is set up nothing leaves."""
    outbox, clock, ready = Outbox(), Clock(), [False]
    with telemetry(tmp_path, transport=outbox, clock=clock, initialised=lambda: ready[0]) as sending:
        sending.event("x", {"n": 1})
        for _ in range(5):
            clock.advance(seconds=FLUSH_SECONDS)
            time.sleep(0.02)
        assert ([], 1) == (outbox.bodies, sending.status().waiting)
        ready[0] = True
        clock.advance(seconds=60)
        until(lambda: outbox.bodies)


def test_not_initialised_at_the_end(tmp_path: Path) -> None:
    """What was told before the application was set up waits for the next start."""
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox, initialised=lambda: False) as sending:
        sending.event("x", {"n": 1})
    assert ([], ()) == (outbox.bodies, sending.status().lost)
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.send_now(SECONDS)
    assert [1] == numbers(outbox)


def test_many_threads(tmp_path: Path) -> None:
    """However many tell at once, each event leaves once."""
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox) as sending:

        def tell(first: int) -> None:
            for n in range(first, first + 100):
                sending.event("x", {"n": n})

        tellers = [threading.Thread(target=tell, args=(first,)) for first in range(0, 800, 100)]
        for each in tellers:
            each.start()
        for each in tellers:
            each.join()
        sending.stop(SECONDS)
    assert list(range(800)) == sorted(numbers(outbox))
    assert 800 == len({event["id"] for event in events(outbox)})


# What becomes of it.


@pytest.mark.parametrize("reply", [NO_ANSWER, Reply(500), Reply(503), Reply(429), Reply(408), ZeroDivisionError()])
def test_it_is_sent_again(tmp_path: Path, reply: Reply | Exception) -> None:
    """After 30 seconds, then later and later, with the same id."""
    outbox, clock = Outbox(reply, reply, Reply(200)), Clock()
    with telemetry(tmp_path, transport=outbox, clock=clock) as sending:
        sending.event("x", {"n": 1})
        for number, seconds in enumerate((FLUSH_SECONDS, 30, 120), 1):
            clock.advance(seconds=seconds - 0.01)
            time.sleep(0.03)
            assert number - 1 == len(outbox.bodies)
            clock.advance(seconds=0.01)
            until(lambda: len(outbox.bodies) >= number)  # noqa: B023 - asked at once
            # The answer must have been thought about.
            until(lambda: sending._engine._workers[0]._deadline is None)  # noqa: SLF001 - shows nowhere else
        assert 0 == sending.status().waiting
    first, second, third = events(outbox)
    assert first == second == third


def test_the_receiver_says_when(tmp_path: Path) -> None:
    """Its Retry-After stands above our own times."""
    outbox, clock = Outbox(Reply(429, again_seconds=7), Reply(200)), Clock()
    with telemetry(tmp_path, transport=outbox, clock=clock) as sending:
        sending.event("x", {"n": 1})
        clock.advance(seconds=FLUSH_SECONDS)
        until(lambda: len(outbox.bodies) == 1)
        # The answer must have been thought about.
        until(lambda: sending._engine._workers[0]._deadline is None)  # noqa: SLF001 - shows nowhere else
        clock.advance(seconds=6.9)
        time.sleep(0.03)
        assert 1 == len(outbox.bodies)
        clock.advance(seconds=0.1)
        until(lambda: len(outbox.bodies) == 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301])
def test_a_refusal_ends_it(tmp_path: Path, status: int) -> None:
    """What the receiver refuses is lost and counted."""
    outbox = Outbox(Reply(status))
    with telemetry(tmp_path, transport=outbox) as sending:
        for n in range(3):
            sending.event("x", {"n": n})
        found = sending.send_now(SECONDS)
        until(lambda: sending.status().lost)
        assert ((("refused", 3),), 0) == (sending.status().lost, sending.status().waiting)
    assert status == found.last_status


def test_too_large(tmp_path: Path) -> None:
    """Halves are sent until they are taken; one alone that is too large is lost."""

    class Small(Outbox):
        def send(self, request: Request, deadline: Deadline) -> Reply:
            super().send(request, deadline)
            body = json.loads(request.body)
            is_bad = any(ping["properties"].get("n") == 5 for ping in body) if isinstance(body, list) else False
            return Reply(413) if isinstance(body, list) and (len(body) > 3 or is_bad) else Reply(200)

    outbox = Small()
    sending = telemetry(tmp_path, transport=outbox)
    sending.start()
    for n in range(12):
        sending.event("x", {"n": n})
    sending.stop(SECONDS)
    assert [12, 6, 3] == [len(batch) for batch in pings(outbox)][:3]
    assert set(range(12)) == set(numbers(outbox))
    assert 0 == sending.status().waiting


def test_gone(tmp_path: Path) -> None:
    """After a 410 nothing leaves any more, and what is told is lost."""
    outbox = Outbox(Reply(410))
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.event("x", {"n": 1})
        sending.send_now(SECONDS)
        sending.event("x", {"n": 2})
    assert 1 == len(outbox.bodies)
    assert (True, (("refused", 2),)) == (sending.status().first.is_gone, sending.status().lost)


def test_the_queue_is_full(tmp_path: Path) -> None:
    """The oldest are dropped and counted."""
    outbox = Outbox()
    sending = telemetry(tmp_path, transport=outbox)
    for n in range(MOST_TOLD + 20):
        sending.event("x", {"n": n})
    assert (MOST_TOLD, (("full", 20),)) == (sending.status().waiting, sending.status().lost)
    sending.start()
    sending.stop(SECONDS)
    assert list(range(20, MOST_TOLD + 20)) == numbers(outbox)


def test_too_many_pings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the receiver does not answer, memory is bounded."""
    monkeypatch.setattr("homing.sdk.outbox.MOST_PINGS", 300)
    outbox = Outbox(NO_ANSWER)
    with telemetry(tmp_path, transport=outbox) as sending:
        for _ in range(5):
            for _ in range(BATCH):
                sending.event("x")
            until(lambda: not sending._engine._outboxes._boxes["default"].told().events)  # noqa: SLF001 - shows nowhere else
        status = sending.status()
    assert (300, (("full", 200),)) == (status.waiting, status.lost)


# Losses are told.


def test_losses_are_told(tmp_path: Path) -> None:
    """The next ping that arrives tells of them by reason, and each is told once."""
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.event("heartbeat")
        sending.event("x", {"a": object()})
        sending.event("x", {"a": object()})
        sending.preview()
        sending.send_now(SECONDS)
        sending.send_now(SECONDS)
        sending.event("")
        sending.event("x", {"n": 1})
        sending.event("x", {"n": 2})
        sending.send_now(SECONDS)
    told = [ping["properties"].get("lost") for batch in pings(outbox) for ping in batch]
    assert [{"name": 1, "value": 2}, None, {"name": 1}] == told[:3]
    assert [None] * len(told[3:]) == told[3:]


def test_losses_outlast_a_failure(tmp_path: Path) -> None:
    """A ping that was refused told nobody; one that may have arrived is sent again as it was."""
    outbox = Outbox(Reply(400), NO_ANSWER, Reply(200))
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.event("")
        for _ in range(4):
            sending.send_now(SECONDS)
    told = [ping["properties"].get("lost") for [ping] in pings(outbox)]
    assert [{"name": 1}, {"name": 1}, {"name": 1}, None] == told


@pytest.mark.parametrize("own", [3, {"full": 5}, {"full": "x"}, [1]], ids=str)
def test_a_property_that_is_called_so(tmp_path: Path, own: Any) -> None:
    """What an application says of its own losses is not taken for ours when the event is refused."""
    outbox = Outbox(Reply(200), Reply(400), Reply(200))
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.event("match", {"lost": own})
        sending.send_now(SECONDS)
        status = sending.send_now(SECONDS)
    assert (("refused", 1),) == status.lost
    assert [None, own, {"refused": 1}] == [ping["properties"].get("lost") for [ping] in pings(outbox)]


def test_losses_outlast_a_start(tmp_path: Path) -> None:
    """A ping that is kept on disk has with it what it tells of; when it is refused then, the next one tells it."""

    class Choosy(Outbox):
        def send(self, request: Request, deadline: Deadline) -> Reply:
            super().send(request, deadline)
            return Reply(400) if b'"kind":"match"' in request.body else Reply(200)

    with telemetry(tmp_path, transport=Outbox(NO_ANSWER)) as sending:
        sending.event("")
        sending.event("match", {"lost": {"full": 5}})
        sending.stop(SECONDS)
    outbox = Choosy()
    with telemetry(tmp_path, transport=outbox) as sending:
        until(lambda: sending.status().lost)
        sending.send_now(SECONDS)
    assert [{"name": 1}, {"name": 1, "refused": 1}] == [ping["properties"].get("lost") for [ping] in pings(outbox)]


def test_documents_have_no_field_for_losses(tmp_path: Path) -> None:
    """Only our own policy tells of them."""
    outbox = Outbox()
    with telemetry(tmp_path, policy="slackonos", key="phc_x", file=tmp_path / "c.json", transport=outbox) as sending:
        sending.event("song played")
        sending.send_now(SECONDS)
    assert b"lost" not in b"".join(outbox.bodies)


def test_every_reason_has_a_row() -> None:
    """And every row of the kind has a reason."""
    sending: Telemetry = telemetry(Path("unused"), enabled=False)
    rows = [row.name for row in sending._engine._ruling.content.rows]  # noqa: SLF001 - shows nowhere else
    assert [f"properties.lost.{reason}" for reason in LOSSES] == [name for name in rows if ".lost." in name]
    assert Kinds("heartbeat") == HOMING.kinds
