"""What tests wait for on pages ends, whatever the page does."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Error

from tests.browser.pages.any_page import at_rest


async def test_an_animation_that_does_not_end_is_named(browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content("<p class=still>One</p>")
    moving = """paused => {
        const one = document.querySelector("p").animate({ opacity: [0, 1] }, 100);
        if (paused) one.pause();
    }"""
    await page.evaluate(moving, False)
    await at_rest(page, 5)
    await page.evaluate(moving, True)
    with pytest.raises(Error, match=r"do not end: .* of still"):
        await at_rest(page, 0.3)
    await page.close()
