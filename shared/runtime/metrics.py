"""
Every metric of every service: its name, type, labels and meaning. docs/metrics.md is made from it.

Labels are bounded: topics, groups, partitions, routes and codes are declared in code.
No id of a participant, attempt or award is ever a label. It is one list, so it has more than 350 lines.
"""

import gc
import time
from http import HTTPStatus

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from shared.runtime.declared import OTHER, Values, labelled, of_code, of_organisers, one_of, unknown

# The time at which each series was made: a tenth of all series, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

TOPIC, GROUP = of_code("topics"), of_code("consumer groups")
PARTITION = of_code("numbers of partitions")
ROUTE = of_code("patterns of the routes; `unmatched` for all paths that no route has")
CODE = of_code("stable codes of refusals")
NAME = of_code("queues")
CHANNEL = one_of("inbox", "email", "sms")
LOOP = of_code("background loops")
MONGO_COMMANDS = (
    "abortTransaction",
    "aggregate",
    "commitTransaction",
    "count",
    "delete",
    "find",
    "findAndModify",
    "getMore",
    "insert",
    "ping",
    "update",
)
MONGO_COMMAND = one_of(*MONGO_COMMANDS, OTHER)
# Anybody can invent a method, so all others count as "other".
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
STATUS = one_of(*[str(status.value) for status in HTTPStatus])

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# Beyond the longest time for which a request may wait (docs/limits.md).
ANSWERED = (*FAST, 15, 20, 30)
# A participant waits for a result, an award or a message: from at once to minutes.
AGES = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
BATCH = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000)

HTTP_SECONDS = labelled(
    Histogram,
    "kepu_http_request_seconds",
    "Time to answer a request",
    buckets=ANSWERED,
    method=one_of(*METHODS, OTHER),
    route=ROUTE,
    status=STATUS,
)
PROBLEMS = labelled(
    Counter, "kepu_http_problems_total", "Requests refused, by stable code", route=ROUTE, code=CODE
)

ORGANISER_KEYS_READ = Gauge(
    "kepu_organiser_keys_read", "1 while the file of organisers' keys is good, 0 while a bad one is ignored"
)

CONSUMED = labelled(
    Counter, "kepu_events_consumed_total", "Events handled and committed", topic=TOPIC, group=GROUP
)
CONSUME_SECONDS = labelled(
    Histogram, "kepu_batch_seconds", "Time from poll to commit of one batch", buckets=FAST, group=GROUP
)
EVENT_AGE = labelled(
    Histogram,
    "kepu_event_age_seconds",
    "Time from the cause of an event (its `ce_time`) until the group has committed it",
    buckets=AGES,
    topic=TOPIC,
    group=GROUP,
)
BATCH_EVENTS = labelled(Histogram, "kepu_batch_events", "Events in one batch", buckets=BATCH, group=GROUP)
RETRIES = labelled(
    Counter,
    "kepu_batch_retries_total",
    "Batches tried again, because a server was unavailable or the handler failed",
    group=GROUP,
    reason=one_of("unavailable", "failed", "server_down"),
)
DEAD_LETTERED = labelled(
    Counter,
    "kepu_events_dead_lettered_total",
    "Events given up, by stable code",
    topic=TOPIC,
    group=GROUP,
    code=CODE,
)
LAG = labelled(
    Gauge,
    "kepu_consumer_lag_events",
    "Events not yet committed, by Kafka; each process of the group shows all partitions",
    topic=TOPIC,
    group=GROUP,
    partition=PARTITION,
)
COMMITTED_OFFSET = labelled(
    Gauge,
    "kepu_consumer_committed_offset",
    "Where the group goes on reading: what it has committed, or else the first record",
    topic=TOPIC,
    group=GROUP,
    partition=PARTITION,
)
DEAD_LETTERS_WAITING = labelled(
    Gauge,
    "kepu_dead_letters_waiting",
    "Dead letters that operators have not decided about",
    topic=TOPIC,
    group=GROUP,
)
DISK_BYTES = labelled(
    Gauge,
    "kepu_kafka_log_dir_total_bytes",
    "Size of the fullest disk of a broker",
    broker=of_code("ids of brokers"),
)
DISK_USABLE_BYTES = labelled(
    Gauge,
    "kepu_kafka_log_dir_usable_bytes",
    "Bytes that are free on the fullest disk of a broker",
    broker=of_code("ids of brokers"),
)
OLDEST_AGE = labelled(
    Gauge,
    "kepu_consumer_oldest_event_age_seconds",
    "Age of the oldest event of the batch at hand; 0 when there is none",
    group=GROUP,
)
CONSUMER_RUNNING = labelled(
    Gauge, "kepu_consumer_running", "1 while the consumer polls, 0 when it stopped", group=GROUP
)

