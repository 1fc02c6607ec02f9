"""What browsers load: libraries pinned and not ours to keep, pages that the strictest policy lets through."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from homing.server.dashboard.assets import FOLDERS
from tests.shape.source import ROOT

FRONTEND: Final = ROOT / "frontend"
TEMPLATES: Final = FOLDERS[0].with_name("templates")
INTEGRATIONS: Final = ROOT / "src" / "homing" / "sdk" / "integrations" / "browser.js"
EXACT: Final = re.compile(r"\d+\.\d+\.\d+")

REMARK: Final = re.compile(r"\{#.*?#\}|<!--.*?-->", re.DOTALL)
ASSET: Final = re.compile(r"""\basset\(\s*["']([^"']+)["']\s*\)""")

FORBIDDEN: Final = {
    "a style in the page": re.compile(r"<style\b|(?<=[\s\"'}])style\s*=", re.IGNORECASE),
    "a script in the page": re.compile(
        r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*\btype\s*=\s*[\"']?application/json\b)", re.IGNORECASE
    ),
    "code in an attribute": re.compile(
        r"(?<=[\s\"'}])(hx-on[\w:-]*|on[a-z]+)\s*=|\bjavascript:|[\"']js:|\bhx-trigger\s*=\s*\"[^\"]*\[", re.IGNORECASE
    ),
    "another host": re.compile(
        r"\b(src|href|srcset|action|formaction|poster|data|hx-[a-z-]+)\s*=\s*[\"']?\s*(https?:)?//", re.IGNORECASE
    ),
    "another base": re.compile(r"<base\b", re.IGNORECASE),
}
"""What the Content-Security-Policy would stop in a page, or ought to."""

OUTSIDE: Final = re.compile(
    r"""@import\b|url\(\s*["']?(https?:)?//|(?<!xmlns=")\bhttps?://|["'`]//|\beval\(|\bFunction\("""
)
"""What a file of ours never needs: other hosts, and code made from text."""


def read(name: str) -> dict[str, Any]:
    """Read one of npm's files."""
    found: dict[str, Any] = json.loads((FRONTEND / name).read_text(encoding="utf-8"))
    return found


