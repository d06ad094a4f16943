"""What axe and people with other eyes ask of any page."""

from __future__ import annotations

from importlib.resources import files

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages.any_page import at_rest

in_both_schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
CHECK = """async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) =>
        `${id}: ${node.target.join(' ')} ${node.failureSummary.split('\\n').slice(1).join('; ')}`));
}"""


async def axe(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is shown, by all its rules."""
    await at_rest(page)
    # The debugger may evaluate what the page's own policy forbids its scripts.
    await page.evaluate(AXE)
    violations: list[str] = await page.evaluate(CHECK)
    return violations


async def colours_are(page: Page, scheme: str) -> None:
    """Check that the page is drawn in this scheme, so that axe has seen it."""
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
