/*
 * A load client for Kepu Week: journeys of participants over a pool of connections, in one thread.
 *
 *   options.h  the flags and files       answer.h  how an answer is read
 *   journey.h  the state of journeys     tally.h   what is measured
 *   wire.h     the connections
 *
 * This file joins them: when a journey begins, which connection carries it, what follows from an answer.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "journey.h"
#include "options.h"
#include "tally.h"
#include "wire.h"

#define DRAIN (30 * SECOND)
#define UNGRADED_AFTER (30 * SECOND)
#define RETRIES_MAX 100
#define EVENTS_MAX 64
#define LENT_MAX 64
/* More connections opened at one time would overflow the servers' backlog. */
#define OPENING_MAX 256u

static struct options options;
static struct tally tally;
static struct wire wire;

static uint64_t begun;               /* journeys so far, which is also the place of the next one in the file */
static size_t offset;                /* the byte at which the next journey stands in the file */
static uint64_t end_at = UINT64_MAX; /* no new journeys from this moment on */
static bool opening;                 /* all connections are being opened, before the first journey */
static uint32_t opening_next, opening_now;
static uint32_t starts_open; /* of a burst: participants who do not have their paper yet */
static FILE *acknowledged;
static volatile sig_atomic_t signals;

static uint64_t clock_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

/* ---- A journey begins and ends ---- */

static bool may_begin(uint64_t due) { return begun < options.count && due < end_at && first_free != NOBODY; }

static void begin_journey(uint64_t due) {
    uint32_t at = take_free();
    struct journey *journey = &journeys[at];
    *journey = (struct journey){.due = due, .place = (uint32_t)begun++, .under_way = true, .next = NOBODY};
    if (options.requests_path) {
        journey->step = REQUEST;
        journey->request = next_request(&options.file, &offset);
    } else {
        journey->token = next_token(&options.file, &offset);
        write_start(at, options.quiz);
    }
    queue(at);
}

/* In a closed loop there is no intended time: a request is due when it is sent. */
static uint64_t due_at(uint64_t moment) { return options.rate > 0 || options.burst ? moment : 0; }

static void think(uint32_t at, uint64_t now) {
    uint64_t until = now + options.think_ms * MILLISECOND;
    journeys[at].due = due_at(until);
    sleep_until(at, until);
}

/* The second half of a burst: nobody submits before the last participant has the paper. */
static void start_is_over(uint64_t now) {
    if (!options.burst || --starts_open > 0) return;
    for (uint32_t at = 0; at < journeys_count; at++)
        if (journeys[at].under_way) think(at, now);
}

static void poll_result(uint32_t at, uint64_t when) {
    journeys[at].due = due_at(when);
    sleep_until(at, when);
}

static void poll_again(uint32_t at, uint64_t now) {
    struct journey *journey = &journeys[at];
    if (now >= journey->submitted_at + UNGRADED_AFTER) {
        count_failure(&tally, RESULT_WAIT, UNGRADED, journey->submitted_at, now);
        end_journey(at);
        return;
    }
    uint64_t next = journey->asked_at + options.poll_ms * MILLISECOND;
    poll_result(at, next > now ? next : now);
}

static void fail(uint32_t at, enum failure why, uint64_t now) {
    struct journey *journey = &journeys[at];
    enum step step = journey->step;
    count_failure(&tally, step, why, journey->due ? journey->due : now, now);
    if (step == RESULT_GET) {
        /* Also after a refused connection: polls keep their interval. */
        journey->asked_at = now;
        poll_again(at, now);
        return;
    }
    end_journey(at);
    if (step == START) start_is_over(now);
}

/* ---- What answers mean ---- */

/* False if a 202 has no receipt. */
static bool note_receipt(const struct answer *answer, const struct journey *journey) {
    struct slice attempt_id, receipt_id;
    if (!find_string(answer->body, "attempt_id", &attempt_id) || !is_plain(attempt_id, ID_BYTES_MAX) ||
        !find_string(answer->body, "receipt_id", &receipt_id) || !is_plain(receipt_id, ID_BYTES_MAX))
        return false;
    if (journey->step == SUBMIT && (attempt_id.length != journey->attempt_id.length ||
                                    memcmp(attempt_id.at, journey->attempt_id.at, attempt_id.length) != 0))
        return false;
    if (acknowledged)
        fprintf(acknowledged, "%.*s\t%.*s\n", (int)attempt_id.length, attempt_id.at, (int)receipt_id.length,
                receipt_id.at);
    return true;
}

