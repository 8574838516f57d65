"""The script of the slides, run by Node in a document made of a few objects: what each key shows."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from services.awards.ceremonies.page import FOLDER

NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node to run the script of the slides")


def shown(*keys: str, slides: int = 4) -> list[str]:
    """What is shown at first, and after each key or `wait SECONDS`."""
    assert NODE is not None
    document = Path(__file__).parent / "slides_run.js"
    run = subprocess.run(
        [NODE, str(document), str(FOLDER / "assets" / "slides.js"), str(slides)],
        input="\n".join(keys),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    found: list[str] = json.loads(run.stdout)
    return found


def test_the_first_slide_waits_and_keys_turn_the_slides() -> None:
    assert shown("wait 100", "ArrowRight", "PageDown", "ArrowLeft", "End", "ArrowRight", "Home") == [
        f"{slide} paused" for slide in (0, 0, 1, 2, 1, 3, 3, 0)
    ]


def test_the_slides_run_by_themselves_until_somebody_pauses() -> None:
    assert shown("Space", "wait 7", "wait 1", "wait 8", "Space", "wait 60", "Space", "wait 60") == [
        "0 paused",
        "0 running",
        "0 running",
        "1 running",
        "2 running",
        "2 paused",
        "2 paused",
        "2 running",
        "3 running",
    ]


def test_turning_a_slide_by_hand_gives_it_its_whole_time() -> None:
    assert shown("Space", "wait 7", "ArrowRight", "wait 7", "wait 1")[-3:] == [
        "1 running",
        "1 running",
        "2 running",
    ]


def test_a_black_screen_stands_still_and_full_screen_is_a_key() -> None:
    assert shown("Space", "b", "wait 60", "B", "F", "f") == [
        "0 paused",
        "0 running",
        "0 running black",
        "0 running black",
        "0 running",
        "0 running full",
        "0 running",
    ]
