"""Notices and proposals in answers and requests."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.awards.proposals.propose import What
from services.awards.proposals.rules import Notice, Proposal, Status, Withdrawn
from services.awards.schemes.rules import Scheme
from shared.contracts.checked import Id, PersonalLine, Version
from shared.web.forms import Form

CONFERRED_MAX = 1_000


class EntryOut(BaseModel):
    """A recipient in a public notice, by a pseudonymous id. `since`: the version that says this first."""

    recipient_id: str
    tier: str | None
    status: Literal["proposed", "withdrawn"]
    code: Withdrawn | None = Field(description="why it was withdrawn")
    since: int


class ProposalOut(EntryOut):
    """A proposal as organisers see it."""

    award_id: str
    cause: str = Field(description="the result, closed quiz or conferral that it follows from")
    note: str | None
    issued: bool


class ProposalsOut(BaseModel):
    """A page of proposals by award id; `after` leads to the next one, null on the last."""

    under_way: bool = Field(description="who is due is still being found; look again in a moment")
    proposals: list[ProposalOut]
    after: str | None


class NoticeStateOut(BaseModel):
    """
    A public notice. `version` is another one after each change of what it shows; `ends_at` may then be later.

    `status`: `preparing` (nothing is published), `running`, `ended`, `confirmed` (awards are being issued),
    `final`.
    """

    scheme_id: str
    scheme_title: str
    status: Status
    version: int
    published_at: datetime | None
    ends_at: datetime | None
    confirmed_at: datetime | None


class NoticeOut(NoticeStateOut):
    """A page of a public notice by award id; `after` leads to the next one, null on the last."""

    entries: list[EntryOut]
    after: str | None


class ConfirmationIn(Form):
    """The version of the notice that was read."""

    version: Version = Field(examples=[1])


class NamedIn(Form):
    """A recipient. Only organisers see the note; it may name no person."""

    recipient_id: Id
    note: PersonalLine | None = None


class ConferralsIn(Form):
    """
    Recipients of one scheme. `allow_unknown`: also whom awards does not know, such as a group that joins
    later.
    """

    recipients: Annotated[tuple[NamedIn, ...], Field(min_length=1, max_length=CONFERRED_MAX)]
    allow_unknown: bool = False


class ConferredOut(BaseModel):
    """What became of one recipient; `code` and `detail` say why it was refused."""

    recipient_id: str
    award_id: str
    outcome: What
    code: str | None
    detail: str | None


class ConferralsOut(BaseModel):
    """One outcome for each recipient, in the order of the request."""

    outcomes: list[ConferredOut] = Field(max_length=CONFERRED_MAX)


def entry(proposal: Proposal) -> EntryOut:
    """What everybody may see of a proposal."""
    return EntryOut(
        recipient_id=proposal.recipient_id,
        tier=proposal.tier,
        status="proposed" if proposal.stands else "withdrawn",
        code=proposal.code,
        since=proposal.since,
    )


def proposal_out(proposal: Proposal) -> ProposalOut:
    """What organisers see of a proposal."""
    return ProposalOut(
        **entry(proposal).model_dump(),
        award_id=proposal.proposal_id,
        cause=proposal.cause,
        note=proposal.note,
        issued=proposal.issued,
    )


def state(notice: Notice, scheme: Scheme, now: datetime) -> NoticeStateOut:
    """Where a notice is in its life."""
    return NoticeStateOut(
        scheme_id=scheme.scheme_id,
        scheme_title=scheme.title,
        status=notice.status(now),
        version=notice.version,
        published_at=notice.published_at,
        ends_at=notice.ends_at,
        confirmed_at=notice.confirmed_at,
    )
