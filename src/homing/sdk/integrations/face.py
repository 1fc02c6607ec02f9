"""The face of what an operator may switch on beside telemetry."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.clock import Clock, SystemClock
from homing.errors import SettingsError
from homing.sdk.build import release_of
from homing.sdk.integrations import backend, frontend, keys
from homing.sdk.integrations.frontend import Frontend, Loading, Release
from homing.sdk.integrations.metrics import AsgiMetrics, Metrics, WsgiMetrics
from homing.sdk.telemetry import Telemetry
from homing.settings import Value, environment_values

OFF: Final = "not enabled: telemetry is off"


class Part(NamedTuple):
    """One integration: whether it works, and in words why or why not."""

    name: str
    enabled: bool
    reason: str


class IntegrationsStatus(NamedTuple):
    """What is switched on: the parts, each key with its layer, a sentence for each problem, and advice."""

    enabled: bool
    parts: tuple[Part, ...]
    settings: tuple[tuple[str, Value], ...]
    problems: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    def part(self, name: str) -> Part:
        """Return one integration: `frontend.posthog`, `frontend.sentry`, `backend.sentry` or `backend.prometheus`."""
        return next(each for each in self.parts if each.name == name)


class Integrations:
    """PostHog, Sentry and Prometheus, as the section `telemetry` of an application's settings file says.

    Where telemetry is off, PostHog and Sentry hear nothing either. Metrics leave the machine only where somebody
    fetches them, and have a switch of their own.

    `given` has keys that the application sets itself, `{"backend.sentry.dsn": …}`; those of the file stand above
    them. `scripts` says where pages find the libraries, by name: `posthog`, `sentry`. With `asks`, nothing is loaded
    in a page before somebody accepts. What cannot be used of these raises `SettingsError`; what is wrong in the file
    stands in the status.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        given: Mapping[str, Any] | None = None,
        scripts: Mapping[str, str] | None = None,
        asks: bool = False,
        clock: Clock | None = None,
    ) -> None:
        wrong = [*keys.wrong_keys(given or {}), *frontend.wrong_scripts(scripts or {})]
        if wrong:
            raise SettingsError(wrong)
        self._telemetry = telemetry
        self._loading = Loading(scripts or {}, asks)
        self._clock = clock or SystemClock()
        about = telemetry.about()
        self._keys = keys.read_keys(about.file, about.file_name, given=given or {})
        environment = keys.environment_of(environment_values(keys.ENVIRONMENT_VARIABLES))
        self._release = Release(release_of(about.app, about.version), environment)
        self._script = Path(__file__).with_name("browser.js").read_text(encoding="utf-8")
        self._sentry = "not enabled: start_backend() was not called"
        self._metrics: Metrics | None = None
        self._missing = ""

    def frontend(self, *, nonce: str = "") -> Frontend:
        """Return what goes into a page, empty while telemetry is off; raise `ValueError` for a nonce that is none."""
        found = frontend.make(self._keys, self._release, loading=self._loading, nonce=nonce, script=self._script)
        return found if found.snippet and self._telemetry.is_on() else Frontend()

    def start_backend(self) -> IntegrationsStatus:
        """Begin to tell Sentry of errors, where telemetry is on and there is a DSN; return the status."""
        if self._keys[keys.BACKEND_DSN] and self._telemetry.is_on():
            leave = backend.Leave(self._telemetry.is_on, self._clock)
            self._sentry = backend.begin(self._keys[keys.BACKEND_DSN], self._release, may_send=leave)
        return self.status()

    def asgi(self, app: Any, *, route: Callable[[Any], str] | None = None) -> Any:
        """Return an ASGI application that shows metrics at `/metrics`; the same one where they are not enabled.

        `route` says which route a scope was led to; else Starlette is asked.
        """
        found = self._counting()
        return AsgiMetrics(app, found, route) if found else app

    def wsgi(self, app: Any, *, route: Callable[[Any], str] | None = None) -> Any:
        """Return a WSGI application that shows metrics at `/metrics`; the same one where they are not enabled.

        `route` says which route an environ was led to; else Flask or Django is asked.
        """
        found = self._counting()
        return WsgiMetrics(app, found, route) if found else app

    def _counting(self) -> Metrics | None:
        if self._keys[keys.PROMETHEUS] and self._metrics is None:
            try:
                self._metrics = Metrics(self._clock)
            except ImportError:
                self._missing = "not enabled: install homing[prometheus]"
        return self._metrics

    def status(self) -> IntegrationsStatus:
        """Return what is switched on."""
        is_on = self._telemetry.is_on()
        parts = (
            self._part("frontend.posthog", keys.POSTHOG_KEY, is_on=is_on),
            self._part("frontend.sentry", keys.FRONTEND_DSN, is_on=is_on),
            self._part("backend.sentry", keys.BACKEND_DSN, is_on=is_on, reason=self._sentry),
            self._part("backend.prometheus", keys.PROMETHEUS, is_on=True, reason=self._reason_of_metrics()),
        )
        found = self._keys
        values = tuple(found.resolved.values.items())
        return IntegrationsStatus(is_on, parts, values, tuple(found.resolved.problems), found.hints)

    def _part(self, name: str, key: str, *, is_on: bool, reason: str = "enabled") -> Part:
        if not self._keys[key]:
            reason = f"not enabled: {key} is not set"
        elif not is_on:
            reason = OFF
        return Part(name, reason == "enabled", reason)

    def _reason_of_metrics(self) -> str:
        if self._metrics:
            return "enabled"
        return self._missing or "not enabled: asgi() or wsgi() was not called"
