/*
 * The client's flags, what they mean, and the files that it reads.
 */
#ifndef KEPU_OPTIONS_H
#define KEPU_OPTIONS_H

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answer.h"

#define TARGETS_MAX 64
#define CONNECTIONS_MAX 20000
#define REQUEST_BYTES_MAX (16u * 1024 * 1024)

static const char HELP[] =
    "load: sends HTTP requests to Kepu Week's services and measures the answers.\n"
    "\n"
    "  load --target 127.0.0.1:8002 --requests FILE [pace] [end]\n"
    "  load --target 127.0.0.1:8002 --participants FILE --quiz ID [pace] [end]\n"
    "\n"
    "What to send (one of the first two)\n"
    "  --requests FILE       complete HTTP/1.1 requests, each behind its length (4 bytes, little-endian).\n"
    "                        Each is sent once, in order.\n"
    "  --participants FILE   tokens of participants, one a line. Each participant starts an attempt, thinks,\n"
    "                        submits the answers, and may wait for the result.\n"
    "    --quiz ID           the quiz to take; needed with --participants\n"
    "    --think-ms T        how long participants think between start and submission (0)\n"
    "    --letters ABCD      each question is answered with one of these letters, at random (ABCD)\n"
    "    --watch N           one participant in N asks for the result until it is graded (0: nobody)\n"
    "    --poll-ms T         how often that participant asks (25). After 30 s it counts as \"ungraded\"\n"
    "    --seed N            the seed of the random letters (1)\n"
    "  --target HOST:PORT    the server. Repeat it to spread the connections evenly over several\n"
    "\n"
    "A journey is one request of the file, or the way of one participant.\n"
    "\n"
    "Pace (by default a closed loop: as fast as the answers come)\n"
    "  --connections N       at most N connections (64). Journeys share them\n"
    "  --rate R              open loop: R journeys a second, each with its intended time. Latency counts from\n"
    "                        the intended time, so a stall counts for everybody who had to queue behind it\n"
    "  --connect-first       open all connections before the first request, a few hundred at a time\n"
    "  --burst               a connection for each participant, opened before. All start at one moment. When\n"
    "                        all have an answer, all submit at one moment\n"
    "  --burst-connect       the same, but the connections are opened at the moment of the start, and the\n"
    "                        latency of the start includes that\n"
    "\n"
    "End (whichever comes first; the end of the file always is one)\n"
    "  --count N             N journeys\n"
    "  --seconds S           no new journeys after S seconds. Journeys under way get 30 s more\n"
    "  SIGINT and SIGTERM end a run as --seconds does. A second signal stops it at once. The result is\n"
    "  printed in both cases.\n"
    "\n"
    "Answers\n"
    "  --warm-seconds W      requests due in the first W seconds are counted apart (\"warm\")\n"
    "  --retry-503           after a 503 wait its Retry-After (1 s if there is none) and send again. This counts\n"
    "                        as turned_away. The latency still counts from the first time\n"
    "  --timeout-ms T        of one request, connecting included (30000)\n"
    "  --acknowledged FILE   write a line \"attempt_id<TAB>receipt_id\" for each submission that got a 202\n"
    "  --progress            print a line a second to stderr\n"
    "\n"
    "The result is one JSON object on stdout. Latencies are in milliseconds, of answers below 400. \"failed\"\n"
    "counts by kind: connect; reset (by the server, or closed before the answer was whole); timeout; answer\n"
    "(not HTTP/1.1 with a Content-Length, over 256 KiB, or without a field that is needed); ungraded; and\n"
    "unfinished (cut off by the end). \"sent_late_ms\" says how long after their intended time requests were\n"
    "sent. If it is high while connections were free, this client was the bottleneck.\n";

struct target {
    struct sockaddr_storage address;
    socklen_t length;
    int family;
};

/* A file mapped into memory. `records` is the number of journeys in it. */
struct mapped {
    const char *at;
    size_t length;
    size_t records;
};

struct options {
    struct target targets[TARGETS_MAX];
    unsigned targets_count;
    const char *requests_path;
    const char *participants_path;
    const char *quiz;
    const char *letters;
    const char *acknowledged_path;
    uint64_t think_ms;
    uint64_t watch;
    uint64_t poll_ms;
    uint64_t seed;
    uint64_t connections;
    uint64_t count; /* 0: no limit */
    uint64_t timeout_ms;
    double rate; /* 0: closed loop */
    double seconds;
    double warm_seconds;
    bool burst;
    bool burst_connect;
    bool connect_first;
    bool retry_503;
    bool progress;
    struct mapped file;
};

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *message, ...) {
    va_list values;
    va_start(values, message);
    fputs("load: ", stderr);
    vfprintf(stderr, message, values);
    fputs("\n", stderr);
    va_end(values);
    exit(2);
}

