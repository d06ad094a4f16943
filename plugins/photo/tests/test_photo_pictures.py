"""Photos are made upright, small and clean, and what is no photo harms nobody."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.errors import Refused
from dash_messenger.isolation.subprocess_pool import SubprocessPool
from dash_messenger_photo.pictures import make_photo, make_square
from PIL import Image, ImageOps

from tests.corpora import source_of

PICTURES = "dash_messenger_photo.pictures:make_photo"


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def test_it_is_upright_without_metadata_in_the_sizes_that_screens_need() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90°
    exif[0x010E] = "where I live"
    made = make_photo(encoded(Image.radial_gradient("L").resize((2400, 1200)), exif=exif))
    assert (made["width"], made["height"], made["animated"]) == (1080, 2160, False)
    assert [one["width"] for one in made["variants"]] == [270, 540, 1080]
    for variant in made["variants"]:
        assert b"where I live" not in variant["webp"]
        assert not Image.open(io.BytesIO(variant["webp"])).getexif()
    assert 10 < len(made["hash"]) < 60


def test_a_small_photo_has_one_size() -> None:
    made = make_photo(encoded(Image.new("RGB", (300, 200), "red")))
    assert [one["width"] for one in made["variants"]] == [300]


@pytest.mark.parametrize("tone", ["black and white", "sepia"])
def test_a_photo_without_colours_is_stored_like_every_photo(tone: str) -> None:
    levels = Image.effect_noise((400, 300), 40).resize((1600, 1200))
    if tone == "sepia":
        levels = ImageOps.colorize(levels, (40, 20, 0), (255, 240, 200))
    made = make_photo(encoded(levels, "PNG"))
    for variant in made["variants"]:
        # WebP's container (RFC 9649, 2.5): ``VP8 `` is lossy, ``VP8L`` is not.
        assert variant["webp"][12:16] == b"VP8 "


def test_an_animation_stays_one() -> None:
    frames = [Image.new("RGB", (200, 200), (n * 50, 0, 0)) for n in range(5)]
    made = make_photo(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert made["animated"]
    assert getattr(Image.open(io.BytesIO(made["variants"][0]["webp"])), "n_frames", 1) == 5


def test_a_square_is_the_middle() -> None:
    square = Image.open(io.BytesIO(make_square(encoded(Image.new("RGB", (900, 300), "blue")))))
    assert square.size == (256, 256)


def test_a_square_is_white_where_the_picture_is_clear() -> None:
    logo = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    logo.paste((0, 0, 255, 255), (100, 100, 200, 200))
    square = Image.open(io.BytesIO(make_square(encoded(logo, "PNG"))))
    assert square.mode == "RGB"
    corner, middle = square.getpixel((4, 4)), square.getpixel((128, 128))
    assert isinstance(corner, tuple)
    assert isinstance(middle, tuple)
    assert min(corner) > 250
    assert middle[2] > 200 > middle[0]


def bomb(side: int) -> bytes:
    """A small PNG of a great many pixels."""

    def chunk(kind: bytes, data: bytes = b"") -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (side // 8 + 1) * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(Image.effect_noise((400, 400), 80))[:3000],
        bomb(8_200),
        bomb(12_000),
        bomb(30_000),
    ],
    ids=["nothing", "a mark", "svg", "cut off", "67 Mpx", "144 Mpx", "900 Mpx"],
)
def test_what_is_no_photo_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        make_photo(data)


async def test_pillow_s_own_files_are_refused_or_decoded_and_cost_the_server_nothing() -> None:
    """Damaged, odd and hostile files of all formats: every one has an answer."""
    files = [
        path for path in sorted((source_of("pillow") / "Tests" / "images").rglob("*"))
        if path.is_file()
    ]  # fmt: skip
    assert len(files) >= 1_000
    limited = SubprocessPool()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes: Counter[str] = Counter()
    largest = 0
    for path in files:
        largest = max(largest, path.stat().st_size)
        outcomes[await outcome(limited, path)] += 1
    await limited.aclose()
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    assert outcomes.keys() <= {"decoded", "refused", "over_limit"}
    assert outcomes["decoded"] > 300
    assert grown_kib < 64 * 1024 + largest // 1024 * 4


async def outcome(limited: SubprocessPool, path: Path) -> str:
    try:
        await limited.run(PICTURES, path.read_bytes(), charged_to="ann", time_limit_s=30)
    except Refused as refused:
        return "over_limit" if refused.key == "over_limit" else "refused"
    return "decoded"
