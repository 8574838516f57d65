// The data of each event of Kepu Week. Made by python -m ops.contracts.documents; do not edit.
//
// Times are RFC 3339. A field with "?" may be missing, and has its default value then. Ignore fields that are
// not here, and expect texts that a later release adds.

/** The data of an event, by its `ce_type`. */
export interface KepuEvents {
  "kepu.session.published.v1": SessionPublished;
  "kepu.session.changed.v1": SessionChanged;
  "kepu.session.cancelled.v1": SessionCancelled;
  "kepu.registration.requested.v1": RegistrationRequested;
  "kepu.participant.keyed.v1": ParticipantKeyed;
  "kepu.participant.joined.v1": ParticipantJoined;
  "kepu.participant.named.v1": ParticipantNamed;
  "kepu.group.application_decided.v1": GroupApplicationDecided;
  "kepu.participant.entered.v1": ParticipantEntered;
  "kepu.participant.code_requested.v1": ParticipantCodeRequested;
  "kepu.participant.contact_changed.v1": ParticipantContactChanged;
  "kepu.participant.erased.v1": ParticipantErased;
  "kepu.registration.held.v1": RegistrationHeld;
  "kepu.registration.confirmed.v1": RegistrationConfirmed;
  "kepu.registration.waitlisted.v1": RegistrationWaitlisted;
  "kepu.registration.offered.v1": RegistrationOffered;
  "kepu.registration.rejected.v1": RegistrationRejected;
  "kepu.registration.cancelled.v1": RegistrationCancelled;
  "kepu.registration.moved.v1": RegistrationMoved;
  "kepu.registration.checked_in.v1": RegistrationCheckedIn;
  "kepu.registration.check_in_undone.v1": RegistrationCheckInUndone;
  "kepu.registration.reminded.v1": RegistrationReminded;
  "kepu.shift.volunteered.v1": ShiftVolunteered;
  "kepu.shift.assigned.v1": ShiftAssigned;
  "kepu.shift.moved.v1": ShiftMoved;
  "kepu.shift.reminded.v1": ShiftReminded;
  "kepu.shift.ended.v1": ShiftEnded;
  "kepu.quiz.published.v1": QuizPublished;
  "kepu.quiz.answers_saved.v1": QuizAnswersSaved;
  "kepu.quiz.submitted.v1": QuizSubmitted;
  "kepu.quiz.completed.v1": QuizCompleted;
  "kepu.quiz.regraded.v1": QuizRegraded;
  "kepu.quiz.disqualification_decided.v1": QuizDisqualificationDecided;
  "kepu.quiz.closed.v1": QuizClosed;
  "kepu.quiz.cancelled.v1": QuizCancelled;
  "kepu.award.issued.v1": AwardIssued;
  "kepu.award.revoked.v1": AwardRevoked;
  "kepu.award.proposed.v1": AwardProposed;
  "kepu.award.objected.v1": AwardObjected;
  "kepu.draw.announced.v1": DrawAnnounced;
  "kepu.award.drawn.v1": AwardDrawn;
  "kepu.selection.opened.v1": SelectionOpened;
  "kepu.selection.nominated.v1": SelectionNominated;
  "kepu.selection.admitted.v1": SelectionAdmitted;
  "kepu.selection.scored.v1": SelectionScored;
  "kepu.selection.shortlisted.v1": SelectionShortlisted;
  "kepu.selection.decided.v1": SelectionDecided;
  "kepu.award.handed_over.v1": AwardHandedOver;
  "kepu.notification.requested.v1": NotificationRequested;
  "kepu.notification.delivered.v1": NotificationDelivered;
  "kepu.notification.failed.v1": NotificationFailed;
  "kepu.dead_letter.decided.v1": DeadLetterDecided;
}

/**
 * Everybody can see this session of an activity, for the first time or again.
 *
 * Topic session.published, key session_id.
 */
export interface SessionPublished {
  readonly session_id: string;
  readonly version: number;
  readonly activity_id: string;
  readonly plan: SessionPlan;
}

/**
 * The session has another plan now; `plan_before` is the plan of the version before.
 *
 * Topic session.changed, key session_id.
 */
export interface SessionChanged {
  readonly session_id: string;
  readonly version: number;
  readonly activity_id: string;
  readonly plan: SessionPlan;
  readonly plan_before: SessionPlan;
}

/**
 * The session does not take place; `code` says why, and `reason` says it in the organiser's words.
 *
 * The code `session_removed` means that the organisers have removed the session. They may publish it again.
 *
 * Topic session.cancelled, key session_id.
 */
export interface SessionCancelled {
  readonly session_id: string;
  readonly version: number;
  readonly activity_id: string;
  readonly plan: SessionPlan;
  readonly code: string;
  readonly reason?: string | null;
}

/**
 * A command from any other system: register this person or group for a session.
 *
 * The sender chooses `request_id`. Two commands with the same `request_id`, `ce_source` and participant are
 * the same request.
 *
 * Topic registration.requested, key participant_id.
 */
