"""A cold backup of a week on this machine: the folders of Kafka and MongoDB, copied while nothing writes."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ops.deployment.ledger import LEDGER_FILE
from ops.errors import CommandError
from ops.local.services import Services

KAFKA, MONGO = "kafka", "mongo"
# What was promised, and what was mailed, until the backup.
NOTES = (LEDGER_FILE, "mail.jsonl")


@dataclass(frozen=True, slots=True)
class Backup:
    """
    A backup of everything in one folder.

    Kafka and MongoDB are copied at the same moment, while both are stopped. So the groups' places in the log
    fit to what the databases have.
    """

    services: Services
    folder: Path

    def take(self) -> None:
        """Stop everything, copy it, and start everything again."""
        self.services.down()
        self.services.stack.down()
        home = self.services.home
        for name in (KAFKA, MONGO):
            shutil.copytree(home / name, self.folder / name)
        for name in NOTES:
            shutil.copy(home / name, self.folder / name)
        self.services.stack.up()
        self.services.up()

    def lose(self, *names: str) -> None:
        """The machine dies, and the disks of these servers are gone: `kafka`, `mongo`."""
        for name in self.services.names:
            self.services.kill(name)
        self.services.stack.kill("kafka")
        self.services.stack.kill("mongo")
        for name in names:
            shutil.rmtree(self.services.home / name)

    def restore(self, *names: str) -> None:
        """Put these servers' folders back, and start both servers. The services stay stopped."""
        for name in names:
            if (self.services.home / name).exists():
                raise CommandError(f"{self.services.home / name} is there: a restore never overwrites data")
            shutil.copytree(self.folder / name, self.services.home / name)
        self.services.stack.up()

    def restore_notes(self) -> None:
        """Forget what was promised and mailed after the backup."""
        for name in NOTES:
            shutil.copy(self.folder / name, self.services.home / name)
