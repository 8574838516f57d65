"""A ticket as a card for a phone: one SVG picture, whose words the phone's own fonts draw."""

from collections.abc import Iterator
from html import escape

from services.registration.tickets import qr
from services.registration.tickets.face import Face

WIDTH = 360
MARGIN = 24
LINE = 26
CODE_WIDTH = 264
FONTS = "'PingFang SC','Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',sans-serif"


def card(face: Face) -> bytes:
    """The card."""
    parts = list(_head(face))
    y = 56 + LINE * len(face.title)
    for label, lines in face.rows:
        y += 14
        parts.append(_text(label, MARGIN, y, 12, "#64748b"))
        for line in lines:
            y += LINE - 4
            parts.append(_text(line, MARGIN, y, 17, "#0f172a"))
        y += 8
    parts.append(_code(face.text, (WIDTH - CODE_WIDTH) // 2, y + 16))
    y += 16 + CODE_WIDTH + 34
    parts.append(
        f'<text x="{WIDTH // 2}" y="{y}" font-size="22" text-anchor="middle" letter-spacing="2" '
        f'font-family="ui-monospace,monospace" fill="#0f172a">{escape(face.ticket_code)}</text>'
    )
    height = y + MARGIN
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="{FONTS}">'
        f'<rect width="{WIDTH}" height="{height}" rx="18" fill="#fff"/>{"".join(parts)}</svg>\n'
    ).encode()


def _head(face: Face) -> Iterator[str]:
    """The coloured head with the title."""
    height = 48 + LINE * len(face.title)
    outline = f"M0 18a18 18 0 0 1 18-18h{WIDTH - 36}a18 18 0 0 1 18 18v{height - 18}H0z"
    yield f'<path d="{outline}" fill="#1d4ed8"/>'
    yield _text("入场券 Ticket", MARGIN, 30, 13, "#dbeafe")
    for number, line in enumerate(face.title):
        yield _text(line, MARGIN, 56 + LINE * number, 20, "#fff")


def _code(text: str, x: int, y: int) -> str:
    width, runs = qr.dark_runs(text)
    path = "".join(f"M{run.x} {run.y}h{run.length}v1h-{run.length}z" for run in runs)
    scale = CODE_WIDTH / (width + 2 * qr.BORDER)
    border = qr.BORDER * scale
    return (
        f'<g transform="translate({x + border:.3f} {y + border:.3f}) scale({scale:.4f})">'
        f'<path d="{path}" fill="#000" shape-rendering="crispEdges"/></g>'
    )


def _text(words: str, x: int, y: int, size: int, colour: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}">{escape(words)}</text>'