export interface RegistrationRequested {
  readonly request_id: string;
  readonly participant_id: string;
  /** By default "person". */
  readonly kind?: "person" | "group";
  readonly session_id: string;
  /** By default 1. */
  readonly places?: number;
  readonly group_id?: string | null;
  readonly district?: string | null;
  /** By default "other". */
  readonly audience?: "youth" | "farmers" | "workers" | "elderly" | "officials" | "other";
  /** By default "zh-CN". */
  readonly language?: "zh-CN" | "en";
  readonly contact_sealed?: string | null;
}

/**
 * The key that opens what is encrypted for this participant; null: the key is destroyed.
 *
 * The topic keeps only the latest record of a participant. So after an erasure nobody can open
 * what earlier records of other topics have encrypted.
 *
 * Topic participant.keyed, key participant_id.
 */
export interface ParticipantKeyed {
  readonly participant_id: string;
  readonly version: number;
  readonly key_sealed: string | null;
}

/**
 * A participant's profile exists, or has changed.
 *
 * `contact_sealed`: the contact, encrypted with the participant's own key. `verified`: the participant has
 * proved that the contact is theirs, or somebody who registered them vouches for it. Mails go only to
 * verified contacts. `tokens_from`: tokens that were issued before this time have ended. `by_phone`: the
 * contact is a mobile phone number, not an e-mail address. `roster_from`: the participant has left a roster
 * and is on none; what earlier tokens say of rosters, group and district does not hold any more.
 *
 * Topic participant.joined, key participant_id.
 */
export interface ParticipantJoined {
  readonly participant_id: string;
  readonly version: number;
  readonly kind: "person" | "group";
  readonly group_id: string | null;
  readonly district: string | null;
  readonly audience: "youth" | "farmers" | "workers" | "elderly" | "officials" | "other";
  readonly language: "zh-CN" | "en";
  readonly contact_sealed: string | null;
  /** By default false. */
  readonly verified?: boolean;
  readonly tokens_from?: string | null;
  /** By default false. */
  readonly by_phone?: boolean;
  readonly roster_from?: string | null;
}

/**
 * The name of a participant for awards, and how awards may show it. Only awards can open it.
 *
 * `key_sealed`: a key for this record alone, sealed for awards; null: everything about the participant is
 * gone. `name_locked`, `address_locked`: encrypted with that key; the address is the one for prizes.
 * `shown`: what everybody may see of the name. The topic keeps only the latest record of a participant.
 *
 * Topic participant.named, key participant_id.
 */
export interface ParticipantNamed {
  readonly participant_id: string;
  readonly version: number;
  readonly kind: "person" | "group" | null;
  readonly group_id?: string | null;
  readonly district?: string | null;
  /** By default "none". */
  readonly shown?: "full" | "masked" | "none";
  readonly name_locked?: string | null;
  readonly address_locked?: string | null;
  readonly key_sealed: string | null;
}

/**
 * An organiser has decided on a group that applied to take part.
 *
 * `participant_id`: the person who applied. If the group is approved, this person manages it from now on.
 * `reason`: why it was refused, in the organiser's words.
 *
 * Topic group.application_decided, key participant_id.
 */
export interface GroupApplicationDecided {
  readonly application_id: string;
  readonly participant_id: string;
  readonly group_name: string;
  readonly approved: boolean;
  readonly group_id?: string | null;
  readonly reason?: string | null;
}

/**
 * A group has entered this participant, who took part before, as a member on its roster.
 *
 * The event's id is computed from group and participant: a group is told of once, also if it enters the
 * participant again.
 *
 * Topic participant.entered, key participant_id.
 */
export interface ParticipantEntered {
  readonly participant_id: string;
  readonly group_id: string;
  readonly group_name: string;
}

/**
 * Somebody asks for the code that proves whose a contact is. The code is sent to the contact only.
 *
 * `code_locked`, `contact_locked`: encrypted with the participant's own key. If there is no
 * `contact_locked`, the contact is that of the profile. `round`: counts the codes of this contact that were
 * used, from 1. So a new round means that the owner of the contact wanted the earlier mails. `by_phone`: the
 * contact is a mobile phone number, and the code goes by SMS.
 *
 * Topic participant.code_requested, key participant_id.
 */
export interface ParticipantCodeRequested {
  readonly sign_in_id: string;
  readonly participant_id: string;
  readonly language: "zh-CN" | "en";
  readonly round: number;
  readonly code_locked: string;
  readonly contact_locked?: string | null;
  readonly expires_at: string;
  /** By default false. */
  readonly by_phone?: boolean;
}

/**
 * A participant has verified another contact in place of a verified one, whose reader is told.
 *
 * `contact_locked`: the contact as it was before, encrypted with the participant's own key. `by_phone`: it
 * was a mobile phone number.
 *
 * Topic participant.contact_changed, key participant_id.
 */
