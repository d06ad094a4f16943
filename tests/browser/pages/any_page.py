"""What can be waited for on any page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from playwright.async_api import CDPSession, Page

from tests.browser.conftest import PATIENCE_S

Value = TypeVar("Value")


async def becomes(look: Callable[[], Awaitable[Value]], holds: Callable[[Value], object]) -> Value:
    """The value that ``look`` finds, when it holds at last; what does not is told."""
    end = time.monotonic() + PATIENCE_S
    while not holds(value := await look()):
        assert time.monotonic() < end, f"it stays {value!r}"
        await asyncio.sleep(0.05)
    return value


async def at_rest(page: Page, patience_s: float = PATIENCE_S) -> None:
    """Wait until every animation that ends has ended, those too that the next frames begin.

    One that does not end (paused, or of what is not drawn) fails the test and is named.
    """
    await page.evaluate(
        """async (patience) => {
            const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
            const late = new Promise((tell) => setTimeout(tell, patience, "late"));
            const ends = (one) =>
                one.playState !== 'finished' && one.effect.getComputedTiming().endTime !== Infinity;
            for (let still = 0; still < 3; still++) {
                await frame();
                const moving = document.getAnimations().filter(ends);
                if (moving.length) still = -1;
                const ended = Promise.allSettled(moving.map((one) => one.finished));
                if ((await Promise.race([ended, late])) === "late") {
                    const names = moving.map(({ animationName, transitionProperty, effect }) =>
                        `${animationName ?? transitionProperty} of ${effect.target?.className}`);
                    throw new Error(`these animations do not end: ${names.join(", ")}`);
                }
            }
        }""",
        patience_s * 1_000,
    )


async def reload_after_closing(page: Page) -> None:
    """Reload once what was closed has taken its entry of the history along.

    The browser goes back a moment after the closing; a reload begun before that is given up.
    """
    await page.wait_for_function("() => !history.state?.layer", timeout=PATIENCE_S * 1_000)
    await page.reload()


async def drawn(page: Page) -> None:
    """Wait until what the page has been told is drawn and its effects have run."""
    await page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {"
        " const channel = new MessageChannel(); channel.port1.onmessage = done;"
        " channel.port2.postMessage(0); })))"
    )


async def like_a_window(page: Page) -> CDPSession:
    """Let the page have the focus only while it is in front; Playwright lets all have it."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    return devtools
