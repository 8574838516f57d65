"""deploy/compose.webhooks.yml: valid beside docker-compose.yml, and its service gets what it needs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ops.deployment.keys import COMMON, NEEDED
from shared.messaging import create_topics
from tests.deploy.given import known_to, required_by
from tests.deploy.test_compose import PINNED, compose

FILE = Path(__file__).parents[2] / "deploy" / "compose.webhooks.yml"


def more() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def test_it_is_valid_and_names_nothing_that_neither_file_has() -> None:
    schema = json.loads((Path(__file__).parent / "vendor" / "compose-spec.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(more())) == []
    both = {part: {**compose()[part], **more()[part]} for part in ("services", "networks", "secrets")}
    for name, service in more()["services"].items():
        assert name not in compose()["services"]
        assert PINNED.match(service["image"])
        assert set(service["networks"]) <= both["networks"].keys()
        assert set(service["depends_on"]) <= both["services"].keys()
        assert set(service.get("secrets", ())) <= both["secrets"].keys()
        assert (service["cap_drop"], service["read_only"]) == (["ALL"], True)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_service_gets_every_setting_that_it_requires_and_only_its_secrets() -> None:
    service = more()["services"]["webhooks"]
    given = set(service["environment"])
    assert required_by("webhooks") <= {name.removesuffix("_FILE") for name in given}
    assert given <= known_to("webhooks")
    assert set(service["secrets"]) == {*COMMON, *NEEDED["webhooks"]}


def test_its_topics_are_created_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    command = more()["services"]["webhooks-topics"]["command"]
    assert command == ["python", "-m", create_topics.__name__, "webhooks"]
    monkeypatch.setattr("sys.argv", ["create_topics", "webhoks"])
    with pytest.raises(SystemExit, match="no optional service is called webhoks: webhooks"):
        create_topics.main()
