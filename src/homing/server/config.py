"""The receiver's settings: one row each, read from the environment, then from a TOML file."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from homing.settings import (
    Layer,
    Resolved,
    Setting,
    environment_layer,
    file_layer,
    one_of,
    resolve,
    switch,
    whole,
    words,
)
from homing.settings import unknown_names as unknown

PREFIX: Final = "HOMING_"


def _networks(raw: Any) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(item) for item in words(raw))


def _store_url(raw: Any) -> str:
    scheme = str(raw).partition("://")[0]
    if scheme != "sqlite":
        message = "must begin with sqlite:///"
        raise ValueError(message)
    return str(raw)


ROWS: Final = (
    Setting("store", "sqlite:///var/homing.db", _store_url, "Where everything is kept, as a URL."),
    Setting("host", "127.0.0.1", str, "The address to listen on."),
    Setting("port", 8400, whole(1, 65535), "The port to listen on."),
    Setting("public_url", "", str, "How clients reach this receiver, when that is not its host and port."),
    Setting("owner", "admin", str, "The name of the first owner, made at the first start."),
    Setting("seqdesk_app", "", str, "The app that SeqDesk's own path at the host's root belongs to."),
    Setting("sirveo_app", "", str, "The app that /sirveo at the host's root belongs to."),
    Setting("flowfuse_app", "", str, "The app that FlowFuse's own paths at the host's root belong to."),
    Setting("retention_days", 92, whole(1, 3660), "How many days are kept for counting."),
    Setting("history_days", 30, whole(1, 3660), "How many days of history are kept for each instance."),
    Setting(
        "rate_address", 100, whole(0, 1_000_000), "Requests a second that one address may send; 0 means any number."
    ),
    Setting("rate_app", 10_000, whole(0, 1_000_000), "Requests a second that one app may receive; 0 means any number."),
    Setting("trusted_proxies", (), _networks, "Networks whose X-Forwarded-For header is believed."),
    Setting("queue_pings", 10_000, whole(1, 1_000_000), "Pings that may wait for the store before 503 is answered."),
    Setting("cache_mb", 192, whole(16, 65536), "Memory for the reader's folded pages, in MiB."),
    Setting("cached_instances", 200_000, whole(1000, 10_000_000), "Instances the writer remembers without a look-up."),
    Setting("secure_cookies", False, switch, "Send the session cookie over HTTPS only."),
    Setting(
        "log_level", "info", one_of("debug", "info", "warning", "error"), "The least severe lines that are logged."
    ),
    Setting(
        "log_format", "auto", one_of("auto", "console", "json"), "How lines are logged; auto is console on a terminal."
    ),
    Setting(
        "telemetry_mode", "disabled", one_of("disabled", "custom"), "Whether this receiver sends telemetry of its own."
    ),
    Setting("telemetry_url", "", str, "Where this receiver sends its own telemetry, such as a webhook."),
    Setting("config", "", str, "A TOML file with these settings in it."),
)
"""Every setting of the receiver."""


def load(overrides: dict[str, Any] | None = None) -> Resolved:
    """Resolve the receiver's settings: command line over environment over file over default.

    Raises `SettingsError` with every problem found.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    layers = [Layer("code", given, lambda name: f"--{name.replace('_', '-')}"), environment_layer(PREFIX)]
    layers += _file_layers(layers)
    resolved = resolve(ROWS, layers)
    strange = [problem for layer in layers[1:] if layer.name == "file" for problem in unknown(ROWS, layer)]
    return Resolved(resolved.values, (*resolved.problems, *strange)).checked()


def _file_layers(layers: Sequence[Layer]) -> list[Layer]:
    path = resolve([row for row in ROWS if row.name == "config"], layers)["config"]
    return [file_layer(Path(path))] if path else []
