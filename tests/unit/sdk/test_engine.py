"""What happens between a decision and a ping."""

import getpass
import io
import json
import logging
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from homing import JsonStore, Licence, Row, SettingsError, SettingsLocked, SqliteStore, Telemetry
from homing.sdk.payload import NUMBER
from homing.sdk.policy import HOMING, POLICIES, SLACKONOS
from homing.sdk.status import UNMADE
from homing.sdk.transports.base import Reply
from homing.settings import MASK
from tests.unit.sdk.doubles import ENDPOINT, SECONDS, Clock, Outbox, telemetry, until

HOUR = 3600
OWN = "https://own.example.com/hook"


def named(outbox: Outbox) -> list[str]:
    """Return the reasons of all Sirveo events so far."""
    return [json.loads(body)["reason"] for body in outbox.bodies]


def begins(outbox: Outbox) -> list[bytes]:
    """Return what told of a start so far."""
    return [body for body in outbox.bodies if b'"begin"' in body or b'"startup"' in body]


def sirveo(place: Path, **given: Any) -> Telemetry:
    """Return a server's telemetry that nobody switched on."""
    return telemetry(place, **{"policy": "sirveo", "key": "", "enabled": None, **given})


# Saving.


def test_switching_on_by_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first heartbeat leaves within one interval, without a restart, and who agreed is written down."""
    # 000-01 000-04 000-16
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.005)
    clock, outbox = Clock(), Outbox()
    store = SqliteStore(tmp_path / "own.db")
    given = {"policy": "seqdesk", "key": "", "enabled": None, "first_seconds": None, "database": store}
    with telemetry(tmp_path, clock=clock, transport=outbox, **given) as sending:
        assert (False, UNMADE) == (sending.status().enabled, sending.status().instance)
        status = sending.save({"enabled": True, "interval": 2}, who="ada")
        assert (True, "database", 2 * HOUR) == (status.enabled, status.layer, status.first.interval_seconds)
        clock.advance(seconds=2 * HOUR)
        until(lambda: outbox.bodies)
    assert {"at": 20_000 * 86_400_000, "who": "ada", "fields": 1} == store.load()["consent"]
    assert telemetry(tmp_path, **given).status().enabled


def test_switching_off_by_saving(tmp_path: Path) -> None:
    """When it has returned nothing is on its way any more, and another process does not begin either."""  # 000-21
    outbox = Outbox()
    given = {"policy": "seqdesk", "key": "", "enabled": None, "database": SqliteStore(tmp_path / "own.db")}
    with telemetry(tmp_path, transport=outbox, **given) as sending:
        sending.save({"enabled": True}, who="ada")
        assert 200 == sending.send_now(SECONDS).last_status
        other = telemetry(tmp_path, transport=outbox, **given)
        other.start()
        status = sending.save({"enabled": False}, who="ada")
        assert (False, "database", None) == (status.enabled, status.layer, status.next_due)
        sending.send_now(0.1)
        other.send_now(SECONDS)
        other.stop()
    assert 1 == len(outbox.bodies)


def test_settings_saved_elsewhere(tmp_path: Path) -> None:
    """The process that sends goes by what another one saved, from its next ping on."""
    outbox = Outbox()
    given = {"policy": "seqdesk", "key": "", "database": SqliteStore(tmp_path / "own.db")}
    with telemetry(tmp_path, transport=outbox, **given) as sending:
        sending.send_now(SECONDS)
        telemetry(tmp_path, **given).save({"endpoint": OWN, "interval": 3}, who="ada")
        sending.send_now(SECONDS)
        until(lambda: sending.status().endpoint == OWN)
        status = sending.send_now(SECONDS)
    assert 3 * HOUR == status.first.interval_seconds
    assert [f"{ENDPOINT}/api/telemetry/heartbeat", OWN] == [request.endpoint.url for request in outbox.requests]


@pytest.mark.parametrize(
    "settings",
    [
        {"interval": 0},
        {"interval": "often"},
        {"endpoint": "ftp://x"},
        {"enabled": "perhaps"},
        {"mode": "both"},
        {"enabled": True, "interval": 169},
    ],
    ids=str,
)
def test_what_cannot_be_saved(tmp_path: Path, settings: dict[str, Any]) -> None:
    """It is refused with a sentence, and nothing of it is kept."""  # 000-14
    store = SqliteStore(tmp_path / "own.db")
    with pytest.raises(SettingsError):
        telemetry(tmp_path, policy="seqdesk", key="", database=store).save(settings, who="ada")
    assert {} == store.load()


def test_what_is_held_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of the environment and the file, and what a licence locks, cannot be saved."""  # 003-05
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENABLED", "true")
    sending = telemetry(tmp_path, policy="seqdesk", key="")
    with pytest.raises(SettingsLocked, match="set in the environment"):
        sending.save({"enabled": False}, who="ada")
    assert sending.status().enabled
    licensed = telemetry(tmp_path, policy="flowfuse", key="", licence=lambda: Licence("l", "EE"))
    with pytest.raises(SettingsLocked, match="licensed installation cannot"):
        licensed.save({"enabled": False}, who="ada")
    assert (True, True) == (licensed.status().enabled, licensed.status().is_locked)
    with pytest.raises(SettingsLocked, match="environment only"):
        sirveo(tmp_path).save({"mode": "custom"}, who="ada")


