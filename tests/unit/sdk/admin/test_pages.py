"""The pages of the administrators, and the step of set-up."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from homing import Licence, Row, SqliteStore, Telemetry, TelemetrySetup
from homing.sdk.payload import NUMBER
from homing.sdk.policy import POLICIES
from homing.sdk.transports.base import Reply
from homing.testing import MemoryTransport
from tests.unit.sdk.admin.visitor import API, HERE, Answer, Visitor, admin, always
from tests.unit.sdk.doubles import SECONDS, telemetry

HOSTILE = "\"'><script>alert(1)</script>"


def saved(visitor: Visitor, **fields: str) -> Answer:
    """Send the form of the settings, with the switch on unless it is told otherwise."""
    form = [("do", "save"), *(("shown", name) for name in ("enabled", "endpoint", "key", "interval"))]
    usual = {"enabled": "true", "endpoint": "", "key": "", "interval": "24"}
    return visitor.post([*form, *{**usual, **fields}.items()])


def given(policy: str) -> dict[str, Any]:
    """Return what telemetry of a policy is made with."""
    return {"policy": policy, "key": "" if policy in ("seqdesk", "sirveo", "flowfuse") else "k", "enabled": None}


# The settings page.


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_what_people_are_told(tmp_path: Path, policy: str) -> None:
    """Pseudonymous, never only anonymous; what is never contained; and every field with why and example."""  # 000-12
    sending = telemetry(tmp_path, **given(policy))
    page = admin(sending).get()
    assert 200 == page.status
    assert "This is pseudonymous, not anonymous" in page.words
    assert page.words.lower().count("anonymous") == 1
    for name in POLICIES[policy].excluded:
        assert f"no {name}" in page.words
    for row in sending.about().rows:
        assert row.name in page.words
        assert row.why in page.words
        assert json.dumps(row.example, ensure_ascii=False) in page.words


def test_the_preview_is_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each destination's body stands there byte for byte; secrets do not."""
    monkeypatch.setenv("SIRVEO_TELEMETRY_MODE", "both")
    monkeypatch.setenv("SIRVEO_TELEMETRY_URL", "http://own.example.com/x")
    monkeypatch.setenv("SIRVEO_TELEMTRY_AUTH", "very-secret")
    with telemetry(tmp_path, **given("sirveo")) as sending:
        page = admin(sending).get()
        # What was last sent stands behind it.
        now = page.text.partition("<details>")[0]
        bodies = dict(re.findall(r'<code data-body="(\w+)">([^<]*)</code>', now))
        expected = {shown.destination: shown.body for shown in sending.preview()}
    assert ["custom", "default"] == sorted(expected)
    assert expected == {name: html.unescape(body).encode() for name, body in bodies.items()}
    assert "very-secret" not in page.text


def test_the_question(tmp_path: Path) -> None:
    """Where nobody has decided a card asks; both answers are kept, and it asks no more."""
    for what, expected in (("enable", True), ("refuse", False)):
        with telemetry(tmp_path / what, enabled=None) as sending:
            asked = admin(sending).get()
            assert "Nothing is sent until you decide" in asked.words
            answer = admin(sending).post({"do": what})
            assert (303, f"./?done={what}d") == (
                answer.status,
                answer.headers["Location"],
            )
            assert (expected, "database") == sending.status()[:2]
            after = admin(sending).get(f"/{answer.headers['Location'].removeprefix('./')}")
            assert "Nothing is sent until you decide" not in after.words
            assert ("Telemetry is on." if expected else "Telemetry stays off.") in after.words
            assert expected is ("consent" in SqliteStore(tmp_path / what / "telemetry.db").load())


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_nobody_is_asked_in_vain(tmp_path: Path, policy: str) -> None:
    """No card where telemetry is on at first, or where the page cannot decide."""
    page = admin(telemetry(tmp_path, **given(policy))).get()
    assert (policy in ("seqdesk", "homing")) is ("Keep disabled" in page.words)


