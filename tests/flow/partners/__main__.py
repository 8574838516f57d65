"""
Three partners on servers of their own. Exits with 0 if no promise is broken.

    .venv/bin/python -m tests.flow.partners --minutes 10
"""

import argparse
import asyncio
import sys
from pathlib import Path

from ops.local.services import running
from ops.stack import Stack
from ops.stack.scratch import in_memory, scratch
from shared.messaging.create_topics import create_missing
from tests.flow.partners.play import PARTS, played
from tests.support.secured import OPERATOR, SecuredServices, secured_servers


def main() -> int:
    """Play it and say how it went."""
    parser = argparse.ArgumentParser(description="Three partners, one of them hostile.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--show", type=Path, help="keep the services' logs in this folder")
    chosen = parser.parse_args()
    with secured_servers() as secured, scratch("kepu-partners-", within=in_memory()) as folder:
        asyncio.run(create_missing(secured.kafka(OPERATOR)))
        stack = Stack(chosen.show or folder / "stack", environment=secured.variables(OPERATOR))
        stack.up()
        services = SecuredServices(stack, PARTS, detached=False)
        services.secured = secured
        with running(services):
            report = played(secured, services, seconds=chosen.minutes * 60)
    lines = [report.title, *report.lines, *(f"WRONG: {words}" for words in report.wrong)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
