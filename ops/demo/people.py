"""The simulated people of the demo."""

from dataclasses import dataclass

ERASED = "erased"


@dataclass(slots=True)
class Person:
    """A simulated person, with everything that they know."""

    number: int
    skill: float
    district: str
    audience: str
    language: str
    name: str
    participant_id: str = ""
    token: str = ""
    session_id: str = ""
    registration_id: str = ""
    status: str = ""
    ticket_code: str = ""

    @property
    def address(self) -> str:
        return f"person-{self.number:05d}@example.org"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
