/*
 * Connections: each is opened, lent to one journey at a time, kept for the next, and closed when it fails.
 *
 * A connection is always in exactly one of three lists: `closed`, `idle` or `busy`. Each list is in the order
 * of joining, so the first of `busy` is the next to time out. Sockets are registered once, edge-triggered, so
 * a request costs one send and one recv.
 */
#ifndef KEPU_WIRE_H
#define KEPU_WIRE_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "journey.h"
#include "options.h"
#include "tally.h"

/* A server that is down refuses at once. Without a rest the client would soon have used all its requests. */
#define REST_AFTER_REFUSAL (100 * MILLISECOND)
/* Open files beside the connections: standard streams, epoll, --acknowledged, those of libraries. */
#define SPARE_FILES 16

#define CONNECTIONS_PER_SOURCE 4000u

enum state { CLOSED, CONNECTING, IDLE, BUSY };

struct list {
    struct connection *first;
    struct connection *last;
};

struct connection {
    struct connection *previous;
    struct connection *next;
    struct list *list;
    int fd;
    enum state state;
    uint32_t generation; /* tells events of this socket from those of one closed in the same batch */
    uint32_t journey;    /* the journey that it carries, or NOBODY */
    const struct target *target;
    struct slice request;
    size_t sent;
    uint64_t since;      /* when it became busy: its timeout counts from here */
    uint64_t rest_until; /* it is not opened again before this time */
    char *held;          /* the first part of an answer that came in parts */
    size_t held_length;
    size_t held_space;
};

struct wire {
    int epoll;
    struct connection *connections;
    uint32_t count;
    struct list closed;
    struct list idle;
    struct list busy;
    uint64_t opened;
    char *scratch; /* ANSWER_BYTES_MAX bytes for answers that come whole, as nearly all do */
};

static void move_to(struct list *list, struct connection *connection) {
    struct list *old = connection->list;
    if (old) {
        *(connection->previous ? &connection->previous->next : &old->first) = connection->next;
        *(connection->next ? &connection->next->previous : &old->last) = connection->previous;
    }
    connection->list = list;
    connection->next = NULL;
    connection->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = connection;
    list->last = connection;
}

static void raise_files_limit(uint64_t connections) {
    struct rlimit limit;
    rlim_t wanted = connections + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        give_up("cannot ask for the limit of open files: %s", strerror(errno));
    if (limit.rlim_cur >= wanted) return;
    struct rlimit raised = {wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return;
    give_up("%llu connections need %llu open files, and this session may have no more than %llu: raise that "
            "limit (`ulimit -Hn`, as root), or take at most %llu by --connections, in a burst by --count",
            (unsigned long long)connections, (unsigned long long)wanted, (unsigned long long)limit.rlim_max,
            (unsigned long long)(limit.rlim_max > SPARE_FILES ? limit.rlim_max - SPARE_FILES : 0));
}

static void open_wire(struct wire *wire, const struct options *options) {
    raise_files_limit(options->connections);
    wire->count = (uint32_t)options->connections;
    wire->connections = calloc(wire->count, sizeof *wire->connections);
    wire->scratch = malloc(ANSWER_BYTES_MAX);
    wire->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!wire->connections || !wire->scratch || wire->epoll < 0)
        give_up("no memory for %u connections", wire->count);
    for (uint32_t at = 0; at < wire->count; at++) {
        struct connection *connection = &wire->connections[at];
        connection->fd = -1;
        connection->journey = NOBODY;
        connection->target = &options->targets[at % options->targets_count];
        move_to(&wire->closed, connection);
    }
}

static void close_connection(struct wire *wire, struct connection *connection) {
    if (connection->fd >= 0) close(connection->fd);
    free(connection->held);
    connection->held = NULL;
    connection->held_length = connection->held_space = 0;
    connection->fd = -1;
    connection->generation++;
    connection->state = CLOSED;
    move_to(&wire->closed, connection);
}

static void become_idle(struct wire *wire, struct connection *connection) {
    connection->state = IDLE;
    connection->held_length = 0;
    move_to(&wire->idle, connection);
}

/*
 * On the loopback, many connections come from several of its addresses. From one address, the kernel takes
 * longer to find a free port the more are taken: 6 s for 20,000 connections. With those of the last run, which
 * still wait, no port would be left.
 */
