"""
Grade waiting submissions, when their participant becomes known or their quiz closes.

Waiting submissions were accepted. So the close grades all of them, also if a participant is still not known.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from services.quiz.attempts.store import AttemptStore, GivenUp
from services.quiz.attempts.submission import Submission, decode, encoder
from services.quiz.grading.grade import Grader
from services.quiz.grading.metrics import count
from services.quiz.grading.rules import Valid
from services.quiz.grading.store import Waiting, WaitingStore
from services.quiz.participants.erased import Erased
from services.quiz.participants.rules import Profile
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.offered import Offered
from shared.contracts.envelope import Context, from_headers, to_headers
from shared.contracts.origin import ids_of
from shared.messaging.publisher import Publisher
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)

# The profile of a participant who is not known yet: no group and no district.
NO_PROFILE = Profile(None, None)


class WaitingGrader:
    """Grades submissions that waited."""

    def __init__(
        self,
        grader: Grader,
        catalogue: Catalogue,
        waiting: WaitingStore,
        participants: ParticipantStore,
        erased: Erased,
        publisher: Publisher,
        attempts: AttemptStore,
    ) -> None:
        self._grader = grader
        self._catalogue = catalogue
        self._waiting = waiting
        self._participants = participants
        self._erased = erased
        self._publisher = publisher
        self._attempts = attempts

    async def grade_of_participants(self, participant_ids: Iterable[str]) -> None:
        """Grade the waiting submissions of these participants, if the participants are known."""
        profiles = await self._participants.profiles(set(participant_ids))
        await self._grade(await self._waiting.of_participants(profiles.keys()), profiles)

    async def grade_of_quiz(self, quiz_id: str) -> None:
        """
        Grade all waiting submissions of a quiz.

        Raises:
            UnreadError: the quiz could not be read.
        """
        await self._catalogue.look_up(quiz_id)
        while waiting := await self._waiting.of_quiz(quiz_id):
            profiles = await self._participants.profiles({one.participant_id for one in waiting})
            await self._grade(waiting, profiles)

    async def _grade(self, waiting: Sequence[Waiting], profiles: Mapping[str, Profile]) -> None:
        if not waiting:
            return
        valid: list[tuple[Valid, Profile]] = []
        refused: list[GivenUp] = []
        for one in waiting:
            profile = profiles.get(one.participant_id, NO_PROFILE)
            if profile.erased or one.participant_id in self._erased.ids:
                count("erased", [one.quiz_id])
            elif isinstance(read := await self._read(one), Valid):
                valid.append((read, profile))
            else:
                refused.append(GivenUp(one.attempt_id, one.participant_id, read.code))
        await self._attempts.refuse(refused)
        # Publish first, then remove: after a crash in between, the submission is still there and is
        # published.
        await self._publisher.write(await self._grader.grade(valid, {}, publish_all=True))
        await self._waiting.remove([one.attempt_id for one in waiting])

    async def _read(self, one: Waiting) -> Valid | Rejected:
        try:
            submission = decode([one.value])[0]
            offered = await self._catalogue.look_up(one.quiz_id, submission.quiz_version)
            return from_waiting(one, submission, offered)
        except Rejected as why:
            # This submission was valid when it came. The others must not have to wait for it.
            count("rejected", [one.quiz_id])
            log.warning(
                "a submission that waited cannot be graded",
                extra={"code": why.code, **ids_of(_context_of(one))},
            )
            return why


def to_waiting(valid: Valid) -> Waiting:
    """A submission that has to wait for its participant."""
    return Waiting(
        valid.submission.attempt_id,
        valid.submission.participant_id,
        encoder.encode(valid.submission),
        tuple(to_headers(valid.context)),
        valid.appended_at,
        valid.submission.quiz_id,
    )


def from_waiting(waiting: Waiting, submission: Submission, offered: Offered) -> Valid:
    """A submission that has waited, as it was when it came."""
    context = _context_of(waiting)
    return Valid(submission, context, waiting.appended_at, offered, offered.paper(waiting.attempt_id))


def _context_of(waiting: Waiting) -> Context:
    key = waiting.attempt_id.encode()
    return from_headers(waiting.headers, appended_at=lambda: waiting.appended_at, key=key)