def pages() -> Iterator[tuple[str, str]]:
    """Read the templates, without remarks."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        yield path.name, REMARK.sub("", path.read_text(encoding="utf-8"))


def barred(name: str, text: str) -> list[str]:
    """Name the lines of a template that the policy would stop."""
    return [
        f"{name}:{text.count(chr(10), 0, found.start()) + 1} {what}: {found.group()}"
        for what, pattern in FORBIDDEN.items()
        for found in pattern.finditer(text)
    ]


def test_libraries_are_pinned_exactly() -> None:
    """Each library has one version, and the lock file says the same."""
    manifest = read("package.json")
    wanted = {**manifest["dependencies"], **manifest["devDependencies"]}
    assert [] == [f"{name} {version}" for name, version in wanted.items() if not EXACT.fullmatch(version)]
    locked = read("package-lock.json")["packages"]
    assert wanted == {name: locked[f"node_modules/{name}"]["version"] for name in wanted}


def test_the_lock_file_knows_contents_and_no_places() -> None:
    """What is installed is checked by its hash, and may come from any registry."""
    packages = {name: each for name, each in read("package-lock.json")["packages"].items() if name}
    assert [] == [name for name, each in packages.items() if not each.get("integrity", "").startswith("sha512-")]
    assert [] == [name for name, each in packages.items() if "resolved" in each]
    assert "://" not in (FRONTEND / "package-lock.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", [FOLDERS[1], FRONTEND / "node_modules"])
def test_libraries_are_not_committed(folder: Path) -> None:
    """Git leaves alone what npm brings."""
    command = ["git", "-c", "safe.directory=*", "check-ignore", "--quiet", str(folder / "file.js")]
    assert 0 == subprocess.run(command, cwd=ROOT, check=False).returncode


def test_pages_pass_the_policy() -> None:
    """No template holds a style, a script, code in an attribute, or an address of another host."""
    found = list(pages())
    assert found
    assert [] == [line for name, text in found for line in barred(name, text)]


def test_files_stay_at_home() -> None:
    """No file of ours names another host, or makes code from text."""
    files = [path for path in [*sorted(FOLDERS[0].iterdir()), INTEGRATIONS] if path.suffix in {".css", ".js", ".svg"}]
    found = {path.name: OUTSIDE.search(path.read_text(encoding="utf-8")) for path in files}
    assert {} == {name: match.group() for name, match in found.items() if match}


def test_pages_name_files_that_exist() -> None:
    """Each file that a template asks for is there, and each of our own is asked for or named by another."""
    asked = {name for _, text in pages() for name in ASSET.findall(text)}
    present = {path.name for folder in FOLDERS for path in folder.iterdir()}
    assert set() == asked - present
    scripts = "".join(
        path.read_text(encoding="utf-8") for path in FOLDERS[0].iterdir() if path.suffix in {".css", ".js"}
    )
    assert [] == [path.name for path in FOLDERS[0].iterdir() if path.name not in asked and path.name not in scripts]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('<p style="color: red">', "a style in the page"),
        ("<p{% if a %} class='b'{% endif %}style = 'c'>", "a style in the page"),
        ("<STYLE>p {}</STYLE>", "a style in the page"),
        ("<script>1</script>", "a script in the page"),
        ('<script type="module">1</script>', "a script in the page"),
        ('<b onclick="f()">', "code in an attribute"),
        ('<b hx-on:click="f()">', "code in an attribute"),
        ('<b hx-on::after-swap="f()">', "code in an attribute"),
        ('<a href="javascript:f()">', "code in an attribute"),
        ("<b hx-vals='js:{a: 1}'>", "code in an attribute"),
        ('<b hx-trigger="click[ctrlKey]">', "code in an attribute"),
        ('<img src="https://example.com/a.png">', "another host"),
        ("<a href='//example.com'>", "another host"),
        ('<form action="http://example.com">', "another host"),
        ('<b hx-get="https://example.com">', "another host"),
        ('<base href="/a/">', "another base"),
    ],
)
def test_what_the_policy_stops_is_seen(line: str, what: str) -> None:
    """The check finds each kind, at its line."""
    (found,) = barred("a.html", f"\n{line}")
    assert found.startswith(f"a.html:2 {what}: ")


@pytest.mark.parametrize(
    "line",
    [
        '<script src="{{ asset("app.js") }}" defer></script>',
        '<script type="application/json" id="data">{{ data | tojson }}</script>',
        '<a href="/instances?sort=last_seen" hx-get="/instances">on = off</a>',
        '<input placeholder="https://example.com" data-style="a" data-once="b">',
        "<pre>curl https://example.com/v1/pings</pre>",
        '<meta name="color-scheme" content="light dark">',
        '<b hx-trigger="every 10s, keyup changed delay:300ms">style = good</b>',
    ],
)
def test_ordinary_lines_pass(line: str) -> None:
    """The check leaves files, data, local addresses and text alone."""
    assert [] == barred("a.html", line)


@pytest.mark.parametrize(
    "text",
    [
        "@import 'a.css';",
        "a { background: url(https://example.com/a.png) }",
        "a { background: url('//example.com/a.png') }",
        'fetch("https://example.com")',
        "fetch('//example.com')",
        "eval('1')",
        "new Function('1')",
    ],
)
def test_what_leads_outside_is_seen(text: str) -> None:
    """The check finds other hosts, and code made from text."""
    assert OUTSIDE.search(text)


@pytest.mark.parametrize(
    "text", ["a { background: url(mark.svg) }", '<svg xmlns="http://www.w3.org/2000/svg"/>', "f('/a') // remark"]
)
def test_ordinary_files_pass(text: str) -> None:
    """The check leaves files beside, names of formats and remarks alone."""
    assert not OUTSIDE.search(text)
