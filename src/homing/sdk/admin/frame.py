"""What every page has: the head, the way here, and the parts that pages are made of."""

from pathlib import Path
from typing import Final, NamedTuple

from homing.clock import iso_time
from homing.sdk.admin.exchange import Response
from homing.sdk.admin.html import Child, Html, el, join, text
from homing.sdk.payload import Row

ASSETS: Final = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}
"""The files for browsers, by name. Pages name them, and each other, without the prefix: it is the host's."""

SETTINGS: Final = "Operational telemetry"
SERVER: Final = "Server"
PAGES: Final = ((SETTINGS, "./"), (SERVER, "server"))

SHORT_ID: Final = 8
UNKNOWN: Final = "–"


class Frame(NamedTuple):
    """What surrounds a page: the application's name, the way to it, and where the host's own pages are, if it says."""

    app: str
    title: str
    home: str = ""
    has_menu: bool = True


def asset(name: str) -> Response:
    """Return a file for browsers."""
    return Response(200, Path(__file__).with_name(name).read_bytes(), ASSETS[name])


def document(frame: Frame, *parts: Child, status: int = 200) -> Response:
    """Return a whole page."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{frame.title} – {frame.app}"),
        el("link", rel="stylesheet", href="page.css"),
        el("script", src="page.js", defer=True),
    )
    body = el(
        "body",
        el("a", "Skip to the content", class_="skip", href="#main"),
        _bar(frame),
        el("main", *parts, id="main", tabindex="-1"),
    )
    page = el("html", head, body, lang="en")
    return Response(status, f"<!doctype html>\n{page}".encode())


def _bar(frame: Frame) -> Html:
    brand = el("a", frame.app, class_="brand", href=frame.home) if frame.home else el("span", frame.app, class_="brand")
    return el("header", brand, _menu(frame) if frame.has_menu else None, class_="bar")


def _menu(frame: Frame) -> Html:
    links = (el("a", name, href=href, aria_current="page" if name == frame.title else None) for name, href in PAGES)
    return el("nav", *links, aria_label="Settings")


def heading(frame: Frame, lead: Child) -> Html:
    """Return the head of a page."""
    trail = el("p", "Admin → Settings", class_="trail") if frame.has_menu else None
    return el("div", trail, el("h1", frame.title), el("p", lead, class_="lead"), class_="page-head")


def section(title: str, *children: Child, note: Child = None) -> Html:
    """Return a part of a page under its own title."""
    about = el("div", el("h2", title), el("p", note, class_="note") if note else None)
    return el("section", about, el("div", *children, class_="section-body"), class_="section")


def facts(*pairs: tuple[str, Child]) -> Html:
    """Return names with their values."""
    return el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in pairs), class_="facts")


def time(ms: int | None) -> Child:
    """Return a time, which the script turns into the reader's own."""
    if ms is None:
        return UNKNOWN
    iso = iso_time(ms)
    return el("time", f"{iso[:10]} {iso[11:16]} UTC", datetime=iso)


def notice(sentence: Child, *, is_problem: bool = False) -> Html:
    """Return what was done, or what went wrong."""
    kind = "problem" if is_problem else "notice"
    return el("p", sentence, class_=kind, role="alert" if is_problem else "status", tabindex="-1", data_notice=True)


def copyable(whole: str, *, name: str, shown: str = "") -> Html:
    """Return text with a button that copies all of it; the button waits for the script."""
    code = el("code", shown or whole, title=whole if shown else None, data_whole=whole, id=name)
    return el("span", code, el("button", "Copy", type="button", class_="quiet", hidden=True, data_copy=name))


def fields(rows: tuple[Row, ...], *, caption: str) -> Html:
    """Return the table of what is sent."""
    import json

    head = el("tr", *(el("th", each, scope="col") for each in ("Field", "Why", "Example")))
    lines = (
        el(
            "tr",
            el("th", el("code", row.name), scope="row"),
            el("td", row.why),
            el("td", el("code", json.dumps(row.example, ensure_ascii=False))),
        )
        for row in rows
    )
    table = el("table", el("caption", caption), el("thead", head), el("tbody", *lines))
    # It scrolls by itself where it is too wide, so the keyboard must reach it.
    return el("div", table, class_="table-wrap", tabindex="0", role="region", aria_label=caption)


def excluded(names: tuple[str, ...]) -> Html:
    """Return what is never sent."""
    return el("ul", *(el("li", f"no {name}") for name in names), class_="excluded")


def joined(*children: Child) -> Html:
    """Return parts with a space between them."""
    return join(*(join(text(" ") if number else None, child) for number, child in enumerate(children)))
