"""What organisers are shown before they act is what the services do."""

import re
from pathlib import Path

import pytest

from pages.build import LANGUAGES
from services.notifications.texts.render import TEMPLATES
from tests.pages.test_pages import words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_a_cancellation_are_those_that_are_sent(language: str) -> None:
    sent = (TEMPLATES / language / "registration_cancelled.txt").read_text().replace("{{ you }}", "您")
    shown = words(language, "organise-programme.")["cancel.words"].replace(r"\"", '"')
    values = re.compile(r"\{\w+\}|…+|[（(].*[）)]")
    parts = [part for line in shown.split(r"\n") for part in values.split(line) if part]
    assert len(parts) > 5
    assert [part for part in parts if part not in sent] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_frame_of_a_mail_is_that_of_mails(language: str) -> None:
    sent = (TEMPLATES / language / "letter.txt").read_text()
    shown = words(language, "organise-messages.")["write.mail"]
    parts = [part for line in shown.split(r"\n") for part in re.split(r"\{\w+\}|\[.*?\]", line) if part]
    assert len(parts) > 1
    assert [part for part in parts if part not in sent] == []


def test_all_kinds_of_messages_have_words() -> None:
    kinds = {path.stem for path in (TEMPLATES / "en").glob("*.txt")} - {"letter"}
    prefix = "message-kind."
    known = words("en", "organise-messages.")
    assert kinds == {key.removeprefix(prefix) for key in known if key.startswith(prefix)}


def test_every_act_of_an_organiser_is_said_in_words() -> None:
    # The table of rights in the guide has every route.
    guide = (Path(__file__).parents[2] / "docs" / "organising.md").read_text()
    routes = re.findall(r"^\| \w+ \| `(POST|PUT|PATCH|DELETE) ([^`]+)`", guide, re.MULTILINE)
    assert len(routes) > 100
    said = words("en", "organise-acts.")
    for method, route in routes:
        fixed = [part for part in route.split("/") if part and not part.startswith("{")]
        did = fixed[-1] if len(fixed) > 1 and method != "DELETE" else method
        assert {f"act-of.{fixed[0]}", f"act-did.{did}"} <= said.keys(), route
