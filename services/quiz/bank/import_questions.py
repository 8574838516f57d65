"""
A file of questions is previewed, and imported whole in one transaction: it cannot be imported half
(docs/decisions/0047-question-files.md).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.quiz.bank.check import CheckedFile, Defaults, Good, check_file
from services.quiz.bank.imports import (
    BANK_IMPORT_KEPT,
    BANK_PREVIEW_KEPT,
    BANK_PREVIEWS_MAX,
    PROBLEMS_KEPT,
    Compared,
    Import,
    all_problems,
    bad_questions,
    check_confirmable,
    compare,
    import_outdated,
    import_unknown,
)
from services.quiz.bank.rules import BankQuestion, check_room, put, text_key
from services.quiz.bank.store import BankStore
from services.quiz.formats.read import read_file
from services.quiz.formats.rules import Format
from shared.runtime import clock
from shared.runtime.errors import Conflict, Overloaded
from shared.runtime.ids import ordered_id
from shared.storage.unit_of_work import UnitOfWork, save_together
from shared.web.paced import Paced

# Files that a process reads or that wait for it. One is read at a time, with a rest after it.
BANK_FILES_WAITING_MAX = 4


class _Line(msgspec.Struct, frozen=True, array_like=True):
    """A good question, as a preview keeps it."""

    line: int
    part: str | None
    named: bool
    question: dict[str, object]


_lines = msgspec.json.Decoder(list[_Line])


class QuestionImports:
    """Previews files, and imports what was confirmed."""

    def __init__(self, bank: BankStore) -> None:
        self._bank = bank
        self._reading = Paced()
        self._waiting = 0

    async def preview(self, content: bytes, kind: Format, defaults: Defaults, who: str) -> Import:
        """
        Preview a file.

        Raises:
            Rejected: the file cannot be read, or is too large.
            Conflict: `BANK_PREVIEWS_MAX` files wait for a confirmation.
            Overloaded: too many files are being read.
        """
        now = clock.now()
        if self._waiting >= BANK_FILES_WAITING_MAX:
            raise Overloaded("too many files are being read; send it again")
        self._waiting += 1
        try:
            async with self._reading.turn(who):
                # In a thread: it takes up to seconds, and other requests go on meanwhile.
                checked = await asyncio.to_thread(_read, content, kind, defaults, now)
        finally:
            self._waiting -= 1

        async def work(unit: UnitOfWork) -> Import:
            # Locked, so that two uploads at the same moment count each other.
            await self._bank.lock(unit)
            if await self._bank.count_previews(unit, now) >= BANK_PREVIEWS_MAX:
                raise Conflict(
                    f"{BANK_PREVIEWS_MAX} files wait for a confirmation; a preview ends after a day",
                    code="bank_previews_too_many",
                    most=BANK_PREVIEWS_MAX,
                )
            compared = await self._compare(unit, checked.good)
            check_room(await self._bank.count(unit), len(compared.added))
            problems = all_problems(checked.problems, compared.problems)
            preview = Import(
                import_id=ordered_id(now),
                format=kind,
                uploaded_at=now,
                uploaded_by=who,
                status="previewed",
                problems=problems[:PROBLEMS_KEPT],
                problems_count=len(problems),
                bad=bad_questions(problems),
                added=len(compared.added),
                changed=len(compared.changed),
                unchanged=compared.unchanged,
                left_out=checked.left_out,
                expires_at=now + BANK_PREVIEW_KEPT,
                questions=_encoded([*compared.added, *compared.changed]),
            )
            await self._bank.add_import(unit, preview)
            return preview

        return await save_together(self._bank.database, work)

    async def _compare(self, unit: UnitOfWork, good: Sequence[Good]) -> Compared:
        by_id = await self._bank.of(unit, [one.question.id for one in good if one.named])
        by_text = await self._bank.with_texts([text_key(one.question) for one in good], unit)
        return compare(good, by_id, by_text)

    async def confirm(self, import_id: str, who: str, *, skip_problems: bool) -> Import:
        """
        Import the good questions of a preview, all together; a second confirmation changes nothing.

        Raises:
            NotFound: there is no such preview, or it has ended.
            Conflict: it has problems, and the organiser does not say to leave them out; or the bank has
                changed, so that the questions would not do what the preview says.
        """

        async def work(unit: UnitOfWork) -> Import:
            now = clock.now()
            await self._bank.lock(unit)
            preview = await self._bank.lock_import(unit, import_id)
            if preview is None or preview.expires_at <= now:
                raise import_unknown(import_id)
            if preview.status == "imported":
                return preview
            check_confirmable(preview, skip_problems=skip_problems)
            good = _decoded(preview.questions)
            compared = await self._compare(unit, good)
            if (len(compared.added), len(compared.changed)) != (preview.added, preview.changed):
                raise import_outdated()
            check_room(await self._bank.count(unit), len(compared.added))
            before = await self._bank.of(unit, [one.question.id for one in compared.changed])
            entries = [put(before.get(one.question.id), one.question, who, now) for one in good]
            await self._bank.save(unit, entries, before)
            imported = replace(
                preview,
                status="imported",
                imported_by=who,
                questions=b"",
                expires_at=now + BANK_IMPORT_KEPT,
            )
            await self._bank.save_import(unit, imported)
            return imported

        return await save_together(self._bank.database, work)


def _read(content: bytes, kind: Format, defaults: Defaults, now: datetime) -> CheckedFile:
    return check_file(read_file(content, kind), defaults, now)


def _encoded(good: Sequence[Good]) -> bytes:
    return msgspec.json.encode(
        [_Line(one.line, one.part, one.named, one.question.model_dump(mode="json")) for one in good]
    )


def _decoded(questions: bytes) -> list[Good]:
    return [
        Good(one.line, BankQuestion.model_validate(one.question), one.named, one.part)
        for one in _lines.decode(questions)
    ]
