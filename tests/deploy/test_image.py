"""What an image holds is enough: each service starts from shared/ and its own folder alone."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("registration", "quiz", "awards", "notifications", "partners")
# Used where they are installed, not needed: rich by typer, pydantic and httpx for pretty printing, for one.
# PyLD would fetch with requests, and fetches nothing here.
OPTIONAL = {"rich", "pygments", "hypothesis", "pytest", "requests", "urllib3", "charset-normalizer"}

# Without site, so that the editable install does not lend the rest of the checkout.
IMPORTS = """
import json, sys
sys.path[:0] = [sys.argv[1]]
sys.path += sys.argv[3:]
__import__(f"services.{sys.argv[2]}.app")
import shared.messaging.create_topics
print(json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()}))
"""


@pytest.fixture(params=SERVICES)
def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, str | None]]:
    """The image's folder of a service, and every module that its app imports there with its file."""
    service = request.param
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "shared", tmp_path / "shared", ignore=leave)
    shutil.copytree(ROOT / "services" / service, tmp_path / "services" / service, ignore=leave)
    shutil.copy(ROOT / "services" / "__init__.py", tmp_path / "services")
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORTS, str(tmp_path), service, *packages],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return tmp_path, json.loads(found.stdout)


def test_a_service_needs_nothing_beyond_its_image(loaded: tuple[Path, dict[str, str | None]]) -> None:
    image, modules = loaded
    ours = {name: file for name, file in modules.items() if name.split(".")[0] in ("shared", "services")}
    assert "shared.messaging.create_topics" in ours
    assert [file for file in ours.values() if not file or not Path(file).is_relative_to(image)] == []
    assert not any(name.split(".")[0] in ("ops", "tests", "bench") for name in modules)
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    distributions = packages_distributions()
    # Several distributions share a name such as `opentelemetry`: one of them is enough.
    needed = [
        {re.sub(r"[-_.]+", "-", distribution).lower() for distribution in distributions[name]}
        for name in modules
        if name in distributions
    ]
    assert [some for some in needed if not some & (locked | OPTIONAL | {"kepu-week"})] == []
