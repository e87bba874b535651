#include "ctl_vault.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "secret.h"

static void __attribute__((noreturn))
file_fail(const char *path)
{
	ctl_fail(CTL_REFUSED, "%s: %s", path, strerror(errno));
}

/* ---- files ---- */

static int
write_synced(int fd, const uint8_t *p, size_t n, mode_t mode)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w == -1 && errno != EINTR)
			return -1;
		p += w > 0 ? w : 0;
		n -= w > 0 ? (size_t)w : 0;
	}
	return fchmod(fd, mode) == -1 ? -1 : fsync(fd);
}

/* The name in its directory is only durable when the directory is. */
static int
sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd == -1 ? -1 : fsync(fd);

	free(copy);
	if (fd != -1)
		close(fd);
	return r;
}

void
file_move(const char *from, const char *to)
{
	if (rename(from, to) == -1 || sync_directory(to) == -1)
		file_fail(to);
}

/* Beside its place, then moved there when it is complete and durable; a name
 * that is there already is only taken with replace. */
static void
write_file(const char *path, const void *bytes, size_t n, mode_t mode, bool replace)
{
	char part[LIM_PATH + 8];
	int fd, saved;

	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		ctl_fail(CTL_USAGE, "%s: the name is too long", path);
	(void)unlink(part);	/* of one that was cut off */
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd == -1)
		file_fail(part);
	if (write_synced(fd, bytes, n, mode) == 0 && close(fd) == 0) {
		if (replace ? rename(part, path) == 0 : link(part, path) == 0) {
			(void)unlink(part);
			if (sync_directory(path) == 0)
				return;
		}
	}
	saved = errno;
	(void)unlink(part);
	ctl_fail(CTL_REFUSED, "%s: %s", path,
	    saved == EEXIST ? "exists already; a key is never overwritten" : strerror(saved));
}

/* ---- key pairs ---- */

struct key_pair *
pair_new(void)
{
	struct key_pair *p = sodium_malloc(sizeof(*p));

	if (p == NULL)
		ctl_fail(CTL_REFUSED, "out of memory");
	memset(p, 0, sizeof(*p));
	return p;
}

void
pair_free(struct key_pair *p)
{
	sodium_free(p);
}

struct slice
pair_passphrase(const struct key_pair *p)
{
	return slice_mem(p->passphrase, p->passphrase_n);
}

static void
ask(struct key_pair *p, const char *prompt, bool from_stdin)
{
	p->passphrase_n = password_read(from_stdin, prompt, p->passphrase, sizeof(p->passphrase)).n;
}

void
pair_new_passphrase(struct key_pair *p, bool from_stdin)
{
	struct key_pair *again;
	bool same;

	ask(p, "New passphrase of the key: ", from_stdin);
	if (p->passphrase_n < LIM_PASSPHRASE_MIN || p->passphrase_n > LIM_PASSPHRASE)
		ctl_fail(CTL_REFUSED, "a passphrase has %d to %d bytes", LIM_PASSPHRASE_MIN, LIM_PASSPHRASE);
	if (!from_stdin) {
		again = pair_new();
		ask(again, "The same once more: ", false);
		same = slice_eq(pair_passphrase(p), pair_passphrase(again));
		pair_free(again);
		if (!same)
			ctl_fail(CTL_REFUSED, "they differ");
	}
	p->wrapped = true;
}

static void
unwrap(struct key_pair *p, const char *path, const uint8_t *file, bool from_stdin)
{
	if (p->passphrase_n == 0)
		ask(p, "Passphrase of the key: ", from_stdin);
	switch (key_unwrap(file, pair_passphrase(p), p->secret, p->scratch)) {
	case WRAP_OK:
		break;
	case WRAP_MEMORY:
		ctl_fail(CTL_REFUSED, "%s: there is not the memory that this key asks for", path);
	default:
		ctl_fail(CTL_REFUSED, "%s: this is not its passphrase", path);
	}
	p->wrapped = true;
	p->work = key_wrap_work(file);
	memcpy(p->public, key_wrap_public(file), KEY_PUBLIC_N);
}

void
pair_read(struct key_pair *p, const char *path, bool from_stdin)
{
	uint8_t file[WRAP_FILE_N + 1], public[KEY_PUBLIC_N];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd == -1 ? -1 : read(fd, file, sizeof(file));

	if (n == -1)
		file_fail(path);
	close(fd);
	if (n == WRAP_FILE_N && key_wrap_valid(file))
		unwrap(p, path, file, from_stdin);
	else if (n == KEY_FILE_N && memcmp(file, KEY_FILE_MAGIC, KEY_FILE_MAGIC_N) == 0) {
		memcpy(p->secret, file + KEY_FILE_MAGIC_N, KEY_SECRET_N);
		memcpy(p->public, file + KEY_FILE_MAGIC_N + KEY_SECRET_N, KEY_PUBLIC_N);
	} else
		ctl_fail(CTL_REFUSED, "%s: this is not a key file of posternctl vault init", path);
	secret_wipe(file, sizeof(file));
	if (crypto_scalarmult_base(public, p->secret) != 0 || memcmp(public, p->public, KEY_PUBLIC_N) != 0)
		ctl_fail(CTL_REFUSED, "%s: the two halves of the key do not belong together", path);
}

void
pair_write(const struct key_pair *p, const char *path, bool replace)
{
	uint8_t *file = sodium_malloc(WRAP_FILE_N);
	size_t n = p->wrapped ? WRAP_FILE_N : KEY_FILE_N;

	if (file == NULL || (p->wrapped && key_wrap(p->secret, p->public, pair_passphrase(p), p->work, file) != WRAP_OK))
		ctl_fail(CTL_REFUSED, "there is not the memory to wrap a key: see -work");
	if (!p->wrapped) {
		memcpy(file, KEY_FILE_MAGIC, KEY_FILE_MAGIC_N);
		memcpy(file + KEY_FILE_MAGIC_N, p->secret, KEY_SECRET_N);
		memcpy(file + KEY_FILE_MAGIC_N + KEY_SECRET_N, p->public, KEY_PUBLIC_N);
	}
	write_file(path, file, n, 0400, replace);
	sodium_free(file);
}

void
pair_write_public(const struct key_pair *p, const char *path)
{
	char text[PUBLIC_KEY_TEXT], line[PUBLIC_KEY_TEXT + 1];
	int n;

	vault_key_text(p->public, text);
	n = snprintf(line, sizeof(line), "%s\n", text);
	write_file(path, line, (size_t)n, 0444, true);
}
