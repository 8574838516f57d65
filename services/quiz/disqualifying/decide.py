"""
Disqualify a participant or single attempts of one, or take that back.

The decision, the standing that follows from it, and the event are saved together. A grader that stores a
result of the participant at the same moment conflicts with this, or reads the decision in its transaction.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from services.quiz.attempts.rules import possible_attempts
from services.quiz.disqualified.rules import PEOPLE_MAX, Disqualification, disqualified, reinstated
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.disqualifying.events import decided_event
from services.quiz.disqualifying.place import place_anew
from services.quiz.participants.erased import Erased
from services.quiz.participants.rules import ParticipantId
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.decided import note_decision
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import check_not_final
from services.quiz.results.store import ResultStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Rejected
from shared.storage.expiry import all_ended_after
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

Change = Callable[[Disqualification, datetime], Disqualification | None]


class Decisions:
    """
    Decides whose results count.

    Args:
        settle: the standing is put anew once more so long after a decision. None: when no transaction of a
            grader lives any more that began before it, and does not know it.
    """

    def __init__(
        self,
        database: Database,
        disqualified_: DisqualifiedStore,
        results: ResultStore,
        participants: ParticipantStore,
        catalogue: Catalogue,
        erased: Erased,
        *,
        settle: timedelta | None = None,
    ) -> None:
        self._database = database
        self._disqualified = disqualified_
        self._results = results
        self._participants = participants
        self._catalogue = catalogue
        self._erased = erased
        self._settle = settle

    async def disqualify(
        self,
        quiz_id: str,
        participant_id: str,
        attempt_ids: Collection[str] | None,
        reason: str,
        who: str,
        origin: Origin,
    ) -> Disqualification:
        """
        Results of a participant do not count; if it is so already, nothing changes.

        Args:
            attempt_ids: only these; None: all, also later ones.
        Raises:
            NotFound: there is no such quiz or participant.
            Rejected: the participant cannot have such an attempt.
            Conflict: the quiz was closed too long ago, or there are too many decisions.
        """
        return await self._decide(
            quiz_id,
            participant_id,
            attempt_ids,
            lambda state, now: disqualified(state, attempt_ids, reason, who, now),
            origin,
        )

    async def reinstate(
        self,
        quiz_id: str,
        participant_id: str,
        attempt_ids: Collection[str] | None,
        reason: str,
        who: str,
        origin: Origin,
    ) -> Disqualification:
        """Results of a participant count again; arguments and errors as for `disqualify`."""
        return await self._decide(
            quiz_id,
            participant_id,
            attempt_ids,
            lambda state, now: reinstated(state, attempt_ids, reason, who, now),
            origin,
        )

    async def _decide(
        self,
        quiz_id: str,
        participant_id: str,
        attempt_ids: Collection[str] | None,
        change: Change,
        origin: Origin,
    ) -> Disqualification:
        offered, now = await self._catalogue.look_up(quiz_id), clock.now()
        check_not_final(offered.record, now)
        await self._check_known(offered, participant_id, attempt_ids or ())
        person = ParticipantId(participant_id)
        settle = await all_ended_after(self._database) if self._settle is None else self._settle

        async def work(unit: UnitOfWork) -> Disqualification:
            before = await self._disqualified.read(unit, offered.record.quiz_id, person)
            if (after := change(before, now)) is None:
                return before
            if not before.version and await self._disqualified.is_full(unit, quiz_id):
                raise Conflict(
                    f"decisions about {PEOPLE_MAX} people are made already", code="too_many_people"
                )
            marks = await note_decision(self._database, unit, quiz_id, now)
            if marks is None:
                raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
            await self._disqualified.save(unit, after, clock.now() + settle)
            await place_anew(self._database, unit, self._results, offered, after, marks)
            unit.publish(decided_event(after, offered.record.quiz.title, origin))
            return after

        state = await save_together(self._database, work)
        await self._catalogue.refresh()
        return state

    async def _check_known(self, offered: Offered, participant_id: str, attempt_ids: Collection[str]) -> None:
        record = offered.record
        ids = [*possible_attempts(record.quiz_id, record.quiz, participant_id, record.quiz.closes_at)]
        if not set(attempt_ids) <= set(ids):
            raise Rejected(
                f"participant {participant_id} has no such attempt in quiz {record.quiz_id}",
                code="attempts_not_theirs",
            )
        profile = (await self._participants.profiles([participant_id])).get(participant_id)
        is_erased = participant_id in self._erased.ids or (profile is not None and profile.erased)
        # Another system may have submitted for somebody who is not known here yet.
        if is_erased or not (profile or await self._results.of_attempts(ids)):
            raise NotFound(f"there is no participant {participant_id}", code="participant_unknown")
