"""What is made from rows is what the rows say now."""

import re

import pytest

from homing.server.config import ROWS
from homing.server.query.question import MOST_DAYS, MOST_FILTER_VALUES, MOST_SPLITS, PARAMETERS
from tests.docs.pages import DOCS, PARTS, part, rows_of, text_of


@pytest.mark.parametrize(("page", "name"), list(PARTS), ids=[f"{page}-{name}" for page, name in PARTS])
def test_made_parts_are_fresh(page: str, name: str) -> None:
    """A row that was added, changed or removed is so on its page; `python -m tests.docs.pages` does it."""
    assert PARTS[page, name]() == part(page, name)


def test_every_row_stands_on_its_page() -> None:
    """Each setting and each parameter has its row, whatever made the table."""
    settings = {row[0].strip("`"): row[3] for row in rows_of(part("settings.md", "settings"))}
    assert {row.name: row.help for row in ROWS} == settings
    parameters = {row[0].strip("`") for row in rows_of(part("api.md", "parameters"))}
    assert {row.name for row in PARAMETERS} | {"format"} == parameters


def test_limits_of_questions() -> None:
    """The numbers in the text about the report are the ones that hold."""
    text = " ".join(text_of("api.md").split())
    for sentence in (
        f"at most {MOST_DAYS} days",
        f"At most {MOST_FILTER_VALUES} filter values and {MOST_SPLITS} splits",
    ):
        assert sentence in text


PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
ROOT_PAGES = sorted(f"../{path.name}" for path in DOCS.parent.glob("*.md"))


@pytest.mark.parametrize("page", [*PAGES, *ROOT_PAGES])
def test_links(page: str) -> None:
    """Every link to another page leads somewhere."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(page))
    assert [] == [target for target in targets if not (DOCS / page).parent.joinpath(target).exists()]
