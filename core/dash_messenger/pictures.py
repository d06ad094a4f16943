"""Strangers' pictures, decoded: upright, in sRGB, in the size that is wanted, without metadata.

Owns which formats are taken and how large a picture may be. For functions that `Context.limited`
runs, since a decoder may need a lot or crash; brought by the extra ``pictures``. Must not know what
a picture is for. Invariants: only pixels leave; no more than the picture's own pixels, as they were
decoded, and two copies of what is made of them are in memory at once.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, cast

from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from dash_messenger.errors import Refused

__all__ = ["Picture", "encode_webp", "open_picture"]

# A JPEG is decoded at down to an eighth of its size. WebP's decoder holds four copies.
MAX_JPEG_PIXELS = 200_000_000
MAX_WEBP_PIXELS = 40_000_000
MAX_PIXELS = 64_000_000
# Of a progressive JPEG every coefficient is in memory.
MAX_SCAN_BYTES = 640_000_000
# A frame cannot be decoded without those before it: this is 4 s of a processor, of the 5 there are.
MAX_DECODED_PIXELS = 400_000_000
# JPEG has MPO with it: pictures for two eyes, or a preview behind the photo.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
# What ISO base media files call themselves that hold a picture coded as HEVC (ISO/IEC 23008-12);
# the last may hold AVIF as well, and says so in its list.
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"msf1", b"mif1")
ANIMATED_FORMATS = ("PNG", "GIF", "WEBP", "AVIF")
# Less is a frame of a broken file, as browsers see it; more would never end.
MIN_FRAME_MS, USUAL_FRAME_MS, MAX_FRAME_MS = 20, 100, 10_000
MAX_PLAYS = 65_535
# With so few, and most of it in some of them, it is drawn, not photographed: nothing is lost of it,
# and it is smaller for that. A black and white photo has as few, but spread.
FEW_COLOURS, MAIN_COLOURS = 256, 8
# What is converted at a time where a picture is made much smaller.
STRIP_PIXELS = 1_000_000
# How much larger than wanted a picture is after the cheap step; less is seen.
REDUCING_GAP = 1.25
ORIENTATION = 0x0112
# Those from 5 on lie on their side.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# How a picture's channels are stored, by the kind of its colour profile.
MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}

Size = tuple[int, int]


@contextmanager
def open_picture(data: bytes) -> Iterator[Picture]:
    """The picture in a file that somebody sent, looked at but not decoded.

    Whatever a decoder raises inside becomes a refusal.

    Raises:
        Refused: it is no picture in a format that is taken, damaged, or has too many pixels.
    """
    most = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        # Of what is odd in a file but does not hinder.
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS
        try:
            with Image.open(io.BytesIO(data), formats=_formats_for(data)) as opened:
                yield Picture(opened)
        except (Refused, MemoryError):
            raise
        except UnidentifiedImageError as error:
            raise Refused(reason="This is no picture.", key="no_picture") from error
        except Image.DecompressionBombError as error:
            raise _too_many_pixels() from error
        except Exception as error:
            raise Refused(reason="This picture is damaged.", key="no_picture") from error
        finally:
            Image.MAX_IMAGE_PIXELS = most


def encode_webp(
    frames: Sequence[Image.Image], *, quality: int, durations_ms: Sequence[int] = (), plays: int = 0
) -> bytes:
    """One picture, or an animation of several that is played ``plays`` times (0: for ever)."""
    out = io.BytesIO()
    # The next method takes twice the time for 3 % less.
    options: dict[str, Any] = {"quality": quality, "method": 2}
    if len(frames) == 1:
        options["lossless"] = _is_drawn(frames[0])
    else:
        options |= {"save_all": True, "append_images": frames[1:]}
        options |= {"duration": list(durations_ms), "loop": plays}
    frames[0].save(out, "WEBP", **options)
    return out.getvalue()


def _is_drawn(picture: Image.Image) -> bool:
    counts = sorted((count for count, _ in picture.getcolors(FEW_COLOURS) or ()), reverse=True)
    return 2 * sum(counts[:MAIN_COLOURS]) > picture.width * picture.height


class Picture:
    """An opened picture: what `open_picture` gives.

    ``width`` and ``height`` are those of the picture as it is to be seen, turned upright.
    ``frame_count`` is 1 where it is not animated; ``plays`` says how often an animation is played
    (0: for ever).

    Raises:
        Refused: it has too many pixels.
    """

    def __init__(self, opened: Image.Image) -> None:
        self._opened = opened
        animated = opened.format in ANIMATED_FORMATS and getattr(opened, "n_frames", 1) > 1
        # An animated PNG may have a picture for programs that show no animations.
        self._first = int(animated and bool(opened.info.get("default_image")))
        self.frame_count = int(opened.n_frames) - self._first if animated else 1  # type: ignore[attr-defined]
        self.plays = _plays(opened)
        pixels = opened.width * opened.height
        if _scan_bytes(opened) > MAX_SCAN_BYTES:
            raise _too_many_pixels()
        by_format = {"JPEG": MAX_JPEG_PIXELS, "MPO": MAX_JPEG_PIXELS, "WEBP": MAX_WEBP_PIXELS}
        if pixels > by_format.get(opened.format or "", MAX_PIXELS):
            raise _too_many_pixels()
        if animated and pixels * self.frame_count > MAX_DECODED_PIXELS:
            raise _too_many_pixels()
        # Only now: what describes a PNG may stand behind its pixels, and they are decoded for it.
        self._orientation = _orientation(opened)
        self.width, self.height = self._turned_size(opened.size)

    def still(self, size: Size) -> Image.Image:
        """The picture, or the first frame, in this size: RGB, or RGBA where something is clear."""
        stored = self._turned_size(size)
        if self._first and self.frame_count == 1:
            self._opened.seek(self._first)
        # A large JPEG is decoded at a half, a quarter or an eighth where that is enough.
        self._opened.draft(None, stored)
        return self._drawn(stored)

    def frames(self, size: Size, *, at_most: int) -> Iterator[tuple[Image.Image, int]]:
        """The frames in this size, with how many milliseconds each is seen.

        Of more than ``at_most`` some are left out, evenly; the others stand longer for them.
        """
        step = -(-self.frame_count // at_most)
        stored = self._turned_size(size)
        for first in range(0, self.frame_count, step):
            shown: Image.Image | None = None
            duration_ms = 0
            for n in range(first, min(first + step, self.frame_count)):
                self._opened.seek(self._first + n)
                # What is left out is decoded too: the next stands on it, and it says how long.
                self._opened.load()
                duration_ms += _duration_ms(self._opened)
                if shown is None:
                    shown = self._drawn(stored)
            assert shown is not None
            yield shown, duration_ms

    def _drawn(self, size: Size) -> Image.Image:
        drawn = self._in_srgb(_shrunk(self._opened, size))
        turn = TURNS.get(self._orientation)
        if turn is not None:
            drawn = drawn.transpose(turn)
        # Encoders write what stands there.
        drawn.info.clear()
        return drawn

    def _turned_size(self, size: Size) -> Size:
        width, height = size
        return (height, width) if self._orientation >= 5 else (width, height)

    def _in_srgb(self, picture: Image.Image) -> Image.Image:
        """In sRGB, where the profile can be read and is of this kind of picture."""
        clear = picture.getchannel("A") if picture.mode == "RGBA" else None
        if clear is not None and clear.getextrema() == (255, 255):
            clear = None
        mode = self._profile_mode
        if mode and (mode == "CMYK") == (picture.mode == "CMYK"):
            drawn = self._by_profile(picture, mode)
        else:
            drawn = picture.convert("RGB")
        if clear is not None:
            drawn.putalpha(clear)
        return drawn

    def _by_profile(self, picture: Image.Image, mode: str) -> Image.Image:
        if picture.mode != mode:
            picture = picture.convert("RGB").convert(mode)
        try:
            drawn = ImageCms.applyTransform(picture, self._to_srgb)
        except ImageCms.PyCMSError:
            # Its head can be read and its tables cannot.
            return picture.convert("RGB")
        return cast(Image.Image, drawn)

    @cached_property
    def _profile(self) -> ImageCms.ImageCmsProfile | None:
        data = self._opened.info.get("icc_profile")
        try:
            return ImageCms.ImageCmsProfile(io.BytesIO(data)) if data else None
        except (OSError, TypeError, ValueError):
            return None

    @property
    def _profile_mode(self) -> str:
        """How the channels are stored that the profile is of; empty where none can be used."""
        space = "" if self._profile is None else str(self._profile.profile.xcolor_space)
        return MODES.get(space.strip(), "")

    @cached_property
    def _to_srgb(self) -> ImageCms.ImageCmsTransform:
        assert self._profile is not None
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(self._profile, srgb, self._profile_mode, "RGB")


def _formats_for(data: bytes) -> tuple[str, ...]:
    """What the file may be; what decodes HEIF is there with the extra ``heic``."""
    size = int.from_bytes(data[:4], "big")
    if data[4:8] != b"ftyp" or data[8:12] not in HEIC_BRANDS or b"avif" in data[16:size]:
        return FORMATS
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        reason = "This server cannot show HEIC photos. Send it as a file."
        raise Refused(reason=reason, key="no_heic") from error
    register_heif_opener()
    return ("HEIF",)


def _too_many_pixels() -> Refused:
    return Refused(reason="This picture has too many pixels.", key="too_many_pixels")


def _orientation(picture: Image.Image) -> int:
    if picture.format == "PNG":
        # Damaged pixels do hinder.
        picture.load()
    try:
        orientation = picture.getexif().get(ORIENTATION)
    # What describes the picture is damaged, which does not hinder.
    except (OSError, SyntaxError, ValueError, struct.error):
        return 1
    return orientation if orientation in TURNS else 1


def _scan_bytes(picture: Image.Image) -> int:
    """What a progressive JPEG's coefficients take, 2 bytes each; 0 for every other picture."""
    if not isinstance(picture, JpegImageFile) or "progressive" not in picture.info:
        return 0
    samples = [across * down for _, across, down, _ in picture.layer]
    return 2 * picture.width * picture.height * sum(samples) // max(samples)


