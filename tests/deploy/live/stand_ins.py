"""
Stand-ins of the images that docker-compose.yml takes from a registry, for machines that reach none.

Each has the tag of the real image. They are made of this machine's own programs with the libraries that these
need, of its Python, and of the Kafka and MongoDB that the other tests use. What is ours runs as it does
elsewhere: the Dockerfile, the services, the networks, the limits and rights. What the real images do at their
start is only imitated: images/ beside this module.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import ops.stack
from ops.stack.jars import cache_folder, fetch_jars
from ops.stack.java import find_java
from ops.stack.mongo import find_mongod
from tests.deploy.live.engine import Engine, told

PROGRAMS = (
    *("bash", "sh", "cat", "chmod", "chown", "cp", "env", "getent", "grep", "id", "ls", "mkdir", "mv"),
    *("rm", "sed", "sleep", "test", "tr", "useradd", "uname", "wget"),
)
# What wheels count on, in every image of Debian.
LIBRARIES = ("libgcc_s.so.1", "libstdc++.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1")
SYSTEM = Path("/lib/x86_64-linux-gnu")
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE = "kepu-stand-in/base"
IMAGES = Path(__file__).parent / "images"
DOCKERFILE = f"""
FROM {BASE}
COPY . /
"""


def build(engine: Engine, wanted: Mapping[str, str], folder: Path) -> None:
    """
    Build the images that the engine does not have.

    Args:
        wanted: the image of each service of the compose file, and those of `python` and `caddy`.
        folder: a new one, for what goes into the images.
    """
    if not engine.has(wanted["python"]):
        _import_base(engine, folder / "base")
        engine.docker("tag", BASE, wanted["python"])
    for service, made in (
        ("kafka", _kafka),
        ("mongo", _mongo),
        ("mail", _mail),
        ("prometheus", _prometheus),
        ("alertmanager", _alertmanager),
        ("caddy", _caddy),
    ):
        if engine.has(wanted[service]):
            continue
        root = folder / service
        root.mkdir(parents=True)
        more = made(root)
        (root / "Dockerfile").write_text(DOCKERFILE + more)
        engine.docker("build", "--quiet", "--tag", wanted[service], str(root))


def _import_base(engine: Engine, root: Path) -> None:
    for folder in ("tmp", "etc/ssl/certs", "usr/local/bin", "usr/local/lib", "home", "root"):
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for link in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / link).mkdir(exist_ok=True)
        (root / link).symlink_to(f"usr/{link}")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    shutil.copy(AUTHORITIES, root / AUTHORITIES.relative_to("/"))
    _copy_programs(root, (found for name in PROGRAMS if (found := shutil.which(name))))
    _copy_programs(root, (str(SYSTEM / name) for name in LIBRARIES if (SYSTEM / name).exists()))
    _copy_python(root)
    changes = (
        "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "ENV LD_LIBRARY_PATH=/usr/local/lib",
        f"ENV PIP_CERT={AUTHORITIES} SSL_CERT_FILE={AUTHORITIES}",
        'CMD ["python"]',
    )
    tar = (shutil.which("tar") or "tar", "--create", "--directory", root, ".")
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as archive:
        given = [word for change in changes for word in ("--change", change)]
        engine.docker("import", *given, "-", BASE, stdin=archive.stdout)


def _copy_programs(root: Path, programs: Iterable[str]) -> None:
    files = [Path(program) for program in programs]
    for file in {*files, *(library for one in files for library in _libraries(one))}:
        # The folders of a Debian of today are links: /bin is /usr/bin.
        place = file.parent.resolve() / file.name
        to = root / place.relative_to("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)


def _copy_as(root: Path, name: str, program: Path) -> None:
    """A program from anywhere to its place in the image, with its libraries."""
    _copy_programs(root, map(str, _libraries(program)))
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, root / name)


def _libraries(file: Path) -> list[Path]:
    """The libraries that a program needs, with the loader; none, if it needs none."""
    ldd = (shutil.which("ldd") or "ldd", file)
    lines = subprocess.run(ldd, capture_output=True, text=True, check=False).stdout
    return [Path(found) for found in re.findall(r"(?:=> |^\s+)(/\S+) \(", lines, re.MULTILINE)]


def _copy_python(root: Path) -> None:
    """This Python without what is installed for it, but for pip."""
    here, to = Path(sys.base_prefix), root / "usr/local"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = here / "lib" / version
    leave = shutil.ignore_patterns("__pycache__", "test", "site-packages", "idlelib", "config-*", "*.a")
    shutil.copytree(library, to / "lib" / version, ignore=leave)
    for package in library.glob("site-packages/*"):
        if re.match(r"(pip|setuptools|pkg_resources|_distutils_hack)\b", package.name):
            shutil.copytree(package, to / "lib" / version / "site-packages" / package.name)
    for shared in here.glob("lib/libpython*.so*"):
        shutil.copy(shared, to / "lib")
    shutil.copy(here / "bin" / version, to / "bin")
    for name in ("python", "python3"):
        (to / "bin" / name).symlink_to(version)
    pip = "#!/usr/local/bin/python\nfrom pip._internal.cli.main import main\nmain()\n"
    (to / "bin" / "pip").write_text(pip)
    (to / "bin" / "pip").chmod(0o755)
    extensions = (to / "lib" / version / "lib-dynload").glob("*.so")
    wanted = {library for one in (*extensions, here / "bin" / version) for library in _libraries(one)}
    # Not those of windows: nobody draws here.
    _copy_programs(root, (str(one) for one in wanted if not one.name.startswith(("libX", "libtk", "libtcl"))))


def _kafka(root: Path) -> str:
    java = Path(find_java(os.environ))
    shutil.copytree(java.parents[1], root / "opt/java", symlinks=True)
    needed = {library for one in java.parents[1].rglob("*.so") for library in _libraries(one)}
    _copy_programs(root, (str(one) for one in needed if one.is_relative_to("/lib") and "X" not in one.name))
    (root / "opt/kafka").mkdir()
    for jar in fetch_jars(cache_folder(os.environ), lambda _: None):
        shutil.copy(jar, root / "opt/kafka")
    shutil.copy(Path(ops.stack.__file__).with_name("log4j2.xml"), root / "opt/kafka")
    shutil.copy(IMAGES / "kafka.py", root)
    (root / "var/lib/kafka/data").mkdir(parents=True)
    return f'{_as_user("appuser", 1000, "/var/lib/kafka/data")}CMD ["python", "/kafka.py"]\n'


def _mongo(root: Path) -> str:
    _copy_as(root, "usr/bin/mongod", Path(find_mongod()))
    told("pip", "install", "--quiet", "--target", str(root / "opt/python"), "pymongo")
    shutil.copy(IMAGES / "mongosh.py", root / "usr/bin/mongosh")
    (root / "usr/bin/mongosh").chmod(0o755)
    for folder in ("db", "configdb"):
        (root / "data" / folder).mkdir(parents=True)
    more = _as_user("mongodb", 999, "/data/db /data/configdb")
    return f'{more}ENV PYTHONPATH=/opt/python HOME=/data/db\nENTRYPOINT ["mongod"]\n'


def _mail(root: Path) -> str:
    told("pip", "install", "--quiet", "--target", str(root / "opt/python"), "aiosmtpd")
    shutil.copy(IMAGES / "mailpit.py", root / "mailpit")
    (root / "mailpit").chmod(0o755)
    return 'ENV PYTHONPATH=/opt/python\nENTRYPOINT ["/mailpit"]\n'


def _prometheus(root: Path) -> str:
    return _watching(root, "prometheus", 9090)


def _alertmanager(root: Path) -> str:
    return _watching(root, "alertmanager", 9093)


def _watching(root: Path, name: str, port: int) -> str:
    """Debian's program, if it is installed here."""
    found = shutil.which(name) or shutil.which(f"prometheus-{name}")
    user = _as_user("nobody", 65534, f"/{name}")
    if found:
        _copy_as(root, f"usr/bin/{name}", Path(found))
        templates = Path(found).parents[1] / "share/prometheus" / name
        if templates.exists():
            shutil.copytree(templates, root / "usr/share/prometheus" / name)
        return f'{user}ENTRYPOINT ["{name}"]\n'
    shutil.copy(IMAGES / "healthy.py", root)
    return f'{user}ENTRYPOINT ["python", "/healthy.py", "{port}"]\n'


def _caddy(root: Path) -> str:
    _copy_as(root, "usr/bin/caddy", Path(sys.executable).parent / "caddy")
    return "ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config\nRUN mkdir -p /data /config\nWORKDIR /srv\n"


def _as_user(name: str, number: int, folders: str) -> str:
    return (
        f"RUN useradd --uid {number} --no-create-home {name} && mkdir -p {folders} \\\n"
        f" && chown -R {number} {folders}\n"
        f"USER {number}\n"
    )
