"""The examples of events in `ALL` take every branch of every template, so each is worded in a test."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from jinja2 import nodes

from services.notifications.messages.rules import messages_of
from services.notifications.texts.render import LETTER, TEMPLATES, clean_facts, environment_of
from services.notifications.texts.tickets import with_ticket_code
from shared.contracts.events import Language
from tests.notifications.builders import NOW, key_of
from tests.notifications.texts.examples import ALL
from tests.support.service import enclosed

MARK = re.compile("\0([^\0]+)\0")
# Links to calendar files are in a message only where registration has a public address.
ADDRESSES = (None, "https://week.example.org/registration")


def marked(tree: nodes.Template, name: str) -> set[str]:
    """Put a mark into each branch of a template: what it says then shows which it has taken."""
    marks: set[str] = set()

    def mark(branch: list[nodes.Node], condition: nodes.If, which: str) -> None:
        marks.add(text := f"{name}, line {condition.lineno}: {which}")
        branch.insert(0, nodes.Output([nodes.TemplateData(f"\0{text}\0")]))

    conditions = list(tree.find_all(nodes.If))
    chained = {id(one) for condition in conditions for one in condition.elif_}
    for number, condition in enumerate(conditions):
        mark(condition.body, condition, f"condition {number} holds")
        if id(condition) not in chained:
            mark(condition.else_, condition, f"condition {number} does not hold")
    return marks


def not_taken(language: Language, folder: Path = TEMPLATES) -> Iterator[str]:
    """The branches of a language's templates that no example takes."""
    facts = [
        (message.kind, clean_facts(with_ticket_code(message.facts or {}, key)))
        for event in ALL
        for message in messages_of(event, enclosed(event).context, NOW)[:1]
        for key in (key_of("p"), None)
    ]
    for path in sorted((folder / language).glob("*.txt")):
        taken: set[str] = set()
        marks: set[str] = set()
        for address in ADDRESSES:
            environment = environment_of(language, address)
            tree = environment.parse(path.read_text())
            marks = marked(tree, path.name)
            template = environment.from_string(tree)
            for kind, known in facts:
                if kind == path.stem:
                    taken |= set(MARK.findall(template.render(known, you="您")))
        if path.stem != LETTER:
            yield from sorted(marks - taken)


@pytest.mark.parametrize("language", get_args(Language))
def test_some_example_takes_each_branch_of_a_template(language: Language) -> None:
    assert list(not_taken(language)) == [], "add an event for it to ALL in examples.py"


def test_a_branch_that_no_example_takes_is_found(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    template = "{% if passed %}a{% elif title == 'no such' %}b{% else %}c{% endif %}"
    (tmp_path / "en" / "quiz_completed.txt").write_text(template.replace("title", "quiz_title"))
    assert list(not_taken("en", tmp_path)) == ["quiz_completed.txt, line 1: condition 1 holds"]
