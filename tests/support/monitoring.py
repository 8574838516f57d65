"""The programs of Prometheus for tests: installed, or fetched by tests of incidents before."""

import shutil
from pathlib import Path

import pytest

from ops.monitoring import packages

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
}


def program(name: str) -> Path:
    """A program that is here; the test is skipped if it is not. Nothing is fetched."""
    package = PACKAGES[name]
    unpacked = packages.cache() / package / "usr" / "bin" / name
    if found := shutil.which(name):
        return Path(found)
    if not unpacked.exists():
        pytest.skip(
            f"{name} is not here: install Debian's {package}, or run make test-servers, which fetches it"
        )
    return unpacked


def fetched(name: str) -> Path:
    """The same, and it is fetched if it is not here."""
    try:
        return packages.find(name, PACKAGES[name])
    except packages.NotAvailable as error:
        pytest.skip(str(error))
