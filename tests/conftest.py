"""
What all tests share: one real Kafka and one real MongoDB for the whole session.

They start when the first test asks for them and die with pytest. KEPU_KAFKA and KEPU_MONGO name servers of
one's own instead; several sessions may share those, so every test takes topics, groups and databases of its
own.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack that is up. A test that kills a server brings it back before it ends."""
    # Not pytest's folders: those stay for three sessions, and these hold 0.3 GB.
    with (
        tempfile.TemporaryDirectory(prefix="kepu-stack-", ignore_cleanup_errors=True) as home,
        Stack(Path(home), detached=False, tell=print) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def kafka(stack: Stack) -> str:
    """Bootstrap servers, host:port."""
    return stack.kafka


@pytest.fixture(scope="session")
def mongo(stack: Stack) -> str:
    """The URL of a replica set."""
    return stack.mongo
