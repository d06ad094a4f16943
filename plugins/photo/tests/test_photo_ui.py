from __future__ import annotations

import base64
import io
import random
import re
from typing import Any

import pytest
from dash_messenger_photo.layout import MAX_IN_ROW, arrange
from dash_messenger_photo.pictures import make_photo
from dash_messenger_photo.placeholder import pixels, placeholder
from dash_messenger_photo.server import Photo, Photos, Variant
from dash_messenger_photo.ui import PhotoView
from PIL import Image

# What a body may have: docs/hooks.md.
MAX_VIEW_BYTES = 32_768


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()


def photo(hash: str, width: int = 1200, height: int = 800) -> Photo:
    sizes = [Variant(f"{n}" * 32, width) for n in range(3)]
    return Photo("a" * 32, "What is in it. " * 30, width, height, False, hash, sizes)


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (400, 40), (120, 120)])
def test_a_placeholder_resembles_its_photo(size: tuple[int, int]) -> None:
    gradient = Image.linear_gradient("L").rotate(90)
    picture = Image.merge("RGB", (gradient, Image.linear_gradient("L"), Image.new("L", (256, 256))))
    hash = make_photo(jpeg(picture.resize(size)))["hash"]
    width, height, rgb = pixels(base64.b64decode(hash))
    there = picture.resize((width, height), Image.Resampling.BOX).tobytes()
    assert sum(abs(a - b) for a, b in zip(rgb, there, strict=True)) / len(rgb) < 25
    prefix, _, png = placeholder(hash).partition(",")
    assert prefix == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(png))) as drawn:
        assert drawn.convert("RGB").tobytes() == rgb


@pytest.mark.parametrize("hash", ["", "!", "AAAA", base64.b64encode(b"\xff" * 5).decode()])
def test_what_is_no_hash_has_no_placeholder(hash: str) -> None:
    assert placeholder(hash) == ""


@pytest.mark.parametrize("count", range(1, 11))
def test_every_photo_of_an_album_stands_in_one_row(count: int) -> None:
    ratios = [random.Random(count).uniform(0.65, 1.8) for _ in range(count)]
    rows = arrange(ratios)
    assert [place for row in rows for place in row] == [*range(count)]
    assert all(len(row) <= MAX_IN_ROW for row in rows)


def test_photos_are_neither_stacked_nor_squeezed() -> None:
    assert arrange([1.5, 1.5, 1.5, 1.5]) == [[0, 1], [2, 3]]
    assert arrange([0.66, 0.66, 0.66]) == [[0, 1, 2]]
    assert arrange([1.5, 0.66]) == [[0, 1]]


def test_ten_photos_with_all_that_may_be_said_of_them_can_be_drawn() -> None:
    hash = make_photo(jpeg(Image.effect_noise((300, 200), 90).convert("RGB")))["hash"]
    drawn = PhotoView().try_out(Photos([photo(hash)] * 10, "x" * 1_000))
    assert drawn is not None
    assert len(drawn) < MAX_VIEW_BYTES


def test_a_photo_has_its_size_before_it_has_come() -> None:
    drawn = PhotoView().try_out(Photos([photo("", 1600, 1000)])) or b""
    assert b"width:480px" in drawn
    assert b"aspect-ratio:1.6" in drawn
    album = PhotoView().try_out(Photos([photo("", 1500, 1000)] * 4)) or b""
    assert [float(ratio) for ratio in re.findall(rb"aspect-ratio:([\d.]+)", album)] == [3.0, 3.0]


@pytest.mark.parametrize("backdrop", ["any", "light", "dark", "grey"])
def test_nothing_is_seen_through_a_transparent_photo_but_its_backdrop(backdrop: Any) -> None:
    clear = Photo("a" * 32, "", 300, 300, backdrop=backdrop, variants=[Variant("b" * 32, 300)])
    drawn = (PhotoView().try_out(Photos([clear])) or b"").decode()
    assert f'data-backdrop=\\"{backdrop}\\"' in drawn
    assert "background-image" not in drawn
    assert "backdrop" not in (PhotoView().try_out(Photos([photo("")])) or b"").decode()


def test_the_source_is_picked_by_the_size_in_which_a_photo_is_drawn() -> None:
    """A panorama is as high as its row, so that most of its width lies beyond the edges."""
    wide, tall = photo("", 4000, 800), photo("", 1000, 4000)
    album = (PhotoView().try_out(Photos([wide, tall])) or b"").decode()
    # The row is 480 / (1.8 + 0.65) = 196 pixels high.
    sizes = [float(one) for one in re.findall(r"sizes=[^>]*?, (\d+)px\)", album)]
    assert sizes == [pytest.approx(196 * 5, abs=1), pytest.approx(196 * 0.65, abs=1)]
    alone = (PhotoView().try_out(Photos([wide])) or b"").decode()
    # Cut to 2.2 by 1.
    assert f", {480 / 2.2 * 5:.0f}px)" in alone


def test_what_people_wrote_stays_text() -> None:
    evil = '"><script>alert(1)</script>'
    one = Photo("a" * 32, evil, 10, 10, False, evil, [Variant("b" * 32, 10)])
    assert b"<script" not in (PhotoView().try_out(Photos([one, one], evil)) or b"<script")


@pytest.mark.parametrize("count", [1, 3])
def test_a_photo_that_was_not_made_ready_is_drawn_all_the_same(count: int) -> None:
    drawn = PhotoView().try_out(Photos([Photo("a" * 32)] * count)) or b""
    assert drawn.count(b"/blobs/" + b"a" * 32) >= count


def test_addresses_in_a_caption_are_links() -> None:
    drawn = PhotoView().try_out(Photos([Photo("a" * 32)], "see www.example.org")) or b""
    assert b">www.example.org</a></span>" in drawn
