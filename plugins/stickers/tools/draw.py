"""Draws the pack that is shipped: a cat called Dash, from shapes, by a browser.

    python plugins/stickers/tools/draw.py

Writes ``dash_messenger_stickers/pack``. Needs Playwright and a Chromium. Each sticker is a face and
what is around it; the animated ones are several of those, one after another.
"""

from __future__ import annotations

import io
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PACK = Path(__file__).parents[1] / "dash_messenger_stickers" / "pack"
SIDE_PX = 384
FRAMES = 16
FRAME_MS = 60

FUR, DARK, INNER, CHEEK = "#f7a541", "#5b3413", "#ffd9a8", "#ff8f70"
OUTLINE = f'stroke="{DARK}" stroke-width="9" stroke-linejoin="round" stroke-linecap="round"'
LINE = f'fill="none" {OUTLINE}'

EYES = {
    "open": f'<g fill="{DARK}"><ellipse cx="150" cy="190" rx="15" ry="21"/>'
    '<ellipse cx="250" cy="190" rx="15" ry="21"/></g>'
    '<g fill="#fff"><circle cx="156" cy="182" r="6"/><circle cx="256" cy="182" r="6"/></g>',
    "happy": f'<path d="M128 196q22-30 44 0M228 196q22-30 44 0" {LINE}/>',
    "shut": f'<path d="M128 190q22 20 44 0M228 190q22 20 44 0" {LINE}/>',
    "wink": f'<ellipse cx="150" cy="190" rx="15" ry="21" fill="{DARK}"/>'
    f'<circle cx="156" cy="182" r="6" fill="#fff"/><path d="M228 194q22-26 44 0" {LINE}/>',
    "cross": f'<path d="M132 172l36 36m0-36l-36 36M232 172l36 36m0-36l-36 36" {LINE}/>',
    "hearts": '<g fill="#e23b4e"><path d="M150 214c-60-36-22-66 0-38c22-28 60 2 0 38z"/>'
    '<path d="M250 214c-60-36-22-66 0-38c22-28 60 2 0 38z"/></g>',
    "wide": f'<g fill="#fff" {OUTLINE}><circle cx="148" cy="188" r="27"/>'
    f'<circle cx="252" cy="188" r="27"/></g><g fill="{DARK}"><circle cx="150" cy="190" r="10"/>'
    '<circle cx="250" cy="190" r="10"/></g>',
    "side": f'<g fill="{DARK}"><ellipse cx="160" cy="194" rx="13" ry="17"/>'
    '<ellipse cx="260" cy="194" rx="13" ry="17"/></g>'
    f'<path d="M128 168h46M228 168h46" {LINE}/>',
    "angry": f'<g fill="{DARK}"><ellipse cx="150" cy="198" rx="14" ry="17"/>'
    '<ellipse cx="250" cy="198" rx="14" ry="17"/></g>'
    f'<path d="M124 164l48 18M276 164l-48 18" {LINE}/>',
}
MOUTHS = {
    "smile": f'<path d="M168 244q32 30 64 0" {LINE}/>',
    "grin": f'<path d="M156 238h88q-6 50-44 50t-44-50z" fill="#8c2f39" {OUTLINE}/>'
    '<path d="M172 274q28-22 56 0q-12 12-28 12t-28-12z" fill="#ff8fa0"/>',
    "sad": f'<path d="M168 264q32-30 64 0" {LINE}/>',
    "flat": f'<path d="M172 252h56" {LINE}/>',
    "o": f'<ellipse cx="200" cy="256" rx="17" ry="22" fill="#8c2f39" {OUTLINE}/>',
    "wave": f'<path d="M160 252q14-18 27 0t27 0t27 0" {LINE}/>',
    "tongue": '<path d="M186 254v18q14 22 28 0v-18z" fill="#ff8fa0" '
    f'{OUTLINE}/><path d="M164 246q36 22 72 0" {LINE}/>',
    "cat": f'<path d="M164 238q18 24 36 0q18 24 36 0" {LINE}/>',
}


def smaller(shapes: str) -> str:
    """With room above for a hat."""
    return f'<g transform="translate(24 36) scale(0.88)">{shapes}</g>'


def heart(x: float, y: float, size: float) -> str:
    return (
        f'<path transform="translate({x} {y}) scale({size})" fill="#e23b4e" {OUTLINE}'
        ' d="M0 30c-60-36-22-66 0-38c22-28 60 2 0 38z"/>'
    )


def paw(x: float, y: float, angle: float) -> str:
    return (
        f'<g transform="translate({x} {y}) rotate({angle})"><path d="M-26 70v-70q0-30 26-30t26 30v70z"'
        f' fill="{FUR}" {OUTLINE}/><path d="M-9-24v22M9-24v22" {LINE}/></g>'
    )


def words(text: str, x: int, y: int, size: int, colour: str = DARK) -> str:
    return (
        f'<text x="{x}" y="{y}" font-family="Inter, DejaVu Sans, sans-serif" font-weight="800"'
        f' font-size="{size}" fill="{colour}" stroke="#fff" stroke-width="10"'
        f' paint-order="stroke" text-anchor="middle">{text}</text>'
    )


