"""
Makes PDF/A documents with Typst, in a thread of its own.

The compiler is in the package: no program is started and nothing is fetched. It releases the lock of Python
while it works, so the event loop goes on. The same pages give the same bytes: nothing depends on the clock.

Source: ISO 19005-2 (PDF/A-2b), docs/decisions/0078-documents.md
"""

import asyncio
import base64
import hashlib
import logging
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import Any

import msgspec
import segno
import typst

from services.awards.documents.faces import Face, face
from services.awards.documents.fonts import Fonts
from services.awards.documents.rules import Block, Template
from services.awards.issued.rules import Award
from services.awards.names.rules import Named, Names
from shared.contracts.events import Language
from shared.runtime.errors import Overloaded, Rejected

log = logging.getLogger(__name__)

# A change of `layout.typ` or of what is drawn gives documents another `ETag`.
LAYOUT_VERSION = 1
# One takes some 10 ms, so the last one waits for less than a second.
WAITING_MAX = 64
_STANDARD = "a-2b"
_LAYOUT = Path(__file__).parent / "layout.typ"
# A mask that is chosen costs nothing; to compare all eight takes ten times as long.
_MASK = 3
_BORDER = 4
_ALT = "seal"
_POINT_MM = 25.4 / 72
# Line heights, rather too large, as a multiple of the size.
_LINE, _LINE_OF_MANY = 1.5, 1.9
# Characters of usual width.
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile("[!-~]{9}")
_USUAL = re.compile(r"[ -~\u4e00-\u9fff·〇，。、：；？！“”（）《》]*")


