"""What some people choose about their names on awards."""

from collections.abc import Sequence

from ops.demo.people import Person
from ops.deployment.client import Client, UnexpectedAnswer

ADDRESS = {
    "recipient": "收件人（示例）",
    "phone": "138 0013 8000",
    "region": "河南省濮阳市华龙区",
    "street": "示例路1号",
}
# One after the other: the first shows the name and has an address, the second shows none, and so on.
CHOICES: tuple[dict[str, object], ...] = ({"shown": "full", "address": ADDRESS}, {"shown": "none"})


async def choose_names(client: Client, people: Sequence[Person]) -> None:
    """
    Each of these people chooses, and asks again, like people who are not sure.

    Raises:
        UnexpectedAnswer: a choice is refused, or is another one when it is read.
    """
    url = f"{client.apis.registration}/me/award-name"
    for place, person in enumerate(people):
        choice = CHOICES[place % len(CHOICES)]
        first = await client.ask("PUT", url, json=choice, headers=person.headers)
        again = await client.ask("GET", url, headers=person.headers)
        if again != first or first["shown"] != choice["shown"]:
            raise UnexpectedAnswer(f"GET {url} says another choice than PUT")
