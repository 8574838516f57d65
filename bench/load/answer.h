/*
 * Reads a server's answer: the HTTP head, and the few JSON fields that the journeys need.
 *
 * Everything here reads one bounded piece of memory and trusts nothing in it: to find a broken server is one
 * purpose of a load client. Nothing is copied or allocated.
 */
#ifndef KEPU_ANSWER_H
#define KEPU_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define ANSWER_BYTES_MAX (256 * 1024)
#define HEAD_BYTES_MAX (16 * 1024)
#define ID_BYTES_MAX 64
#define TOKEN_BYTES_MAX 2048
#define QUESTIONS_MAX 200
#define RETRY_AFTER_SECONDS_MAX 60

struct slice {
    const char *at;
    size_t length;
};

struct answer {
    int status;
    bool closes; /* "Connection: close": the connection cannot be used again */
    unsigned retry_after_seconds;
    size_t bytes; /* head and body */
    struct slice body;
};

enum reading { INCOMPLETE, COMPLETE, MALFORMED };

static bool is(struct slice text, const char *expected) {
    return text.length == strlen(expected) && memcmp(text.at, expected, text.length) == 0;
}

static bool is_header(struct slice text, const char *name) {
    return text.length == strlen(name) && strncasecmp(text.at, name, text.length) == 0;
}

static struct slice trimmed(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    while (at < end && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
    return (struct slice){at, (size_t)(end - at)};
}

/* A number in digits alone, at most `most`; a sign, a space or nothing at all is no number. */
static bool read_number(struct slice text, size_t most, size_t *number) {
    if (text.length == 0 || text.length > 9) return false;
    size_t read = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') return false;
        read = read * 10 + (size_t)(text.at[i] - '0');
    }
    *number = read;
    return read <= most;
}

/* "HTTP/1.1 200 OK": anything else is malformed. */
static bool read_status_line(struct slice line, int *status) {
    if (line.length < 12 || memcmp(line.at, "HTTP/1.", 7) != 0 || line.at[8] != ' ') return false;
    if (line.length > 12 && line.at[12] != ' ') return false;
    size_t number;
    if (!read_number((struct slice){line.at + 9, 3}, 599, &number)) return false;
    *status = (int)number;
    return number >= 200; /* Nobody asks for an interim answer. */
}

/*
 * Read an answer from its first byte. Only bodies with a Content-Length are understood, since that is what
 * the services send; a chunked answer is MALFORMED, and so is more than one answer to one request.
 */
static enum reading read_answer(const char *text, size_t length, struct answer *answer) {
    size_t compared = length < 7 ? length : 7;
    if (memcmp(text, "HTTP/1.", compared) != 0) return MALFORMED;
    const char *blank = memmem(text, length, "\r\n\r\n", 4);
    if (!blank) return length > HEAD_BYTES_MAX ? MALFORMED : INCOMPLETE;

    const char *end = blank + 2; /* every line of the head, each with its line end */
    const char *at = memchr(text, '\n', (size_t)(end - text));
    *answer = (struct answer){.retry_after_seconds = 1};
    if (!at || !read_status_line(trimmed(text, at), &answer->status)) return MALFORMED;

    bool sized = answer->status == 204 || answer->status == 304;
    size_t body = 0;
    for (at++; at < end;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) return MALFORMED;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (!colon) return MALFORMED;
        struct slice name = {at, (size_t)(colon - at)};
        struct slice value = trimmed(colon + 1, line_end);
        size_t seconds;
        if (is_header(name, "content-length")) {
            if (!read_number(value, ANSWER_BYTES_MAX, &body)) return MALFORMED;
            sized = true;
        } else if (is_header(name, "transfer-encoding")) {
            return MALFORMED;
        } else if (is_header(name, "connection")) {
            answer->closes = is_header(value, "close");
        } else if (is_header(name, "retry-after") && read_number(value, RETRY_AFTER_SECONDS_MAX, &seconds)) {
            answer->retry_after_seconds = (unsigned)seconds;
        }
        at = line_end + 1;
    }
    size_t head = (size_t)(blank + 4 - text);
    if (!sized || head + body > ANSWER_BYTES_MAX || length > head + body) return MALFORMED;
    if (length < head + body) return INCOMPLETE;
    answer->bytes = head + body;
    answer->body = (struct slice){text + head, body};
    return COMPLETE;
}

/*
 * JSON. This is not a validator: in well-formed JSON it finds its fields. In anything else it stops inside
 * the slice and returns false.
 */
