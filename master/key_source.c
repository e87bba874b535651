#include "key_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enums.h"
#include "logger.h"
#include "secret.h"

#define NEXT_SUFFIX ".new"
#define NO_OTHERS 0077		/* a file: nobody else at all */
#define NO_WRITERS 0037		/* a credential: systemd may let a group read */

static int
complain(const char *path, const char *why)
{
	logger_line(LOG_LVL_ERROR, "vault key %s: %s", path, why);
	return -1;
}

/* NULL, or what makes this no file for a key. */
static const char *
flaw(const struct stat *st, mode_t forbidden)
{
	static char text[160];

	if (!S_ISREG(st->st_mode))
		return "it must be a regular file";
	if (st->st_uid != geteuid() && (forbidden == NO_OTHERS || st->st_uid != 0))
		snprintf(text, sizeof(text), "it belongs to uid %u; it must belong to uid %u", st->st_uid, geteuid());
	else if ((st->st_mode & forbidden) != 0)
		snprintf(text, sizeof(text), "mode %04o lets others in; it must be 0400", st->st_mode & 07777);
	else if (st->st_size == 0 || st->st_size > LIM_KEY_FILE / 2)
		return "it is empty or too long for a key";
	else
		return NULL;
	return text;
}

/* Append the file; -1 after logging, 0 with nothing read when it may be absent and is. */
static ssize_t
take(const char *path, mode_t forbidden, bool optional, uint8_t *p)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *why;
	struct stat st;
	ssize_t n = -1;

	if (fd == -1 && optional && errno == ENOENT)
		return 0;
	if (fd == -1)
		return complain(path, errno == ENOENT ? "there is none (make one with: posternctl vault init)" : strerror(errno));
	why = fstat(fd, &st) == -1 ? strerror(errno) : flaw(&st, forbidden);
	if (why == NULL && (n = read(fd, p, (size_t)st.st_size)) != st.st_size)
		why = "it cannot be read whole";
	close(fd);
	return why == NULL ? n : complain(path, why);
}

/* $CREDENTIALS_DIRECTORY/NAME, see systemd.exec(5). */
static ssize_t
take_credential(const char *name, uint8_t *key)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[2 * LIM_PATH];

	if (dir == NULL || dir[0] != '/')
		return complain(name, "no CREDENTIALS_DIRECTORY here: systemd gives it to a unit with LoadCredential=");
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return complain(name, "the name is too long");
	return take(path, NO_WRITERS, false, key);
}

ssize_t
key_source_read(const struct conf *conf, uint8_t key[LIM_KEY_FILE])
{
	const char *from = conf->vault_key;
	size_t prefix = strlen(KEY_SOURCE_CREDENTIAL);
	char next[LIM_PATH + sizeof(NEXT_SUFFIX)];
	ssize_t n, more;

	if (strncmp(from, KEY_SOURCE_CREDENTIAL, prefix) == 0)
		return take_credential(from + prefix, key);
	if ((n = take(from, NO_OTHERS, false, key)) == -1)
		return -1;
	snprintf(next, sizeof(next), "%s%s", from, NEXT_SUFFIX);
	if ((more = take(next, NO_OTHERS, true, key + n)) == -1)
		return -1;
	return n + more;
}

int
key_source_pipe(const struct conf *conf)
{
	uint8_t key[LIM_KEY_FILE];
	ssize_t n = key_source_read(conf, key);
	int fds[2] = { -1, -1 }, fd = -1;

	if (n > 0 && pipe2(fds, O_CLOEXEC) == 0) {
		if (write(fds[1], key, (size_t)n) == n)
			fd = fds[0];
		else
			close(fds[0]);
		close(fds[1]);
	}
	secret_wipe(key, sizeof(key));
	return fd;
}
