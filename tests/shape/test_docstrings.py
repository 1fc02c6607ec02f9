"""Whatever others may use says what it does."""

import ast

from tests.shape.source import FunctionNode, Module, modules, parsed


def silent(module: Module) -> list[str]:
    """Name the public module, classes, functions and methods without a docstring."""
    found = [] if ast.get_docstring(module.tree) else [f"{module.at(1)} the module"]
    return found + _silent_within(module, module.tree)


def _silent_within(module: Module, parent: ast.Module | ast.ClassDef) -> list[str]:
    found = []
    for node in parent.body:
        if not isinstance(node, FunctionNode | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            found.append(f"{module.at(node.lineno)} {node.name}")
        if isinstance(node, ast.ClassDef):
            found += _silent_within(module, node)
    return found


def test_everything_public_has_a_docstring() -> None:
    """Every public module, class, function and method of homing has a docstring."""
    assert [] == [place for module in modules() for place in silent(module)]


def test_silence_is_seen() -> None:
    """The check finds modules, functions, classes and methods, and passes over what is private."""
    text = "def f(): pass\nclass A:\n  def g(self): pass\n  def _h(self): pass\nclass _B:\n  def i(self): pass"
    assert silent(parsed(text)) == ["example.py:1 the module", "example.py:1 f", "example.py:2 A", "example.py:3 g"]
    assert silent(parsed('"""It says."""\ndef f():\n    """So does this."""')) == []
