"""
Every contract between the services and with other systems, in the order in which things happen.

A contract is frozen once it is released. New fields are optional. No field is removed, renamed or narrowed.
Bodies have pseudonymous ids only. Contacts and ticket codes are encrypted with the participant's own key,
which only registration and notifications have (shared/contracts/sealing.py). A command's contact is encrypted
with the public key of notifications.

`version` counts the changes of the thing that an event is about, from 1. A record may come twice, or late
after a fault. So a reader that keeps a copy accepts only a higher version than its own.

This module has more than 350 lines so that all contracts stand in one file, in this order.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.checked import (
    LINE_CHARS_MAX,
    Code,
    Count,
    Id,
    Line,
    LineAsKey,
    Moment,
    Ordinal,
    PersonalLine,
    Text,
    Version,
    Whole,
    Zone,
    line,
)
from shared.contracts.envelope import LIST_BYTES_MAX, Event, Part
from shared.contracts.sources import OURS, QUIZ, REGISTRATION

ANSWER_PATTERN = r"^[A-H]{1,8}$"
ANSWERS_MAX = 200
STANDINGS_MAX = 1_000
# Places of all prizes of a draw together, and the reserves behind them.
DRAWN_MAX = 2_000
SEED_PARTS_MAX = 20
QUESTIONS_MAX = 1_000

Sealed = Annotated[str, StringConstraints(max_length=4_096, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
Locked = Annotated[str, StringConstraints(max_length=6_144, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
Percent = Annotated[int, Field(ge=0, le=100)]
Points = Annotated[float, Field(ge=0, le=200, multiple_of=0.5)]
"""Points reached: they decide passing and rank. A percentage is only for people to look at."""
Seconds = Annotated[int, Field(ge=0, le=31_622_400)]
PLACES_MAX = 60
Places = Annotated[int, Field(ge=1, le=PLACES_MAX)]
# Places of one registration of a group. 500 ids of members are some 20 KiB, in a request and in a document.
GROUP_PLACES_MAX = 500
ManyPlaces = Annotated[int, Field(gt=PLACES_MAX, le=GROUP_PLACES_MAX)]
"""More places than `Places` allows: released readers refuse a larger number there."""
Letters = Annotated[str, StringConstraints(pattern=ANSWER_PATTERN)]

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[str, StringConstraints(max_length=8_192, pattern=r"^(?:[0-9A-Za-z.]{1,400}/){1,20}$")]
"""The inputs of a draw, each ended by "/": numbers in rising order, each with a "."; or a secret."""

ParticipantKind = Literal["person", "group"]
NameShown = Literal["full", "masked", "none"]
Difficulty = Literal["easy", "medium", "hard"]
MultipleChoice = Literal["partial", "all_or_nothing", "each_right"]
Audience = Literal["youth", "farmers", "workers", "elderly", "officials", "other"]
Language = Literal["zh-CN", "en"]
Channel = Literal["inbox", "email"]
Admits = Literal["anyone", "verified", "roster"]
ShowsScores = Literal["at_once", "at_close"]
Ties = Literal["time_used", "earlier_finish", "shared"]
Counts = Literal["best", "first", "last"]
WaitingPolicy = Literal["strict", "fill"]
Overlap = Literal["allow", "warn", "refuse"]
QuestionKind = Literal["single", "multiple", "true_false"]
Reminder = Literal["day_before", "hour_before", "thanks"]
AwardKind = Literal["certificate", "prize", "plaque", "flag"]


class SessionPlan(Part):
    """
    What everybody may know of a session.

    Registration is open from `opens_at` to `closes_at`; a time that is null is no limit. `admits` says who
    may register.
    """

    activity_title: Line
    summary: Text
    organiser: Line
    kind: Code
    starts_at: Moment
    ends_at: Moment
    venue: Line
    district: Line
    capacity: Ordinal
    waiting_max: Count
    opens_at: Moment | None
    closes_at: Moment | None
    admits: Admits


class SessionPublished(Event, topic="session.published", key="session_id"):
    """Everybody can see this session of an activity, for the first time or again."""

    session_id: Id
    version: Version
    activity_id: Id
    plan: SessionPlan


class SessionChanged(Event, topic="session.changed", key="session_id"):
    """The session has another plan now; `plan_before` is the plan of the version before."""

    session_id: Id
    version: Version
    activity_id: Id
    plan: SessionPlan
    plan_before: SessionPlan


class SessionCancelled(Event, topic="session.cancelled", key="session_id"):
    """
    The session does not take place; `code` says why, and `reason` says it in the organiser's words.

    The code `session_removed` means that the organisers have removed the session. They may publish it again.
    """

    session_id: Id
    version: Version
    activity_id: Id
    plan: SessionPlan
    code: Code
    reason: Line | None = None


class RegistrationRequested(Event, topic="registration.requested", key="participant_id"):
    """
    A command from any other system: register this person or group for a session.

    The sender chooses `request_id`. Two commands with the same `request_id`, `ce_source` and participant are
    the same request.
    """

    request_id: Id
    participant_id: Id
    kind: ParticipantKind = "person"
    session_id: Id
    places: Places = 1
    group_id: Id | None = None
    district: Line | None = None
    audience: Audience = "other"
    language: Language = "zh-CN"
    contact_sealed: Sealed | None = None

    @property
    def asked_for(self) -> bytes:
        """What must be the same in a repeat of this request. A contact is sealed anew each time."""
        # Without defaults. A later release may add a field, and an old command must keep its fingerprint.
        return self.model_dump_json(exclude={"contact_sealed"}, exclude_defaults=True).encode()


class ParticipantKeyed(Event, topic="participant.keyed", key="participant_id"):
    """
    The key that opens what is encrypted for this participant; null: the key is destroyed.

    The topic keeps only the latest record of a participant. So after an erasure nobody can open
    what earlier records of other topics have encrypted.
    """

    participant_id: Id
    version: Version
    key_sealed: Sealed | None


class ParticipantJoined(Event, topic="participant.joined", key="participant_id"):
    """
    A participant's profile exists, or has changed.

    `contact_sealed`: the contact, encrypted with the participant's own key. `verified`: the participant has
    proved that the contact is theirs, or somebody who registered them vouches for it. Mails go only to
    verified contacts. `tokens_from`: tokens that were issued before this time have ended. `by_phone`: the
    contact is a mobile phone number, not an e-mail address. `roster_from`: the participant has left a roster
    and is on none; what earlier tokens say of rosters, group and district does not hold any more.
    """

    participant_id: Id
    version: Version
    kind: ParticipantKind
    group_id: Id | None
    district: Line | None
    audience: Audience
    language: Language
    contact_sealed: Locked | None
    verified: bool = False
    tokens_from: Moment | None = None
    by_phone: bool = False
    roster_from: Moment | None = None


class ParticipantCodeRequested(Event, topic="participant.code_requested", key="participant_id"):
    """
    Somebody asks for the code that proves whose a contact is. The code is sent to the contact only.

    `code_locked`, `contact_locked`: encrypted with the participant's own key. If there is no
    `contact_locked`, the contact is that of the profile. `round`: counts the codes of this contact that were
    used, from 1. So a new round means that the owner of the contact wanted the earlier mails. `by_phone`: the
    contact is a mobile phone number, and the code goes by SMS.
    """

    sign_in_id: Id
    participant_id: Id
    language: Language
    round: Ordinal
    code_locked: Locked
    contact_locked: Locked | None = None
    expires_at: Moment
    by_phone: bool = False


class ParticipantContactChanged(Event, topic="participant.contact_changed", key="participant_id"):
    """
    A participant has verified another contact in place of a verified one, whose reader is told.

    `contact_locked`: the contact as it was before, encrypted with the participant's own key. `by_phone`: it
    was a mobile phone number.
    """

    participant_id: Id
    version: Version
    language: Language
    contact_locked: Locked
    by_phone: bool = False
    changed_at: Moment


class ParticipantNamed(Event, topic="participant.named", key="participant_id"):
    """
    The name of a participant for awards, and how awards may show it. Only awards can open it.

    `key_sealed`: a key for this record alone, sealed for awards; null: everything about the participant is
    gone. `name_locked`, `address_locked`: encrypted with that key; the address is the one for prizes.
    `shown`: what everybody may see of the name. The topic keeps only the latest record of a participant.
    """

    participant_id: Id
    version: Version
    kind: ParticipantKind | None
    group_id: Id | None = None
    district: Line | None = None
    shown: NameShown = "none"
    name_locked: Locked | None = None
    address_locked: Locked | None = None
    key_sealed: Sealed | None


class GroupApplicationDecided(Event, topic="group.application_decided", key="participant_id"):
    """
    An organiser has decided on a group that applied to take part.

    `participant_id`: the person who applied. If the group is approved, this person manages it from now on.
    `reason`: why it was refused, in the organiser's words.
    """

    application_id: Id
    participant_id: Id
    group_name: Line
    approved: bool
    group_id: Id | None = None
    reason: PersonalLine | None = None


class ParticipantEntered(Event, topic="participant.entered", key="participant_id"):
    """
    A group has entered this participant, who took part before, as a member on its roster.

    The event's id is computed from group and participant: a group is told of once, also if it enters the
    participant again.
    """

    participant_id: Id
    group_id: Id
    group_name: Line


class ParticipantErased(Event, topic="participant.erased", key="participant_id"):
    """
    Everything personal about this participant must go.

    `merged_into`: the person was two participants, and is only this participant from now on.
    """

    participant_id: Id
    version: Version
    erased_at: Moment
    merged_into: Id | None = None


class _RegistrationOutcome(Event):
    """
    What every outcome says: who, for what, where and when. `request_id` is the id that the sender of the
    request chose.

    A group may have more than 60 places. Then `places` is 60, and `all_places` says how many there are.
    """

    registration_id: Id
    version: Version
    request_id: Id
    participant_id: Id
    activity_id: Id
    activity_title: Line
    session_id: Id
    starts_at: Moment
    venue: Line
    places: Places
    all_places: ManyPlaces | None = None

    @property
    def places_in_all(self) -> int:
        """How many places it is about."""
        return self.all_places or self.places


class RegistrationHeld(_RegistrationOutcome, topic="registration.held", key="participant_id"):
    """
    A place is held until this moment for a participant whose contact is not verified yet.

    The next event is `registration.confirmed`, or `registration.cancelled` with the code `hold_expired`.
    `promoted`: the place came from the waiting list.
    """

    until: Moment
    promoted: bool = False


class RegistrationConfirmed(_RegistrationOutcome, topic="registration.confirmed", key="participant_id"):
    """The participant has a place. `promoted`: from the waiting list. `ticket_sealed`: encrypted."""

    ticket_sealed: Locked
    promoted: bool = False


class RegistrationWaitlisted(_RegistrationOutcome, topic="registration.waitlisted", key="participant_id"):
    """
    The session is full; `position` counts from 1 in the order of asking.

    `until`: if the contact is not verified at this time, the wait ends with the code `hold_expired`.
    `waiting_policy`: who gets the next place: the first in order, or the first whose places fit.
    """

    position: Ordinal
    until: Moment | None = None
    waiting_policy: WaitingPolicy = "strict"


class RegistrationOffered(_RegistrationOutcome, topic="registration.offered", key="participant_id"):
    """
    A place from the waiting list is kept until this moment. The participant may accept it.

    The next event is `registration.confirmed` or `registration.cancelled`. If the participant does not
    answer, its code is `offer_expired`.
    """

    until: Moment


class RegistrationRejected(Event, topic="registration.rejected", key="participant_id"):
    """No place and no waiting: `code` says why."""

    request_id: Id
    participant_id: Id
    session_id: Id
    code: Code
    reason: Line


class RegistrationCancelled(_RegistrationOutcome, topic="registration.cancelled", key="participant_id"):
    """A place or a waiting position was given back; `reason`: why, if an organiser gave a reason."""

    code: Code
    reason: Line | None = None


class RegistrationMoved(_RegistrationOutcome, topic="registration.moved", key="participant_id"):
    """The session of a place or of a wait has another time or venue now; `…_before` is what it had before."""

    starts_at_before: Moment
    venue_before: Line


class RegistrationCheckedIn(_RegistrationOutcome, topic="registration.checked_in", key="participant_id"):
    """
    The ticket was shown at the door. `people`: how many of its places came in with the first scan.

    If more than 60 came in, `people` is 60, and `all_people` is their number.
    """

    checked_in_at: Moment
    people: Places | None = None
    all_people: ManyPlaces | None = None


class RegistrationCheckInUndone(
    _RegistrationOutcome, topic="registration.check_in_undone", key="participant_id"
):
    """The check-in was a mistake: the place is confirmed again."""


class RegistrationReminded(_RegistrationOutcome, topic="registration.reminded", key="participant_id"):
    """
    Time to remind somebody of a session: the day before, an hour before, or with thanks after it.

    `version` is that of the registration: a reminder does not change it. `until`: after this time the
    reminder makes no sense. `feedback`: where visitors can say how it was, in the organiser's words.
    """

    reminder: Reminder
    ends_at: Moment
    until: Moment
    feedback: Line | None = None


class _ShiftOutcome(Event):
    """What every outcome of a shift says: who, for which shift of which session, where and when."""

    assignment_id: Id
    version: Version
    participant_id: Id
    activity_id: Id
    activity_title: Line
    session_id: Id
    shift_id: Id
    duty: Line
    starts_at: Moment
    ends_at: Moment
    venue: Line


class ShiftVolunteered(_ShiftOutcome, topic="shift.volunteered", key="participant_id"):
    """The participant would take this shift of a session. An organiser decides."""


class ShiftAssigned(_ShiftOutcome, topic="shift.assigned", key="participant_id"):
    """The participant is on the rota."""


class ShiftMoved(_ShiftOutcome, topic="shift.moved", key="participant_id"):
    """
    The shift has another time or venue now; `…_before` is what it had before.

    `assigned`: true if the participant is on the rota; false if an organiser has not decided yet.
    """

    starts_at_before: Moment
    ends_at_before: Moment
    venue_before: Line
    assigned: bool


class ShiftReminded(_ShiftOutcome, topic="shift.reminded", key="participant_id"):
    """
    Time to remind somebody on a rota of the shift, the day before.

    `version` is that of the assignment: a reminder does not change it. `until`: after this time the reminder
    makes no sense.
    """

    until: Moment


class ShiftEnded(_ShiftOutcome, topic="shift.ended", key="participant_id"):
    """
    The participant is not on the rota, or not any more; `code` says why.

    `reason`: why, if an organiser gave a reason.
    """

    code: Code
    reason: Line | None = None


class PublishedOption(Part):
    id: Annotated[str, StringConstraints(pattern=r"^[A-H]$")]
    text: Line


class PublishedQuestion(Part):
    """A question as participants see it, without the right answer. `points`: what it is worth."""

    id: Id
    topic_name: Line
    kind: QuestionKind
    text: Text
    options: tuple[PublishedOption, ...]
    points: Points = 1
    difficulty: Difficulty | None = None


class PublishedLine(Part):
    """So many questions of a topic on each paper; of this difficulty and kind, if they are given."""

    topic_name: Line
    difficulty: Difficulty | None = None
    kind: QuestionKind | None = None
    count: Ordinal


class QuizPublished(Event, topic="quiz.published", key="quiz_id", bytes_max=LIST_BYTES_MAX):
    """
    A quiz is open from/to, with all that another system needs to offer it.

    Paper n (0 to papers - 1) holds, for each topic of the blueprint, the first
    `count` of its questions in ascending order of sha256("{quiz_id}/{n}/{question_id}");
    the attempt with id a gets paper int(a) mod papers; and a is the UUIDv5 of
    "{quiz_id}/{participant_id}/{day}/{number}" in the namespace `attempt_ids`, with the
    day in the quiz's time zone (2026-05-20) and the number from 1 to attempts_per_day.
    A system that offers the quiz checks who may begin: `admits` says it, and the claims `verified` and
    `roster` of the participant's token show who somebody is. If `shows_scores` is `at_close`, nobody is told
    a score, a rank or a right answer before the close, and `quiz.completed` comes at the close.
    If there are `lines`, `blueprint` is empty, and paper n holds for each line the first `count` of the
    questions that match the line, in the same order. No question matches two lines. All papers are worth the
    same. A question gives its `points` for the right answer. If several options may be right, some right
    ones without a wrong one give half of them (`partial`), nothing (`all_or_nothing`), or their share
    (`each_right`), rounded down to half points. A wrong answer costs `wrong_costs` points; a paper never has
    fewer than 0. An answer is wrong if it has a wrong letter; with `all_or_nothing` also if it has only some
    of the right ones. No answer costs nothing.
    An attempt that takes less than `least_plausible_seconds` is shown to organisers, and counts all the same.
    Of a participant's attempts one is ranked: `counts` says if it is the best, or the first or last that was
    handed in. Of equal points, `ties` says what ranks higher: less time used, an earlier finish, or nothing.
    """

    quiz_id: Id
    version: Version
    title: Line
    opens_at: Moment
    closes_at: Moment
    timezone: Zone
    duration_seconds: Seconds
    grace_seconds: Seconds
    attempts_per_day: Annotated[int, Field(ge=1, le=100)]
    admits: Admits = "anyone"
    shows_scores: ShowsScores = "at_once"
    ties: Ties = "time_used"
    counts: Counts = "best"
    pass_percent: Percent
    least_plausible_seconds: Seconds | None = None
    papers: Annotated[int, Field(ge=1, le=4_096)]
    attempt_ids: Id
    blueprint: dict[LineAsKey, Whole]
    questions: Annotated[tuple[PublishedQuestion, ...], Field(max_length=QUESTIONS_MAX)]
    lines: Annotated[tuple[PublishedLine, ...], Field(max_length=100)] = ()
    multiple_choice: MultipleChoice = "partial"
    wrong_costs: Points = 0


class QuizAnswersSaved(Event, topic="quiz.answers_saved", key="attempt_id"):
    """
    The answers of an attempt so far, saved while it is under way; nothing is submitted.

    `answers` is the whole sheet. The highest `revision` of an attempt counts, whatever the order; of two
    equal ones the first in the log. If no submission came when the attempt's time is over, quiz hands in the
    saved answers (`quiz.submitted` with `automatic`). The other fields are those of `quiz.submitted`.
    """

    attempt_id: Id
    quiz_id: Id
    participant_id: Id
    number: Annotated[int, Field(ge=1, le=100)]
    started_at: Moment
    saved_at: Moment
    revision: Version
    answers: Annotated[dict[Id, Letters], Field(max_length=ANSWERS_MAX)]
    group_id: Id | None = None
    district: Line | None = None
    quiz_version: Version | None = None


class QuizSubmitted(Event, topic="quiz.submitted", key="attempt_id"):
    """
    The answers of one attempt, exactly as sent; the first in log order counts.

    `answers` maps question ids to the letters chosen ("A", or "ACD" if several are
    right). If the sender does not know group and district, they come from the participant's
    profile. `quiz_version` is the version of the quiz that the paper was drawn from. The
    answers are graded by this version; without it, by the latest.
    `automatic` says that nobody submitted in time, and that quiz hands in what was saved
    (`quiz.answers_saved`). Only quiz writes it, after the last moment at which a submission may come.
    """

    attempt_id: Id
    quiz_id: Id
    participant_id: Id
    number: Annotated[int, Field(ge=1, le=100)]
    started_at: Moment
    submitted_at: Moment
    answers: Annotated[dict[Id, Letters], Field(max_length=ANSWERS_MAX)]
    group_id: Id | None = None
    district: Line | None = None
    quiz_version: Version | None = None
    automatic: bool = False


class QuizCompleted(Event, topic="quiz.completed", key="participant_id"):
    """
    A graded attempt. `result_id` equals the attempt's id. It comes at the close if the quiz says so.

    `points` of `points_max` decide passing and rank; `score_percent` is the same in whole
    percent, rounded down. `automatic`: nothing was submitted, and what was saved was handed in.
    """

    result_id: Id
    quiz_id: Id
    quiz_title: Line
    participant_id: Id
    group_id: Id | None
    district: Line | None
    points: Points
    points_max: Points
    score_percent: Percent
    passed: bool
    time_used_seconds: Seconds
    completed_at: Moment
    automatic: bool = False


class QuizRegraded(Event, topic="quiz.regraded", key="participant_id"):
    """
    A graded attempt has other points now, since organisers have corrected the quiz.

    `version` counts what was said of the result: `quiz.completed` is version 1. There is no order between
    the two topics. `correction` is the number of the correction in the quiz, from 1. The code is
    `key_corrected`, or `question_cancelled`: then everybody who had the question has its points. With
    `points_changed` a question is worth other points, and with `question_taken_out` nobody has points for it:
    then `points_max` is that of now, and `points_max_before` that of before.
    """

    result_id: Id
    version: Version
    quiz_id: Id
    quiz_title: Line
    participant_id: Id
    correction: Ordinal
    code: Code
    points_before: Points
    points: Points
    points_max: Points
    score_percent: Percent
    passed_before: bool
    passed: bool
    time_used_seconds: Seconds
    completed_at: Moment
    regraded_at: Moment
    points_max_before: Points | None = None


class QuizDisqualificationDecided(Event, topic="quiz.disqualification_decided", key="participant_id"):
    """
    Organisers have disqualified a participant or single attempts of one in a quiz, or have taken that back.

    The whole state is said each time; the highest `version` of quiz and participant counts. `disqualified`:
    the participant has no standing in the quiz, and no result of theirs counts, also later ones.
    `result_ids`: only these results do not count. Both false and empty: reinstated. `reason` is for the
    participant.
    """

    quiz_id: Id
    quiz_title: Line
    participant_id: Id
    version: Version
    disqualified: bool
    result_ids: Annotated[tuple[Id, ...], Field(max_length=100)] = ()
    reason: PersonalLine
    decided_at: Moment


class FinalStanding(Part):
    """`finished_at` is there if our quiz has written it, and wherever it decides ties."""

    rank: Ordinal
    participant_id: Id
    points: Points
    score_percent: Percent
    time_used_seconds: Seconds
    finished_at: Moment | None = None


class QuizClosed(Event, topic="quiz.closed", key="quiz_id", bytes_max=LIST_BYTES_MAX):
    """
    Final standings are fixed. `standings` has the first `STANDINGS_MAX`, `participants` is the number of all.

    `ties` says who shares a rank: equal points and equal time (`time_used`), equal points and an equal
    `finished_at` (`earlier_finish`), or equal points (`shared`). The next rank counts them (1, 2, 2, 4).
    `counts` says which attempt of a participant is ranked.
    If results change afterwards (a correction, a disqualification), it is published again with a higher
    `version`; the highest counts.
    """

    quiz_id: Id
    quiz_title: Line
    closed_at: Moment
    participants: Count
    points_max: Points
    ties: Ties = "time_used"
    counts: Counts = "best"
    standings: Annotated[tuple[FinalStanding, ...], Field(max_length=STANDINGS_MAX)]
    version: Version = 1


class QuizCancelled(Event, topic="quiz.cancelled", key="quiz_id"):
    """
    The quiz does not take place, or ends without final standings; `code` says why, `reason` in the
    organiser's words.

    It is about the versions up to `version`. The code `quiz_removed` means that nobody had begun it, and that
    the organisers have removed it. If they publish a quiz of this name again, `quiz.published` has a higher
    version.
    """

    quiz_id: Id
    version: Version
    quiz_title: Line
    code: Code
    reason: PersonalLine | None = None
    cancelled_at: Moment


class AwardIssued(Event, topic="award.issued", key="recipient_id"):
    """
    An award was given. `cause` is the result, closing or conferral that it follows from.

    It comes again with a higher `version` if the award has another tier now (`tier_before` is the one
    before), or if it is earned again after the rule took it back. `issued_at` is the time of this version.
    `shared`: more people have its rank than places were left, and they share it.
    `replaces`: the award in whose place an organiser gave it.
    """

    award_id: Id
    version: Version
    award_code: Line
    scheme_id: Id
    scheme_title: Line
    kind: AwardKind
    tier: Line | None
    recipient_id: Id
    cause: Id
    issued_at: Moment
    tier_before: Line | None = None
    shared: bool = False
    replaces: Id | None = None


class AwardRevoked(Event, topic="award.revoked", key="recipient_id"):
    """
    An award was taken back.

    `code`: the rule of the scheme took it back: `not_earned` or `disqualified`. It may be issued again. Null:
    an organiser took it back, and only an organiser reinstates it. Then the next in rank may move up, unless
    `place_free`. `superseded_by`: an organiser gave this award in its place, and it does not come back.
    """

    award_id: Id
    version: Version
    award_code: Line
    scheme_id: Id
    scheme_title: Line
    recipient_id: Id
    reason: PersonalLine
    revoked_at: Moment
    code: Code | None = None
    place_free: bool = False
    superseded_by: Id | None = None


class AwardProposed(Event, topic="award.proposed", key="recipient_id"):
    """
    A public notice proposes an award for this recipient, or does not any more. Only then may it be issued.

    The whole state is said each time; the highest `version` of `award_id` counts. `code`, of a withdrawn one:
    `not_earned`, `disqualified` or `objection`. The award is not issued before `notice_until`; a later change
    of the notice may make it later.
    """

    award_id: Id
    version: Version
    scheme_id: Id
    scheme_title: Line
    kind: AwardKind
    tier: Line | None
    recipient_id: Id
    cause: Id
    status: Literal["proposed", "withdrawn"]
    code: Code | None
    notice_version: Version
    notice_until: Moment
    said_at: Moment


class AwardObjected(Event, topic="award.objected", key="recipient_id"):
    """
    Somebody has objected to a proposed award (`made`), or organisers have decided it (`upheld`, `dismissed`).

    `selection_id`: the award is proposed by a selection, so the recipient is a candidate of it. Without the
    words, and without who objects. The highest `version` of `objection_id` counts.
    """

    objection_id: Id
    version: Version
    scheme_id: Id
    recipient_id: Id
    status: Literal["made", "upheld", "dismissed"]
    said_at: Moment
    selection_id: Id | None = None
    selection_title: Line | None = None


class DrawPrize(Part):
    """A level of the prizes of a draw, best first."""

    tier: Line
    places: Annotated[int, Field(ge=1, le=DRAWN_MAX)]


class SeedSource(Part):
    """
    Where a part of the seed of a draw comes from; it was named before the part was known.

    A public source, such as a lottery, has `expected_at`: its numbers come after that time. A witness has
    `sha256`: the SHA-256 of a secret, which the witness reveals afterwards.
    """

    description: Line
    expected_at: Moment | None = None
    sha256: Sha256 | None = None


class DrawTie(Part):
    """The tie at the end of this tier of a scheme."""

    scheme_id: Id
    tier: Line


class DrawAnnounced(Event, topic="draw.announced", key="draw_id"):
    """
    The list of entrants of a draw is fixed, before anybody can know the seed.

    `list_sha256` is the digest of the list, which has a line for each entrant: id, space, chances. `number`
    is 1, and higher if the draw was held again. If the draw is held again before its winners were drawn, this
    event comes once more with a higher `version`, and `replaced_because` says why. `tied`: the entrants share
    a rank, and the draw decides who gets the places that are left.
    """

    draw_id: Id
    number: Ordinal
    version: Version
    title: Line
    scheme_id: Id
    prizes: Annotated[tuple[DrawPrize, ...], Field(min_length=1, max_length=20)]
    reserves: Annotated[int, Field(ge=0, le=DRAWN_MAX)]
    algorithm: Code
    sources: Annotated[tuple[SeedSource, ...], Field(min_length=1, max_length=SEED_PARTS_MAX)]
    entrants: Count
    chances: Count
    list_sha256: Sha256
    announced_at: Moment
    replaced_because: Line | None = None
    tied: DrawTie | None = None


class DrawMove(Part):
    """Somebody who was drawn gets no prize. `code`: `erased`, or `not_entitled` by an organiser."""

    entrant_id: Id
    code: Code


class AwardDrawn(Event, topic="award.drawn", key="draw_id", bytes_max=LIST_BYTES_MAX):
    """
    Winners were drawn: `drawn` has all who were selected, in order, first the winners and then the reserves.

    Anybody can compute them again from the list and `seed` (docs/draws.md). The places of `prizes` go to
    the first who are drawn. For each of `moved`, in order, the next reserve gets the place. The event comes
    again with a higher `version` for each of them, and if the draw is held again (`replaced_because`): then
    nobody holds a prize by it.
    """

    draw_id: Id
    number: Ordinal
    version: Version
    title: Line
    scheme_id: Id
    prizes: Annotated[tuple[DrawPrize, ...], Field(min_length=1, max_length=20)]
    algorithm: Code
    list_sha256: Sha256
    seed: Seed
    drawn: Annotated[tuple[Id, ...], Field(max_length=DRAWN_MAX)]
    moved: Annotated[tuple[DrawMove, ...], Field(max_length=DRAWN_MAX)] = ()
    held_at: Moment
    replaced_because: Line | None = None


class SelectionCriterion(Part):
    id: Id
    title: Line
    weight: Annotated[int, Field(ge=1, le=100)]
    points_max: Annotated[int, Field(ge=1, le=100)]


class SelectionOpened(Event, topic="selection.opened", key="selection_id"):
    """
    Organisers have put or changed a selection: its places, its times, and by what experts judge.

    Awards of the scheme come from this selection alone.
    """

    selection_id: Id
    version: Version
    title: Line
    scheme_id: Id
    places: Ordinal
    candidates_at_most: Ordinal
    nominations_from: Moment
    nominations_until: Moment
    scoring_until: Moment
    notice_seconds: Seconds
    experts_per_nominee: Ordinal
    drop_extremes: bool
    criteria: Annotated[tuple[SelectionCriterion, ...], Field(min_length=1, max_length=20)]


class SelectionNominated(Event, topic="selection.nominated", key="participant_id"):
    """
    Somebody was nominated in a selection, or is `withdrawn` from it.

    `version` counts the changes of a nominee of a selection, in this topic and in `selection.admitted`
    together.
    """

    selection_id: Id
    participant_id: Id
    version: Version
    withdrawn: bool
    changed_at: Moment
    selection_title: Line | None = None


class SelectionAdmitted(Event, topic="selection.admitted", key="participant_id"):
    """
    Organisers have checked whether a nominee is eligible; `code` says why not.

    `version`: as in `selection.nominated`.
    """

    selection_id: Id
    participant_id: Id
    version: Version
    admitted: bool
    code: Code | None = None
    decided_at: Moment
    selection_title: Line | None = None


Commitment = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Salt = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class SelectionScored(Event, topic="selection.scored", key="selection_id"):
    """
    An expert has scored a nominee, or changed the scores. The highest `version` of both counts.

    The scores follow in `selection.shortlisted`. Until then there is only a `commitment` to them: the SHA-256
    of `salt|selection_id|expert_id|participant_id|version|points`. The points are in the order of the
    criteria, with commas between them.
    """

    selection_id: Id
    expert_id: Id
    participant_id: Id
    version: Version
    commitment: Commitment
    scored_at: Moment


class RevealedScore(Part):
    """`points` are in the order of the criteria. `version` and `salt` are for the commitment."""

    expert_id: Id
    participant_id: Id
    version: Version
    salt: Salt
    points: Annotated[tuple[Count, ...], Field(min_length=1, max_length=20)]


class RankedNominee(Part):
    """`score` is the mean of the experts, of 100, with four decimals; `experts` have scored the nominee."""

    rank: Ordinal
    participant_id: Id
    score: Line
    experts: Count


class SelectionShortlisted(
    Event, topic="selection.shortlisted", key="selection_id", bytes_max=LIST_BYTES_MAX
):
    """
    The candidates of a selection, their public notice until `notice_until`, and all scores that count.

    Nominees are ranked by the mean of their experts; equal means share a rank (1, 2, 2, 4).
    """

    selection_id: Id
    version: Version
    ranking: Annotated[tuple[RankedNominee, ...], Field(max_length=100)]
    candidates: Annotated[tuple[Id, ...], Field(max_length=100)]
    scores: Annotated[tuple[RevealedScore, ...], Field(max_length=1_500)]
    shortlisted_at: Moment
    notice_until: Moment


class CandidateVotes(Part):
    participant_id: Id
    votes_for: Count
    against: Count
    abstained: Count


class SelectionDecided(Event, topic="selection.decided", key="selection_id"):
    """
    The committee has voted, after the public notice and all objections. The winners get their awards.

    A winner has the votes of more than half of the `members`. `left_out`: candidates who have withdrawn, or
    against whom an objection was upheld.
    """

    selection_id: Id
    version: Version
    members: Ordinal
    votes: Annotated[tuple[CandidateVotes, ...], Field(max_length=100)]
    left_out: Annotated[tuple[Id, ...], Field(max_length=100)]
    winners: Annotated[tuple[Id, ...], Field(max_length=100)]
    decided_at: Moment


class AwardHandedOver(Event, topic="award.handed_over", key="recipient_id"):
    """
    An award was handed over at a ceremony, or that was a mistake (`handed_over` is false).

    It says the state: of two events about an award the higher `version` counts. `by_proxy`: somebody else
    received it for the recipient.
    """

    award_id: Id
    version: Version
    award_code: Line
    scheme_id: Id
    recipient_id: Id
    ceremony_id: Id
    by_proxy: bool
    handed_over: bool
    at: Moment


class NotificationRequested(Event, topic="notification.requested", key="participant_id"):
    """A command from any other system: say this to that participant. No personal data in the text."""

    request_id: Id
    participant_id: Id
    subject: PersonalLine
    body: Text
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=2)] = ("inbox",)


class NotificationDelivered(Event, topic="notification.delivered", key="participant_id"):
    """
    A message reached its channel. `cause_id` is the id of the event that it tells of.

    `by_phone`: it was an SMS. Then `channel` is `email`, because readers of release 0.2.0 do not know `sms`.
    """

    message_id: Id
    participant_id: Id
    channel: Channel
    cause_id: Line
    delivered_at: Moment
    by_phone: bool = False


class NotificationFailed(Event, topic="notification.failed", key="participant_id"):
    """A message was given up after its last attempt. `by_phone`: as in `notification.delivered`."""

    message_id: Id
    participant_id: Id
    channel: Channel
    cause_id: Line
    code: Code
    attempts: Count
    failed_at: Moment
    by_phone: bool = False


class DeadLetterDecided(Event, topic="dead_letter.decided", key="record_id"):
    """
    Operators have decided what becomes of a record that a group could not handle.

    `redriven`: it is written to its topic again, for the `times`-th time. `discarded`: nothing more is done
    with it. `bury`: the group does not handle it, and makes a dead letter of it. `place` and `letter` name
    the record and its dead letter as "topic/partition/offset"; `letter` is null if there is none yet.
    """

    record_id: Id
    group: Line
    place: Line
    letter: Line | None = None
    decision: Literal["redriven", "discarded", "bury"]
    times: Count = 0
    by: Line
    reason: Line | None = None
    decided_at: Moment


# Other systems send these commands. The value names the services of ours that send the command too.
COMMANDS: dict[type[Event], frozenset[str]] = {
    RegistrationRequested: frozenset(),
    NotificationRequested: frozenset({REGISTRATION, QUIZ}),
}


def is_cause_id(id_: str) -> bool:
    """True if the events about deliveries can carry this event id unchanged as `cause_id`."""
    if len(id_) > LINE_CHARS_MAX:
        return False
    if id_.isascii() and id_.isprintable():
        return id_ == id_.strip() != ""
    try:
        return line(id_) == id_
    except ValueError:
        return False


def forged_sources(contract: type[Event]) -> frozenset[str]:
    """Our services that never send this command; empty if the contract is not a command."""
    return OURS - COMMANDS[contract] if contract in COMMANDS else frozenset()


ALL: tuple[type[Event], ...] = (
    SessionPublished,
    SessionChanged,
    SessionCancelled,
    RegistrationRequested,
    ParticipantKeyed,
    ParticipantJoined,
    ParticipantNamed,
    GroupApplicationDecided,
    ParticipantEntered,
    ParticipantCodeRequested,
    ParticipantContactChanged,
    ParticipantErased,
    RegistrationHeld,
    RegistrationConfirmed,
    RegistrationWaitlisted,
    RegistrationOffered,
    RegistrationRejected,
    RegistrationCancelled,
    RegistrationMoved,
    RegistrationCheckedIn,
    RegistrationCheckInUndone,
    RegistrationReminded,
    ShiftVolunteered,
    ShiftAssigned,
    ShiftMoved,
    ShiftReminded,
    ShiftEnded,
    QuizPublished,
    QuizAnswersSaved,
    QuizSubmitted,
    QuizCompleted,
    QuizRegraded,
    QuizDisqualificationDecided,
    QuizClosed,
    QuizCancelled,
    AwardIssued,
    AwardRevoked,
    AwardProposed,
    AwardObjected,
    DrawAnnounced,
    AwardDrawn,
    SelectionOpened,
    SelectionNominated,
    SelectionAdmitted,
    SelectionScored,
    SelectionShortlisted,
    SelectionDecided,
    AwardHandedOver,
    NotificationRequested,
    NotificationDelivered,
    NotificationFailed,
    DeadLetterDecided,
)
