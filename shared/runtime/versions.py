"""
Versions of what people edit, and the condition under which a change is made.

A thing that is stored alone counts its changes, from 1. What is a part of something larger, or has a value
before anybody puts one, has the digest of its content as its version (`version_of`).

Source: docs/decisions/0072-versions-of-everything-that-is-put.md
"""

import hashlib
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from shared.runtime.errors import Outdated

DIGEST_BYTES = 12

Version: TypeAlias = int | str
Matching: TypeAlias = Callable[[Version | None], bool]
"""Gets the version of a thing, or None if there is no such thing."""


def always(version: Version | None) -> bool:
    """The condition of a request without a header."""
    return True


def version_of(*content: Any) -> str:
    """
    The version of a content: the same for the same content.

    Nobody can lose anything by it: who has read this version has read this content.
    """
    return hashlib.blake2b(msgspec.json.encode(content), digest_size=DIGEST_BYTES).hexdigest()


def check_version(matches: Matching, version: Version | None, what: str) -> None:
    """
    Check that a thing is still what was read.

    Args:
        version: of now; None if there is no such thing.
        what: names the thing, for the message.

    Raises:
        Outdated: somebody has changed it since.
    """
    if not matches(version):
        raise Outdated(f"{what} has changed since it was read; read it again", code="version_differs")
