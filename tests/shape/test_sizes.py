"""Functions and modules stay small enough to be read at one go."""

import ast
from typing import Final

from tests.shape.source import Function, Module, functions, modules, parsed

SHORT: Final = 10
MEDIUM: Final = 30
LONGEST: Final = 60
TALK: Final = 400
MOST_LINES: Final = 600
MOST_PARAMETERS: Final = 5
MOST_POSITIONAL: Final = 2


def length(function: Function) -> int:
    """Count a function's lines from `def` to its end."""
    return (function.node.end_lineno or 0) - function.node.lineno + 1


def share_below(lines: int, found: list[Module]) -> float:
    """Return the share of functions with fewer lines than that."""
    lengths = [length(function) for module in found for function in functions(module)]
    return sum(each < lines for each in lengths) / max(len(lengths), 1)


def too_long(module: Module) -> list[str]:
    """Name the functions over 60 lines without a written reason."""
    return [
        f"{module.at(function.node.lineno)} {function.node.name} has {length(function)} lines"
        for function in functions(module)
        if length(function) > LONGEST and not module.reason("long", function.node)
    ]


def parameters(function: Function) -> tuple[int, int]:
    """Count a function's parameters without self or cls: all of them, and those that may be given by position."""
    given = function.node.args
    decorators = {each.id for each in function.node.decorator_list if isinstance(each, ast.Name)}
    bound = function.owner is not None and "staticmethod" not in decorators
    positional = len(given.posonlyargs) + len(given.args) - bound
    return positional + len(given.kwonlyargs) + bool(given.vararg) + bool(given.kwarg), positional


def nested(module: Module) -> set[ast.AST]:
    """Return the functions that stand inside other functions."""
    return {inner for outer in functions(module) for inner in ast.walk(outer.node) if inner is not outer.node}


def too_wide(module: Module) -> list[str]:
    """Name the functions with too many parameters and no written reason; Python chooses those of magic methods."""
    found = []
    inside = nested(module)
    for function in functions(module):
        total, positional = parameters(function)
        magic = function.owner is not None and function.node.name.startswith("__")
        # The callers of private and nested functions stand beside them, so what is given by position can be seen.
        near = function.node.name.startswith("_") or function.node in inside
        wide = total > MOST_PARAMETERS or (positional > MOST_POSITIONAL and not near)
        if wide and not magic and not module.reason("wide", function.node):
            found.append(f"{module.at(function.node.lineno)} {function.node.name}: {total}, {positional} by position")
    return found


def test_half_of_the_functions_are_short() -> None:
    """At least half of all functions have under 10 lines, and nine in ten under 30."""
    found = modules()
    assert share_below(SHORT, found) >= 0.5
    assert share_below(MEDIUM, found) >= 0.9


def test_no_function_is_long_without_a_reason() -> None:
    """A function over 60 lines has a `# long:` comment above it."""
    assert [] == [place for module in modules() for place in too_long(module)]


def test_no_module_is_long() -> None:
    """A module has at most 600 lines; those over 400 are named beside it, for a talk."""
    sizes = {module.path: len(module.text.splitlines()) for module in modules()}
    talk = {path: lines for path, lines in sizes.items() if lines > TALK}
    print("Worth a talk:", talk)  # noqa: T201 - shown by pytest when the next line fails, or with -rP
    assert {} == {path: lines for path, lines in talk.items() if lines > MOST_LINES}, f"worth a talk: {talk}"


def test_functions_take_few_parameters() -> None:
    """At most five parameters, in public functions by keyword beyond the second, or a `# wide:` comment above."""
    assert [] == [place for module in modules() for place in too_wide(module)]


def test_a_long_function_is_seen() -> None:
    """The check finds 61 lines, and accepts them with a reason above the decorator."""
    body = "def f():\n" + "    pass\n" * 60
    assert too_long(parsed(body)) == ["example.py:1 f has 61 lines"]
    assert too_long(parsed("# long:\n" + body))
    assert not too_long(parsed("# long: one table\n@cache\n" + body))


def test_shares_are_counted() -> None:
    """Nested functions and methods count as functions of their own."""
    module = parsed("class A:\n    def f(self):\n        def g(): pass\n" + "        1\n" * 10)
    assert share_below(SHORT, [module]) == 0.5
    assert share_below(MEDIUM, [module]) == 1.0


def test_wide_functions_are_seen() -> None:
    """The check counts without self, knows static methods, and leaves magic methods alone."""
    assert too_wide(parsed("def f(a, b, c): pass")) == ["example.py:1 f: 3, 3 by position"]
    assert too_wide(parsed("def f(a, b, *, c, d, e, g): pass"))
    assert too_wide(parsed("class A:\n @staticmethod\n def f(a, b, c): pass"))
    assert too_wide(parsed("def _f(a, b, c, d, e, g): pass"))
    assert too_wide(parsed("def f():\n def g(a, b, c, d, e, h): pass"))
    assert too_wide(parsed("class _A:\n def f(self, a, b, c): pass"))
    assert not too_wide(parsed("def f(a, b, *, c, d, e): pass"))
    assert not too_wide(parsed("def _f(a, b, c, d, e): pass"))
    assert not too_wide(parsed("def f():\n def g(a, b, c, d, e): pass"))
    assert not too_wide(parsed("class A:\n def _f(self, a, b, c, d, e): pass"))
    assert not too_wide(parsed("class A:\n def f(self, a, b): pass\n def __exit__(self, a, b, c): pass"))
    assert not too_wide(parsed("# wide: the signature of ASGI\ndef f(a, b, c): pass"))
    assert not too_wide(parsed("def f(  # wide: a row of the table\n    a, b, c): pass"))
