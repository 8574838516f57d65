"""Caddy in front of the services of this machine: the pages at /, and each service below /api/NAME/."""

import sys
from collections.abc import Mapping
from pathlib import Path

from ops.errors import CommandError
from pages.build import SITE, build, version_of

EDGE = "edge"
ROOT = Path(__file__).parents[2]
CADDYFILE = ROOT / "deploy" / "caddy" / "local.Caddyfile"
# Anything that is always there.
PROBED = "/robots.txt"


def printed(service: str, url: str) -> dict[str, str]:
    """
    The addresses that a service writes into documents and messages, as settings of it.

    Args:
        url: of the edge.
    """
    if service == "awards":
        return {"KEPU_PUBLIC_URL": f"{url}/api/awards"}
    return {"KEPU_REGISTRATION_URL": f"{url}/api/registration"} if service == "notifications" else {}


def command(home: Path, port: int, urls: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """
    Build the pages, and give the command that serves them, with its environment.

    Args:
        urls: of each service, where it listens.

    Raises:
        CommandError: Caddy is not installed beside this Python.
    """
    caddy = Path(sys.executable).parent / "caddy"
    if not caddy.exists():
        raise CommandError(f"{caddy} is not here: make setup installs it")
    home = home.absolute()
    build(_pages(home), local=True)
    environment = {
        "KEPU_PROXY_HTTP_PORT": str(port),
        # Caddy wants another number. Nothing listens there, since no address with TLS is declared.
        "KEPU_PROXY_HTTPS_PORT": "443",
        "KEPU_PAGES": str(_pages(home)),
        "KEPU_PROXY_MAIL": str(home),
        # Nobody stands before it, whatever the environment says.
        "KEPU_PROXY_TRUSTED": "",
        "XDG_DATA_HOME": str(home / "caddy"),
        "XDG_CONFIG_HOME": str(home / "caddy"),
        **{f"KEPU_PROXY_{name.upper()}": url.removeprefix("http://") for name, url in urls.items()},
    }
    return (str(caddy), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"), environment


def build_again(home: Path) -> None:
    """Build the pages that an edge serves which runs already, if they have changed."""
    if not (_pages(home) / "assets" / version_of(SITE)).is_dir():
        build(_pages(home), local=True)


def _pages(home: Path) -> Path:
    return home / "pages"
