"""Programs of Debian packages: installed ones, else fetched and unpacked into a cache, without root."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ops.errors import CommandError
from ops.stack.host import make_folder
from ops.stack.state import locked

FETCH_SECONDS_MAX = 180.0
MIB = 1024**2
# Lists of packages and the largest package together.
FREE_BYTES_MIN = 512 * MIB


# Debian's Alertmanager reads its templates only from here. See `_take_along`.
TEMPLATES = "/usr/share/prometheus/alertmanager"
_TEMPLATES_NAMED = re.compile(re.escape(TEMPLATES.encode()) + rb"(?!/)")


class NotAvailable(CommandError):
    """This program is not installed here, and cannot be fetched."""


def find(program: str, package: str, libraries: Sequence[str] = ()) -> Path:
    """
    A program of a Debian package: the installed one, else the one in the cache, else it is fetched.

    Packages of libraries that it needs are unpacked into the same folder.

    Raises:
        NotAvailable: it is not here, and this is not a Debian, or its package archive does not answer.
    """
    if installed := shutil.which(program):
        return Path(installed)
    folder = cache() / package
    unpacked = folder / "usr" / "bin" / program
    if not unpacked.exists():
        make_folder(cache(), "set XDG_CACHE_HOME to a folder that you can write to")
        with locked(cache() / "lock", wait_seconds=2 * FETCH_SECONDS_MAX):
            if not unpacked.exists():
                _fetch((package, *libraries), folder)
    if not unpacked.exists():
        raise NotAvailable(f"Debian's package {package} has no program {program} here: install it yourself")
    return unpacked


def cache() -> Path:
    """Where unpacked packages are kept."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "kepu" / "debian"


def _fetch(packages: Sequence[str], folder: Path) -> None:
    """Fetch packages and unpack them, first that of the program. The folder appears whole, or not at all."""
    package = packages[0]
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise NotAvailable(
            f"{package} is not installed, and can be fetched only on Debian: install it, and try again"
        )
    if shutil.disk_usage(cache()).free < FREE_BYTES_MIN:
        raise NotAvailable(f"{package} is not installed, and {cache()} has no room to fetch it")
    forming = cache() / f"{package}.forming"
    shutil.rmtree(forming, ignore_errors=True)
    (forming / "unpacked").mkdir(parents=True)
    try:
        if not _download(packages, forming, ()):
            # The machine's own lists of packages are missing or old: lists of our own need no root.
            lists = _own_lists(forming)
            _run(("apt-get", *lists, "update"), forming)
            if not _download(packages, forming, lists):
                raise NotAvailable(
                    f"{package} is not installed, and the package archive does not give it: install it"
                )
        for archive in sorted(forming.glob("*.deb")):
            if not _run(("dpkg", "-x", str(archive), str(forming / "unpacked")), forming):
                raise NotAvailable(f"{archive.name} cannot be unpacked in {forming}: install {package}")
        _take_along(forming / "unpacked")
        shutil.rmtree(folder, ignore_errors=True)
        (forming / "unpacked").rename(folder)
    finally:
        shutil.rmtree(forming, ignore_errors=True)


def _take_along(unpacked: Path) -> None:
    """
    Let an unpacked Alertmanager find its templates in the folder of its program.

    No option of it names another folder, and only root can write to the one that is built in. So that name is
    overwritten by one of the same length, which means the folder in which the program is started.
    """
    program = unpacked / "usr" / "bin" / "prometheus-alertmanager"
    if not program.exists():
        return
    here = ("./" * len(TEMPLATES))[: len(TEMPLATES)].encode()
    code, count = _TEMPLATES_NAMED.subn(here, program.read_bytes())
    if count != 1:
        raise NotAvailable(
            "this Debian's prometheus-alertmanager works only where it is installed: install it"
        )
    program.write_bytes(code)
    for template in (unpacked / TEMPLATES.removeprefix("/")).glob("*.tmpl"):
        shutil.copy(template, program.parent)


def _download(packages: Sequence[str], folder: Path, options: Sequence[str]) -> bool:
    done = _run(("apt-get", *options, "download", *packages), folder)
    return done and all(any(folder.glob(f"{package}_*.deb")) for package in packages)


def _own_lists(folder: Path) -> tuple[str, ...]:
    state, cache = folder / "state", folder / "cache"
    (state / "lists" / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    return (
        "-o",
        f"Dir::State={state}",
        "-o",
        "Dir::State::status=/var/lib/dpkg/status",
        "-o",
        f"Dir::Cache={cache}",
    )


def _run(command: Sequence[str], folder: Path) -> bool:
    """Whether the command has ended well within its time."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=FETCH_SECONDS_MAX, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0
