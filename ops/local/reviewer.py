"""A second organiser's key for the week of this machine: whoever writes a question may not review it."""

import os
from datetime import UTC, datetime
from pathlib import Path

from ops.deployment import organisers
from ops.local.services import ORGANISERS_FILE

NAME = "reviewer"
KEY_FILE = "reviewer.key"


def reviewer_key(home: Path) -> str | None:
    """
    The key, made at the first call and the same afterwards.

    None: `kepu organisers` has ended it, or has made another one of this name, which nobody can see again.
    """
    file, keys = home / KEY_FILE, home / ORGANISERS_FILE
    is_there = any(entry.name == NAME for entry in organisers.entries(keys))
    if file.exists():
        return file.read_text().strip() if is_there else None
    if is_there:
        return None
    key = organisers.add(keys, NAME, "organiser", datetime.now(UTC))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.write(key + "\n")
    return key
