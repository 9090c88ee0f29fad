/* What clients ask an add-on, over keep-alive connections, in a closed loop (each connection asks again at once) or an open one (requests
 * fall due at a rate, whatever the server does meanwhile; a latency counts from the time at which its request was due).
 *
 * gateway_load PORT PID KIND IDS-FILE NETWORKS SECONDS CONNECTIONS RATE SEED
 *
 * KIND is manifest, catalog, plain (the catalog, uncompressed), meta, stream or mix (5, 25, 35 and 35 in a hundred of the first, second, and
 * last two). RATE is requests a second, 0 for a closed loop. Few streams are watched by many, as 1 / rank; 250 viewers are in each network.
 * Prints one JSON line: the CPU time that PID used meanwhile, by its process clock, and how long answers took, from the moment at which they
 * were due to their last byte. Linux only: MSG_TRUNC drops what it receives. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_IDS = 100000, MAX_CONNECTIONS = 1024, HEAD = 16384, DROPPED_AT_ONCE = 1 << 20, WAIT_MILLIS = 20000, HOSTS = 250 };
enum { MAX_WAITING = 1 << 20 };

struct connection {
    int fd;
    long long left; /* of the body; -1 while the head is coming in */
    int head_length;
    long long due; /* nanoseconds */
    char head[HEAD];
};

static char *ids[MAX_IDS];
static double sums[MAX_IDS];
static int id_count, networks;
static const char *kind;
static uint64_t state;
static long long *latencies;
static long latency_count, latency_room;
static struct connection connections[MAX_CONNECTIONS];
static struct connection *idle[MAX_CONNECTIONS];
static int idle_count;
/* Due, and no connection was free. */
static long long waiting[MAX_WAITING];
static long first_waiting, end_waiting, most_waiting;

static long long now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "gateway_load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
    exit(1);
}

/* SplitMix64. */
static uint64_t drawn(void) {
    uint64_t z = state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

static double uniform(void) { return (drawn() >> 11) * 0x1p-53; }

static int below(int limit) { return (int)(uniform() * limit); }

static void read_ids(const char *file) {
    FILE *in = fopen(file, "r");
    if (!in) die(file);
    char line[512];
    while (id_count < MAX_IDS && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0]) {
            if (!(ids[id_count] = strdup(line))) die("strdup");
            sums[id_count] = (id_count ? sums[id_count - 1] : 0) + 1.0 / (id_count + 1);
            id_count++;
        }
    }
    fclose(in);
    if (id_count == 0) die("no ids");
}

static const char *popular(void) {
    double wanted = uniform() * sums[id_count - 1];
    int low = 0, high = id_count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (sums[middle] < wanted) low = middle + 1;
        else high = middle;
    }
    return ids[low];
}

static const char *rolled(void) {
    int roll = below(100);
    return roll < 5 ? "manifest" : roll < 30 ? "catalog" : roll < 65 ? "meta" : "stream";
}

static void ask(struct connection *c, long long due) {
    char path[512], request[1024];
    const char *what = strcmp(kind, "mix") ? kind : rolled();
    int plain = !strcmp(what, "plain");
    if (!strcmp(what, "manifest")) strcpy(path, "/manifest.json");
    else if (plain || !strcmp(what, "catalog")) strcpy(path, "/catalog/tv/live-streams.json");
    else snprintf(path, sizeof path, "/%s/tv/%s.json", what, popular());
    int network = below(networks);
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:7000\r\nX-Forwarded-For: 30.%d.%d.%d\r\n%s\r\n", path,
                          network / HOSTS, network % HOSTS, 1 + below(HOSTS), plain ? "" : "Accept-Encoding: gzip, deflate, br\r\n");
    c->left = -1;
    c->head_length = 0;
    c->due = due;
    if (send(c->fd, request, length, MSG_NOSIGNAL) != length) die("send");
}

static void answered(struct connection *c) {
    if (latency_count == latency_room) {
        latency_room = latency_room ? 2 * latency_room : 1 << 20;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
        if (!latencies) die("realloc");
    }
    latencies[latency_count++] = now(CLOCK_MONOTONIC) - c->due;
}