def test_opting_out(tmp_path: Path) -> None:
    """FlowFuse's administrator switches it off in the settings; that stays over a restart."""  # 003-03
    given = {"policy": "flowfuse", "key": "", "enabled": None}
    with telemetry(tmp_path, **given) as sending:
        assert sending.status().enabled
        assert not sending.save({"enabled": False}, who="ada").enabled
    assert (False, "database") == telemetry(tmp_path, **given).status()[:2]


def test_setconfig(tmp_path: Path) -> None:
    """SlackONOS keeps the choice in its own file; other names there stay, and nothing is sent."""  # 004-12 004-13
    file, outbox = tmp_path / "config" / "config.json", Outbox()
    file.parent.mkdir()
    file.write_text('{"slackToken": "xoxb"}')
    given = {"policy": "slackonos", "enabled": None, "file": file, "transport": outbox}
    with telemetry(tmp_path, **given) as sending:
        until(lambda: len(outbox.bodies) == 1)
        assert not sending.save({"enabled": False}, who="ada").enabled
    kept = json.loads(file.read_text())
    assert ("xoxb", False) == (kept["slackToken"], kept["telemetryEnabled"])
    with telemetry(tmp_path, **given) as sending:
        assert (False, "file") == sending.send_now(0.1)[:2]
    assert 1 == len(outbox.bodies)


def test_setconfig_elsewhere(tmp_path: Path) -> None:
    """What another process writes into the file holds from the next event on."""  # 004-13
    outbox = Outbox()
    given = {"policy": "slackonos", "enabled": None, "file": tmp_path / "c.json"}
    with telemetry(tmp_path, transport=outbox, **given) as sending:
        until(lambda: len(outbox.bodies) == 1)
        telemetry(tmp_path, **given).save({"enabled": False}, who="ada")
        sending.send_now(SECONDS)
    assert 1 == len(outbox.bodies)


# Layers that are read.


def test_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SeqDesk's are read at the start; unset, telemetry is off again after a restart."""  # 000-17 000-22
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENABLED", "true")
    monkeypatch.setenv("SEQDESK_TELEMETRY_INTERVAL_HOURS", "36")
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENDPOINT", OWN)
    sending = telemetry(tmp_path, policy="seqdesk", key="", enabled=None)
    monkeypatch.delenv("SEQDESK_TELEMETRY_ENABLED")
    status = sending.status()
    assert (True, "environment", OWN, 36 * HOUR) == (*status[:2], status.endpoint, status.first.interval_seconds)
    assert (False, "default") == telemetry(tmp_path, policy="seqdesk", key="", enabled=None).status()[:2]


def test_variables_of_slackonos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One switches it off, one replaces the key that is included."""  # 004-11 004-12 004-13
    given = {"policy": "slackonos", "enabled": None, "key": "phc_included", "file": tmp_path / "c.json"}
    included = json.loads(telemetry(tmp_path, **given).preview()[0].body)["api_key"]
    monkeypatch.setenv("TELEMETRY_API_KEY", "phc_own")
    own = json.loads(telemetry(tmp_path, **given).preview()[0].body)["api_key"]
    assert ("phc_included", "phc_own") == (included, own)
    monkeypatch.setenv("TELEMETRY_ENABLED", "false")
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox, **given) as sending:
        assert (False, "environment") == sending.send_now(0.1)[:2]
    assert [] == outbox.bodies
    assert not (tmp_path / "c.json").exists()


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each document's file is found under its name and read as it is written there."""  # 000-18 000-22 003-04 004-11
    monkeypatch.chdir(tmp_path)
    own = {"telemetry": {"enabled": True, "endpoint": OWN, "intervalHours": 12}}
    Path("seqdesk.config.json").write_text(json.dumps(own))
    status = telemetry(tmp_path, policy="seqdesk", key="", enabled=None).status()
    assert (True, "file", OWN, 12 * HOUR) == (*status[:2], status.endpoint, status.first.interval_seconds)
    Path("seqdesk.config.json").write_text('{"telemetry": {"enabled": false}}')
    assert (False, "file") == telemetry(tmp_path, policy="seqdesk", key="", enabled=True).status()[:2]
    Path("flowforge.yml").write_text("telemetry:\n  enabled: false\n")
    assert (False, "file") == telemetry(tmp_path, policy="flowfuse", key="").status()[:2]
    Path("config").mkdir()
    Path("config/config.json").write_text('{"telemetryApiKey": "phc_own", "telemetryHost": "https://own.example.com"}')
    [shown] = telemetry(tmp_path, policy="slackonos").preview()
    assert ("custom", "https://own.example.com/batch/") == (shown.destination, shown.url)
    assert "phc_own" == json.loads(shown.body)["api_key"]
    Path("t.toml").write_text("[telemetry]\nenabled = true\ninterval_hours = 3\n")
    assert 3 * HOUR == telemetry(tmp_path, enabled=None, file="t.toml").status().first.interval_seconds


