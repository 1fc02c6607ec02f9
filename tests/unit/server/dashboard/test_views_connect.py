"""What each product is told, run against a receiver: every shown line is a request that is taken."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from homing.server.app import DIALECTS
from homing.server.dashboard.views_connect import BEARERS, PRODUCTS, Place, Recipe, recipes
from homing.server.dialects.native import Native
from tests.receiving import Site, site

ENDPOINT = "https://telemetry.example"
CONNECTED = sorted({dialect.name for dialect in DIALECTS})


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Site]:
    """A receiver."""
    with site(tmp_path) as made:
        yield made


def recipe(place: Place, name: str) -> Recipe:
    """Return how one product is connected."""
    return next(each for each in recipes(place, DIALECTS) if each.name == name)


def sent(at: Site, line: str) -> int:
    """Send what a line for a terminal sends, and return the status."""
    _curl, url, *words = shlex.split(line.replace("\\\n", " "))
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    return at.send("POST", url.removeprefix(ENDPOINT), headers, words[-1].encode()).status


def line_of(place: Place, name: str) -> str:
    """Return the line for a terminal that is shown for a product."""
    [curl] = [each.text for each in recipe(place, name).steps if each.title == "Try it from a terminal"]
    return curl


@pytest.mark.parametrize("name", CONNECTED)
def test_the_line_for_a_terminal(at: Site, name: str) -> None:
    """It is taken, and one client is counted."""
    app, key = at.add_app("Eve's app")
    assert 200 == sent(at, line_of(Place(app.name, ENDPOINT, key), name))
    assert 1 == len(at.instances(app))


def test_all_lines_one_after_the_other(at: Site) -> None:
    """Who tries every product with one app sees an instance of each: none is bound to another's token."""
    app, key = at.add_app()
    lines = [line_of(Place(app.name, ENDPOINT, key), name) for name in CONNECTED]
    assert [200] * 2 * len(lines) == [sent(at, line) for line in (*lines, *reversed(lines))]
    assert len(lines) == len(at.instances(app))


@pytest.mark.parametrize("name", CONNECTED)
def test_every_product_is_known(name: str) -> None:
    """Each dialect has a product, its addresses below the key, and settings that name the address, or host and key."""
    found = recipe(Place("app", ENDPOINT, "hm_send_x"), name)
    paths = {path for dialect in DIALECTS if dialect.name == name for path in dialect.paths}
    assert PRODUCTS[name].title == found.title
    assert {f"{ENDPOINT}/in/hm_send_x{path}" for path in paths} == set(found.addresses)
    assert len(found.steps) == len({each.id for each in found.steps})
    for step in found.steps:
        assert found.addresses[0] in step.text or "hm_send_x" in step.text or ENDPOINT in step.text


def test_settings_of_seqdesk() -> None:
    """The variables and the file say the same."""
    found = recipe(Place("app", ENDPOINT, "hm_send_x"), "seqdesk")
    variables, file, _curl = (each.text for each in found.steps)
    endpoint = f"{ENDPOINT}/in/hm_send_x/api/telemetry/heartbeat"
    assert f"SEQDESK_TELEMETRY_ENABLED=true\nSEQDESK_TELEMETRY_ENDPOINT={endpoint}" == variables
    assert {"telemetry": {"enabled": True, "endpoint": endpoint, "intervalHours": 24}} == json.loads(file)


def test_settings_of_products_to_come() -> None:
    """What is known of a product is right before its dialect is: modes, addresses, keys, and the spelling of Sirveo."""
    open_to_all = Place("app", ENDPOINT, "hm_send_x")
    sirveo = PRODUCTS["sirveo"].steps(open_to_all)[0].text
    assert f"SIRVEO_TELEMETRY_MODE=custom\nSIRVEO_TELEMETRY_URL={ENDPOINT}/in/hm_send_x/sirveo" == sirveo
    demanding = PRODUCTS["sirveo"].steps(open_to_all._replace(demands_bearer=True))[0].text
    assert f"{sirveo}\nSIRVEO_TELEMTRY_AUTH=hm_bearer_…" == demanding
    flowfuse = PRODUCTS["flowfuse"].steps(open_to_all)[0].text
    assert f"telemetry:\n  enabled: true\n  url: {ENDPOINT}/in/hm_send_x/ping" == flowfuse
    key, host, file, *_rest = (each.text for each in PRODUCTS["posthog"].steps(open_to_all))
    assert ("hm_send_x", ENDPOINT) == (key, host)
    assert {"telemetryEnabled": True, "telemetryHost": host, "telemetryApiKey": key} == json.loads(file)


def test_an_app_that_demands_a_bearer_token() -> None:
    """Products that send one are told where it stands; the others that it will not do."""
    for found in recipes(Place("app", ENDPOINT, "hm_send_x", demands_bearer=True), DIALECTS):
        assert bool(found.problem) == (found.name not in BEARERS)
        if found.name in BEARERS:
            assert any("Bearer hm_bearer_…" in each.text for each in found.steps)


def test_an_app_without_a_key() -> None:
    """What stands for the key is no key."""
    for found in recipes(Place("app", ENDPOINT, None), DIALECTS):
        assert "/in/hm_send_…/" in found.addresses[0]


class Unheard(Native):
    """A dialect of which the page knows nothing."""

    name = "unheard"


def test_an_unknown_dialect() -> None:
    """Its addresses are shown, and no settings."""
    [found] = recipes(Place("app", ENDPOINT, "k"), [Unheard()])
    assert ("unheard", [f"{ENDPOINT}/in/k/v1/pings"], []) == (found.title, found.addresses, found.steps)
