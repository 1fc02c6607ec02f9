"""The source as the shape tests read it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """One parsed file; `path` is relative to the repository."""

    path: str
    text: str
    tree: ast.Module

    def at(self, line: int) -> str:
        """Return a place an editor can jump to."""
        return f"{self.path}:{line}"

    def reason(self, word: str, node: ast.stmt | ast.expr) -> bool:
        """Tell whether a comment directly above `node` or on its line gives a reason: `# long: one table of routes`."""
        lines = self.text.splitlines()
        comments = [lines[node.lineno - 1].partition("  # ")[2]]
        above = lines[: _first_line(node) - 1]
        while above and above[-1].lstrip().startswith("# "):
            comments.append(above.pop().lstrip()[2:])
        return any(re.match(rf"{word}: \S", comment) for comment in comments)


class Function(NamedTuple):
    """A function, and the class it stands directly in."""

    node: FunctionNode
    owner: ast.ClassDef | None


def parsed(text: str, path: str = "example.py") -> Module:
    """Parse a module from text."""
    return Module(path, text, ast.parse(text))


def modules() -> list[Module]:
    """Parse every module of src/homing."""
    paths = sorted((ROOT / "src" / "homing").rglob("*.py"))
    return [parsed(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()) for path in paths]


def functions(module: Module) -> Iterator[Function]:
    """Find every function: of the module, of classes, and inside other functions."""
    for parent in ast.walk(module.tree):
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, FunctionNode):
                yield Function(child, parent if isinstance(parent, ast.ClassDef) else None)


def origins(tree: ast.Module) -> dict[str, str]:
    """Map each imported name to where it comes from: `dt` to `datetime.datetime`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {
                a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0]
                for a in node.names
            }
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def dotted(node: ast.AST, origin: dict[str, str]) -> str | None:
    """Return the full name an expression refers to, as far as imports tell; None when it is not a plain name."""
    if isinstance(node, ast.Name):
        return origin.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (base := dotted(node.value, origin)):
        return f"{base}.{node.attr}"
    return None


def _first_line(node: ast.stmt | ast.expr) -> int:
    decorators = node.decorator_list if isinstance(node, FunctionNode | ast.ClassDef) else []
    return min([node.lineno, *(each.lineno for each in decorators)])