@pytest.mark.parametrize("name", ["x.json", "x.yml", "x.toml"])
@pytest.mark.parametrize("content", [b"{", b"[1, 2", b"\xff\xfe", b'"text"', b"a: [", b"5"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes) -> None:
    """They mean off, whatever the environment says, and are told; nothing raises."""
    (tmp_path / name).write_bytes(content)
    status = telemetry(tmp_path, file=tmp_path / name).status()
    assert (False, "file") == status[:2]
    assert status.problems[0].startswith(f"The settings file {tmp_path / name} ")


def test_a_database_that_cannot_be_read(tmp_path: Path) -> None:
    """It means off, and is told."""
    (tmp_path / "own.db").write_text("this is no database, but long enough to be looked at" * 50)
    status = telemetry(tmp_path, database=SqliteStore(tmp_path / "own.db")).status()
    assert (False, "database") == status[:2]
    assert status.problems[0].startswith("What was saved cannot be read, so telemetry is off: ")


def test_an_install_profile(tmp_path: Path) -> None:
    """It stands below what somebody saved, is written once, and its id and version are in the heartbeat."""
    # 000-06 000-19 000-20
    store = SqliteStore(tmp_path / "own.db")
    profile = tmp_path / "profile.json"
    profile.write_text('{"id": "twincore", "version": "1.0.0", "telemetry": {"enabled": true, "intervalHours": 6}}')
    sending = telemetry(tmp_path, policy="seqdesk", key="", enabled=None, database=store)
    sending.seed(sending.first_settings(profile=profile), who="setup")
    before = store.load()
    profile.write_text('{"id": "other", "version": "2.0.0", "telemetry": {"enabled": false}}')
    assert () == sending.seed(sending.first_settings(profile=profile), who="setup")
    assert before == store.load()
    assert (True, "profile") == sending.status()[:2]
    assert {"id": "twincore", "version": "1.0.0"} == json.loads(sending.preview()[0].body)["installProfile"]
    assert (False, "database") == sending.save({"enabled": False}, who="ada")[:2]


# Modes and destinations.


@pytest.mark.parametrize("mode", ["custom", "both"])
def test_a_missing_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Without one nothing is sent to either destination, and status says so."""  # 001-02
    monkeypatch.setenv("SIRVEO_TELEMETRY_MODE", mode)
    outbox = Outbox()
    with sirveo(tmp_path, transport=outbox) as sending:
        status = sending.send_now(0.1)
    assert ([], ()) == (outbox.bodies, status.destinations)
    assert (f"In the mode {mode} a URL is needed: nothing is sent.",) == status.problems


def test_a_bad_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent there, and to the maker only where the mode says both."""  # 001-02
    monkeypatch.setenv("SIRVEO_TELEMETRY_URL", "nonsense")
    for mode, hosts in (("custom", []), ("both", ["telemetry.example.com"])):
        monkeypatch.setenv("SIRVEO_TELEMETRY_MODE", mode)
        outbox = Outbox()
        with sirveo(tmp_path, transport=outbox) as sending:
            assert sending.send_now(SECONDS if hosts else 0.1).problems
        assert set(hosts) == {request.endpoint.host for request in outbox.requests}
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENDPOINT", "nonsense")
    assert () == telemetry(tmp_path, policy="seqdesk", key="").status().destinations


def test_no_maker(tmp_path: Path) -> None:
    """Where the maker has no receiver the mode default sends nothing, and says so."""
    with sirveo(tmp_path, enabled=True, endpoint="") as sending:
        [problem] = sending.status().problems
    assert "there is no receiver of the maker's" in problem


def test_each_destination_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals, outcomes and errors are each one's own; the operator's interval is not the maker's."""
    # 001-04 001-11 001-12
    for name, value in {"MODE": "both", "URL": OWN, "FREQUENCY": "1h30m"}.items():
        monkeypatch.setenv(f"SIRVEO_TELEMETRY_{name}", value)

    class Half(Outbox):
        def send(self, request: Any, deadline: Any) -> Reply:
            super().send(request, deadline)
            return Reply(200) if request.endpoint.url == OWN else Reply(None, "The connection was refused.")

    with sirveo(tmp_path, transport=Half(), first_seconds=None) as sending:
        own, maker = sending.send_now(SECONDS).destinations
    assert ("custom", OWN, 5400, 200, None) == (
        own.name,
        own.endpoint,
        own.interval_seconds,
        own.last_status,
        own.last_error,
    )
    assert ("default", ENDPOINT, 8 * HOUR, None) == (
        maker.name,
        maker.endpoint,
        maker.interval_seconds,
        maker.last_status,
    )
    assert ("The connection was refused.", None) == (maker.last_error, maker.last_success)


@pytest.mark.parametrize(("url", "shown"), [(OWN, [OWN]), ("nonsense", []), ("", [ENDPOINT])])
def test_the_preview_while_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, shown: list[str]) -> None:
    """It shows where pings would go: to the operator's own address where there is one, never elsewhere instead."""
    monkeypatch.setenv("SIRVEO_TELEMETRY_URL", url)
    assert shown == [each.url for each in sirveo(tmp_path).preview()]
    monkeypatch.setenv("HOMING_TELEMETRY_ENDPOINT", url)
    hosts = [each.url.removesuffix("/v1/pings") for each in telemetry(tmp_path, enabled=False).preview()]
    assert shown == hosts