export interface ParticipantContactChanged {
  readonly participant_id: string;
  readonly version: number;
  readonly language: "zh-CN" | "en";
  readonly contact_locked: string;
  /** By default false. */
  readonly by_phone?: boolean;
  readonly changed_at: string;
}

/**
 * Everything personal about this participant must go.
 *
 * `merged_into`: the person was two participants, and is only this participant from now on.
 *
 * Topic participant.erased, key participant_id.
 */
export interface ParticipantErased {
  readonly participant_id: string;
  readonly version: number;
  readonly erased_at: string;
  readonly merged_into?: string | null;
}

/**
 * A place is held until this moment for a participant whose contact is not verified yet.
 *
 * The next event is `registration.confirmed`, or `registration.cancelled` with the code `hold_expired`.
 * `promoted`: the place came from the waiting list.
 *
 * Topic registration.held, key participant_id.
 */
export interface RegistrationHeld {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
  readonly until: string;
  /** By default false. */
  readonly promoted?: boolean;
}

/**
 * The participant has a place. `promoted`: from the waiting list. `ticket_sealed`: encrypted.
 *
 * Topic registration.confirmed, key participant_id.
 */
export interface RegistrationConfirmed {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
  readonly ticket_sealed: string;
  /** By default false. */
  readonly promoted?: boolean;
}

/**
 * The session is full; `position` counts from 1 in the order of asking.
 *
 * `until`: if the contact is not verified at this time, the wait ends with the code `hold_expired`.
 * `waiting_policy`: who gets the next place: the first in order, or the first whose places fit.
 *
 * Topic registration.waitlisted, key participant_id.
 */
export interface RegistrationWaitlisted {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
  readonly position: number;
  readonly until?: string | null;
  /** By default "strict". */
  readonly waiting_policy?: "strict" | "fill";
}

/**
 * A place from the waiting list is kept until this moment. The participant may accept it.
 *
 * The next event is `registration.confirmed` or `registration.cancelled`. If the participant does not
 * answer, its code is `offer_expired`.
 *
 * Topic registration.offered, key participant_id.
 */
export interface RegistrationOffered {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
  readonly until: string;
}

/**
 * No place and no waiting: `code` says why.
 *
 * Topic registration.rejected, key participant_id.
 */
export interface RegistrationRejected {
  readonly request_id: string;
  readonly participant_id: string;
  readonly session_id: string;
  readonly code: string;
  readonly reason: string;
}

/**
 * A place or a waiting position was given back; `reason`: why, if an organiser gave a reason.
 *
 * Topic registration.cancelled, key participant_id.
 */
export interface RegistrationCancelled {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
  readonly code: string;
  readonly reason?: string | null;
}

/**
 * The session of a place or of a wait has another time or venue now; `…_before` is what it had before.
 *
 * Topic registration.moved, key participant_id.
 */
export interface RegistrationMoved {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
  readonly starts_at_before: string;
  readonly venue_before: string;
}

/**
 * The ticket was shown at the door. `people`: how many of its places came in with the first scan.
 *
 * If more than 60 came in, `people` is 60, and `all_people` is their number.
 *
 * Topic registration.checked_in, key participant_id.
 */
export interface RegistrationCheckedIn {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
  readonly checked_in_at: string;
  readonly people?: number | null;
  readonly all_people?: number | null;
}

/**
 * The check-in was a mistake: the place is confirmed again.
 *
 * Topic registration.check_in_undone, key participant_id.
 */
export interface RegistrationCheckInUndone {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
}

/**
 * Time to remind somebody of a session: the day before, an hour before, or with thanks after it.
 *
 * `version` is that of the registration: a reminder does not change it. `until`: after this time the
 * reminder makes no sense. `feedback`: where visitors can say how it was, in the organiser's words.
 *
 * Topic registration.reminded, key participant_id.
 */
export interface RegistrationReminded {
  readonly registration_id: string;
  readonly version: number;
  readonly request_id: string;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly starts_at: string;
  readonly venue: string;
  readonly places: number;
  readonly all_places?: number | null;
  readonly reminder: "day_before" | "hour_before" | "thanks";
  readonly ends_at: string;
  readonly until: string;
  readonly feedback?: string | null;
}

/**
 * The participant would take this shift of a session. An organiser decides.
 *
 * Topic shift.volunteered, key participant_id.
 */
export interface ShiftVolunteered {
  readonly assignment_id: string;
  readonly version: number;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly shift_id: string;
  readonly duty: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly venue: string;
}

/**
 * The participant is on the rota.
 *
 * Topic shift.assigned, key participant_id.
 */
export interface ShiftAssigned {
  readonly assignment_id: string;
  readonly version: number;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly shift_id: string;
  readonly duty: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly venue: string;
}

/**
 * The shift has another time or venue now; `…_before` is what it had before.
 *
 * `assigned`: true if the participant is on the rota; false if an organiser has not decided yet.
 *
 * Topic shift.moved, key participant_id.
 */
