"""What axe-core finds: barriers for people who see, hear or move differently."""

from typing import Any, Final

from playwright.sync_api import Page

from tests.shape.source import ROOT

SOURCE: Final = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"


def barriers(page: Page) -> list[str]:
    """Return the violations on a page as it is now: rule, element, and how to mend it."""
    # What the debugger evaluates is not bound by the page's Content-Security-Policy.
    page.evaluate(SOURCE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [_sentence(rule, node) for rule in found["violations"] for node in rule["nodes"]]


def _sentence(rule: dict[str, Any], node: dict[str, Any]) -> str:
    mending = " ".join(node["failureSummary"].split())
    return f"{rule['id']} ({rule['impact']}): {node['target']}: {mending}"
