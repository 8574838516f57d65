"""
Proposals and public notices. All functions are pure.

The state of a notice is derived (`Notice.status`): nothing is stored twice.

Source: docs/decisions/0075-awards-after-a-notice.md
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.awards.issued.rules import Unearned
from services.awards.issuing.rules import PlannedAward
from services.awards.objections.rules import Subject, check_all_decided, unpublished
from services.awards.schemes.rules import AfterNotice, Scheme, check_announced
from shared.runtime.errors import Conflict

Withdrawn = Unearned | Literal["objection"]
"""Why a proposal was withdrawn: the results of now do not earn it, or an objection was upheld."""
Status = Literal["preparing", "running", "ended", "confirmed", "final"]
# As a time at which work is due: it is due now.
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


class Proposal(msgspec.Struct, frozen=True):
    """
    An award that is proposed to the public, or was withdrawn. It has the id of the award.

    Attributes:
        since: the version of the notice in which it stands as it is now for the first time.
        round: the last look at all results that has found it due.
        named: an organiser named the recipient, so results do not decide.
        told, told_as: how many events say it, and what the last one says (`said`).
        issued: the notice was confirmed, and the award was issued. The proposal does not change any more.
    """

    proposal_id: str
    scheme_id: str
    recipient_id: str
    cause: str
    tier: str | None
    since: int
    round: str = ""
    code: Withdrawn | None = None
    note: str | None = None
    named: bool = False
    told: int = 0
    told_as: str = ""
    issued: bool = False
    shared: bool = False

    @property
    def stands(self) -> bool:
        """True if it is proposed, and not withdrawn."""
        return self.code is None

    @property
    def said(self) -> str:
        """What an event says of it."""
        return self.code or f"proposed/{self.tier or ''}"

    @property
    def is_to_be_told(self) -> bool:
        """True if the recipient has not heard of it as it is. What nobody has heard of is not withdrawn."""
        return not self.issued and self.said != self.told_as and (self.stands or self.told > 0)


class Round(msgspec.Struct, frozen=True):
    """
    A look at everything that decides who is due.

    Attributes:
        token: the mark that it began with. Another mark begins another round.
        after: the place in the results, or in the proposals once `sweeps`; None: it begins.
        sweeps: all who are due are found; what was not found is withdrawn.
        changed: it has made another version of the published notice.
    """

    token: str
    after: str | None = None
    sweeps: bool = False
    changed: bool = False


class Notice(msgspec.Struct, frozen=True):
    """
    What is stored of the public notice of a scheme.

    Attributes:
        turn: another number after each change, so that of two processes only one goes on.
        version: counts the versions that were published; 0: none yet.
        closed: the quiz is closed, or organisers name the recipients: proposals may be made.
        mark: something has changed that decides who is due; another one each time. None: nothing.
        open: how many objections are not decided.
        telling, issuing: the last proposal whose recipient was told, or has the award. None: nothing is to
        do.
        confirmed: the version whose awards are issued.
    """

    scheme_id: str
    turn: int = 0
    version: int = 0
    published_at: datetime | None = None
    ends_at: datetime | None = None
    closed: bool = False
    mark: str | None = None
    round: Round | None = None
    open: int = 0
    telling: str | None = None
    issuing: str | None = None
    confirmed: int = 0
    confirmed_at: datetime | None = None

    @property
    def is_out(self) -> bool:
        """True if it is published and not confirmed: changes are changes of a public notice."""
        return self.version > self.confirmed

    def status(self, now: datetime) -> Status:
        """Where it is in its life. `preparing`: nothing was published yet."""
        if self.version == 0:
            return "preparing"
        if self.is_out:
            return "running" if self.ends_at is not None and now < self.ends_at else "ended"
        return "final" if self.issuing is None else "confirmed"


def terms_of(scheme: Scheme) -> AfterNotice:
    """
    How the scheme's notice is.

    Raises:
        Conflict: it issues its awards at once, or it is a draft.
    """
    check_announced(scheme)
    if scheme.notice is None:
        raise Conflict(
            f"scheme {scheme.scheme_id} issues its awards at once: it has no public notice",
            code="scheme_at_once",
        )
    return scheme.notice


def proposed_now(due: PlannedAward, before: Proposal | None, id_: str, token: str, since: int) -> Proposal:
    """
    The proposal of somebody who is due now.

    An upheld objection stays, and so does what was issued already.

    Args:
        since: the version of the notice in which a change would stand.
    """
    if before is None:
        whom = due.scheme.scheme_id, due.recipient_id
        return Proposal(id_, *whom, due.cause, due.tier, since, token, shared=due.shared)
    if before.issued or before.code == "objection":
        return replace(before, round=token)
    if before.stands and before.tier == due.tier:
        # Another result may earn the same: nobody sees that.
        return replace(before, round=token, cause=due.cause, shared=due.shared)
    now = replace(before, round=token, cause=due.cause, tier=due.tier, shared=due.shared)
    return replace(now, code=None, since=since)


def left_out(proposal: Proposal, since: int) -> Proposal:
    """The proposal after an objection was upheld."""
    why: Withdrawn = "objection"
    return replace(proposal, code=why, since=since)


def changed(notice: Notice, terms: AfterNotice, now: datetime, *, adds: bool) -> Notice:
    """
    The notice after proposals have changed: while it is out, another version.

    Whoever is new, or gets another tier, is shown for the whole time too. So the notice then ends later.
    """
    if not notice.is_out or notice.ends_at is None:
        return notice
    is_first = notice.round is None or not notice.round.changed
    return replace(
        notice,
        version=notice.version + is_first,
        ends_at=max(notice.ends_at, now + terms.length) if adds else notice.ends_at,
        telling="",
        round=notice.round and replace(notice.round, changed=True),
    )


def published(notice: Notice, terms: AfterNotice, now: datetime) -> Notice:
    """The notice in its next version, which everybody can see from now on."""
    return replace(
        notice, version=notice.version + 1, published_at=now, ends_at=now + terms.length, telling=""
    )


def next_version(notice: Notice) -> int:
    """The version in which a change of now stands for the first time."""
    is_made = notice.is_out and notice.round is not None and notice.round.changed
    return notice.version if is_made else notice.version + 1


def confirmed(notice: Notice, version: int, now: datetime) -> Notice:
    """
    The notice that is confirmed: its awards may be issued. On a repeat, the same.

    Raises:
        Conflict: nothing is published, it has another version, has not ended, or something is not decided.
    """
    subject = Subject(notice.scheme_id)
    if notice.version == 0:
        raise unpublished(subject)
    if version != notice.version:
        raise Conflict(
            f"the notice of {notice.scheme_id} has version {notice.version} now: read it again",
            code="notice_differs",
        )
    if not notice.is_out:
        return notice
    if notice.status(now) == "running":
        raise Conflict(
            f"the notice of {notice.scheme_id} runs until {notice.ends_at}: confirm it after that",
            code="notice_running",
        )
    check_all_decided(subject, notice.open)
    check_settled(notice)
    return replace(notice, confirmed=notice.version, confirmed_at=now, issuing="")


def check_settled(notice: Notice) -> None:
    """
    Raises:
        Conflict: something has changed, and the proposals do not show it yet.
    """
    if notice.mark is not None:
        raise Conflict(
            f"who is due by {notice.scheme_id} is being found: try again in a moment",
            code="proposals_under_way",
        )


def work_at(notice: Notice, terms: AfterNotice) -> datetime | None:
    """When the background work has something to do; None: not before somebody changes the notice."""
    if notice.mark is not None or notice.telling is not None or notice.issuing is not None:
        return AT_ONCE
    if notice.is_out and terms.confirm == "automatic" and not notice.open:
        return notice.ends_at
    return None
