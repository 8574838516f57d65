"""Which boards are hidden, when boards are due, and how divisions are ranked against each other."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from services.quiz.divisions.counting import Board, Counting
from services.quiz.divisions.figures import Value, compared
from services.quiz.divisions.rules import (
    DIVISIONS_A_KIND_MAX,
    PEOPLE_SHOWN_MIN,
    REPLACED_KEPT,
    SIZE_MAX,
    Division,
    Freeze,
    Kind,
    State,
    hidden_divisions,
    is_due,
    is_to_clear,
)
from services.quiz.participants.rules import Profile
from services.quiz.quizzes.record import Final, QuizRecord, Status
from services.quiz.quizzes.rules import QuizId
from tests.quiz.builders import quiz

NOW = datetime.now(UTC)


def board(name: str, *half_points: int, kind: Kind = "group") -> Board:
    return Board(kind, name, 0, len(half_points), sorted(half_points, reverse=True)[:100])


def record(status: Status = "open", version: int = 1, regrading: int | None = None) -> QuizRecord:
    return QuizRecord(QuizId("one"), quiz(), status, NOW, 1, final=Final(version), regrading=regrading)


def test_divisions_are_ranked_by_the_exact_mean_of_their_best_people() -> None:
    boards = [
        board("b", *[20] * 9, 19, 0, 0),
        board("a", *[20] * 10),
        board("few", *[40] * 9),
        board("alike", *[20] * 9, 19),
        board("last", *[1] * 30),
    ]
    ranked = compared(boards, "mean", 10, {})
    assert [(one.rank, one.board.name) for one in ranked] == [
        (1, "a"),
        (2, "alike"),
        (2, "b"),
        (4, "last"),
        (None, "few"),
    ]
    assert ranked[1].value == Value(199, 10)
    # Of nine people each, the small one is the best.
    assert next(one.board.name for one in compared(boards, "mean", 9, {})) == "few"


def test_participation_is_compared_as_fractions_and_only_where_a_size_is_known() -> None:
    boards = [board("a", *[1] * 3), board("b", *[1] * 6), board("c", *[1] * 7), board("d", *[9] * 50)]
    sizes = {"a": 9, "b": 18, "c": 21_000_001}
    ranked = compared(boards, "participation", 10, sizes)
    assert [(one.rank, one.board.name, one.value) for one in ranked] == [
        (1, "a", Value(3, 9)),
        (1, "b", Value(6, 18)),
        (3, "c", Value(7, 21_000_001)),
        (None, "d", None),
    ]
    assert all(one.order < other.order for one, other in pairwise(ranked))
    # As near as two shares can be: doubles could not tell these.
    near = {"a": SIZE_MAX, "b": SIZE_MAX - 1}
    boards = [board("a"), board("b")]
    boards[0].people, boards[1].people = SIZE_MAX - 1, SIZE_MAX - 2
    assert [(one.rank, one.board.name) for one in compared(boards, "participation", 10, near)] == [
        (1, "a"),
        (2, "b"),
    ]


@pytest.mark.parametrize("seed", range(200))
def test_whoever_is_on_no_board_is_one_of_several(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 (simulated people)
    sizes = [chance.choice((1, 2, 5, 8)) for _ in range(chance.randrange(1, 7))]
    people = [
        Profile(
            chance.choice((f"group-{n}", f"group-{n}", None)) if seed % 2 else f"group-{n}",
            chance.choice("ab") if seed % 3 else f"district-{n % 2}",
            audience=chance.choice(("youth", "elderly")),
        )
        for n, size in enumerate(sizes)
        for _ in range(size)
    ]
    counting = Counting("time_used", len(people))
    for n, one in enumerate(people):
        counting.know(one)
        for kind, name in (("audience", one.audience), ("district", one.district), ("group", one.group_id)):
            if name is not None:
                counting.add(Division(kind, name), (f"p{n}", 1_000 - n))  # type: ignore[arg-type]
    tables = counting.tables()
    hidden = {(kind, one.name) for kind, boards in tables.items() for one in boards if one.hidden}
    assert all((one.people < PEOPLE_SHOWN_MIN) <= one.hidden for boards in tables.values() for one in boards)
    among = {
        "audience": [people],
        "district": [people],
        "group": [
            people,
            *([p for p in people if p.district == name] for name in {p.district for p in people}),
        ],
    }
    for kind, sets in among.items():
        for some in sets:
            names = Counter(p.group_id if kind == "group" else getattr(p, kind) for p in some)
            without = {
                name: number for name, number in names.items() if name is None or (kind, name) in hidden
            }
            if without.keys() - {None} and without.keys() != names.keys():
                assert len(without) >= 2
                assert sum(without.values()) >= PEOPLE_SHOWN_MIN


def test_no_board_is_hidden_without_a_small_one() -> None:
    assert (
        hidden_divisions({"district": {"a": 5, "b": 900, None: 1}}, {("a", None): 5, ("b", None): 900})
        == set()
    )
    assert hidden_divisions({"district": {"a": 4, None: 1}}, {}) == {Division("district", "a")}
    assert hidden_divisions({"district": {"a": 4, "b": 9, "c": 7}}, {}) == {
        Division("district", "a"),
        Division("district", "c"),
    }


def test_boards_are_made_again_and_again_while_a_quiz_is_open_and_once_for_each_final_version() -> None:
    made = State(version=1, final=0, again_at=NOW + timedelta(seconds=1))
    assert is_due(record(), State(), NOW)
    assert not is_due(record(), made, NOW)
    assert is_due(record(), made, NOW + timedelta(seconds=1))
    assert not is_due(record(), State(), NOW - timedelta(days=1)), "it has not opened"
    # The close comes at once, whatever the boards of before have cost.
    assert is_due(record("closed"), made, NOW)
    final = State(version=2, final=1, again_at=NOW)
    assert not is_due(record("closed"), final, NOW + timedelta(days=1))
    assert is_due(record("closed", version=2), final, NOW)
    assert not is_due(record("closed", version=2, regrading=1), final, NOW)
    asked = State(version=2, final=1, again_at=NOW, asked=1)
    assert is_due(record("closed"), asked, NOW)
    assert not is_due(record("closed"), asked, NOW - timedelta(seconds=1))
    assert not is_due(record("cancelled"), final, NOW + timedelta(days=1))
    assert is_due(record("cancelled"), asked, NOW)


def test_replaced_boards_are_kept_for_a_while() -> None:
    state = State(before="x", replaced_at=NOW)
    assert not is_to_clear(state, NOW + REPLACED_KEPT)
    assert is_to_clear(state, NOW + REPLACED_KEPT + timedelta(seconds=1))
    assert not is_to_clear(State(replaced_at=NOW), NOW + timedelta(days=1))


def test_a_division_is_frozen_for_itself_or_with_its_kind() -> None:
    earlier = NOW - timedelta(minutes=1)
    state = State(
        frozen=(Freeze("group", "a", NOW), Freeze("district", None, NOW), Freeze("district", "b", earlier))
    )
    assert state.frozen_at("group") is None
    assert state.frozen_at("group", "a") == NOW
    assert state.frozen_at("group", "b") is None
    assert state.frozen_at("district", "a") == NOW
    assert state.frozen_at("district", "b") == earlier
    assert state.frozen_at("district") == NOW


def test_further_divisions_have_no_board() -> None:
    counting = Counting("shared", 10)
    for n in range(DIVISIONS_A_KIND_MAX + 5):
        counting.add(Division("group", f"g{n}"), (f"p{n}", 1))
    assert len(counting.tables()["group"]) == DIVISIONS_A_KIND_MAX
