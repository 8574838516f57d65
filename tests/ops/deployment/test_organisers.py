"""The file of organisers' keys, as `kepu organisers` writes it."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.deployment.organisers import OrganisersError, add, end, entries
from shared.runtime import clock
from shared.web.organiser_keys import KEY_CHARS, OrganiserKeys

OWN = {"KEPU_ORGANISER_KEYS_FILE": None, "KEPU_HOME": None, "COLUMNS": "120"}


def kepu(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["organisers", *arguments], env=OWN)
    assert result.exit_code == 0, result.output
    return result.stdout


async def test_a_running_service_takes_the_key_that_the_command_shows_and_drops_it_when_it_ends(
    tmp_path: Path,
) -> None:
    file = tmp_path / "deploy" / "organisers.json"
    keys = OrganiserKeys("the-key-of-the-environment", file)
    key = kepu("add", "east-gate", "--role", "door", "--file", str(file)).strip()
    assert len(key) == KEY_CHARS
    await keys.watch()
    found = keys.find(key)
    assert found is not None
    assert (found.name, found.role) == ("east-gate", "door")
    kepu("end", "east-gate", "--file", str(file))
    await keys.watch()
    assert keys.find(key) is None
    assert await keys.check() is None


def test_the_list_has_names_and_roles_and_no_key(tmp_path: Path) -> None:
    keys = [kepu("add", name, "--role", "viewer", "--home", str(tmp_path)).strip() for name in ("a", "b")]
    shown = kepu("list", "--home", str(tmp_path))
    assert re.findall(r"^(\w) +viewer +\d{4}-", shown, re.MULTILINE) == ["a", "b"]
    content = (tmp_path / "organisers.json").read_text()
    assert not any(key in shown or key in content for key in keys)
    # Services in containers read it as another user.
    assert (tmp_path / "organisers.json").stat().st_mode & 0o777 == 0o644


def test_a_name_has_one_key_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "organisers.json"
    first = add(file, "east-gate", "door", clock.now())
    with pytest.raises(OrganisersError, match="has a key already"):
        add(file, "east-gate", "viewer", clock.now())
    end(file, "east-gate")
    assert add(file, "east-gate", "viewer", clock.now()) != first
    assert [(entry.name, entry.role) for entry in entries(file)] == [("east-gate", "viewer")]


@pytest.mark.parametrize("name", ["owner", "East Gate", "王芳", ""])
def test_a_name_that_services_would_refuse_is_not_written(tmp_path: Path, name: str) -> None:
    file = tmp_path / "organisers.json"
    with pytest.raises(OrganisersError, match="would refuse"):
        add(file, name, "door", clock.now())
    assert not file.exists()


def test_whoever_has_no_key_cannot_be_ended(tmp_path: Path) -> None:
    with pytest.raises(OrganisersError, match="has no key of west-gate"):
        end(tmp_path / "organisers.json", "west-gate")


def test_a_file_that_is_broken_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "organisers.json"
    file.write_text("{")
    with pytest.raises(OrganisersError, match="is no file of organisers' keys"):
        add(file, "east-gate", "door", clock.now())
    assert file.read_text() == "{"
