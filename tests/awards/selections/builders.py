"""A selection over HTTP, step by step, as its people take them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.awards.known.store import KnownStore
from services.awards.selections.rules import Selection
from tests.awards.builders import put as put_scheme
from tests.awards.builders import scheme
from tests.support.service import ORGANISER, as_participant, new_id
from tests.support.waiting import eventually

Json = dict[str, Any]
CRITERIA = (
    {"id": "work", "title": "科技贡献", "weight": 60, "points_max": 100},
    {"id": "spread", "title": "科普实绩", "title_en": "Outreach", "weight": 40, "points_max": 50},
)


def selection(selection_id: str | None = None, **changes: Any) -> Selection:
    """Nominations are open, for two places and three candidates, unless told otherwise."""
    now = datetime.now(UTC)
    fields: Json = {
        "selection_id": selection_id or new_id("selection"),
        "title": "最美科技工作者",
        "scheme_id": new_id("scheme"),
        "places": 2,
        "candidates_at_most": 3,
        "nominations_from": now - timedelta(hours=3),
        "nominations_until": now + timedelta(hours=1),
        "scoring_until": now + timedelta(hours=2),
        "notice_seconds": 1,
        "criteria": CRITERIA,
        "experts_per_nominee": 2,
    }
    return Selection.model_validate(fields | changes)


class Held:
    """One selection that is held over HTTP."""

    def __init__(self, client: httpx.AsyncClient, known: KnownStore, of: Selection) -> None:
        self.client = client
        self.known = known
        self.of = of
        self.path = f"/selections/{of.selection_id}"

    async def begin(self) -> "Held":
        """Put the selection and its scheme."""
        await put_scheme(
            self.client, scheme(self.of.scheme_id, kind="certificate", rule={"type": "selected"})
        )
        assert (await self.put()).is_success
        return self

    async def put(self, **changes: Any) -> httpx.Response:
        """Put it again, changed."""
        self.of = self.of.model_copy(update=changes)
        return await self.client.put(self.path, json=self.of.model_dump(mode="json"), headers=ORGANISER)

    async def end_nominations(self) -> None:
        until = datetime.now(UTC) - timedelta(hours=2)
        assert (await self.put(nominations_until=until)).is_success

    async def end_scoring(self) -> None:
        until = datetime.now(UTC) - timedelta(hours=1)
        assert (await self.put(scoring_until=until)).is_success

    async def end_notice(self) -> None:
        """The notice of the builder's selection lasts a second."""
        await eventually(self.phase, lambda phase: phase == "deciding")

    async def phase(self) -> str:
        return str((await self.client.get(self.path)).json()["phase"])

    async def post(self, what: str, who: str | None = None, **body: Any) -> httpx.Response:
        """Somebody's request about it; an organiser's, if nobody is named."""
        headers = as_participant(who) if who else ORGANISER
        return await self.client.post(f"{self.path}/{what}", json=body, headers=headers)

    async def ask(self, what: str, who: str | None = None) -> Json:
        headers = as_participant(who) if who else ORGANISER
        answer = await self.client.get(f"{self.path}/{what}", headers=headers)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    async def people(self, *words: str) -> list[str]:
        """New participants."""
        ids = [new_id(word) for word in words]
        await self.known.add_participants(ids)
        return ids

    async def nominees(self, number: int, *, admitted: bool = True) -> list[str]:
        """So many, whom organisers have nominated and admitted."""
        ids = sorted(await self.people(*["n"] * number))
        for one in ids:
            assert (await self.post("nominations", participant_id=one, statement="扎根一线")).is_success
            if admitted:
                await self.post("admissions", participant_id=one, code="eligible")
        return ids

    async def experts(self, number: int) -> list[str]:
        """So many, to whom the nominees are assigned."""
        ids = sorted(await self.people(*["e"] * number))
        assert (await self.post("experts", expert_ids=ids)).is_success
        await self.end_nominations()
        assert (await self.post("assignments")).is_success
        return ids

    async def score(self, expert: str, nominee: str, work: int, spread: int = 25) -> httpx.Response:
        points = {"work": work, "spread": spread}
        return await self.post("scores", expert, participant_id=nominee, points=points)

    async def score_all(self, experts: list[str], points: Mapping[str, int]) -> None:
        """Each expert gives these points for work to each nominee of theirs."""
        for expert in experts:
            for one in (await self.ask("assignments", expert))["assignments"]:
                nominee = one["participant_id"]
                assert (await self.score(expert, nominee, points[nominee])).is_success

    async def shortlisted(self, number: int = 4) -> list[str]:
        """So many nominees are judged, the first ones best, and the candidates are published."""
        nominees = await self.nominees(number)
        experts = await self.experts(3)
        await self.score_all(experts, {one: 90 - place * 10 for place, one in enumerate(nominees)})
        await self.end_scoring()
        answer = await self.post("shortlist")
        assert answer.is_success, answer.text
        return [one["participant_id"] for one in answer.json()["candidates"]]

    async def decide(self, votes: Mapping[str, int], members: int = 7) -> httpx.Response:
        """Of so many members of the committee; the others are against it."""
        ballots = [
            {"participant_id": one, "votes_for": number, "against": members - number}
            for one, number in votes.items()
        ]
        return await self.post("decision", members=members, votes=ballots)


async def held(client: httpx.AsyncClient, known: KnownStore, **changes: Any) -> Held:
    return await Held(client, known, selection(**changes)).begin()
