"""The secrets of a deployment, named like the environment variables that the services read."""

import json
import os
import secrets
from pathlib import Path

from ops.errors import CommandError
from shared.contracts import sealing
from shared.web import tokens

TOKEN_BYTES = 32

# Which service needs which secret. No service gets a secret that it does not need.
NEEDED: dict[str, tuple[str, ...]] = {
    "registration": ("KEPU_TOKEN_PRIVATE_KEY", "KEPU_CONTACT_PUBLIC_KEY", "KEPU_NAME_PUBLIC_KEY"),
    "quiz": ("KEPU_ATTEMPT_KEY",),
    "awards": ("KEPU_AWARD_KEY", "KEPU_CREDENTIAL_KEY", "KEPU_NAME_PRIVATE_KEY"),
    "notifications": ("KEPU_CONTACT_PRIVATE_KEY", "KEPU_CONTACT_PUBLIC_KEY"),
    "webhooks": ("KEPU_WEBHOOK_KEY",),
    "overview": (),
    "partners": (),
}
COMMON = ("KEPU_ORGANISER_KEY", "KEPU_TOKEN_PUBLIC_KEY")


class KeyFileError(CommandError):
    """A file of secrets is missing, is there already, or cannot be read or written."""


def fresh() -> dict[str, str]:
    """A new set of secrets. All services of one deployment need the same set."""
    token_private, token_public = tokens.new_key_pair()
    contact_private, contact_public = sealing.new_key_pair()
    name_private, name_public = sealing.new_key_pair()
    return {
        "KEPU_ORGANISER_KEY": secrets.token_urlsafe(TOKEN_BYTES),
        "KEPU_TOKEN_PRIVATE_KEY": token_private,
        "KEPU_TOKEN_PUBLIC_KEY": token_public,
        "KEPU_ATTEMPT_KEY": secrets.token_urlsafe(TOKEN_BYTES),
        "KEPU_AWARD_KEY": secrets.token_urlsafe(TOKEN_BYTES),
        "KEPU_CREDENTIAL_KEY": tokens.new_key_pair()[0],
        "KEPU_CONTACT_PRIVATE_KEY": contact_private,
        "KEPU_CONTACT_PUBLIC_KEY": contact_public,
        "KEPU_NAME_PRIVATE_KEY": name_private,
        "KEPU_NAME_PUBLIC_KEY": name_public,
        "KEPU_WEBHOOK_KEY": secrets.token_urlsafe(TOKEN_BYTES),
    }


def kept(path: Path) -> dict[str, str]:
    """
    The secrets of a local run: made at the first call, and readable only by their owner.

    A run of an earlier release has none for what is new: those are added.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, json.dumps(fresh(), indent=2))
    found: dict[str, str] = json.loads(path.read_text())
    made = fresh()
    if made.keys() - found.keys():
        found = made | found
        new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
        write(new, json.dumps(found, indent=2))
        new.replace(path)
    return found


def as_env(all_secrets: dict[str, str]) -> str:
    """The secrets as lines of an .env file."""
    return "".join(f'{name}="{value}"\n' for name, value in all_secrets.items())


def write(path: Path, text: str) -> None:
    """
    Write a new file that only its owner can ever read.

    Raises:
        KeyFileError: the file is there already, and its keys may be needed; or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileError(f"{path} is there already: its secrets are kept; name another file") from None
    except OSError as error:
        raise KeyFileError(f"can't write {path} ({error.strerror}): name another file") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def write_folder(folder: Path, all_secrets: dict[str, str]) -> None:
    """
    Write each secret into a file of its own, named like its variable, in a new folder.

    Only the owner enters the folder. The files themselves anybody may read: in a container a file of a secret
    belongs to another user than the process.

    Raises:
        KeyFileError: the folder is there already, and its keys may be needed; or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, mode=0o700)
        folder.chmod(0o700)
    except FileExistsError:
        raise KeyFileError(f"{folder} is there already: its secrets are kept; name another folder") from None
    except OSError as error:
        raise KeyFileError(f"can't make {folder} ({error.strerror}): name another folder") from error
    for name, value in all_secrets.items():
        write(folder / name, value)
        (folder / name).chmod(0o444)


def read_folder(folder: Path, name: str) -> str:
    """
    One secret of a folder that `write_folder` made.

    Raises:
        KeyFileError: there is none.
    """
    try:
        return (folder / name).read_text().strip()
    except OSError as error:
        raise KeyFileError(
            f"can't read {folder / name} ({error.strerror}): make it with kepu keys --folder {folder}"
        ) from error


def read(path: Path) -> dict[str, str]:
    """
    The secrets in an .env file that `as_env` wrote.

    Raises:
        KeyFileError: there is no such file, or it contains no secrets.
    """
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise KeyFileError(
            f"can't read {path} ({error.strerror}): make it with kepu keys --file {path}"
        ) from error
    pairs = (line.partition("=") for line in lines if line.startswith("KEPU_"))
    found = {name: value.strip('"') for name, _, value in pairs}
    if "KEPU_ORGANISER_KEY" not in found:
        raise KeyFileError(f"{path} has no KEPU_ORGANISER_KEY: make it with kepu keys --file {path}")
    return found


def for_service(name: str, all_secrets: dict[str, str]) -> dict[str, str]:
    """The secrets that this service needs."""
    return {key: all_secrets[key] for key in (*COMMON, *NEEDED[name]) if key in all_secrets}
