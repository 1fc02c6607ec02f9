"""Settings as rows, resolved from layers."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.errors import SettingsError
from homing.settings import (
    FALSE_WORDS,
    MASK,
    NEEDED,
    TRUE_WORDS,
    Layer,
    Parser,
    Setting,
    Value,
    bare_environment,
    child_environment,
    environment_layer,
    file_layer,
    one_of,
    resolve,
    switch,
    unknown_names,
    variables_file,
    whole,
    words,
)

SIZE = Setting("size", 5, whole(1, 10), "How large.")
SECRET = Setting("secret", "", one_of("right"), "What nobody may see.", secret=True)


def layer(name: str, **raw: Any) -> Layer:
    """Return a layer that calls settings by its own name and theirs."""
    return Layer(name, raw, lambda setting: f"{name}.{setting}")


def parsed(parse: Parser, raw: object) -> Any:
    """Return the value a parser reads, or its reason not to."""
    try:
        return parse(raw)
    except ValueError as error:
        return str(error)


def test_the_strongest_layer_decides() -> None:
    """The first layer that has a value wins, and is told with it."""
    found = resolve([SIZE], [layer("a"), layer("b", size="2"), layer("c", size=3)])
    assert (2, "b", ()) == (found["size"], found.layer("size"), found.problems)


def test_nothing_is_no_value() -> None:
    """An empty text or None is as good as absent; 0 and False are values."""
    assert 3 == resolve([SIZE], [layer("a", size=""), layer("b", size=None), layer("c", size=3)])["size"]
    flag = Setting("flag", True, switch, "A switch.")
    assert resolve([flag], [layer("a", flag=False)])["flag"] is False


def test_a_bad_value_is_a_problem() -> None:
    """A value nobody can read is told, and no weaker layer quietly takes its place."""
    found = resolve([SIZE], [layer("a", size="11"), layer("b", size=2)])
    assert (5, "default") == (found["size"], found.layer("size"))
    assert ("a.size: '11': must be a whole number from 1 to 10.",) == found.problems
    with pytest.raises(SettingsError) as caught:
        found.checked()
    assert found.problems == caught.value.problems


def test_all_problems_at_once() -> None:
    """Every problem is told, in the order of the rows."""
    other = Setting("other", False, switch, "A switch.")
    found = resolve([SIZE, other], [layer("a", size=0, other="perhaps")])
    assert (
        "a.size: '0': must be a whole number from 1 to 10.",
        "a.other: 'perhaps': is neither on nor off.",
    ) == found.problems


def test_long_values_are_cut() -> None:
    """A problem shows no more than the beginning of a long value."""
    [problem] = resolve([SIZE], [layer("a", size="x" * 10_000)]).problems
    assert len(problem) < 200


def test_secrets_do_not_show() -> None:
    """Neither a secret's value nor what was wrong with it is ever shown."""
    good = resolve([SECRET], [layer("a", secret="right")])
    bad = resolve([SECRET], [layer("a", secret="hush")])
    assert "right" == good["secret"]
    assert (MASK, f"Value('{MASK}', layer='a')") == (good.values["secret"].shown, repr(good.values["secret"]))
    assert "hush" not in bad.problems[0]
    assert "right" not in repr(good)
    assert ("", "5") == (Value("", "default", secret=True).shown, Value(5, "a").shown)


def test_unknown_names() -> None:
    """A name that no row has is told: most often it is a spelling mistake."""
    assert ["a.sise: there is no such setting."] == unknown_names([SIZE], layer("a", sise=1, size=2))


@given(st.sampled_from(sorted(TRUE_WORDS | FALSE_WORDS)), st.booleans())
def test_switches(word: str, upper: bool) -> None:  # noqa: FBT001 - drawn
    """A switch is on or off by any of its words, in any case, between spaces."""
    assert (word in TRUE_WORDS) == switch(f" {word.upper() if upper else word} ")


@given(st.one_of(st.text(max_size=10), st.integers(), st.floats(), st.none(), st.lists(st.integers(), max_size=2)))
def test_no_parser_raises_anything_else(raw: object) -> None:
    """Whatever stands in a file, a parser returns a value within its bounds or raises `ValueError`."""
    for parse in (switch, whole(1, 10), one_of("a"), words):
        value = parsed(parse, raw)
        assert not isinstance(value, int) or 0 <= value <= 10


def test_whole_numbers() -> None:
    """A whole number is within its bounds, both included."""
    assert [1, 10] == [whole(1, 10)("1"), whole(1, 10)(10)]
    for raw in (0, 11, "1.0", "", "one", True, 1.0):
        with pytest.raises(ValueError, match="must be a whole number from 1 to 10"):
            whole(1, 10)(raw)


def test_words() -> None:
    """A list, or text with commas; nothing empty."""
    assert [("a", "b"), ("a", "b"), ()] == [words("a, ,b,"), words(["a", " b "]), words(" ")]


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables with a prefix become settings, called by the variable's name."""
    monkeypatch.setenv("DEMO_SIZE", "7")
    monkeypatch.setenv("DEMOSIZE", "8")
    made = environment_layer("DEMO_")
    assert ({"size": "7"}, "environment", "DEMO_SIZE") == (dict(made.raw), made.name, made.label("size"))
    assert ("7", "more") == (child_environment(EXTRA="more")["DEMO_SIZE"], child_environment(EXTRA="more")["EXTRA"])


def test_a_bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may get what Python needs to start, and nothing else but what it is given."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PYTHONPATH", "here")
    made = bare_environment(EXTRA="more")
    assert {"PYTHONPATH": "here", "EXTRA": "more"}.items() <= made.items()
    assert made.keys() <= {*NEEDED, "EXTRA"}


def test_a_file(tmp_path: Path) -> None:
    """A TOML file is a layer, called by its path."""
    path = tmp_path / "settings.toml"
    path.write_text("size = 3\n")
    made = file_layer(path)
    assert ({"size": 3}, f"{path}: size") == (made.raw, made.label("size"))


def test_files_of_variables(tmp_path: Path) -> None:
    """Names, values, quotes, comments and `export` are read as shells do; a missing file has none."""
    file = tmp_path / ".env"
    assert {} == variables_file(file)
    file.write_text(
        "# first\n\nA=1\n export B = two words  # said\nC='x # y'\nD=\"z\"\nE=\nF=a=b\nG=a#b\nno name\nH='' # c\n"
    )
    assert {
        "A": "1",
        "B": "two words",
        "C": "x # y",
        "D": "z",
        "E": "",
        "F": "a=b",
        "G": "a#b",
        "H": "",
    } == variables_file(file)
    file.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot be read: it is not text"):
        variables_file(file)
