// Made by python -m ops.contracts.documents; do not edit.
package kepu.events;

import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;

/**
 * The data of each event of Kepu Week.
 *
 * <p>A field of the JSON such as {@code participant_id} is {@code participantId} here. A field that may be
 * missing is null then, and has its default value. For Jackson: PropertyNamingStrategies.SNAKE_CASE, the
 * module for java.time, and FAIL_ON_UNKNOWN_PROPERTIES false, because a later release may add fields.
 */
public final class KepuEvents {
  private KepuEvents() {}

  /**
   * Everybody can see this session of an activity, for the first time or again.
   *
   * <p>Topic {@code session.published}, key {@code session_id}.
   */
  public record SessionPublished(
      String sessionId,
      long version,
      String activityId,
      SessionPlan plan) {
    public static final String TYPE = "kepu.session.published.v1";
    public static final String TOPIC = "session.published";
  }

  /**
   * The session has another plan now; `plan_before` is the plan of the version before.
   *
   * <p>Topic {@code session.changed}, key {@code session_id}.
   */
  public record SessionChanged(
      String sessionId,
      long version,
      String activityId,
      SessionPlan plan,
      SessionPlan planBefore) {
    public static final String TYPE = "kepu.session.changed.v1";
    public static final String TOPIC = "session.changed";
  }

  /**
   * The session does not take place; `code` says why, and `reason` says it in the organiser's words.
   *
   * The code `session_removed` means that the organisers have removed the session. They may publish it again.
   *
   * <p>Topic {@code session.cancelled}, key {@code session_id}.
   */
  public record SessionCancelled(
      String sessionId,
      long version,
      String activityId,
      SessionPlan plan,
      String code,
      String reason) {
    public static final String TYPE = "kepu.session.cancelled.v1";
    public static final String TOPIC = "session.cancelled";
  }

  /**
   * A command from any other system: register this person or group for a session.
   *
   * The sender chooses `request_id`. Two commands with the same `request_id`, `ce_source` and participant are
   * the same request.
   *
   * <p>Topic {@code registration.requested}, key {@code participant_id}.
   * @param kind one of person, group; if missing, "person"
   * @param places if missing, 1
   * @param audience one of youth, farmers, workers, elderly, officials, other; if missing, "other"
   * @param language one of zh-CN, en; if missing, "zh-CN"
   */
  public record RegistrationRequested(
      String requestId,
      String participantId,
      String kind,
      String sessionId,
      Long places,
      String groupId,
      String district,
      String audience,
      String language,
      String contactSealed) {
    public static final String TYPE = "kepu.registration.requested.v1";
    public static final String TOPIC = "registration.requested";
  }

