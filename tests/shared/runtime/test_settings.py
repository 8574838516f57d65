"""What settings tell when they are wrong: the variable and the reason, a line each, and never a value."""

import os
import subprocess
import sys
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from services.awards.app import AwardsSettings
from services.notifications.app import NotificationsSettings
from services.overview.app import OverviewSettings
from services.quiz.app import QuizSettings
from services.registration.app import RegistrationSettings
from services.webhooks.app import WebhooksSettings
from shared.runtime.settings import WRONG_SETTINGS, KafkaSettings, Settings, misspelt, read
from shared.runtime.variables import variable
from shared.web.tokens import new_key_pair

PRIVATE, PUBLIC = new_key_pair()
SERVICES: dict[str, type[KafkaSettings]] = {
    "registration": RegistrationSettings,
    "quiz": QuizSettings,
    "awards": AwardsSettings,
    "notifications": NotificationsSettings,
    "webhooks": WebhooksSettings,
    "overview": OverviewSettings,
}
GOOD: dict[str, Any] = {"organiser_key": SecretStr("k" * 16), "token_public_key": PUBLIC}


def test_wrong_settings_are_told_by_their_variables_without_their_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEPU_ORGANISER_KEY", "too-short")
    monkeypatch.setenv("KEPU_PORT", "eighty")
    monkeypatch.delenv("KEPU_TOKEN_PUBLIC_KEY", raising=False)
    told: list[str] = []
    with pytest.raises(SystemExit) as found:
        read(Settings, told.append)
    assert found.value.code == WRONG_SETTINGS
    assert [line.partition(": ")[0] for line in told] == [
        "KEPU_PORT",
        "KEPU_ORGANISER_KEY",
        "KEPU_TOKEN_PUBLIC_KEY",
    ]
    assert told[2] == "KEPU_TOKEN_PUBLIC_KEY: is not set"
    assert "too-short" not in "".join(told)
    assert "eighty" not in "".join(told)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "mongo",
            ["", "127.0.0.1:27017", "http://127.0.0.1", "mongodb://", "mongodb://a:x", "mongodb://a:70000"],
        ),
        ("kafka", ["", "127.0.0.1", "127.0.0.1:", "a:9092,", "a:b", "a:0", ":9092"]),
        ("root_path", ["quiz", "/quiz/", "/", "//quiz", "/../quiz", "/a b", "https://example.org/quiz"]),
        (
            "traces",
            ["collector:4318", "http://collector:4318", "http:///v1/traces", "ftp://collector/v1/traces"],
        ),
        ("token_public_key", ["", "a", PRIVATE, PUBLIC[:-40], "-----BEGIN PUBLIC KEY-----"]),
    ],
)
def test_an_address_or_key_that_cannot_be_one_is_told_at_once(name: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(ValidationError) as found:
            Settings(**{**GOOD, name: value})
        assert [error["loc"] for error in found.value.errors()] == [(name,)]


@pytest.mark.parametrize(
    "mongo",
    ["mongodb://a", "mongodb://u:p%40@a:1,b:2/?replicaSet=rs0", "mongodb+srv://db.example.org/?tls=true"],
)
def test_addresses_as_the_driver_takes_them_are_taken(mongo: str) -> None:
    assert Settings(**GOOD, mongo=mongo, kafka="a:1,b.example.org:2").mongo == mongo


def test_a_misspelt_variable_is_noticed() -> None:
    environment = {"KEPU_KAFAK": "a:1", "KEPU_PROT": "1", "KEPU_MONGO": "x", "KEPU_JAVA": "x", "PATH": "x"}
    assert misspelt(Settings, environment) == [("KEPU_KAFAK", "KEPU_KAFKA"), ("KEPU_PROT", "KEPU_PORT")]


def test_no_variable_of_another_service_is_taken_for_a_misspelling() -> None:
    all_of_them = {variable(name): "x" for kind in SERVICES.values() for name in kind.model_fields}
    for kind in SERVICES.values():
        assert misspelt(kind, all_of_them) == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_ends_at_once_and_without_a_traceback(service: str) -> None:
    environment = {"PATH": os.environ["PATH"], "KEPU_TOKEN_PUBLIC_KEY": "secret-nonsense", "KEPU_MONGO": "x"}
    ended = subprocess.run(
        [sys.executable, "-m", f"services.{service}.app"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == WRONG_SETTINGS
    lines = ended.stderr.splitlines()
    assert {"KEPU_ORGANISER_KEY: is not set"} <= set(lines)
    assert {line.partition(": ")[0] for line in lines} >= {"KEPU_MONGO", "KEPU_TOKEN_PUBLIC_KEY"}
    assert all(line.startswith(("KEPU_", "settings: ")) for line in lines)
    assert "secret-nonsense" not in ended.stderr