def test_saving(tmp_path: Path) -> None:
    """The form saves what was changed, and only that; the key does not come back."""  # 000-16
    with telemetry(tmp_path, enabled=None) as sending:
        answer = saved(admin(sending), endpoint=" http://localhost/x ", key="very-secret", interval="12")
        assert (303, "./?done=saved") == (answer.status, answer.headers["Location"])
        settings = dict(sending.status().settings)
        assert ("http://localhost/x", "very-secret", 12 * 3600) == tuple(
            settings[name].value for name in ("endpoint", "key", "interval")
        )
        page = admin(sending).get("/?done=saved")
        assert "very-secret" not in page.text
        assert "Saved. It holds from now on." in page.words
        assert 'value="http://localhost/x"' in page.text
        assert (
            "./?done=unchanged"
            == saved(admin(sending), endpoint="http://localhost/x", interval="12").headers["Location"]
        )
        saved(admin(sending), endpoint="", interval="12", forget="key")
        settings = dict(sending.status().settings)
        assert ("default", "default", "database") == tuple(
            settings[name].layer for name in ("endpoint", "key", "interval")
        )


def test_switching_off(tmp_path: Path) -> None:
    """An unticked switch is a no, and when the page is back nothing is sent any more."""  # 000-21
    transport = MemoryTransport()
    with telemetry(tmp_path, enabled=None, transport=transport) as sending:
        saved(admin(sending))
        sending.send_now(SECONDS)
        form = [("do", "save"), ("shown", "enabled")]
        assert 303 == admin(sending).post(form).status
        sending.send_now(SECONDS)
        assert (1, False) == (len(transport.requests), sending.status().enabled)


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    """The page comes back with what was typed and a sentence at each field, and nothing was saved."""
    sending = telemetry(tmp_path, enabled=None)
    page = saved(admin(sending), endpoint=f"ftp://{HOSTILE}", interval="500")
    assert 400 == page.status
    assert "Nothing was saved." in page.words
    assert 'aria-invalid="true"' in page.tag('id="interval"')
    assert 'aria-describedby="interval-hint interval-error"' in page.tag('id="interval"')
    assert 'value="500"' in page.tag('id="interval"')
    assert "checked" in page.tag('id="enabled"')
    assert "Interval must be a whole number from 1 to 168." in page.words
    assert "<script>alert" not in page.text
    assert not sending.status().enabled