def test_the_preview_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows two requests, with the operator's token masked."""
    for name, value in {"MODE": "both", "URL": OWN, "AUTH": "own token"}.items():
        monkeypatch.setenv(f"SIRVEO_TELEMETRY_{name}", value)
    sending = sirveo(tmp_path)
    own, maker = sending.preview()
    assert (("User-Agent", "Sirveo"), ("Authorization", MASK)) == own.headers
    assert (("User-Agent", "Sirveo"),) == maker.headers
    assert "own token" not in f"{sending.status()} {own} {sending.preview()}"
    assert f"\n\nPOST {OWN}\nUser-Agent: Sirveo\nAuthorization: {MASK}\n\n" in str(own)


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_what_people_are_told(tmp_path: Path, policy: str) -> None:
    """The preview calls it pseudonymous, and says what is never contained."""  # 000-12 000-13
    [shown] = telemetry(tmp_path, policy=policy).preview()
    said = str(shown)
    assert said.startswith("This is pseudonymous, not anonymous: ")
    assert [] == [each for each in POLICIES[policy].excluded if f"no {each}" not in said]
    assert said.endswith(shown.body.decode())


def test_log_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG there is the id at the start, and a line for each request."""  # 001-15 001-23
    for name, value in {"TELEMETRY_MODE": "custom", "TELEMETRY_URL": OWN, "LOG_LEVEL": "debug"}.items():
        monkeypatch.setenv(f"SIRVEO_{name}", value)
    outbox = Outbox(Reply(200), Reply(None, "The connection was refused."))
    with caplog.at_level(logging.DEBUG, "homing.telemetry"), sirveo(tmp_path, transport=outbox) as sending:
        until(lambda: len(outbox.bodies) == 1)
        sending.send_now(SECONDS)
        instance = sending.status().instance
    assert [
        f"[telemetry] instance_id={instance}",
        "[telemetry:custom] sent reason=begin status=200",
        "[telemetry:custom] not sent reason=update error=The connection was refused.",
        "[telemetry:custom] not sent reason=end error=The connection was refused.",
    ] == caplog.messages


def test_the_id_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is there while telemetry is off, too, and in the status."""  # 001-17 001-23
    monkeypatch.setenv("SIRVEO_LOG_LEVEL", "DEBUG")
    with caplog.at_level(logging.DEBUG, "homing.telemetry"), sirveo(tmp_path) as sending:
        status = sending.status()
    assert not status.enabled
    assert [f"[telemetry] instance_id={status.instance}"] == caplog.messages
    assert UNMADE != status.instance