static void started(uint32_t at, const struct answer *answer, uint64_t now) {
    static struct paper paper;
    struct journey *journey = &journeys[at];
    if (answer->status >= 300) {
        count_answer(&tally, START, answer->status, journey->due, now);
        end_journey(at);
        start_is_over(now);
        return;
    }
    if (!read_paper(answer->body, &paper)) {
        fail(at, ANSWER, now);
        return;
    }
    count_answer(&tally, START, answer->status, journey->due, now);
    memcpy(journey->attempt_id_bytes, paper.attempt_id.at, paper.attempt_id.length);
    journey->attempt_id = (struct slice){journey->attempt_id_bytes, paper.attempt_id.length};
    write_submission(at, &paper, options.letters);
    if (options.burst)
        start_is_over(now);
    else
        think(at, now);
}

static void submitted(uint32_t at, const struct answer *answer, uint64_t now) {
    struct journey *journey = &journeys[at];
    if (answer->status == 202 && !note_receipt(answer, journey)) {
        fail(at, ANSWER, now);
        return;
    }
    count_answer(&tally, SUBMIT, answer->status, journey->due, now);
    if (answer->status != 202 || options.watch == 0 || journey->place % options.watch != 0) {
        end_journey(at);
        return;
    }
    journey->submitted_at = journey->asked_at;
    write_result_request(at);
    poll_result(at, now);
}

static void result_read(uint32_t at, const struct answer *answer, uint64_t now) {
    struct journey *journey = &journeys[at];
    struct slice status;
    count_answer(&tally, RESULT_GET, answer->status, journey->due, now);
    if (answer->status == 200 && find_string(answer->body, "status", &status) && is(status, "graded")) {
        count_answer(&tally, RESULT_WAIT, 200, journey->submitted_at, now);
        end_journey(at);
        return;
    }
    poll_again(at, now);
}

static void requested(uint32_t at, const struct answer *answer, uint64_t now) {
    if (answer->status == 202 && acknowledged && !note_receipt(answer, &journeys[at])) {
        fail(at, ANSWER, now);
        return;
    }
    count_answer(&tally, REQUEST, answer->status, journeys[at].due, now);
    end_journey(at);
}

static void answered(uint32_t at, const struct answer *answer, uint64_t now) {
    struct journey *journey = &journeys[at];
    if (answer->status == 503 && options.retry_503 && journey->retries < RETRIES_MAX &&
        journey->step != RESULT_GET) {
        journey->retries++;
        count_turned_away(&tally, journey->step, journey->due, now);
        sleep_until(at, now + answer->retry_after_seconds * SECOND);
        return;
    }
    switch (journey->step) {
    case START: started(at, answer, now); break;
    case SUBMIT: submitted(at, answer, now); break;
    case RESULT_GET: result_read(at, answer, now); break;
    default: requested(at, answer, now);
    }
}

/* ---- Connections and journeys together ---- */

static void lost(struct connection *connection, enum failure why, uint64_t now) {
    uint32_t journey = connection->journey;
    bool was_opening = opening && connection->state == CONNECTING;
    connection->journey = NOBODY;
    connection->rest_until = why == CONNECT ? now + REST_AFTER_REFUSAL : 0;
    close_connection(&wire, connection);
    if (journey != NOBODY)
        fail(journey, why, now);
    else if (was_opening)
        opening_now--; /* The journey that needs it will try again, and count the failure then. */
}

static void ask(struct connection *connection, uint64_t now) {
    struct journey *journey = &journeys[connection->journey];
    connection->state = BUSY;
    connection->sent = 0;
    connection->request = journey->request;
    journey->asked_at = now;
    if (!journey->due) journey->due = now;
    if (journey->retries == 0 && journey->due >= tally.warm_until)
        record(&tally.sent_late, now > journey->due ? now - journey->due : 0);
    if (!send_request(connection)) lost(connection, RESET, now);
}

static void carry(struct connection *connection, uint32_t journey, uint64_t now) {
    connection->journey = journey;
    connection->since = now;
    if (connection->state == IDLE) {
        move_to(&wire.busy, connection);
        ask(connection, now);
    } else if (connection->state == CLOSED && !open_connection(&wire, connection, now)) {
        lost(connection, CONNECT, now);
    }
}

static void connected(struct connection *connection, uint64_t now) {
    tally.connections_opened++;
    if (opening) opening_now--;
    if (connection->journey == NOBODY)
        become_idle(&wire, connection);
    else
        ask(connection, now);
}

static void deliver(struct connection *connection, const struct answer *answer, bool closes, uint64_t now) {
    uint32_t journey = connection->journey;
    /* The journey first: the answer may be in the connection's memory, which closing frees. */
    connection->journey = NOBODY;
    answered(journey, answer, now);
    if (closes || answer->closes)
        close_connection(&wire, connection);
    else
        become_idle(&wire, connection);
}

