/* A viewer's load without a viewer's cost: HTTP/1.1 GETs on keep-alive connections, bodies dropped in the kernel.
 *
 * http_load IPV4 PORT PID CONNECTIONS BYTES PATHS-FILE
 *
 * Every connection asks for the paths in turn until BYTES of bodies have come, all together. Prints one JSON line: the CPU time that PID
 * used meanwhile, by its process clock, and how long answers took to begin. Linux only: MSG_TRUNC drops what it receives. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PATHS = 4096, MAX_CONNECTIONS = 1024, HEAD = 4096, DROPPED_AT_ONCE = 1 << 20, WAIT_MILLIS = 20000 };

struct connection {
    int fd;
    int next;
    long long left; /* of the body; -1 while the head is coming in */
    int head_length;
    long long asked; /* nanoseconds */
    char head[HEAD];
};

static char *paths[MAX_PATHS];
static int path_count;
static long long *latencies;
static long latency_count, latency_room;
static struct connection connections[MAX_CONNECTIONS];

static long long now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "http_load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
    exit(1);
}

static void read_paths(const char *file) {
    FILE *in = fopen(file, "r");
    if (!in) die(file);
    char line[1024];
    while (path_count < MAX_PATHS && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0] && !(paths[path_count++] = strdup(line))) die("strdup");
    }
    fclose(in);
    if (path_count == 0) die("no paths");
}

static void ask(struct connection *c) {
    char request[2048];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n", paths[c->next]);
    c->next = (c->next + 1) % path_count;
    c->left = -1;
    c->head_length = 0;
    c->asked = now(CLOCK_MONOTONIC);
    if (send(c->fd, request, length, MSG_NOSIGNAL) != length) die("send");
}

static void began(struct connection *c) {
    if (latency_count == latency_room) {
        latency_room = latency_room ? 2 * latency_room : 4096;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
        if (!latencies) die("realloc");
    }
    latencies[latency_count++] = now(CLOCK_MONOTONIC) - c->asked;
}

/* Reads the head; returns the bytes of body that came with it, or -1 for more, please. */
static long long read_head(struct connection *c) {
    ssize_t got = recv(c->fd, c->head + c->head_length, HEAD - 1 - c->head_length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return -1;
    if (got <= 0) die("an answer's head");
    if (c->head_length == 0) began(c);
    c->head_length += got;
    c->head[c->head_length] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        if (c->head_length == HEAD - 1) die("head too long");
        return -1;
    }
    errno = 0;
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "http_load: %.40s\n", c->head);
        exit(1);
    }
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    if (!length || length > end) die("no content-length");
    c->left = atoll(length + 17);
    return c->head_length - (end + 4 - c->head);
}

static int by_size(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 7) die("usage: http_load IPV4 PORT PID CONNECTIONS BYTES PATHS-FILE");
    int count = atoi(argv[4]);
    long long wanted = atoll(argv[5]), dropped = 0;
    if (count < 1 || count > MAX_CONNECTIONS || wanted < 1) die("numbers");
    read_paths(argv[6]);
    clockid_t server;
    if ((errno = clock_getcpuclockid(atoi(argv[3]), &server))) die("clock of that pid");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) die("address");
    int epoll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        c->next = i * path_count / count;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event)) die("epoll_ctl");
    }
    long long cpu = now(server), wall = now(CLOCK_MONOTONIC);
    for (int i = 0; i < count; i++) ask(&connections[i]);
    static char sink[1]; /* MSG_TRUNC on TCP drops the bytes and copies none. */
    long long answers = 0;
    int busy = count;
    while (busy > 0) {
        struct epoll_event ready[64];
        int n = epoll_wait(epoll, ready, 64, WAIT_MILLIS);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            errno = ETIMEDOUT;
            die("waiting for bodies");
        }
        for (int i = 0; i < n; i++) {
            struct connection *c = ready[i].data.ptr;
            long long got;
            if (c->left < 0) {
                got = read_head(c);
                if (got < 0) continue;
            } else {
                size_t most = c->left < DROPPED_AT_ONCE ? c->left : DROPPED_AT_ONCE;
                got = recv(c->fd, sink, most, MSG_TRUNC | MSG_DONTWAIT);
                if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
                if (got <= 0) die("a body");
            }
            if (got > c->left) die("more than content-length");
            c->left -= got;
            dropped += got;
            if (c->left == 0) {
                answers++;
                if (dropped < wanted) {
                    ask(c);
                } else {
                    busy--;
                }
            }
        }
    }
    cpu = now(server) - cpu;
    wall = now(CLOCK_MONOTONIC) - wall;
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf("{\"bytes\":%lld,\"answers\":%lld,\"seconds\":%.6f,\"cpu\":%.9f,\"p50\":%.6f,\"p99\":%.6f}\n", dropped, answers, wall / 1e9, cpu / 1e9,
           latencies[latency_count / 2] / 1e9, latencies[latency_count * 99 / 100] / 1e9);
    return 0;
}
