"""The pages about wire protocols say what the dialects do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from homing.outcomes import OUTCOMES
from homing.ping import MOST_VALUE, Ping
from homing.server.app import DIALECTS
from homing.server.dialects import flowfuse, sirveo
from homing.server.dialects.base import MOST_DEPTH, Request, major
from homing.server.dialects.native import KEYS, MOST_PINGS
from homing.server.dialects.posthog import events
from homing.server.dialects.posthog.capture import Capture
from homing.server.dialects.seqdesk import SeqDesk
from homing.server.ingest.inflate import MOST_BYTES
from homing.server.ingest.steps import MOST_ID, MOST_KIND, MOST_PROPERTIES
from tests.docs.pages import outcomes_of, part, rows_of, text_of, wire_fields
from tests.golden.cases import body_of, cases
from tests.receiving import heartbeat, site

KIB = 1024


def section(page: str, head: str) -> list[list[str]]:
    """Return the table rows below a head."""
    _, _, rest = text_of(page).partition(f"## {head}\n")
    assert rest, f"{page} has no section {head}."
    return rows_of(re.split(r"^## ", rest, flags=re.MULTILINE)[0])


def test_every_dialect_has_a_page() -> None:
    """Each dialect has its page, which names every path of it."""
    for dialect in DIALECTS:
        text = text_of(f"dialects/{dialect.name}.md")
        assert [] == [path for path in (*dialect.paths, *dialect.open_paths) if path not in text]


@pytest.mark.parametrize("dialect", sorted({dialect.name for dialect in DIALECTS}))
def test_outcomes(dialect: str) -> None:
    """Each outcome that a dialect answers with stands on its page, with its status and sentence."""
    rows = rows_of(part(f"dialects/{dialect}.md", "outcomes"))
    assert outcomes_of(dialect) == {row[0].strip("`") for row in rows}
    for name, status, sentence in rows:
        row = OUTCOMES[name.strip("`")]
        assert (status, sentence) == (str(row.status), row.sentence)


def test_native_keys() -> None:
    """Each key of a ping has its row, and the limits are the ones that hold."""
    rows = {row[0].strip("`"): row for row in section("dialects/native.md", "Mapping")}
    assert KEYS | {"any other key"} == rows.keys()
    assert f"1 to {MOST_ID} characters" in rows["instance_id"][2]
    assert f"1 to {MOST_ID} characters" in rows["id"][2]
    assert f"up to {MOST_KIND} characters" in rows["kind"][2]
    assert f"1 to {MOST_VALUE} characters" in rows["dimensions"][2]
    assert f"{MOST_PROPERTIES // KIB} KiB" in rows["properties"][2]


def test_native_limits() -> None:
    """So are those of a request."""
    text = " ".join(text_of("dialects/native.md").split())
    for sentence in (
        f"an array of up to {MOST_PINGS:,}",
        f"{MOST_BYTES // KIB // KIB} MiB after decompression",
        f"at most {MOST_DEPTH} levels deep",
    ):
        assert sentence in text


def test_heartbeat_fields() -> None:
    """Each field of SeqDesk's heartbeat has its row, in the order of document 000."""
    rows = [row[0] for row in section("dialects/seqdesk.md", "Mapping")]
    assert {f"`{field}`" for field in wire_fields()} | {"header `X-SeqDesk-Telemetry-Token`"} == set(rows)
    assert len(rows) == len(set(rows))


def marked() -> dict[str, Any]:
    """Return a heartbeat in which every value is another one."""
    return heartbeat(
        instanceId="an instance",
        runningVersion="1.1",
        installedVersion="1.2",
        installProfile={"id": "profile", "version": "profile 1"},
        update={"available": True, "latestVersion": "1.3"},
        database={"provider": "postgresql"},
        runtime={"platform": "a platform", "arch": "an arch", "nodeMajor": 22},
    )


def within(tree: Any, path: str) -> Any:
    """Return the value at `a.b` in objects."""
    for key in path.split("."):
        tree = tree[key]
    return tree


def test_heartbeat_mapping() -> None:
    """Each value is found where the page says that it goes."""
    headers = {"x-seqdesk-telemetry-token": "t"}
    [ping] = SeqDesk().read(Request(headers, json.dumps(marked()).encode(), 1, 0, frozenset())).items
    assert isinstance(ping, Ping)
    for field, becomes, _limits in section("dialects/seqdesk.md", "Mapping"):
        if field.startswith("header"):
            continue
        sent = within(marked(), field.strip("`"))
        for part_, place in re.findall(r"(instance|dimension|property)(?: `([^`]+)`)?", becomes):
            found = {"instance": {"": ping.instance}, "dimension": ping.dimensions, "property": ping.properties}[part_]
            value = found[place] if part_ != "property" else within(found, place)
            assert ("outdated" if place == "update_state" else sent) in {value, _as_number(value)}


def _as_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdigit() else value


