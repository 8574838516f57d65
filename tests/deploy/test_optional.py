"""deploy/compose.NAME.yml of optional services: valid beside docker-compose.yml, with what each needs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ops.deployment.description import OPTIONAL
from ops.deployment.keys import COMMON, NEEDED
from ops.local.services import WEEK
from services.overview.watching.rules import addresses
from shared.messaging import create_topics
from tests.deploy.given import known_to, required_by
from tests.deploy.test_compose import PINNED, compose

FOLDER = Path(__file__).parents[2] / "deploy"
optional = pytest.mark.parametrize("name", OPTIONAL)


def more(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"compose.{name}.yml").read_text())
    return found


@optional
def test_it_is_valid_and_names_nothing_that_neither_file_has(name: str) -> None:
    schema = json.loads((Path(__file__).parent / "vendor" / "compose-spec.json").read_text())
    added = more(name)
    assert list(Draft202012Validator(schema).iter_errors(added)) == []
    both = {part: {**compose()[part], **added.get(part, {})} for part in ("services", "networks", "secrets")}
    for its_name, service in added["services"].items():
        assert its_name not in compose()["services"]
        assert PINNED.match(service["image"])
        assert set(service["networks"]) <= both["networks"].keys()
        assert set(service["depends_on"]) <= both["services"].keys()
        assert set(service.get("secrets", ())) <= both["secrets"].keys()
        assert (service["cap_drop"], service["read_only"]) == (["ALL"], True)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@optional
def test_the_service_gets_every_setting_that_it_requires_and_only_its_secrets(name: str) -> None:
    service = more(name)["services"][name]
    given = set(service["environment"])
    assert required_by(name) <= {variable.removesuffix("_FILE") for variable in given}
    assert given <= known_to(name)
    assert set(service["secrets"]) == {*COMMON, *NEEDED[name]}


@optional
def test_its_topics_are_created_by_its_name(name: str) -> None:
    command = more(name)["services"][f"{name}-topics"]["command"]
    assert command == ["python", "-m", create_topics.__name__, name]


def test_an_optional_service_that_is_misspelt_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["create_topics", "webhoks"])
    with pytest.raises(SystemExit, match="no optional service is called webhoks: webhooks"):
        create_topics.main()


def test_the_overview_asks_all_services_of_the_week() -> None:
    asked = more("overview")["services"]["overview"]["environment"]["KEPU_OVERVIEW_SERVICES"]
    assert addresses(asked) == {part.name: f"http://{part.name}:8000" for part in WEEK}


def test_the_overview_is_served_where_its_page_asks_for_it() -> None:
    caddyfile = (FOLDER / "caddy" / "compose.Caddyfile").read_text()
    # By the name of the service in Compose, in a network of the proxy's.
    assert "\timport copies overview\n" in caddyfile
    assert set(more("overview")["services"]["overview"]["networks"]) & set(
        compose()["services"]["proxy"]["networks"]
    )
