"""
Programs of Debian packages for tests: installed, or fetched before.

`python -m tests.support.programs` fetches all of them; without it, tests skip what is not here.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.commands.terminal import tell
from ops.monitoring import packages

# Of each program its package, and libraries that not every Debian has.
PACKAGES = {
    "prometheus": ("prometheus",),
    "promtool": ("prometheus",),
    "amtool": ("prometheus-alertmanager",),
    "kcat": ("kcat", "librdkafka1", "libyajl2"),
}
# A browser needs dozens of libraries at their places. So it is installed, which only root can do.
BROWSER = "chromium"
INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", BROWSER, "fonts-wqy-zenhei")
INSTALL_SECONDS_MAX = 300.0


def browser() -> Path:
    """The browser that is installed; the test is skipped if there is none."""
    if found := shutil.which(BROWSER):
        return Path(found)
    pytest.skip(
        f"{BROWSER} is not here: install it, on Debian as root by .venv/bin/python -m tests.support.programs"
    )


def program(name: str) -> Path:
    """A program that is here; the test is skipped if it is not. Nothing is fetched."""
    package, *_ = PACKAGES[name]
    unpacked = packages.cache() / package / "usr" / "bin" / name
    if found := shutil.which(name):
        return Path(found)
    if not unpacked.exists():
        pytest.skip(
            f"{name} is not here: install Debian's {package}, or .venv/bin/python -m tests.support.programs"
        )
    return unpacked


def fetched(name: str) -> Path:
    """The same, and it is fetched if it is not here."""
    try:
        return _found(name)
    except packages.NotAvailable as error:
        pytest.skip(str(error))


def environment(name: str) -> dict[str, str]:
    """What this process has, and where the libraries of a fetched program are."""
    package, *_ = PACKAGES[name]
    folders = sorted({str(path.parent) for path in (packages.cache() / package).glob("usr/lib/**/*.so.*")})
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)} if folders else dict(os.environ)


def _found(name: str) -> Path:
    package, *libraries = PACKAGES[name]
    return packages.find(name, package, libraries)


def main() -> None:
    """Fetch all that can be had; say of the others why not. Their tests are skipped."""
    for name in PACKAGES:
        try:
            tell(f"{name}: {_found(name)}")
        except packages.NotAvailable as error:
            tell(f"{name}: {error}")
    if not shutil.which(BROWSER) and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(INSTALL, check=False, capture_output=True, timeout=INSTALL_SECONDS_MAX)
    tell(f"{BROWSER}: {shutil.which(BROWSER) or 'not here, and not to be had: its tests are skipped'}")


if __name__ == "__main__":
    main()
