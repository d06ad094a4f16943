"""Players of audio and video: what they show before they play, and what pressing them does."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import forgive_network
from tests.browser.pages.forms import form, sent
from tests.browser.pages.messenger import choose_chat, open_chat
from tests.browser.people import talk

# Three seconds that Chromium recorded of a canvas: 320 × 180, and its length stands nowhere in it.
FILM = Path(__file__).parent / "samples" / "film.webm"
SOUND = "files-sound"
# Long enough that none ends while a test looks at it.
SOUND_S = 300


def wav(seconds: int = SOUND_S) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(3_000)
        file.writeframes(b"\x80" * 3_000 * seconds)
    return out.getvalue()


def sound(name: str) -> FilePayload:
    return FilePayload(name=name, mimeType="audio/wav", buffer=wav())


async def a_chat(person: Any) -> tuple[Any, str, Page]:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    return ann, chat, await open_chat(ann, chat)


async def files_sent(ann: Any, chat: str) -> list[dict[str, Any]]:
    found = (await ann.call("message.history", conversation=chat))["messages"]
    return [file for one in found if one["type"] == "files" for file in one["content"]["files"]]


async def leave(page: Page, size: str) -> None:
    """Show the list, where it is not beside the chat."""
    if size == "phone":
        await page.get_by_role("button", name="Back", exact=True).click()


async def press(player: Locator, name: str) -> None:
    await player.get_by_role("button", name=name).first.click()


async def test_a_sound_says_its_length_and_is_moved_by_keys(person: Any, size: str) -> None:
    ann, chat, page = await a_chat(person)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await (await form(page, "File")).set_input_files([sound("a.wav"), sound("b.wav")])
    await sent(page)
    files = await files_sent(ann, chat)
    assert [file["duration_ms"] for file in files] == [SOUND_S * 1_000] * 2
    first, second = page.locator(SOUND).first, page.locator(SOUND).last
    await expect(first.locator(".length")).to_have_text("5:00")
    await expect(first.locator(".seek")).to_be_enabled()
    assert not [url for url in asked if "/blobs/" in url]
    seek = first.get_by_role("slider", name="Position")
    await expect(seek).to_have_attribute("aria-valuetext", "0:00 of 5:00")
    await press(first, "Play: a.wav")
    await expect(first).to_have_attribute("data-plays", "")
    await press(first, "Pause: a.wav")
    await expect(first).not_to_have_attribute("data-plays", "")
    for key, at in (("Home", "0:00"), ("PageUp", "0:30"), ("ArrowRight", "0:35")):
        await seek.press(key)
        await expect(seek).to_have_attribute("aria-valuetext", f"{at} of 5:00")
    await press(first, "Speed: 1×")
    await expect(first.locator(".speed")).to_have_text("1.5×")
    # One plays at a time.
    await press(first, "Play: a.wav")
    await press(second, "Play: b.wav")
    await expect(second).to_have_attribute("data-plays", "")
    await expect(first).not_to_have_attribute("data-plays", "")


async def test_another_chat_pauses_a_sound_where_it_is(person: Any, size: str) -> None:
    ann, cid = await person("Ann"), await person("Cid")
    chat = await talk(ann, await person("Bob"))
    await talk(ann, cid)
    blob = await ann.upload("a.wav", "audio/wav", wav())
    await ann.post(chat, "files", {"files": [{"blob": blob}]})
    page = await open_chat(ann, chat)
    player = page.locator(SOUND)
    # Nobody said how long it is: the browser looks, for what is in sight.
    await expect(player.locator(".length")).to_have_text("5:00")
    await player.get_by_role("slider").press("PageUp")
    await expect(player.locator(".at")).to_have_text("0:30")
    await press(player, "Play: a.wav")
    await expect(player).to_have_attribute("data-plays", "")
    await leave(page, size)
    await choose_chat(page, "Cid")
    await expect(player).to_have_count(0)
    await leave(page, size)
    await choose_chat(page, "Bob")
    await expect(player).not_to_have_attribute("data-plays", "")
    await expect(player).to_have_attribute("data-begun", "")


async def test_a_video_has_its_picture_shape_and_length_before_it_plays(
    person: Any, size: str
) -> None:
    ann, chat, page = await a_chat(person)
    await (await form(page, "File")).set_input_files(FILM)
    await expect(page.locator(".dm-file-picture")).to_be_visible()
    await sent(page)
    (file,) = await files_sent(ann, chat)
    assert (file["width"], file["height"]) == (320, 180)
    assert 2_000 < file["duration_ms"] < 5_000
    player = page.locator("files-film")
    await expect(player.locator(".badge")).to_have_text("0:03")
    picture = await player.locator("img").evaluate("(img) => img.decode().then(() => img.src)")
    assert picture.endswith(file["poster"]["blob"])
    box = await player.bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 16 / 9) < 0.02
    await press(player, "Play: film.webm")
    await expect(player.locator(".controls")).to_be_visible()
    await expect(player.get_by_role("button", name="film.webm")).to_be_focused()
    seek = player.get_by_role("slider", name="Position")
    await player.locator("video").evaluate("(film) => film.pause()")
    await seek.press("Home")
    await expect(seek).to_have_attribute("aria-valuetext", "0:00 of 0:03")
    await player.get_by_role("button", name="Mute").click()
    await expect(player.get_by_role("button", name="Mute")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert await player.bounding_box() == box


async def test_what_the_browser_cannot_play_is_a_file_with_a_sentence(person: Any) -> None:
    ann, chat, page = await a_chat(person)
    broken = FilePayload(name="broken.wav", mimeType="audio/wav", buffer=wav(1)[:12] + b"x" * 99)
    await (await form(page, "File")).set_input_files(broken)
    await sent(page)
    assert "duration_ms" not in (await files_sent(ann, chat))[0]
    player = page.locator(SOUND)
    await expect(player.get_by_role("status")).to_have_text(
        "This browser cannot play it. Download it instead."
    )
    await expect(player.get_by_role("link", name="broken.wav")).to_be_visible()
    forgive_network(ann.problems)