def test_locked_controls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control that is held elsewhere is disabled and names by what; saving it all the same is 409."""
    monkeypatch.setenv("HOMING_TELEMETRY_ENABLED", "true")
    sending = telemetry(tmp_path, enabled=None)
    page = admin(sending).get()
    assert "disabled" in page.tag('id="enabled"')
    assert "Set by HOMING_TELEMETRY_ENABLED; change it there." in page.words
    assert "disabled" not in page.tag('id="interval"')
    answer = admin(sending).post([("do", "save"), ("shown", "enabled")])
    assert (409, True) == (answer.status, sending.status().enabled)
    assert "Nothing was saved. Operational telemetry: Set by HOMING_TELEMETRY_ENABLED" in answer.words


def test_a_licence(tmp_path: Path) -> None:
    """The switch is on and locked with its reason, also when the licence is not valid any more."""  # 003-05
    licence = Licence("l-1", "EE", key="very-secret", is_valid=False)
    sending = telemetry(tmp_path, **{**given("flowfuse"), "licence": lambda: licence})
    page = admin(sending).get()
    assert "checked" in page.tag('id="enabled"')
    assert "disabled" in page.tag('id="enabled"')
    assert "licensed installations cannot switch telemetry off" in page.words
    assert 409 == admin(sending).post([("do", "save"), ("shown", "enabled")]).status
    server = admin(sending).get("/server")
    assert "Loaded, but not valid or expired." in server.words
    assert "l-1" in server.words
    assert "very-secret" not in server.text + page.text


def test_opting_out(tmp_path: Path) -> None:
    """What is on at first goes off with the switch, and stays off."""  # 003-03
    with telemetry(tmp_path, **given("flowfuse")) as sending:
        assert "checked" in admin(sending).get().tag('id="enabled"')
        assert 303 == admin(sending).post([("do", "save"), ("shown", "enabled")]).status
    assert "checked" not in admin(telemetry(tmp_path, **given("flowfuse"))).get().tag('id="enabled"')


def test_from_the_environment_only(tmp_path: Path) -> None:
    """Where nothing can be saved every control is locked, names its variable, and there is no button."""
    page = admin(telemetry(tmp_path, **given("sirveo"))).get()
    for name in POLICIES["sirveo"].names:
        assert "disabled" in page.tag(f'id="{name.setting}"')
        assert " or ".join(name.variables) in page.words
    assert 'value="save"' not in page.text


def test_a_test(tmp_path: Path) -> None:
    """It says what came of it, and the page shows answer, error and what was last sent."""
    transport = MemoryTransport(Reply(None, "The connection was refused."))
    with telemetry(tmp_path, transport=transport) as sending:
        page = admin(sending).post({"do": "test"})
        assert "The test failed. The connection was refused." in page.words
        assert "What was last sent" in page.words
    with telemetry(tmp_path / "fine") as sending:
        assert "./?done=tested" == admin(sending).post({"do": "test"}).headers["Location"]
        assert "Last answer 200" in admin(sending).get().words
    off = telemetry(tmp_path, enabled=False)
    assert "disabled" in admin(off).get().tag('value="test"')
    assert "Telemetry is off, so there is nothing to test." in admin(off).post({"do": "test"}).words


def test_the_id(tmp_path: Path) -> None:
    """It is short here and whole to copy; the page Server has it whole; both also while telemetry is off."""  # 001-23
    with telemetry(tmp_path, enabled=None) as sending:
        assert "it is made when you enable telemetry" in admin(sending).get().words
        assert "There is none yet." in admin(sending).get("/server").words
        admin(sending).post({"do": "enable"})
        whole = (tmp_path / "instance-id").read_text().strip()
        for _ in ("on", "off"):
            page = admin(sending).get()
            assert f"{whole[:8]}…" in page.words
            assert f'data-whole="{whole}"' in page.text
            assert whole in admin(sending).get("/server").words
            saved(admin(sending), enabled="")


def test_a_list_that_grew(tmp_path: Path) -> None:
    """The new fields wait, with why and example, until somebody agrees on the page."""
    with telemetry(tmp_path, enabled=None) as sending:
        admin(sending).post({"do": "enable"})
    row = Row("properties.users", NUMBER, "Shows how many there are.", 5, lambda _moment: 5, since=2)
    with telemetry(tmp_path, enabled=None, rows=[row]) as sending:
        page = admin(sending).get()
        assert "The list of fields has grown" in page.words
        assert "Shows how many there are." in page.words
        assert "./?done=agreed" == admin(sending).post({"do": "agree"}).headers["Location"]
        assert "The list of fields has grown" not in admin(sending).get().words
        assert 5 == json.loads(sending.preview()[0].body)["properties"]["users"]
    agreed = SqliteStore(tmp_path / "telemetry.db").load()["consent"]
    assert ("ada", 2) == (agreed["who"], agreed["fields"])


def test_problems_stand_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with the settings is said, and is text."""
    monkeypatch.setenv("HOMING_TELEMETRY_ENABLED", HOSTILE)
    page = admin(telemetry(tmp_path, enabled=None)).get()
    assert "is neither on nor off." in page.words
    assert "<script>alert" not in page.text


