"""The page "Server": the whole id, what was built, and the licence."""

import json
import platform
from collections.abc import Iterator, Mapping
from typing import Any, Final

import homing
from homing.sdk.about import About
from homing.sdk.admin.exchange import Response
from homing.sdk.admin.frame import SERVER, UNKNOWN, Frame, copyable, document, facts, heading, notice, section
from homing.sdk.admin.html import Child, Html, el
from homing.sdk.licence import Licence
from homing.sdk.status import Shown

TOLD: Final[Mapping[str, str]] = {
    "installedVersion": "Version on disk",
    "properties.release": "Release",
    "dimensions.channel": "Channel",
    "build_commit": "Commit",
    "build_time": "Built at",
    "build_mode": "Build mode",
    "build_os": "Built for system",
    "build_arch": "Built for processor",
}
"""Which fields of a ping tell how the application was built, by the end of their names, and what they are called."""


def page(about: About, preview: tuple[Shown, ...], *, home: str, message: str = "", problem: str = "") -> Response:
    """Return the page; `message` says what was done, `problem` what went wrong."""
    frame = Frame(about.app, SERVER, home)
    build: list[tuple[str, Child]] = [
        ("Version", about.version),
        *_built(preview),
        ("Python", platform.python_version()),
        ("Homing", homing.__version__),
    ]
    return document(
        frame,
        heading(frame, f"What this installation of {about.app} is, as its telemetry knows it."),
        notice(message) if message else None,
        notice(problem, is_problem=True) if problem else None,
        section("Instance", facts(("Id", _whole(about)), ("Telemetry policy", about.policy.name)), _another(about)),
        section("Build", facts(*build)),
        section("Licence", _licence(about)),
    )


def _whole(about: About) -> Child:
    return copyable(about.instance, name="instance") if about.instance else f"{UNKNOWN} There is none yet."


def _another(about: About) -> Html | None:
    """Return what makes another id, where there is one to be replaced."""
    if not about.instance:
        return None
    why = "Receivers then hold this installation for a new one. The old id cannot be had back; settings stay."
    button = el("button", "Replace the id", name="do", value="reset")
    form = el("form", button, class_="actions", method="post", action="server")
    return el("details", el("summary", "Make another id"), el("p", why), form)


def _licence(about: About) -> Html:
    licence = about.licence
    if licence is None:
        return facts(("State", "No licence is loaded."))
    locks = "Telemetry cannot be switched off while it is loaded." if about.policy.is_locked_by_licence else "None"
    return facts(("State", _state(licence)), ("Id", licence.id), ("Type", licence.type), ("Effect on telemetry", locks))


def _state(licence: Licence) -> str:
    return "Loaded and valid." if licence.is_valid else "Loaded, but not valid or expired."


def _built(preview: tuple[Shown, ...]) -> Iterator[tuple[str, str]]:
    """Yield what a ping says of the build: pages and pings cannot differ."""
    body = json.loads(preview[0].body) if preview and preview[0].body else {}
    for name, value in _flat(body):
        for end, label in TOLD.items():
            if value is not None and f".{name}".endswith(f".{end}"):
                yield label, str(value)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, name)
    else:
        yield name, value
