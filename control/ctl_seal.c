#include "ctl_seal.h"

#include <errno.h>
#include <readpassphrase.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "secret.h"

void
vault_key_text(const uint8_t key[KEY_PUBLIC_N], char out[PUBLIC_KEY_TEXT])
{
	sodium_bin2base64(out, PUBLIC_KEY_TEXT, key, KEY_PUBLIC_N, sodium_base64_VARIANT_ORIGINAL);
}

enum pin
vault_key_pinned(const char *file, const uint8_t key[KEY_PUBLIC_N])
{
	uint8_t pinned[KEY_PUBLIC_N];
	char line[PUBLIC_KEY_TEXT + 2] = "";
	size_t n = 0;
	FILE *f = fopen(file, "re");

	if (f == NULL && errno == ENOENT)
		return PIN_NONE;
	if (f == NULL)
		ctl_fail(CTL_REFUSED, "%s: %s", file, strerror(errno));
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	if (sodium_base642bin(pinned, sizeof(pinned), line, strlen(line), "\r\n", &n, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0 || n != sizeof(pinned))
		ctl_fail(CTL_REFUSED, "%s: this is not a public key of posternctl vault init", file);
	return memcmp(pinned, key, sizeof(pinned)) == 0 ? PIN_SAME : PIN_OTHER;
}

void
vault_pub_name(const char *keyfile, char *out, size_t size)
{
	size_t n = strlen(keyfile);

	if (n > 4 && strcmp(keyfile + n - 4, ".key") == 0)
		n -= 4;
	if ((size_t)snprintf(out, size, "%.*s.pub", (int)n, keyfile) >= size)
		ctl_fail(CTL_USAGE, "%s: the name is too long", keyfile);
}

/* Byte by byte: what stdio buffers is not ours to wipe. */
static size_t
read_line(char *buf, size_t size)
{
	size_t n = 0;
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
		if (n == size)
			ctl_fail(CTL_REFUSED, "the password is too long");
		buf[n++] = c;
	}
	if (n > 0 && buf[n - 1] == '\r')
		n--;
	return n;
}

struct slice
password_read(bool from_stdin, const char *prompt, char *buf, size_t size)
{
	size_t n;

	if (from_stdin)
		n = read_line(buf, size);
	else if (readpassphrase(prompt, buf, size, RPP_REQUIRE_TTY) == NULL)
		ctl_fail(CTL_REFUSED, "no terminal to ask for the password; give - and write it to stdin");
	else
		n = strlen(buf);
	if (n == 0)
		ctl_fail(CTL_REFUSED, "no password given");
	return slice_mem(buf, n);
}

struct slice
seal_make(const struct seal_plain *plain, const uint8_t key[KEY_PUBLIC_N], uint8_t *out)
{
	struct wbuf w;
	size_t n;
	int r;

	if (seal_wbuf_init(&w) == -1)
		ctl_fail(CTL_REFUSED, "out of memory");
	r = plain->secret.n > LIM_SECRET || plain->user.n > LIM_USER ? -1 : seal_plain_encode(&w, plain);
	n = w.n + crypto_box_SEALBYTES;
	if (r == 0)
		r = n <= LIM_SEALED ? crypto_box_seal(out, w.p, w.n, key) : -1;
	seal_wbuf_wipe(&w);
	if (r != 0)
		ctl_fail(CTL_REFUSED, "the credential cannot be sealed: a value is empty or too long");
	return slice_mem(out, n);
}
