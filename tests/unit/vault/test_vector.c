/* The published test vector (conf/examples/seal-vector.txt): our bytes are its
 * bytes, and its seal opens here. Run from the top of the tree. */
#include "vault_test.h"

#include <stdio.h>

static char text[16][1024];	/* values by number of their line */
static struct wbuf ends;

static const char *
value(const char *name)
{
	static size_t used;
	char *out = text[used++ % 16], line[1024];
	size_t n = strlen(name);
	FILE *f = fopen("conf/examples/seal-vector.txt", "r");

	assert_non_null(f);
	*out = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, name, n) != 0 || strncmp(line + n, " = ", 3) != 0)
			continue;
		snprintf(out, sizeof(text[0]), "%s", line + n + 3);
		if (strcmp(name, "endpoint") == 0)
			list_add(&ends, slice_str(out));
	}
	fclose(f);
	assert_string_not_equal(out, "");
	return out;
}

static size_t
hex(const char *name, uint8_t *out, size_t size)
{
	const char *s = value(name);
	size_t n = 0;

	assert_int_equal(sodium_hex2bin(out, size, s, strlen(s), NULL, &n, NULL), 0);
	return n;
}

static size_t
base64(const char *name, uint8_t *out, size_t size)
{
	const char *s = value(name);
	size_t n = 0;

	assert_int_equal(sodium_base642bin(out, size, s, strlen(s), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	return n;
}

static void
the_vector(void **state)
{
	uint8_t file[KEY_FILE_N] = KEY_FILE_MAGIC, plain[1024], sealed[1024];
	uint8_t *secret = file + KEY_FILE_MAGIC_N, *public = secret + KEY_SECRET_N;
	struct seal_plain p = { .kind = SEAL_KIND_PASSWORD }, c;
	const char *why;
	struct wbuf w;
	size_t n;

	(void)state;
	assert_int_equal(hex("secret-key", secret, KEY_SECRET_N), KEY_SECRET_N);
	assert_int_equal(base64("public-key", public, KEY_PUBLIC_N), KEY_PUBLIC_N);
	assert_int_equal(load_bytes(file, sizeof(file), &why), 0);
	p.ats = slice_str(value("ats"));
	p.address = slice_str(value("address"));
	p.user = slice_str(value("user"));
	p.secret = slice_str(value("secret"));
	(void)value("endpoint");
	p.endpoints = wbuf_slice(&ends);
	wbuf_init(&w, LIM_SEAL_PLAIN);
	assert_int_equal(seal_plain_encode(&w, &p), 0);
	n = hex("plain", plain, sizeof(plain));
	assert_true(slice_eq(wbuf_slice(&w), slice_mem(plain, n)));
	n = base64("sealed", sealed, sizeof(sealed));
	assert_string_equal(seal_open(slice_mem(sealed, n), &p, &c), "");
	assert_true(slice_eq(c.secret, p.secret));
	wbuf_free(&w);
	wbuf_free(&ends);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_vector) };

	if (sodium_init() == -1 || area_init() == -1)
		return 1;
	wbuf_init(&ends, 4096);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
