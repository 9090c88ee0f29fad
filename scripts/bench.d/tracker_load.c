/*
 * Load for trackers: announces over UDP, HTTP and WebSockets, and idle connections to hold. Prints one JSON object.
 *
 *   tracker_load udp  PORT HASHES COUNT SOCKETS WINDOW PEERS
 *   tracker_load http PORT HASHES COUNT CONNECTIONS keep|close PEERS
 *   tracker_load ws   PORT HASHES COUNT CONNECTIONS SWARM
 *   tracker_load idle PORT HASHES WEBSOCKETS WIRE SECONDS
 *
 * Browsers stand in swarms of SWARM each, make five offers with every announce, and answer each offer that they get.
 *
 * HASHES is a file of infohashes, 40 hex digits a line. Everything goes to 127.0.0.1, from 127.0.0.1 to .8, so that no limit
 * for one address is met; peers announce ports below 1024, which nobody dials.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

enum { HASH = 20, SOURCES = 8, NUMWANT = 50, PATIENCE_MS = 2000, QUIET_MS = 200, MAX_EVENTS = 256 };

static unsigned char (*hashes)[HASH];
static int hash_count;
static int port;

static void die(const char *what) {
    fprintf(stderr, "tracker_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static uint64_t random_state = 88172645463325252ull;

static uint32_t any(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t) ((random_state >> 11) % below);
}

static void read_hashes(const char *path) {
    FILE *file = fopen(path, "r");
    char line[128];
    if (!file) die(path);
    while (fgets(line, sizeof line, file)) {
        hashes = realloc(hashes, (size_t) (hash_count + 1) * HASH);
        for (int i = 0; i < HASH; i++) {
            unsigned byte;
            if (sscanf(line + 2 * i, "%2x", &byte) != 1) die("hashes: not hex");
            hashes[hash_count][i] = (unsigned char) byte;
        }
        hash_count++;
    }
    fclose(file);
    if (hash_count == 0) die("hashes: none");
}

static struct sockaddr_in address(int last, int number) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t) number)};
    a.sin_addr.s_addr = htonl(0x7f000000u + (uint32_t) last);
    return a;
}

static int open_socket(int kind, int source) {
    int fd = socket(AF_INET, kind, 0);
    int on = 1;
    struct sockaddr_in from = address(1 + source % SOURCES, 0), to = address(1, port);
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof on);
    if (bind(fd, (struct sockaddr *) &from, sizeof from)) die("bind");
    if (connect(fd, (struct sockaddr *) &to, sizeof to)) die("connect");
    if (kind == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void report(long done, long bad, long lost, double seconds, double bytes) {
    printf("{\"done\":%ld,\"bad\":%ld,\"lost\":%ld,\"seconds\":%.3f,\"bytes_each\":%.1f}\n", done, bad, lost, seconds,
           done ? bytes / done : 0);
    exit(0);
}

/* ---- UDP (BEP 15) */

static void put32(unsigned char *at, uint32_t value) {
    value = htonl(value);
    memcpy(at, &value, 4);
}

