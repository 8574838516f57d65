"""What organisers do: put schemes, apply them, confer and revoke awards, and see how a scheme stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.awards.issuing.issue import Issuing
from services.awards.issuing.rules import (
    Due,
    due_by_pass_mark,
    due_by_rank,
    due_by_tie,
    is_too_short,
    tie_is_decided,
)
from services.awards.known.store import recipient_erased, recipient_unknown, soon
from services.awards.register.codes import award_id
from services.awards.register.rules import Award
from services.awards.register.store import AwardStore
from services.awards.results.rules import Closing, Result
from services.awards.schemes.rules import Conferred, PassMark, RankTiers, Scheme, check_decidable
from shared.runtime import clock, metrics
from shared.runtime.errors import Conflict, NotFound, Rejected

APPLY_RESULTS_MAX = 500
APPLY_PAGES_MAX = 20
# From a quiz's or a participant's own service by outbox and Kafka to here: mostly within a second.
KNOWN_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Applied:
    """
    What applying a scheme did: awards issued, and where to go on if there is more.

    `undecided`: someone of whom awards has no result may be due an award too.
    """

    issued: int
    after: str | None
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a scheme stands; `undecided` says who may still be due an award by it."""

    in_use: bool
    closed: bool
    undecided: str | None


class Organising:
    """The organisers' use cases; `wait_seconds`: how long what was only just told is waited for."""

    def __init__(
        self, store: AwardStore, issuing: Issuing, *, wait_seconds: float = KNOWN_WAIT_SECONDS
    ) -> None:
        self._store = store
        self._issuing = issuing
        self._wait_seconds = wait_seconds

    async def put(self, scheme: Scheme) -> None:
        """
        Store a scheme, new or changed.

        Raises:
            NotFound: its quiz was not published.
            Rejected: no close of a quiz could decide it.
            Conflict: it is in use and only its title may change, or there are too many.
        """
        check_decidable(scheme)
        quiz_id = scheme.quiz_id
        if quiz_id and not await soon(lambda: self._store.known.has_quiz(quiz_id), self._wait_seconds):
            raise NotFound(
                f"there is no quiz {quiz_id}; if it was published only just now, try again in a moment",
                code="quiz_unknown",
            )
        await self._store.put_scheme(scheme)

    async def scheme(self, scheme_id: str) -> Scheme:
        """
        The scheme of this id.

        Raises:
            NotFound: there is none.
        """
        scheme = await self._store.scheme(scheme_id)
        if scheme is None:
            raise NotFound(f"there is no scheme {scheme_id}", code="scheme_unknown")
        return scheme

    async def standing(self, scheme_id: str) -> Standing:
        """
        How a scheme stands.

        Raises:
            NotFound: there is none.
        """
        scheme = await self.scheme(scheme_id)
        state = await self._store.state(scheme_id)
        in_use, decided = (state.in_use, state.tie_decided) if state else (False, False)
        closing = await self._store.results.closing(scheme.quiz_id) if scheme.quiz_id else None
        if closing is None or decided or not is_too_short(closing, scheme):
            return Standing(in_use, closing is not None, None)
        return Standing(
            in_use,
            True,
            f"the closing of {closing.quiz_id} lists {len(closing.standings)} of {closing.participants} "
            "participants, and others may share the last rank: apply the scheme",
        )

    async def confer(self, scheme_id: str, recipient_id: str, note: str | None) -> tuple[Award, bool]:
        """
        Confer an award; returns it and whether it is new.

        Raises:
            NotFound: there is no such scheme or recipient.
            Rejected: the scheme's awards follow from a rule, not from an organiser.
            Conflict: the recipient was erased; or the award was revoked, and what was revoked does
                not come back.
        """
        scheme = await self.scheme(scheme_id)
        if not isinstance(scheme.rule, Conferred):
            raise Rejected(
                f"awards of scheme {scheme_id} follow from its rule; nobody confers them",
                code="scheme_not_conferred",
            )
        known = self._store.known
        if not await soon(lambda: known.has_participant(recipient_id), self._wait_seconds):
            raise recipient_unknown(recipient_id)
        if await known.erased([recipient_id]):
            raise recipient_erased(recipient_id)
        id_ = award_id(scheme_id, recipient_id)
        award, new = await self._issuing.confer(Due(scheme, recipient_id, cause=id_, note=note))
        if not award.held:
            raise Conflict(f"award {id_} was revoked and cannot be issued again", code="award_revoked")
        return award, new

    async def revoke(self, award_id: str, reason: str) -> Award:
        """
        Revoke an award; one that is revoked already stays as it is.

        Raises:
            NotFound: there is no such award.
        """
        revoked = await self._store.revoke(award_id, reason, clock.now())
        if revoked is None:
            raise NotFound(f"there is no award {award_id}", code="award_unknown")
        award, changed = revoked
        if changed:
            metrics.AWARDS.labels(award.kind, "revoked").inc()
        return award

    async def apply(self, scheme_id: str, after: str | None) -> Applied:
        """
        Issue what a scheme put late would have issued, at most `APPLY_PAGES_MAX` pages a call.

        Of a scheme by rank: also what a tie at the end of the listed standings left undecided.

        Raises:
            NotFound: there is no such scheme.
            Conflict: its quiz is not closed yet, and it awards by rank.
            Rejected: it is conferred.
        """
        scheme = await self.scheme(scheme_id)
        if isinstance(scheme.rule, RankTiers):
            return await self._apply_ranks(scheme, scheme.rule, after)
        if isinstance(scheme.rule, PassMark):
            return Applied(*await self._apply_results(scheme.rule.quiz_id, after, _by_mark(scheme)))
        raise Rejected(f"scheme {scheme_id} is conferred; there is no rule to apply", code="scheme_conferred")

    async def _apply_ranks(self, scheme: Scheme, rule: RankTiers, after: str | None) -> Applied:
        closing = await self._store.results.closing(rule.quiz_id)
        if closing is None:
            raise Conflict(f"quiz {rule.quiz_id} is not closed yet", code="quiz_not_closed")
        issued = await self._issuing.add_all(due_by_rank(closing, scheme)) if after is None else 0
        if not is_too_short(closing, scheme):
            return Applied(issued, None)
        tied, after = await self._apply_results(rule.quiz_id, after, _by_tie(closing, scheme))
        undecided = after is None and not await self._decide_tie(closing, scheme)
        return Applied(issued + tied, after, undecided)

    async def _decide_tie(self, closing: Closing, scheme: Scheme) -> bool:
        participants = await self._store.results.participants_of(closing.quiz_id)
        return tie_is_decided(closing, scheme, participants) and await self._store.decide_tie(scheme)

    async def _apply_results(
        self, quiz_id: str, after: str | None, due: Callable[[Sequence[Result]], Sequence[Due]]
    ) -> tuple[int, str | None]:
        issued = 0
        for _ in range(APPLY_PAGES_MAX):
            results, after = await self._store.results.of_quiz(quiz_id, after, APPLY_RESULTS_MAX)
            issued += await self._issuing.add_all(due(results))
            if after is None:
                break
        return issued, after


def _by_mark(scheme: Scheme) -> Callable[[Sequence[Result]], Sequence[Due]]:
    return lambda results: [due for result in results for due in due_by_pass_mark(result, [scheme])]


def _by_tie(closing: Closing, scheme: Scheme) -> Callable[[Sequence[Result]], Sequence[Due]]:
    return lambda results: list(due_by_tie(results, closing, scheme))
