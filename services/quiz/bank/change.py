"""Organisers change the bank: put a question, review, retire, restore."""

from collections.abc import Callable, Mapping

from services.quiz.bank.rules import (
    BankQuestion,
    Entry,
    check_room,
    check_unchanged,
    put,
    question_unknown,
    restored,
    retired,
    reviewed,
    text_key,
)
from services.quiz.bank.store import BankStore
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.storage.unit_of_work import UnitOfWork, save_together


class BankChanges:
    """Changes questions of the bank."""

    def __init__(self, bank: BankStore) -> None:
        self._bank = bank

    async def put(self, question: BankQuestion, who: str, matches: Callable[[int | None], bool]) -> Entry:
        """
        Put a question, or a new version of it.

        Raises:
            Outdated: it is not the revision that was read.
            Conflict: another question has this text, it is retired, or there are too many.
        """

        async def work(unit: UnitOfWork) -> Entry:
            await self._bank.lock(unit)
            known = await self._bank.of(unit, [question.id])
            before = known.get(question.id)
            check_unchanged(matches(before.revision if before else None), question.id)
            after = put(before, question, who, clock.now())
            if after is before:
                return after
            same = (await self._bank.with_texts([text_key(question)], unit)).values()
            for other in same:
                if other.question_id != question.id:
                    raise Conflict(
                        f"question {other.question_id} has the same text",
                        code="question_text_known",
                        question_id=other.question_id,
                    )
            if before is None:
                check_room(await self._bank.count(unit), 1)
            await self._bank.save(unit, [after], known)
            return after

        return await save_together(self._bank.database, work)

    async def review(self, versions: Mapping[str, int], who: str) -> list[Entry]:
        """
        Review these versions of questions: all of them, or none.

        Raises:
            NotFound: the bank has no such question.
            Conflict: it is retired, or whoever reviews it wrote it.
            Outdated: it has another version by now.
        """
        now = clock.now()
        return await self._change(
            versions, lambda entry: reviewed(entry, versions[entry.question_id], who, now)
        )

    async def retire(self, question_id: str, who: str) -> Entry:
        """
        Retire a question.

        Raises:
            NotFound: the bank has no such question.
        """
        return (await self._change([question_id], lambda entry: retired(entry, who)))[0]

    async def restore(self, question_id: str) -> Entry:
        """
        Take a question back from retirement.

        Raises:
            NotFound: the bank has no such question.
        """
        return (await self._change([question_id], restored))[0]

    async def _change(
        self, question_ids: "list[str] | Mapping[str, int]", change: Callable[[Entry], Entry]
    ) -> list[Entry]:
        async def work(unit: UnitOfWork) -> list[Entry]:
            await self._bank.lock(unit)
            known = await self._bank.of(unit, list(question_ids))
            for question_id in question_ids:
                if question_id not in known:
                    raise question_unknown(question_id)
            after = [change(known[question_id]) for question_id in question_ids]
            changed = [entry for entry in after if entry is not known[entry.question_id]]
            await self._bank.save(unit, changed, known)
            return after

        return await save_together(self._bank.database, work)
