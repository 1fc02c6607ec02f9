"""Colours of both themes: text can be read, and series told apart with any kind of colour vision."""

import re
from itertools import combinations
from pathlib import Path
from typing import Final

import pytest

from homing.server import dashboard

STYLES: Final = Path(dashboard.__file__).with_name("static") / "app.css"
PAIR: Final = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")

TEXT: Final = ("ink", "ink-soft", "ink-faint", "accent", "bad")
GROUNDS: Final = ("ground", "raised", "sunken")
SERIES: Final = ("series-clients", "series-latest", "series-outdated", "series-requests")

READABLE: Final = 4.5
"""What WCAG 2.2 asks of text."""

VISIBLE: Final = 3.0
"""What it asks of lines, edges and whatever else must be seen."""

APART: Final = 0.12
"""The least distance of two series in OKLab, where 0.02 is just noticed side by side."""

VISION: Final = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
"""What becomes of linear light without one kind of cones: Machado, Oliveira and Fernandes (2009), severity 1."""

Light = tuple[float, float, float]


def tokens(theme: str) -> dict[str, Light]:
    """Return the colours of a theme as linear light."""
    place = ("light", "dark").index(theme) + 2
    return {found[1]: light(found[place]) for found in PAIR.finditer(STYLES.read_text())}


def light(colour: str) -> Light:
    """Return the linear light of an sRGB colour."""
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in bytes.fromhex(colour[1:])
    )
    return red, green, blue


def weigh(rows: tuple[tuple[float, ...], ...], of: Light) -> Light:
    """Multiply a matrix with a colour."""
    one, two, three = (sum(a * b for a, b in zip(row, of, strict=True)) for row in rows)
    return one, two, three


def contrast(one: Light, other: Light) -> float:
    """Return WCAG's contrast of two colours."""
    dark, bright = sorted(weigh(((0.2126, 0.7152, 0.0722),) * 3, each)[0] for each in (one, other))
    return (bright + 0.05) / (dark + 0.05)


def oklab(of: Light) -> Light:
    """Return a colour in OKLab, where distances are as large as they look."""
    cones = weigh(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        of,
    )
    return weigh(
        (
            (0.2104542553, 0.793617785, -0.0040720468),
            (1.9779984951, -2.428592205, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.808675766),
        ),
        (cones[0] ** (1 / 3), cones[1] ** (1 / 3), cones[2] ** (1 / 3)),
    )


def distance(one: Light, other: Light, vision: str) -> float:
    """Return how far apart two colours look."""
    seen = [
        oklab((min(1, max(0, red)), min(1, max(0, green)), min(1, max(0, blue))))
        for red, green, blue in (weigh(VISION[vision], each) for each in (one, other))
    ]
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    """Every colour of text has enough contrast on every ground it may stand on."""
    colours = tokens(theme)
    pairs = [(text, ground) for text in TEXT for ground in GROUNDS]
    pairs += [("on-accent", "accent"), ("accent", "accent-soft"), ("ink", "accent-soft"), ("ink", "bad-soft")]
    weak = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {} == {pair: found for pair, found in weak.items() if found < READABLE}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_can_be_seen(theme: str) -> None:
    """Series, edges of controls and strong rules stand out from the ground."""
    colours = tokens(theme)
    found = {name: contrast(colours[name], colours["ground"]) for name in (*SERIES, "edge", "rule-strong")}
    assert {} == {name: ratio for name, ratio in found.items() if ratio < VISIBLE}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_series_are_told_apart(theme: str, vision: str) -> None:
    """Any two series are far apart, also for who lacks one kind of cones."""
    colours = tokens(theme)
    found = {pair: distance(colours[pair[0]], colours[pair[1]], vision) for pair in combinations(SERIES, 2)}
    assert {} == {pair: round(far, 3) for pair, far in found.items() if far < APART}


def test_distances() -> None:
    """Black and white are 1 apart; red and green come close without the cones that tell them apart."""
    assert abs(distance((0, 0, 0), (1, 1, 1), "all cones") - 1) < 0.001
    red, green = light("#b04040"), light("#6b6b20")
    assert distance(red, green, "deuteranopia") < distance(red, green, "all cones") / 2
