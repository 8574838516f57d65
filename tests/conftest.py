"""
What all tests share: one real Kafka and one real MongoDB for the whole session.

They start when the first test asks for them and die with pytest. KEPU_KAFKA and KEPU_MONGO name servers of
one's own instead; several sessions may share those, so every test takes topics, groups and databases of its
own.
"""

from collections.abc import Iterator

import pytest

from ops.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that is up. A test that kills a server brings it back before it ends."""
    with Stack(tmp_path_factory.mktemp("stack"), detached=False, tell=print) as running:
        yield running


@pytest.fixture(scope="session")
def kafka(stack: Stack) -> str:
    """Bootstrap servers, host:port."""
    return stack.kafka


@pytest.fixture(scope="session")
def mongo(stack: Stack) -> str:
    """The URL of a replica set."""
    return stack.mongo