export interface ShiftMoved {
  readonly assignment_id: string;
  readonly version: number;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly shift_id: string;
  readonly duty: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly venue: string;
  readonly starts_at_before: string;
  readonly ends_at_before: string;
  readonly venue_before: string;
  readonly assigned: boolean;
}

/**
 * Time to remind somebody on a rota of the shift, the day before.
 *
 * `version` is that of the assignment: a reminder does not change it. `until`: after this time the reminder
 * makes no sense.
 *
 * Topic shift.reminded, key participant_id.
 */
export interface ShiftReminded {
  readonly assignment_id: string;
  readonly version: number;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly shift_id: string;
  readonly duty: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly venue: string;
  readonly until: string;
}

/**
 * The participant is not on the rota, or not any more; `code` says why.
 *
 * `reason`: why, if an organiser gave a reason.
 *
 * Topic shift.ended, key participant_id.
 */
export interface ShiftEnded {
  readonly assignment_id: string;
  readonly version: number;
  readonly participant_id: string;
  readonly activity_id: string;
  readonly activity_title: string;
  readonly session_id: string;
  readonly shift_id: string;
  readonly duty: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly venue: string;
  readonly code: string;
  readonly reason?: string | null;
}

/**
 * A quiz is open from/to, with all that another system needs to offer it.
 *
 * Paper n (0 to papers - 1) holds, for each topic of the blueprint, the first
 * `count` of its questions in ascending order of sha256("{quiz_id}/{n}/{question_id}");
 * the attempt with id a gets paper int(a) mod papers; and a is the UUIDv5 of
 * "{quiz_id}/{participant_id}/{day}/{number}" in the namespace `attempt_ids`, with the
 * day in the quiz's time zone (2026-05-20) and the number from 1 to attempts_per_day.
 * A system that offers the quiz checks who may begin: `admits` says it, and the claims `verified` and
 * `roster` of the participant's token show who somebody is. If `shows_scores` is `at_close`, nobody is told
 * a score, a rank or a right answer before the close, and `quiz.completed` comes at the close.
 * If there are `lines`, `blueprint` is empty, and paper n holds for each line the first `count` of the
 * questions that match the line, in the same order. No question matches two lines. All papers are worth the
 * same. A question gives its `points` for the right answer. If several options may be right, some right
 * ones without a wrong one give half of them (`partial`), nothing (`all_or_nothing`), or their share
 * (`each_right`), rounded down to half points. A wrong answer costs `wrong_costs` points; a paper never has
 * fewer than 0. An answer is wrong if it has a wrong letter; with `all_or_nothing` also if it has only some
 * of the right ones. No answer costs nothing.
 * An attempt that takes less than `least_plausible_seconds` is shown to organisers, and counts all the same.
 * Of a participant's attempts one is ranked: `counts` says if it is the best, or the first or last that was
 * handed in. Of equal points, `ties` says what ranks higher: less time used, an earlier finish, or nothing.
 *
 * Topic quiz.published, key quiz_id.
 */
export interface QuizPublished {
  readonly quiz_id: string;
  readonly version: number;
  readonly title: string;
  readonly opens_at: string;
  readonly closes_at: string;
  readonly timezone: string;
  readonly duration_seconds: number;
  readonly grace_seconds: number;
  readonly attempts_per_day: number;
  /** By default "anyone". */
  readonly admits?: "anyone" | "verified" | "roster";
  /** By default "at_once". */
  readonly shows_scores?: "at_once" | "at_close";
  /** By default "time_used". */
  readonly ties?: "time_used" | "earlier_finish" | "shared";
  /** By default "best". */
  readonly counts?: "best" | "first" | "last";
  readonly pass_percent: number;
  readonly least_plausible_seconds?: number | null;
  readonly papers: number;
  readonly attempt_ids: string;
  readonly blueprint: Readonly<Record<string, number>>;
  readonly questions: readonly (PublishedQuestion)[];
  /** By default []. */
  readonly lines?: readonly (PublishedLine)[];
  /** By default "partial". */
  readonly multiple_choice?: "partial" | "all_or_nothing" | "each_right";
  /** By default 0. */
  readonly wrong_costs?: number;
}

/**
 * The answers of an attempt so far, saved while it is under way; nothing is submitted.
 *
 * `answers` is the whole sheet. The highest `revision` of an attempt counts, whatever the order; of two
 * equal ones the first in the log. If no submission came when the attempt's time is over, quiz hands in the
 * saved answers (`quiz.submitted` with `automatic`). The other fields are those of `quiz.submitted`.
 *
 * Topic quiz.answers_saved, key attempt_id.
 */
export interface QuizAnswersSaved {
  readonly attempt_id: string;
  readonly quiz_id: string;
  readonly participant_id: string;
  readonly number: number;
  readonly started_at: string;
  readonly saved_at: string;
  readonly revision: number;
  readonly answers: Readonly<Record<string, string>>;
  readonly group_id?: string | null;
  readonly district?: string | null;
  readonly quiz_version?: number | null;
}

