"""
The organisers' keys: one from the environment, and those of a file that is read again when it changes.

The file has only SHA-256 hashes. A key has 256 random bits, so nobody can find it by trying, and a slow hash
would add nothing. A request's key is found by its hash in a dict: the time says nothing about the keys, and
does not grow with their number (docs/decisions/0030-organisers-keys.md).

    {"organisers": [{"name": "east-gate", "role": "door", "key_sha256": "…", "added_at": "…"}]}
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

from shared.runtime import metrics
from shared.runtime.acting import Organiser, Role

log = logging.getLogger(__name__)

KEY_BYTES = 32
# The length of KEY_BYTES in base64.
KEY_CHARS = 43
ORGANISERS_MAX = 1_000
FILE_BYTES_MAX = 524_288
READ_AGAIN_SECONDS = 1.0
# The name of the key in KEPU_ORGANISER_KEY.
OWNER_NAME = "owner"

_Stamp: TypeAlias = tuple[int, int, int]


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One organiser's key as the file has it. The log of acts has the name: take that of a desk or a duty."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,39}$")]
    role: Role
    key_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    added_at: datetime


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of keys."""

    organisers: Annotated[list[KeyEntry], msgspec.Meta(max_length=ORGANISERS_MAX)] = []


def new_key() -> str:
    """A new key, random in all of its bits."""
    return secrets.token_urlsafe(KEY_BYTES)


def hash_of(key: str) -> str:
    """A key as the file has it."""
    return sha256(key.encode()).hexdigest()


def read_keys(content: bytes) -> KeyFile:
    """
    The keys of a file.

    Raises:
        ValueError: it is too large or no such JSON, or a name or a key stands twice. The text has no key.
    """
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"it has more than {FILE_BYTES_MAX} bytes")
    try:
        found = msgspec.json.decode(content, type=KeyFile)
    except msgspec.MsgspecError as error:
        # Msgspec's texts quote no values.
        raise ValueError(str(error)) from None
    names = [entry.name for entry in found.organisers]
    if OWNER_NAME in names:
        raise ValueError(f"the name {OWNER_NAME} is that of the key in the environment")
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice")
    if len({entry.key_sha256 for entry in found.organisers}) < len(names):
        raise ValueError("a key stands twice")
    return found


class OrganiserKeys:
    """
    Finds out whose key a request carries.

    Args:
        owner_key: the key in the environment.
        file: the file of further keys; None without one.
    """

    def __init__(self, owner_key: str, file: Path | None = None) -> None:
        self._owner = {hash_of(owner_key): Organiser(OWNER_NAME, "owner")}
        self._by_hash: Mapping[str, Organiser] = self._owner
        self._file = file
        self._stamp: _Stamp | None = None
        self._fault: str | None = None
        if file is not None:
            self._take_stock()

    def find(self, given: str) -> Organiser | None:
        """Whose key this is."""
        return self._by_hash.get(hash_of(given))

    async def check(self) -> str | None:
        """A health check: what is wrong with the file, or None."""
        return self._fault and f"{self._fault}; the keys read before are still used"

    async def watch(self) -> float:
        """Read the file again if it has changed: one turn of the background loop."""
        if self._file is not None:
            # In a thread: the file may be on a network that hangs.
            await asyncio.to_thread(self._take_stock)
        return READ_AGAIN_SECONDS

    def _take_stock(self) -> None:
        """A file that is missing from the start is one that nobody has written yet."""
        assert self._file is not None  # noqa: S101 (both callers look)
        try:
            stamp = _stamp(self._file)
            if stamp != self._stamp:
                found = read_keys(_content(self._file))
                organisers = {one.key_sha256: Organiser(one.name, one.role) for one in found.organisers}
                self._by_hash = self._owner | {
                    hash_: one for hash_, one in organisers.items() if hash_ not in self._owner
                }
                self._stamp = stamp
                log.info("organisers' keys read", extra={"keys": len(organisers)})
            self._say(None)
        except FileNotFoundError:
            self._say("the file of organisers' keys is gone" if self._stamp else None)
        except OSError as error:
            self._say(f"the file of organisers' keys cannot be read: {error.strerror}")
        except ValueError as error:
            self._say(f"the file of organisers' keys is refused: {error}")

    def _say(self, fault: str | None) -> None:
        if fault is not None and fault != self._fault:
            log.error("organisers' keys are not read", extra={"reason": fault})
        self._fault = fault
        metrics.ORGANISER_KEYS_READ.set(0 if fault else 1)


def _stamp(file: Path) -> _Stamp:
    """What differs between two versions of a file: a command replaces it, an editor writes into it."""
    found = file.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(FILE_BYTES_MAX + 1)
