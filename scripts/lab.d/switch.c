/* The lab's wire: a switch of IPv4 packets between TUN devices, with rate, delay and loss per host and pair.
 *
 * A packet waits for its sender's uplink, travels the pair's delay, may be lost on the way, and waits for its receiver's
 * downlink. Both waits are bounded queues that drop at the tail. Lines are clocks, not buckets: a packet leaves when the line
 * has carried all before it, so that rates hold however late this process wakes.
 *
 * Everything in words of standard input: HOSTS SEED, the folder for two pcaps or "-"; for each host
 * ADDRESS DESCRIPTOR CLOSED UP-SECONDS-A-BYTE UP-LONGEST-WAIT DOWN-SECONDS-A-BYTE DOWN-LONGEST-WAIT; for each pair DELAY LOSS.
 * Then a line of JSON, all counters, for each byte more; the end of the input is the end. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    MTU = 1500,
    MAX_HOSTS = 1024,
    PACKETS_PER_TURN = 64, /* read from one device before the others have their turn */
    IPV4_HEADER = 20,
    UDP_HEADER = 8,
    TCP = 6,
    UDP = 17,
    SYN = 0x02,
    ACK = 0x10
};

struct packet {
    double when; /* seconds of the monotonic clock */
    uint64_t order;
    int host;
    int through; /* the receiver's downlink already */
    int length;
    struct packet *next;
    uint8_t bytes[MTU];
};

struct direction {
    double seconds_a_byte, longest_wait, free_at;
};

struct counters {
    uint64_t sent_packets, sent_bytes, sent_payload, received_packets, received_bytes, received_payload;
    uint64_t lost_packets, dropped_uplink, dropped_downlink, unroutable;
};

static struct {
    char name[INET_ADDRSTRLEN];
    struct in_addr address;
    int device, closed;
    struct direction up, down;
    struct counters counters;
} *hosts;

static int host_count;
static double *delays, *losses; /* [from * host_count + to] */
static uint64_t chance;
static FILE *sent, *received; /* pcaps, or null */
static struct packet **heap; /* the packets on their way, the next to arrive first */
static int heap_size, heap_room;
static uint64_t next_order;
static struct packet *unused;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

