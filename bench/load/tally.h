/*
 * What is measured: a histogram and counts for each step, a timeline by seconds, and the result as JSON.
 */
#ifndef KEPU_TALLY_H
#define KEPU_TALLY_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000000000ull
#define MILLISECOND 1000000ull

enum step { START, SUBMIT, RESULT_WAIT, RESULT_GET, REQUEST, STEPS };
static const char *const STEP_NAMES[STEPS] = {"start", "submit", "result_wait", "result_get", "request"};

enum failure { CONNECT, RESET, TIMEOUT, ANSWER, UNGRADED, UNFINISHED, FAILURES };
static const char *const FAILURE_NAMES[FAILURES] = {"connect", "reset",    "timeout",
                                                    "answer",  "ungraded", "unfinished"};

/*
 * Log-linear: each power of two is cut into 128 equal buckets, so the middle of a bucket is at most 0.4 %
 * from any time in it. Times below 2^37 ns (137 s) have a bucket. Longer ones are in the last.
 */
#define FINE_BITS 7
#define FINE (1u << FINE_BITS)
#define TOP_BIT 37
#define BUCKETS ((TOP_BIT - FINE_BITS + 1) * FINE)

struct histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
    uint32_t buckets[BUCKETS];
};

static unsigned bucket_of(uint64_t ns) {
    if (ns >= 1ull << TOP_BIT) return BUCKETS - 1;
    if (ns < FINE) return (unsigned)ns;
    unsigned shift = (unsigned)(63 - __builtin_clzll(ns)) - FINE_BITS;
    return (shift + 1) * FINE + (unsigned)(ns >> shift) - FINE;
}

static double middle_of(unsigned bucket) {
    if (bucket < FINE) return bucket;
    unsigned shift = bucket / FINE - 1;
    return ((double)(bucket % FINE + FINE) + 0.5) * (double)(1ull << shift);
}

static void record(struct histogram *histogram, uint64_t ns) {
    histogram->count++;
    histogram->sum_ns += ns;
    if (ns > histogram->max_ns) histogram->max_ns = ns;
    histogram->buckets[bucket_of(ns)]++;
}

/* In milliseconds, never more than the greatest time seen. */
static double percentile_ms(const struct histogram *histogram, double part) {
    double wanted = part * (double)histogram->count;
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen == 0 || (double)seen < wanted) continue;
        double ns = middle_of(bucket);
        return (ns < (double)histogram->max_ns ? ns : (double)histogram->max_ns) / 1e6;
    }
    return (double)histogram->max_ns / 1e6;
}

#define STATUSES 600

struct counts {
    uint64_t count; /* answers that ended the step, whatever their status */
    uint64_t turned_away;
    uint64_t by_status[STATUSES];
    uint64_t failed[FAILURES];
    struct histogram latency; /* of answers below 400: quick refusals must not improve the figures */
};

/* In a longer run, everything after this counts in the last second. */
#define TIMELINE_SECONDS_MAX 7200

struct second {
    uint32_t completed[STEPS];
    uint32_t failed;
    uint32_t turned_away;
    float p99_ms; /* of the main step, below 0 if there was none */
};

struct tally {
    uint64_t began_at;
    uint64_t warm_until;
    uint64_t last_at; /* when the last thing was counted */
    enum step main_step;
    struct counts measured[STEPS];
    struct counts warm[STEPS];
    struct histogram sent_late;
    uint64_t connections_opened;
    uint64_t not_begun;
    unsigned seconds;
    struct histogram this_second;
    struct second timeline[TIMELINE_SECONDS_MAX];
};

/* The second of `now`. Earlier seconds are closed, also those in which nothing happened. */
static struct second *second_of(struct tally *tally, uint64_t now) {
    uint64_t passed = now > tally->began_at ? (now - tally->began_at) / SECOND : 0;
    if (passed > TIMELINE_SECONDS_MAX - 1) passed = TIMELINE_SECONDS_MAX - 1;
    while (tally->seconds <= passed) {
        if (tally->seconds > 0) {
            struct second *last = &tally->timeline[tally->seconds - 1];
            last->p99_ms = tally->this_second.count ? (float)percentile_ms(&tally->this_second, 0.99) : -1.0f;
        }
        memset(&tally->this_second, 0, sizeof tally->this_second);
        tally->timeline[tally->seconds++] = (struct second){.p99_ms = -1.0f};
    }
    return &tally->timeline[tally->seconds - 1];
}

/* The intended time decides: a request of the warm-up counts there, however late its answer is. */
static struct counts *counts_of(struct tally *tally, enum step step, uint64_t due) {
    return due < tally->warm_until ? &tally->warm[step] : &tally->measured[step];
}

static void count_answer(struct tally *tally, enum step step, int status, uint64_t due, uint64_t now) {
    struct counts *counts = counts_of(tally, step, due);
    struct second *second = second_of(tally, now);
    uint64_t took = now > due ? now - due : 0;
    counts->count++;
    counts->by_status[status]++;
    second->completed[step]++;
    tally->last_at = now;
    if (status >= 400) return;
    record(&counts->latency, took);
    if (step == tally->main_step) record(&tally->this_second, took);
}