static bool choose_source(const struct wire *wire, const struct connection *connection) {
    const struct sockaddr_in *target = (const struct sockaddr_in *)&connection->target->address;
    if (target->sin_family != AF_INET || ntohl(target->sin_addr.s_addr) >> 24 != 127) return true;
    uint32_t number = (uint32_t)(connection - wire->connections) / CONNECTIONS_PER_SOURCE;
    if (number == 0) return true; /* as the kernel has it: 127.0.0.1 */
    int on = 1;
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001u + number)};
    setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(connection->fd, (const struct sockaddr *)&source, sizeof source) == 0;
}

/* Begin to connect. False if that is refused at once. Otherwise the result comes as an event. */
static bool open_connection(struct wire *wire, struct connection *connection, uint64_t now) {
    const struct target *target = connection->target;
    int on = 1;
    connection->since = now;
    connection->fd = socket(target->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) return false;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!choose_source(wire, connection)) return false;
    if (connect(connection->fd, (const struct sockaddr *)&target->address, target->length) < 0 &&
        errno != EINPROGRESS)
        return false;
    uint64_t name = (uint64_t)connection->generation << 32 | (uint32_t)(connection - wire->connections);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = name};
    if (epoll_ctl(wire->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0) return false;
    connection->state = CONNECTING;
    move_to(&wire->busy, connection);
    return true;
}

/* The connection of an event, or NULL if its socket has been closed since. */
static struct connection *connection_of(struct wire *wire, const struct epoll_event *event) {
    uint32_t at = (uint32_t)event->data.u64;
    struct connection *connection = &wire->connections[at];
    return connection->generation == (uint32_t)(event->data.u64 >> 32) ? connection : NULL;
}

static bool is_connected(struct connection *connection) {
    int failed = 0;
    socklen_t length = sizeof failed;
    return getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failed, &length) == 0 && failed == 0;
}

/* Send what is left of the request. False if the connection is broken. An event says when more fits. */
static bool send_request(struct connection *connection) {
    while (connection->sent < connection->request.length) {
        ssize_t sent = send(connection->fd, connection->request.at + connection->sent,
                            connection->request.length - connection->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        connection->sent += (size_t)sent;
    }
    return true;
}

enum received { NOTHING, WHOLE, NONSENSE, BROKEN };

/* Room for `space` bytes of an answer that comes in parts, or for as much of that as an answer may have. */
static bool widen(struct connection *connection, size_t space) {
    if (space > ANSWER_BYTES_MAX) space = ANSWER_BYTES_MAX;
    if (space <= connection->held_space) return true;
    char *wider = realloc(connection->held, space);
    if (!wider) return false;
    connection->held = wider;
    connection->held_space = space;
    return true;
}

/* Keep the first part, with twice its size, so that the next one can be received in place. */
static bool hold(struct connection *connection, const char *text, size_t length) {
    if (!widen(connection, 2 * length)) return false;
    memcpy(connection->held, text, length);
    connection->held_length = length;
    return true;
}

/*
 * Read what has come. WHOLE: `answer` points into memory that the next `receive` uses again.
 * `closes`: the server has closed its side, so read on to the end: no further event would tell of it.
 */
static enum received receive(struct wire *wire, struct connection *connection, bool closes,
                             struct answer *answer) {
    for (;;) {
        bool parts = connection->held_length > 0;
        if (parts && connection->held_length == connection->held_space &&
            (connection->held_space == ANSWER_BYTES_MAX || !widen(connection, 2 * connection->held_space)))
            return NONSENSE;
        char *at = parts ? connection->held + connection->held_length : wire->scratch;
        size_t space = parts ? connection->held_space - connection->held_length : ANSWER_BYTES_MAX;
        ssize_t got = recv(connection->fd, at, space, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? NOTHING : BROKEN;
        if (got == 0) return BROKEN;
        if (connection->state != BUSY) return NONSENSE;
        const char *text = parts ? connection->held : wire->scratch;
        size_t length = connection->held_length + (size_t)got;
        enum reading reading = read_answer(text, length, answer);
        if (reading == MALFORMED) return NONSENSE;
        if (reading == COMPLETE) return WHOLE;
        if (parts)
            connection->held_length = length;
        else if (!hold(connection, text, length))
            return NONSENSE;
        /* Less than there was room for: nothing more has come, and the next part will be an event. */
        if ((size_t)got < space && !closes) return NOTHING;
    }
}

#endif
