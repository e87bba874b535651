/*
 * scratch.h - files in memory, for what is only read from files. Gone at exit.
 */
#ifndef FUZZ_MASTER_SCRATCH_H
#define FUZZ_MASTER_SCRATCH_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[64];

static inline void
scratch_remove(void)
{
	static const char *const names[] = { "providers", "conf", "key", "state/mac.key", "state/main.sock",
		"state/other.sock", "vault.sock", "state/main", "state/other", "state" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", scratch_dir, names[i]);
		(void)remove(path);
	}
	(void)rmdir(scratch_dir);
}

static inline const char *
scratch(void)
{
	if (scratch_dir[0] != '\0')
		return scratch_dir;
	snprintf(scratch_dir, sizeof(scratch_dir), "%s/postern-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(scratch_dir) == NULL)
		abort();
	(void)atexit(scratch_remove);
	return scratch_dir;
}

/* A file of two pieces, mode 0400; its path into out. */
static inline void
scratch_put(const char *name, const void *a, size_t na, const void *b, size_t nb, char *out, size_t size)
{
	int fd;

	snprintf(out, size, "%s/%s", scratch(), name);
	(void)unlink(out);
	if ((fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400)) == -1 || write(fd, a, na) != (ssize_t)na ||
	    (nb > 0 && write(fd, b, nb) != (ssize_t)nb))
		abort();
	close(fd);
}

#endif
