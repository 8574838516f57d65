"""The edge of a public week: Caddy by deploy/caddy/Caddyfile, with an authority of its own."""

import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ops.stack.host import free_port
from pages.build import build

ROOT = Path(__file__).parents[2]
CADDY = Path(sys.executable).parent / "caddy"


class PublicEdge(NamedTuple):
    """Where it listens, and the folder with its log, its pages and its authority."""

    http_port: int
    https_port: int
    home: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def log(self) -> Path:
        return self.home / "caddy.log"

    @property
    def authority(self) -> Path:
        return self.home / "caddy/pki/authorities/local/root.crt"


@contextmanager
def public_edge(
    home: Path, services: Mapping[str, str], taken: Collection[int] = (), **settings: str
) -> Iterator[PublicEdge]:
    """
    Build the pages and serve them, with services below /api/NAME/. It may take a second to listen.

    Args:
        services: host and port of each copy, with spaces between, by the name of the service.
        taken: ports that are somebody else's.
        settings: more of the environment, such as KEPU_PROXY_HSTS_SECONDS.
    """
    http_port = free_port(taken)
    https_port = free_port((*taken, http_port))
    edge = PublicEdge(http_port, https_port, home)
    build(home / "pages")
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "KEPU_PAGES": str(home / "pages"),
        "KEPU_PROXY_HTTP_PORT": str(http_port),
        "KEPU_PROXY_HTTPS_PORT": str(https_port),
        **{f"KEPU_PROXY_{name.upper()}": copies for name, copies in services.items()},
        **settings,
    }
    command = [str(CADDY), "run", "--config", "deploy/caddy/Caddyfile", "--adapter", "caddyfile"]
    with edge.log.open("wb") as log:
        proxy = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield edge
        finally:
            proxy.kill()
            proxy.wait(10)