class Typesetter:
    """Makes documents, one at a time. Call `close` at the end."""

    def __init__(self, fonts: Fonts) -> None:
        self.fonts = fonts
        self._folder = tempfile.TemporaryDirectory(prefix="kepu-documents-")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
        self._compiler: Any = None
        self._waiting = 0

    def close(self) -> None:
        """End the thread, and remove its folder."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()

    async def document(
        self, template: Template, faces: Sequence[Face], language: Language, made_at: datetime
    ) -> bytes:
        """
        A PDF/A document with a page for each face.

        Args:
            made_at: the date in the document.

        Raises:
            Rejected: no font has a character, or the compiler cannot make a page.
            Overloaded: too many documents are waiting.
        """
        for one in faces:
            self.fonts.check(text for text in one.texts if text)
        if self._waiting >= WAITING_MAX:
            raise Overloaded(f"{WAITING_MAX} documents are being made already; try again")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._make, template, faces, language, made_at
            )
        finally:
            self._waiting -= 1

    def _make(
        self, template: Template, faces: Sequence[Face], language: Language, made_at: datetime
    ) -> bytes:
        folder = Path(self._folder.name)
        if self._compiler is None:
            layout = folder / "layout.typ"
            layout.write_bytes(_LAYOUT.read_bytes())
            self._compiler = typst.Compiler(
                layout, root=folder, font_paths=list(self.fonts.folders), ignore_system_fonts=True
            )
        pictures = [_picture(one.png) for one in template.pictures]
        for name, content in pictures:
            (folder / name).write_bytes(content)
        try:
            told = self._told(template, faces, language, [name for name, _ in pictures])
            made: bytes = self._compiler.compile(
                format="pdf",
                sys_inputs={"told": msgspec.json.encode(told).decode()},
                pdf_standards=[_STANDARD],
                timestamp=int(made_at.timestamp()),
            )
        except typst.TypstError as error:
            raise self._refused(error) from None
        except Exception:
            raise
        except BaseException as panic:  # noqa: BLE001 (see below)
            # A mistake in the compiler itself: nobody else handles what is no `Exception`.
            raise self._refused(panic) from None
        finally:
            for name, _ in pictures:
                (folder / name).unlink(missing_ok=True)
        return made

    def _refused(self, error: BaseException) -> Rejected:
        # The text of the error has the characters, and they may be of a name.
        if "could not be displayed" in str(error):
            return Rejected(
                "no font can show a character as it stands in a text",
                code="character_without_font",
                characters="?",
            )
        log.error("the compiler made no page", extra={"error": type(error).__name__})
        # What it remembers may be half done.
        self._compiler = None
        return Rejected(
            "no page can be made of these texts and pictures; change them, or tell the organisers",
            code="page_not_made",
        )

    def _told(
        self, template: Template, faces: Sequence[Face], language: Language, pictures: Sequence[str]
    ) -> dict[str, Any]:
        width, height = template.sides
        return {
            "title": template.title,
            "lang": "en" if language == "en" else "zh",
            "region": None if language == "en" else "CN",
            "fonts": self.fonts.extra_families,
            "width": width,
            "height": height,
            "background": template.background,
            "frame": template.frame and template.frame.model_dump(),
            "qr": template.qr and template.qr.model_dump(),
            "pictures": [
                {"x": one.x, "y": one.y, "width": one.width, "path": name, "alt": _ALT}
                for one, name in zip(template.pictures, pictures, strict=True)
            ],
            "pages": [
                {
                    "texts": list(self._texts(template, one, language)),
                    "qr": qr_svg(one.address) if template.qr else None,
                    "address": one.address,
                }
                for one in faces
            ],
        }

    def _texts(self, template: Template, one: Face, language: Language) -> list[dict[str, Any]]:
        return [
            {
                "x": block.x,
                "y": block.y,
                "width": block.width,
                "height": block.height,
                "text": text,
                "size": block.size,
                "align": block.align,
                "font": self._font(block, text),
                "colour": block.colour,
                "bold": block.bold,
                "many": block.lines == "many",
                "indent": block.indent and language != "en",
                "fits": surely_fits(block, text),
            }
            for block, text in zip(template.blocks, one.texts, strict=True)
            if text
        ]

    def _font(self, block: Block, text: str) -> str:
        if block.font == "sans" or not self.fonts.in_serif(text):
            return "sans"
        # Else the apostrophe of a foreign name would be as wide as a Chinese character.
        return "serif" if _CHINESE.search(text) else "latin"


@dataclass(frozen=True, slots=True)
class Press:
    """
    All that pages need beside the award and the template.

    Attributes:
        public_url: where the public reaches awards.
        issuer: who gives the awards.
    """

    typesetter: Typesetter
    names: Names
    public_url: str
    issuer: str

    def face(self, award: Award, name: Named | None, template: Template, language: Language) -> Face:
        """The page of this award."""
        return face(award, name, template, language, self.public_url, self.issuer)


@asynccontextmanager
async def pressing(
    names: Names, fonts_folder: Path | None, public_url: str, issuer: str
) -> AsyncIterator[Press]:
    """A press until the process stops."""
    typesetter = Typesetter(Fonts(fonts_folder))
    try:
        yield Press(typesetter, names, public_url, issuer)
    finally:
        typesetter.close()


def surely_fits(block: Block, text: str) -> bool:
    """
    Whether a text fits in its size, so that nobody has to measure it, which takes most of the time.

    A Chinese character is as wide as high, and no letter is wider.
    """
    size_mm = block.size * _POINT_MM
    if not _USUAL.fullmatch(text):
        return False
    if block.lines == "one":
        return len(text) * size_mm <= block.width and size_mm * _LINE <= block.height
    # The last place of a line may stay empty, and words of letters are not broken.
    in_line = int(block.width / size_mm) - 1
    lines = ceil((len(text) + 2 * block.indent) / in_line) if in_line > 0 else 0
    return 0 < lines * size_mm * _LINE_OF_MANY <= block.height and not _WORD.search(text)


def qr_svg(text: str) -> str:
    """The QR code of a text, on white, with its border."""
    rows = [bytes(row) for row in segno.make_qr(text, error="m", boost_error=False, mask=_MASK).matrix]
    side = len(rows) + 2 * _BORDER
    path: list[str] = []
    for y, row in enumerate(rows):
        x = 0
        for dark, dots in groupby(row):
            length = len(list(dots))
            if dark:
                path.append(f"M{x + _BORDER} {y + _BORDER}h{length}v1h-{length}z")
            x += length
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{"".join(path)}"/></svg>'
    )


def _picture(png: str) -> tuple[str, bytes]:
    content = base64.b64decode(png)
    return f"{hashlib.sha256(content).hexdigest()}.png", content