/**
 * The answers of one attempt, exactly as sent; the first in log order counts.
 *
 * `answers` maps question ids to the letters chosen ("A", or "ACD" if several are
 * right). If the sender does not know group and district, they come from the participant's
 * profile. `quiz_version` is the version of the quiz that the paper was drawn from. The
 * answers are graded by this version; without it, by the latest.
 * `automatic` says that nobody submitted in time, and that quiz hands in what was saved
 * (`quiz.answers_saved`). Only quiz writes it, after the last moment at which a submission may come.
 *
 * Topic quiz.submitted, key attempt_id.
 */
export interface QuizSubmitted {
  readonly attempt_id: string;
  readonly quiz_id: string;
  readonly participant_id: string;
  readonly number: number;
  readonly started_at: string;
  readonly submitted_at: string;
  readonly answers: Readonly<Record<string, string>>;
  readonly group_id?: string | null;
  readonly district?: string | null;
  readonly quiz_version?: number | null;
  /** By default false. */
  readonly automatic?: boolean;
}

/**
 * A graded attempt. `result_id` equals the attempt's id. It comes at the close if the quiz says so.
 *
 * `points` of `points_max` decide passing and rank; `score_percent` is the same in whole
 * percent, rounded down. `automatic`: nothing was submitted, and what was saved was handed in.
 *
 * Topic quiz.completed, key participant_id.
 */
export interface QuizCompleted {
  readonly result_id: string;
  readonly quiz_id: string;
  readonly quiz_title: string;
  readonly participant_id: string;
  readonly group_id: string | null;
  readonly district: string | null;
  readonly points: number;
  readonly points_max: number;
  readonly score_percent: number;
  readonly passed: boolean;
  readonly time_used_seconds: number;
  readonly completed_at: string;
  /** By default false. */
  readonly automatic?: boolean;
}

/**
 * A graded attempt has other points now, since organisers have corrected the quiz.
 *
 * `version` counts what was said of the result: `quiz.completed` is version 1. There is no order between
 * the two topics. `correction` is the number of the correction in the quiz, from 1. The code is
 * `key_corrected`, or `question_cancelled`: then everybody who had the question has its points. With
 * `points_changed` a question is worth other points, and with `question_taken_out` nobody has points for it:
 * then `points_max` is that of now, and `points_max_before` that of before.
 *
 * Topic quiz.regraded, key participant_id.
 */
export interface QuizRegraded {
  readonly result_id: string;
  readonly version: number;
  readonly quiz_id: string;
  readonly quiz_title: string;
  readonly participant_id: string;
  readonly correction: number;
  readonly code: string;
  readonly points_before: number;
  readonly points: number;
  readonly points_max: number;
  readonly score_percent: number;
  readonly passed_before: boolean;
  readonly passed: boolean;
  readonly time_used_seconds: number;
  readonly completed_at: string;
  readonly regraded_at: string;
  readonly points_max_before?: number | null;
}

/**
 * Organisers have disqualified a participant or single attempts of one in a quiz, or have taken that back.
 *
 * The whole state is said each time; the highest `version` of quiz and participant counts. `disqualified`:
 * the participant has no standing in the quiz, and no result of theirs counts, also later ones.
 * `result_ids`: only these results do not count. Both false and empty: reinstated. `reason` is for the
 * participant.
 *
 * Topic quiz.disqualification_decided, key participant_id.
 */
export interface QuizDisqualificationDecided {
  readonly quiz_id: string;
  readonly quiz_title: string;
  readonly participant_id: string;
  readonly version: number;
  readonly disqualified: boolean;
  /** By default []. */
  readonly result_ids?: readonly (string)[];
  readonly reason: string;
  readonly decided_at: string;
}

/**
 * Final standings are fixed. `standings` has the first `STANDINGS_MAX`, `participants` is the number of all.
 *
 * `ties` says who shares a rank: equal points and equal time (`time_used`), equal points and an equal
 * `finished_at` (`earlier_finish`), or equal points (`shared`). The next rank counts them (1, 2, 2, 4).
 * `counts` says which attempt of a participant is ranked.
 * If results change afterwards (a correction, a disqualification), it is published again with a higher
 * `version`; the highest counts.
 *
 * Topic quiz.closed, key quiz_id.
 */
export interface QuizClosed {
  readonly quiz_id: string;
  readonly quiz_title: string;
  readonly closed_at: string;
  readonly participants: number;
  readonly points_max: number;
  /** By default "time_used". */
  readonly ties?: "time_used" | "earlier_finish" | "shared";
  /** By default "best". */
  readonly counts?: "best" | "first" | "last";
  readonly standings: readonly (FinalStanding)[];
  /** By default 1. */
  readonly version?: number;
}

/**
 * The quiz does not take place, or ends without final standings; `code` says why, `reason` in the
 * organiser's words.
 *
 * It is about the versions up to `version`. The code `quiz_removed` means that nobody had begun it, and that
 * the organisers have removed it. If they publish a quiz of this name again, `quiz.published` has a higher
 * version.
 *
 * Topic quiz.cancelled, key quiz_id.
 */
