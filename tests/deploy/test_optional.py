"""Optional services, in Compose and on Kubernetes: valid beside all others, with what each needs."""

import json
import os
import shutil
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
from tests.deploy.rendered import container_of, faults_of, of_kind, policies_of, rendered, selects
from tests.deploy.test_compose import PINNED, compose
from tests.deploy.test_kubernetes import VERSION, VERSIONS, labels_of, serving

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


@pytest.mark.parametrize("version", VERSIONS)
def test_the_overview_is_valid_gets_what_it_requires_and_reaches_all_that_it_asks(version: str) -> None:
    component = FOLDER / "kubernetes" / "components" / "overview"
    named = yaml.safe_load((component / "kustomization.yaml").read_text())["resources"]
    files = [component / name for name in named]
    documents = [one for file in files for one in yaml.safe_load_all(file.read_text())]
    assert [fault for one in documents for fault in faults_of(one, version)] == []
    own = {(one["kind"], one["metadata"]["name"]): one for one in documents}
    pod = own["Deployment", "overview"]["spec"]["template"]
    container = container_of(pod)
    given = {one["name"]: one for one in container["env"]}
    assert container["image"] == f"kepu-week/overview:{VERSION}"
    assert given.keys() <= known_to("overview")
    [shared] = [
        one["data"] for name, one in of_kind("small", "ConfigMap").items() if name.startswith("kepu-week-")
    ]
    assert required_by("overview") <= {*given, *shared}
    assert policies_of("small", pod) == {"nothing-else", "names", "kafka", "mongodb", "metrics", "requests"}
    # Every process of the week is asked, at an address that leads to it.
    asked = addresses(given["KEPU_OVERVIEW_SERVICES"]["value"])
    assert asked.keys() == {name.removesuffix("-api") for name in serving("small")}
    for name, address in asked.items():
        [port] = of_kind("small", "Service")[name]["spec"]["ports"]
        assert address == f"http://{name}:{port['port']}"
    asking = own["NetworkPolicy", "asked-by-overview"]["spec"]
    assert all(selects(asking["podSelector"], labels_of(one)) for one in serving("small").values())
    [allowed] = [one["podSelector"] for rule in asking["ingress"] for one in rule["from"]]
    assert selects(allowed, labels_of(pod))
    # The edge looks for it by this name, and creating its topics is a job of its own.
    copies = own["Service", "overview-copies"]["spec"]
    assert selects({"matchLabels": copies["selector"]}, labels_of(pod))
    assert "\timport copies overview\n" in (FOLDER / "caddy" / "kubernetes.Caddyfile").read_text()
    job = container_of(own["Job", "overview-topics"]["spec"]["template"])
    assert job["command"] == ["python", "-m", create_topics.__name__, "overview"]


def test_an_overlay_takes_the_overview_beside_all_that_it_has(tmp_path: Path) -> None:
    peak = FOLDER / "kubernetes" / "overlays" / "peak"
    overlay = yaml.safe_load((peak / "kustomization.yaml").read_text())
    overlay["components"].append("../../components/overview")
    # A copy of the overlay elsewhere: folders are named from there, and files come along.
    for kind in ("resources", "components"):
        overlay[kind] = [moved(peak / one, tmp_path) for one in overlay[kind]]
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    found = {(one["kind"], one["metadata"]["name"]): one for one in rendered(str(tmp_path))}
    assert len(found) == len(rendered(str(tmp_path))) > len(rendered("peak"))
    # It reads the settings of all services, under the name that they have there.
    [settings] = [name for kind, name in found if kind == "ConfigMap" and name.startswith("kepu-week-")]
    for kind, name in (("Deployment", "overview"), ("Job", "overview-topics")):
        container = container_of(found[kind, name]["spec"]["template"])
        assert container["envFrom"] == [{"configMapRef": {"name": settings}}]
    assert {one["metadata"].get("namespace") for one in found.values()} == {None, "kepu"}
    assert found["Service", "overview-copies"]["metadata"]["namespace"] == "kepu"


def moved(named: Path, folder: Path) -> str:
    """What names the same thing in another folder."""
    if named.is_dir():
        return os.path.relpath(named.resolve(), folder.resolve())
    shutil.copy(named, folder)
    return named.name