PUBLISHED = labelled(Counter, "kepu_events_published_total", "Events that Kafka acknowledged", topic=TOPIC)
PUBLISH_SECONDS = Histogram(
    "kepu_publish_seconds", "Time until Kafka acknowledged a set of events", buckets=FAST
)
PUBLISH_FAILURES = Counter("kepu_publish_failures_total", "Sets of events that Kafka did not acknowledge")

OUTBOX_WAITING = unknown(
    "kepu_outbox_waiting_events", "Events written with their state and not yet published"
)
OUTBOX_OLDEST_AGE = unknown("kepu_outbox_oldest_event_age_seconds", "Age of the oldest event in the outbox")
RELAY_LEADER = unknown("kepu_relay_leader", "1 while this process holds the relay's lease")

GROUPED = labelled(
    Histogram, "kepu_group_commit_items", "Items written by one group commit", buckets=BATCH, name=NAME
)
IN_FLIGHT = labelled(
    Gauge, "kepu_group_commit_waiting_items", "Items accepted and not yet written", name=NAME
)
LOOP_DELAY = Histogram(
    "kepu_loop_delay_seconds",
    "How much later than meant the event loop came to each of its turns",
    buckets=FAST,
)
LOOP_LATE = Gauge("kepu_loop_late_seconds", "How much later than meant the event loop came to its last turn")
OVERLOADED = labelled(
    Counter, "kepu_overloaded_total", "Items refused because a bound was reached", name=NAME
)
SPANS = labelled(
    Counter,
    "kepu_spans_total",
    "Spans of traces, by what became of them: sent or dropped",
    outcome=one_of("sent", "dropped"),
)
LIVE_LISTENERS = Gauge("kepu_live_listeners", "Streams of live boards that are open")
LIVE_ENDED = labelled(
    Counter,
    "kepu_live_ended_total",
    "Streams of live boards that have ended",
    why=one_of("displaced", "finished", "left", "stopping", "time"),
)

HEALTH_CHECK = labelled(
    Gauge,
    "kepu_health_check",
    "1 while a check of /health is good, 0 while it fails, NaN while nobody has checked",
    check=of_code("checks of `/health`"),
)
MONGO_SECONDS = labelled(
    Histogram,
    "kepu_mongo_command_seconds",
    "Time until MongoDB answered a command",
    buckets=FAST,
    command=MONGO_COMMAND,
)
MONGO_FAILURES = labelled(
    Counter,
    "kepu_mongo_failures_total",
    "Commands that MongoDB refused or did not answer",
    command=MONGO_COMMAND,
)
MONGO_POOL = labelled(
    Gauge,
    "kepu_mongo_pool_connections",
    "Connections to MongoDB; `used` ones are part of the `open` ones",
    state=one_of("open", "used"),
)
LOOP_WORKING = labelled(
    Gauge, "kepu_loop_working", "1 while a background loop works, 0 while its turns fail", loop=LOOP
)
LOOP_FAILURES = labelled(
    Counter, "kepu_loop_failures_total", "Turns of a background loop that failed", loop=LOOP
)
ITEMS_FAILED = labelled(
    Counter,
    "kepu_loop_items_failed_total",
    "Items of a loop that failed, by stable code",
    loop=LOOP,
    code=Values("the codes that its loop declares; `other` for all others: the log has them"),
)

