"""The file of organisers' keys: keys are added and ended. The services read it again within two seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from ops.deployment import kept_file
from ops.errors import CommandError
from shared.runtime.acting import Role
from shared.web.organiser_keys import KeyEntry, KeyFile, hash_of, new_key, read_keys


class OrganisersError(CommandError):
    """The file of keys cannot be read or written, or does not allow this."""


def entries(file: Path) -> list[KeyEntry]:
    """
    The keys of a file; none if there is no file yet.

    Raises:
        OrganisersError: it cannot be read, or the services would refuse it.
    """
    try:
        return read_keys(file.read_bytes()).organisers
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OrganisersError(f"can't read {file}: {error.strerror}") from error
    except ValueError as error:
        raise OrganisersError(f"{file} is no file of organisers' keys: {error}") from error


def add(file: Path, name: str, role: Role, now: datetime) -> str:
    """
    Add a key of this name.

    Returns: the key. Only its hash is kept, so nobody can see it again.
    Raises:
        OrganisersError: the name is there already or is not allowed, or the file cannot be written.
    """
    with _alone(file):
        before = entries(file)
        if any(entry.name == name for entry in before):
            raise OrganisersError(f"{name} has a key already: end it first (kepu organisers end {name})")
        key = new_key()
        _write(file, [*before, KeyEntry(name, role, hash_of(key), now)])
        return key


def end(file: Path, name: str) -> None:
    """
    End the key of this name.

    Raises:
        OrganisersError: there is none, or the file cannot be written.
    """
    with _alone(file):
        before = entries(file)
        after = [entry for entry in before if entry.name != name]
        if len(after) == len(before):
            raise OrganisersError(f"{file} has no key of {name}: see kepu organisers list")
        _write(file, after)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Nobody else changes the file until the end of the block."""
    try:
        with kept_file.alone(file):
            yield
    except OSError as error:
        raise OrganisersError(f"can't write {file}: {error.strerror}") from error


def _write(file: Path, found: list[KeyEntry]) -> None:
    """Replace the file at once, so that a service never reads half of it."""
    content = msgspec.json.format(msgspec.json.encode(KeyFile(found)), indent=2) + b"\n"
    try:
        read_keys(content)
    except ValueError as error:
        raise OrganisersError(f"the services would refuse this: {error}") from error
    # Hashes of random keys are no secrets.
    kept_file.replace(file, content)