static void handle(const struct epoll_event *event, uint64_t now) {
    struct connection *connection = connection_of(&wire, event);
    struct answer answer;
    bool closes = event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (!connection) return;
    if (connection->state == CONNECTING) {
        if (!is_connected(connection)) {
            lost(connection, CONNECT, now);
            return;
        }
        now = clock_now(); /* read again: a request may have been sent here */
        connected(connection, now);
    } else if ((event->events & EPOLLOUT) && connection->state == BUSY && !send_request(connection)) {
        lost(connection, RESET, now);
        return;
    }
    if (connection->state == CLOSED || !(closes || (event->events & EPOLLIN))) return;
    switch (receive(&wire, connection, closes, &answer)) {
    case NOTHING: break;
    case WHOLE: deliver(connection, &answer, closes, now); break;
    case NONSENSE: lost(connection, ANSWER, now); break;
    case BROKEN: lost(connection, RESET, now); break;
    }
}

/* A connection for a journey: an idle one, else a new one. Targets take turns, so each gets its part. */
static struct connection *free_connection(uint64_t now) {
    struct connection *closed = wire.closed.first;
    if (wire.idle.first) return wire.idle.first;
    return closed && closed->rest_until <= now ? closed : NULL;
}

static bool loop_is_closed(void) { return options.rate <= 0 && !options.burst; }

/* False if more can be lent: to lend 20,000 at once would let the answers wait that come meanwhile. */
static bool lend_connections(void) {
    for (int lent = 0; lent < LENT_MAX; lent++) {
        uint64_t now = clock_now();
        struct connection *connection;
        if (options.burst) {
            if (queue_first == NOBODY) return true;
            connection = &wire.connections[journeys[queue_first].place];
        } else {
            connection = free_connection(now);
            if (connection && queue_first == NOBODY && loop_is_closed() && may_begin(now)) begin_journey(0);
            if (!connection || queue_first == NOBODY) return true;
        }
        carry(connection, take_queued(), now);
    }
    return false;
}

static void open_all(uint64_t now) {
    while (opening_next < wire.count && opening_now < OPENING_MAX) {
        struct connection *connection = &wire.connections[opening_next++];
        opening_now++;
        if (!open_connection(&wire, connection, now)) lost(connection, CONNECT, now);
    }
    opening = opening_next < wire.count || opening_now > 0;
}

/* The moment that all times count from. */
static void begin_all(void) {
    uint64_t now = clock_now();
    tally.began_at = tally.last_at = now;
    tally.warm_until = now + (uint64_t)(options.warm_seconds * 1e9);
    if (options.seconds > 0 && end_at == UINT64_MAX) end_at = now + (uint64_t)(options.seconds * 1e9);
    if (!options.burst) return;
    while (may_begin(now)) begin_journey(now);
    starts_open = under_way;
}

/* ---- Time ---- */

static uint64_t arrival(uint64_t number) {
    return tally.began_at + (uint64_t)((double)number * 1e9 / options.rate);
}

static void let_arrive(uint64_t now) {
    if (options.rate <= 0) return;
    for (uint64_t due; (due = arrival(begun)) <= now && may_begin(due);) begin_journey(due);
}

static void let_time_pass(uint64_t now) {
    while (sleepers_count > 0 && sleepers[0].until <= now) queue(take_sleeper());
    while (wire.busy.first && wire.busy.first->since + options.timeout_ms * MILLISECOND <= now)
        lost(wire.busy.first, TIMEOUT, now);
}

static uint64_t earliest(uint64_t one, uint64_t other) { return one < other ? one : other; }

/* The time of the next thing to do, if no answer comes before. */
static uint64_t next_moment(uint64_t now) {
    uint64_t next = now + SECOND;
    bool wanted = queue_first != NOBODY || (loop_is_closed() && may_begin(now));
    if (sleepers_count > 0) next = earliest(next, sleepers[0].until);
    if (wire.busy.first) next = earliest(next, wire.busy.first->since + options.timeout_ms * MILLISECOND);
    if (options.rate > 0 && may_begin(arrival(begun))) next = earliest(next, arrival(begun));
    if (wanted && wire.closed.first) next = earliest(next, wire.closed.first->rest_until);
    return earliest(next, end_at > now ? end_at : next);
}

