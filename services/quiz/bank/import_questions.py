"""
A file of questions is previewed, and imported whole in one transaction: it cannot be imported half
(docs/decisions/0047-question-files.md).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from services.quiz.bank.check import CheckedFile, Defaults, Good, check_file
from services.quiz.bank.imports import (
    BANK_IMPORT_KEPT,
    BANK_PREVIEW_KEPT,
    PROBLEMS_KEPT,
    Import,
    Kept,
    Previewed,
    all_problems,
    bad_questions,
    check_place,
    check_problems,
    compare,
    giving_way,
    import_is_done,
    import_unknown,
    never_imported,
)
from services.quiz.bank.rules import BankQuestion, Entry, check_room, put, text_key
from services.quiz.bank.store import BankStore
from services.quiz.bank.turns import BankTurns
from services.quiz.formats.read import read_file
from services.quiz.formats.rules import Format
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.runtime.ids import ordered_id
from shared.storage.unit_of_work import UnitOfWork, save_together


class _Line(msgspec.Struct, frozen=True, array_like=True):
    """A good question, as a preview keeps it."""

    line: int
    part: str | None
    named: bool
    question: dict[str, object]


_lines = msgspec.json.Decoder(list[_Line])
_one_line = msgspec.json.Decoder(_Line)
_unread = msgspec.json.Decoder(list[msgspec.Raw])
_Known: TypeAlias = tuple[dict[str, Entry], dict[str, Entry]]


class QuestionImports:
    """
    Previews files, and imports what was confirmed.

    Both take turns. What takes long is done in a thread, or in steps between which other requests go on.
    """

    def __init__(self, bank: BankStore, turns: BankTurns) -> None:
        self._bank = bank
        self._turns = turns

    async def preview(self, content: bytes, kind: Format, defaults: Defaults, who: str) -> Import:
        """
        Preview a file.

        Raises:
            Rejected: the file cannot be read, or is too large.
            Conflict: `BANK_PREVIEWS_OF_A_KEY_MAX` files of this key wait for a confirmation.
            Overloaded: too many files are being read.
        """
        now = clock.now()
        # Before the file is read, so that nobody makes work by files that cannot be kept.
        check_place(await self._bank.previews(now), who)
        async with self._turns.turn_with_file(who):
            checked = await asyncio.to_thread(_read, content, kind, defaults, now)
            # A preview locks nothing of the bank: the confirmation compares once more.
            known, count = await save_together(
                self._bank.database,
                lambda unit: self._known_and_count(unit, checked.good),
            )
            preview = await asyncio.to_thread(_preview, checked, known, kind, who, now)
            check_room(count, preview.added)

            async def work(unit: UnitOfWork) -> None:
                # Locked, so that two uploads at the same moment count each other.
                await self._bank.lock_previews(unit)
                kept = await self._bank.previews(now, unit)
                new = Kept(preview.import_id, who, preview.size_bytes)
                await self._bank.remove_previews(unit, giving_way(kept, new))
                await self._bank.add_import(unit, preview)

            await save_together(self._bank.database, work)
            return preview

    async def _known(self, unit: UnitOfWork, good: Sequence[Good]) -> _Known:
        named = [one.question.id for one in good if one.named]
        return await self._bank.known(unit, named, [one.text_key for one in good])

    async def _known_and_count(self, unit: UnitOfWork, good: Sequence[Good]) -> tuple[_Known, int]:
        return await self._known(unit, good), await self._bank.count(unit)

    async def questions(self, import_id: str, first: int, most: int) -> list[Previewed]:
        """
        Questions of a preview as they were read: the new ones, then those that would be changed.

        None of an import that is done: they are in the bank.

        Args:
            first: the place of the first one.
        Raises:
            NotFound: there is no such import.
        """
        found = await self._bank.read_import(import_id)
        questions = await self._bank.read_questions(import_id)
        if found is None or questions is None:
            raise import_unknown(import_id)
        if not questions:
            return []
        return await asyncio.to_thread(_previewed, questions, found.added, first, most)

    async def confirm(self, import_id: str, who: str, *, skip_problems: bool) -> Import:
        """
        Import the good questions of a preview, all together; a second confirmation changes nothing.

        A preview that can never be imported is deleted.

        Raises:
            NotFound: there is no such preview, or it has ended.
            Conflict: it has problems, and the organiser does not say to leave them out; or it would change
                nothing; or the bank has changed, so that the questions would not do what the preview says.
            Overloaded: too much of this key is under way already.
        """
        async with self._turns.turn(who):
            # Before the bank is locked.
            questions = await self._bank.read_questions(import_id)
            if questions is None:
                raise import_unknown(import_id)
            good = await asyncio.to_thread(_decoded, questions) if questions else []

            async def work(unit: UnitOfWork) -> Import | Conflict:
                return await self._import(unit, import_id, good, who, skip_problems=skip_problems)

            imported = await save_together(self._bank.database, work)
        if isinstance(imported, Conflict):
            raise imported
        return imported

    async def _import(
        self, unit: UnitOfWork, import_id: str, good: Sequence[Good], who: str, *, skip_problems: bool
    ) -> Import | Conflict:
        """The import, or the refusal of one that is deleted."""
        now = clock.now()
        await self._bank.lock(unit)
        preview = await self._bank.lock_import(unit, import_id)
        if preview is None or preview.expires_at <= now:
            raise import_unknown(import_id)
        if preview.status == "imported":
            return preview
        check_problems(preview, skip_problems=skip_problems)
        by_id, by_text = await self._known(unit, good)
        compared = await asyncio.to_thread(compare, good, by_id, by_text)
        if refusal := never_imported(preview, compared):
            await self._bank.remove_previews(unit, [import_id])
            return refusal
        check_room(await self._bank.count(unit), len(compared.added))
        before = {one.question.id: by_id[one.question.id] for one in compared.changed}
        entries = [put(before.get(one.question.id), one.question, who, now) for one in good]
        await self._bank.save(unit, entries, before)
        imported = replace(
            preview,
            status="imported",
            imported_by=who,
            size_bytes=0,
            expires_at=now + BANK_IMPORT_KEPT,
        )
        await self._bank.save_import(unit, imported)
        return imported

    async def delete(self, import_id: str) -> None:
        """
        Delete a preview; a repeat changes nothing.

        Raises:
            Conflict: it is in the bank already.
        """
        if not await self._bank.remove_preview(import_id) and await self._bank.read_import(import_id):
            raise import_is_done(import_id)


def _read(content: bytes, kind: Format, defaults: Defaults, now: datetime) -> CheckedFile:
    return check_file(read_file(content, kind), defaults, now)


def _preview(checked: CheckedFile, known: _Known, kind: Format, who: str, now: datetime) -> Import:
    compared = compare(checked.good, *known)
    problems = all_problems(checked.problems, compared.problems)
    listed = problems[:PROBLEMS_KEPT]
    questions = _encoded([*compared.added, *compared.changed])
    return Import(
        import_id=ordered_id(now),
        format=kind,
        uploaded_at=now,
        uploaded_by=who,
        status="previewed",
        problems=listed,
        problems_count=len(problems),
        bad=bad_questions(problems),
        added=len(compared.added),
        changed=len(compared.changed),
        unchanged=compared.unchanged,
        left_out=checked.left_out,
        expires_at=now + BANK_PREVIEW_KEPT,
        questions=questions,
        size_bytes=len(questions) + len(msgspec.json.encode(listed)),
    )


def _encoded(good: Sequence[Good]) -> bytes:
    return msgspec.json.encode(
        [_Line(one.line, one.part, one.named, one.question.model_dump(mode="json")) for one in good]
    )


def _decoded(questions: bytes) -> list[Good]:
    return [_good(one, BankQuestion.model_validate(one.question)) for one in _lines.decode(questions)]


def _previewed(questions: bytes, added: int, first: int, most: int) -> list[Previewed]:
    lines = [_one_line.decode(one) for one in _unread.decode(questions)[first : first + most]]
    return [
        Previewed(place, one.line, one.part, place < added, BankQuestion.model_validate(one.question))
        for place, one in enumerate(lines, first)
    ]


def _good(one: _Line, question: BankQuestion) -> Good:
    return Good(one.line, question, one.named, text_key(question), one.part)
