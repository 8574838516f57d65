"""The load client is compiled once for all tests."""

from pathlib import Path

import pytest

from bench.load.client import build


@pytest.fixture(scope="session", autouse=True)
def built() -> Path:
    return build()
