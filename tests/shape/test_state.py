"""Direction 7: importing a module does no work and leaves no state behind that could change.

What must break the rule has a comment `# state: <reason>` directly above it.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests.shape.source import ROOT, FunctionNode, Module, dotted, modules, origins, parsed

CAPITALS: Final = re.compile(r"_*[A-Z][A-Z0-9_]+")

DISPLAYS: Final = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)

DECLARATIONS: Final = (ast.Import, ast.ImportFrom, ast.ClassDef, FunctionNode, ast.Assign, ast.AnnAssign, ast.Pass)

RESTLESS: Final = re.compile(
    r"open|print|input|exec|eval|bytearray|os\.(?!path\.).+|importlib\..+|functools\.(lru_cache|cache)"
    r"|collections\.(deque|defaultdict|Counter|OrderedDict)|(signal|atexit|prometheus_client)\..+"
    r"|(threading|multiprocessing|asyncio|concurrent|queue|socket|subprocess|sqlite3|tempfile|shutil)\..+"
    r"|.+\.(read_text|read_bytes|mkdir|exists|stat|start|acquire|connect)"
)

MUTATORS: Final = frozenset(
    {"add", "append", "appendleft", "discard", "extend", "insert", "remove", "setdefault", "update"}
    | {"clear", "pop", "popitem", "popleft", "reverse", "sort"}
)

WATCHED: Final = "open socket.connect socket.bind subprocess.Popen sqlite3.connect os.mkdir os.putenv os.fork"

IMPORT_EVERYTHING: Final = f"""
import importlib, os, sys, threading

def watch(event, args):
    reading = event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    if event in {WATCHED.split()} and not reading:
        raise SystemExit(f"{{event}}{{args}} while importing")

sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
raise SystemExit(str(threading.enumerate()) if threading.active_count() > 1 else 0)
"""


def restless(module: Module) -> list[str]:
    """Name what the module does at import beyond declaring, and the names whose value could change."""
    origin = origins(module.tree)
    return [
        f"{module.at(line)} {what}"
        for statement in _statements(module.tree.body)
        if not module.reason("state", statement)
        for line, what in [*_work(statement, origin), *_changeable(statement)]
    ]


def changes(module: Module) -> list[str]:
    """Name the places that rebind module names, change what is written in capitals, or set attributes of imports."""
    origin = origins(module.tree)
    return [
        f"{module.at(node.lineno)} {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.stmt | ast.expr) and _changes(node, origin) and not module.reason("state", node)
    ]


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Flatten a module's statements: a condition or an attempt counts as what it holds; a main guard is no import."""
    for statement in body:
        if isinstance(statement, ast.Try):
            handlers = [each for handler in statement.handlers for each in handler.body]
            yield from _statements([*statement.body, *handlers, *statement.orelse, *statement.finalbody])
        elif not isinstance(statement, ast.If):
            yield statement
        elif ast.unparse(statement.test) != "__name__ == '__main__'":
            yield from _statements([*statement.body, *statement.orelse])


def _work(statement: ast.stmt, origin: dict[str, str]) -> Iterator[tuple[int, str]]:
    docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if not docstring and not isinstance(statement, DECLARATIONS):
        yield statement.lineno, "is work, not a declaration"
    for node in _awake(statement):
        for name in filter(None, (dotted(each, origin) for each in _called(node))):
            if RESTLESS.fullmatch(name):
                yield statement.lineno, f"calls {name} at import"


