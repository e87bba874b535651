/*
 * What the vault's tests share: a fresh key, seals and records made by hand.
 */
#ifndef VAULT_TEST_H
#define VAULT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cred.h"

#define SECRET "correct horse battery"
#define IMAP_AT "imap:tls:imap.example.org:993"
#define SMTP_AT "smtp:starttls:smtp.example.org:587"

static inline void
key_bytes(uint8_t file[KEY_FILE_N])
{
	memcpy(file, KEY_FILE_MAGIC, KEY_FILE_MAGIC_N);
	crypto_box_keypair(file + KEY_FILE_MAGIC_N + KEY_SECRET_N, file + KEY_FILE_MAGIC_N);
}

/* key_load of n bytes through a pipe, as the master does it. */
static inline int
load_bytes(const void *p, size_t n, const char **why)
{
	int fds[2], r;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], p, n), (ssize_t)n);
	close(fds[1]);
	r = key_load(fds[0], why);
	close(fds[0]);
	return r;
}

static inline void
load_fresh_key(void)
{
	uint8_t file[KEY_FILE_N];
	const char *why;

	assert_int_not_equal(sodium_init(), -1);
	key_bytes(file);
	assert_int_equal(load_bytes(file, sizeof(file), &why), 0);
	assert_int_equal(area_init(), 0);
}

static inline void
endpoints(struct wbuf *w, const char *a, const char *b)
{
	wbuf_init(w, 4096);
	list_add(w, slice_str(a));
	if (b != NULL)
		list_add(w, slice_str(b));
}

static inline struct seal_plain
sample(struct wbuf *list)
{
	endpoints(list, IMAP_AT, SMTP_AT);
	return (struct seal_plain){ .kind = SEAL_KIND_PASSWORD, .ats = slice_str("agency"),
		.address = slice_str("anna@example.org"), .user = slice_str("anna"), .secret = slice_str(SECRET),
		.endpoints = wbuf_slice(list) };
}

/* crypto_box_seal of plain into out; returns its length. */
static inline struct slice
seal_bytes(struct slice plain, uint8_t *out)
{
	assert_int_equal(crypto_box_seal(out, plain.p, plain.n, keys->public), 0);
	return slice_mem(out, plain.n + crypto_box_SEALBYTES);
}

static inline struct slice
seal_of(const struct seal_plain *p, uint8_t *out)
{
	struct wbuf w;
	struct slice s;

	wbuf_init(&w, LIM_SEAL_PLAIN);
	assert_int_equal(seal_plain_encode(&w, p), 0);
	s = seal_bytes(wbuf_slice(&w), out);
	wbuf_free(&w);
	return s;
}

#endif