def _plays(picture: Image.Image) -> int:
    loop = picture.info.get("loop")
    if picture.format != "GIF":
        return min(int(loop or 0), MAX_PLAYS)
    # GIF89a plays once; Netscape's extension counts the repetitions.
    return 1 if loop is None else min(int(loop) + 1, MAX_PLAYS) if loop else 0


def _duration_ms(frame: Image.Image) -> int:
    duration_ms = int(frame.info.get("duration") or USUAL_FRAME_MS)
    return min(max(duration_ms, MIN_FRAME_MS), MAX_FRAME_MS)


def _shrunk(picture: Image.Image, size: Size) -> Image.Image:
    """In this size, as L, RGB, RGBA or CMYK."""
    picture.load()
    scale = min(picture.width / size[0], picture.height / size[1])
    # In two steps, the first of them cheap.
    factor = int(scale / REDUCING_GAP)
    small = _plain(picture) if factor < 2 else _reduced(picture, factor)
    return small if small.size == size else small.resize(size, Image.Resampling.LANCZOS)


def _reduced(picture: Image.Image, factor: int) -> Image.Image:
    """An n-th of its size, strip by strip, so that no whole copy is made in another mode."""
    width, height = picture.size
    rows = factor * max(1, STRIP_PIXELS // (width * factor))
    reduced: Image.Image | None = None
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(top + rows, height)))
        part = _plain(strip).reduce(factor)
        if reduced is None:
            reduced = Image.new(part.mode, (part.width, -(-height // factor)))
        reduced.paste(part, (0, top // factor))
    assert reduced is not None
    return reduced


def _plain(picture: Image.Image) -> Image.Image:
    """With 8 bits a channel, and what is clear as a channel."""
    clear = picture.info.get("transparency")
    if picture.mode.startswith("I"):
        levels = picture.convert("I")
        grey = levels.point([level // 257 for level in range(65_536)], "L")
        if not isinstance(clear, int):
            return grey
        alpha = levels.point([255 * (level != clear) for level in range(65_536)], "L")
        return Image.merge("LA", (grey, alpha)).convert("RGBA")
    if picture.mode in ("LA", "La", "PA", "RGBa") or clear is not None:
        return picture.convert("RGBA")
    if picture.mode in ("L", "RGB", "RGBA", "CMYK"):
        return picture
    if picture.mode == "1":
        return picture.convert("L")
    return picture.convert("RGBA" if picture.palette and "A" in picture.palette.mode else "RGB")
