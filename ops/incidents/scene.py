"""Where incidents are played: a week's processes, what watches them, and the ways to break one of them."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ops.local.services import MAIL, Services
from ops.monitoring.prometheus import Monitoring, Target
from ops.stack.errors import StackError
from ops.stack.host import free_port
from ops.week.files import Week


@dataclass(slots=True)
class Scene:
    """One week on this machine with its monitoring."""

    services: Services
    monitoring: Monitoring
    week: Week
    _told: dict[str, Target] = field(default_factory=dict)

    @property
    def targets(self) -> dict[str, Target]:
        """What is scraped, by the name of the process."""
        urls = {part.name: (self.services.url(part.name), part.service) for part in self.services.parts}
        ours = {name: Target(url.removeprefix("http://"), service) for name, (url, service) in urls.items()}
        return {**ours, **self._told}

    def scrape_all(self, *, but: str = "") -> None:
        """Scrape every process, except those of this service."""
        self.monitoring.scrape([one for one in self.targets.values() if one.service != but])

    def freeze(self, server: str) -> None:
        """Stop a process in the middle of what it does: it keeps its connections and answers nothing."""
        os.kill(self._pid(server), signal.SIGSTOP)

    def thaw(self, server: str) -> None:
        """Let a frozen process go on."""
        os.kill(self._pid(server), signal.SIGCONT)

    def restart_mail(self, seconds_each: float) -> None:
        """Let the mail server take so long for each mail from now on."""
        self.services.kill(MAIL)
        self.services.mail_seconds = seconds_each
        self.services.start(MAIL)

    @contextmanager
    def telling(self, name: str, service: str, metrics: str) -> Iterator[None]:
        """Scrape one more process, which tells these metrics: what cannot be done for real on a machine."""
        body = metrics.encode()

        class Told(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody wants to read of each scrape."""

        with ThreadingHTTPServer(("127.0.0.1", free_port()), Told) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            self._told[name] = Target(f"127.0.0.1:{server.server_port}", service)
            self.scrape_all()
            try:
                yield
            finally:
                del self._told[name]
                self.scrape_all()
                server.shutdown()

    def _pid(self, server: str) -> int:
        pid = self.services.stack.pid(server) if server in ("kafka", "mongo") else self.services.pid(server)
        if pid is None:
            raise StackError(f"{server} does not run here: it cannot be frozen")
        return pid