struct scan {
    const char *at;
    const char *end;
};

static void skip_space(struct scan *scan) {
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static bool take(struct scan *scan, char expected) {
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != expected) return false;
    scan->at++;
    return true;
}

/* A string's content as it stands, escapes included. Papers are mostly text, so memchr is fast here. */
static bool take_string(struct scan *scan, struct slice *content) {
    if (!take(scan, '"')) return false;
    const char *from = scan->at;
    for (const char *at = from; at < scan->end; at++) {
        at = memchr(at, '"', (size_t)(scan->end - at));
        if (!at) return false;
        size_t backslashes = 0;
        while (at - backslashes > from && at[-1 - (ptrdiff_t)backslashes] == '\\') backslashes++;
        if (backslashes % 2) continue;
        *content = (struct slice){from, (size_t)(at - from)};
        scan->at = at + 1;
        return true;
    }
    return false;
}

/* Skip one value of any kind. Brackets are counted, not recursed into: no depth can exhaust the stack. */
static bool skip_value(struct scan *scan) {
    struct slice ignored;
    size_t depth = 0;
    skip_space(scan);
    const char *from = scan->at;
    while (scan->at < scan->end) {
        char c = *scan->at;
        if (c == '"') {
            if (!take_string(scan, &ignored)) return false;
            if (depth == 0) return true;
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return scan->at > from; /* the end of what holds this value */
            depth--;
            if (depth == 0) {
                scan->at++;
                return true;
            }
        } else if (c == ',' && depth == 0) {
            return scan->at > from;
        }
        scan->at++;
    }
    return depth == 0 && scan->at > from;
}

/* The next member's key, with the scan left at its value; `first` is true right behind the brace. */
static bool take_key(struct scan *scan, bool first, struct slice *key) {
    return (first || take(scan, ',')) && take_string(scan, key) && take(scan, ':');
}

/* The string value of a key of the object itself, not of what is nested in it. */
static bool find_string(struct slice object, const char *wanted, struct slice *value) {
    struct scan scan = {object.at, object.at + object.length};
    struct slice key;
    if (!take(&scan, '{')) return false;
    for (bool first = true; take_key(&scan, first, &key); first = false) {
        if (is(key, wanted)) return take_string(&scan, value);
        if (!skip_value(&scan)) return false;
    }
    return false;
}

/* Ids and tokens are put into the next request's head, so no character in them may end a line. */
static bool is_plain(struct slice text, size_t bytes_max) {
    if (text.length == 0 || text.length > bytes_max) return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && c != '.' && c != '=' && c != '~') return false;
    }
    return true;
}

/* An attempt as it is handed out. The slices point into the answer. */
struct paper {
    struct slice attempt_id;
    struct slice attempt_token;
    size_t questions;
    struct slice question_ids[QUESTIONS_MAX];
};

/* The questions' own ids. Those of the options stand one level deeper and are skipped with them. */
static bool take_questions(struct scan *scan, struct paper *paper) {
    if (!take(scan, '[')) return false;
    if (take(scan, ']')) return true;
    do {
        skip_space(scan);
        const char *from = scan->at;
        if (paper->questions == QUESTIONS_MAX || !skip_value(scan)) return false;
        struct slice question = {from, (size_t)(scan->at - from)};
        struct slice *id = &paper->question_ids[paper->questions++];
        if (!find_string(question, "id", id) || !is_plain(*id, ID_BYTES_MAX)) return false;
    } while (take(scan, ','));
    return take(scan, ']');
}

static bool read_paper(struct slice body, struct paper *paper) {
    struct scan scan = {body.at, body.at + body.length};
    struct slice key;
    paper->attempt_id = paper->attempt_token = (struct slice){0};
    paper->questions = 0;
    if (!take(&scan, '{')) return false;
    for (bool first = true; take_key(&scan, first, &key); first = false) {
        bool taken;
        if (is(key, "attempt_id"))
            taken = take_string(&scan, &paper->attempt_id);
        else if (is(key, "attempt_token"))
            taken = take_string(&scan, &paper->attempt_token);
        else if (is(key, "questions"))
            taken = take_questions(&scan, paper);
        else
            taken = skip_value(&scan);
        if (!taken) return false;
    }
    return take(&scan, '}') && paper->questions > 0 && is_plain(paper->attempt_id, ID_BYTES_MAX) &&
           is_plain(paper->attempt_token, TOKEN_BYTES_MAX);
}

#endif
