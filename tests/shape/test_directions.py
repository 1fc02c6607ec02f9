"""Directions 1, 6 and 7 of the design; import-linter keeps the others."""

import ast
import re
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests.shape.source import Module, dotted, modules, origins, parsed

LEAVES: Final = frozenset({"ping", "outcomes", "settings", "errors", "clock"})

ENVIRONMENT: Final = re.compile(r"os\.(environb?|getenvb?|putenv|unsetenv)")

CLOCK: Final = re.compile(
    r"time\.((time|monotonic|perf_counter|process_time|thread_time|clock_gettime)(_ns)?|ctime|asctime)"
    r"|datetime\.(datetime\.(now|utcnow|today)|date\.today)"
    r"|uuid\.uuid[14678]|(secrets|random)\.\w+|os\.(urandom|getrandom)"
)


def uses(module: Module, names: re.Pattern[str]) -> list[str]:
    """Name the places where the module refers to one of those names, under whatever alias."""
    origin = origins(module.tree)
    found = [
        (node, dotted(node, origin)) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute | ast.Name)
    ]
    return [f"{module.at(node.lineno)} {name}" for node, name in found if name and names.fullmatch(name)]


def foreign(module: Module) -> list[str]:
    """Name the imports that are neither of the standard library nor of a leaf."""
    ours = {f"homing.{leaf}" for leaf in LEAVES}
    return [
        f"{module.at(line)} {name}"
        for line, name in _imported(module.tree)
        if name.partition(".")[0] not in sys.stdlib_module_names and name not in ours
    ]


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def _without(*stems: str) -> list[Module]:
    kept = {f"src/homing/{stem}.py" for stem in stems}
    return [module for module in modules() if module.path not in kept]


def test_leaves_import_the_standard_library_only() -> None:
    """Leaves know the standard library and each other."""
    leaves = [module for module in modules() if module.path in {f"src/homing/{leaf}.py" for leaf in LEAVES}]
    assert len(leaves) == len(LEAVES)
    assert [] == [place for module in leaves for place in foreign(module)]


def test_settings_alone_read_the_environment() -> None:
    """Only settings.py reads the environment."""
    assert [] == [place for module in _without("settings") for place in uses(module, ENVIRONMENT)]


def test_the_clock_alone_reads_the_time() -> None:
    """Only clock.py reads the time or makes ids."""
    assert [] == [place for module in _without("clock") for place in uses(module, CLOCK)]


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['A']",
        "import os as o\no.getenv('A')",
        "from os import environ as e\ne.get('A')",
    ],
)
def test_reading_the_environment_is_seen(text: str) -> None:
    """The check sees through aliases."""
    assert uses(parsed(text), ENVIRONMENT)


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time_ns()",
        "from time import monotonic as m\nm()",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "from datetime import datetime as dt\ndt.now()",
        "from datetime import date\ndate.today()",
        "import uuid\nuuid.uuid4()",
        "from secrets import token_hex\nf = token_hex",
        "import random\nrandom.random()",
        "import os\nos.urandom(8)",
        "import time\nfield(default_factory=time.time)",
    ],
)
def test_reading_the_time_is_seen(text: str) -> None:
    """The check sees calls, aliases and mere references."""
    assert uses(parsed(text), CLOCK)


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.sleep(1)",
        "from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)",
        "clock.now()",
        "import uuid\nuuid.UUID(text)",
    ],
)
def test_harmless_names_pass(text: str) -> None:
    """The check leaves alone what reads no clock."""
    assert not uses(parsed(text), CLOCK)


def test_foreign_imports_are_seen() -> None:
    """The check finds packages, relative imports and the rest of homing."""
    text = "import os, msgspec\nfrom . import x\nfrom homing.server import app\nfrom homing.errors import HomingError"
    assert foreign(parsed(text)) == ["example.py:1 msgspec", "example.py:2 .", "example.py:3 homing.server"]