/* Reads the head; returns the bytes of body that came with it, or -1 for more, please. */
static long long read_head(struct connection *c) {
    ssize_t got = recv(c->fd, c->head + c->head_length, HEAD - 1 - c->head_length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return -1;
    if (got <= 0) die("an answer's head");
    c->head_length += got;
    c->head[c->head_length] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        if (c->head_length == HEAD - 1) die("head too long");
        return -1;
    }
    errno = 0;
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "gateway_load: %.40s\n", c->head);
        exit(1);
    }
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    if (!length || length > end) die("no content-length");
    c->left = atoll(length + 17);
    return c->head_length - (end + 4 - c->head);
}

/* Whether the answer is whole. */
static int take(struct connection *c) {
    static char sink[1]; /* MSG_TRUNC on TCP drops the bytes and copies none. */
    long long got;
    if (c->left < 0) {
        got = read_head(c);
        if (got < 0) return 0;
    } else {
        got = recv(c->fd, sink, c->left < DROPPED_AT_ONCE ? c->left : DROPPED_AT_ONCE, MSG_TRUNC | MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
        if (got <= 0) die("a body");
    }
    if (got > c->left) die("more than content-length");
    c->left -= got;
    return c->left == 0;
}

static int by_size(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

static void wake_at(int timer, long long at) {
    struct itimerspec when = {.it_value = {.tv_sec = at / 1000000000LL, .tv_nsec = at % 1000000000LL}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL)) die("timerfd_settime");
}

static double millis(double share) { return latencies[(long)((latency_count - 1) * share)] / 1e6; }

int main(int argc, char **argv) {
    if (argc != 10) die("usage: gateway_load PORT PID KIND IDS-FILE NETWORKS SECONDS CONNECTIONS RATE SEED");
    kind = argv[3];
    networks = atoi(argv[5]);
    double seconds = atof(argv[6]), rate = atof(argv[8]);
    int count = atoi(argv[7]);
    state = strtoull(argv[9], NULL, 10);
    if (count < 1 || count > MAX_CONNECTIONS || networks < 1 || seconds <= 0 || rate < 0) die("numbers");
    read_ids(argv[4]);
    clockid_t server;
    if ((errno = clock_getcpuclockid(atoi(argv[2]), &server))) die("clock of that pid");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (epoll < 0 || timer < 0) die("epoll or timer");
    for (int i = 0; i < count; i++) {
        struct connection *c = idle[idle_count++] = &connections[i];
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event)) die("epoll_ctl");
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event)) die("epoll_ctl");
    int open = rate > 0;
    long long cpu = now(server), began = now(CLOCK_MONOTONIC), end = began + (long long)(seconds * 1e9), due = began;
    while (!open && idle_count > 0) ask(idle[--idle_count], now(CLOCK_MONOTONIC));
    if (open) wake_at(timer, due);
    for (int stopping = 0; !stopping || idle_count < count;) {
        struct epoll_event ready[256];
        int n = epoll_wait(epoll, ready, 256, WAIT_MILLIS);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            errno = ETIMEDOUT;
            die("waiting for answers");
        }
        for (int i = 0; i < n; i++) {
            struct connection *c = ready[i].data.ptr;
            if (c && take(c)) {
                answered(c);
                if (!open && !stopping) ask(c, now(CLOCK_MONOTONIC));
                else if (first_waiting < end_waiting) ask(c, waiting[first_waiting++ % MAX_WAITING]);
                else idle[idle_count++] = c;
            }
        }
        long long time = now(CLOCK_MONOTONIC);
        stopping = stopping || time >= end;
        if (!open || due >= end) continue;
        for (; due <= time && due < end; due += (long long)(-log(1 - uniform()) * 1e9 / rate)) { /* As strangers come: Poisson. */
            if (idle_count > 0) {
                ask(idle[--idle_count], due);
            } else if (end_waiting - first_waiting == MAX_WAITING) {
                die("too many waiting");
            } else {
                waiting[end_waiting++ % MAX_WAITING] = due;
                if (end_waiting - first_waiting > most_waiting) most_waiting = end_waiting - first_waiting;
            }
        }
        wake_at(timer, due < end ? due : end);
    }
    cpu = now(server) - cpu;
    double wall = (now(CLOCK_MONOTONIC) - began) / 1e9;
    if (latency_count == 0) die("no answer");
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf("{\"answers\":%ld,\"seconds\":%.6f,\"cpu\":%.9f,\"own_cpu\":%.9f,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"most_waiting\":%ld}\n",
           latency_count, wall, cpu / 1e9, now(CLOCK_PROCESS_CPUTIME_ID) / 1e9, millis(0.5), millis(0.99), millis(0.999), most_waiting);
    return 0;
}
