/* What the kernel itself takes: files over HTTP/1.1 keep-alive by blocking sendfile, a thread a connection; prints its port.
 *
 * sendfile_server FOLDER -- GET /NAME of any file that was in the folder at the start. A reference for measurements, not a server. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 4096, REQUEST = 4096, AT_ONCE = 1 << 20 };

static struct {
    char name[256];
    int fd;
    off_t length;
} files[MAX_FILES];
static int file_count;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int find(const char *name) {
    for (int i = 0; i < file_count; i++) {
        if (strcmp(files[i].name, name) == 0) return i;
    }
    return -1;
}

static int answer(int fd, const char *name) {
    int file = find(name);
    char head[256];
    off_t length = file < 0 ? 0 : files[file].length;
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: video/mp2t\r\nContent-Length: %lld\r\n\r\n",
                     file < 0 ? "404 Not Found" : "200 OK", (long long)length);
    if (send(fd, head, n, MSG_NOSIGNAL | (length ? MSG_MORE : 0)) != n) return 0;
    for (off_t at = 0; at < length;) {
        off_t most = length - at < AT_ONCE ? length - at : AT_ONCE;
        if (sendfile(fd, files[file].fd, &at, most) <= 0) return 0;
    }
    return 1;
}

static void *serve(void *argument) {
    int fd = (int)(long)argument, have = 0;
    char in[REQUEST + 1];
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    for (;;) {
        in[have] = 0;
        char *end = strstr(in, "\r\n\r\n");
        if (end) {
            char name[256];
            if (sscanf(in, "GET /%255[^ ] ", name) != 1 || !answer(fd, name)) break;
            have -= end + 4 - in;
            memmove(in, end + 4, have);
            continue;
        }
        ssize_t got = recv(fd, in + have, REQUEST - have, 0);
        if (got <= 0) break;
        have += got;
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 2 || chdir(argv[1])) die("usage: sendfile_server FOLDER");
    DIR *folder = opendir(".");
    if (!folder) die(argv[1]);
    for (struct dirent *entry; file_count < MAX_FILES && (entry = readdir(folder));) {
        struct stat stat;
        int fd = open(entry->d_name, O_RDONLY);
        if (fd < 0 || fstat(fd, &stat)) die(entry->d_name);
        if (!S_ISREG(stat.st_mode)) {
            close(fd);
            continue;
        }
        snprintf(files[file_count].name, sizeof files[file_count].name, "%s", entry->d_name);
        files[file_count].fd = fd;
        files[file_count++].length = stat.st_size;
    }
    closedir(folder);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 256)) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;
        if (fd >= 0 && pthread_create(&thread, NULL, serve, (void *)(long)fd) == 0) pthread_detach(thread);
    }
}