export interface QuizCancelled {
  readonly quiz_id: string;
  readonly version: number;
  readonly quiz_title: string;
  readonly code: string;
  readonly reason?: string | null;
  readonly cancelled_at: string;
}

/**
 * An award was given. `cause` is the result, closing or conferral that it follows from.
 *
 * It comes again with a higher `version` if the award has another tier now (`tier_before` is the one
 * before), or if it is earned again after the rule took it back. `issued_at` is the time of this version.
 * `shared`: more people have its rank than places were left, and they share it.
 * `replaces`: the award in whose place an organiser gave it.
 *
 * Topic award.issued, key recipient_id.
 */
export interface AwardIssued {
  readonly award_id: string;
  readonly version: number;
  readonly award_code: string;
  readonly scheme_id: string;
  readonly scheme_title: string;
  readonly kind: "certificate" | "prize" | "plaque" | "flag";
  readonly tier: string | null;
  readonly recipient_id: string;
  readonly cause: string;
  readonly issued_at: string;
  readonly tier_before?: string | null;
  /** By default false. */
  readonly shared?: boolean;
  readonly replaces?: string | null;
}

/**
 * An award was taken back.
 *
 * `code`: the rule of the scheme took it back: `not_earned` or `disqualified`. It may be issued again. Null:
 * an organiser took it back, and only an organiser reinstates it. Then the next in rank may move up, unless
 * `place_free`. `superseded_by`: an organiser gave this award in its place, and it does not come back.
 *
 * Topic award.revoked, key recipient_id.
 */
export interface AwardRevoked {
  readonly award_id: string;
  readonly version: number;
  readonly award_code: string;
  readonly scheme_id: string;
  readonly scheme_title: string;
  readonly recipient_id: string;
  readonly reason: string;
  readonly revoked_at: string;
  readonly code?: string | null;
  /** By default false. */
  readonly place_free?: boolean;
  readonly superseded_by?: string | null;
}

/**
 * A public notice proposes an award for this recipient, or does not any more. Only then may it be issued.
 *
 * The whole state is said each time; the highest `version` of `award_id` counts. `code`, of a withdrawn one:
 * `not_earned`, `disqualified` or `objection`. The award is not issued before `notice_until`; a later change
 * of the notice may make it later.
 *
 * Topic award.proposed, key recipient_id.
 */
export interface AwardProposed {
  readonly award_id: string;
  readonly version: number;
  readonly scheme_id: string;
  readonly scheme_title: string;
  readonly kind: "certificate" | "prize" | "plaque" | "flag";
  readonly tier: string | null;
  readonly recipient_id: string;
  readonly cause: string;
  readonly status: "proposed" | "withdrawn";
  readonly code: string | null;
  readonly notice_version: number;
  readonly notice_until: string;
  readonly said_at: string;
}

/**
 * Somebody has objected to a proposed award (`made`), or organisers have decided it (`upheld`, `dismissed`).
 *
 * `selection_id`: the award is proposed by a selection, so the recipient is a candidate of it. Without the
 * words, and without who objects. The highest `version` of `objection_id` counts.
 *
 * Topic award.objected, key recipient_id.
 */
export interface AwardObjected {
  readonly objection_id: string;
  readonly version: number;
  readonly scheme_id: string;
  readonly recipient_id: string;
  readonly status: "made" | "upheld" | "dismissed";
  readonly said_at: string;
  readonly selection_id?: string | null;
  readonly selection_title?: string | null;
}

/**
 * The list of entrants of a draw is fixed, before anybody can know the seed.
 *
 * `list_sha256` is the digest of the list, which has a line for each entrant: id, space, chances. `number`
 * is 1, and higher if the draw was held again. If the draw is held again before its winners were drawn, this
 * event comes once more with a higher `version`, and `replaced_because` says why. `tied`: the entrants share
 * a rank, and the draw decides who gets the places that are left.
 *
 * Topic draw.announced, key draw_id.
 */
export interface DrawAnnounced {
  readonly draw_id: string;
  readonly number: number;
  readonly version: number;
  readonly title: string;
  readonly scheme_id: string;
  readonly prizes: readonly (DrawPrize)[];
  readonly reserves: number;
  readonly algorithm: string;
  readonly sources: readonly (SeedSource)[];
  readonly entrants: number;
  readonly chances: number;
  readonly list_sha256: string;
  readonly announced_at: string;
  readonly replaced_because?: string | null;
  readonly tied?: DrawTie | null;
}

/**
 * Winners were drawn: `drawn` has all who were selected, in order, first the winners and then the reserves.
 *
 * Anybody can compute them again from the list and `seed` (docs/draws.md). The places of `prizes` go to
 * the first who are drawn. For each of `moved`, in order, the next reserve gets the place. The event comes
 * again with a higher `version` for each of them, and if the draw is held again (`replaced_because`): then
 * nobody holds a prize by it.
 *
 * Topic award.drawn, key draw_id.
 */
