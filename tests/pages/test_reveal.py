"""The end of a contest on a large screen, place by place. The module of the page runs in Node here."""

from functools import partial

from tests.support.node import in_node

of_reveal = partial(in_node, "parts/hall-reveal.js")
FINAL = [{"rank": 1, "alias": "B"}, {"rank": 1, "alias": "C"}, {"rank": 3, "alias": "A"}]
FROZEN = [{"rank": 1, "alias": "A"}, {"rank": 2, "alias": "B"}]


def test_places_are_shown_from_the_last_one_up_with_their_places_before() -> None:
    shown = of_reveal("[0, 1, 2, 3, 9].map((n) => rowsOf(a, n, b))", FINAL, FROZEN)
    last, middle, first = {**FINAL[2], "before": 1}, {**FINAL[1], "before": None}, {**FINAL[0], "before": 2}
    assert shown == [
        [None, None, None],
        [None, None, last],
        [None, middle, last],
        [first, middle, last],
        [first, middle, last],
    ]


def test_without_a_freeze_and_a_secret_all_rows_are_as_they_are() -> None:
    assert of_reveal("rowsOf(a, null, null)", FINAL) == FINAL


def test_the_end_is_a_secret_if_nobody_in_the_hall_has_seen_it() -> None:
    asked = "[isSecret(a, null), isSecret(b, null), isSecret(b, c)]"
    assert of_reveal(asked, {"shows_scores": "at_close"}, {"shows_scores": "at_once"}, FROZEN) == [
        True,
        False,
        True,
    ]
