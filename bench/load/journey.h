/*
 * Journeys: each is one request of a file, or the way of one participant through a quiz.
 *
 * A journey is in one place at a time: asleep in the heap until a moment (thinking, polling, turned away),
 * in the queue for a connection, or carried by a connection. A journey is named by its number. All memory is
 * allocated at the start, and none per request.
 */
#ifndef KEPU_JOURNEY_H
#define KEPU_JOURNEY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "answer.h"
#include "options.h"
#include "tally.h"

#define NOBODY UINT32_MAX
/* Under way at one time. When all are, new ones wait. In an open loop that wait counts as latency. */
#define JOURNEYS_MAX 65536u
/* The longest request that is written here: 200 answers of ids of 64 characters under the longest token. */
#define TEXT_BYTES_MAX (24 * 1024)

struct journey {
    struct slice request; /* in the mapped file, or in this journey's part of `texts` */
    struct slice token;   /* the participant's, in the mapped file */
    struct slice attempt_id;
    char attempt_id_bytes[ID_BYTES_MAX];
    uint64_t due; /* the intended time of the request, 0: when it is sent. Latency counts from here. */
    uint64_t asked_at; /* when it last began to be sent */
    uint64_t submitted_at;
    uint32_t place; /* in the file */
    uint32_t next;  /* in the queue, or among the free */
    uint8_t retries;
    bool under_way;
    enum step step;
};

struct sleeper {
    uint64_t until;
    uint32_t journey;
};

static struct journey *journeys;
static char *texts; /* TEXT_BYTES_MAX for each journey that writes its requests itself */
static uint32_t journeys_count;
static uint32_t first_free = NOBODY;
static uint32_t under_way;

static uint32_t queue_first = NOBODY;
static uint32_t queue_last = NOBODY;

static struct sleeper *sleepers; /* a binary heap, the earliest first */
static uint32_t sleepers_count;

static uint64_t random_state;

/* Memory that is never touched costs nothing, so all is allocated at once. */
static void *take_memory(size_t bytes) {
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) give_up("no memory for %zu MiB of journeys", bytes >> 20);
    return at;
}

static void make_room(uint64_t wanted, bool with_texts) {
    journeys_count = wanted < JOURNEYS_MAX ? (uint32_t)wanted : JOURNEYS_MAX;
    journeys = take_memory(journeys_count * sizeof *journeys);
    sleepers = take_memory(journeys_count * sizeof *sleepers);
    if (with_texts) texts = take_memory((size_t)journeys_count * TEXT_BYTES_MAX);
    for (uint32_t at = journeys_count; at-- > 0;) {
        journeys[at].next = first_free;
        first_free = at;
    }
}

/* Only where there is one. */
static uint32_t take_free(void) {
    uint32_t at = first_free;
    first_free = journeys[at].next;
    under_way++;
    return at;
}

static void end_journey(uint32_t at) {
    journeys[at].under_way = false;
    journeys[at].next = first_free;
    first_free = at;
    under_way--;
}

static void queue(uint32_t at) {
    journeys[at].next = NOBODY;
    if (queue_last == NOBODY)
        queue_first = at;
    else
        journeys[queue_last].next = at;
    queue_last = at;
}

static uint32_t take_queued(void) {
    uint32_t at = queue_first;
    if (at == NOBODY) return NOBODY;
    queue_first = journeys[at].next;
    if (queue_first == NOBODY) queue_last = NOBODY;
    return at;
}

/* Wake the journey at this moment: its next request is due then. */
static void sleep_until(uint32_t journey, uint64_t until) {
    uint32_t at = sleepers_count++;
    for (; at > 0 && sleepers[(at - 1) / 2].until > until; at = (at - 1) / 2)
        sleepers[at] = sleepers[(at - 1) / 2];
    sleepers[at] = (struct sleeper){until, journey};
}

static uint32_t take_sleeper(void) {
    uint32_t journey = sleepers[0].journey;
    struct sleeper moved = sleepers[--sleepers_count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < sleepers_count; at = child) {
        if (child + 1 < sleepers_count && sleepers[child + 1].until < sleepers[child].until) child++;
        if (sleepers[child].until >= moved.until) break;
        sleepers[at] = sleepers[child];
    }
    sleepers[at] = moved;
    return journey;
}

/* ---- What a participant sends ---- */

static char *text_of(uint32_t at) { return texts + (size_t)at * TEXT_BYTES_MAX; }

/* Never too long: all ids, tokens and counts were checked before, and TEXT_BYTES_MAX has room for them. */
static char *append(char *to, const char *from, size_t length) {
    memcpy(to, from, length);
    return to + length;
}

static char *append_text(char *to, const char *from) { return append(to, from, strlen(from)); }

static void set_request(uint32_t at, enum step step, const char *end) {
    journeys[at].step = step;
    journeys[at].retries = 0;
    journeys[at].request = (struct slice){text_of(at), (size_t)(end - text_of(at))};
}

static char *append_head(char *to, struct slice token) {
    to = append_text(to, " HTTP/1.1\r\nHost: kepu\r\nAuthorization: Bearer ");
    to = append(to, token.at, token.length);
    return append_text(to, "\r\n");
}

static void write_start(uint32_t at, const char *quiz) {
    char *to = append_text(text_of(at), "POST /quizzes/");
    to = append_text(to, quiz);
    to = append_text(to, "/attempts");
    to = append_head(to, journeys[at].token);
    to = append_text(to, "Content-Length: 0\r\n\r\n");
    set_request(at, START, to);
}

/* xorshift64: good enough, as scores must only differ, and be the same for the same seed. */
static char random_letter(const char *letters) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return letters[(random_state >> 33) % strlen(letters)];
}

static void write_submission(uint32_t at, const struct paper *paper, const char *letters) {
    static const char FRAME[] = "{\"answers\":{}}";
    static const size_t ANSWER_FRAME = sizeof "\"\":\"A\"," - 1;
    size_t length = sizeof FRAME - 1 + paper->questions * ANSWER_FRAME - 1; /* the last one has no comma */
    for (size_t i = 0; i < paper->questions; i++) length += paper->question_ids[i].length;

    char *to = append_text(text_of(at), "POST /attempts/");
    to = append(to, paper->attempt_id.at, paper->attempt_id.length);
    to = append_text(to, "/submission");
    to = append_head(to, paper->attempt_token);
    to += snprintf(to, 80, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n{\"answers\":{",
                   length);
    for (size_t i = 0; i < paper->questions; i++) {
        char answer[] = "\":\"A\",";
        answer[3] = random_letter(letters);
        *to++ = '"';
        to = append(to, paper->question_ids[i].at, paper->question_ids[i].length);
        to = append(to, answer, i + 1 < paper->questions ? 6 : 5);
    }
    to = append_text(to, "}}");
    set_request(at, SUBMIT, to);
}

static void write_result_request(uint32_t at) {
    char *to = append_text(text_of(at), "GET /attempts/");
    to = append(to, journeys[at].attempt_id.at, journeys[at].attempt_id.length);
    to = append_text(to, "/result");
    to = append_head(to, journeys[at].token);
    to = append_text(to, "\r\n");
    set_request(at, RESULT_GET, to);
}

#endif
