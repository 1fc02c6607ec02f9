"""The keys below `telemetry` that switch integrations on. Nothing here looks outside.

Names, defaults and meaning are those of document 003; `frontend.posthog.apiurl` is read by its product alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from homing.sdk.endpoint import parse
from homing.settings import Layer, Resolved, Setting, resolve, switch, unknown_names

SECTION: Final = "telemetry"

POSTHOG_KEY: Final = "frontend.posthog.apikey"
POSTHOG_URL: Final = "frontend.posthog.apiurl"
PAGEVIEW: Final = "frontend.posthog.capture_pageview"
FRONTEND_DSN: Final = "frontend.sentry.dsn"
PRODUCTION: Final = "frontend.sentry.production_mode"
BACKEND_DSN: Final = "backend.sentry.dsn"
PROMETHEUS: Final = "backend.prometheus.enabled"
PLAUSIBLE: Final = "frontend.plausible"

ENVIRONMENT_VARIABLES: Final = ("SENTRY_ENV", "NODE_ENV")
"""What Sentry's environment is called; the first that is set counts."""

UNKNOWN: Final = "unknown"
MOST_TEXT: Final = 1000

DOUBLED: Final = (
    f"{PAGEVIEW} is true: posthog-js counts each page that is loaded, and no step within one. Where your application "
    "sends $pageview and $pageleave itself they stand there twice. With false, each navigation has exactly one of each."
)
DEPRECATED: Final = f"{PLAUSIBLE} is deprecated and does nothing: use {POSTHOG_KEY}."


@dataclass(frozen=True)
class Keys:
    """What was read: each value with its layer, and advice."""

    resolved: Resolved
    hints: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.resolved[name]

    def is_set(self, name: str) -> bool:
        """Tell whether somebody gave a value that can be used."""
        return self.resolved.layer(name) != "default"


def read_text(raw: Any) -> str:
    """Read a key: text without spaces; raise `ValueError` with a reason."""
    if not isinstance(raw, str) or not raw.isascii() or not raw.isprintable() or " " in raw or len(raw) > MOST_TEXT:
        raise ValueError(f"must be text in ASCII without spaces, of at most {MOST_TEXT} characters")
    return raw


def read_dsn(raw: Any) -> str:
    """Read the address of a project at Sentry, `https://key@host/1`; raise `ValueError` with a reason."""
    dsn = split_dsn(read_text(raw))
    if dsn.scheme not in ("http", "https") or not dsn.username or not dsn.hostname or not dsn.path.strip("/"):
        raise ValueError("must be a DSN like https://key@host/1")
    return dsn.geturl()


def split_dsn(dsn: str) -> SplitResult:
    """Return the parts of a DSN; raise `ValueError` where its port is none."""
    parts = urlsplit(dsn)
    if parts.port == 0:
        raise ValueError("must have a port above 0")
    return parts


ROWS: Final = (
    Setting(BACKEND_DSN, None, read_dsn, "Where errors of the back end go: the DSN of a project at Sentry.", True),
    Setting(PROMETHEUS, False, switch, "Shows metrics of the process and of its requests at `/metrics`."),
    Setting(POSTHOG_KEY, None, read_text, "The key of a project at PostHog, for what people do in the pages."),
    Setting(POSTHOG_URL, "https://us.i.posthog.com", lambda raw: parse(raw).url.rstrip("/"), "Where that PostHog is."),
    Setting(PAGEVIEW, True, switch, "Leaves page views to posthog-js; false is recommended."),
    Setting(FRONTEND_DSN, None, read_dsn, "Where errors of the pages go: the DSN of a project at Sentry."),
    Setting(PRODUCTION, False, switch, "Records one session in ten, not every one."),
)
"""The keys, as they stand below `telemetry`."""


def read_keys(file: Mapping[str, Any], file_name: str, *, given: Mapping[str, Any]) -> Keys:
    """Return the keys of a settings file, else those that the application gives itself."""
    found = flat(file.get(SECTION))
    layers = (
        Layer("file", found, lambda name: f"{file_name}: {SECTION}.{name}"),
        Layer("code", given, lambda name: name),
    )
    resolved = resolve(ROWS, layers)
    hints = [DOUBLED] if resolved[POSTHOG_KEY] and resolved[PAGEVIEW] else []
    hints += [DEPRECATED] if any(name.startswith(PLAUSIBLE) and found[name] for name in found) else []
    return Keys(resolved, tuple(hints))


def wrong_keys(given: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each key that an application gives and that will not do."""
    layer = Layer("code", given, lambda name: name)
    return [*unknown_names(ROWS, layer), *resolve(ROWS, [layer]).problems]


def flat(value: Any, before: str = "") -> dict[str, Any]:
    """Return nested names as one name with dots each."""
    if not isinstance(value, Mapping):
        return {before: value} if before else {}
    found: dict[str, Any] = {}
    for name, inner in value.items():
        found |= flat(inner, f"{before}.{name}" if before else str(name))
    return found


def environment_of(variables: Mapping[str, str]) -> str:
    """Return what Sentry's environment is called."""
    return next((variables[name] for name in ENVIRONMENT_VARIABLES if variables.get(name)), UNKNOWN)