static uint64_t whole_number(const char *flag, const char *text, uint64_t least, uint64_t most) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || number < least || number > most)
        give_up("--%s takes a whole number from %llu to %llu, not \"%s\"", flag, (unsigned long long)least,
                (unsigned long long)most, text);
    return number;
}

static double decimal(const char *flag, const char *text, double most) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number > 0 && number <= most))
        give_up("--%s takes a number above 0 and up to %.0f, not \"%s\"", flag, most, text);
    return number;
}

static void add_target(struct options *options, const char *text) {
    char host[256];
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !colon[1] || (size_t)(colon - text) >= sizeof host)
        give_up("--target takes HOST:PORT, such as 127.0.0.1:8002, not \"%s\"", text);
    if (options->targets_count == TARGETS_MAX) give_up("at most %d targets", TARGETS_MAX);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int failed = getaddrinfo(host, colon + 1, &hints, &found);
    if (failed) give_up("--target %s: %s", text, gai_strerror(failed));
    struct target *target = &options->targets[options->targets_count++];
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->length = found->ai_addrlen;
    target->family = found->ai_family;
    freeaddrinfo(found);
}

static struct mapped map_file(const char *path) {
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) < 0) give_up("cannot read %s: %s", path, strerror(errno));
    if (about.st_size == 0) give_up("%s is empty: there is nothing to send", path);
    void *at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) give_up("cannot map %s: %s", path, strerror(errno));
    close(fd);
    return (struct mapped){at, (size_t)about.st_size, 0};
}

