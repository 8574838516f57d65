"""Every code that a service refuses with: people get Chinese words, and dead letters of it count from 0."""

import ast
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from ops.documents.settings import assembled
from tests.test_roles import SECRETS

ROOT = Path(__file__).parent.parent
SERVICES = sorted(app.parent.name for app in ROOT.glob("services/*/app.py"))
services = pytest.mark.parametrize("service", SERVICES)

# Raised by services, and worded for all of them in shared/web/wording.py.
OF_ALL_SERVICES = {"after_invalid", "invalid", "token_ended", "token_missing", "version_differs"}
# Nobody gets these as an answer: operators read them in dead letters, mails and logs.
NOT_ANSWERED = {
    "partners": {"source_foreign"},
    "quiz": {"bad_body", "paper_empty", "times_impossible"},
    "notifications": {
        "address_invalid",
        "cause_id_unusable",
        "key_unreadable",
        "mail_unmakeable",
        "sms_unmakeable",
    },
}
# Refusals in functions and classes that handlers import, none of which becomes a dead letter.
NOT_DEAD_LETTERED = {
    "awards": {"scheme_in_use", "scheme_unknown", "too_many_schemes"},
    "notifications": {"participant_erased"},
    "quiz": {"participant_erased"},
    "webhooks": {
        "backlog_full",
        "body_gone",
        "delivery_unknown",
        "endpoint_unknown",
        "replay_too_large",
        "too_many_endpoints",
        "version_differs",
    },
}
# They refuse nothing but what all services refuse.
WITHOUT_CODES = {"overview"}
# No route refuses with these: they are in dead letters alone, or in a field of an answer.
NOT_REFUSED_WITH = {"awards": {"standings_too_short"}, "quiz": {"quiz_version_unknown"}}
RAISING = {"PydanticCustomError", "_rejected"}


@services
def test_every_code_has_chinese_words_and_no_other_has(service: str) -> None:
    sources = (ROOT / "services" / service).rglob("*.py")
    codes = {code for source in sources for code in codes_of(source.read_text())}
    worded = {code for words in wordings(service) for code in words}
    assert codes or service in WITHOUT_CODES
    assert codes - OF_ALL_SERVICES - NOT_ANSWERED.get(service, set()) == worded


@services
def test_a_code_has_the_same_chinese_words_in_all_rooms(service: str) -> None:
    words: dict[str, str] = {}
    for room in wordings(service):
        for code, chinese in room.items():
            assert words.setdefault(code, chinese) == chinese


def test_an_erased_participant_is_told_so_in_the_same_words_by_all_services() -> None:
    told = [words.get("participant_erased") for service in SERVICES for words in wordings(service)]
    assert len({chinese for chinese in told if chinese}) == 1


@services
def test_every_code_of_a_refusal_is_said_by_a_route_that_refuses_with_it(service: str) -> None:
    sources = (ROOT / "services" / service).rglob("*.py")
    # What is wrong with one field of a body is told by `errors`.
    codes = {code for source in sources for code in codes_of(source.read_text(), of_fields=False)}
    document = json.dumps(assembled(service, SECRETS).openapi())
    unsaid = {code for code in codes if f"`{code}`" not in document}
    elsewhere = OF_ALL_SERVICES | NOT_ANSWERED.get(service, set()) | NOT_REFUSED_WITH.get(service, set())
    assert unsaid - elsewhere == set()


@services
def test_every_code_of_a_dead_letter_is_declared_so_that_its_counter_starts_at_zero(service: str) -> None:
    found: set[str] = set()
    declared: set[str] = set()
    for path in (ROOT / "services" / service).glob("*/handlers.py"):
        module = import_module(f"services.{service}.{path.parent.name}.handlers")
        declared |= set(getattr(module, "DEAD_LETTER_CODES", ()))
        found |= codes_of(path.read_text()).union(*map(codes_of, imported(path)))
    assert found - NOT_DEAD_LETTERED.get(service, set()) <= declared


def wordings(service: str) -> Iterator[dict[str, str]]:
    """The Chinese words of each room of a service."""
    for wording in sorted((ROOT / "services" / service).glob("*/wording.py")):
        yield import_module(f"services.{service}.{wording.parent.name}.wording").CHINESE


def imported(path: Path) -> Iterator[str]:
    """The functions and classes of services that a module imports, each with its module's constants."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("services."):
            names = {one.name for one in node.names}
            source = (ROOT / f"{str(node.module).replace('.', '/')}.py").read_text()
            for part in ast.parse(source).body:
                if isinstance(part, ast.Assign) or getattr(part, "name", "") in names:
                    yield ast.unparse(part)


def codes_of(source: str, *, of_fields: bool = True) -> set[str]:
    """The codes that a module gives to errors; also to those of fields of a body."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        if of_fields and isinstance(node.func, ast.Name) and node.func.id in RAISING:
            given += node.args[:1]
        for value in given:
            code = value.value if isinstance(value, ast.Constant) else constants.get(getattr(value, "id", ""))
            if isinstance(code, str):
                found.add(code)
    return found


@pytest.mark.parametrize(
    "source",
    [
        'raise NotFound("…", code="quiz_unknown")',
        'UNKNOWN = "quiz_unknown"\nraise NotFound("…", code=UNKNOWN)',
        'raise PydanticCustomError("quiz_unknown", "…")',
        'return _rejected("quiz_unknown", "…")',
    ],
)
def test_a_code_is_found_however_it_is_given(source: str) -> None:
    assert codes_of(source) == {"quiz_unknown"}