def test_the_id_in_the_host_s_own_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A host whose log is at DEBUG needs no variable to see it."""  # 001-23
    with caplog.at_level(logging.DEBUG, "homing.telemetry"), sirveo(tmp_path) as sending:
        assert [f"[telemetry] instance_id={sending.status().instance}"] == caplog.messages


# Identity.


def test_the_id_of_a_server(tmp_path: Path) -> None:
    """It is made at the start, on or off, as JSON in the table; a wrong one is replaced, a valid one kept."""
    # 001-17 001-22 001-23 001-24
    store = SqliteStore(tmp_path / "own.db")
    with sirveo(tmp_path, database=store):
        made = store.load()["instance_id"]
    store.save("instance_id", "no UUID")
    with sirveo(tmp_path, database=store):
        remade = store.load()["instance_id"]
    assert 3 == len({made, remade, "no UUID"}) + (made == remade)
    with sirveo(tmp_path, database=store, enabled=True) as sending:
        assert remade == sending.status().instance == store.load()["instance_id"]


def test_no_id_while_off(tmp_path: Path) -> None:
    """Nobody else makes one before telemetry is on."""  # 000-04
    for policy in sorted(set(POLICIES) - {"sirveo"}):
        with telemetry(tmp_path / policy, policy=policy, key="k", enabled=False) as sending:
            assert UNMADE == sending.status().instance
    assert [] == list(tmp_path.iterdir())


# Time.


@pytest.mark.parametrize("policy", ["seqdesk", "homing"])
def test_a_restart_within_the_interval(tmp_path: Path, policy: str) -> None:
    """The next heartbeat keeps its distance from the last success, whatever was started in between."""  # 000-14
    clock = Clock()
    given = {"policy": policy, "clock": clock, "first_seconds": 30}
    with telemetry(tmp_path, **given) as sending:
        success = sending.send_now(SECONDS).last_success
    assert success == clock.now()
    clock.advance(seconds=5 * HOUR)
    with telemetry(tmp_path, **given) as sending:
        until(lambda: sending.status().last_success == success)
        until(lambda: sending.status().next_due == success + 24 * HOUR * 1000)


@pytest.mark.parametrize("policy", ["sirveo", "flowfuse", "slackonos"])
def test_others_do_not_remember(tmp_path: Path, policy: str) -> None:
    """Their documents know of no such rule: each start begins anew."""
    for _ in range(2):
        with telemetry(tmp_path, policy=policy, first_seconds=30, file=tmp_path / "c.json") as sending:
            assert sending.status().next_due == Clock().now() + 30_000
            sending.send_now(SECONDS)


def test_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SeqDesk tries again after an hour, the others at the next interval."""  # 001-14
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.005)
    for policy, seconds in (("seqdesk", HOUR), ("flowfuse", 24 * HOUR), ("homing", 24 * HOUR)):
        clock, outbox = Clock(), Outbox(Reply(500))
        given = {"policy": policy, "clock": clock, "transport": outbox, "first_seconds": 1}
        with telemetry(tmp_path / policy, **given) as sending:
            clock.advance(seconds=1)
            until(lambda sending: sending.status().last_status == 500, sending)
            due = clock.now() + seconds * 1000
            until(lambda sending, due: abs(sending.status().next_due - due) <= 1000, sending, due)
        assert 1 == len(outbox.bodies)


def test_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SlackONOS sends the very same event again, soon; a refusal ends that."""  # 004-10
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.005)
    clock, outbox = Clock(), Outbox(Reply(503), Reply(None, "Lost."), Reply(200))
    policy = SLACKONOS._replace(kinds=SLACKONOS.kinds._replace(end=""))
    with telemetry(tmp_path, policy=policy, file=tmp_path / "c.json", clock=clock, transport=outbox) as sending:
        for number in (1, 2, 3):
            until(lambda number: len(outbox.bodies) == number, number)
            # The answer must have been thought about.
            until(lambda: sending._engine._workers[0]._deadline is None)  # noqa: SLF001 - shows nowhere else
            clock.advance(seconds=600)
        time.sleep(0.05)
    events = [json.loads(body)["batch"] for body in outbox.bodies]
    assert [events[0]] * 3 == events


def test_gone(tmp_path: Path) -> None:
    """After a 410 our own policy sends no more to that address, over restarts too; another address is asked."""
    outbox = Outbox(Reply(410))
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.send_now(SECONDS)
        status = sending.send_now(SECONDS)
    assert (True, None, 410, 1) == (status.first.is_gone, status.next_due, status.last_status, len(outbox.bodies))
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.send_now(SECONDS)
    assert 1 == len(outbox.bodies)
    with telemetry(tmp_path, transport=outbox, endpoint="http://new.example.com") as sending:
        sending.send_now(SECONDS)
    assert 2 == len(outbox.bodies)


@pytest.mark.parametrize("is_first", [True, False])
def test_gone_for_another_process(tmp_path: Path, *, is_first: bool) -> None:
    """Whether it was started before or after, a process that does not lead sends no more either."""
    outbox, others = Outbox(Reply(410)), Outbox()
    other = telemetry(tmp_path, transport=others)
    with telemetry(tmp_path, transport=outbox) as sending:
        if is_first:
            sending.send_now(SECONDS)
        other.start()
        sending.send_now(SECONDS)
        other.event("told")
        status = other.send_now(SECONDS)
        other.stop(SECONDS)
    assert (1, []) == (len(outbox.bodies), others.bodies)
    assert (True, (("refused", 1),)) == (status.first.is_gone, other.status().lost)


def test_not_initialised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the application is set up nothing leaves, neither soon nor at the daily time; then it does."""  # 003-11
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.005)
    clock, outbox, ready = Clock(), Outbox(), [False]
    given = {"policy": "flowfuse", "key": "", "enabled": None, "first_seconds": None}
    with telemetry(tmp_path, clock=clock, transport=outbox, initialised=lambda: ready[0], **given) as sending:
        for _ in range(3):
            due = sending.status().next_due
            clock.advance(seconds=(due or 0) / 1000 - clock.now() / 1000)
            until(lambda due: sending.status().next_due != due, due)
        assert [] == outbox.bodies
        ready[0] = True
        clock.advance(days=1)
        until(lambda: bool(outbox.bodies))


