"""
The jars of Kafka. ops/jgo.lock.toml names them with their SHA-256. They are fetched once and then taken from
a cache, so later starts need no network.
"""

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ops.stack.errors import StackError
from ops.stack.host import make_folder
from ops.stack.state import locked

LOCK = Path(__file__).parent.parent / "jgo.lock.toml"
PARALLEL_DOWNLOADS = 4
DOWNLOAD_TRIES_MAX = 2
DOWNLOAD_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    def path(self, repository: Path) -> Path:
        """Its place in a folder with Maven's layout."""
        folder = repository.joinpath(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"

    def is_good(self, repository: Path) -> bool:
        path = self.path(repository)
        return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


def cache_folder(environment: Mapping[str, str]) -> Path:
    """A folder for each user and set of jars, so that two versions of Kafka never share files."""
    base = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "kepu" / f"kafka-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"


def locked_jars(lock: Path = LOCK) -> list[Jar]:
    with lock.open("rb") as file:
        dependencies = tomllib.load(file)["dependencies"]
    return [
        Jar(each["groupId"], each["artifactId"], each["version"], each["sha256"]) for each in dependencies
    ]


def fetch_jars(
    cache: Path,
    tell: Callable[[str], None],
    repositories: Mapping[str, str] | None = None,
    others: list[Jar] | None = None,
) -> list[Path]:
    """
    The jars of the lock file, in its order. A jar that is missing or has another checksum is fetched.

    Args:
        others: fetch these, and not those of the lock file.
        repositories: URLs by name. By default those of jgo's config file, then Maven Central.
    Raises:
        StackError: a jar cannot be fetched, or the one that came has another checksum.
    """
    make_folder(cache, "set XDG_CACHE_HOME to a folder that you can write to")
    repository = cache / "maven"
    jars = others or locked_jars()
    with locked(cache / "lock"):
        wanted = _missing(jars, repository)
        for _ in range(DOWNLOAD_TRIES_MAX):
            if not wanted:
                break
            tell(f"Fetching Kafka: {len(wanted)} of {len(jars)} jars, kept in {cache} from then on")
            # A start cache is only valid for these files: Java compares their times.
            for stale in cache.glob("*.aot"):
                stale.unlink()
            _download(wanted, repository, repositories)
            wanted = _missing(jars, repository)
    if wanted:
        raise StackError(
            f"{wanted[0].artifact} {wanted[0].version} as fetched differs from the checksum in {LOCK.name}: "
            "a mirror or proxy in between changes files; name another in jgo's config file"
        )
    return [jar.path(repository) for jar in jars]


def _missing(jars: list[Jar], repository: Path) -> list[Jar]:
    return [jar for jar in jars if not jar.is_good(repository)]


def _download(jars: list[Jar], repository: Path, repositories: Mapping[str, str] | None) -> None:
    # Imported only when needed: the import takes longer than the check of all jars.
    import requests
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    if repositories is None:
        repositories = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    maven = MavenContext(
        repo_cache=repository, remote_repos=dict(repositories), timeout=DOWNLOAD_TIMEOUT_SECONDS
    )

    def download(jar: Jar) -> None:
        # After a kill, half a download may be there under the final name.
        jar.path(repository).unlink(missing_ok=True)
        maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()

    try:
        with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
            list(pool.map(download, jars))
    except (requests.RequestException, RuntimeError, OSError) as error:
        # The text of requests' errors is a page of nested addresses. Their kind says enough.
        reason = type(error).__name__ if isinstance(error, requests.RequestException) else error
        raise StackError(
            f"Kafka's jars are not all in {repository} yet and can't be fetched ({reason}): connect "
            "to the network once and try again, or set KEPU_KAFKA to a broker of your own"
        ) from error