/* splitmix64 */
static double random_share(void) {
    uint64_t z = chance += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return ((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

/* Packets on their way */

static int before(const struct packet *a, const struct packet *b) {
    return a->when < b->when || (a->when == b->when && a->order < b->order);
}

static void later(struct packet *packet, double when, int host, int through) {
    packet->when = when;
    packet->order = next_order++;
    packet->host = host;
    packet->through = through;
    if (heap_size == heap_room) {
        heap_room = heap_room ? 2 * heap_room : 4096;
        heap = realloc(heap, heap_room * sizeof *heap);
        if (!heap) die("realloc");
    }
    int at = heap_size++;
    for (; at > 0 && before(packet, heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = packet;
}

static struct packet *first(void) {
    struct packet *taken = heap[0], *last = heap[--heap_size];
    int at = 0;
    for (int child; (child = 2 * at + 1) < heap_size; at = child) {
        if (child + 1 < heap_size && before(heap[child + 1], heap[child])) child++;
        if (!before(heap[child], last)) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return taken;
}

static struct packet *new_packet(void) {
    struct packet *packet = unused;
    if (packet) {
        unused = packet->next;
        return packet;
    }
    packet = malloc(sizeof *packet);
    if (!packet) die("malloc");
    return packet;
}

static void free_packet(struct packet *packet) {
    packet->next = unused;
    unused = packet;
}

/* What is in a packet */

static int header_length(const uint8_t *bytes) {
    return (bytes[0] & 0x0f) * 4;
}

/* Bytes above TCP or UDP. */
static int payload(const uint8_t *bytes, int length) {
    int header = header_length(bytes), above = 0;
    if (bytes[9] == TCP && length >= header + 20) {
        above = length - header - (bytes[header + 12] >> 4) * 4;
    } else if (bytes[9] == UDP) {
        above = length - header - UDP_HEADER;
    }
    return above > 0 ? above : 0;
}

static int opens_connection(const uint8_t *bytes, int length) {
    int header = header_length(bytes);
    return bytes[9] == TCP && length >= header + 20 && (bytes[header + 13] & (SYN | ACK)) == SYN;
}

static int host_of(const uint8_t *address) {
    for (int i = 0; i < host_count; i++) {
        if (memcmp(&hosts[i].address, address, 4) == 0) return i;
    }
    return -1;
}

static void begin_capture(FILE **capture, const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.pcap", folder, name);
    *capture = fopen(path, "wb");
    if (!*capture) die(path);
    setvbuf(*capture, NULL, _IOFBF, 1 << 20);
    const uint32_t raw_ipv4 = 228, header[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, MTU, raw_ipv4};
    fwrite(header, sizeof header, 1, *capture);
}

static void capture(FILE *to, double at, const uint8_t *bytes, int length) {
    if (to) {
        uint32_t seconds = at, header[] = {seconds, (at - seconds) * 1e6, length, length};
        fwrite(header, sizeof header, 1, to);
        fwrite(bytes, length, 1, to);
    }
}

/* The line */

/* When a packet that arrives now has passed, or 0 where the queue is full. */
static double leaves_at(struct direction *line, double at, int length) {
    double begins = line->free_at > at ? line->free_at : at;
    if (begins - at > line->longest_wait) return 0;
    return line->free_at = begins + length * line->seconds_a_byte;
}

/* Sends a packet on its way, or frees it. */
static void send_packet(int sender, struct packet *packet, double at) {
    struct counters *counters = &hosts[sender].counters;
    const uint8_t *bytes = packet->bytes;
    int length = packet->length;
    int receiver = length >= IPV4_HEADER && bytes[0] >> 4 == 4 ? host_of(bytes + 16) : -1;
    if (receiver < 0 || (hosts[receiver].closed && opens_connection(bytes, length))) {
        counters->unroutable++;
        free_packet(packet);
        return;
    }
    double leaves = leaves_at(&hosts[sender].up, at, length);
    if (leaves == 0) {
        counters->dropped_uplink++;
        free_packet(packet);
        return;
    }
    counters->sent_packets++;
    counters->sent_bytes += length;
    counters->sent_payload += payload(bytes, length);
    capture(sent, at, bytes, length);
    double loss = losses[sender * host_count + receiver];
    if (loss > 0 && random_share() < loss) {
        counters->lost_packets++;
        free_packet(packet);
        return;
    }
    later(packet, leaves + delays[sender * host_count + receiver], receiver, 0);
}

static void deliver(struct packet *packet, double at) {
    struct counters *counters = &hosts[packet->host].counters;
    if (!packet->through) {
        double leaves = leaves_at(&hosts[packet->host].down, packet->when, packet->length);
        if (leaves == 0) {
            counters->dropped_downlink++;
            free_packet(packet);
            return;
        }
        if (leaves > at) {
            later(packet, leaves, packet->host, 1);
            return;
        }
    }
    counters->received_packets++;
    counters->received_bytes += packet->length;
    counters->received_payload += payload(packet->bytes, packet->length);
    capture(received, at, packet->bytes, packet->length);
    if (write(hosts[packet->host].device, packet->bytes, packet->length) < 0) {
        /* The host is gone or its device is down: a line that nobody listens to. */
    }
    free_packet(packet);
}

static void read_device(int host) {
    for (int i = 0; i < PACKETS_PER_TURN; i++) {
        struct packet *packet = new_packet();
        ssize_t length = read(hosts[host].device, packet->bytes, MTU);
        if (length <= 0) {
            free_packet(packet);
            return;
        }
        packet->length = length;
        send_packet(host, packet, now());
    }
}

static void print_counters(void) {
    for (int i = 0; i < host_count; i++) {
        struct counters *c = &hosts[i].counters;
        printf("%s\"%s\":{\"sent_packets\":%lu,\"sent_bytes\":%lu,\"sent_payload\":%lu,", i ? "," : "{", hosts[i].name, c->sent_packets, c->sent_bytes, c->sent_payload);
        printf("\"received_packets\":%lu,\"received_bytes\":%lu,\"received_payload\":%lu,", c->received_packets, c->received_bytes, c->received_payload);
        printf("\"lost_packets\":%lu,\"dropped_uplink\":%lu,\"dropped_downlink\":%lu,\"unroutable\":%lu}", c->lost_packets, c->dropped_uplink, c->dropped_downlink, c->unroutable);
    }
    printf("}\n");
    fflush(stdout);
}

static void need(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "switch: %s\n", what);
        exit(2);
    }
}

static void read_place(void) {
    char folder[4000];
    need(scanf("%d %lu %3999s", &host_count, &chance, folder) == 3 && host_count > 0 && host_count <= MAX_HOSTS, "hosts: 1 to 1024, a seed, a folder or -");
    hosts = calloc(host_count, sizeof *hosts);
    delays = calloc((size_t) host_count * host_count, sizeof *delays);
    losses = calloc((size_t) host_count * host_count, sizeof *losses);
    if (!hosts || !delays || !losses) die("calloc");
    for (int i = 0; i < host_count; i++) {
        int words = scanf("%15s %d %d %lf %lf %lf %lf", hosts[i].name, &hosts[i].device, &hosts[i].closed, &hosts[i].up.seconds_a_byte,
                          &hosts[i].up.longest_wait, &hosts[i].down.seconds_a_byte, &hosts[i].down.longest_wait);
        need(words == 7 && inet_pton(AF_INET, hosts[i].name, &hosts[i].address) == 1, "a host: address, descriptor, closed, two directions");
    }
    for (int i = 0; i < host_count * host_count; i++) need(scanf("%lf %lf", &delays[i], &losses[i]) == 2, "a pair: delay and loss");
    need(getchar() == '\n', "a line's end behind the last pair");
    if (strcmp(folder, "-") != 0) {
        begin_capture(&sent, folder, "sent");
        begin_capture(&received, folder, "received");
    }
}

/* A late wire would be measured as a slow mesh. */
static void prefer_this_process(void) {
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_RR, &first) != 0) setpriority(PRIO_PROCESS, 0, -10);
}

int main(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_TIMERSLACK, 1);
    signal(SIGINT, SIG_IGN); /* the parent decides */
    setvbuf(stdin, NULL, _IONBF, 0); /* what follows the place is read without stdio */
    read_place();
    prefer_this_process();
    struct pollfd *waiting_for = calloc(host_count + 1, sizeof *waiting_for);
    if (!waiting_for) die("calloc");
    for (int i = 0; i < host_count; i++) waiting_for[i] = (struct pollfd){.fd = hosts[i].device, .events = POLLIN};
    waiting_for[host_count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    while (1) {
        for (double at = now(); heap_size > 0 && heap[0]->when <= at; at = now()) deliver(first(), at);
        struct timespec sleep = {0}, *until = NULL;
        if (heap_size > 0) {
            double seconds = heap[0]->when - now();
            if (seconds > 0) sleep = (struct timespec){.tv_sec = seconds, .tv_nsec = (seconds - (time_t) seconds) * 1e9};
            until = &sleep;
        }
        if (ppoll(waiting_for, host_count + 1, until, NULL) < 0 && errno != EINTR) die("ppoll");
        for (int i = 0; i < host_count; i++) {
            if (waiting_for[i].revents & POLLIN) read_device(i);
        }
        if (waiting_for[host_count].revents) {
            char asked;
            if (read(STDIN_FILENO, &asked, 1) <= 0) break;
            print_counters();
        }
    }
    if (sent) fclose(sent);
    if (received) fclose(received);
    return 0;
}
