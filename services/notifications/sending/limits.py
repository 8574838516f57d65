"""What may be sent now: the limit of codes, the daily limit of an address, and the budget of a channel."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from services.notifications.messages.rules import CODE_SENT_BEFORE, Outcome
from services.notifications.sending.budget import BUDGET_SPENT, USES, Budget, Use
from services.notifications.sending.channel import Item
from services.notifications.sending.code_limit import DAY, CodeLimit
from services.notifications.sending.daily_limit import Admitted, DailyLimit
from services.notifications.sending.rules import Claimed, Reply, over_daily_limit, tomorrow
from services.notifications.sending.store import Queue
from services.notifications.texts.policy import CODE_KIND, expires_at
from shared.runtime import clock
from shared.runtime.errors import Unavailable


@dataclass(slots=True)
class Admission(Generic[Item]):
    """
    The messages of a claim that may be sent now, the outcomes of the others, and what has to be counted after
    sending.

    `codes`: the address of each code, by the id of its message. `spent`: the parts of the day's budget that
    each message has spent.
    """

    at: datetime
    items: list[tuple[Claimed, Item]] = field(default_factory=list)
    refused: list[tuple[Claimed, Outcome]] = field(default_factory=list)
    admitted: dict[str, Admitted] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)


class Limits(Generic[Item]):
    """
    The limits of one channel.

    Args:
        budget: what may be sent in a day to all recipients together; None if only the other limits count.
        parts_of: the parts of the budget that an item costs.
    """

    def __init__(
        self,
        daily: DailyLimit,
        codes: CodeLimit,
        budget: Budget | None = None,
        parts_of: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._daily = daily
        self._codes = codes
        self._budget = budget
        self._parts_of = parts_of

    async def admit(self, items: Sequence[tuple[Claimed, Item]], now: datetime) -> Admission[Item]:
        """Which of these messages may be sent now: in order, but codes first, since people wait for them."""
        found = Admission[Item](now)
        others: list[tuple[Claimed, Item]] = []
        asking: list[tuple[str, str]] = []
        for one, item in items:
            if one.message.kind != CODE_KIND:
                others.append((one, item))
            elif await self._admits_code(one, item, now):
                found.codes[one.message.message_id] = item.address
                found.items.append((one, item))
            else:
                found.refused.append((one, Outcome("skipped", CODE_SENT_BEFORE)))
                asking.append((item.address, one.message.participant_id))
        await self._daily.list_asking(asking, now, mailed=False)
        addressed = [(item.address, one.message.participant_id) for one, item in others]
        for (one, item), allowed in zip(others, await self._daily.admit(addressed, now), strict=True):
            if allowed is None:
                found.refused.append((one, over_daily_limit(one, now)))
            else:
                found.admitted[one.message.message_id] = allowed
                found.items.append((one, item))
        if self._budget is not None:
            try:
                await self._spend(self._budget, found)
            except Unavailable:
                # Nothing is sent, so the places at the addresses are free again.
                await self.end(found, [])
                raise
        return found

    async def count_sent(
        self,
        admission: Admission[Item],
        replies: Sequence[tuple[Claimed, Reply]],
        untried: Sequence[Claimed],
        queue: Queue,
    ) -> None:
        """
        Count what was sent.

        A code has its own limit. Its recipient has an allowance of their own from now on, so messages that
        were put off are due again.
        """
        now = clock.now()
        counted, asking = [], []
        for one, reply in replies:
            id_, taken = one.message.message_id, reply.verdict == "taken"
            if id_ in admission.admitted:
                counted.append((admission.admitted.pop(id_), taken))
            elif taken and id_ in admission.codes:
                asking.append((admission.codes[id_], one.message.participant_id))
        unsent = [one.message.message_id for one in untried]
        counted += [(admission.admitted.pop(id_), False) for id_ in unsent if id_ in admission.admitted]
        await self._daily.count_sent(counted, now)
        # A reply with a code says that the server did not take the message.
        refused = [one for one, reply in replies if reply.verdict != "taken" and reply.code is not None]
        await self._give_back(admission, [*refused, *untried])
        if asking:
            await self._daily.list_asking(asking, now)
            await queue.bring_forward([id_ for _, id_ in asking], now)
        await self._take_back_codes(admission, replies, untried)

    async def end(self, admission: Admission[Item], untried: Sequence[Claimed]) -> None:
        """
        Forget messages that were admitted and not sent.

        Args:
            untried: messages that were certainly not handed over. They cost nothing.
        """
        # If the database is away just now, the parts stay counted.
        with suppress(Unavailable):
            await self._give_back(admission, untried)
        await self._daily.count_sent([(one, False) for one in admission.admitted.values()], clock.now())

    async def _spend(self, budget: Budget, found: Admission[Item]) -> None:
        """Keep the messages that the budget of the day allows. The others wait for the next day."""
        kept: list[tuple[Claimed, Item]] = []
        for use in USES:
            wanted = [(one, item) for one, item in found.items if _use_of(one) == use]
            parts = [self._parts_of(item) for _, item in wanted]
            room = await budget.spend(use, sum(parts), found.at)
            for (one, item), costs in zip(wanted, parts, strict=True):
                id_ = one.message.message_id
                if costs <= room:
                    room -= costs
                    found.spent[id_] = costs
                    kept.append((one, item))
                    continue
                found.refused.append((one, tomorrow(one, BUDGET_SPENT, found.at)))
                if found.codes.pop(id_, None) is not None:
                    await self._codes.take_back(item.address, id_)
                if id_ in found.admitted:
                    await self._daily.count_sent([(found.admitted.pop(id_), False)], found.at)
            await budget.give_back(use, room, found.at)
        found.items = kept

    async def _give_back(self, admission: Admission[Item], unsent: Sequence[Claimed]) -> None:
        if self._budget is None:
            return
        parts: Counter[Use] = Counter()
        for one in unsent:
            parts[_use_of(one)] += admission.spent.pop(one.message.message_id, 0)
        for use, costs in parts.items():
            await self._budget.give_back(use, costs, admission.at)

    async def _take_back_codes(
        self,
        admission: Admission[Item],
        replies: Sequence[tuple[Claimed, Reply]],
        untried: Sequence[Claimed],
    ) -> None:
        """
        Do not count codes that the server has not taken: an erasure may cancel them before they are tried
        again.

        If there is no reply code, the server may have taken the message, so it stays counted.
        """
        deferred = [one for one, reply in replies if reply.verdict == "deferred" and reply.code is not None]
        for one in (*deferred, *untried):
            id_ = one.message.message_id
            if id_ in admission.codes:
                await self._codes.take_back(admission.codes[id_], id_)

    async def _admits_code(self, one: Claimed, item: Item, now: datetime) -> bool:
        good_until = expires_at(CODE_KIND, one.message.facts or {})
        return await self._codes.admit(
            item.address,
            one.message.message_id,
            _round_of(one),
            good_until or now + DAY,
            now,
        )


def _use_of(one: Claimed) -> Use:
    if one.message.kind != CODE_KIND:
        return "others"
    return "first_codes" if _round_of(one) == 1 else "codes"


def _round_of(one: Claimed) -> int:
    """The round of a code: from 2 on a code of its number was used before."""
    round_ = (one.message.facts or {}).get("round")
    return round_ if isinstance(round_, int) else 1
