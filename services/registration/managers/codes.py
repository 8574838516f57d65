"""Codes that are handed out as a link: long, random, and stored only as a hash."""

import hashlib
import secrets

CODE_BYTES = 24
# `CODE_BYTES` in URL-safe base64.
CODE_PATTERN = r"^[A-Za-z0-9_-]{32}$"


def new_code() -> str:
    """A code that nobody can guess."""
    return secrets.token_urlsafe(CODE_BYTES)


def hash_of(code: str) -> str:
    """What is stored of a code. It is too long to be tried, so the hash needs no key."""
    return hashlib.sha256(code.encode()).hexdigest()