  /**
   * The key that opens what is encrypted for this participant; null: the key is destroyed.
   *
   * The topic keeps only the latest record of a participant. So after an erasure nobody can open
   * what earlier records of other topics have encrypted.
   *
   * <p>Topic {@code participant.keyed}, key {@code participant_id}.
   */
  public record ParticipantKeyed(
      String participantId,
      long version,
      String keySealed) {
    public static final String TYPE = "kepu.participant.keyed.v1";
    public static final String TOPIC = "participant.keyed";
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
   * <p>Topic {@code participant.joined}, key {@code participant_id}.
   * @param kind one of person, group
   * @param audience one of youth, farmers, workers, elderly, officials, other
   * @param language one of zh-CN, en
   * @param verified if missing, false
   * @param byPhone if missing, false
   */
  public record ParticipantJoined(
      String participantId,
      long version,
      String kind,
      String groupId,
      String district,
      String audience,
      String language,
      String contactSealed,
      Boolean verified,
      OffsetDateTime tokensFrom,
      Boolean byPhone,
      OffsetDateTime rosterFrom) {
    public static final String TYPE = "kepu.participant.joined.v1";
    public static final String TOPIC = "participant.joined";
  }

  /**
   * The name of a participant for awards, and how awards may show it. Only awards can open it.
   *
   * `key_sealed`: a key for this record alone, sealed for awards; null: everything about the participant is
   * gone. `name_locked`, `address_locked`: encrypted with that key; the address is the one for prizes.
   * `shown`: what everybody may see of the name. The topic keeps only the latest record of a participant.
   *
   * <p>Topic {@code participant.named}, key {@code participant_id}.
   * @param kind one of person, group
   * @param shown one of full, masked, none; if missing, "none"
   */
  public record ParticipantNamed(
      String participantId,
      long version,
      String kind,
      String groupId,
      String district,
      String shown,
      String nameLocked,
      String addressLocked,
      String keySealed) {
    public static final String TYPE = "kepu.participant.named.v1";
    public static final String TOPIC = "participant.named";
  }

  /**
   * An organiser has decided on a group that applied to take part.
   *
   * `participant_id`: the person who applied. If the group is approved, this person manages it from now on.
   * `reason`: why it was refused, in the organiser's words.
   *
   * <p>Topic {@code group.application_decided}, key {@code participant_id}.
   */
  public record GroupApplicationDecided(
      String applicationId,
      String participantId,
      String groupName,
      boolean approved,
      String groupId,
      String reason) {
    public static final String TYPE = "kepu.group.application_decided.v1";
    public static final String TOPIC = "group.application_decided";
  }

  /**
   * A group has entered this participant, who took part before, as a member on its roster.
   *
   * The event's id is computed from group and participant: a group is told of once, also if it enters the
   * participant again.
   *
   * <p>Topic {@code participant.entered}, key {@code participant_id}.
   */
  public record ParticipantEntered(
      String participantId,
      String groupId,
      String groupName) {
    public static final String TYPE = "kepu.participant.entered.v1";
    public static final String TOPIC = "participant.entered";
  }

  /**
   * Somebody asks for the code that proves whose a contact is. The code is sent to the contact only.
   *
   * `code_locked`, `contact_locked`: encrypted with the participant's own key. If there is no
   * `contact_locked`, the contact is that of the profile. `round`: counts the codes of this contact that were
   * used, from 1. So a new round means that the owner of the contact wanted the earlier mails. `by_phone`: the
   * contact is a mobile phone number, and the code goes by SMS.
   *
   * <p>Topic {@code participant.code_requested}, key {@code participant_id}.
   * @param language one of zh-CN, en
   * @param byPhone if missing, false
   */
  public record ParticipantCodeRequested(
      String signInId,
      String participantId,
      String language,
      long round,
      String codeLocked,
      String contactLocked,
      OffsetDateTime expiresAt,
      Boolean byPhone) {
    public static final String TYPE = "kepu.participant.code_requested.v1";
    public static final String TOPIC = "participant.code_requested";
  }

  /**
   * A participant has verified another contact in place of a verified one, whose reader is told.
   *
   * `contact_locked`: the contact as it was before, encrypted with the participant's own key. `by_phone`: it
   * was a mobile phone number.
   *
   * <p>Topic {@code participant.contact_changed}, key {@code participant_id}.
   * @param language one of zh-CN, en
   * @param byPhone if missing, false
   */
  public record ParticipantContactChanged(
      String participantId,
      long version,
      String language,
      String contactLocked,
      Boolean byPhone,
      OffsetDateTime changedAt) {
    public static final String TYPE = "kepu.participant.contact_changed.v1";
    public static final String TOPIC = "participant.contact_changed";
  }

  /**
   * Everything personal about this participant must go.
   *
   * `merged_into`: the person was two participants, and is only this participant from now on.
   *
   * <p>Topic {@code participant.erased}, key {@code participant_id}.
   */
  public record ParticipantErased(
      String participantId,
      long version,
      OffsetDateTime erasedAt,
      String mergedInto) {
    public static final String TYPE = "kepu.participant.erased.v1";
    public static final String TOPIC = "participant.erased";
  }

  /**
   * A place is held until this moment for a participant whose contact is not verified yet.
   *
   * The next event is `registration.confirmed`, or `registration.cancelled` with the code `hold_expired`.
   * `promoted`: the place came from the waiting list.
   *
   * <p>Topic {@code registration.held}, key {@code participant_id}.
   * @param promoted if missing, false
   */
  public record RegistrationHeld(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces,
      OffsetDateTime until,
      Boolean promoted) {
    public static final String TYPE = "kepu.registration.held.v1";
    public static final String TOPIC = "registration.held";
  }

  /**
   * The participant has a place. `promoted`: from the waiting list. `ticket_sealed`: encrypted.
   *
   * <p>Topic {@code registration.confirmed}, key {@code participant_id}.
   * @param promoted if missing, false
   */
  public record RegistrationConfirmed(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces,
      String ticketSealed,
      Boolean promoted) {
    public static final String TYPE = "kepu.registration.confirmed.v1";
    public static final String TOPIC = "registration.confirmed";
  }

  /**
   * The session is full; `position` counts from 1 in the order of asking.
   *
   * `until`: if the contact is not verified at this time, the wait ends with the code `hold_expired`.
   * `waiting_policy`: who gets the next place: the first in order, or the first whose places fit.
   *
   * <p>Topic {@code registration.waitlisted}, key {@code participant_id}.
   * @param waitingPolicy one of strict, fill; if missing, "strict"
   */
  public record RegistrationWaitlisted(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces,
      long position,
      OffsetDateTime until,
      String waitingPolicy) {
    public static final String TYPE = "kepu.registration.waitlisted.v1";
    public static final String TOPIC = "registration.waitlisted";
  }

  /**
   * A place from the waiting list is kept until this moment. The participant may accept it.
   *
   * The next event is `registration.confirmed` or `registration.cancelled`. If the participant does not
   * answer, its code is `offer_expired`.
   *
   * <p>Topic {@code registration.offered}, key {@code participant_id}.
   */
  public record RegistrationOffered(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces,
      OffsetDateTime until) {
    public static final String TYPE = "kepu.registration.offered.v1";
    public static final String TOPIC = "registration.offered";
  }

  /**
   * No place and no waiting: `code` says why.
   *
   * <p>Topic {@code registration.rejected}, key {@code participant_id}.
   */
  public record RegistrationRejected(
      String requestId,
      String participantId,
      String sessionId,
      String code,
      String reason) {
    public static final String TYPE = "kepu.registration.rejected.v1";
    public static final String TOPIC = "registration.rejected";
  }

  /**
   * A place or a waiting position was given back; `reason`: why, if an organiser gave a reason.
   *
   * <p>Topic {@code registration.cancelled}, key {@code participant_id}.
   */
  public record RegistrationCancelled(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces,
      String code,
      String reason) {
    public static final String TYPE = "kepu.registration.cancelled.v1";
    public static final String TOPIC = "registration.cancelled";
  }

  /**
   * The session of a place or of a wait has another time or venue now; `…_before` is what it had before.
   *
   * <p>Topic {@code registration.moved}, key {@code participant_id}.
   */
  public record RegistrationMoved(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces,
      OffsetDateTime startsAtBefore,
      String venueBefore) {
    public static final String TYPE = "kepu.registration.moved.v1";
    public static final String TOPIC = "registration.moved";
  }

  /**
   * The ticket was shown at the door. `people`: how many of its places came in with the first scan.
   *
   * If more than 60 came in, `people` is 60, and `all_people` is their number.
   *
   * <p>Topic {@code registration.checked_in}, key {@code participant_id}.
   */
  public record RegistrationCheckedIn(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces,
      OffsetDateTime checkedInAt,
      Long people,
      Long allPeople) {
    public static final String TYPE = "kepu.registration.checked_in.v1";
    public static final String TOPIC = "registration.checked_in";
  }

  /**
   * The check-in was a mistake: the place is confirmed again.
   *
   * <p>Topic {@code registration.check_in_undone}, key {@code participant_id}.
   */
  public record RegistrationCheckInUndone(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces) {
    public static final String TYPE = "kepu.registration.check_in_undone.v1";
    public static final String TOPIC = "registration.check_in_undone";
  }

  /**
   * Time to remind somebody of a session: the day before, an hour before, or with thanks after it.
   *
   * `version` is that of the registration: a reminder does not change it. `until`: after this time the
   * reminder makes no sense. `feedback`: where visitors can say how it was, in the organiser's words.
   *
   * <p>Topic {@code registration.reminded}, key {@code participant_id}.
   * @param reminder one of day_before, hour_before, thanks
   */
  public record RegistrationReminded(
      String registrationId,
      long version,
      String requestId,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      OffsetDateTime startsAt,
      String venue,
      long places,
      Long allPlaces,
      String reminder,
      OffsetDateTime endsAt,
      OffsetDateTime until,
      String feedback) {
    public static final String TYPE = "kepu.registration.reminded.v1";
    public static final String TOPIC = "registration.reminded";
  }

  /**
   * The participant would take this shift of a session. An organiser decides.
   *
   * <p>Topic {@code shift.volunteered}, key {@code participant_id}.
   */
  public record ShiftVolunteered(
      String assignmentId,
      long version,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      String shiftId,
      String duty,
      OffsetDateTime startsAt,
      OffsetDateTime endsAt,
      String venue) {
    public static final String TYPE = "kepu.shift.volunteered.v1";
    public static final String TOPIC = "shift.volunteered";
  }

  /**
   * The participant is on the rota.
   *
   * <p>Topic {@code shift.assigned}, key {@code participant_id}.
   */
  public record ShiftAssigned(
      String assignmentId,
      long version,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      String shiftId,
      String duty,
      OffsetDateTime startsAt,
      OffsetDateTime endsAt,
      String venue) {
    public static final String TYPE = "kepu.shift.assigned.v1";
    public static final String TOPIC = "shift.assigned";
  }

  /**
   * The shift has another time or venue now; `…_before` is what it had before.
   *
   * `assigned`: true if the participant is on the rota; false if an organiser has not decided yet.
   *
   * <p>Topic {@code shift.moved}, key {@code participant_id}.
   */
  public record ShiftMoved(
      String assignmentId,
      long version,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      String shiftId,
      String duty,
      OffsetDateTime startsAt,
      OffsetDateTime endsAt,
      String venue,
      OffsetDateTime startsAtBefore,
      OffsetDateTime endsAtBefore,
      String venueBefore,
      boolean assigned) {
    public static final String TYPE = "kepu.shift.moved.v1";
    public static final String TOPIC = "shift.moved";
  }

  /**
   * Time to remind somebody on a rota of the shift, the day before.
   *
   * `version` is that of the assignment: a reminder does not change it. `until`: after this time the reminder
   * makes no sense.
   *
   * <p>Topic {@code shift.reminded}, key {@code participant_id}.
   */
  public record ShiftReminded(
      String assignmentId,
      long version,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      String shiftId,
      String duty,
      OffsetDateTime startsAt,
      OffsetDateTime endsAt,
      String venue,
      OffsetDateTime until) {
    public static final String TYPE = "kepu.shift.reminded.v1";
    public static final String TOPIC = "shift.reminded";
  }

  /**
   * The participant is not on the rota, or not any more; `code` says why.
   *
   * `reason`: why, if an organiser gave a reason.
   *
   * <p>Topic {@code shift.ended}, key {@code participant_id}.
   */
  public record ShiftEnded(
      String assignmentId,
      long version,
      String participantId,
      String activityId,
      String activityTitle,
      String sessionId,
      String shiftId,
      String duty,
      OffsetDateTime startsAt,
      OffsetDateTime endsAt,
      String venue,
      String code,
      String reason) {
    public static final String TYPE = "kepu.shift.ended.v1";
    public static final String TOPIC = "shift.ended";
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
   * <p>Topic {@code quiz.published}, key {@code quiz_id}.
   * @param admits one of anyone, verified, roster; if missing, "anyone"
   * @param showsScores one of at_once, at_close; if missing, "at_once"
   * @param ties one of time_used, earlier_finish, shared; if missing, "time_used"
   * @param counts one of best, first, last; if missing, "best"
   * @param lines if missing, []
   * @param multipleChoice one of partial, all_or_nothing, each_right; if missing, "partial"
   * @param wrongCosts if missing, 0
   */
  public record QuizPublished(
      String quizId,
      long version,
      String title,
      OffsetDateTime opensAt,
      OffsetDateTime closesAt,
      String timezone,
      long durationSeconds,
      long graceSeconds,
      long attemptsPerDay,
      String admits,
      String showsScores,
      String ties,
      String counts,
      long passPercent,
      Long leastPlausibleSeconds,
      long papers,
      String attemptIds,
      Map<String, Long> blueprint,
      List<PublishedQuestion> questions,
      List<PublishedLine> lines,
      String multipleChoice,
      Double wrongCosts) {
    public static final String TYPE = "kepu.quiz.published.v1";
    public static final String TOPIC = "quiz.published";
  }

  /**
   * The answers of an attempt so far, saved while it is under way; nothing is submitted.
   *
   * `answers` is the whole sheet. The highest `revision` of an attempt counts, whatever the order; of two
   * equal ones the first in the log. If no submission came when the attempt's time is over, quiz hands in the
   * saved answers (`quiz.submitted` with `automatic`). The other fields are those of `quiz.submitted`.
   *
   * <p>Topic {@code quiz.answers_saved}, key {@code attempt_id}.
   */
  public record QuizAnswersSaved(
      String attemptId,
      String quizId,
      String participantId,
      long number,
      OffsetDateTime startedAt,
      OffsetDateTime savedAt,
      long revision,
      Map<String, String> answers,
      String groupId,
      String district,
      Long quizVersion) {
    public static final String TYPE = "kepu.quiz.answers_saved.v1";
    public static final String TOPIC = "quiz.answers_saved";
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
   * <p>Topic {@code quiz.submitted}, key {@code attempt_id}.
   * @param automatic if missing, false
   */
  public record QuizSubmitted(
      String attemptId,
      String quizId,
      String participantId,
      long number,
      OffsetDateTime startedAt,
      OffsetDateTime submittedAt,
      Map<String, String> answers,
      String groupId,
      String district,
      Long quizVersion,
      Boolean automatic) {
    public static final String TYPE = "kepu.quiz.submitted.v1";
    public static final String TOPIC = "quiz.submitted";
  }

  /**
   * A graded attempt. `result_id` equals the attempt's id. It comes at the close if the quiz says so.
   *
   * `points` of `points_max` decide passing and rank; `score_percent` is the same in whole
   * percent, rounded down. `automatic`: nothing was submitted, and what was saved was handed in.
   *
   * <p>Topic {@code quiz.completed}, key {@code participant_id}.
   * @param automatic if missing, false
   */
  public record QuizCompleted(
      String resultId,
      String quizId,
      String quizTitle,
      String participantId,
      String groupId,
      String district,
      double points,
      double pointsMax,
      long scorePercent,
      boolean passed,
      long timeUsedSeconds,
      OffsetDateTime completedAt,
      Boolean automatic) {
    public static final String TYPE = "kepu.quiz.completed.v1";
    public static final String TOPIC = "quiz.completed";
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
   * <p>Topic {@code quiz.regraded}, key {@code participant_id}.
   */
  public record QuizRegraded(
      String resultId,
      long version,
      String quizId,
      String quizTitle,
      String participantId,
      long correction,
      String code,
      double pointsBefore,
      double points,
      double pointsMax,
      long scorePercent,
      boolean passedBefore,
      boolean passed,
      long timeUsedSeconds,
      OffsetDateTime completedAt,
      OffsetDateTime regradedAt,
      Double pointsMaxBefore) {
    public static final String TYPE = "kepu.quiz.regraded.v1";
    public static final String TOPIC = "quiz.regraded";
  }

  /**
   * Organisers have disqualified a participant or single attempts of one in a quiz, or have taken that back.
   *
   * The whole state is said each time; the highest `version` of quiz and participant counts. `disqualified`:
   * the participant has no standing in the quiz, and no result of theirs counts, also later ones.
   * `result_ids`: only these results do not count. Both false and empty: reinstated. `reason` is for the
   * participant.
   *
   * <p>Topic {@code quiz.disqualification_decided}, key {@code participant_id}.
   * @param resultIds if missing, []
   */
  public record QuizDisqualificationDecided(
      String quizId,
      String quizTitle,
      String participantId,
      long version,
      boolean disqualified,
      List<String> resultIds,
      String reason,
      OffsetDateTime decidedAt) {
    public static final String TYPE = "kepu.quiz.disqualification_decided.v1";
    public static final String TOPIC = "quiz.disqualification_decided";
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
   * <p>Topic {@code quiz.closed}, key {@code quiz_id}.
   * @param ties one of time_used, earlier_finish, shared; if missing, "time_used"
   * @param counts one of best, first, last; if missing, "best"
   * @param version if missing, 1
   */
  public record QuizClosed(
      String quizId,
      String quizTitle,
      OffsetDateTime closedAt,
      long participants,
      double pointsMax,
      String ties,
      String counts,
      List<FinalStanding> standings,
      Long version) {
    public static final String TYPE = "kepu.quiz.closed.v1";
    public static final String TOPIC = "quiz.closed";
  }

  /**
   * The quiz does not take place, or ends without final standings; `code` says why, `reason` in the
   * organiser's words.
   *
   * It is about the versions up to `version`. The code `quiz_removed` means that nobody had begun it, and that
   * the organisers have removed it. If they publish a quiz of this name again, `quiz.published` has a higher
   * version.
   *
   * <p>Topic {@code quiz.cancelled}, key {@code quiz_id}.
   */
  public record QuizCancelled(
      String quizId,
      long version,
      String quizTitle,
      String code,
      String reason,
      OffsetDateTime cancelledAt) {
    public static final String TYPE = "kepu.quiz.cancelled.v1";
    public static final String TOPIC = "quiz.cancelled";
  }

  /**
   * An award was given. `cause` is the result, closing or conferral that it follows from.
   *
   * It comes again with a higher `version` if the award has another tier now (`tier_before` is the one
   * before), or if it is earned again after the rule took it back. `issued_at` is the time of this version.
   * `shared`: more people have its rank than places were left, and they share it.
   * `replaces`: the award in whose place an organiser gave it.
   *
   * <p>Topic {@code award.issued}, key {@code recipient_id}.
   * @param kind one of certificate, prize, plaque, flag
   * @param shared if missing, false
   */
  public record AwardIssued(
      String awardId,
      long version,
      String awardCode,
      String schemeId,
      String schemeTitle,
      String kind,
      String tier,
      String recipientId,
      String cause,
      OffsetDateTime issuedAt,
      String tierBefore,
      Boolean shared,
      String replaces) {
    public static final String TYPE = "kepu.award.issued.v1";
    public static final String TOPIC = "award.issued";
  }

  /**
   * An award was taken back.
   *
   * `code`: the rule of the scheme took it back: `not_earned` or `disqualified`. It may be issued again. Null:
   * an organiser took it back, and only an organiser reinstates it. Then the next in rank may move up, unless
   * `place_free`. `superseded_by`: an organiser gave this award in its place, and it does not come back.
   *
   * <p>Topic {@code award.revoked}, key {@code recipient_id}.
   * @param placeFree if missing, false
   */
  public record AwardRevoked(
      String awardId,
      long version,
      String awardCode,
      String schemeId,
      String schemeTitle,
      String recipientId,
      String reason,
      OffsetDateTime revokedAt,
      String code,
      Boolean placeFree,
      String supersededBy) {
    public static final String TYPE = "kepu.award.revoked.v1";
    public static final String TOPIC = "award.revoked";
  }

  /**
   * A public notice proposes an award for this recipient, or does not any more. Only then may it be issued.
   *
   * The whole state is said each time; the highest `version` of `award_id` counts. `code`, of a withdrawn one:
   * `not_earned`, `disqualified` or `objection`. The award is not issued before `notice_until`; a later change
   * of the notice may make it later.
   *
   * <p>Topic {@code award.proposed}, key {@code recipient_id}.
   * @param kind one of certificate, prize, plaque, flag
   * @param status one of proposed, withdrawn
   */
  public record AwardProposed(
      String awardId,
      long version,
      String schemeId,
      String schemeTitle,
      String kind,
      String tier,
      String recipientId,
      String cause,
      String status,
      String code,
      long noticeVersion,
      OffsetDateTime noticeUntil,
      OffsetDateTime saidAt) {
    public static final String TYPE = "kepu.award.proposed.v1";
    public static final String TOPIC = "award.proposed";
  }

  /**
   * Somebody has objected to a proposed award (`made`), or organisers have decided it (`upheld`, `dismissed`).
   *
   * `selection_id`: the award is proposed by a selection, so the recipient is a candidate of it. Without the
   * words, and without who objects. The highest `version` of `objection_id` counts.
   *
   * <p>Topic {@code award.objected}, key {@code recipient_id}.
   * @param status one of made, upheld, dismissed
   */
  public record AwardObjected(
      String objectionId,
      long version,
      String schemeId,
      String recipientId,
      String status,
      OffsetDateTime saidAt,
      String selectionId,
      String selectionTitle) {
    public static final String TYPE = "kepu.award.objected.v1";
    public static final String TOPIC = "award.objected";
  }

  /**
   * The list of entrants of a draw is fixed, before anybody can know the seed.
   *
   * `list_sha256` is the digest of the list, which has a line for each entrant: id, space, chances. `number`
   * is 1, and higher if the draw was held again. If the draw is held again before its winners were drawn, this
   * event comes once more with a higher `version`, and `replaced_because` says why. `tied`: the entrants share
   * a rank, and the draw decides who gets the places that are left.
   *
   * <p>Topic {@code draw.announced}, key {@code draw_id}.
   */
  public record DrawAnnounced(
      String drawId,
      long number,
      long version,
      String title,
      String schemeId,
      List<DrawPrize> prizes,
      long reserves,
      String algorithm,
      List<SeedSource> sources,
      long entrants,
      long chances,
      String listSha256,
      OffsetDateTime announcedAt,
      String replacedBecause,
      DrawTie tied) {
    public static final String TYPE = "kepu.draw.announced.v1";
    public static final String TOPIC = "draw.announced";
  }

  /**
   * Winners were drawn: `drawn` has all who were selected, in order, first the winners and then the reserves.
   *
   * Anybody can compute them again from the list and `seed` (docs/draws.md). The places of `prizes` go to
   * the first who are drawn. For each of `moved`, in order, the next reserve gets the place. The event comes
   * again with a higher `version` for each of them, and if the draw is held again (`replaced_because`): then
   * nobody holds a prize by it.
   *
   * <p>Topic {@code award.drawn}, key {@code draw_id}.
   * @param moved if missing, []
   */
  public record AwardDrawn(
      String drawId,
      long number,
      long version,
      String title,
      String schemeId,
      List<DrawPrize> prizes,
      String algorithm,
      String listSha256,
      String seed,
      List<String> drawn,
      List<DrawMove> moved,
      OffsetDateTime heldAt,
      String replacedBecause) {
    public static final String TYPE = "kepu.award.drawn.v1";
    public static final String TOPIC = "award.drawn";
  }

  /**
   * Organisers have put or changed a selection: its places, its times, and by what experts judge.
   *
   * Awards of the scheme come from this selection alone.
   *
   * <p>Topic {@code selection.opened}, key {@code selection_id}.
   */
  public record SelectionOpened(
      String selectionId,
      long version,
      String title,
      String schemeId,
      long places,
      long candidatesAtMost,
      OffsetDateTime nominationsFrom,
      OffsetDateTime nominationsUntil,
      OffsetDateTime scoringUntil,
      long noticeSeconds,
      long expertsPerNominee,
      boolean dropExtremes,
      List<SelectionCriterion> criteria) {
    public static final String TYPE = "kepu.selection.opened.v1";
    public static final String TOPIC = "selection.opened";
  }

  /**
   * Somebody was nominated in a selection, or is `withdrawn` from it.
   *
   * `version` counts the changes of a nominee of a selection, in this topic and in `selection.admitted`
   * together.
   *
   * <p>Topic {@code selection.nominated}, key {@code participant_id}.
   */
  public record SelectionNominated(
      String selectionId,
      String participantId,
      long version,
      boolean withdrawn,
      OffsetDateTime changedAt,
      String selectionTitle) {
    public static final String TYPE = "kepu.selection.nominated.v1";
    public static final String TOPIC = "selection.nominated";
  }

  /**
   * Organisers have checked whether a nominee is eligible; `code` says why not.
   *
   * `version`: as in `selection.nominated`.
   *
   * <p>Topic {@code selection.admitted}, key {@code participant_id}.
   */
  public record SelectionAdmitted(
      String selectionId,
      String participantId,
      long version,
      boolean admitted,
      String code,
      OffsetDateTime decidedAt,
      String selectionTitle) {
    public static final String TYPE = "kepu.selection.admitted.v1";
    public static final String TOPIC = "selection.admitted";
  }

  /**
   * An expert has scored a nominee, or changed the scores. The highest `version` of both counts.
   *
   * The scores follow in `selection.shortlisted`. Until then there is only a `commitment` to them: the SHA-256
   * of `salt|selection_id|expert_id|participant_id|version|points`. The points are in the order of the
   * criteria, with commas between them.
   *
   * <p>Topic {@code selection.scored}, key {@code selection_id}.
   */
  public record SelectionScored(
      String selectionId,
      String expertId,
      String participantId,
      long version,
      String commitment,
      OffsetDateTime scoredAt) {
    public static final String TYPE = "kepu.selection.scored.v1";
    public static final String TOPIC = "selection.scored";
  }

  /**
   * The candidates of a selection, their public notice until `notice_until`, and all scores that count.
   *
   * Nominees are ranked by the mean of their experts; equal means share a rank (1, 2, 2, 4).
   *
   * <p>Topic {@code selection.shortlisted}, key {@code selection_id}.
   */
  public record SelectionShortlisted(
      String selectionId,
      long version,
      List<RankedNominee> ranking,
      List<String> candidates,
      List<RevealedScore> scores,
      OffsetDateTime shortlistedAt,
      OffsetDateTime noticeUntil) {
    public static final String TYPE = "kepu.selection.shortlisted.v1";
    public static final String TOPIC = "selection.shortlisted";
  }

  /**
   * The committee has voted, after the public notice and all objections. The winners get their awards.
   *
   * A winner has the votes of more than half of the `members`. `left_out`: candidates who have withdrawn, or
   * against whom an objection was upheld.
   *
   * <p>Topic {@code selection.decided}, key {@code selection_id}.
   */
  public record SelectionDecided(
      String selectionId,
      long version,
      long members,
      List<CandidateVotes> votes,
      List<String> leftOut,
      List<String> winners,
      OffsetDateTime decidedAt) {
    public static final String TYPE = "kepu.selection.decided.v1";
    public static final String TOPIC = "selection.decided";
  }

  /**
   * An award was handed over at a ceremony, or that was a mistake (`handed_over` is false).
   *
   * It says the state: of two events about an award the higher `version` counts. `by_proxy`: somebody else
   * received it for the recipient.
   *
   * <p>Topic {@code award.handed_over}, key {@code recipient_id}.
   */
  public record AwardHandedOver(
      String awardId,
      long version,
      String awardCode,
      String schemeId,
      String recipientId,
      String ceremonyId,
      boolean byProxy,
      boolean handedOver,
      OffsetDateTime at) {
    public static final String TYPE = "kepu.award.handed_over.v1";
    public static final String TOPIC = "award.handed_over";
  }

  /**
   * A command from any other system: say this to that participant. No personal data in the text.
   *
   * <p>Topic {@code notification.requested}, key {@code participant_id}.
   * @param channels if missing, ["inbox"]
   */
  public record NotificationRequested(
      String requestId,
      String participantId,
      String subject,
      String body,
      List<String> channels) {
    public static final String TYPE = "kepu.notification.requested.v1";
    public static final String TOPIC = "notification.requested";
  }

  /**
   * A message reached its channel. `cause_id` is the id of the event that it tells of.
   *
   * `by_phone`: it was an SMS. Then `channel` is `email`, because readers of release 0.2.0 do not know `sms`.
   *
   * <p>Topic {@code notification.delivered}, key {@code participant_id}.
   * @param channel one of inbox, email
   * @param byPhone if missing, false
   */
  public record NotificationDelivered(
      String messageId,
      String participantId,
      String channel,
      String causeId,
      OffsetDateTime deliveredAt,
      Boolean byPhone) {
    public static final String TYPE = "kepu.notification.delivered.v1";
    public static final String TOPIC = "notification.delivered";
  }

  /**
   * A message was given up after its last attempt. `by_phone`: as in `notification.delivered`.
   *
   * <p>Topic {@code notification.failed}, key {@code participant_id}.
   * @param channel one of inbox, email
   * @param byPhone if missing, false
   */
  public record NotificationFailed(
      String messageId,
      String participantId,
      String channel,
      String causeId,
      String code,
      long attempts,
      OffsetDateTime failedAt,
      Boolean byPhone) {
    public static final String TYPE = "kepu.notification.failed.v1";
    public static final String TOPIC = "notification.failed";
  }

  /**
   * Operators have decided what becomes of a record that a group could not handle.
   *
   * `redriven`: it is written to its topic again, for the `times`-th time. `discarded`: nothing more is done
   * with it. `bury`: the group does not handle it, and makes a dead letter of it. `place` and `letter` name
   * the record and its dead letter as "topic/partition/offset"; `letter` is null if there is none yet.
   *
   * <p>Topic {@code dead_letter.decided}, key {@code record_id}.
   * @param decision one of redriven, discarded, bury
   * @param times if missing, 0
   */
  public record DeadLetterDecided(
      String recordId,
      String group,
      String place,
      String letter,
      String decision,
      Long times,
      String by,
      String reason,
      OffsetDateTime decidedAt) {
    public static final String TYPE = "kepu.dead_letter.decided.v1";
    public static final String TOPIC = "dead_letter.decided";
  }

  /**
   */
  public record CandidateVotes(
      String participantId,
      long votesFor,
      long against,
      long abstained) {
  }

  /**
   * Somebody who was drawn gets no prize. `code`: `erased`, or `not_entitled` by an organiser.
   */
  public record DrawMove(
      String entrantId,
      String code) {
  }

  /**
   * A level of the prizes of a draw, best first.
   */
  public record DrawPrize(
      String tier,
      long places) {
  }

  /**
   * The tie at the end of this tier of a scheme.
   */
  public record DrawTie(
      String schemeId,
      String tier) {
  }

  /**
   * `finished_at` is there if our quiz has written it, and wherever it decides ties.
   */
  public record FinalStanding(
      long rank,
      String participantId,
      double points,
      long scorePercent,
      long timeUsedSeconds,
      OffsetDateTime finishedAt) {
  }

  /**
   * So many questions of a topic on each paper; of this difficulty and kind, if they are given.
   * @param difficulty one of easy, medium, hard
   * @param kind one of single, multiple, true_false
   */
  public record PublishedLine(
      String topicName,
      String difficulty,
      String kind,
      long count) {
  }

  /**
   */
  public record PublishedOption(
      String id,
      String text) {
  }

  /**
   * A question as participants see it, without the right answer. `points`: what it is worth.
   * @param kind one of single, multiple, true_false
   * @param points if missing, 1
   * @param difficulty one of easy, medium, hard
   */
  public record PublishedQuestion(
      String id,
      String topicName,
      String kind,
      String text,
      List<PublishedOption> options,
      Double points,
      String difficulty) {
  }

  /**
   * `score` is the mean of the experts, of 100, with four decimals; `experts` have scored the nominee.
   */
  public record RankedNominee(
      long rank,
      String participantId,
      String score,
      long experts) {
  }

  /**
   * `points` are in the order of the criteria. `version` and `salt` are for the commitment.
   */
  public record RevealedScore(
      String expertId,
      String participantId,
      long version,
      String salt,
      List<Long> points) {
  }

  /**
   * Where a part of the seed of a draw comes from; it was named before the part was known.
   *
   * A public source, such as a lottery, has `expected_at`: its numbers come after that time. A witness has
   * `sha256`: the SHA-256 of a secret, which the witness reveals afterwards.
   */
  public record SeedSource(
      String description,
      OffsetDateTime expectedAt,
      String sha256) {
  }

  /**
   */
  public record SelectionCriterion(
      String id,
      String title,
      long weight,
      long pointsMax) {
  }

  /**
   * What everybody may know of a session.
   *
   * Registration is open from `opens_at` to `closes_at`; a time that is null is no limit. `admits` says who
   * may register.
   * @param admits one of anyone, verified, roster
   */
  public record SessionPlan(
      String activityTitle,
      String summary,
      String organiser,
      String kind,
      OffsetDateTime startsAt,
      OffsetDateTime endsAt,
      String venue,
      String district,
      long capacity,
      long waitingMax,
      OffsetDateTime opensAt,
      OffsetDateTime closesAt,
      String admits) {
  }
}
