"""How each product is told to send here, worked out from plain values: addresses, settings, a line for a terminal."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from homing.server.dialects.base import Dialect

NO_KEY: Final = "hm_send_…"
"""What stands for a key where the app has none."""

TOKEN: Final = "hm_bearer_…"  # noqa: S105 - what stands for a token

SEQDESK, SIRVEO, FLOWFUSE, SLACKONOS = (f"3f1c0f0a-1111-4222-8333-44445555666{number}" for number in range(6, 10))
"""Instances in examples: each product's is its own, for SeqDesk's is bound to its token."""


class Place(NamedTuple):
    """Where an app is reached: its name, where the receiver is, a key to send with, and whether that is not enough."""

    app: str
    endpoint: str
    key: str | None
    demands_bearer: bool = False

    @property
    def sender(self) -> str:
        """What a program that sends a bearer token sends as one."""
        return TOKEN if self.demands_bearer else self.key or NO_KEY

    def below(self, path: str) -> str:
        """Return the address of a native path that has the key in it."""
        return f"{self.endpoint}/in/{self.key or NO_KEY}{path}"


class Step(NamedTuple):
    """One thing to do: a title, what to know about it, and what to copy, under an `id` of its own."""

    id: str
    title: str
    note: str
    text: str


class Recipe(NamedTuple):
    """How one product is connected. `addresses` are all that its protocol is served at; the first is the usual one."""

    name: str
    title: str
    for_whom: str
    addresses: list[str]
    steps: list[Step]
    problem: str


class _Product(NamedTuple):
    """A row: what a dialect is called, who speaks it, and what is to be done."""

    title: str
    for_whom: str
    steps: Callable[[Place], list[Step]]


def recipes(place: Place, dialects: Iterable[Dialect]) -> list[Recipe]:
    """Return how each product that the receiver understands is connected, in the order of the dialects."""
    paths: dict[str, list[str]] = {}
    for dialect in dialects:
        paths.setdefault(dialect.name, []).extend(dialect.paths)
    return [_recipe(place, name, found) for name, found in paths.items()]


def _recipe(place: Place, name: str, paths: Sequence[str]) -> Recipe:
    product = PRODUCTS.get(name) or _Product(name, "What speaks this protocol.", _only_addresses)
    addresses = [place.below(path) for path in paths]
    first = place.below(_FIRST.get(name, paths[0]))
    problem = "" if name in BEARERS or not place.demands_bearer else f"{product.title} cannot send one."
    ordered = [first, *(each for each in addresses if each != first)]
    return Recipe(name, product.title, product.for_whom, ordered, product.steps(place), problem)


def native_steps(place: Place) -> list[Step]:
    """Return what to do for Homing's own protocol."""
    body = '{"instance_id": "my-instance", "dimensions": {"version": "1.0.0"}}'
    curl = _curl(f"{place.endpoint}/v1/pings", body, f"Authorization: Bearer {place.sender}")
    python = (
        "from homing import Telemetry\n\n"
        "telemetry = Telemetry(\n"
        f'    app={json.dumps(place.app, ensure_ascii=False)}, version="1.0.0", enabled=True,\n'
        f'    endpoint="{place.endpoint}", key="{place.sender}",\n'
        ")\ntelemetry.start()\nprint(telemetry.send_now(wait=5))"
    )
    note = (
        "After pip install homing. Ask those who run your software before you set enabled: without it nothing is sent. "
        "On a terminal the first run shows them a notice and sends nothing: run it a second time."
    )
    return [
        Step("connect-curl-text", "Try it from a terminal", "", curl),
        Step("connect-python-text", "In a Python application", note, python),
    ]


def _seqdesk(place: Place) -> list[Step]:
    address = place.below(_FIRST["seqdesk"])
    settings = {"telemetry": {"enabled": True, "endpoint": address, "intervalHours": 24}}
    beat = {
        "protocolVersion": 1,
        "instanceId": SEQDESK,
        "runningVersion": "1.1.130",
        "installedVersion": "1.1.130",
        "installProfile": {"id": None, "version": None},
        "update": {"available": False, "latestVersion": None},
        "database": {"provider": "sqlite"},
        "runtime": {"platform": "linux", "arch": "x64", "nodeMajor": 20},
    }
    variables = f"SEQDESK_TELEMETRY_ENABLED=true\nSEQDESK_TELEMETRY_ENDPOINT={address}"
    token = "X-SeqDesk-Telemetry-Token: OoAnZS_nR_26p0eeGTzUAJFh9oNXdHYCz1rzA45wKPA"  # noqa: S105 - an example
    return [
        Step("seqdesk-variables", "Environment", "Read when SeqDesk starts; it beats the file.", variables),
        Step("seqdesk-file", "Or seqdesk.config.json", "", json.dumps(settings, indent=2)),
        Step("seqdesk-curl", "Try it from a terminal", "", _curl(address, json.dumps(beat), token)),
    ]


