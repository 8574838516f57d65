"""The wheel is made of the services' own modules, and needs nothing else of ours."""

import importlib.util
import json
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import events, topics
from tests.support.kit import CLIENTS, EXAMPLES, KIT, ROOT, SECONDS, build, environment_with

# What no other team wants to install.
HEAVY = ("faststream", "aiokafka", "confluent_kafka", "motor", "pymongo", "fastapi", "pydantic_settings")
EXAMPLE_LINES_MAX = 20
CHECK = f"""
import json, importlib.util as found
import kepu_events
from kepu_events import Contact, Reader, Sender, events, seal, topics
from kepu_events.contracts.sealing import new_key_pair
contact = seal(Contact(name="李小明", email="li@example.org"), new_key_pair()[1])
asked = events.RegistrationRequested(
    request_id="r", participant_id="p", session_id="s", contact_sealed=contact)
record = Sender("schools/hall").record(asked)
assert Reader(events.RegistrationRequested).read(*record, timestamp_ms=0).event == asked
print(json.dumps({{
    "heavy": [name for name in {HEAVY!r} if found.find_spec(name)],
    "ours": [name for name in ("shared", "services", "ops") if found.find_spec(name)],
    "types": [one.type for one in events.ALL],
    "schemas": [one.model_json_schema() for one in events.ALL],
    "partitions": [one.partitions for one in topics.LIVE],
}}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


def contents() -> dict[str, str]:
    """What the build puts into the wheel."""
    spec = importlib.util.spec_from_file_location("hatch_build", KIT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, str] = module.contents(ROOT)
    return found


def test_the_wheel_holds_the_kit_and_those_modules_of_ours_that_it_stands_on(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("kepu_events/")}
    assert names == set(contents())
    assert {"kepu_events/contracts/events.py", "kepu_events/py.typed"} <= names
    # A new module here means that other teams install more: is it meant?
    assert {name.split("/")[1] for name in names if name.count("/") == 2} == {"contracts", "runtime"}
    assert len([name for name in names if "/runtime/" in name]) <= 6
    shared = [name for name, text in contents().items() if "import shared" in text or "from shared" in text]
    assert shared == []


def test_in_an_empty_environment_it_works_and_brings_neither_a_client_nor_a_driver(
    wheel: Path, tmp_path: Path
) -> None:
    python = environment_with(wheel, tmp_path / "empty")
    done = subprocess.run(
        # -I: neither this folder nor PYTHONPATH.
        [python, "-I", "-c", CHECK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["heavy"] == said["ours"] == []
    assert said["types"] == [one.type for one in events.ALL]
    assert said["schemas"] == [one.model_json_schema() for one in events.ALL]
    assert said["partitions"] == [one.partitions for one in topics.LIVE]


def test_it_has_the_version_of_the_project_and_asks_for_the_same_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    kit = tomllib.loads((KIT / "pyproject.toml").read_text())["project"]
    assert kit["version"] == project["version"]
    assert kit["requires-python"] == project["requires-python"]
    known = {*project["dependencies"], *project["optional-dependencies"]["ops"], "aiokafka>=0.14,<0.15"}
    asked = {*kit["dependencies"], *(one for some in kit["optional-dependencies"].values() for one in some)}
    assert asked - known == set()
    assert set(kit["optional-dependencies"]) == set(CLIENTS)


def test_the_guide_shows_the_examples() -> None:
    guide = (ROOT / "docs/integrating.md").read_text()
    for name in ("register", "results"):
        assert f"```python\n{(EXAMPLES / f'{name}_confluent.py').read_text()}```" in guide


def test_an_example_has_twenty_lines_at_most() -> None:
    examples = sorted(EXAMPLES.glob("*.py"))
    assert {path.stem for path in examples} == {
        f"{what}_{client}" for what in ("register", "results") for client in CLIENTS
    }
    for path in examples:
        lines = [line for line in path.read_text().splitlines() if line.strip() and line[0] != "#"]
        assert len(lines) <= EXAMPLE_LINES_MAX, f"{path.name} has {len(lines)} lines"
