/* Preloaded into a server: from the Nth write on, writes to some files fail.

   FAIL_PATH   files whose path holds this text
   FAIL_AT     the first write that fails, counted from 1
   FAIL_ERRNO  the error
   FAIL_ONCE   1: only that write fails
   FAIL_ARMED  counting begins once this file exists; each failure adds a byte to it */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static long count;

static int fails(int descriptor) {
    const char *path = getenv("FAIL_PATH"), *armed = getenv("FAIL_ARMED");
    char link[64], target[4096];
    if (!path || !armed) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0) return 0;
    target[length] = 0;
    if (!strstr(target, path) || access(armed, F_OK) != 0) return 0;
    long at = atol(getenv("FAIL_AT"));
    pthread_mutex_lock(&counting);
    long mine = ++count;
    pthread_mutex_unlock(&counting);
    if (mine < at || (mine > at && atoi(getenv("FAIL_ONCE")))) return 0;
    int told = open(armed, O_WRONLY | O_APPEND);
    if (told >= 0) {
        static ssize_t (*real)(int, const void *, size_t);
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, "write");
        real(told, "x", 1);
        close(told);
    }
    errno = atoi(getenv("FAIL_ERRNO"));
    return 1;
}

#define WRITING(type, name, parameters, arguments)                    \
    type name parameters {                                            \
        static type(*real) parameters;                                \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);         \
        return fails(descriptor) ? -1 : real arguments;               \
    }

WRITING(ssize_t, write, (int descriptor, const void *data, size_t size), (descriptor, data, size))
WRITING(ssize_t, writev, (int descriptor, const struct iovec *parts, int number), (descriptor, parts, number))
WRITING(ssize_t, pwrite, (int descriptor, const void *data, size_t size, off_t at), (descriptor, data, size, at))
WRITING(ssize_t, pwrite64, (int descriptor, const void *data, size_t size, off64_t at), (descriptor, data, size, at))
WRITING(int, fsync, (int descriptor), (descriptor))
WRITING(int, fdatasync, (int descriptor), (descriptor))
WRITING(int, ftruncate, (int descriptor, off_t size), (descriptor, size))
WRITING(int, ftruncate64, (int descriptor, off64_t size), (descriptor, size))
