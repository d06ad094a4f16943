from __future__ import annotations

import io
import struct
import zlib

import pytest
from dash_messenger.errors import Refused
from dash_messenger_stickers.pictures import MAX_FRAMES, fit
from PIL import Image

from tests.icc import DISPLAY_P3


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(result: dict[str, object]) -> Image.Image:
    data = result["webp"]
    assert isinstance(data, bytes)
    return Image.open(io.BytesIO(data))


def test_a_picture_is_fitted_and_its_transparency_kept() -> None:
    picture = Image.new("RGBA", (2000, 1000), (255, 0, 0, 0))
    picture.paste((0, 128, 0, 255), (0, 0, 1000, 1000))
    result = fit(encoded(picture))
    assert (result["width"], result["height"], result["animated"]) == (512, 256, False)
    drawn = opened(result).convert("RGBA")
    alpha = drawn.getchannel("A")
    assert (alpha.getpixel((10, 100)), alpha.getpixel((500, 100))) == (255, 0)


def test_a_small_picture_is_not_blown_up() -> None:
    result = fit(encoded(Image.new("RGB", (60, 40), "blue"), "JPEG"))
    assert (result["width"], result["height"]) == (60, 40)


def test_an_animation_stays_one_with_its_timing() -> None:
    frames = [Image.new("RGBA", (600, 600), (n * 60, 0, 0, 128)) for n in range(4)]
    gif = encoded(
        frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[50, 200, 50, 50]
    )
    result = fit(gif)
    drawn = opened(result)
    assert result["animated"]
    assert getattr(drawn, "n_frames", 1) == 4
    assert drawn.size == (512, 512)


def test_it_is_turned_as_its_camera_says_and_nothing_of_that_stays() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90°
    exif[0x010E] = "where I live"
    result = fit(encoded(Image.new("RGB", (400, 200), "red"), "JPEG", exif=exif))
    assert (result["width"], result["height"]) == (200, 400)
    assert b"where I live" not in result["webp"]
    assert not opened(result).getexif()


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n\0\0"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        fit(data)


def test_a_picture_cut_off_is_refused() -> None:
    whole = encoded(Image.effect_noise((300, 300), 90))
    with pytest.raises(Refused):
        fit(whole[: len(whole) // 2])


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    side = 20_000
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (side // 8 + 1) * side, 9)
    with pytest.raises(Refused):
        fit(
            b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND")
        )


def test_a_long_animation_is_thinned_out() -> None:
    frames = [Image.new("L", (16, 16), n % 2 * 255) for n in range(2 * MAX_FRAMES + 1)]
    for n, frame in enumerate(frames):
        frame.paste(128, (n % 16, 0, 16, 16))
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=40)
    drawn = opened(fit(gif))
    assert getattr(drawn, "n_frames", 1) == 81
    # It is played once, as before.
    assert drawn.info["loop"] == 1


def test_a_profile_s_colours_come_out_in_srgb() -> None:
    picture = Image.new("RGB", (100, 100), (200, 100, 50))
    drawn = opened(fit(encoded(picture, icc_profile=DISPLAY_P3))).convert("RGB")
    pixel = drawn.getpixel((50, 50))
    assert isinstance(pixel, tuple)
    assert all(abs(a - b) < 6 for a, b in zip(pixel, (215, 93, 31), strict=True))


def test_of_a_camera_s_jpeg_with_a_preview_behind_it_the_first_picture_is_taken() -> None:
    data = encoded(
        Image.new("RGB", (800, 600), "red"),
        "MPO",
        save_all=True,
        append_images=[Image.new("RGB", (160, 120), "blue")],
    )
    result = fit(data)
    assert (result["width"], result["height"], result["animated"]) == (512, 384, False)


def _chunk(kind: bytes, data: bytes = b"") -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