static uint32_t get32(const unsigned char *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static void udp(long count, int sockets, int window, int peers) {
    int *fds = calloc((size_t) sockets, sizeof *fds);
    uint64_t *ids = calloc((size_t) sockets, sizeof *ids);
    int *out = calloc((size_t) sockets, sizeof *out);
    double *heard = calloc((size_t) sockets, sizeof *heard);
    struct pollfd *polls = calloc((size_t) sockets, sizeof *polls);
    unsigned char packet[98], reply[2048];
    long done = 0, bad = 0, lost = 0;
    double bytes = 0;
    int per_source = (peers + SOURCES - 1) / SOURCES;
    for (int i = 0; i < sockets; i++) {
        fds[i] = open_socket(SOCK_DGRAM, i);
        memset(packet, 0, sizeof packet);
        put32(packet, 0x417);
        put32(packet + 4, 0x27101980);
        put32(packet + 12, 7);
        struct pollfd one = {.fd = fds[i], .events = POLLIN};
        if (send(fds[i], packet, 16, 0) != 16 || poll(&one, 1, PATIENCE_MS) != 1 || recv(fds[i], reply, sizeof reply, 0) != 16)
            die("no connection id");
        memcpy(&ids[i], reply + 8, 8);
        polls[i] = one;
    }
    double began = now();
    for (int i = 0; i < sockets; i++) heard[i] = began;
    while (done < count) {
        double at = now();
        for (int i = 0; i < sockets; i++) {
            if (out[i] > 0 && at - heard[i] > PATIENCE_MS / 1e3) {
                lost += out[i];
                out[i] = 0;
                heard[i] = at;
            }
            while (out[i] < window) {
                memset(packet, 0, sizeof packet);
                memcpy(packet, &ids[i], 8);
                put32(packet + 8, 1);
                put32(packet + 12, (uint32_t) i);
                memcpy(packet + 16, hashes[any((uint32_t) hash_count)], HASH);
                memcpy(packet + 36, "-XX0001-", 8);
                put32(packet + 48, any(1u << 30));
                put32(packet + 68, 1); /* left, lower half */
                put32(packet + 92, NUMWANT);
                uint32_t number = 100 + any((uint32_t) per_source);
                packet[96] = (unsigned char) (number >> 8);
                packet[97] = (unsigned char) number;
                if (send(fds[i], packet, sizeof packet, 0) != (ssize_t) sizeof packet) break;
                out[i]++;
            }
        }
        if (poll(polls, (nfds_t) sockets, 100) < 0) die("poll");
        at = now();
        for (int i = 0; i < sockets; i++) {
            ssize_t got;
            while ((got = recv(fds[i], reply, sizeof reply, MSG_DONTWAIT)) > 0) {
                heard[i] = at;
                if (out[i] > 0) out[i]--;
                if (got < 20 || get32(reply) != 1 || get32(reply + 4) != (uint32_t) i || (got - 20) % 6 != 0) bad++;
                else done++;
                bytes += got;
            }
        }
    }
    report(done, bad, lost, now() - began, bytes);
}

/* ---- TCP connections */

enum { IN = 64 * 1024 };

struct connection {
    int fd, have, upgraded, waiting, source;
    unsigned char in[IN];
};

static void watch(int epoll, struct connection *c, int change) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, change, c->fd, &event)) die("epoll_ctl");
}

static void send_all(int fd, const void *what, size_t length) {
    const char *at = what;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (sent < 0) die("send");
        at += sent;
        length -= (size_t) sent;
    }
}

/* ---- HTTP (BEP 3, 23) */

static void ask_http(struct connection *c, int keep, int peers) {
    char request[512];
    int at = sprintf(request, "GET /announce?info_hash=");
    const unsigned char *hash = hashes[any((uint32_t) hash_count)];
    for (int i = 0; i < HASH; i++) at += sprintf(request + at, "%%%02X", hash[i]);
    at += sprintf(request + at,
                  "&peer_id=-XX0001-%012u&port=%u&uploaded=0&downloaded=0&left=1&numwant=%d&compact=1 HTTP/1.1\r\n"
                  "Host: 127.0.0.1:%d\r\nUser-Agent: tracker_load\r\nConnection: %s\r\n\r\n",
                  any(1000000), 100 + any((uint32_t) ((peers + SOURCES - 1) / SOURCES)), NUMWANT, port, keep ? "keep-alive" : "close");
    send_all(c->fd, request, (size_t) at);
}

/* Whether a whole answer is there. */
static int answered(struct connection *c) {
    c->in[c->have] = 0;
    char *end = strstr((char *) c->in, "\r\n\r\n");
    char *length = strcasestr((char *) c->in, "content-length:");
    if (!end || !length) return 0;
    return c->have >= (int) (end + 4 - (char *) c->in) + atoi(length + 15);
}