/* epoll_wait only knows milliseconds: at 5,000 requests a second that would make a fifth of them late. */
static int wait_for_events(struct epoll_event *events, uint64_t wait_ns) {
#ifdef SYS_epoll_pwait2
    static bool refused;
    if (!refused) {
        struct timespec wait = {(time_t)(wait_ns / SECOND), (long)(wait_ns % SECOND)};
        long got = syscall(SYS_epoll_pwait2, wire.epoll, events, EVENTS_MAX, &wait, NULL, (size_t)0);
        if (got >= 0 || errno != ENOSYS) return (int)got;
        refused = true; /* Linux before 5.11 */
    }
#endif
    return epoll_wait(wire.epoll, events, EVENTS_MAX, (int)((wait_ns + MILLISECOND - 1) / MILLISECOND));
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void tell_progress(uint64_t now) {
    static unsigned told;
    (void)second_of(&tally, now);
    if (!options.progress || tally.seconds < told + 2) return;
    told = tally.seconds - 1;
    const struct second *second = &tally.timeline[told - 1];
    fprintf(stderr, "%4u s:", told);
    for (int step = 0; step < STEPS; step++)
        if (second->completed[step]) fprintf(stderr, " %s %u,", STEP_NAMES[step], second->completed[step]);
    fprintf(stderr, " failed %u, turned away %u, under way %u", second->failed, second->turned_away,
            under_way);
    if (second->p99_ms >= 0) fprintf(stderr, ", p99 %.1f ms", (double)second->p99_ms);
    fputs("\n", stderr);
}

/* ---- From the first moment to the last ---- */

static bool is_over(uint64_t now) {
    static uint64_t drain_until = UINT64_MAX;
    if (signals > 0 && end_at > now) end_at = now;
    if (opening) return now >= end_at;
    if (now >= end_at && drain_until == UINT64_MAX) drain_until = now + DRAIN;
    bool more = begun < options.count && now < end_at;
    return signals > 1 || now >= drain_until || (under_way == 0 && !more);
}

static void play(void) {
    struct epoll_event events[EVENTS_MAX];
    opening = options.connect_first || (options.burst && !options.burst_connect);
    if (!opening) begin_all();
    for (;;) {
        uint64_t now = clock_now();
        /* Before the end is checked: a journey that fell due since the last check is in time. */
        if (!opening) let_arrive(now);
        if (is_over(now)) return;
        if (opening) {
            open_all(now);
            if (!opening) begin_all();
        }
        if (!opening) tell_progress(now);
        let_time_pass(now);
        bool all_lent = opening || lend_connections();
        uint64_t next = all_lent ? next_moment(now) : now;
        now = clock_now();
        int count = wait_for_events(events, next > now ? next - now : 0);
        if (count < 0 && errno != EINTR) give_up("cannot wait for answers: %s", strerror(errno));
        now = clock_now();
        for (int at = 0; at < count; at++) handle(&events[at], now);
    }
}

static void count_what_is_left(void) {
    uint64_t now = clock_now();
    for (uint32_t at = 0; at < journeys_count; at++) {
        const struct journey *journey = &journeys[at];
        if (!journey->under_way) continue;
        enum step step = journey->step == RESULT_GET ? RESULT_WAIT : journey->step;
        uint64_t due = step == RESULT_WAIT ? journey->submitted_at : journey->due;
        count_failure(&tally, step, UNFINISHED, due ? due : now, now);
    }
    if (options.rate > 0 && end_at != UINT64_MAX)
        for (uint64_t number = begun; number < options.count && arrival(number) < end_at; number++)
            tally.not_begun++;
}

static void prepare(void) {
    make_room(options.count, options.participants_path != NULL);
    random_state = options.seed;
    tally.main_step = options.requests_path ? REQUEST : SUBMIT;
    if (options.acknowledged_path) {
        acknowledged = fopen(options.acknowledged_path, "we");
        if (!acknowledged) give_up("cannot write %s: %s", options.acknowledged_path, strerror(errno));
        setvbuf(acknowledged, NULL, _IOFBF, 1 << 20);
    }
}

static void on_signal(int signal) {
    (void)signal;
    if (signals < 2) signals++;
}

int main(int argc, char **argv) {
    read_options(argc, argv, &options);
    open_wire(&wire, &options);
    prepare();
    struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    /* 1 us: the usual 50 us would count as the server's latency. */
    prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul);
    play();
    count_what_is_left();
    print_result(stdout, &tally, cpu_seconds());
    if (acknowledged && (fflush(acknowledged) != 0 || ferror(acknowledged)))
        give_up("could not write all of %s: %s", options.acknowledged_path, strerror(errno));
    if (fflush(stdout) != 0) give_up("could not write the result: %s", strerror(errno));
    return 0;
}
