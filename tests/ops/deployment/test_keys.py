"""Secrets can be read by their owner alone, and are never written over."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.deployment import keys
from ops.deployment.configuration import findings


@pytest.fixture(autouse=True)
def _careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_in_a_file_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    result = CliRunner().invoke(app, ["keys", "--file", str(path)])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert mode(path) == 0o600
    assert set(keys.read(path)) == set(keys.fresh())


def test_keys_that_are_there_are_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text('KEPU_ORGANISER_KEY="what opens everything"\n')
    result = CliRunner().invoke(app, ["keys", "--file", str(path)])
    assert result.exit_code == 1
    assert "is there already" in result.stderr
    assert keys.read(path) == {"KEPU_ORGANISER_KEY": "what opens everything"}


def test_a_folder_of_keys_is_entered_by_its_owner_alone_and_each_key_read_in_its_container(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "deploy" / "secrets"
    assert CliRunner().invoke(app, ["keys", "--folder", str(folder)]).exit_code == 0
    assert mode(folder) == 0o700
    assert {path.name for path in folder.iterdir()} == set(keys.fresh())
    assert {mode(path) for path in folder.iterdir()} == {0o444}
    again = CliRunner().invoke(app, ["keys", "--folder", str(folder)])
    assert again.exit_code == 1
    assert "is there already" in again.stderr


def test_keys_of_a_file_are_the_same_in_a_folder(tmp_path: Path) -> None:
    file, folder = tmp_path / ".env", tmp_path / "secrets"
    keys.write(file, keys.as_env(keys.fresh()))
    assert CliRunner().invoke(app, ["keys", "--kept", str(file), "--folder", str(folder)]).exit_code == 0
    assert {name: keys.read_folder(folder, name) for name in keys.fresh()} == keys.read(file)


def test_a_key_that_is_missing_in_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(keys.KeyFileError, match="kepu keys --folder"):
        keys.read_folder(tmp_path, "KEPU_ORGANISER_KEY")


@pytest.mark.parametrize("text", [None, "", "OTHER=1\n"])
def test_file_without_keys_is_told(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / ".env"
    if text is not None:
        path.write_text(text)
    with pytest.raises(keys.KeyFileError, match="kepu keys --file"):
        keys.read(path)


def test_keys_in_a_folder_are_all_that_services_need(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert CliRunner().invoke(app, ["keys", "--folder", str(folder)]).exit_code == 0
    assert list(findings({f"{file.name}_FILE": str(file) for file in folder.iterdir()})) == []
