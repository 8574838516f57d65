"""What one person costs, as the bench has measured it. `python -m bench capacity` writes the file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops.errors import CommandError

MEASURED = Path(__file__).with_name("costs.json")
MICRO = 1_000_000


class CostsUnreadable(CommandError):
    """The file of measured costs is missing, or not as the bench writes it."""


class Work(BaseModel):
    """
    What one item of some work costs.

    Attributes:
        cpu_us: microseconds of CPU, by process: our services' processes, `kafka` and `mongod`.
        kafka_bytes: what the log grows by, one copy, compressed.
        mongo_bytes: what the databases grow by on the disk, one copy, with their indexes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu_us: dict[str, float] = Field(min_length=1)
    kafka_bytes: float = Field(ge=0)
    mongo_bytes: float = Field(ge=0)


class Costs(BaseModel):
    """
    Measured costs.

    Attributes:
        registration: one person asks for a place.
        attempt: one attempt is started and submitted over HTTP, graded, ranked, awarded and told.
        start_seconds: from the start of a worker's process to its first handled batch.
        machine: on which machine, for people.
        measured_at: when, for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    registration: Work
    attempt: Work
    start_seconds: float = Field(gt=0)
    machine: str
    measured_at: str


def read(path: Path = MEASURED) -> Costs:
    """
    The costs of a file.

    Raises:
        CostsUnreadable: it is missing, or not as the bench writes it.
    """
    try:
        return Costs.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise CostsUnreadable(
            f"{path} has no measured costs ({type(error).__name__}): write them with python -m bench capacity"
        ) from error
