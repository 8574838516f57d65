"""The pages: an index, one for each event, and their style. No script runs, and nothing is fetched."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ops.contracts.delivery import HEADERS
from ops.documents.catalogue import codes, flow, words
from ops.documents.catalogue.facts import Fact, all_facts
from ops.documents.values import in_words
from shared.contracts.topics import RECORD_BYTES_MAX

FOLDER = "docs/events"
TEMPLATES = Path(__file__).with_name("templates")
_CODE = re.compile(r"`([^`]+)`")


def files() -> dict[str, Callable[[], str]]:
    """Each file of the catalogue, and what makes it."""
    names = [fact.name for fact in _facts()]
    return {
        f"{FOLDER}/index.html": index,
        f"{FOLDER}/style.css": (TEMPLATES / "style.css").read_text,
        **{f"{FOLDER}/{name}.html": _maker(name) for name in names},
    }


def index() -> str:
    """The page with all events."""
    facts = _facts()
    return (
        _templates()
        .get_template("index.html")
        .render(
            facts=[(fact, words.of_event(fact.name)) for fact in facts],
            services=[flow.of_service(name, facts) for name in flow.SERVICES],
            arrows=flow.arrows(facts),
            flow=flow,
            root="../../",
        )
    )


def page(fact: Fact) -> str:
    """The page of an event."""
    said = words.of_event(fact.name)
    facts = _facts()
    at = facts.index(fact)
    return (
        _templates()
        .get_template("event.html")
        .render(
            fact=fact,
            said=said,
            key_why=words.of_key(fact.contract.key_field),
            headers=HEADERS,
            kept=in_words("RETENTION_DAYS", fact.topic.retention_days),
            body_max=in_words("BODY_BYTES_MAX", fact.contract.bytes_max),
            record_max=in_words("RECORD_BYTES_MAX", RECORD_BYTES_MAX),
            common_codes=codes.OF_ALL,
            code_words=words.of_code,
            example_headers="\n".join(f"{name}: {value}" for name, value in fact.example["headers"].items()),
            example_body=json.dumps(fact.example["data"], ensure_ascii=False, indent=2),
            before=facts[at - 1] if at else None,
            after=facts[at + 1] if at + 1 < len(facts) else None,
            root="../../",
        )
    )


def _maker(name: str) -> Callable[[], str]:
    return lambda: page(next(fact for fact in _facts() if fact.name == name))


@cache
def _facts() -> list[Fact]:
    return all_facts()


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["prose"] = prose
    return found


def prose(text: str) -> Markup:
    """Words as they stand in a docstring or in events.toml: names in backticks become code, events links."""
    known = {fact.name for fact in _facts()}
    return Markup("").join(_parts(text, known))


def _parts(text: str, known: set[str]) -> Iterator[Any]:
    for number, part in enumerate(_CODE.split(text)):
        if number % 2 == 0:
            yield escape(part)
        elif part in known:
            yield Markup('<a href="{0}.html"><code>{0}</code></a>').format(part)
        else:
            yield Markup("<code>{}</code>").format(part)