def test_nothing_inline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No page holds a script, a style or a handler of its own: the policy would stop them."""
    monkeypatch.setenv("SIRVEO_TELEMETRY_MODE", "both")
    for policy in POLICIES:
        visitor = admin(telemetry(tmp_path / policy, **given(policy)))
        setup = Visitor(TelemetrySetup(telemetry(tmp_path / policy, **given(policy)), is_admin=always("ada")))
        for page in (visitor.get(), visitor.get("/server"), setup.get()):
            assert 200 == page.status
            assert [] == re.findall(
                r"<style|\sstyle=|\son\w+=|<script(?! src=)|javascript:|https?://[^<\"]*\.js", page.text
            )


def test_several_processes(tmp_path: Path) -> None:
    """What was saved in one stands on the pages of the other at once, and is gone by there."""
    transport = MemoryTransport()
    with telemetry(tmp_path, enabled=None) as one, telemetry(tmp_path, enabled=None, transport=transport) as other:
        admin(one).post({"do": "enable"})
        assert "checked" in admin(other).get().tag('id="enabled"')
        assert 200 == admin(other).test().status
        saved(admin(one), enabled="", interval="12")
        page = admin(other).get()
        assert "checked" not in page.tag('id="enabled"')
        assert 'value="12"' in page.tag('id="interval"')
        assert 400 == admin(other).test().status
    assert 1 == len(transport.requests)


def test_agreeing_in_another_process(tmp_path: Path) -> None:
    """The new fields are sent by every process then."""
    row = Row("properties.users", NUMBER, "Shows how many there are.", 5, lambda _moment: 5, since=2)
    with telemetry(tmp_path, enabled=None) as sending:
        admin(sending).post({"do": "enable"})
    with telemetry(tmp_path, enabled=None, rows=[row]) as one, telemetry(tmp_path, enabled=None, rows=[row]) as other:
        assert "users" not in admin(other).get().text.partition("<code data-body")[2].partition("</code>")[0]
        admin(one).post({"do": "agree"})
        assert "users" in admin(other).get().text.partition("<code data-body")[2].partition("</code>")[0]


def test_what_there_is_not(tmp_path: Path) -> None:
    """Unknown pages, actions, methods and bodies are refused, as JSON to whoever speaks it."""
    visitor = admin(telemetry(tmp_path))
    assert 404 == visitor.get("/nowhere").status
    assert 404 == visitor.get("/../page.css").status
    assert 405 == visitor.ask("DELETE", "/", **HERE).status
    assert 405 == visitor.post({"do": "save"}, "/nowhere").status
    assert 400 == visitor.post({"do": "save"}, "/server").status
    assert 400 == visitor.post({"do": "explode"}).status
    assert 400 == visitor.post({}).status
    assert 400 == visitor.post({"do": "enable"}, CONTENT_TYPE="text/plain").status
    assert "error" in visitor.get(f"{API}/nowhere").json


def test_forms_of_other_sites(tmp_path: Path) -> None:
    """They change nothing, whatever they say they are."""
    sending = telemetry(tmp_path, enabled=None)
    for extra in (
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "https://acme.example.com"},
    ):
        assert 403 == admin(sending).post({"do": "enable"}, **extra).status
    kind = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    assert 403 == admin(sending).ask("POST", "/", b"do=enable", **kind).status
    assert 403 == admin(sending).ask("POST", "/", b"do=enable", HTTP_ORIGIN="null", **kind).status
    assert not sending.status().enabled


# The server page.


def test_the_server(tmp_path: Path) -> None:
    """The id as a whole, the build's values as they are sent, and the licence."""  # 001-23
    values = {"build_commit": "4379644", "build_time": "2024-02-16T23:06:23+02:00", "build_mode": "licenced"}
    with telemetry(tmp_path, **{**given("sirveo"), "values": values}) as sending:
        words = admin(sending).get("/server").words
        assert f"Id {SqliteStore(tmp_path / 'telemetry.db').load()['instance_id']}" in words
    for text in (
        "Version 1.2.3",
        "Commit 4379644",
        "Built at 2024-02-16T23:06:23+02:00",
        "Built for system linux",
        "No licence is loaded.",
    ):
        assert text in words


def test_another_id(tmp_path: Path) -> None:
    """It is made on the page, at once, and said; where there is none there is nothing to replace."""
    with telemetry(tmp_path, enabled=None) as sending:
        assert "Replace the id" not in admin(sending).get("/server").words
        admin(sending).post({"do": "enable"})
        before = sending.about().instance
        answer = admin(sending).post({"do": "reset"}, "/server")
        assert (303, "server?done=reset") == (answer.status, answer.headers["Location"])
        page = admin(sending).get("/server?done=reset")
        assert "There is another id from now on." in page.words
        assert before not in page.text
        assert sending.status().instance in page.words
        assert 403 == admin(sending).post({"do": "reset"}, "/server", HTTP_SEC_FETCH_SITE="cross-site").status


