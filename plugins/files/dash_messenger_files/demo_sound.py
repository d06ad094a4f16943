"""What the plugin shows in a demonstration: a sound that is made here."""

from __future__ import annotations

import array
import io
import math
import sys
import wave

__all__ = ["MELODY", "MELODY_MS", "TABLE", "melody"]

TABLE = "Shopping list for Saturday.csv"
MELODY = "A song for the kitchen.wav"
RATE_HZ = 8_000
NOTE_S = 0.3
# Up and down a pentatonic scale, in semitones above A4 (440 Hz).
NOTES = (0, 3, 5, 7, 10, 7, 5, 3, 0)
MELODY_MS = round(1_000 * NOTE_S * len(NOTES))


def melody() -> bytes:
    """Three seconds of one voice, as WAV: mono, 16 bits."""
    length = int(RATE_HZ * NOTE_S)
    samples = array.array("h")
    for note in NOTES:
        step = 2 * math.pi * 440 * 2 ** (note / 12) / RATE_HZ
        # It fades, so that it neither clicks nor drones.
        samples.extend(
            int(12_000 * math.sin(step * n) * math.exp(-3 * n / length) * min(1, n / 80))
            for n in range(length)
        )
    if sys.byteorder == "big":
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return out.getvalue()
