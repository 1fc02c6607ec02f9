"""HTML that is escaped by construction."""

from homing.sdk.admin.html import Html, el, join, text

HOSTILE = "<script>alert('1')</script>\" & more"
ESCAPED = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot; &amp; more"


def test_text_is_escaped() -> None:
    """Text between tags and in attributes stays text, whatever stands in it."""
    assert f"<p>{ESCAPED}</p>" == str(el("p", HOSTILE))
    assert f'<input value="{ESCAPED}">' == str(el("input", value=HOSTILE))
    assert ESCAPED == str(join(HOSTILE))


def test_markup_is_not_escaped_twice() -> None:
    """What was made here is taken as it is; put together with text it is text again."""
    made = el("b", "a & b")
    assert "<p><b>a &amp; b</b> and c</p>" == str(el("p", made, " and c"))
    assert "&lt;b&gt;" == str(text(f"{Html('<b>')}"))


def test_attributes() -> None:
    """They are written as HTML has them; what is false or None is left out, and nothing is no child."""
    made = el("label", None, class_="a", for_="b", aria_label="c", hidden=True, disabled=False, title=None)
    assert '<label class="a" for="b" aria-label="c" hidden></label>' == str(made)