static void http(long count, int connections, int keep, int peers) {
    struct connection *all = calloc((size_t) connections, sizeof *all);
    int epoll = epoll_create1(0);
    long done = 0, bad = 0;
    double bytes = 0, began = now();
    for (int i = 0; i < connections; i++) {
        all[i].source = i;
        all[i].fd = open_socket(SOCK_STREAM, i);
        watch(epoll, &all[i], EPOLL_CTL_ADD);
        ask_http(&all[i], keep, peers);
    }
    struct epoll_event events[MAX_EVENTS];
    while (done + bad < count) {
        int ready = epoll_wait(epoll, events, MAX_EVENTS, PATIENCE_MS);
        if (ready == 0) die("no answer");
        for (int e = 0; e < ready; e++) {
            struct connection *c = events[e].data.ptr;
            ssize_t got = recv(c->fd, c->in + c->have, (size_t) (IN - 1 - c->have), 0);
            if (got > 0) c->have += (int) got;
            int whole = c->have > 0 && answered(c);
            if (got > 0 && !whole) continue;
            if (got > 0 && whole && !keep) continue; /* The server closes. */
            if (whole && strncmp((char *) c->in + 9, "200", 3) == 0 && strstr((char *) c->in, "8:interval")) done++;
            else bad++;
            bytes += c->have;
            c->have = 0;
            if (got <= 0) {
                close(c->fd);
                c->fd = open_socket(SOCK_STREAM, c->source);
                watch(epoll, c, EPOLL_CTL_ADD);
            }
            ask_http(c, keep, peers);
        }
    }
    report(done, bad, 0, now() - began, bytes);
}

/* ---- WebSockets (RFC 6455, WebTorrent) */

static void frame(int fd, int opcode, const char *text, size_t length) {
    unsigned char *out = malloc(length + 14);
    size_t at = 2;
    out[0] = (unsigned char) (0x80 | opcode);
    if (length < 126) out[1] = (unsigned char) (0x80 | length);
    else {
        out[1] = 0x80 | 126;
        out[2] = (unsigned char) (length >> 8);
        out[3] = (unsigned char) length;
        at = 4;
    }
    unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    memcpy(out + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < length; i++) out[at + i] = (unsigned char) text[i] ^ mask[i & 3];
    send_all(fd, out, at + length);
    free(out);
}

