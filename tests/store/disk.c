/* Writes down what happens to the files of a folder, in order, so that a loss of power can be played: see test_power.py.

   A record is its kind, the lengths of path and data, an offset, then both: C created, W written, T cut to a length,
   S synced, U unlinked, M a mark of the program's own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int notes = -1;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("DISK_NOTES");
    folder = getenv("DISK_FOLDER");
    if (path && folder) notes = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int ours(const char *path) { return notes >= 0 && path && !strncmp(path, folder, strlen(folder)); }

static void note(char kind, const char *path, int64_t offset, const void *data, uint32_t size) {
    uint32_t length = strlen(path);
    struct iovec parts[] = {{&kind, 1}, {&length, 4}, {&size, 4}, {&offset, 8}, {(void *)path, length}, {(void *)data, size}};
    if (writev(notes, parts, 6) < 0) abort();
}

static void note_on(char kind, int fd, int64_t offset, const void *data, uint32_t size) {
    char link[64], path[4096];
    if (notes < 0) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (ours(path)) note(kind, path, offset, data, size);
}

void mark(long number) { note('M', "", number, "", 0); }

static ssize_t wrote(int fd, const void *data, ssize_t done, off_t offset) {
    if (done > 0) note_on('W', fd, offset, data, done);
    return done;
}

static int did(char kind, int fd, int64_t offset, int result) {
    if (!result) note_on(kind, fd, offset, "", 0);
    return result;
}

ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { return wrote(fd, b, REAL(pwrite)(fd, b, n, o), o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { return wrote(fd, b, REAL(pwrite64)(fd, b, n, o), o); }
int fsync(int fd) { return did('S', fd, 0, REAL(fsync)(fd)); }
int fdatasync(int fd) { return did('S', fd, 0, REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t n) { return did('T', fd, n, REAL(ftruncate)(fd, n)); }
int ftruncate64(int fd, off64_t n) { return did('T', fd, n, REAL(ftruncate64)(fd, n)); }

ssize_t write(int fd, const void *b, size_t n) {
    off_t offset = notes >= 0 ? lseek(fd, 0, SEEK_CUR) : -1;
    return wrote(fd, b, REAL(write)(fd, b, n), offset);
}

int unlink(const char *path) {
    int result = REAL(unlink)(path);
    if (!result && ours(path)) note('U', path, 0, "", 0);
    return result;
}

static int opened(const char *path, int fresh, int fd) {
    if (fresh && fd >= 0) note('C', path, 0, "", 0);
    return fd;
}

#define OPEN(name)                                               \
    int name(const char *path, int flags, ...) {                 \
        va_list rest;                                            \
        va_start(rest, flags);                                   \
        mode_t mode = va_arg(rest, mode_t);                      \
        va_end(rest);                                            \
        int fresh = ours(path) && access(path, F_OK);            \
        return opened(path, fresh, REAL(name)(path, flags, mode)); \
    }

OPEN(open)
OPEN(open64)
