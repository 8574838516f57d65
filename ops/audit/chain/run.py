"""The chain of one award: all its links, in the order in which things happen."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ops.audit.chain.awards import links_of_award, links_of_ceremony, links_of_messages, links_of_rule
from ops.audit.chain.credentials import links_of_credentials, with_shown
from ops.audit.chain.facts import Facts, Json
from ops.audit.chain.gather import gather, standard
from ops.audit.chain.links import Link
from ops.audit.chain.results import links_of_person, links_of_results
from ops.audit.chain.sources import links_of_conferral, links_of_draws, links_of_notice
from ops.audit.credentials import LOOK_AGAIN_SECONDS
from ops.deployment.databases import Databases
from ops.deployment.description import SERVICES, Deployment
from shared.contracts import topics
from shared.runtime import clock

PARTS: tuple[Callable[[Facts], Iterator[Link]], ...] = (
    links_of_person,
    links_of_results,
    links_of_conferral,
    links_of_draws,
    links_of_rule,
    links_of_notice,
    links_of_award,
    links_of_credentials,
    links_of_ceremony,
    links_of_messages,
)


@dataclass(frozen=True, slots=True)
class Chain:
    """All links of an award."""

    facts: Facts
    links: tuple[Link, ...]

    @property
    def agrees(self) -> bool:
        """True if no link differs."""
        return not any(link.differs for link in self.links)

    def for_programs(self) -> Json:
        """The chain as JSON."""
        named = self.facts.named
        return {
            "award_code": named.award_code,
            "award_id": named.award_id,
            "scheme_id": named.scheme_id,
            "recipient_id": named.recipient_id,
            "recipient_erased": self.facts.is_erased,
            "agrees": self.agrees,
            "links": [link.for_programs() for link in self.links],
        }


def chain_of(facts: Facts) -> Chain:
    """The links that follow from these facts."""
    links = [link for part in PARTS for link in part(facts)]
    return Chain(facts, (*links, *_unsound(facts)))


def _unsound(facts: Facts) -> Iterator[Link]:
    """Records that no reader takes, and events that say two things."""
    for topic in topics.LIVE:
        for entry in facts.log.malformed(topic.name):
            yield Link(topic.name, "a record", ("it does not follow its contract",), entry)
    for id_ in facts.log.contradictions():
        yield Link("event id", id_, ("two records with this id say different things",))


async def audit_chain(
    typed_code: str, deployment: Deployment, databases: Databases, services: Collection[str] = SERVICES
) -> Chain:
    """
    The chain of the award with this code. The deployment must be at rest (`ops.deployment.settle`).

    Raises:
        AwardUnknown: no award has it.
    """
    code = standard(typed_code)
    gathered = await gather(code, deployment.kafka, databases, clock.now(), services)
    facts = await with_shown(gathered, deployment.apis)
    if any(link.differs for link in links_of_credentials(facts)):
        # A process gives the same status list for some seconds.
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        facts = await with_shown(gathered, deployment.apis)
    return chain_of(facts)