@pytest.mark.parametrize("minute", [0, 1, 719, 1439])
def test_a_random_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minute: int) -> None:
    """FlowFuse pings 30 seconds after the start, then daily at the minute that chance picked."""  # 003-11 003-12
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.005)
    clock, outbox = Clock(chance=minute), Outbox()
    given = {"policy": "flowfuse", "key": "", "enabled": None, "first_seconds": None}
    with telemetry(tmp_path, clock=clock, transport=outbox, **given) as sending:
        assert clock.now() + 30_000 == sending.status().next_due
        clock.advance(seconds=30)
        until(lambda: len(outbox.bodies) == 1)
        due = sending.status().next_due
        assert due is not None
        assert (minute, True) == (due // 60_000 % 1440, 0 < due - clock.now() <= 86_400_000)
        clock.advance(seconds=(due - clock.now()) / 1000)
        until(lambda: len(outbox.bodies) == 2)
        assert due + 86_400_000 == sending.status().next_due


@pytest.mark.parametrize(("policy", "hours"), [("sirveo", 8), ("slackonos", 24)])
def test_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, hours: int) -> None:
    """The first ping leaves at the start, each further one an interval later."""  # 001-06 001-08 004-03 004-04
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.005)
    clock, outbox = Clock(), Outbox()
    given = {"policy": policy, "file": tmp_path / "c.json", "first_seconds": None}
    with telemetry(tmp_path, clock=clock, transport=outbox, **given) as sending:
        for number in (1, 2, 3):
            until(lambda number: len(outbox.bodies) == number, number)
            until(lambda: sending.status().next_due == clock.now() + hours * HOUR * 1000)
            clock.advance(seconds=hours * HOUR)


@pytest.mark.parametrize("policy", ["sirveo", "slackonos"])
def test_it_begins_once(tmp_path: Path, policy: str) -> None:
    """Neither what is saved nor another id is a start of the program; a start after a stop is one."""
    outbox = Outbox()
    own = POLICIES[policy]._replace(layers=("environment", "file", "database", "default"))
    given = {"policy": own, "file": tmp_path / "c.json", "transport": outbox, "interval_hours": None}
    with telemetry(tmp_path, **given) as sending:
        until(lambda: len(begins(outbox)) == 1)
        sending.reset_id(who="ada")
        sending.send_now(SECONDS)
        sending.save({"endpoint": OWN}, who="ada")
        sending.send_now(SECONDS)
        assert 1 == len(begins(outbox))
        sending.stop(SECONDS)
        sending.start()
        until(lambda: len(begins(outbox)) == 2)


@pytest.mark.parametrize("policy", ["sirveo", "slackonos"])
def test_it_begins_when_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    """What tells of the start waits until the application is set up, without being tried all the time."""
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.02)
    outbox, clock, asked = Outbox(), Clock(), []

    def ask() -> bool:
        asked.append(clock.now())
        return clock.now() > Clock().now()

    given = {"policy": policy, "file": tmp_path / "c.json", "transport": outbox, "clock": clock}
    with telemetry(tmp_path, initialised=ask, **given) as sending:
        until(lambda: asked)
        time.sleep(0.1)
        assert ([], 1) == (outbox.bodies, len(asked))
        clock.advance(seconds=1)
        until(lambda: len(begins(outbox)) == 1)
        assert sending.status().enabled


