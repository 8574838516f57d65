"""Every wrong, missing and unknown setting is told in a sentence, by `kepu check-config` and by a service."""

from pathlib import Path

import pytest

from ops.deployment import keys
from ops.deployment.configuration import OTHERS, findings, settings_of, variables_in
from ops.deployment.description import SERVICES
from shared.runtime.settings import WRONG_SETTINGS, read
from shared.runtime.variables import taken_from

RIGHT = keys.fresh()
# Each with the service that is asked, the wrong variables, and the beginning of what is told.
WRONG = [
    ("quiz", {"KEPU_PORT": "eighty"}, "KEPU_PORT: "),
    ("quiz", {"KEPU_PORT": "70000"}, "KEPU_PORT: "),
    ("quiz", {"KEPU_ROLE": "apis"}, "KEPU_ROLE: "),
    ("quiz", {"KEPU_LOG_LEVEL": "loud"}, "KEPU_LOG_LEVEL: "),
    ("quiz", {"KEPU_KAFKA": "127.0.0.1"}, "KEPU_KAFKA: has to be host:port"),
    ("quiz", {"KEPU_KAFKA_SECURITY": "tls"}, "KEPU_KAFKA_SECURITY: "),
    ("quiz", {"KEPU_ATTEMPT_KEY": "hidden"}, "KEPU_ATTEMPT_KEY: "),
    ("quiz", {"KEPU_ATTEMPT_KEY": ""}, "KEPU_ATTEMPT_KEY: is not set"),
    (
        "quiz",
        {"KEPU_ATTEMPT_KEY": "", "KEPU_ATTEMPT_KEY_FILE": "/none"},
        "KEPU_ATTEMPT_KEY_FILE: names no",
    ),
    ("quiz", {"KEPU_ATTEMPT_KEY_FILE": "/none"}, "KEPU_ATTEMPT_KEY_FILE: is set, and KEPU_ATTEMPT_KEY too"),
    ("quiz", {"KEPU_TOKEN_PUBLIC_KEY": "hidden"}, "KEPU_TOKEN_PUBLIC_KEY: is not an Ed25519 public key"),
    (
        "registration",
        {"KEPU_TOKEN_PRIVATE_KEY": "hidden"},
        "KEPU_TOKEN_PRIVATE_KEY: is not an",
    ),
    (
        "registration",
        {"KEPU_CONTACT_PUBLIC_KEY": "hidden"},
        "KEPU_CONTACT_PUBLIC_KEY: is not a key",
    ),
    ("registration", {"KEPU_PHONE_REGIONS": "cn"}, "KEPU_PHONE_REGIONS: "),
    ("awards", {"KEPU_CREDENTIAL_KEY": "hidden"}, "KEPU_CREDENTIAL_KEY: is not an Ed25519 private key"),
    ("awards", {"KEPU_PUBLIC_URL": "example.org"}, "KEPU_PUBLIC_URL: "),
    (
        "notifications",
        {"KEPU_CONTACT_PRIVATE_KEY": ""},
        "settings: role worker needs",
    ),
    ("notifications", {"KEPU_MAIL_FROM": "nobody"}, "KEPU_MAIL_FROM: "),
    ("notifications", {"KEPU_SMS_URL": "sms.example.org"}, "KEPU_SMS_URL: "),
    (
        "notifications",
        {"KEPU_SMTP_USERNAME": "kepu"},
        "settings: KEPU_SMTP_USERNAME without",
    ),
    ("quiz", {"KEPU_MONGO": "http://127.0.0.1"}, "KEPU_MONGO: has to be like mongodb://"),
    ("quiz", {"KEPU_MONGO": "mongodb://u:hid@den@a/"}, "KEPU_MONGO: has a user or a password with signs"),
    (
        "quiz",
        {"KEPU_MONGO": "mongodb://u:hidden@a/?tls=yes"},
        "KEPU_MONGO: has an option that",
    ),
    (
        "quiz",
        {"KEPU_MONGO": "mongodb://a/?replicaSt=rs0"},
        "KEPU_MONGO: has an option that",
    ),
    ("quiz", {"KEPU_MONGO": "mongodb://a/?replicaSet="}, "KEPU_MONGO: has no name behind replicaSet="),
    ("quiz", {"KEPU_MONGO": "mongodb://a/?tls=true&tlsCAFile=/none"}, "KEPU_MONGO: names a file that cannot"),
    (
        "quiz",
        {"KEPU_MONGO": f"mongodb://a/?tls=true&tlsCAFile={__file__}"},
        "KEPU_MONGO: names a file",
    ),
    ("quiz", {"KEPU_MONGO": "mongodb://a,b/?directConnection=true"}, "KEPU_MONGO: cannot be used: Cannot"),
]


@pytest.mark.parametrize(("service", "changed", "words"), WRONG)
def test_a_wrong_setting_is_a_sentence(service: str, changed: dict[str, str], words: str) -> None:
    environment = {**RIGHT, **changed}
    [line] = findings(environment, [service])
    assert line.startswith(words)
    assert "hid" not in line
    told: list[str] = []
    with taken_from(environment), pytest.raises(SystemExit) as ended:
        read(settings_of(service), told.append)
    assert (ended.value.code, told) == (WRONG_SETTINGS, [line])


def test_fresh_keys_are_all_that_a_deployment_needs() -> None:
    assert list(findings(RIGHT)) == []


def test_what_is_wrong_for_some_services_names_them() -> None:
    missing = {name: value for name, value in RIGHT.items() if name != "KEPU_CONTACT_PUBLIC_KEY"}
    assert list(findings(missing)) == ["KEPU_CONTACT_PUBLIC_KEY: is not set (registration)"]
    assert list(findings({**RIGHT, "KEPU_PORT": "x"})) == list(
        findings({**RIGHT, "KEPU_PORT": "x"}, ["quiz"])
    )


def test_an_unknown_variable_is_told_with_the_one_that_was_meant() -> None:
    unknown = {"KEPU_KAFAK": "a:1", "KEPU_ATEMPT_KEY_FILE": "x", "KEPU_COFFEE": "x", "PATH": "x"}
    assert list(findings({**RIGHT, **unknown}, ["registration"])) == [
        "KEPU_ATEMPT_KEY_FILE: is no setting; did you mean KEPU_ATTEMPT_KEY_FILE?",
        "KEPU_COFFEE: is no setting",
        "KEPU_KAFAK: is no setting; did you mean KEPU_KAFKA?",
    ]


def test_variables_of_tools_and_of_compose_are_known() -> None:
    root = Path(__file__).parents[3]
    compose = (root / "docker-compose.yml").read_text()
    assert list(findings({**RIGHT, **dict.fromkeys(OTHERS, "1")})) == []
    for name, place in OTHERS.items():
        if place == "docker-compose.yml":
            assert name in compose


def test_an_env_file_is_read_as_compose_reads_it(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# KEPU_PORT=x\n\n{keys.as_env(RIGHT)}export KEPU_PORT='9000'\nKEPU_HOST=a=b\nnothing\n")
    assert variables_in(file) == {**RIGHT, "KEPU_PORT": "9000", "KEPU_HOST": "a=b"}
    assert list(findings(variables_in(file), SERVICES)) == []
