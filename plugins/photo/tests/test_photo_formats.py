"""What cameras, phones and scanners make comes out as its makers meant it."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Sequence
from typing import Any

import pillow_heif
import pytest
from dash_messenger.errors import Refused
from dash_messenger_photo.pictures import make_photo, make_square
from PIL import Image, ImageCms, ImageDraw

from tests.icc import DISPLAY_P3, table_profile


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def shown(data: bytes) -> Image.Image:
    """The photo itself: the largest of what was made."""
    return Image.open(io.BytesIO(make_photo(data)["variants"][-1]["webp"]))


def middle(picture: Image.Image) -> tuple[int, ...]:
    pixel = picture.convert("RGBA" if "A" in picture.mode else "RGB").getpixel(
        (picture.width // 2, picture.height // 2)
    )
    assert isinstance(pixel, tuple)
    return pixel


def near(pixel: Sequence[int], wanted: Sequence[int], by: int = 4) -> bool:
    return all(abs(a - b) <= by for a, b in zip(pixel, wanted, strict=True))


# More than one picture in a file


def test_of_a_camera_s_jpeg_with_a_preview_behind_it_the_first_picture_is_shown() -> None:
    first = Image.new("RGB", (800, 600), "red")
    preview = Image.new("RGB", (160, 120), "blue")
    data = encoded(first, "MPO", save_all=True, append_images=[preview])
    made = make_photo(data)
    assert not made["animated"]
    assert (made["width"], made["height"]) == (800, 600)
    assert near(middle(shown(data)), (254, 0, 0))
    assert near(middle(Image.open(io.BytesIO(make_square(data)))), (254, 0, 0))


def test_a_large_one_of_these_is_made_smaller_as_it_is_decoded() -> None:
    first = Image.new("RGB", (9_000, 6_000), "red")
    data = encoded(first, "MPO", save_all=True, append_images=[Image.new("RGB", (160, 120))])
    assert shown(data).size == (1920, 1280)


def test_a_jpeg_whose_list_of_pictures_is_damaged_is_shown_all_the_same() -> None:
    data = encoded(
        Image.new("RGB", (800, 600), "red"),
        "MPO",
        save_all=True,
        append_images=[Image.new("RGB", (160, 120))],
    )
    at = data.index(b"MPF\0") + 4
    damaged = data[:at] + b"\xff" * 8 + data[at + 8 :]
    assert near(middle(shown(damaged)), (254, 0, 0))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_what_is_animated_stays_so(kind: str) -> None:
    frames = [Image.new("RGB", (64, 64), (n * 80, 0, 0)) for n in range(3)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert make_photo(data)["animated"]


# Long pictures and large ones


def test_a_long_screenshot_can_be_read() -> None:
    made = make_photo(encoded(Image.new("RGB", (1080, 12_000), "white"), "PNG"))
    assert (made["width"], made["height"]) == (1080, 12_000)
    # In a bubble 240 pixels wide.
    assert made["variants"][0]["width"] >= 240


def test_a_panorama_is_as_high_as_a_screen() -> None:
    made = make_photo(encoded(Image.new("L", (20_000, 4_000), 255)))
    assert (made["width"], made["height"]) == (5400, 1080)


@pytest.mark.parametrize("size", [(3_000, 60_000), (16_000, 1_100), (40_000, 30)])
def test_the_longest_pictures_have_what_webp_and_16_megapixels_allow(size: tuple[int, int]) -> None:
    made = make_photo(encoded(Image.new("L", size, 255)))
    assert max(made["width"], made["height"]) <= 16_383
    assert made["width"] * made["height"] <= 16_000_000
    assert made["width"] / made["height"] == pytest.approx(size[0] / size[1], rel=0.05)


def test_an_ordinary_photo_is_no_larger_than_before() -> None:
    made = make_photo(encoded(Image.new("RGB", (4000, 3000), "white")))
    assert [one["width"] for one in made["variants"]] == [480, 960, 1920]


@pytest.mark.parametrize(
    ("kind", "size"),
    [("JPEG", (8_064, 6_048)), ("JPEG", (16_320, 12_240)), ("PNG", (8_000, 8_000))],
    ids=["JPEG of 48 Mpx", "JPEG of 200 Mpx", "PNG of 64 Mpx"],
)
def test_a_large_photo_is_taken(kind: str, size: tuple[int, int]) -> None:
    photo = Image.new("L", size, 90)
    made = make_photo(encoded(photo, kind))
    assert max(made["width"], made["height"]) == 1920


def test_a_progressive_jpeg_that_would_need_too_much_memory_is_too_large() -> None:
    data = encoded(Image.new("RGB", (64, 64)), progressive=True, subsampling=0)
    at = data.index(b"\xff\xc2") + 5
    large = data[:at] + struct.pack(">HH", 12_240, 16_320) + data[at + 4 :]
    with pytest.raises(Refused, match="too many pixels"):
        make_photo(large)


def test_a_photo_that_lies_on_its_side_is_turned_whatever_its_size() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    panorama = Image.new("RGB", (2_000, 10_000), "white")
    panorama.paste("red", (0, 0, 2_000, 5_000))
    data = encoded(panorama, exif=exif)
    picture = shown(data)
    assert picture.size == (5400, 1080)
    # Its top lies to the right.
    assert near(picture.convert("RGB").getpixel((5_000, 500)), (254, 0, 0))  # type: ignore[arg-type]


def test_an_orientation_that_cannot_be_read_is_none() -> None:
    broken = b"Exif\0\0II*\0\xff\xff\xff\x7f"
    assert shown(encoded(Image.new("RGB", (300, 200), "red"), exif=broken)).size == (300, 200)


# Colours


def test_display_p3_comes_out_as_the_same_colour_in_srgb() -> None:
    p3 = Image.new("RGB", (300, 200), (200, 100, 50))
    for kind in ("PNG", "JPEG", "WEBP"):
        data = encoded(p3, kind, icc_profile=DISPLAY_P3, quality=95)
        assert near(middle(shown(data)), (215, 93, 31), by=6), kind
    assert near(
        middle(Image.open(io.BytesIO(make_square(encoded(p3, "PNG", icc_profile=DISPLAY_P3))))),
        (215, 93, 31),
        by=6,
    )


def test_an_animation_has_its_colours_too() -> None:
    frames = [Image.new("RGB", (64, 64), (200, 100, 50 + n)) for n in range(3)]
    data = encoded(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], icc_profile=DISPLAY_P3,
        lossless=True,
    )  # fmt: skip
    assert near(middle(shown(data)), (215, 93, 31), by=6)


def test_srgb_stays_as_it_is() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(Image.new("RGB", (300, 200), (200, 100, 50)), "PNG", icc_profile=srgb)
    assert near(middle(shown(data)), (200, 100, 50))


def a_printer(ink: tuple[int, ...]) -> tuple[float, float, float]:
    cyan, *_, black = ink
    return (0, 0, 0) if black else (30, 20, -60) if cyan else (100, 0, 0)


def test_cmyk_is_printed_as_its_profile_says() -> None:
    # This ink makes blue of what the simple rule would make cyan.
    blue = table_profile(b"CMYK", 4, a_printer)
    data = encoded(Image.new("CMYK", (300, 200), (255, 0, 0, 0)), icc_profile=blue, quality=95)
    assert near(middle(shown(data)), (30, 63, 166), by=8)
    assert near(
        middle(shown(encoded(Image.new("CMYK", (300, 200), (255, 0, 0, 0)), quality=95))),
        (0, 255, 255),
        by=8,
    )


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "profile",
    [b"no profile", DISPLAY_P3[:200], b"\0" * 4096, DISPLAY_P3[:128] + b"\xff" * 400],
    ids=["words", "cut off", "zeros", "no tags"],
)
def test_a_broken_profile_does_not_matter(mode: str, profile: bytes) -> None:
    plain = Image.new("RGB", (300, 200), (200, 100, 50)).convert(mode)
    picture = shown(encoded(plain, icc_profile=profile, quality=95))
    assert near(middle(picture), middle(plain), by=6)


def test_a_profile_of_another_kind_of_picture_does_not_matter() -> None:
    cmyk = table_profile(b"CMYK", 4, a_printer)
    red = Image.new("RGB", (300, 200), (200, 100, 50))
    assert near(middle(shown(encoded(red, "PNG", icc_profile=cmyk))), (200, 100, 50))
    ink = Image.new("CMYK", (300, 200), (255, 0, 0, 0))
    assert near(middle(shown(encoded(ink, icc_profile=DISPLAY_P3, quality=95))), (0, 255, 255), 8)


def test_grey_with_a_profile_of_colours_is_grey() -> None:
    grey = encoded(Image.new("L", (300, 200), 120), "PNG", icc_profile=DISPLAY_P3)
    assert near(middle(shown(grey)), (120, 120, 120))


def test_sixteen_bits_of_grey_are_not_white() -> None:
    ramp = Image.linear_gradient("L").convert("I;16").point(lambda value: value * 257)
    ramp = ramp.resize((300, 200))
    picture = shown(encoded(ramp, "PNG"))
    assert near(middle(picture), (127, 127, 127), by=6)
    top = picture.convert("RGB").getpixel((150, 3))
    assert isinstance(top, tuple)
    assert max(top) < 20


# Animations


def bars(count: int, size: int = 32) -> list[Image.Image]:
    frames = []
    for n in range(count):
        frame = Image.new("P", (size, size))
        frame.putpalette([value for value in range(256) for _ in range(3)])
        ImageDraw.Draw(frame).rectangle((n % size, 0, n % size, size), fill=200)
        ImageDraw.Draw(frame).point((n % size, n // size % size), fill=n % 256)
        frames.append(frame)
    return frames


def gif(count: int, **options: Any) -> bytes:
    frames = bars(count)
    return encoded(
        frames[0], "GIF", save_all=True, append_images=frames[1:], optimize=False, **options
    )


def frames_of(picture: Image.Image) -> list[int]:
    """How long each frame is seen, in milliseconds."""
    durations = []
    for n in range(getattr(picture, "n_frames", 1)):
        picture.seek(n)
        picture.load()
        durations.append(int(picture.info["duration"]))
    return durations


def test_a_long_animation_is_thinned_out_and_takes_as_long() -> None:
    durations = frames_of(shown(gif(500, duration=40, loop=0)))
    assert 100 < len(durations) <= 200
    assert sum(durations) == 500 * 40


@pytest.mark.parametrize(
    ("options", "plays"), [({}, 1), ({"loop": 0}, 0), ({"loop": 2}, 3)], ids=["once", "ever", "3"]
)
def test_an_animation_is_played_as_often_as_its_maker_wants(
    options: dict[str, int], plays: int
) -> None:
    # GIF counts the repetitions, WebP how often it is played in all.
    assert shown(gif(4, duration=40, **options)).info["loop"] == plays


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_the_other_kinds_of_animation_are_played_so_too(kind: str, plays: int) -> None:
    frames = [frame.convert("RGB") for frame in bars(4)]
    data = encoded(
        frames[0], kind, save_all=True, append_images=frames[1:], duration=40, loop=plays
    )
    assert shown(data).info["loop"] == plays


def test_the_picture_that_stands_for_an_animated_png_is_no_part_of_it() -> None:
    frames = [frame.convert("RGB") for frame in bars(4)]
    stands = Image.new("RGB", (32, 32), "red")
    data = encoded(
        stands, "PNG", save_all=True, append_images=frames, default_image=True, duration=40
    )
    picture = shown(data)
    assert getattr(picture, "n_frames", 1) == 4
    assert not near(middle(picture), (254, 0, 0), by=30)


def test_of_an_animated_png_with_one_frame_the_frame_is_shown() -> None:
    stands = Image.new("RGB", (32, 32), "red")
    frame = Image.new("RGB", (32, 32), "blue")
    data = encoded(stands, "PNG", save_all=True, append_images=[frame], default_image=True)
    made = make_photo(data)
    assert not made["animated"]
    assert near(middle(shown(data)), (0, 0, 255))


# What was drawn


def test_thin_lines_of_a_drawing_keep_their_colours() -> None:
    drawing = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(drawing).line((100, 0, 100, 100), fill=(255, 0, 0))
    made = shown(encoded(drawing, "PNG")).convert("RGB")
    assert made.tobytes() == drawing.tobytes()


def test_a_png_with_damaged_pixels_is_refused_though_what_describes_it_stands_behind_them() -> None:
    # Incompressible, so that it is the pixels that are damaged.
    data = encoded(Image.effect_noise((128, 128), 90), "PNG")
    at = data.index(b"IDAT") + 4_000
    damaged = data[:at] + bytes(200) + data[at + 200 :]
    with pytest.raises(Refused):
        make_photo(damaged)


# What iPhones make


def heic(picture: Image.Image, **options: Any) -> bytes:
    pillow_heif.register_heif_opener()
    return encoded(picture, "HEIF", **options)


def test_a_photo_of_an_iphone_is_taken_upright_in_its_colours() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = Image.new("RGB", (1200, 800), (200, 100, 50))
    photo.info["exif"] = exif.tobytes()
    data = heic(photo, icc_profile=DISPLAY_P3)
    picture = shown(data)
    assert picture.size == (800, 1200)
    assert near(middle(picture), (215, 93, 31), by=8)
    assert Image.open(io.BytesIO(make_square(data))).size == (256, 256)


def test_of_several_pictures_in_it_the_first_is_shown() -> None:
    others = [Image.new("RGB", (600, 400), "blue")]
    made = make_photo(
        heic(Image.new("RGB", (600, 400), "red"), save_all=True, append_images=others)
    )
    assert not made["animated"]


def test_a_damaged_one_is_refused() -> None:
    data = heic(Image.effect_noise((600, 400), 90).convert("RGB"))
    with pytest.raises(Refused):
        make_photo(data[: len(data) // 2])


def test_a_server_that_cannot_read_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic(Image.new("RGB", (600, 400), "red"))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(Refused, match="cannot show HEIC photos"):
        make_photo(data)
    # AVIF is of the same family.
    assert shown(encoded(Image.new("RGB", (300, 200), "red"), "AVIF")).size == (300, 200)


# Transparent ones


def logo(colour: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    # Round, since WebP's frames end where something is seen.
    ImageDraw.Draw(picture).ellipse((50, 50, 250, 250), fill=(*colour, 255))
    return picture


def test_what_is_transparent_stays_so() -> None:
    for kind in ("PNG", "WEBP"):
        made = make_photo(encoded(logo((0, 90, 200)), kind))
        picture = Image.open(io.BytesIO(made["variants"][-1]["webp"])).convert("RGBA")
        assert picture.getpixel((5, 5))[3] == 0  # type: ignore[index]
        assert near(middle(picture), (0, 90, 200, 255), by=8)
        # Nothing blurred may be seen through it.
        assert made["hash"] == ""


def test_a_transparent_animation_stays_transparent() -> None:
    frames = [logo((n * 60, 90, 200)) for n in range(3)]
    data = encoded(
        frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=2, duration=100
    )
    picture = shown(data).convert("RGBA")
    assert picture.getpixel((55, 55))[3] == 0  # type: ignore[index]
    assert middle(picture)[3] == 255


def test_a_palette_with_one_clear_colour_is_transparent_in_colours_of_its_profile() -> None:
    picture = logo((200, 100, 50)).quantize(16)
    drawn = shown(encoded(picture, "PNG", icc_profile=DISPLAY_P3)).convert("RGBA")
    assert drawn.getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert near(middle(drawn), (215, 93, 31, 255), by=8)


@pytest.mark.parametrize(
    ("colour", "backdrop"),
    [((10, 10, 10), "light"), ((250, 250, 250), "dark"), ((200, 60, 120), "any")],
)
def test_it_stands_on_what_it_can_be_seen_on(colour: tuple[int, int, int], backdrop: str) -> None:
    assert make_photo(encoded(logo(colour), "PNG"))["backdrop"] == backdrop


def test_black_on_white_with_a_clear_edge_needs_nothing_behind_it() -> None:
    picture = logo((250, 250, 250))
    ImageDraw.Draw(picture).ellipse((80, 80, 220, 220), fill=(0, 0, 0, 255))
    assert make_photo(encoded(picture, "PNG"))["backdrop"] == "any"


def test_black_and_white_beside_each_other_stand_on_grey() -> None:
    picture = logo((250, 250, 250))
    ImageDraw.Draw(picture).pieslice((50, 50, 250, 250), 0, 180, fill=(0, 0, 0, 255))
    assert make_photo(encoded(picture, "PNG"))["backdrop"] == "grey"


def test_black_and_white_words_stand_on_grey() -> None:
    picture = Image.new("RGBA", (600, 300))
    draw = ImageDraw.Draw(picture)
    draw.text((20, 20), "Black words", fill=(0, 0, 0, 255), font_size=80)
    draw.text((20, 160), "White words", fill=(255, 255, 255, 255), font_size=80)
    assert make_photo(encoded(picture, "PNG"))["backdrop"] == "grey"


def test_an_alpha_channel_that_says_nothing_is_dropped() -> None:
    made = make_photo(encoded(Image.new("RGBA", (300, 200), (200, 100, 50, 255)), "PNG"))
    assert made["backdrop"] == ""
    assert made["hash"]
    assert Image.open(io.BytesIO(made["variants"][0]["webp"])).mode == "RGB"


def test_grey_of_sixteen_bits_keeps_what_is_clear() -> None:
    """A PNG of 16 bits in which one value is transparent (tRNS)."""

    def chunk(kind: bytes, data: bytes = b"") -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data)
        )  # fmt: skip

    row = b"\0" + struct.pack(">64H", *([0x1234] * 32 + [0x8080] * 32))
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 16, 0, 0, 0, 0))
        + chunk(b"tRNS", struct.pack(">H", 0x1234))
        + chunk(b"IDAT", zlib.compress(row * 64))
        + chunk(b"IEND")
    )
    picture = shown(data).convert("RGBA")
    assert picture.getpixel((5, 32))[3] == 0  # type: ignore[index]
    assert near(picture.getpixel((60, 32)), (128, 128, 128, 255))  # type: ignore[arg-type]