REGISTRATIONS = labelled(
    Counter,
    "kepu_registrations_total",
    "Registrations decided, by outcome",
    outcome=of_code("`services/registration/booking/metrics.py` lists them"),
)
BOOKINGS = labelled(
    Counter,
    "kepu_bookings_total",
    "Requests for places decided, by activity",
    activity=of_organisers("activities"),
    outcome=one_of("held", "confirmed", "waitlisted", "rejected", "refused", "repeated"),
)
SCANS = labelled(
    Counter,
    "kepu_scans_total",
    "Scans of tickets at doors, by their first verdict",
    verdict=of_code("verdicts"),
)
SUBMISSIONS_GRADED = labelled(
    Counter,
    "kepu_submissions_graded_total",
    "Submissions graded, by outcome",
    quiz=of_organisers("quizzes"),
    outcome=one_of("graded", "repeated", "waiting", "rejected", "erased"),
)
KEYS_DOUBTED = labelled(
    Gauge,
    "kepu_question_keys_doubted",
    "Questions of a quiz under way whose key is probably wrong",
    quiz=of_organisers("quizzes"),
)
FLAGS_OPEN = labelled(
    Gauge,
    "kepu_flags_open",
    "Attempts flagged for fair play that nobody has judged",
    kind=of_code("kinds of flags"),
)
AWARDS = labelled(
    Counter,
    "kepu_awards_total",
    "Awards issued and revoked",
    kind=one_of("certificate", "flag", "plaque", "prize"),
    scheme=of_organisers("schemes"),
    change=one_of("issued", "revoked"),
)
DRAWS = labelled(
    Counter,
    "kepu_draws_total",
    "Draws announced, held, changed and replaced",
    step=one_of("announced", "held", "moved", "replaced"),
)
DELIVERIES = labelled(
    Counter,
    "kepu_deliveries_total",
    "Messages by channel and what became of them",
    channel=CHANNEL,
    outcome=of_code("`services/notifications/messages/metrics.py` lists them"),
    reason=of_code("stable codes of the reasons; `none` if there is none"),
)
PARTNER = of_code("partners in the file of partners, at most 20")
PARTNER_FORWARDED = labelled(
    Counter,
    "kepu_partner_forwarded_total",
    "Commands of a partner that were written to the shared topic",
    partner=PARTNER,
    topic=TOPIC,
)
PARTNER_HELD_SECONDS = labelled(
    Counter,
    "kepu_partner_held_seconds_total",
    "How long commands of a partner waited for its rate, or until its earlier ones were read",
    partner=PARTNER,
    reason=one_of("rate", "unread"),
)
CONTACTS_OPENED = Counter("kepu_contacts_opened_total", "Names and contacts opened for organisers")
MAILS_DUE = unknown("kepu_mails_due", "Mails that are due and not sent, counted up to 10,000")
MAILS_OLDEST_AGE = unknown(
    "kepu_mails_oldest_age_seconds", "How long the first mail that could go has waited; 0 when none"
)
SMS_DUE = unknown("kepu_sms_due", "SMS that are due and not sent, counted up to 10,000")
SMS_OLDEST_AGE = unknown(
    "kepu_sms_oldest_age_seconds", "How long the first SMS that could go has waited; 0 when none"
)
SMS_BUDGET_LEFT = unknown("kepu_sms_budget_left_parts", "Parts of SMS that may still be sent today")

WEBHOOK_ENDPOINT = of_organisers("ids of endpoints of webhooks")
WEBHOOKS = labelled(
    Counter,
    "kepu_webhook_deliveries_total",
    "Deliveries to endpoints of webhooks, by what a try came to; `missed`: the backlog was full",
    endpoint=WEBHOOK_ENDPOINT,
    outcome=one_of("delivered", "deferred", "failed", "cancelled", "missed"),
)
WEBHOOKS_WAITING = labelled(
    Gauge,
    "kepu_webhook_deliveries_waiting",
    "Deliveries that are not finished, counted up to 20,000",
    endpoint=WEBHOOK_ENDPOINT,
)
WEBHOOKS_FAILING = labelled(
    Gauge,
    "kepu_webhook_failing_seconds",
    "How long an endpoint has taken nothing of what was tried; 0: its last try was a delivery",
    endpoint=WEBHOOK_ENDPOINT,
)
WEBHOOKS_DISABLED = labelled(
    Gauge,
    "kepu_webhook_disabled",
    "1 while an endpoint is disabled because it failed, is gone, or has too much waiting",
    endpoint=WEBHOOK_ENDPOINT,
)

GC_SECONDS = labelled(
    Counter, "kepu_gc_seconds_total", "Time spent in the garbage collector", generation=one_of("0", "1", "2")
)
for _generation in range(3):
    GC_SECONDS.labels(str(_generation))

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