static void upgrade(struct connection *c) {
    char request[256];
    int length = sprintf(request,
                         "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                         port);
    send_all(c->fd, request, (size_t) length);
}

static size_t json_hash(char *out, const unsigned char *hash) {
    size_t at = 0;
    for (int i = 0; i < HASH; i++) at += (size_t) sprintf(out + at, "\\u%04x", hash[i]);
    return at;
}

/* A session description of that length. */
static const char *description(size_t length) {
    static char sdp[600];
    memset(sdp, 'a', sizeof sdp - 1);
    for (size_t i = 0; i + 40 < sizeof sdp; i += 40) memcpy(sdp + i, "\\r\\n", 4);
    sdp[length] = 0;
    return sdp;
}

enum { OFFER_SDP = 599, ANSWER_SDP = 400 };

/* As long as a browser's: five offers with some candidates each. */
static void announce(struct connection *c, int number, const unsigned char *hash, int offers) {
    static char text[16 * 1024];
    const char *sdp = description(OFFER_SDP);
    size_t at = (size_t) sprintf(text, "{\"numwant\":%d,\"uploaded\":0,\"downloaded\":0,\"action\":\"announce\",\"info_hash\":\"", offers);
    at += json_hash(text + at, hash);
    at += (size_t) sprintf(text + at, "\",\"peer_id\":\"-XX0001-%012d\",\"offers\":[", number);
    for (int i = 0; i < offers; i++)
        at += (size_t) sprintf(text + at, "%s{\"offer\":{\"type\":\"offer\",\"sdp\":\"%s\"},\"offer_id\":\"%010u%010u\"}", i ? "," : "",
                               sdp, any(1000000000), any(1000000000));
    at += (size_t) sprintf(text + at, "]}");
    frame(c->fd, 1, text, at);
}

/* The 20 characters behind a key, which this load made itself. */
static const char *twenty(const char *text, size_t length, const char *key) {
    const char *found = memmem(text, length, key, strlen(key));
    if (!found || (size_t) (found - text) + strlen(key) + 20 > length) {
        fprintf(stderr, "tracker_load: an offer without %s\n", key);
        exit(1);
    }
    return found + strlen(key);
}

static void answer(struct connection *c, const unsigned char *hash, const char *offer, size_t length) {
    static char text[4 * 1024];
    size_t at = (size_t) sprintf(text, "{\"action\":\"announce\",\"info_hash\":\"");
    at += json_hash(text + at, hash);
    at += (size_t) sprintf(text + at, "\",\"peer_id\":\"-XX0001-%012d\",\"to_peer_id\":\"%.20s\",\"offer_id\":\"%.20s\",", c->source,
                           twenty(offer, length, "\"peer_id\":\""), twenty(offer, length, "\"offer_id\":\""));
    at += (size_t) sprintf(text + at, "\"answer\":{\"type\":\"answer\",\"sdp\":\"%s\"}}", description(ANSWER_SDP));
    frame(c->fd, 1, text, at);
}

struct counts {
    long replies, offers, answers, failures;
};

/* The swarm of a connection, of so many. */
static const unsigned char *swarm_of(const struct connection *c, int swarms) {
    return hashes[c->source % swarms];
}

/* Takes the whole frames out of what came in; answers offers where the connection is in one of so many swarms. */
static void take(struct connection *c, struct counts *counts, int swarms) {
    int at = 0;
    if (!c->upgraded) {
        c->in[c->have] = 0;
        char *end = strstr((char *) c->in, "\r\n\r\n");
        if (!end) return;
        if (strncmp((char *) c->in + 9, "101", 3) != 0) {
            fprintf(stderr, "tracker_load: no WebSocket: %.200s\n", (char *) c->in);
            exit(1);
        }
        c->upgraded = 1;
        at = (int) (end + 4 - (char *) c->in);
    }
    for (;;) {
        int left = c->have - at, head = 2;
        if (left < 2) break;
        long length = c->in[at + 1] & 0x7f;
        if (length == 127) die("a frame too long");
        if (length == 126) {
            if (left < 4) break;
            length = c->in[at + 2] << 8 | c->in[at + 3];
            head = 4;
        }
        if (left < head + length) break;
        char *text = (char *) c->in + at + head;
        int opcode = c->in[at] & 15;
        if (opcode == 9) frame(c->fd, 10, text, (size_t) length);
        else if (opcode == 8) counts->failures++;
        else if (memmem(text, (size_t) length, "\"answer\"", 8)) counts->answers++;
        else if (memmem(text, (size_t) length, "\"offer\"", 7)) {
            counts->offers++;
            if (swarms > 0) answer(c, swarm_of(c, swarms), text, (size_t) length);
        }
        else if (memmem(text, (size_t) length, "\"interval\"", 10)) {
            counts->replies++;
            c->waiting = 0;
        } else counts->failures++;
        at += head + (int) length;
    }
    memmove(c->in, c->in + at, (size_t) (c->have - at));
    c->have -= at;
}

static void ws(long count, int connections, int swarm) {
    struct connection *all = calloc((size_t) connections, sizeof *all);
    int epoll = epoll_create1(0);
    int swarms = connections / swarm < 1 ? 1 : connections / swarm;
    struct counts counts = {0, 0, 0, 0};
    struct epoll_event events[MAX_EVENTS];
    if (swarms > hash_count) die("swarms: more than there are torrents");
    for (int i = 0; i < connections; i++) {
        all[i].source = i;
        all[i].fd = open_socket(SOCK_STREAM, i);
        upgrade(&all[i]);
        watch(epoll, &all[i], EPOLL_CTL_ADD);
    }
    double began = now();
    for (;;) {
        int over = counts.replies >= count; /* What is under way still arrives. */
        int ready = epoll_wait(epoll, events, MAX_EVENTS, over ? QUIET_MS : PATIENCE_MS * 5);
        if (ready == 0 && over) break;
        if (ready == 0) die("no answer");
        for (int e = 0; e < ready; e++) {
            struct connection *c = events[e].data.ptr;
            ssize_t got = recv(c->fd, c->in + c->have, (size_t) (IN - 1 - c->have), 0);
            if (got <= 0) die("a connection was closed");
            c->have += (int) got;
            take(c, &counts, swarms);
            if (c->upgraded && !c->waiting && !over) {
                c->waiting = 1;
                announce(c, c->source, swarm_of(c, swarms), 5);
            }
        }
    }
    printf("{\"done\":%ld,\"bad\":%ld,\"offers\":%ld,\"answers\":%ld,\"seconds\":%.3f}\n", counts.replies, counts.failures, counts.offers,
           counts.answers, now() - began);
    exit(0);
}

/* ---- Idle connections */

static void idle(int websockets, int wire, double seconds) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int total = websockets + wire, epoll = epoll_create1(0), alive = total, ready_wire = 0, upgraded = 0;
    struct connection **all = calloc((size_t) total, sizeof *all);
    struct counts counts = {0, 0, 0, 0};
    struct epoll_event events[MAX_EVENTS];
    double until = 0;
    int opened = 0;
    while (until == 0 || now() < until) {
        for (int burst = 0; burst < 50 && opened < total; burst++, opened++) {
            struct connection *c = all[opened] = calloc(1, sizeof *c);
            c->source = opened;
            c->fd = open_socket(SOCK_STREAM, opened);
            watch(epoll, c, EPOLL_CTL_ADD);
            if (opened < websockets) upgrade(c);
            else {
                unsigned char hello[68] = "\x13" "BitTorrent protocol";
                hello[25] = 0x10;
                memcpy(hello + 28, hashes[opened % hash_count], HASH);
                sprintf((char *) hello + 48, "-XX0001-%011d", opened);
                send_all(c->fd, hello, sizeof hello);
            }
        }
        int ready = epoll_wait(epoll, events, MAX_EVENTS, 20);
        for (int e = 0; e < ready; e++) {
            struct connection *c = events[e].data.ptr;
            ssize_t got = recv(c->fd, c->in + c->have, (size_t) (IN - 1 - c->have), 0);
            if (got <= 0) {
                alive--;
                close(c->fd);
                continue;
            }
            if (c->source >= websockets) { /* A wire peer: its handshake, then nothing of interest. */
                ready_wire += !c->upgraded;
                c->upgraded = 1;
                continue;
            }
            c->have += (int) got;
            int before = c->upgraded;
            take(c, &counts, 0);
            if (c->upgraded && !before) {
                upgraded++;
                announce(c, c->source, hashes[c->source % hash_count], 1);
            }
        }
        if (until == 0 && opened == total && (upgraded + ready_wire == total || ready == 0)) {
            until = now() + seconds;
            printf("{\"held\":%d,\"websockets\":%d,\"wire\":%d}\n", alive, upgraded, ready_wire);
            fflush(stdout);
        }
    }
    printf("{\"held\":%d,\"replies\":%ld,\"failures\":%ld}\n", alive, counts.replies, counts.failures);
    exit(0);
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: tracker_load udp|http|ws|idle PORT HASHES …\n");
        return 2;
    }
    port = atoi(argv[2]);
    read_hashes(argv[3]);
    random_state ^= (uint64_t) getpid() << 32;
    if (!strcmp(argv[1], "udp") && argc == 8) udp(atol(argv[4]), atoi(argv[5]), atoi(argv[6]), atoi(argv[7]));
    if (!strcmp(argv[1], "http") && argc == 8) http(atol(argv[4]), atoi(argv[5]), !strcmp(argv[6], "keep"), atoi(argv[7]));
    if (!strcmp(argv[1], "ws") && argc == 7) ws(atol(argv[4]), atoi(argv[5]), atoi(argv[6]));
    if (!strcmp(argv[1], "idle") && argc == 7) idle(atoi(argv[4]), atoi(argv[5]), atof(argv[6]));
    fprintf(stderr, "tracker_load: %s (expected: udp, http, ws or idle with their numbers)\n", argv[1]);
    return 2;
}
