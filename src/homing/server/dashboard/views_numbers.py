"""How numbers and days look on pages. Every number is shown exactly."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from homing.clock import iso_day

UNKNOWN: Final = "–"
THIN: Final = "\u202f"
MINUS: Final = "\u2212"
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SPARK_WIDTH: Final = 100
SPARK_HEIGHT: Final = 28
SPARK_EDGE: Final = 2


def figure(number: int | None) -> str:
    """Return a number with narrow spaces between thousands."""
    return UNKNOWN if number is None else f"{number:,}".replace(",", THIN)


def share(part: int, whole: int) -> str:
    """Return a part in percent; only nothing is 0%, and only everything is 100%."""
    if not whole:
        return UNKNOWN
    percent = 100 * part / whole
    if part >= whole or part == 0:
        return f"{percent:.0f}%"
    return "<0.1%" if percent < 0.1 else f"{min(percent, 99.9):.1f}%"  # noqa: PLR2004 - what one decimal can show


class Change(NamedTuple):
    """How a number stands to the one before: `way` is up, down or same; None when there is nothing to compare with."""

    way: str | None
    text: str
    before: str


def change(now: int | None, before: int | None) -> Change:
    """Compare a number with that of the period before."""
    if now is None or before is None:
        return Change(None, UNKNOWN, UNKNOWN)
    if now == before:
        return Change("same", "no change", figure(before))
    sign, way = ("+", "up") if now > before else (MINUS, "down")
    grown = f"{100 * abs(now - before) / before:.1f}%" if before else figure(now)
    return Change(way, f"{sign}{grown}", figure(before))


def spark(values: Sequence[int | None]) -> str | None:
    """Return the path of a line through values, drawn from zero; None when they make no line."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or len(known) < len(values):  # noqa: PLR2004 - the ends of a line
        return None
    top = max(known) or 1
    across, room = SPARK_WIDTH / (len(known) - 1), SPARK_HEIGHT - 2 * SPARK_EDGE
    points = (f"{place * across:.1f} {SPARK_EDGE + room * (1 - value / top):.1f}" for place, value in enumerate(known))
    return "M" + "L".join(points)


def day_in_words(day: int) -> str:
    """Return a day as `22 Nov 2026`."""
    year, month, number = iso_day(day).split("-")
    return f"{int(number)} {MONTHS[int(month) - 1]} {year}"


def days_in_words(days: range) -> str:
    """Return a period as `23 Oct – 22 Nov 2026`, without what both its ends have in common."""
    (first, month, year), last = day_in_words(days[0]).split(), day_in_words(days[-1])
    if len(days) == 1:
        return last
    if last.endswith(f" {month} {year}"):
        return f"{first}–{last}"
    return f"{first} {month} – {last}" if last.endswith(year) else f"{first} {month} {year} – {last}"