def parts(becomes: str) -> list[tuple[str, str]]:
    """Return what a row says that a value becomes: instance, kind, dimension or property, and which."""
    return re.findall(r"(instance|kind|dimension|property)\b(?: `([^`]+)`)?", becomes)


def check_rows(page: str, sent: dict[str, Any], ping: Ping) -> None:
    """Each value is found where its row says that it goes, as far as it was sent."""
    for field, becomes, _limits in section(page, "Mapping"):
        name = field.strip("`")
        if not field.startswith("`") or name not in flat(sent):
            continue
        value = flat(sent)[name]
        found = {"dimension": ping.dimensions, "property": {**ping.properties, **flat(ping.properties)}}
        for place, which in parts(becomes):
            got = getattr(ping, place) if place not in found else found[place].get(which)
            own: dict[str, set[Any]] = {"node": {major(str(value))}, "checksum_matches": {True}}
            assert got in own.get(which, {value, str(value).lower()}), (field, place, got)


def flat(tree: Any, before: str = "") -> dict[str, Any]:
    """Return the values in objects by their paths."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        here = {f"{before}{key}": value}
        found |= flat(value, f"{before}{key}.") if isinstance(value, dict) else here
    return found


def golden(dialect: str, name: str) -> tuple[dict[str, Any], Ping]:
    """Return what a golden case sends, and the ping that the dialect makes of it."""
    [case] = [case for case in cases(dialect) if case.name == name]
    body = body_of(case.request)
    [served, *_] = [each for each in DIALECTS if each.name == dialect]
    [ping] = served.read(Request({}, body, 1, 0, frozenset())).items
    assert isinstance(ping, Ping)
    return json.loads(body), ping


def test_sirveo_mapping() -> None:
    """Each field of Sirveo's event has its row, in the order of document 001, and goes where that says."""
    # 001-16 001-17 001-18 001-19 001-20
    rows = [row[0].strip("`") for row in section("dialects/sirveo.md", "Mapping")]
    assert sirveo.KEYS == set(rows)
    sent, ping = golden("sirveo", "custom-id")
    assert set(rows) == sent.keys()
    check_rows("dialects/sirveo.md", sent, ping)
    assert {"version", "platform", "arch", *sirveo.Sirveo.dimensions} == ping.dimensions.keys()


def test_flowfuse_mapping() -> None:
    """Each field of FlowFuse's ping has its row, in the order of document 003, and goes where that says."""
    # 003-06 003-07 003-08 003-09
    rows = [row[0].strip("`") for row in section("dialects/flowfuse.md", "Mapping")]
    sent, ping = golden("flowfuse", "document")
    assert list(flat(sent)) == rows
    check_rows("dialects/flowfuse.md", sent, ping)
    assert {"version", "platform", "arch", *flowfuse.FlowFuse.dimensions} == ping.dimensions.keys()
    assert {".".join(path) for path in flowfuse.TEXTS} <= set(rows)


def test_posthog_mapping() -> None:
    """Each alias of a dimension has its row, and a real event goes where the rows say."""
    rows = {row[0].strip("`"): row[1] for row in section("dialects/posthog.md", "Mapping")}
    for dimension, names in events.ALIASES.items():
        for name in names:
            assert f"property `{name}`; dimension `{dimension}`" in rows[f"properties.{name}"]
    assert f"dimension `{events.NODE}`" in rows[f"properties.{events.RUNTIME}"]
    own = {names[0]: f"a {dimension}" for dimension, names in events.ALIASES.items()}
    given = {"instance_id": "i", "node_version": "v20.1", **own}
    sent = {"event": "x", "distinct_id": "other", "properties": given}
    [ping] = Capture().read(Request({}, json.dumps(sent).encode(), 1, 0, frozenset())).items
    assert isinstance(ping, Ping)
    check_rows("dialects/posthog.md", {"event": "x", "properties": given}, placed(ping))
    assert {"version", "channel", "platform", "arch", *events.DIMENSIONS} == ping.dimensions.keys()
    assert f"{events.MOST_EVENTS:,} events" in text_of("dialects/posthog.md")


def placed(ping: Ping) -> Ping:
    """Return a ping whose properties stand under the paths they were sent with."""
    return ping._replace(properties={**ping.properties, **{f"properties.{k}": v for k, v in ping.properties.items()}})


def test_columns_of_the_view(tmp_path: Path) -> None:
    """Each column of `telemetry_instances` has its row, and every field of the heartbeat a column."""
    # 000-23
    with site(tmp_path) as made:
        columns = [row["name"] for row in made.sql("SELECT name FROM pragma_table_info('telemetry_instances')")]
    rows = section("dialects/seqdesk.md", "The view `telemetry_instances`")
    assert columns == [row[0].strip("`") for row in rows]
    sources = {match for row in rows for match in re.findall(r"`([^`]+)`", row[1])}
    assert set(wire_fields()) == sources