static void count_turned_away(struct tally *tally, enum step step, uint64_t due, uint64_t now) {
    counts_of(tally, step, due)->turned_away++;
    second_of(tally, now)->turned_away++;
    tally->last_at = now;
}

static void count_failure(struct tally *tally, enum step step, enum failure why, uint64_t due, uint64_t now) {
    counts_of(tally, step, due)->failed[why]++;
    second_of(tally, now)->failed++;
    tally->last_at = now;
}

static void print_latency(FILE *out, const struct histogram *latency) {
    if (latency->count == 0) {
        fputs("null", out);
        return;
    }
    fprintf(out,
            "{\"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f, \"p999\": %.4f, \"max\": %.4f, \"mean\": %.4f}",
            percentile_ms(latency, 0.5), percentile_ms(latency, 0.9), percentile_ms(latency, 0.99),
            percentile_ms(latency, 0.999), (double)latency->max_ns / 1e6,
            (double)latency->sum_ns / (double)latency->count / 1e6);
}

static void print_counts(FILE *out, const struct counts *counts, double seconds) {
    const char *comma = "";
    fprintf(out, "{\"count\": %" PRIu64 ", \"rate\": %.3f, \"turned_away\": %" PRIu64 ", \"by_status\": {",
            counts->count, seconds > 0 ? (double)counts->count / seconds : 0.0, counts->turned_away);
    for (int status = 0; status < STATUSES; status++) {
        if (counts->by_status[status] == 0) continue;
        fprintf(out, "%s\"%d\": %" PRIu64, comma, status, counts->by_status[status]);
        comma = ", ";
    }
    fputs("}, \"failed\": {", out);
    comma = "";
    for (int why = 0; why < FAILURES; why++) {
        if (counts->failed[why] == 0) continue;
        fprintf(out, "%s\"%s\": %" PRIu64, comma, FAILURE_NAMES[why], counts->failed[why]);
        comma = ", ";
    }
    fputs("}, \"latency_ms\": ", out);
    print_latency(out, &counts->latency);
    fputs("}", out);
}

static void print_steps(FILE *out, const struct counts *steps, double seconds) {
    fputs("{", out);
    for (int step = 0; step < STEPS; step++) {
        fprintf(out, "%s\"%s\": ", step ? ",\n  " : "", STEP_NAMES[step]);
        print_counts(out, &steps[step], seconds);
    }
    fputs("}", out);
}

static void print_second(FILE *out, const struct tally *tally, unsigned at) {
    const struct second *second = &tally->timeline[at];
    fprintf(out, "{\"second\": %u", at);
    for (int step = 0; step < STEPS; step++)
        if (second->completed[step])
            fprintf(out, ", \"%s\": %" PRIu32, STEP_NAMES[step], second->completed[step]);
    fprintf(out, ", \"failed\": %" PRIu32 ", \"turned_away\": %" PRIu32, second->failed, second->turned_away);
    if (second->p99_ms >= 0)
        fprintf(out, ", \"p99_ms\": %.4f}", (double)second->p99_ms);
    else
        fputs(", \"p99_ms\": null}", out);
}

/* One JSON object. `cpu_seconds` is this process's own. */
static void print_result(FILE *out, struct tally *tally, double cpu_seconds) {
    uint64_t from = tally->warm_until > tally->began_at ? tally->warm_until : tally->began_at;
    double seconds = tally->last_at > from ? (double)(tally->last_at - from) / 1e9 : 0.0;
    double warm_seconds = (double)(from - tally->began_at) / 1e9;
    uint64_t main_count = tally->measured[tally->main_step].count;
    if (tally->seconds && tally->this_second.count)
        tally->timeline[tally->seconds - 1].p99_ms = (float)percentile_ms(&tally->this_second, 0.99);

    fprintf(out, "{\"seconds\": %.6f, \"rate\": %.3f, \"rate_of\": \"%s\", \"cpu_seconds\": %.6f,\n", seconds,
            seconds > 0 ? (double)main_count / seconds : 0.0, STEP_NAMES[tally->main_step], cpu_seconds);
    fprintf(out, " \"connections_opened\": %" PRIu64 ", \"not_begun\": %" PRIu64 ",\n",
            tally->connections_opened, tally->not_begun);
    fputs(" \"sent_late_ms\": ", out);
    print_latency(out, &tally->sent_late);
    fputs(",\n \"steps\": ", out);
    print_steps(out, tally->measured, seconds);
    fprintf(out, ",\n \"warm\": {\"seconds\": %.3f, \"steps\": ", warm_seconds);
    print_steps(out, tally->warm, warm_seconds);
    fputs("},\n \"timeline\": [", out);
    for (unsigned at = 0; at < tally->seconds; at++) {
        fputs(at ? ",\n  " : "", out);
        print_second(out, tally, at);
    }
    fputs("]}\n", out);
}

#endif