def cat(eyes: str, mouth: str, extra: str = "", tilt: float = 0, lift: float = 0) -> str:
    return (
        f'<g transform="translate(0 {lift}) rotate({tilt} 200 250)">'
        f'<path d="M84 150L92 52q4-14 18-6l66 50zM316 150L308 52q-4-14-18-6l-66 50z" fill="{FUR}" '
        f'{OUTLINE}/><path d="M104 118l6-44l34 28zM296 118l-6-44l-34 28z" fill="{INNER}"/>'
        f'<path d="M200 84c92 0 138 58 138 128c0 74-54 122-138 122S62 286 62 212C62 142 108 84 200 84z"'
        f' fill="{FUR}" {OUTLINE}/><path d="M200 90l0 34M172 94l6 26M228 94l-6 26" {LINE}/>'
        f'<ellipse cx="200" cy="256" rx="74" ry="54" fill="{INNER}"/>'
        f'<g fill="{CHEEK}" opacity=".6"><ellipse cx="106" cy="240" rx="22" ry="14"/>'
        f'<ellipse cx="294" cy="240" rx="22" ry="14"/></g>'
        f'<path d="M187 222h26l-13 14z" fill="{DARK}" {OUTLINE}/>'
        f'<path d="M96 262l-62-10M96 276l-58 12M304 262l62-10M304 276l58 12" {LINE}/>'
        f"{EYES[eyes]}{MOUTHS[mouth]}</g>{extra}"
    )


def swing(n: int, by: float) -> float:
    return by * math.sin(2 * math.pi * n / FRAMES)


TEAR = (
    '<path d="M122 216q-26 44 0 60q26-16 0-60z" fill="#58b7f0" stroke="#2b7cb8" stroke-width="6"/>'
)
SWEAT = (
    '<path d="M322 96q-26 44 0 60q26-16 0-60z" fill="#58b7f0" stroke="#2b7cb8" stroke-width="6"/>'
)
CUP = (
    f'<g transform="translate(262 262)"><path d="M0 0h84v64q0 24-24 24h-36q-24 0-24-24z" fill="#fff" {OUTLINE}/>'
    f'<path d="M84 16h14q18 0 18 18t-18 18h-14" {LINE}/>'
    f'<path d="M26-16q-12-16 0-30M56-16q-12-16 0-30" {LINE}/></g>'
)
HAT = (
    '<g transform="translate(0 30)">'
    f'<path d="M148 92L206-18l50 112q-54 22-108-2z" fill="#6a5af9" {OUTLINE}/>'
    '<g fill="#ffd84d"><circle cx="190" cy="62" r="9"/><circle cx="216" cy="30" r="8"/>'
    f'<circle cx="228" cy="74" r="8"/></g><circle cx="206" cy="-14" r="15" fill="#ffd84d" {OUTLINE}/></g>'
)

STILL: list[tuple[str, str, str]] = [
    ("hello", "👋 🙂", cat("happy", "smile", paw(346, 262, 18))),
    ("grin", "😄 😀", cat("open", "grin")),
    ("wink", "😉", cat("wink", "cat")),
    ("love", "😍 ❤️", cat("hearts", "grin")),
    ("kiss", "😘 😚", cat("shut", "o", heart(334, 176, 0.9))),
    ("tongue", "😛 😜", cat("wink", "tongue", tilt=-8)),
    ("sad", "😢 😭", cat("open", "sad", TEAR)),
    ("angry", "😠 😡", cat("angry", "flat")),
    ("wow", "😮 😲", cat("wide", "o")),
    ("bored", "😒 🙄", cat("side", "flat")),
    ("oops", "😅 😬", cat("happy", "wave", SWEAT)),
    ("dizzy", "😵 💀", cat("cross", "wave")),
    ("sleep", "😴 💤", cat("shut", "flat", words("Z", 318, 96, 70) + words("z", 356, 50, 46))),
    ("coffee", "☕ 🌅", cat("shut", "smile", CUP)),
    ("question", "🤔 ❓", cat("side", "wave", words("?", 344, 120, 110, "#2563d4"))),
    ("thanks", "🙏 😇", cat("happy", "smile", paw(176, 322, 10) + paw(224, 322, -10))),
    ("yes", "👍 ✅", cat("happy", "grin", words("✓", 338, 130, 120, "#1f9d55"))),
    ("no", "👎 ❌", cat("angry", "sad", words("✗", 338, 130, 120, "#d33a3a"))),
]
MOVING: list[tuple[str, str, Callable[[int], str]]] = [
    ("wave", "👋 🙋", lambda n: cat("happy", "grin", paw(346, 262, 10 + swing(n, 24)))),
    ("heart", "❤️ 💓", lambda n: cat("happy", "cat", heart(330, 110, 1.0 + swing(n, 0.22)))),
    ("party", "🎉 🥳", lambda n: smaller(cat("happy" if n % 4 < 2 else "open", "grin", HAT))),
    ("laugh", "😂 🤣", lambda n: cat("happy", "grin", TEAR, swing(n, 6), -abs(swing(n, 16)))),
]


def draw(page: Page, shapes: str) -> Image.Image:
    page.set_content(
        '<style>*{margin:0}</style><svg xmlns="http://www.w3.org/2000/svg"'
        f' width="{SIDE_PX}" height="{SIDE_PX}" viewBox="0 -40 400 400">{shapes}</svg>'
    )
    return Image.open(io.BytesIO(page.screenshot(omit_background=True))).convert("RGBA")


def main() -> None:
    """Draw them all."""
    PACK.mkdir(exist_ok=True)
    listed = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": SIDE_PX, "height": SIDE_PX})
        for name, emoji, shapes in STILL:
            draw(page, shapes).save(PACK / f"{name}.webp", quality=88, method=6)
            listed.append({"file": f"{name}.webp", "emoji": emoji})
        for name, emoji, shapes_at in MOVING:
            frames = [draw(page, shapes_at(n)) for n in range(FRAMES)]
            frames[0].save(
                PACK / f"{name}.webp",
                save_all=True,
                append_images=frames[1:],
                duration=FRAME_MS,
                loop=0,
                quality=75,
                method=4,
            )
            listed.append({"file": f"{name}.webp", "emoji": emoji})
        browser.close()
    description = {"key": "dash", "title": "Dash", "stickers": listed}
    (PACK / "pack.json").write_text(json.dumps(description, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