static uint32_t little_endian(const char *at) {
    const unsigned char *bytes = (const unsigned char *)at;
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The next request of the file, or one without length at its end. Checked before by `count_requests`. */
static struct slice next_request(const struct mapped *file, size_t *offset) {
    if (*offset >= file->length) return (struct slice){0};
    struct slice request = {file->at + *offset + 4, little_endian(file->at + *offset)};
    *offset += 4 + request.length;
    return request;
}

static void count_requests(struct mapped *file, const char *path) {
    for (size_t offset = 0; offset < file->length; file->records++) {
        size_t left = file->length - offset;
        uint32_t length = left < 4 ? 0 : little_endian(file->at + offset);
        if (length == 0 || length > REQUEST_BYTES_MAX || length > left - 4)
            give_up("%s: request %zu at byte %zu is cut off or has a wrong length: write the file with "
                    "bench.load.client.requests_file",
                    path, file->records + 1, offset);
        offset += 4 + (size_t)length;
    }
}

/* The next token of the file, or one without length at its end. Empty lines don't count. */
static struct slice next_token(const struct mapped *file, size_t *offset) {
    while (*offset < file->length) {
        const char *at = file->at + *offset;
        const char *end = memchr(at, '\n', file->length - *offset);
        size_t line = end ? (size_t)(end - at) : file->length - *offset;
        *offset += line + (end ? 1 : 0);
        struct slice token = trimmed(at, at + line);
        if (token.length) return token;
    }
    return (struct slice){0};
}

static void count_tokens(struct mapped *file, const char *path) {
    size_t offset = 0;
    for (struct slice token; (token = next_token(file, &offset)).length; file->records++)
        if (!is_plain(token, TOKEN_BYTES_MAX))
            give_up("%s: token %zu is longer than %d bytes or has characters that no token has", path,
                    file->records + 1, TOKEN_BYTES_MAX);
    if (file->records == 0) give_up("%s holds no token: write one a line", path);
}

static void check_options(struct options *options) {
    if (options->targets_count == 0) give_up("say where to: --target 127.0.0.1:PORT (see --help)");
    if (!options->requests_path == !options->participants_path)
        give_up("say what to send: either --requests FILE or --participants FILE (see --help)");
    if (options->participants_path && !options->quiz) give_up("--participants needs the quiz: --quiz ID");
    if (options->quiz && !is_plain((struct slice){options->quiz, strlen(options->quiz)}, ID_BYTES_MAX))
        give_up("--quiz takes a quiz's id, not \"%s\"", options->quiz);
    if (strspn(options->letters, "ABCDEFGH") != strlen(options->letters) || !*options->letters)
        give_up("--letters takes letters from A to H, such as ABCD, not \"%s\"", options->letters);
    if (options->burst && options->requests_path) give_up("--burst is for --participants");
    if (options->burst && options->rate > 0) give_up("--burst and --rate are two different paces: take one");
    if (options->burst && options->warm_seconds > 0) give_up("--burst has one moment and no --warm-seconds");
    if (options->requests_path) {
        options->file = map_file(options->requests_path);
        count_requests(&options->file, options->requests_path);
    } else {
        options->file = map_file(options->participants_path);
        count_tokens(&options->file, options->participants_path);
    }
    if (options->count == 0 || options->count > options->file.records) options->count = options->file.records;
    if (options->burst) {
        if (options->count > CONNECTIONS_MAX)
            give_up("--burst opens a connection for each participant, %d at most, and %s has %zu: "
                    "add --count %d",
                    CONNECTIONS_MAX, options->participants_path, options->file.records, CONNECTIONS_MAX);
        options->connections = options->count;
    }
}

static void read_options(int argc, char **argv, struct options *options) {
    enum {
        TARGET = 1,
        REQUESTS,
        PARTICIPANTS,
        QUIZ,
        THINK,
        LETTERS,
        WATCH,
        POLL,
        SEED,
        CONNECTIONS,
        RATE,
        BURST,
        BURST_CONNECT,
        CONNECT_FIRST,
        COUNT,
        SECONDS,
        WARM,
        RETRY,
        TIMEOUT_MS,
        ACKNOWLEDGED,
        PROGRESS,
        HELP_FLAG
    };
    static const struct option FLAGS[] = {
        {"target", required_argument, NULL, TARGET},
        {"requests", required_argument, NULL, REQUESTS},
        {"participants", required_argument, NULL, PARTICIPANTS},
        {"quiz", required_argument, NULL, QUIZ},
        {"think-ms", required_argument, NULL, THINK},
        {"letters", required_argument, NULL, LETTERS},
        {"watch", required_argument, NULL, WATCH},
        {"poll-ms", required_argument, NULL, POLL},
        {"seed", required_argument, NULL, SEED},
        {"connections", required_argument, NULL, CONNECTIONS},
        {"rate", required_argument, NULL, RATE},
        {"burst", no_argument, NULL, BURST},
        {"burst-connect", no_argument, NULL, BURST_CONNECT},
        {"connect-first", no_argument, NULL, CONNECT_FIRST},
        {"count", required_argument, NULL, COUNT},
        {"seconds", required_argument, NULL, SECONDS},
        {"warm-seconds", required_argument, NULL, WARM},
        {"retry-503", no_argument, NULL, RETRY},
        {"timeout-ms", required_argument, NULL, TIMEOUT_MS},
        {"acknowledged", required_argument, NULL, ACKNOWLEDGED},
        {"progress", no_argument, NULL, PROGRESS},
        {"help", no_argument, NULL, HELP_FLAG},
        {0},
    };
    *options =
        (struct options){.letters = "ABCD", .poll_ms = 25, .seed = 1, .connections = 64, .timeout_ms = 30000};
    int flag, at = 0;
    while ((flag = getopt_long(argc, argv, "", FLAGS, &at)) != -1) {
        const char *name = FLAGS[at].name;
        switch (flag) {
        case TARGET: add_target(options, optarg); break;
        case REQUESTS: options->requests_path = optarg; break;
        case PARTICIPANTS: options->participants_path = optarg; break;
        case QUIZ: options->quiz = optarg; break;
        case THINK: options->think_ms = whole_number(name, optarg, 0, 3600000); break;
        case LETTERS: options->letters = optarg; break;
        case WATCH: options->watch = whole_number(name, optarg, 0, 1000000000); break;
        case POLL: options->poll_ms = whole_number(name, optarg, 1, 30000); break;
        case SEED: options->seed = whole_number(name, optarg, 1, 1000000000); break;
        case CONNECTIONS: options->connections = whole_number(name, optarg, 1, CONNECTIONS_MAX); break;
        case RATE: options->rate = decimal(name, optarg, 1e6); break;
        case BURST_CONNECT:
            options->burst_connect = true;
            options->burst = true;
            break;
        case BURST: options->burst = true; break;
        case CONNECT_FIRST: options->connect_first = true; break;
        case COUNT: options->count = whole_number(name, optarg, 1, 1000000000); break;
        case SECONDS: options->seconds = decimal(name, optarg, 86400); break;
        case WARM: options->warm_seconds = decimal(name, optarg, 3600); break;
        case RETRY: options->retry_503 = true; break;
        case TIMEOUT_MS: options->timeout_ms = whole_number(name, optarg, 1, 600000); break;
        case ACKNOWLEDGED: options->acknowledged_path = optarg; break;
        case PROGRESS: options->progress = true; break;
        case HELP_FLAG: fputs(HELP, stdout); exit(0);
        default: give_up("see --help");
        }
    }
    if (optind < argc) give_up("what is \"%s\"? Every argument is a flag; see --help", argv[optind]);
    check_options(options);
}

#endif
