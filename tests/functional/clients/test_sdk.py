"""Homing's own sending side under each of its policies, against a running receiver."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from homing import Licence, Telemetry
from homing.sdk.transports.base import Deadline, Reply, Request
from homing.sdk.transports.http import HttpTransport
from homing.server.stores.base import Entry
from tests.functional.clients.conftest import Place

SEQDESK = {"update.available": True, "update.latestVersion": "1.2.4", "database.provider": "sqlite"}
SIRVEO = {"build_commit": "4379644", "build_mode": "licenced", "build_time": "2024-02-16T23:06:23+02:00"}
FLOWFUSE = {"platform.counts.users": 6, "platform.config.driver": "localfs", "platform.config.email.enabled": True}
SLACKONOS = {"properties.release": "v1.2.3", "properties.node_version": "v22.21.1"}


class Kept(HttpTransport):
    """Sends, and keeps what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[dict[str, Any]] = []

    def send(self, request: Request, deadline: Deadline) -> Reply:
        """Send one request."""
        self.bodies.append(json.loads(request.body))
        return super().send(request, deadline)


class Product(NamedTuple):
    """How one policy is used: its arguments for a place, and which values of a body are found where in the store."""

    arguments: Callable[[Place], Mapping[str, Any]]
    values: Mapping[str, Any]
    dimensions: Mapping[str, str]
    properties: Mapping[str, str]


def keyed(place: Place) -> Mapping[str, Any]:
    """Name the receiver and the app's key."""
    return {"endpoint": place.url, "key": place.key}


PRODUCTS: Mapping[str, Product] = {
    "seqdesk": Product(
        keyed,
        SEQDESK,
        {"version": "runningVersion", "platform": "runtime.platform", "database": "database.provider"},
        {"installedVersion": "installedVersion", "update.latestVersion": "update.latestVersion"},
    ),
    "sirveo": Product(
        lambda place: {"endpoint": f"{place.url}/in/{place.key}/sirveo"},
        SIRVEO,
        {"version": "build_version", "platform": "build_os", "arch": "build_arch", "build_mode": "build_mode"},
        {name: name for name in ("build_commit", "build_time", "checksum", "license_key_hash")},
    ),
    "flowfuse": Product(
        keyed,
        FLOWFUSE,
        {
            "version": "env.flowforge",
            "platform": "os.type",
            "arch": "os.arch",
            "driver": "platform.config.driver",
            "license_type": "platform.license.type",
        },
        {name: name for name in ("os.release", "platform.counts.users", "platform.config.email.enabled")},
    ),
    "slackonos": Product(
        keyed,
        SLACKONOS,
        {
            "version": "batch.properties.app_version",
            "platform": "batch.properties.os_platform",
            "release": "batch.properties.release",
        },
        {name: f"batch.properties.{name}" for name in ("instance_id", "os_release", "node_version")},
    ),
    "homing": Product(
        keyed, {}, {"version": "dimensions.version", "platform": "dimensions.platform", "arch": "dimensions.arch"}, {}
    ),
}


def within(tree: Any, path: str) -> Any:
    """Return the value at `a.b`; of a list that of its first item."""
    for key in path.split("."):
        tree = (tree[0] if isinstance(tree, list) else tree)[key]
    return tree[0] if isinstance(tree, list) else tree


def licence() -> Licence:
    """Say that there is one."""
    return Licence(id="4c105579", type="EE", key="a key", is_valid=True)


def send(place: Place, directory: Path, policy: str) -> tuple[str, list[dict[str, Any]]]:
    """Send one ping; return the instance's id and every body that left."""
    product, transport = PRODUCTS[policy], Kept()
    with Telemetry(
        app="acme",
        version="1.2.3",
        policy=policy,
        values=product.values,
        enabled=True,
        directory=directory,
        licence=licence,
        transport=transport,
        **product.arguments(place),
    ) as telemetry:
        status = telemetry.send_now(10)
    assert (200, None) == (status.last_status, status.last_error)
    return status.instance, transport.bodies


@pytest.mark.parametrize("policy", sorted(PRODUCTS))
def test_what_is_sent_is_what_is_stored(place: Place, tmp_path: Path, policy: str) -> None:
    """Every ping of a policy arrives, under the instance's id, with what it says of itself."""
    # 001-13 003-13
    instance, bodies = send(place, tmp_path, policy)
    entries = place.entries()[::-1]
    assert bodies
    assert (len(bodies), [instance]) == (place.requests(), list(place.instances()))
    assert {each.instance_id for each in entries} == {instance}
    check(PRODUCTS[policy], bodies[-1], entries[-1])


def check(product: Product, body: dict[str, Any], entry: Entry) -> None:
    """Each value of a body is where the dialect's page says."""
    for name, path in product.dimensions.items():
        assert within(body, path) == entry.dimensions[name]
    for name, path in product.properties.items():
        assert within(body, path) == within(entry.properties, name)


def test_the_licence_and_the_checksum(place: Place, tmp_path: Path) -> None:
    """Sirveo's events have the licence's state, and a checksum that is found right."""
    # 001-18 001-19
    _instance, bodies = send(place, tmp_path, "sirveo")
    entries = place.entries()
    assert len(bodies) == len(entries)
    assert {"true"} == {each.dimensions["license_valid"] for each in entries}
    assert {True} == {each.properties["checksum_matches"] for each in entries}


def test_every_product_on_one_command(place: Place, tmp_path: Path) -> None:
    """`homing instances` lists an instance of each product."""
    ids = {send(place, tmp_path / policy, policy)[0] for policy in PRODUCTS}
    rows = place.receiver.json("instances", place.app.name)
    assert (5, ids) == (len(ids), {row["instance_id"] for row in rows})
    assert {"1.2.3"} == {row["version"] for row in rows}