def _called(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        return [node.func]
    return node.decorator_list if isinstance(node, FunctionNode | ast.ClassDef) else []


def _awake(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs at import: all but the bodies of functions."""
    yield node
    asleep = node.body if isinstance(node, FunctionNode) else [node.body] if isinstance(node, ast.Lambda) else []
    for child in ast.iter_child_nodes(node):
        if child not in asleep:
            yield from _awake(child)


def _changeable(statement: ast.stmt) -> Iterator[tuple[int, str]]:
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return
    made = isinstance(statement.value, ast.Call) and dotted(statement.value.func, {}) in {"dict", "list", "set"}
    if not made and not isinstance(statement.value, DISPLAYS):
        return
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    for name in map(ast.unparse, targets):
        if not CAPITALS.fullmatch(name) and name != "__all__":
            yield statement.lineno, f"{name} could change: use a tuple or frozenset, or write it in capitals"


def _changes(node: ast.stmt | ast.expr, origin: dict[str, str]) -> bool:
    match node:
        case ast.Global():
            return True
        case ast.Subscript(value=base, ctx=ast.Store() | ast.Del()) | ast.AugAssign(target=base):
            return _in_capitals(base)
        case ast.Call(func=ast.Attribute(value=base, attr=name)):
            return name in MUTATORS and _in_capitals(base)
        case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name in origin
    return False


def _in_capitals(base: ast.expr) -> bool:
    name = dotted(base, {})
    return name is not None and CAPITALS.fullmatch(name.rpartition(".")[2]) is not None


def test_modules_only_declare() -> None:
    """No module works at import or binds a changeable value to an ordinary name."""
    assert [] == [place for module in modules() if not _runs_elsewhere(module) for place in restless(module)]


def test_constants_stay_as_they_are() -> None:
    """Nothing rebinds a module's names or changes its constants, its own or another's."""
    assert [] == [place for module in modules() for place in changes(module)]


def test_imports_touch_nothing() -> None:
    """Importing all of homing opens no socket, writes no file and starts neither thread nor process."""
    paths = [module.path.removeprefix("src/") for module in modules() if not _runs_elsewhere(module)]
    names = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in paths]
    command = [sys.executable, "-B", "-c", IMPORT_EVERYTHING, *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _runs_elsewhere(module: Module) -> bool:
    """Tell whether nothing of ours imports the module: Alembic runs its migrations, Python a `__main__`."""
    return "/migrations/" in module.path or module.path.endswith("/__main__.py")


@pytest.mark.parametrize(
    "text",
    [
        "for x in y: pass",
        "main()",
        "import threading\nlock = threading.Lock()",
        "import functools\n@functools.cache\ndef f(): pass",
        "from functools import lru_cache\n@lru_cache(maxsize=9)\ndef f(): pass",
        "import os\nclass A:\n    cpus = os.cpu_count()",
        "def f(a=open('x')): pass",
        "TEXT = path.read_text()",
        "if TYPE_CHECKING:\n    main()",
        "try:\n    import x\nexcept ImportError:\n    print('no')",
        "cache = {}",
        "seen: set[int] = set()",
        "names = [x for x in y]",
    ],
)
def test_restless_modules_are_seen(text: str) -> None:
    """The check finds work and changeable names, in classes, defaults, decorators and branches too."""
    assert restless(parsed(text))
    assert not restless(parsed(f"# state: a reason\n{text}")) or "\n" in text


@pytest.mark.parametrize(
    "text",
    [
        '"""Words."""\nimport os\nA = 1\n"""More words."""',
        "RATES: Final = {1: 2}\n__all__ = ['a']\npair = (1, 2)\nnumber = re.compile('1')",
        "import os\ndef f():\n    return os.cpu_count(), open('x')",
        "import os\nlater = lambda: os.getcwd()",
        "if __name__ == '__main__':\n    main()",
        "import os\n# state: the one place\nCPUS = os.cpu_count()",
    ],
)
def test_quiet_modules_pass(text: str) -> None:
    """The check leaves declarations and what runs later alone."""
    assert restless(parsed(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    global a",
        "TABLE['a'] = 1",
        "def f():\n    rows.TABLE.update(a=1)",
        "del TABLE['a']",
        "LIST += [1]",
        "_LIST.append(1)",
        "import logging\nlogging.raiseExceptions = False",
        "from homing import settings\ndef f():\n    settings.MASK = ''",
    ],
)
def test_changes_are_seen(text: str) -> None:
    """The check finds every way to change a constant."""
    assert changes(parsed(text))


@pytest.mark.parametrize(
    "text",
    [
        "table['a'] = 1",
        "TABLE['a']",
        "TABLE.get('a')",
        "self.count += 1",
        "import a\nb.c = 1",
        "# state: why\nROWS.append(1)",
    ],
)
def test_ordinary_changes_pass(text: str) -> None:
    """The check leaves locals, attributes of self and reading alone."""
    assert changes(parsed(text)) == []