@pytest.mark.parametrize(
    ("reply", "reason"), [(Reply(503), "failed"), (Reply(None, "Lost."), "failed"), (Reply(400), "refused")]
)
def test_what_is_told_once_is_counted(tmp_path: Path, reply: Reply, reason: str) -> None:
    """Begin and end that did not arrive are lost where nothing is sent again; an update has another after it."""
    outbox = Outbox(reply)
    with sirveo(tmp_path, enabled=True, transport=outbox) as sending:
        sending.send_now(SECONDS)
        sending.stop(SECONDS)
    assert ["begin", "update", "end"] == named(outbox)
    assert ((reason, 2),) == sending.status().lost


def test_what_had_no_time_is_counted(tmp_path: Path) -> None:
    """An end that was not even tried is lost too."""
    outbox = Outbox()
    sending = sirveo(tmp_path, enabled=True, transport=outbox)
    sending.send_now(SECONDS)
    sending.stop(0)
    assert (["begin", "update"], (("failed", 1),)) == (named(outbox), sending.status().lost)


# Licence, consent, notice.


def test_a_licence_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event is sent at once when the host says so, and within a minute otherwise."""  # 001-09
    monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 0.005)
    outbox, found = Outbox(), [Licence("l", "EE", key="k")]
    with sirveo(tmp_path, enabled=True, transport=outbox, licence=lambda: found[0]) as sending:
        until(lambda: named(outbox) == ["begin"])
        found[0] = found[0]._replace(is_valid=False)
        until(lambda: len(named(outbox)) == 2)
        monkeypatch.setattr("homing.sdk.worker.LOOK_SECONDS", 60)
        sending.send_now(SECONDS)
        found[0] = found[0]._replace(is_valid=True)
        sending.license_changed()
        until(lambda: len(named(outbox)) == 4)
    assert ["begin", "license-state-change", "update", "license-state-change", "end"] == named(outbox)
    assert [True, False, False, True, True] == [json.loads(body)["license_valid"] for body in outbox.bodies]


def test_a_licence_that_is_loaded(tmp_path: Path) -> None:
    """It switches an installation on that had opted out, without a restart."""  # 003-05
    found: list[Licence | None] = [None]
    given = {"policy": "flowfuse", "key": "", "enabled": None, "licence": lambda: found[0]}
    with telemetry(tmp_path, **given) as sending:
        assert not sending.save({"enabled": False}, who="ada").enabled
        found[0] = Licence("l", "EE", is_valid=False)
        sending.license_changed()
        assert (True, "licence") == sending.status()[:2]
        assert sending.status().next_due
        found[0] = None
        sending.license_changed()
        assert (False, "database") == sending.status()[:2]


def test_a_list_that_grows(tmp_path: Path) -> None:
    """Who agreed to the old fields goes on sending those, until somebody agrees again."""
    row = Row("properties.users", NUMBER, "why", 5, lambda _moment: 5, since=2)

    def users(**given: Any) -> Any:
        with telemetry(tmp_path, enabled=None, **given) as sending:
            if "rows" not in given:
                sending.save({"enabled": True}, who="ada")
            return json.loads(sending.preview()[0].body)["properties"].get("users")

    assert None is users()
    assert None is users(rows=[row])
    with telemetry(tmp_path, enabled=None, rows=[row]) as sending:
        # It is on already: that is no yes to what nobody was shown.
        sending.save({"enabled": True, "interval": 2}, who="grace")
        assert None is users(rows=[row])
        sending.agree(who="grace")
    assert 5 == users(rows=[row])
    agreed = SqliteStore(tmp_path / "telemetry.db").load()["consent"]
    assert ("grace", 2) == (agreed["who"], agreed["fields"])


def test_agreeing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment switches it on, the first ping writes down the list; later fields wait for a yes."""
    monkeypatch.setenv("HOMING_TELEMETRY_ENABLED", "true")
    row = Row("properties.users", NUMBER, "why", 5, lambda _moment: 5, since=2)
    with telemetry(tmp_path, enabled=None) as sending:
        sending.send_now(SECONDS)
    outbox = Outbox()
    with telemetry(tmp_path, enabled=None, rows=[row], transport=outbox) as sending:
        sending.send_now(SECONDS)
        sending.agree(who="ada")
        sending.send_now(SECONDS)
    assert [None, 5] == [json.loads(body)["properties"].get("users") for body in outbox.bodies]


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def test_the_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal our own policy says once what will be sent, and sends nothing in that run."""
    shown, outbox = Terminal(), Outbox()
    monkeypatch.setattr("sys.stderr", shown)
    with telemetry(tmp_path, transport=outbox) as sending:
        status = sending.send_now(0.1)
    assert ([], 1) == (outbox.bodies, len(status.problems))
    said = shown.getvalue()
    assert "telemetry.example.com" in said
    assert "HOMING_TELEMETRY_ENABLED=false or DO_NOT_TRACK=1" in said
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.send_now(SECONDS)
    assert (said, 1) == (shown.getvalue(), len(outbox.bodies))


class Broken(Terminal):
    """One that nobody can write to any more."""

    def write(self, _text: str) -> int:
        raise OSError


@pytest.mark.parametrize("kind", ["plain", "closed", "none", "broken"])
def test_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Where a notice cannot be shown none is said to be, and what somebody agreed to is sent."""
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", {"plain": object(), "closed": closed, "none": None, "broken": Broken()}[kind])
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox) as sending:
        status = sending.send_now(SECONDS)
    assert (1, ()) == (len(outbox.bodies), status.problems)


