/* Makes the n-th operation on a file whose path contains "history" fail with EIO: see test_faults.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long left;
static long failed;
static int lockless;

void fault_at(long n) { left = n; failed = 0; }
long faults(void) { return failed; }
void take_locks_away(int away) { lockless = away; }

static int falls(const char *path) {
    if (left <= 0 || !path || !strstr(path, "history")) return 0;
    if (--left) return 0;
    failed++;
    errno = EIO;
    return 1;
}

static int falls_on(int fd) {
    char link[64], path[512];
    if (left <= 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return falls(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { return falls_on(fd) ? -1 : REAL(pwrite)(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { return falls_on(fd) ? -1 : REAL(pwrite64)(fd, b, n, o); }
ssize_t pread(int fd, void *b, size_t n, off_t o) { return falls_on(fd) ? -1 : REAL(pread)(fd, b, n, o); }
ssize_t pread64(int fd, void *b, size_t n, off64_t o) { return falls_on(fd) ? -1 : REAL(pread64)(fd, b, n, o); }
ssize_t write(int fd, const void *b, size_t n) { return falls_on(fd) ? -1 : REAL(write)(fd, b, n); }
ssize_t read(int fd, void *b, size_t n) { return falls_on(fd) ? -1 : REAL(read)(fd, b, n); }
int fsync(int fd) { return falls_on(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return falls_on(fd) ? -1 : REAL(fdatasync)(fd); }
int ftruncate(int fd, off_t n) { return falls_on(fd) ? -1 : REAL(ftruncate)(fd, n); }
int ftruncate64(int fd, off64_t n) { return falls_on(fd) ? -1 : REAL(ftruncate64)(fd, n); }
int unlink(const char *path) { return falls(path) ? -1 : REAL(unlink)(path); }

/* As a network file system without a lock server answers. */
#define FCNTL(name)                                                                        \
    int name(int fd, int command, ...) {                                                   \
        va_list rest;                                                                      \
        va_start(rest, command);                                                           \
        void *argument = va_arg(rest, void *);                                             \
        va_end(rest);                                                                      \
        if (lockless && (command == F_SETLK || command == F_SETLKW || command == F_GETLK)) { \
            errno = ENOLCK;                                                                \
            return -1;                                                                     \
        }                                                                                  \
        return REAL(name)(fd, command, argument);                                          \
    }

FCNTL(fcntl)
FCNTL(fcntl64)

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return falls(path) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return falls(path) ? -1 : REAL(open64)(path, flags, mode);
}
