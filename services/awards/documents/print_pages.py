"""
The documents of a scheme, made in the background for a printer: `POST /schemes/{scheme_id}/prints`.

A file has `FILE_PAGES_MAX` pages. It is stored together with how far the print is, so after a crash another
process makes the next file, and none twice.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from services.awards.documents.defaults import DEFAULTS
from services.awards.documents.faces import Face
from services.awards.documents.prints import (
    CHARACTERS_TOLD_MAX,
    FILES_MAX,
    PRINTS_KEPT,
    UNPRINTABLE_MAX,
    Print,
    PrintFile,
    PrintStore,
    Unprintable,
)
from services.awards.documents.store import TemplateStore
from services.awards.documents.typeset import Press
from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.schemes.store import SchemeStore
from shared.contracts.events import Language
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.runtime.errors import NotFound, Rejected
from shared.runtime.ids import random_id
from shared.storage.unit_of_work import UnitOfWork, save_together

# Less than a second of work, and some megabytes with pictures.
FILE_PAGES_MAX = 200


class _Sheet(NamedTuple):
    """The next file of a print, before its pages are made."""

    awards: Sequence[Award]
    printed: Sequence[Award]
    faces: Sequence[Face]
    unprintable: Sequence[Unprintable]


async def start_print(
    scheme_id: str, language: Language, schemes: SchemeStore, templates: TemplateStore, prints: PrintStore
) -> Print:
    """
    Begin a print of a scheme's held awards, with its template of now.

    Raises:
        NotFound: there is no such scheme.
        Conflict: there are too many prints.
    """
    found, _ = await schemes.get_with_tag(scheme_id)
    now = clock.now()
    one = Print(
        print_id=random_id(),
        scheme_id=scheme_id,
        language=language,
        template=await templates.of_scheme(scheme_id) or DEFAULTS[found.kind],
        state="working",
        started_at=now,
        kept_until=now + PRINTS_KEPT,
    )
    await prints.add(one)
    return one


class Printing:
    """Makes the files of prints. Several processes may do it at once."""

    def __init__(
        self,
        awards: AwardStore,
        known: KnownStore,
        prints: PrintStore,
        press: Press,
    ) -> None:
        self._awards = awards
        self._known = known
        self._prints = prints
        self._press = press
        self.loop = Backlog("prints", prints.working, self.go_on).loop

    async def go_on(self, print_id: str) -> None:
        """Make the next file of a print; the last time, note that it is done."""
        try:
            before = await self._prints.get(print_id)
        except NotFound:
            return
        awards = await self._awards.of_scheme(before.scheme_id, before.after, FILE_PAGES_MAX)
        sheet = await self._sheet(before, awards)
        try:
            content = await self._made(before, sheet.faces)
        except Rejected:
            # Some mark in it has no glyph where it stands. Hardly ever, so each page is tried alone.
            sheet = await self._without_bad_pages(before, sheet)
            content = await self._made(before, sheet.faces)
        now = _advanced(before, sheet, len(content or b""))

        async def work(unit: UnitOfWork) -> bool:
            # See `prints.py`: from here on no erasure comes between.
            await self._prints.pass_gate(unit)
            if await self._known.erased([one.recipient_id for one in sheet.printed], unit):
                # The next turn makes the file again, without them.
                return False
            recipients = [one.recipient_id for one in sheet.printed]
            return await self._prints.advance(unit, before, now, content, recipients)

        await save_together(self._prints.database, work)

    async def _made(self, of: Print, faces: Sequence[Face]) -> bytes | None:
        if not faces:
            return None
        return await self._press.typesetter.document(of.template, faces, of.language, of.started_at)

    async def _without_bad_pages(self, of: Print, sheet: _Sheet) -> _Sheet:
        good: list[tuple[Award, Face]] = []
        bad = list(sheet.unprintable)
        for award, page in zip(sheet.printed, sheet.faces, strict=True):
            try:
                await self._made(of, [page])
                good.append((award, page))
            except Rejected:
                bad.append(Unprintable(award.award_code, ("?",)))
        return _Sheet(sheet.awards, [award for award, _ in good], [page for _, page in good], bad)

    async def _sheet(self, of: Print, awards: list[Award]) -> _Sheet:
        erased = await self._known.erased([award.recipient_id for award in awards])
        held = [award for award in awards if award.is_valid and award.recipient_id not in erased]
        names = await self._press.names.full([award.recipient_id for award in held])
        printed: list[Award] = []
        faces: list[Face] = []
        unprintable: list[Unprintable] = []
        for award in held:
            name = names.get(award.recipient_id)
            page = self._press.face(award, name, of.template, of.language)
            text = "".join(one for one in page.texts if one)
            if missing := self._press.typesetter.fonts.missing(text):
                unprintable.append(Unprintable(award.award_code, tuple(missing[:CHARACTERS_TOLD_MAX])))
            else:
                printed.append(award)
                faces.append(page)
        return _Sheet(awards, printed, faces, unprintable)


def _advanced(before: Print, sheet: _Sheet, size: int) -> Print:
    """The print when this sheet is stored."""
    files = before.files
    if sheet.printed:
        codes = [one.award_code for one in sheet.printed]
        number = len(files) + 1
        files = (*files, PrintFile(number, len(codes), size, codes[0], codes[-1]))
    left_out = len(sheet.awards) - len(sheet.printed) - len(sheet.unprintable)
    is_done = len(sheet.awards) < FILE_PAGES_MAX
    is_full = not is_done and len(files) >= FILES_MAX
    return replace(
        before,
        state="done" if is_done else "full" if is_full else "working",
        after=sheet.awards[-1].award_id if sheet.awards else before.after,
        pages=before.pages + len(sheet.printed),
        left_out=before.left_out + left_out,
        unprintables=before.unprintables + len(sheet.unprintable),
        unprintable=(*before.unprintable, *sheet.unprintable)[:UNPRINTABLE_MAX],
        files=files,
    )