export interface AwardDrawn {
  readonly draw_id: string;
  readonly number: number;
  readonly version: number;
  readonly title: string;
  readonly scheme_id: string;
  readonly prizes: readonly (DrawPrize)[];
  readonly algorithm: string;
  readonly list_sha256: string;
  readonly seed: string;
  readonly drawn: readonly (string)[];
  /** By default []. */
  readonly moved?: readonly (DrawMove)[];
  readonly held_at: string;
  readonly replaced_because?: string | null;
}

/**
 * Organisers have put or changed a selection: its places, its times, and by what experts judge.
 *
 * Awards of the scheme come from this selection alone.
 *
 * Topic selection.opened, key selection_id.
 */
export interface SelectionOpened {
  readonly selection_id: string;
  readonly version: number;
  readonly title: string;
  readonly scheme_id: string;
  readonly places: number;
  readonly candidates_at_most: number;
  readonly nominations_from: string;
  readonly nominations_until: string;
  readonly scoring_until: string;
  readonly notice_seconds: number;
  readonly experts_per_nominee: number;
  readonly drop_extremes: boolean;
  readonly criteria: readonly (SelectionCriterion)[];
}

/**
 * Somebody was nominated in a selection, or is `withdrawn` from it.
 *
 * `version` counts the changes of a nominee of a selection, in this topic and in `selection.admitted`
 * together.
 *
 * Topic selection.nominated, key participant_id.
 */
export interface SelectionNominated {
  readonly selection_id: string;
  readonly participant_id: string;
  readonly version: number;
  readonly withdrawn: boolean;
  readonly changed_at: string;
  readonly selection_title?: string | null;
}

/**
 * Organisers have checked whether a nominee is eligible; `code` says why not.
 *
 * `version`: as in `selection.nominated`.
 *
 * Topic selection.admitted, key participant_id.
 */
export interface SelectionAdmitted {
  readonly selection_id: string;
  readonly participant_id: string;
  readonly version: number;
  readonly admitted: boolean;
  readonly code?: string | null;
  readonly decided_at: string;
  readonly selection_title?: string | null;
}

/**
 * An expert has scored a nominee, or changed the scores. The highest `version` of both counts.
 *
 * The scores follow in `selection.shortlisted`. Until then there is only a `commitment` to them: the SHA-256
 * of `salt|selection_id|expert_id|participant_id|version|points`. The points are in the order of the
 * criteria, with commas between them.
 *
 * Topic selection.scored, key selection_id.
 */
export interface SelectionScored {
  readonly selection_id: string;
  readonly expert_id: string;
  readonly participant_id: string;
  readonly version: number;
  readonly commitment: string;
  readonly scored_at: string;
}

/**
 * The candidates of a selection, their public notice until `notice_until`, and all scores that count.
 *
 * Nominees are ranked by the mean of their experts; equal means share a rank (1, 2, 2, 4).
 *
 * Topic selection.shortlisted, key selection_id.
 */
export interface SelectionShortlisted {
  readonly selection_id: string;
  readonly version: number;
  readonly ranking: readonly (RankedNominee)[];
  readonly candidates: readonly (string)[];
  readonly scores: readonly (RevealedScore)[];
  readonly shortlisted_at: string;
  readonly notice_until: string;
}

/**
 * The committee has voted, after the public notice and all objections. The winners get their awards.
 *
 * A winner has the votes of more than half of the `members`. `left_out`: candidates who have withdrawn, or
 * against whom an objection was upheld.
 *
 * Topic selection.decided, key selection_id.
 */
export interface SelectionDecided {
  readonly selection_id: string;
  readonly version: number;
  readonly members: number;
  readonly votes: readonly (CandidateVotes)[];
  readonly left_out: readonly (string)[];
  readonly winners: readonly (string)[];
  readonly decided_at: string;
}

/**
 * An award was handed over at a ceremony, or that was a mistake (`handed_over` is false).
 *
 * It says the state: of two events about an award the higher `version` counts. `by_proxy`: somebody else
 * received it for the recipient.
 *
 * Topic award.handed_over, key recipient_id.
 */
export interface AwardHandedOver {
  readonly award_id: string;
  readonly version: number;
  readonly award_code: string;
  readonly scheme_id: string;
  readonly recipient_id: string;
  readonly ceremony_id: string;
  readonly by_proxy: boolean;
  readonly handed_over: boolean;
  readonly at: string;
}

/**
 * A command from any other system: say this to that participant. No personal data in the text.
 *
 * Topic notification.requested, key participant_id.
 */
export interface NotificationRequested {
  readonly request_id: string;
  readonly participant_id: string;
  readonly subject: string;
  readonly body: string;
  /** By default ["inbox"]. */
  readonly channels?: readonly ("inbox" | "email")[];
}

/**
 * A message reached its channel. `cause_id` is the id of the event that it tells of.
 *
 * `by_phone`: it was an SMS. Then `channel` is `email`, because readers of release 0.2.0 do not know `sms`.
 *
 * Topic notification.delivered, key participant_id.
 */
