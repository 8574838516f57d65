"""Boards after the close, after decisions and erasures; what is frozen; and the audit of all this."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ops.audit.log import Entry, Log
from ops.audit.quiz import audit_quiz
from services.quiz.divisions.rules import Division, Freeze, Kind
from services.quiz.participants.rules import ProfileChange
from shared.runtime import clock
from shared.storage import outbox
from tests.quiz.builders import envelope, erased, joined
from tests.quiz.builders import people as batch_of
from tests.quiz.disqualifying.builders import Deciding
from tests.quiz.divisions.builders import (
    QUIZ,
    Sat,
    builder,
    expected,
    know,
    make,
    names,
    people_of,
    shown,
    sit,
    some_attempts,
)
from tests.quiz.parts import Parts, new_parts
from tests.quiz.regrading.builders import Correcting
from tests.quiz.regrading.test_audit import entries
from tests.support.logged import logged
from tests.support.service import enclosed

pytestmark = pytest.mark.stack


async def freeze(parts: Parts, kind: Kind, name: str | None = None) -> None:
    assert await parts.stores.divisions.freeze(parts.quiz_id, Freeze(kind, name, clock.now()))


async def test_what_is_frozen_stays_and_nobody_goes_who_was_not_erased_or_disqualified(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        people = people_of(60)
        await know(parts, people)
        attempts = some_attempts([*people], parts.quiz.opens_at, 3)
        await sit(parts, attempts)
        await make(parts)
        before = expected(attempts, people)
        assert await shown(parts) == before
        await freeze(parts, "district", "范县")
        await freeze(parts, "group")
        await freeze(parts, "group")
        later = parts.quiz.opens_at + timedelta(seconds=2_000)
        more = [
            Sat(who, 3, 5, 20, later)
            for who in people
            if max(one.number for one in attempts if one.who == who) < 3
        ]
        await sit(parts, more)
        at = Deciding(parts)
        await parts.catalogue.refresh()
        await at.out("person-001")
        await parts.stores.participants.save({"person-004": ProfileChange(2, None)})
        for _ in range(2):
            await make(parts)
            found = await shown(parts)
            gone = {"person-001", "person-004"}
            now = expected(
                [one for one in attempts + more if one.who not in gone],
                {who: one for who, one in people.items() if who not in gone},
            )
            for division, rows in found.items():
                if division.kind == "group" or division == Division("district", "范县"):
                    assert [row[1:] for row in rows] == [
                        row[1:] for row in before[division] if row[1] not in gone
                    ]
                else:
                    assert rows == now[division]
        await parts.stores.divisions.thaw(parts.quiz_id, "group", None, clock.now())
        await parts.stores.divisions.thaw(parts.quiz_id, "district", "范县", clock.now())
        await make(parts)
        assert await shown(parts) == now


async def test_a_freeze_while_boards_are_made_holds(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        people = people_of(60)
        await know(parts, people)
        attempts = some_attempts([*people], parts.quiz.opens_at, 3)
        await sit(parts, attempts)
        await make(parts)
        before = await shown(parts)
        await sit(parts, [Sat("person-new", 1, 5, 20, parts.quiz.opens_at + timedelta(seconds=2_000))])
        await know(parts, {"person-new": people["person-001"]})
        worker = builder(parts)
        await worker.go_on(parts.quiz_id)
        await freeze(parts, "group")
        await make(parts, worker)
        after = await shown(parts)
        for division in before:
            assert (after[division] == before[division]) == (
                division.kind == "group"
                or division.name not in {people["person-001"].district, people["person-001"].audience}
            )


async def test_a_frozen_quiz_freezes_all_its_boards(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        people = people_of(40)
        await know(parts, people)
        frozen_at = parts.quiz.opens_at + timedelta(seconds=1_900)
        attempts = some_attempts([*people], parts.quiz.opens_at, 3)
        await sit(parts, attempts)
        await parts.freeze(frozen_at)
        later = [Sat("person-new", 1, 5, 20, frozen_at + timedelta(seconds=1))]
        await know(parts, {"person-new": people["person-001"]})
        await sit(parts, later)
        await make(parts)
        assert await shown(parts) == expected(attempts, people)
        await parts.stores.quizzes.thaw(parts.quiz_id)
        await parts.upkeep.turn()
        await make(parts)
        assert await shown(parts) == expected(attempts + later, people | {"person-new": people["person-001"]})


async def closed_with_boards(parts: Parts, kafka: str) -> tuple[Deciding, dict[str, Any], list[Entry]]:
    """A quiz that is closed, with its people, attempts and log."""
    people = people_of(40)
    await know(parts, people)
    attempts = some_attempts([*people], parts.quiz.opens_at, 3)
    sent = [
        parts.submission(
            one.who, right=one.right, number=one.number, seconds=one.seconds, submitted_at=one.submitted_at
        )
        for one in attempts
    ]
    await sit(parts, attempts)
    await make(parts)
    await freeze(parts, "district")
    now, at = datetime.now(UTC), Deciding(parts)
    await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
    await parts.closer(kafka).close_due(now + timedelta(minutes=1))
    now_ms = int(time.time() * 1000)
    log = [replace(logged(envelope(one), n), time_ms=now_ms) for n, one in enumerate(sent)]
    told = [
        joined(who, one.group_id, one.district).model_copy(update={"audience": one.audience})
        for who, one in people.items()
    ]
    log += [replace(logged(enclosed(one), 1_000 + n), time_ms=1) for n, one in enumerate(told)]
    return at, {"people": people, "attempts": attempts}, log


async def test_boards_are_final_at_the_close_and_follow_decisions_and_erasures(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        at, of, _ = await closed_with_boards(parts, kafka)
        people, attempts, quiz_id = of["people"], of["attempts"], parts.quiz_id
        divisions, worker = parts.stores.divisions, builder(parts, refresh_seconds=1e6)
        await parts.catalogue.refresh()
        assert await worker.pending("", 1) == [quiz_id]
        await make(parts, worker)
        state = await divisions.state(quiz_id)
        assert (state.final, state.frozen, state.version) == (1, (), 2)
        assert await shown(parts) == expected(attempts, people)
        assert await worker.pending("", 1) == [], "they are made once"
        assert not await divisions.freeze(quiz_id, Freeze("district", None, clock.now()))

        # Disqualified after the close, and back again: a version each.
        first = await shown(parts)
        for act, number in ((at.out, 2), (at.back, 3)):
            await act("person-002")
            await at.settle()
            await at.revise()
            await parts.catalogue.refresh()
            await make(parts, worker)
            state = await divisions.state(quiz_id)
            assert state.final == number
            without = [one for one in attempts if number == 3 or one.who != "person-002"]
            assert await shown(parts) == expected(without, people)
        assert await shown(parts) == first

        # Erased: the standing of the closed quiz stays, and nobody finds this person on a board.
        await parts.grading.keep_participants(batch_of(erased("person-003")))
        await parts.sweeper().turn()
        assert not await divisions.spots_of(quiz_id, state, "nobody")
        await at.database["divisions"].update_one({"_id": quiz_id}, {"$unset": {"again_at": ""}})
        await make(parts, worker)
        rest = {who: one for who, one in people.items() if who != "person-003"}
        assert await shown(parts) == expected(attempts, rest)
        # Nor in what was replaced, after a while.
        long_ago = clock.now() - timedelta(minutes=2)
        await at.database["divisions"].update_one({"_id": quiz_id}, {"$set": {"replaced_at": long_ago}})
        assert await worker.pending("", 1) == [quiz_id]
        await worker.go_on(quiz_id)
        state = await divisions.state(quiz_id)
        assert await names(at.database, quiz_id) == {state.boards}
        assert await worker.pending("", 1) == []


async def test_final_boards_follow_a_correction_after_the_close(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        at, of, log = await closed_with_boards(parts, kafka)
        await make(parts)
        first, worker = await shown(parts), builder(parts, refresh_seconds=1e6)
        correcting = Correcting(parts)
        await correcting.prepare()
        await correcting.correct("q1", "B")
        await parts.catalogue.refresh()
        assert await worker.pending("", 1) == [], "results are being graded again"
        await correcting.regrade()
        await at.revise()
        await parts.catalogue.refresh()
        assert await worker.pending("", 1) == [parts.quiz_id]
        await make(parts, worker)
        graded = [
            Sat(
                one["participant_id"],
                1,
                one["halves"] // 2,
                one["time_used_seconds"],
                one["submitted_at"],
            )
            async for one in at.database["results"].find()
        ]
        now = await shown(parts)
        assert now == expected(graded, of["people"]) != first
        assert (await parts.stores.divisions.state(parts.quiz_id)).final == 2
        log += entries(await outbox.waiting(at.database), 5_000)
        assert await wrong_boards(parts, log) == []


async def wrong_boards(parts: Parts, log: list[Entry]) -> list[str]:
    checks = await audit_quiz(Log(log), parts.stores.database, [])
    [check] = [one for one in checks if one.name == "final boards of divisions have their people in order"]
    assert check.expected
    return check.wrong


async def test_the_audit_recomputes_boards_and_finds_each_wrong_one(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        at, of, log = await closed_with_boards(parts, kafka)
        await make(parts)
        log += entries(await outbox.waiting(at.database), 5_000)
        assert await wrong_boards(parts, log) == []
        boards, quiz_id = at.database["division_boards"], parts.quiz_id
        name = (await parts.stores.divisions.state(quiz_id)).boards
        page = f"{quiz_id}/{name}/page/0/0"
        kept = await boards.find_one({"_id": page})
        assert kept is not None
        rows = msgspec.msgpack.decode(kept["rows"])
        (who, order), *rest = rows
        for spoilt in (
            rest,
            [[who, order + (1 << 52)], *rest],
            [*rest, [who, order]],
            [*rows, ["person-x", 1]],
        ):
            await boards.update_one({"_id": page}, {"$set": {"rows": msgspec.msgpack.encode(spoilt)}})
            assert await wrong_boards(parts, log) != []
        await boards.replace_one({"_id": page}, kept)
        table = f"{quiz_id}/{name}/table/group"
        stored = await boards.find_one({"_id": table})
        assert stored is not None
        for field, value in (
            ("best", [1]),
            ("people", 1),
            ("ranks", [2]),
            ("name", "another"),
            ("hidden", False),
        ):
            some = msgspec.msgpack.decode(stored["boards"])
            one = next(board for board in some if board["name"] == "small")
            one[field] = value
            await boards.update_one({"_id": table}, {"$set": {"boards": msgspec.msgpack.encode(some)}})
            assert await wrong_boards(parts, log) != [], field
        await boards.replace_one({"_id": table}, stored)
        # Somebody has moved long before, and is on the board of the old group.
        moved = [one for one in log if one.topic == "participant.joined"][3]
        body = {**moved.body, "version": 2, "group_id": "another"}
        again = replace(moved, offset=9_000, value=msgspec.json.encode(body), event_id="moved")
        assert await wrong_boards(parts, [*log, again]) == [f"{quiz_id}/person-003"]
        assert of["people"]