def test_an_id_that_cannot_be_replaced(tmp_path: Path) -> None:
    """The page says so."""
    with telemetry(tmp_path) as sending:
        sending.send_now(SECONDS)
        (tmp_path / "instance-id").unlink()
        (tmp_path / "instance-id").mkdir()
        assert "The id cannot be replaced" in admin(sending).post({"do": "reset"}, "/server").words


# The step of set-up.


def setup(sending: Telemetry) -> Visitor:
    """Return somebody who sets an application up."""
    return Visitor(TelemetrySetup(sending, is_admin=always("ada"), then="/finish"))


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_the_box(tmp_path: Path, policy: str) -> None:
    """It is ticked at first as the policy says, beside the fields with why and example."""
    sending = telemetry(tmp_path, **given(policy))
    page = setup(sending).get()
    assert (POLICIES[policy].at_first != "disabled") is ("checked" in page.tag('id="enabled"'))
    assert "pseudonymous, not anonymous" in page.words
    for row in sending.about().rows:
        assert row.why in page.words
    for name in POLICIES[policy].excluded:
        assert f"no {name}" in page.words


@pytest.mark.parametrize("policy", ["homing", "flowfuse", "seqdesk", "slackonos"])
@pytest.mark.parametrize("choice", [True, False])
def test_the_choice_is_kept_before_anything_is_sent(tmp_path: Path, policy: str, choice: bool) -> None:  # noqa: FBT001 - a column
    """Till the set-up is over nothing leaves; then the choice holds, on or off, whatever the policy."""  # 003-03
    is_over: list[bool] = []
    transport = MemoryTransport()
    more = {**given(policy), "initialised": lambda: bool(is_over), "transport": transport}
    with telemetry(tmp_path, first_seconds=0, file=tmp_path / "own.json", **more) as sending:
        sending.send_now(SECONDS)
        answer = setup(sending).post({"do": "choose", **({"enabled": "true"} if choice else {})})
        assert (303, "/finish") == (answer.status, answer.headers["Location"])
        sending.send_now(SECONDS)
        assert ([], choice) == (transport.requests, sending.status().enabled)
        is_over.append(True)
        sending.send_now(SECONDS)
        assert choice is bool(transport.requests)
    assert choice is telemetry(tmp_path, **given(policy), file=tmp_path / "own.json").status().enabled


def test_what_cannot_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something stands above, the box is locked with the reason, and the set-up goes on."""
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    sending = telemetry(tmp_path, enabled=None)
    page = setup(sending).get()
    assert "disabled" in page.tag('id="enabled"')
    assert "DO_NOT_TRACK" in page.words
    answer = setup(sending).post({"do": "choose", "enabled": "true"})
    assert (303, False) == (answer.status, sending.status().enabled)
    assert [] == list(tmp_path.iterdir())


def test_what_cannot_be_kept(tmp_path: Path) -> None:
    """When the choice cannot be written down the step says so, and does not go on."""
    (tmp_path / "file").write_text("in the way")
    answer = setup(telemetry(tmp_path / "file" / "place", enabled=None)).post({"do": "choose", "enabled": "true"})
    assert (400, True) == (answer.status, "It cannot be kept" in answer.words)


def test_the_step_is_guarded(tmp_path: Path) -> None:
    """Other sites and other paths come to nothing."""
    sending = telemetry(tmp_path, enabled=None)
    assert 403 == setup(sending).post({"enabled": "true"}, HTTP_SEC_FETCH_SITE="cross-site").status
    assert 404 == setup(sending).get("/server").status
    assert 404 == setup(sending).get(API).status
    assert 405 == setup(sending).put({"enabled": True}).status
    assert (200, "text/css; charset=utf-8") == (
        (found := setup(sending).get("/page.css")).status,
        found.headers["Content-Type"],
    )
    assert not sending.status().enabled
