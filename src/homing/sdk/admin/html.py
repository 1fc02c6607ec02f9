"""HTML that is escaped by construction: whatever is not made here is text."""

from typing import Final, NamedTuple

VOID: Final = frozenset({"br", "input", "link", "meta"})

ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


class Html(NamedTuple):
    """Markup. Text is no markup until `text` has escaped it."""

    markup: str

    def __str__(self) -> str:
        return self.markup


Child = Html | str | None


def text(child: Child) -> Html:
    """Return markup for a child: text is escaped, None is nothing."""
    if isinstance(child, Html):
        return child
    return Html((child or "").translate(ESCAPES))


def join(*children: Child) -> Html:
    """Return markup for children one after the other."""
    return Html("".join(text(child).markup for child in children))


def el(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """Return an element.

    Attributes are written with `_` for `-`, and one at the end where Python has the word itself. True is an attribute
    without a value; False and None are none.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(*children)}</{name}>")


def _attribute(key: str, value: str | bool | None) -> str:  # noqa: FBT001 - what HTML calls a boolean attribute
    name = key.removesuffix("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{text(value)}"'
