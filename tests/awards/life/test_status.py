"""Where a scheme is in its life, and that nothing comes of a draft."""

from typing import Any

import httpx
import pytest

from services.awards.draws.store import DrawStore
from services.awards.issued.codes import award_id
from services.awards.life.read import Life
from services.awards.life.rules import Facts, status_of
from services.awards.schemes.rules import Scheme
from services.awards.selections.store import SelectionStore
from tests.awards.builders import certificate, closed, completed, noticed, prizes, scheme, standing
from tests.awards.draws.builders import draw, lucky, new_draws
from tests.awards.parts import new_parts
from tests.support.service import ORGANISER, new_id

SELECTED, DRAWN = scheme(rule={"type": "selected"}), scheme(rule={"type": "drawn"})
MARK, RANKS = certificate("quiz"), prizes("quiz", gold=1)


@pytest.mark.parametrize(
    ("of", "facts", "status"),
    [
        (scheme(draft=True), {"in_use": True}, "draft"),
        (scheme(), {}, "announced"),
        (scheme(), {"in_use": True}, "running"),
        (MARK, {}, "announced"),
        (MARK, {"has_results": True}, "running"),
        (MARK, {"has_results": True, "closed": True}, "final"),
        (MARK, {"cancelled": True}, "final"),
        (RANKS, {"has_results": True, "closed": True, "undecided": True}, "published"),
        (noticed(RANKS), {"has_results": True, "closed": True}, "running"),
        (noticed(RANKS), {"closed": True, "notice": "running"}, "published"),
        (noticed(RANKS), {"closed": True, "notice": "confirmed"}, "published"),
        (noticed(RANKS), {"closed": True, "notice": "final"}, "final"),
        (DRAWN, {}, "announced"),
        (DRAWN, {"draw": "draft"}, "running"),
        (DRAWN, {"draw": "announced"}, "published"),
        (DRAWN, {"draw": "held", "draw_works": True}, "published"),
        (DRAWN, {"draw": "held"}, "final"),
        (SELECTED, {}, "announced"),
        (SELECTED, {"phase": "nominating"}, "running"),
        (SELECTED, {"phase": "notice"}, "published"),
        (SELECTED, {"phase": "decided"}, "final"),
    ],
)  # fmt: skip
def test_where_a_scheme_is_follows_from_what_decides_its_awards(
    of: Scheme, facts: dict[str, Any], status: str
) -> None:
    assert status_of(of, Facts(**facts)) == status


@pytest.mark.stack
async def test_a_draft_gives_nothing_until_it_is_announced(mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz)
    async with new_parts(mongo) as [at]:
        life = Life(
            at.schemes, at.results, at.known, at.notices, DrawStore(at.database), SelectionStore(at.database)
        )
        await at.schemes.put(of.model_copy(update={"draft": True}))
        await at.handle(completed(quiz, "a", 80), closed(quiz, [standing(1, "a")]))
        assert await life.of(of.scheme_id, drafts=True) == "draft"
        assert await at.issued(of) == {}
        assert not await at.schemes.use(await at.schemes.get(of.scheme_id))
        await at.schemes.put(of)
        assert await life.of(of.scheme_id, drafts=False) == "final"
        await at.handle(completed(quiz, "b", 80))
        assert set(await at.issued(of)) == {"b"}


@pytest.mark.stack
async def test_the_status_of_a_drawn_scheme_is_that_of_its_draw(mongo: str) -> None:
    async with new_draws(mongo) as [at]:
        parts = at.parts
        life = Life(
            parts.schemes, parts.results, parts.known, parts.notices, at.store, SelectionStore(parts.database)
        )
        await parts.schemes.put(lucky("lucky"))
        assert await life.of("lucky", drafts=False) == "announced"
        await at.announced(draw("lucky", "draw"), {"a": 1, "b": 1})
        assert await life.of("lucky", drafts=False) == "published"


@pytest.mark.stack
async def test_strangers_do_not_see_a_draft_and_nobody_confers_it(client: httpx.AsyncClient) -> None:
    id_ = new_id("scheme")
    body = {"title": "队旗", "kind": "flag", "rule": {"type": "conferred"}, "draft": True}
    assert (await client.put(f"/schemes/{id_}", json=body, headers=ORGANISER)).status_code == 200
    for path in (f"/schemes/{id_}", f"/schemes/{id_}/status"):
        assert (await client.get(path)).status_code == 404
        assert (await client.get(path, headers=ORGANISER)).status_code == 200
    assert id_ not in (await client.get("/schemes?limit=200")).text
    assert id_ in (await client.get("/schemes?limit=200", headers=ORGANISER)).text
    asked = {"scheme_id": id_, "recipient_id": "group"}
    refused = await client.post("/awards", json=asked, headers=ORGANISER)
    assert (refused.status_code, refused.json()["code"]) == (409, "scheme_draft")
    await client.put(f"/schemes/{id_}", json=body | {"draft": False}, headers=ORGANISER)
    assert (await client.get(f"/schemes/{id_}/status")).json() == {"scheme_id": id_, "status": "announced"}
    assert award_id(id_, "group")
