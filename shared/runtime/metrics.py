"""
Every metric of every service: its name, type, labels and meaning.

Labels are bounded: topics, groups, partitions, routes and codes are declared in code.
No id of a participant, attempt or award is ever a label.
"""

import gc
import time

from prometheus_client import Counter, Gauge, Histogram

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BATCH = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000)

HTTP_SECONDS = Histogram(
    "kepu_http_request_seconds", "Time to answer a request", ["method", "route", "status"], buckets=FAST
)
PROBLEMS = Counter("kepu_http_problems_total", "Requests refused, by stable code", ["route", "code"])

ORGANISER_KEYS_READ = Gauge(
    "kepu_organiser_keys_read", "1 while the file of organisers' keys is good, 0 while a bad one is ignored"
)

CONSUMED = Counter("kepu_events_consumed_total", "Events handled and committed", ["topic", "group"])
CONSUME_SECONDS = Histogram(
    "kepu_batch_seconds", "Time from poll to commit of one batch", ["group"], buckets=FAST
)
BATCH_EVENTS = Histogram("kepu_batch_events", "Events in one batch", ["group"], buckets=BATCH)
RETRIES = Counter(
    "kepu_batch_retries_total",
    "Batches tried again, because a server was unavailable or the handler failed",
    ["group", "reason"],
)
DEAD_LETTERED = Counter(
    "kepu_events_dead_lettered_total", "Events given up, by stable code", ["topic", "group", "code"]
)
LAG = Gauge("kepu_consumer_lag_events", "Events not yet committed", ["topic", "group", "partition"])
OLDEST_AGE = Gauge(
    "kepu_consumer_oldest_event_age_seconds",
    "Age of the oldest event of the batch at hand; 0 when there is none",
    ["group"],
)
CONSUMER_RUNNING = Gauge("kepu_consumer_running", "1 while the consumer polls, 0 when it stopped", ["group"])

PUBLISHED = Counter("kepu_events_published_total", "Events that Kafka acknowledged", ["topic"])
PUBLISH_SECONDS = Histogram(
    "kepu_publish_seconds", "Time until Kafka acknowledged a set of events", buckets=FAST
)
PUBLISH_FAILURES = Counter("kepu_publish_failures_total", "Sets of events that Kafka did not acknowledge")

OUTBOX_WAITING = Gauge("kepu_outbox_waiting_events", "Events written with their state and not yet published")
OUTBOX_OLDEST_AGE = Gauge("kepu_outbox_oldest_event_age_seconds", "Age of the oldest event in the outbox")
RELAY_LEADER = Gauge("kepu_relay_leader", "1 while this process holds the relay's lease")

GROUPED = Histogram("kepu_group_commit_items", "Items written by one group commit", ["name"], buckets=BATCH)
IN_FLIGHT = Gauge("kepu_group_commit_waiting_items", "Items accepted and not yet written", ["name"])
LOOP_LATE = Gauge("kepu_loop_late_seconds", "How much later than meant the event loop came to its last turn")
OVERLOADED = Counter("kepu_overloaded_total", "Items refused because a bound was reached", ["name"])
SPANS = Counter("kepu_spans_total", "Spans of traces, by what became of them: sent or dropped", ["outcome"])
LIVE_LISTENERS = Gauge("kepu_live_listeners", "Streams of live boards that are open")
LIVE_ENDED = Counter("kepu_live_ended_total", "Streams of live boards that have ended", ["why"])

LOOP_WORKING = Gauge("kepu_loop_working", "1 while a background loop works, 0 while its turns fail", ["loop"])
LOOP_FAILURES = Counter("kepu_loop_failures_total", "Turns of a background loop that failed", ["loop"])
ITEMS_FAILED = Counter(
    "kepu_loop_items_failed_total", "Items of a loop that failed, by stable code", ["loop", "code"]
)

REGISTRATIONS = Counter("kepu_registrations_total", "Registrations decided, by outcome", ["outcome"])
SCANS = Counter("kepu_scans_total", "Scans of tickets at doors, by their first verdict", ["verdict"])
SUBMISSIONS_GRADED = Counter("kepu_submissions_graded_total", "Submissions graded, by outcome", ["outcome"])
FLAGS_OPEN = Gauge("kepu_flags_open", "Attempts flagged for fair play that nobody has judged", ["kind"])
AWARDS = Counter("kepu_awards_total", "Awards issued and revoked", ["kind", "change"])
DRAWS = Counter("kepu_draws_total", "Draws announced, held, changed and replaced", ["step"])
DELIVERIES = Counter(
    "kepu_deliveries_total", "Messages by channel and what became of them", ["channel", "outcome"]
)
CONTACTS_OPENED = Counter("kepu_contacts_opened_total", "Names and contacts opened for organisers")
MAILS_DUE = Gauge("kepu_mails_due", "Mails that are due and not sent, counted up to 10,000")
MAILS_OLDEST_AGE = Gauge(
    "kepu_mails_oldest_age_seconds", "How long the mail that is due longest has been so; 0 when none is"
)
SMS_DUE = Gauge("kepu_sms_due", "SMS that are due and not sent, counted up to 10,000")
SMS_OLDEST_AGE = Gauge(
    "kepu_sms_oldest_age_seconds", "How long the SMS that is due longest has been so; 0 when none is"
)
SMS_BUDGET_LEFT = Gauge("kepu_sms_budget_left_parts", "Parts of SMS that may still be sent today")

GC_SECONDS = Counter("kepu_gc_seconds_total", "Time spent in the garbage collector", ["generation"])

_gc_started = 0.0


def _gc_timed(phase: str, found: dict[str, int]) -> None:
    global _gc_started  # noqa: PLW0603 (the collector calls a plain function and runs one at a time)
    if phase == "start":
        _gc_started = time.perf_counter()
    else:
        GC_SECONDS.labels(str(found["generation"])).inc(time.perf_counter() - _gc_started)


def tune_garbage_collector() -> None:
    """
    Freeze the objects of the start, and collect rarely.

    A batch makes thousands of small objects that die together. With the default thresholds the collector
    used half of all time (docs/decisions/0003-batches.md).
    """
    gc.callbacks.append(_gc_timed)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