export interface NotificationDelivered {
  readonly message_id: string;
  readonly participant_id: string;
  readonly channel: "inbox" | "email";
  readonly cause_id: string;
  readonly delivered_at: string;
  /** By default false. */
  readonly by_phone?: boolean;
}

/**
 * A message was given up after its last attempt. `by_phone`: as in `notification.delivered`.
 *
 * Topic notification.failed, key participant_id.
 */
export interface NotificationFailed {
  readonly message_id: string;
  readonly participant_id: string;
  readonly channel: "inbox" | "email";
  readonly cause_id: string;
  readonly code: string;
  readonly attempts: number;
  readonly failed_at: string;
  /** By default false. */
  readonly by_phone?: boolean;
}

/**
 * Operators have decided what becomes of a record that a group could not handle.
 *
 * `redriven`: it is written to its topic again, for the `times`-th time. `discarded`: nothing more is done
 * with it. `bury`: the group does not handle it, and makes a dead letter of it. `place` and `letter` name
 * the record and its dead letter as "topic/partition/offset"; `letter` is null if there is none yet.
 *
 * Topic dead_letter.decided, key record_id.
 */
export interface DeadLetterDecided {
  readonly record_id: string;
  readonly group: string;
  readonly place: string;
  readonly letter?: string | null;
  readonly decision: "redriven" | "discarded" | "bury";
  /** By default 0. */
  readonly times?: number;
  readonly by: string;
  readonly reason?: string | null;
  readonly decided_at: string;
}

/**
 */
export interface CandidateVotes {
  readonly participant_id: string;
  readonly votes_for: number;
  readonly against: number;
  readonly abstained: number;
}

/**
 * Somebody who was drawn gets no prize. `code`: `erased`, or `not_entitled` by an organiser.
 */
export interface DrawMove {
  readonly entrant_id: string;
  readonly code: string;
}

/**
 * A level of the prizes of a draw, best first.
 */
export interface DrawPrize {
  readonly tier: string;
  readonly places: number;
}

/**
 * The tie at the end of this tier of a scheme.
 */
export interface DrawTie {
  readonly scheme_id: string;
  readonly tier: string;
}

/**
 * `finished_at` is there if our quiz has written it, and wherever it decides ties.
 */
export interface FinalStanding {
  readonly rank: number;
  readonly participant_id: string;
  readonly points: number;
  readonly score_percent: number;
  readonly time_used_seconds: number;
  readonly finished_at?: string | null;
}

/**
 * So many questions of a topic on each paper; of this difficulty and kind, if they are given.
 */
export interface PublishedLine {
  readonly topic_name: string;
  readonly difficulty?: "easy" | "medium" | "hard" | null;
  readonly kind?: "single" | "multiple" | "true_false" | null;
  readonly count: number;
}

/**
 */
export interface PublishedOption {
  readonly id: string;
  readonly text: string;
}

/**
 * A question as participants see it, without the right answer. `points`: what it is worth.
 */
export interface PublishedQuestion {
  readonly id: string;
  readonly topic_name: string;
  readonly kind: "single" | "multiple" | "true_false";
  readonly text: string;
  readonly options: readonly (PublishedOption)[];
  /** By default 1. */
  readonly points?: number;
  readonly difficulty?: "easy" | "medium" | "hard" | null;
}

/**
 * `score` is the mean of the experts, of 100, with four decimals; `experts` have scored the nominee.
 */
export interface RankedNominee {
  readonly rank: number;
  readonly participant_id: string;
  readonly score: string;
  readonly experts: number;
}

/**
 * `points` are in the order of the criteria. `version` and `salt` are for the commitment.
 */
export interface RevealedScore {
  readonly expert_id: string;
  readonly participant_id: string;
  readonly version: number;
  readonly salt: string;
  readonly points: readonly (number)[];
}

/**
 * Where a part of the seed of a draw comes from; it was named before the part was known.
 *
 * A public source, such as a lottery, has `expected_at`: its numbers come after that time. A witness has
 * `sha256`: the SHA-256 of a secret, which the witness reveals afterwards.
 */
export interface SeedSource {
  readonly description: string;
  readonly expected_at?: string | null;
  readonly sha256?: string | null;
}

/**
 */
export interface SelectionCriterion {
  readonly id: string;
  readonly title: string;
  readonly weight: number;
  readonly points_max: number;
}

/**
 * What everybody may know of a session.
 *
 * Registration is open from `opens_at` to `closes_at`; a time that is null is no limit. `admits` says who
 * may register.
 */
export interface SessionPlan {
  readonly activity_title: string;
  readonly summary: string;
  readonly organiser: string;
  readonly kind: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly venue: string;
  readonly district: string;
  readonly capacity: number;
  readonly waiting_max: number;
  readonly opens_at: string | null;
  readonly closes_at: string | null;
  readonly admits: "anyone" | "verified" | "roster";
}
