"""Swapping in place: the result is the new HTML, made from the elements that were there."""

from typing import Final

import pytest
from playwright.sync_api import Page

from tests.browser.visitor import sign_in
from tests.functional.receiver import Receiver

SWAP: Final = """
([old, made]) => {
    const around = document.createElement("div");
    around.setAttribute("hx-ext", "morph");
    around.innerHTML = old;
    document.body.append(around);
    const before = new Map([...around.querySelectorAll("[data-key]")].map((each) => [each.dataset.key, each]));
    const focused = around.querySelector("[data-key=focused] button");
    focused?.focus();
    let blurred = 0;
    focused?.addEventListener("blur", () => { blurred += 1; });
    for (const details of around.querySelectorAll("details")) {
        details.open = true;
    }
    htmx.swap(around.firstElementChild, made, { swapStyle: "morph" }, { contextElement: around });
    const now = [...around.querySelectorAll("[data-key]")];
    return {
        html: around.innerHTML,
        moved: now.filter((each) => before.has(each.dataset.key) && before.get(each.dataset.key) !== each).length,
        focused: focused ? document.activeElement === focused : null,
        blurred,
    };
}
"""


@pytest.fixture
def swapping(page: Page, receiver: Receiver) -> Page:
    """A page that knows how to swap in place."""
    sign_in(page, receiver.announced("Password"))
    return page


def items(keys: str) -> str:
    """Return a list of keyed items, as templates write them: with line breaks in between."""
    return "<ul>\n" + "\n".join(_item(key) for key in keys.split()) + "\n</ul>"


def _item(key: str) -> str:
    return f'<li data-key="{key}"><button type="button">{key}</button></li>' if key != "plain" else "<li>plain</li>"


def test_lists(swapping: Page) -> None:
    """Items come, go and change places; each that stays is the same element, and what has the focus keeps it."""
    for old, made, may_move in (
        ("a focused b", "a focused b", False),
        ("a focused b", "focused", False),
        ("focused", "a b focused c", False),
        ("a b c focused d", "x b focused y", False),
        ("a plain b focused", "b plain focused", False),
        ("focused a b", "b a focused", True),
        ("a b c d focused", "focused d c b a", True),
    ):
        found = swapping.evaluate(SWAP, [items(old), items(made)])
        assert items(made) == found["html"]
        assert (0, True) == (found["moved"], found["focused"]), (old, made)
        assert may_move or not found["blurred"], (old, made)


def test_what_is_gone(swapping: Page) -> None:
    """What is no longer there is gone, with everything in it, and what has no key is told apart by its sort."""
    for old, made in (
        ("<div><p>one</p><b>two</b></div>", "<div><b>two</b></div>"),
        ("<div>text<p>one</p></div>", "<div><p>one</p>text</div>"),
        ('<div class="a" title="b"></div>', '<div class="c"></div>'),
        ("<div><i data-key='a'>1</i></div>", "<div><b data-key='a'>1</b></div>"),
        (
            "<div><i data-key='a'>1</i><i data-key='a'>2</i></div>",
            "<div><i data-key='a'>3</i><i data-key='a'>4</i></div>",
        ),
        ("<div>text</div>", "<section>other</section>"),
    ):
        assert made.replace("'", '"') == swapping.evaluate(SWAP, [old, made])["html"]


def test_what_is_theirs(swapping: Page) -> None:
    """What a person opened stays open, and the inside of what belongs to a script is left alone."""
    old = '<div><details id="d"><summary>s</summary>1</details><p data-keep="">drawn</p></div>'
    made = '<div><details id="d"><summary>s</summary>2</details><p data-keep="" title="t"></p></div>'
    expected = '<div><details id="d" open=""><summary>s</summary>2</details><p data-keep="" title="t">drawn</p></div>'
    assert expected == swapping.evaluate(SWAP, [old, made])["html"]
