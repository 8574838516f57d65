"""A draw is computed again from the public answers, and each step that differs is named."""

import json
from copy import deepcopy
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ops.cli import app
from ops.draws import verify
from services.awards.draws import lottery
from services.awards.draws.lottery import list_line
from services.awards.draws.rules import holders

SECRET = "5f2a9c0d7e1b48368a4c6d9f0e3b2715"
TEXT = "".join(list_line(f"p{number:02}", 1 + number % 3) for number in range(20))
SEED = f"1.3.9./{SECRET}/"
DIGEST = sha256(TEXT.encode()).hexdigest()
DRAWN = lottery.draw(lottery.read_list(TEXT), DIGEST, SEED, 5)


def said(**changes: Any) -> dict[str, Any]:
    """What the service says of a draw, in which the first who was drawn was moved away."""
    held = holders([("一等", 1), ("二等", 2)], DRAWN, DRAWN[:1])
    draw: dict[str, Any] = {
        "draw_id": "lucky",
        "number": 1,
        "algorithm": "kepu_draw_1",
        "prizes": [{"tier": "一等", "places": 1}, {"tier": "二等", "places": 2}],
        "reserves": 2,
        "sources": [
            {"description": "福彩", "expected_at": "2023-05-21T21:15:00+08:00", "sha256": None},
            {
                "description": "公证员",
                "expected_at": None,
                "sha256": sha256(SECRET.encode()).hexdigest(),
            },
        ],
        "entrants": 20,
        "chances": 39,
        "list_sha256": DIGEST,
        "announced_at": "2023-05-21T09:00:00Z",
        "seed": SEED,
        "held_at": "2023-05-21T14:00:00Z",
        "drawn": [{"entrant_id": one, "tier": held.get(one)} for one in DRAWN],
        "moved": DRAWN[:1],
        "replaced_because": None,
    }
    return draw | changes


def test_a_draw_that_is_right_differs_in_nothing() -> None:
    assert verify.differences(said(), TEXT) == []
    assert verify.differences(said(seed=None, held_at=None, drawn=[], moved=[]), TEXT) == []
    nobody = [one | {"tier": None} for one in said()["drawn"]]
    assert verify.differences(said(replaced_because="名单有误", drawn=nobody), TEXT) == []


def swapped() -> list[Any]:
    drawn: list[Any] = deepcopy(said()["drawn"])
    drawn[1]["entrant_id"], drawn[2]["entrant_id"] = drawn[2]["entrant_id"], drawn[1]["entrant_id"]
    return drawn


def without_the_move() -> list[Any]:
    drawn: list[Any] = deepcopy(said()["drawn"])
    drawn[0]["tier"], drawn[3]["tier"] = "一等", None
    return drawn


@pytest.mark.parametrize(
    ("changes", "text", "step"),
    [
        ({"algorithm": "kepu_draw_2"}, TEXT, "rule"),
        ({}, TEXT.replace("p03 1", "p03 9"), "list"),
        ({"entrants": 21}, TEXT, "list"),
        ({"list_sha256": "0" * 64}, TEXT, "list"),
        ({"seed": f"1.3.8./{SECRET}/"}, TEXT, "drawn"),
        ({"seed": f"3.1.9./{SECRET}/"}, TEXT, "seed"),
        ({"seed": f"1.3.9./{SECRET}0/"}, TEXT, "seed"),
        ({"seed": "1.3.9./"}, TEXT, "seed"),
        ({"announced_at": "2023-05-21T13:15:00Z"}, TEXT, "seed"),
        ({"held_at": "2023-05-21T13:14:59Z"}, TEXT, "seed"),
        ({"drawn": swapped()}, TEXT, "drawn"),
        ({"drawn": said()["drawn"][:4]}, TEXT, "drawn"),
        ({"drawn": without_the_move()}, TEXT, "prizes"),
        ({"moved": []}, TEXT, "prizes"),
        ({"replaced_because": "名单有误"}, TEXT, "prizes"),
    ],
)
def test_each_step_that_differs_is_named(changes: dict[str, Any], text: str, step: str) -> None:
    found = [words.partition(":")[0] for words in verify.differences(said(**changes), text)]
    assert step in found


def test_a_list_out_of_order_is_named() -> None:
    lines = TEXT.splitlines(keepends=True)
    text = "".join([lines[1], lines[0], *lines[2:]])
    draw = said(list_sha256=sha256(text.encode()).hexdigest())
    assert "list: the ids are not in rising order, each once" in verify.differences(draw, text)


@given(
    st.dictionaries(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), st.integers(1, 50), max_size=25),
    st.integers(0, 10**6),
    st.integers(0, 30),
)
def test_both_writings_of_the_rule_draw_the_same(named: dict[str, int], number: int, count: int) -> None:
    text = "".join(list_line(*one) for one in sorted(named.items()))
    digest, seed = sha256(text.encode()).hexdigest(), f"{number}./"
    assert verify.drawn(text, seed, count) == lottery.draw(sorted(named.items()), digest, seed, count)


@given(st.permutations([f"p{number}" for number in range(7)]), st.lists(st.integers(0, 6), unique=True))
def test_both_writings_give_the_places_of_those_moved_away_to_the_same(
    drawn: list[str], places: list[int]
) -> None:
    moved = [drawn[place] for place in places]
    prizes = [("一等", 1), ("二等", 2)]
    shown = [{"tier": tier, "places": number} for tier, number in prizes]
    held = holders(prizes, drawn, moved)
    assert verify.holders(shown, drawn, moved) == held
    assert not held.keys() & set(moved)
    assert len(held) == min(3, len(drawn) - len(moved))


def test_the_command_verifies_files_and_says_what_differs(tmp_path: Path) -> None:
    draw, entrants = tmp_path / "draw.json", tmp_path / "entrants.txt"
    draw.write_text(json.dumps(said()))
    entrants.write_text(TEXT)
    good = CliRunner().invoke(app, ["draw", "verify", str(draw), str(entrants)])
    assert good.exit_code == 0, good.output
    assert "everything agrees" in good.output
    entrants.write_text(TEXT.replace("p03 1", "p03 9"))
    bad = CliRunner().invoke(app, ["draw", "verify", str(draw), str(entrants)])
    assert bad.exit_code == 1
    assert "list: its SHA-256 is" in bad.output
    draw.write_text("[]")
    assert CliRunner().invoke(app, ["draw", "verify", str(draw), str(entrants)]).exit_code == 1


class Served(BaseHTTPRequestHandler):
    """The two public answers of a draw that is right."""

    def do_GET(self) -> None:
        is_list = self.path == "/awards/draws/lucky/entrants.txt?number=1"
        body = TEXT if is_list else json.dumps(said())
        self.send_response(200 if is_list or self.path == "/awards/draws/lucky" else 404)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *said: object) -> None:
        """Nothing."""


def test_the_command_verifies_an_address() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/awards/draws"
        good = CliRunner().invoke(app, ["draw", "verify", f"{address}/lucky"])
        missing = CliRunner().invoke(app, ["draw", "verify", f"{address}/other"])
        server.shutdown()
    assert good.exit_code == 0, good.output
    assert "drawing 1 of lucky: everything agrees" in good.output
    assert missing.exit_code == 1
    assert "gives no draw" in missing.output