@pytest.mark.parametrize("policy", sorted(set(POLICIES) - {"homing"}))
def test_no_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    """The document policies show none, and send in their first run once enabled."""
    shown, outbox = Terminal(), Outbox()
    monkeypatch.setattr("sys.stderr", shown)
    with telemetry(tmp_path, policy=policy, transport=outbox, file=tmp_path / "c.json") as sending:
        sending.send_now(SECONDS)
    assert ("", True) == (shown.getvalue(), bool(outbox.bodies))


# The host's own code.


def test_before_send_that_fails(tmp_path: Path) -> None:
    """Nothing is sent, and status says so."""  # 004-09
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox, before_send=lambda _body: 1 / 0) as sending:
        assert "before_send failed with ZeroDivisionError" in str(sending.send_now(SECONDS).last_error)
        assert b"" == sending.preview()[0].body
    assert [] == outbox.bodies


@pytest.mark.parametrize("what", ["licence", "initialised"])
def test_functions_that_fail(tmp_path: Path, what: str) -> None:
    """They harm nobody: no licence, and not initialised; status says so until they can tell again."""  # 004-09
    outbox = Outbox()
    divisor = [0]

    def fail() -> bool:
        return bool(1 / divisor[0])

    with telemetry(tmp_path, transport=outbox, **{what: fail}) as sending:
        [problem] = sending.send_now(SECONDS).problems
        assert ("The host cannot say" in problem, "ZeroDivisionError" in problem) == (True, True)
        assert (what == "licence") == bool(outbox.bodies)
        divisor[0] = 1
        assert () == sending.send_now(SECONDS).problems


def test_a_store_that_fails(tmp_path: Path) -> None:
    """What was sent cannot be written down: it is sent all the same, and status says so."""  # 004-09

    class Full(JsonStore):
        def save(self, name: str, value: Any) -> None:
            raise OSError(f"no space for {name}: {value}")

    with telemetry(tmp_path, database=Full(tmp_path / "x.json")) as sending:
        status = sending.send_now(SECONDS)
        with pytest.raises(SettingsError, match="It cannot be kept: no space for "):
            sending.save({"enabled": False}, who="ada")
    assert (200, 2) == (status.last_status, len(status.problems))


def test_saving_after_the_end(tmp_path: Path) -> None:
    """Who has stopped telemetry is not surprised by a thread when somebody switches it on."""
    outbox = Outbox()
    with telemetry(tmp_path, enabled=None, transport=outbox) as sending:
        pass
    assert (True, None) == (sending.save({"enabled": True}, who="ada").enabled, sending.status().next_due)
    assert [] == outbox.bodies


def test_what_was_last_sent(tmp_path: Path) -> None:
    """It is the very body, with the key masked, and nothing before anything was sent."""
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox, policy=HOMING) as sending:
        assert () == sending.show_last()
        sending.send_now(SECONDS)
        [last] = sending.show_last()
    assert (outbox.bodies, ("Authorization", MASK)) == ([last.body], last.headers[1])


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_what_is_never_contained(tmp_path: Path, policy: str) -> None:
    """No body holds the names of host, user or files, an address, or a token."""
    # 000-13 001-21 003-01 003-02 004-07
    outbox = Outbox()
    with telemetry(tmp_path, policy=policy, transport=outbox, file=tmp_path / "c.json") as sending:
        sending.send_now(SECONDS)
    token = tmp_path / "token"
    secret = token.read_text().strip() if token.exists() else "no token"
    strange = [socket.gethostname(), getpass.getuser(), str(tmp_path), str(Path.home()), "127.0.0.1", "@", secret]
    assert outbox.bodies
    assert [] == [word for body in outbox.bodies for word in strange if word in body.decode()]
