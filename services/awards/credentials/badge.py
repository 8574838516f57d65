"""
The picture of a badge: a rosette in the colour of its kind, with a QR code that leads to the award.

The PNG is drawn by hand: a palette and a few thousand points need no library, and no font would be there for
a title. The SVG has the title too.
"""

import asyncio
import math
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import TypeVar

import segno

from services.awards.issued.rules import Award
from shared.credentials.baking import PNG_SIGNATURE, png_chunk, png_with, svg_with

T = TypeVar("T")

WIDTH = 440
MIDDLE = (WIDTH - 1) / 2
EDGE, WAVE, WAVES = 208.0, 8.0, 24
LINE_OUTER, LINE_INNER, DISC = 190.0, 186.0, 178.0
COLOURS = {
    "certificate": (31, 95, 153),
    "prize": (176, 118, 16),
    "plaque": (112, 72, 128),
    "flag": (176, 40, 48),
}
DARK = (24, 32, 40)
# Shades between two colours, so that edges look smooth.
SHADES = 15
TITLE_CHARS_MAX = 22
# Light dots around the code, as ISO/IEC 18004 asks for.
BORDER = 4
# In the palette: transparent to the colour of the kind, that colour to white, and dark.
_COLOUR, _WHITE, _DARK = SHADES, 2 * SHADES, 2 * SHADES + 1


class Drawing:
    """Draws in a thread of its own: a picture takes some 20 ms, the first one 100."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="badges")

    async def draw(self, draw: Callable[[Award, str, str], T], award: Award, url: str, credential: str) -> T:
        """What this function draws."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, draw, award, url, credential)


def png(award: Award, url: str, credential: str) -> bytes:
    """
    The badge as a PNG with the credential in it.

    Args:
        url: what the QR code says.
    """
    rows = [bytearray(row) for row in _rosette()]
    code = [bytes(row) for row in segno.make_qr(url, error="m", boost_error=False).matrix]
    # The square inside the disc.
    dot = int(DISC * math.sqrt(2)) // (len(code) + 2 * BORDER)
    first = (WIDTH - dot * len(code)) // 2
    for y, line in enumerate(code):
        drawn = b"".join((bytes([_DARK]) if dark else bytes([_WHITE])) * dot for dark in line)
        for row in rows[first + y * dot : first + (y + 1) * dot]:
            row[first : first + len(drawn)] = drawn
    head = WIDTH.to_bytes(4) * 2 + bytes([8, 3, 0, 0, 0])
    palette, opacity = _palette(COLOURS[award.kind])
    chunks = (
        (b"IHDR", head),
        (b"PLTE", palette),
        (b"tRNS", opacity),
        # Each row begins with its filter: none.
        (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))),
        (b"IEND", b""),
    )
    return png_with(PNG_SIGNATURE + b"".join(png_chunk(*chunk) for chunk in chunks), credential)


def svg(award: Award, url: str, credential: str) -> str:
    """The badge as an SVG with the credential in it. `url`: what the QR code says."""
    colour, ink = ("#{:02x}{:02x}{:02x}".format(*one) for one in (COLOURS[award.kind], DARK))
    below = _short(award.tier or award.award_code)
    code = [bytes(row) for row in segno.make_qr(url, error="m", boost_error=False).matrix]
    dot = DISC * math.sqrt(2) / (len(code) + 2 * BORDER)
    first = WIDTH / 2 - dot * len(code) / 2
    edge = " ".join("{:.1f},{:.1f}".format(*_at(angle * math.tau / 288, WIDTH / 2)) for angle in range(288))
    return svg_with(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {WIDTH + 80}">'
        f"<title>{escape(award.scheme_title)}</title><desc>{escape(url)}</desc>"
        f'<polygon fill="{colour}" points="{edge}"/>'
        f'<circle cx="{WIDTH / 2}" cy="{WIDTH / 2}" r="{(LINE_OUTER + LINE_INNER) / 2}" fill="none" '
        f'stroke="#fff" stroke-width="{LINE_OUTER - LINE_INNER}"/>'
        f'<circle cx="{WIDTH / 2}" cy="{WIDTH / 2}" r="{DISC}" fill="#fff"/>'
        f'<path transform="translate({first:.2f} {first:.2f}) scale({dot:.4f})" fill="{ink}" '
        f'd="{_path(code)}"/>'
        f'<g font-family="sans-serif" font-size="18" text-anchor="middle">'
        f'<text x="{WIDTH / 2}" y="{WIDTH + 28}" fill="{ink}">{escape(_short(award.scheme_title))}</text>'
        f'<text x="{WIDTH / 2}" y="{WIDTH + 58}" fill="{colour}">{escape(below)}</text></g></svg>',
        credential,
    )


def _path(code: list[bytes]) -> str:
    """The dark dots of a QR code, as runs."""
    parts = []
    for y, line in enumerate(code):
        x = 0
        for dark, dots in groupby(line):
            length = len(list(dots))
            if dark:
                parts.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return "".join(parts)


def _short(text: str) -> str:
    return text if len(text) <= TITLE_CHARS_MAX else f"{text[: TITLE_CHARS_MAX - 1]}…"


def _edge(angle: float) -> float:
    return EDGE + WAVE * math.cos(WAVES * angle)


def _at(angle: float, middle: float) -> tuple[float, float]:
    return middle + _edge(angle) * math.cos(angle), middle + _edge(angle) * math.sin(angle)


@lru_cache(maxsize=1)
def _rosette() -> tuple[bytes, ...]:
    """The rosette without its code: an eighth is computed, and the rest is its mirror image."""
    half = WIDTH // 2
    corner = [[0] * half for _ in range(half)]
    for y in range(half):
        for x in range(y, half):
            corner[y][x] = corner[x][y] = _shade(MIDDLE - x, MIDDLE - y)
    upper = [bytes(row + row[::-1]) for row in corner]
    return tuple(upper + upper[::-1])


def _shade(x: float, y: float) -> int:
    distance = math.hypot(x, y)
    outside = _share(distance - _edge(math.atan2(y, x)))
    if outside:
        return round((1 - outside) * SHADES)
    line = max(_share(LINE_INNER - distance), _share(distance - LINE_OUTER))
    white = max(1 - line, _share(DISC - distance))
    return _COLOUR + round(white * SHADES)


def _share(past: float) -> float:
    """How much of a point is past a border, by the distance of its middle from the border."""
    return min(max(past + 0.5, 0.0), 1.0)


def _palette(colour: tuple[int, int, int]) -> tuple[bytes, bytes]:
    """The colours of the palette, and how opaque each is."""
    to_white = [
        tuple(round(part + (255 - part) * shade / SHADES) for part in colour) for shade in range(SHADES + 1)
    ]
    colours = [colour] * SHADES + to_white + [DARK]
    opacity = [round(255 * shade / SHADES) for shade in range(SHADES)] + [255] * (SHADES + 2)
    return b"".join(bytes(one) for one in colours), bytes(opacity)