def _sirveo(place: Place) -> list[Step]:
    address = place.below(_FIRST["sirveo"])
    variables = f"SIRVEO_TELEMETRY_MODE=custom\nSIRVEO_TELEMETRY_URL={address}"
    headers = []
    if place.demands_bearer:
        variables += f"\nSIRVEO_TELEMTRY_AUTH={TOKEN}"
        headers = [f"Authorization: Bearer {TOKEN}"]
    event = {
        "build_version": "1.4.0",
        "build_commit": "0f3c2a1",
        "build_time": "2026-11-01T08:00:00Z",
        "build_mode": "release",
        "build_os": "linux",
        "build_arch": "amd64",
        "instance_id": SIRVEO,
        "license_valid": True,
        "reason": "begin",
        "checksum": "0123456789abcdef",
    }
    note = "With the mode both, the maker is told too. The last name is spelt as Sirveo spells it."
    return [
        Step("sirveo-variables", "Environment", note if place.demands_bearer else note.partition(" The")[0], variables),
        Step("sirveo-curl", "Try it from a terminal", "", _curl(address, json.dumps(event), *headers)),
    ]


def _flowfuse(place: Place) -> list[Step]:
    address = place.below(_FIRST["flowfuse"])
    usage = {
        "instanceId": FLOWFUSE,
        "os": {"type": "Linux", "release": "6.18.44", "arch": "x64"},
        "env": {"nodejs": "v20.20.2", "flowforge": "2.33.2"},
        "platform": {"counts": {"users": 1, "teams": 1}, "config": {"driver": "localfs"}},
    }
    note = "FlowFuse sends once it is set up, shortly after it started and then daily."
    return [
        Step("flowfuse-file", "flowforge.yml", note, f"telemetry:\n  enabled: true\n  url: {address}"),
        Step("flowfuse-curl", "Try it from a terminal", "", _curl(address, json.dumps(usage))),
    ]


def _posthog(place: Place) -> list[Step]:
    key, host = place.key or NO_KEY, place.endpoint
    settings = {"telemetryEnabled": True, "telemetryHost": host, "telemetryApiKey": key}
    event: dict[str, Any] = {
        "api_key": key,
        "event": "startup",
        "distinct_id": SLACKONOS,
        "properties": {"app_version": "2.3.5", "os_platform": "linux"},
    }
    python = f'from posthog import Posthog\n\nposthog = Posthog("{key}", host="{host}")'
    script = f'posthog.init("{key}", {{ api_host: "{host}" }})'
    return [
        Step("posthog-key", "Project key", "The send key of this app. It names the app: no address has it.", key),
        Step("posthog-host", "Host", "What an SDK calls host, or api_host in a browser.", host),
        Step("posthog-file", "SlackONOS: config/config.json", "", json.dumps(settings, indent=2)),
        Step("posthog-python", "PostHog for Python", "", python),
        Step("posthog-script", "PostHog in a browser", "A browser's key belongs to an app of its own.", script),
        Step("posthog-curl", "Try it from a terminal", "", _curl(f"{host}/capture/", json.dumps(event))),
    ]


def _only_addresses(_place: Place) -> list[Step]:
    return []


PRODUCTS: Final[Mapping[str, _Product]] = {
    "native": _Product("Homing", "Any program: with Homing's SDK, or by one request.", native_steps),
    "seqdesk": _Product("SeqDesk", "SeqDesk, and what sends its heartbeat.", _seqdesk),
    "sirveo": _Product("Sirveo", "Sirveo, and what sends its events.", _sirveo),
    "flowfuse": _Product("FlowFuse", "FlowFuse, and what sends its usage ping.", _flowfuse),
    "posthog": _Product("PostHog", "SlackONOS, and whatever has an SDK of PostHog.", _posthog),
}
"""What is known of the products, by the name of their dialect."""

BEARERS: Final = frozenset({"native", "sirveo"})
"""The dialects whose senders can send a bearer token."""

_FIRST: Final[Mapping[str, str]] = {
    "seqdesk": "/api/telemetry/heartbeat",
    "sirveo": "/sirveo",
    "flowfuse": "/ping",
}
"""The path that each product is told to use."""


def _curl(address: str, body: str, *headers: str) -> str:
    # A body has no quotes of a shell in it: it is made here.
    lines = [f"-H '{each}'" for each in (*headers, "Content-Type: application/json")]
    return " \\\n  ".join([f"curl {address}", *lines, f"-d '{body}'"])
