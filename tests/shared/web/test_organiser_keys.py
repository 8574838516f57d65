"""The file of organisers' keys: read again when it changes, and a bad one never ends the good keys."""

import json
from pathlib import Path

import pytest

from shared.runtime import metrics
from shared.web.organiser_keys import (
    FILE_BYTES_MAX,
    ORGANISERS_MAX,
    OrganiserKeys,
    hash_of,
    new_key,
    read_keys,
)

OWNER_KEY = "the-key-of-the-environment"


def entry(name: str, role: str, key: str) -> dict[str, str]:
    return {"name": name, "role": role, "key_sha256": hash_of(key), "added_at": "2027-05-01T08:00:00+08:00"}


def write(file: Path, *entries: dict[str, str]) -> None:
    """As an editor does: into the same file, with a later time of change."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(json.dumps({"organisers": entries}))
    assert file.stat().st_mtime_ns > before


def whose(keys: OrganiserKeys, key: str) -> tuple[str, str] | None:
    found = keys.find(key)
    return (found.name, found.role) if found else None


def test_the_key_of_the_environment_is_the_owners() -> None:
    keys = OrganiserKeys(OWNER_KEY)
    assert whose(keys, OWNER_KEY) == ("owner", "owner")
    assert whose(keys, f"{OWNER_KEY} ") is None
    assert whose(keys, hash_of(OWNER_KEY)) is None


async def test_a_key_is_added_and_ended_without_a_restart(tmp_path: Path) -> None:
    file, door, viewer = tmp_path / "organisers.json", new_key(), new_key()
    write(file, entry("east-gate", "door", door))
    keys = OrganiserKeys(OWNER_KEY, file)
    assert whose(keys, door) == ("east-gate", "door")
    write(file, entry("press", "viewer", viewer))
    await keys.watch()
    assert whose(keys, door) is None
    assert whose(keys, viewer) == ("press", "viewer")
    assert whose(keys, OWNER_KEY) == ("owner", "owner")


async def test_a_file_that_nobody_has_written_yet_is_no_fault(tmp_path: Path) -> None:
    file, door = tmp_path / "organisers.json", new_key()
    keys = OrganiserKeys(OWNER_KEY, file)
    await keys.watch()
    assert await keys.check() is None
    write(file, entry("east-gate", "door", door))
    await keys.watch()
    assert whose(keys, door) == ("east-gate", "door")


@pytest.mark.parametrize("fault", ["broken", "gone", "a folder"])
async def test_with_a_bad_file_the_last_good_keys_stay_and_health_says_so(tmp_path: Path, fault: str) -> None:
    file, door = tmp_path / "organisers.json", new_key()
    write(file, entry("east-gate", "door", door))
    keys = OrganiserKeys(OWNER_KEY, file)
    if fault == "broken":
        file.write_text('{"organisers": [')
    else:
        file.unlink()
        if fault == "a folder":
            file.mkdir()
    await keys.watch()
    assert whose(keys, door) == ("east-gate", "door")
    said = await keys.check()
    assert said is not None
    assert said.startswith("the file of organisers' keys")
    assert metrics.ORGANISER_KEYS_READ._value.get() == 0
    if file.is_dir():
        file.rmdir()
    write(file, entry("west-gate", "door", door))
    await keys.watch()
    assert await keys.check() is None
    assert whose(keys, door) == ("west-gate", "door")
    assert metrics.ORGANISER_KEYS_READ._value.get() == 1


GOOD = entry("east-gate", "door", "a")


@pytest.mark.parametrize(
    "entries",
    [
        [GOOD, GOOD | {"key_sha256": hash_of("b")}],
        [GOOD, GOOD | {"name": "west-gate"}],
        [GOOD | {"name": "owner"}],
        [GOOD | {"name": "王芳"}],
        [GOOD | {"name": ""}],
        [GOOD | {"role": "king"}],
        [GOOD | {"key_sha256": "a"}],
        [GOOD | {"key_sha256": hash_of("a").upper()}],
        [GOOD | {"until": "tomorrow"}],
        [entry(f"gate-{number}", "door", str(number)) for number in range(ORGANISERS_MAX + 1)],
    ],
)
def test_a_file_that_could_be_misunderstood_is_refused(entries: list[dict[str, str]]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_keys(json.dumps({"organisers": entries}).encode())


def test_as_many_keys_as_are_allowed_fit_into_the_file() -> None:
    entries = [entry(f"{number:040}", "organiser", str(number)) for number in range(ORGANISERS_MAX)]
    content = json.dumps({"organisers": entries}, indent=2).encode()
    assert len(content) < FILE_BYTES_MAX
    assert len(read_keys(content).organisers) == ORGANISERS_MAX
    with pytest.raises(ValueError, match="bytes"):
        read_keys(content + b" " * FILE_BYTES_MAX)


def test_no_key_and_no_hash_is_in_the_words_about_a_bad_file() -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read_keys(json.dumps({"organisers": [GOOD | {"key_sha256": "the-key-itself"}]}).encode())
    assert "the-key-itself" not in str(refused.value)
