"""Secrets from files, and the settings that say how to reach Kafka."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ops.deployment.configuration import settings_of
from shared.runtime.mongo_url import shown
from shared.runtime.settings import KafkaSettings, Settings, misspelt, wrong
from shared.runtime.variables import SECRET_BYTES_MAX, secret_of, taken_from
from shared.web.tokens import new_key_pair
from tests.support.certificates import Authority

PUBLIC = new_key_pair()[1]
NAMES = ("KEPU_ORGANISER_KEY", "KEPU_TOKEN_PUBLIC_KEY", "KEPU_MONGO")
LOGIN = {"KEPU_KAFKA_SECURITY": "SASL_SSL", "KEPU_KAFKA_USERNAME": "quiz", "KEPU_KAFKA_PASSWORD": "hidden"}


def told(environment: dict[str, str], kind: type[KafkaSettings] = Settings) -> list[str]:
    with taken_from(environment), pytest.raises(ValidationError) as found:
        kind()
    return wrong(found.value)


def files(folder: Path, **contents: str | bytes) -> dict[str, str]:
    """Files with these contents, as variables."""
    for name, content in contents.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return {f"KEPU_{name.upper()}_FILE": str(folder / name) for name in contents}


def fine(folder: Path) -> dict[str, str]:
    return files(
        folder,
        organiser_key="a key of the owner\n",
        token_public_key=PUBLIC.replace("\\n", "\n"),
        mongo="mongodb://kepu:hidden@a:1/?replicaSet=rs0\r\n",
    )


def test_secrets_and_their_public_keys_come_from_files(tmp_path: Path) -> None:
    with taken_from({**fine(tmp_path), "KEPU_MONGO": ""}):
        settings = Settings()
    assert settings.organiser_key.get_secret_value() == "a key of the owner"
    assert settings.mongo == "mongodb://kepu:hidden@a:1/?replicaSet=rs0"
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "names no file"),
        (b"", "names an empty file"),
        (b"\n", "names an empty file"),
        (b"hidden\xff", "names a file that is no text"),
        (b"hidden" * SECRET_BYTES_MAX, f"names a file of more than {SECRET_BYTES_MAX} bytes"),
    ],
)
def test_a_file_without_a_secret_is_told_by_its_variable(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    environment = fine(tmp_path)
    file = Path(environment[f"{name}_FILE"])
    file.unlink() if content is None else file.write_bytes(content)
    assert told(environment) == [f"{name}_FILE: {words}"]


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_is_given_once(tmp_path: Path, name: str) -> None:
    assert told({**fine(tmp_path), name: "hidden"}) == [
        f"{name}_FILE: is set, and {name} too: give one of them"
    ]


def test_what_is_no_secret_has_no_file(tmp_path: Path) -> None:
    with taken_from({**fine(tmp_path), **files(tmp_path, port="9000")}):
        assert Settings().port == 8000


def test_the_variable_of_a_file_is_no_misspelling() -> None:
    kind = settings_of("notifications")
    given = {"KEPU_MONGO_FILE": "x", "KEPU_SMTP_PASSWORD_FILE": "x", "KEPU_SMTP_PASWORD_FILE": "x"}
    assert misspelt(kind, given) == [("KEPU_SMTP_PASWORD_FILE", "KEPU_SMTP_PASSWORD_FILE")]


def test_tools_read_a_secret_of_a_file_too(tmp_path: Path) -> None:
    environment = files(tmp_path, mongo="mongodb://a:1\n")
    assert secret_of("KEPU_MONGO", environment) == "mongodb://a:1"
    assert secret_of("KEPU_KAFKA", environment) is None
    with pytest.raises(ValueError, match="KEPU_MONGO_FILE is set, and KEPU_MONGO too"):
        secret_of("KEPU_MONGO", {**environment, "KEPU_MONGO": "hidden"})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"KEPU_KAFKA_SECURITY": "TLS"}, "KEPU_KAFKA_SECURITY: "),
        ({"KEPU_KAFKA_SASL_MECHANISM": "SCRAM"}, "KEPU_KAFKA_SASL_MECHANISM: "),
        ({"KEPU_KAFKA_SECURITY": ""}, "settings: KEPU_KAFKA_SECURITY is PLAINTEXT, so nobody logs in"),
        ({"KEPU_KAFKA_PASSWORD": ""}, "settings: SCRAM-SHA-512 needs KEPU_KAFKA_USERNAME and"),
        ({"KEPU_KAFKA_SASL_MECHANISM": "OAUTHBEARER"}, "settings: OAUTHBEARER needs KEPU_KAFKA_TOKEN_FILE"),
        (
            {"KEPU_KAFKA_SECURITY": "SASL_PLAINTEXT", "KEPU_KAFKA_SASL_MECHANISM": "PLAIN"},
            "settings: PLAIN over SASL_PLAINTEXT would send the secret in clear",
        ),
        ({"KEPU_KAFKA_CA_FILE": "/none"}, "KEPU_KAFKA_CA_FILE: names a file that cannot be used: No such"),
        ({"KEPU_KAFKA_CA_FILE": __file__}, "KEPU_KAFKA_CA_FILE: names a file that cannot be used: has no"),
        ({"KEPU_KAFKA_TOKEN_FILE": "/none"}, "KEPU_KAFKA_TOKEN_FILE: names no file"),
    ],
)
def test_settings_that_cannot_open_a_connection_are_told(changed: dict[str, Any], words: str) -> None:
    [line] = told({**LOGIN, **changed}, KafkaSettings)
    assert line.startswith(words)
    assert "hidden" not in line


def test_certificates_without_tls_are_told(tmp_path: Path) -> None:
    [line] = told({"KEPU_KAFKA_CA_FILE": str(Authority().write(tmp_path / "ca.pem"))}, KafkaSettings)
    assert line.startswith("settings: KEPU_KAFKA_SECURITY is PLAINTEXT, so KEPU_KAFKA_CA_FILE has no effect")


def test_an_address_is_shown_without_its_user_and_password() -> None:
    assert shown("mongodb://kepu:hid%40den@a:1,b:2/?replicaSet=rs0&authSource=admin") == "mongodb://a:1,b:2/"
    for address in ("mongodb://127.0.0.1:27017/?replicaSet=rs0", "127.0.0.1:9092"):
        assert shown(address) == address
