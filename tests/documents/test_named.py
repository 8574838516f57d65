"""Commands, endpoints, settings, metrics and topics that the guides name are there."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.core
import typer.main
from fastapi import FastAPI

from ops.cli import app
from ops.deployment import keys
from ops.deployment.configuration import settings_of
from ops.deployment.description import EVERY
from ops.documents.alerting import series_names
from ops.documents.settings import assembled
from shared.contracts import topics
from shared.messaging.policy import CODES_BEFORE_HANDLING, HANDLER_FAILED
from shared.runtime.settings import KafkaSettings, Settings
from shared.runtime.variables import variables_of

ROOT = Path(__file__).parents[2]
# Not those that tell of the past: decisions, and what has changed.
GUIDES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/runbooks/*.md"),
        *ROOT.glob("services/*/README.md"),
    ]
    if path.name != "CHANGELOG.md"
)
guides = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))

CODE = re.compile(r"```.*?```|^    [^\n]+$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
KEPU = re.compile(r"(?:^|[\s/`(])kepu ([a-z][a-z-]*)(.*)")
MAKE = re.compile(r"(?:^|[\s`])make ([a-z][a-z-]*)")
MODULE = re.compile(r"python3? -m ([a-z_.]+)")
SAID = re.compile(r"`(GET|PUT|POST|DELETE) (/[^`?\s]*)")
CURL = re.compile(
    r"curl (?:[^\n$]*?-X (\w+) )?[^\n$]*?\$(REGISTRATION|QUIZ|AWARDS|NOTIFICATIONS)(/[^\s\"?]*)(.*)"
)
SETTING = re.compile(r"KEPU_[A-Z_]+[A-Z]")
METRIC = re.compile(r"\bkepu_[a-z_]+[a-z]\b")
FIRST_WORDS = "|".join(sorted({topic.name.partition(".")[0] for topic in topics.ALL}))
TOPIC = re.compile(rf"`((?:{FIRST_WORDS})\.(?!json)[a-z_]+(?:\.[a-z-]+\.dead)?)`")
# Each service has them, and the document does not show them.
ALWAYS = {"/health", "/metrics", "/docs"}
# The client kit, a package and no metric.
KIT = "kepu_events"
NOT_OURS = {"pytest", "pip", "venv"}


def code_of(guide: Path) -> str:
    """What a guide shows as code, each command on one line."""
    return "\n".join(CODE.findall(guide.read_text())).replace("\\\n", " ")


@cache
def endpoints() -> dict[str, set[tuple[str, str]]]:
    """Method and path of every endpoint, an id in the path as {}, by service."""
    secrets = keys.fresh()
    found = {}
    for service in EVERY:
        made: FastAPI = assembled(service, secrets)
        paths = made.openapi()["paths"]
        found[service] = {(method.upper(), shape(path)) for path, item in paths.items() for method in item}
    return found


def shape(path: str) -> str:
    """A path with each id or variable as {}."""
    return re.sub(r"\{[^}]*\}|\$\w+", "{}", path)


def is_there(service: str, method: str, path: str) -> bool:
    """Whether a service has this endpoint; an id in the path may be a real one."""
    return any(
        known == method and re.fullmatch(re.escape(pattern).replace(r"\{\}", "[^/]+"), shape(path))
        for known, pattern in endpoints()[service]
    )


@guides
def test_endpoints_are_there(guide: Path) -> None:
    said = [
        f"{method} {path}"
        for method, path in SAID.findall(guide.read_text())
        if path not in ALWAYS and not any(is_there(service, method, path) for service in EVERY)
    ]
    assert said == []


@guides
def test_requests_by_curl_are_those_of_the_service(guide: Path) -> None:
    wrong = []
    for method, service, path, rest in CURL.findall(code_of(guide)):
        meant = method or ("POST" if re.search(r"(^|\s)-d\b", rest) else "GET")
        if path not in ALWAYS and not is_there(service.lower(), meant, path):
            wrong.append(f"{meant} {service}{path}")
    assert wrong == []


@guides
def test_kepu_commands_and_their_options_are_there(guide: Path) -> None:
    root = typer.main.get_group(app)
    wrong = []
    for name, rest in KEPU.findall(code_of(guide)):
        command: Any = root.commands.get(name)
        if isinstance(command, typer.core.TyperGroup) and (word := re.match(r" ([a-z][a-z-]*)", rest)):
            name = f"{name} {word[1]}"
            command = command.commands.get(word[1])
        if command is None:
            wrong.append(name)
            continue
        known = {option for parameter in command.params for option in parameter.opts}
        given = re.findall(r"(--[a-z-]+)", re.split(r"[`;,|]", rest)[0])
        wrong += [f"{name} {option}" for option in given if option not in known | {"--help"}]
    assert wrong == []


@guides
def test_make_targets_and_modules_are_there(guide: Path) -> None:
    code = code_of(guide)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE.findall(code)) - targets == set()
    modules = {name for name in MODULE.findall(code) if name.partition(".")[0] not in NOT_OURS}
    assert {name for name in modules if importlib.util.find_spec(name) is None} == set()


@guides
def test_settings_are_there(guide: Path) -> None:
    kinds: list[type[KafkaSettings]] = [Settings, *map(settings_of, EVERY)]
    known = {name for kind in kinds for name in variables_of(kind.model_fields)}
    elsewhere = "".join(
        path.read_text()
        for path in [
            *ROOT.glob("ops/**/*.py"),
            *ROOT.glob("kit/**/*.py"),
            ROOT / "docker-compose.yml",
            ROOT / "tests/conftest.py",
        ]
    )
    named = set(SETTING.findall(guide.read_text()))
    assert {name for name in named - known if name not in elsewhere} == set()


@guides
def test_metrics_are_there(guide: Path) -> None:
    databases = {settings_of(service).model_fields["database"].default for service in EVERY}
    assert set(METRIC.findall(guide.read_text())) - series_names() - databases - {KIT} == set()


@guides
def test_topics_are_there(guide: Path) -> None:
    assert set(TOPIC.findall(guide.read_text())) - {topic.name for topic in topics.ALL} == set()


def test_every_reason_to_give_a_record_up_is_explained() -> None:
    text = (ROOT / "docs/operating.md").read_text()
    assert [code for code in (*CODES_BEFORE_HANDLING, HANDLER_FAILED) if f"`{code}`" not in text] == []


def test_what_is_not_there_is_noticed() -> None:
    assert is_there("quiz", "POST", "/quizzes/$QUIZ_ID/close")
    assert not is_there("quiz", "POST", "/quizzes/some/open")
    assert not is_there("awards", "POST", "/quizzes/some/close")
