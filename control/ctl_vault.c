/*
 * posternctl vault: make the key pair (no daemon needed), show its state.
 */
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
#include "ctl_seal.h"

#define KEY_DEFAULT POSTERN_SYSCONFDIR "/postern/vault.key"

static int
write_synced(int fd, const void *bytes, size_t n, mode_t mode)
{
	const uint8_t *p = bytes;

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

/* A file that was not there before: never overwrites a key. */
static void
create(const char *path, const void *bytes, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int saved;

	if (fd == -1)
		ctl_fail(CTL_REFUSED, "%s: %s", path,
		    errno == EEXIST ? "exists already; a key is never overwritten" : strerror(errno));
	if (write_synced(fd, bytes, n, mode) == 0 && close(fd) == 0 && sync_directory(path) == 0)
		return;
	saved = errno;
	(void)unlink(path);
	ctl_fail(CTL_REFUSED, "%s: %s", path, strerror(saved));
}

/* Beside a new key an older public file means nothing any more. */
static void
create_public(const char *path, const uint8_t public[KEY_PUBLIC_N])
{
	char text[PUBLIC_KEY_TEXT], line[PUBLIC_KEY_TEXT + 1];
	int n;

	vault_key_text(public, text);
	n = snprintf(line, sizeof(line), "%s\n", text);
	if (unlink(path) == -1 && errno != ENOENT)
		ctl_fail(CTL_REFUSED, "%s: %s", path, strerror(errno));
	create(path, line, (size_t)n, 0444);
}

struct places {
	const char *key, *pub;
	char pub_buf[LIM_PATH];
};

static void
take_options(int argc, char **argv, struct places *p)
{
	p->key = KEY_DEFAULT;
	p->pub = NULL;
	for (int i = 0; i < argc; i += 2) {
		if (i + 1 < argc && strcmp(argv[i], "-k") == 0)
			p->key = argv[i + 1];
		else if (i + 1 < argc && strcmp(argv[i], "-p") == 0)
			p->pub = argv[i + 1];
		else
			ctl_usage();
	}
	if (p->pub == NULL) {
		vault_pub_name(p->key, p->pub_buf, sizeof(p->pub_buf));
		p->pub = p->pub_buf;
	}
}

int
cmd_vault_init(int argc, char **argv)
{
	uint8_t public[KEY_PUBLIC_N], *file;
	char text[PUBLIC_KEY_TEXT];
	struct places p;

	take_options(argc, argv, &p);
	if (sodium_init() == -1 || (file = sodium_malloc(KEY_FILE_N)) == NULL)
		ctl_fail(CTL_REFUSED, "out of memory");
	memcpy(file, KEY_FILE_MAGIC, KEY_FILE_MAGIC_N);
	crypto_box_keypair(public, file + KEY_FILE_MAGIC_N);
	memcpy(file + KEY_FILE_MAGIC_N + KEY_SECRET_N, public, KEY_PUBLIC_N);
	create(p.key, file, KEY_FILE_N, 0400);
	sodium_free(file);
	create_public(p.pub, public);
	vault_key_text(public, text);
	if (ctl_options.json)
		json_show(json_pack("{ss ss ss}", "key", p.key, "pub", p.pub, "publicKey", text));
	else
		printf("secret key  %s  (keep a copy in a safe place: without it no stored credential opens)\n"
		       "public key  %s\n            %s\n", p.key, p.pub, text);
	return 0;
}

int
cmd_vault_status(int argc, char **argv)
{
	static const char *const words[] = { [PIN_NONE] = "no pinned file", [PIN_SAME] = "same as",
		[PIN_OTHER] = "DIFFERENT from" };
	uint8_t public[KEY_PUBLIC_N];
	char text[PUBLIC_KEY_TEXT], state[64];
	const char *said;
	struct places p;
	enum pin pin;

	take_options(argc, argv, &p);
	said = vault_key_ask(public);
	/* "unlocked public-key=...": the key is shown in its own form below. */
	snprintf(state, sizeof(state), "%.*s", (int)(strstr(said, " public-key=") != NULL ?
	    strstr(said, " public-key=") - said : (ptrdiff_t)strlen(said)), said);
	vault_key_text(public, text);
	pin = vault_key_pinned(p.pub, public);
	if (ctl_options.json)
		json_show(json_pack("{ss ss so}", "state", state, "publicKey", text, "pinned",
		    pin == PIN_NONE ? json_null() : json_boolean(pin == PIN_SAME)));
	else
		printf("vault       %s\npublic key  %s\npinned      %s %s\n", safe_text(slice_str(state)), text, words[pin],
		    p.pub);
	return pin == PIN_OTHER || strcmp(state, "unlocked") != 0 ? CTL_REFUSED : 0;
}
