/* Key files wrapped with a passphrase: what may be in them, and what opens them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "key_wrap.h"

#define PHRASE "correct horse battery staple"
#define CHEAP ((struct key_work){ 1, LIM_WRAP_KIB_MIN })

static uint8_t public[KEY_PUBLIC_N], secret[KEY_SECRET_N], file[WRAP_FILE_N], out[KEY_SECRET_N], scratch[WRAP_KEY_N];

static int
fresh(void **state)
{
	(void)state;
	crypto_box_keypair(public, secret);
	memset(out, 0xee, sizeof(out));
	return key_wrap(secret, public, slice_str(PHRASE), CHEAP, file) == WRAP_OK ? 0 : -1;
}

static bool
leaks(void)
{
	return memcmp(out, secret, KEY_SECRET_N) == 0;
}

static void
comes_back(void **state)
{
	(void)state;
	assert_true(key_wrap_valid(file));
	assert_memory_equal(key_wrap_public(file), public, KEY_PUBLIC_N);
	assert_null(memmem(file, sizeof(file), secret, KEY_SECRET_N));
	assert_int_equal(key_unwrap(file, slice_str(PHRASE), out, scratch), WRAP_OK);
	assert_true(leaks());
	assert_true(sodium_is_zero(scratch, sizeof(scratch)));
}

static void
no_other_passphrase(void **state)
{
	static const char *const wrong[] = { "", "correct horse battery stapl", "correct horse battery staple ",
		"Correct horse battery staple" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(key_unwrap(file, slice_str(wrong[i]), out, scratch), WRAP_BAD);
		assert_false(leaks());
	}
}

/* Magic, work, salt, nonce, public key, sealed part: everything is under the tag. */
static void
every_byte_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(file); i += 7) {	/* each try costs; every field is met */
		file[i] ^= 1;
		if (key_wrap_valid(file) && key_wrap_work(file).kib <= 2 * LIM_WRAP_KIB_MIN)
			assert_int_equal(key_unwrap(file, slice_str(PHRASE), out, scratch), WRAP_BAD);
		assert_false(leaks());
		file[i] ^= 1;
	}
}

/* Halves that do not belong together, wrapped by one who knows the passphrase. */
static void
halves_must_fit(void **state)
{
	(void)state;
	public[0] ^= 1;
	assert_int_equal(key_wrap(secret, public, slice_str(PHRASE), CHEAP, file), WRAP_OK);
	assert_int_equal(key_unwrap(file, slice_str(PHRASE), out, scratch), WRAP_BAD);
	assert_true(sodium_is_zero(out, sizeof(out)));
}

static bool
file_with_work(uint32_t ops, uint32_t kib)
{
	uint8_t f[WRAP_FILE_N];
	struct wbuf w = { .p = f + KEY_FILE_MAGIC_N, .cap = 8, .max = 8 };

	memcpy(f, file, sizeof(f));
	w_u32(&w, ops);
	w_u32(&w, kib);
	return key_wrap_valid(f);
}

/* limit: LIM_WRAP_OPS LIM_WRAP_KIB LIM_WRAP_KIB_MIN */
static void
work_is_bounded(void **state)
{
	(void)state;
	assert_true(file_with_work(1, LIM_WRAP_KIB_MIN));
	assert_true(file_with_work(LIM_WRAP_OPS, LIM_WRAP_KIB));
	assert_false(file_with_work(0, LIM_WRAP_KIB_MIN));
	assert_false(file_with_work(LIM_WRAP_OPS + 1, LIM_WRAP_KIB_MIN));
	assert_false(file_with_work(1, LIM_WRAP_KIB_MIN - 1));
	assert_false(file_with_work(1, LIM_WRAP_KIB + 1));
	assert_false(file_with_work(UINT32_MAX, UINT32_MAX));
	assert_int_equal(key_wrap(secret, public, slice_str(PHRASE), (struct key_work){ 0, 8192 }, file), WRAP_BAD);
}

/* limit: LIM_PASSPHRASE */
static void
passphrase_is_bounded(void **state)
{
	static char long_one[LIM_PASSPHRASE + 1];

	(void)state;
	memset(long_one, 'x', sizeof(long_one));
	assert_int_equal(key_wrap(secret, public, slice_mem(long_one, LIM_PASSPHRASE), CHEAP, file), WRAP_OK);
	assert_int_equal(key_unwrap(file, slice_mem(long_one, LIM_PASSPHRASE), out, scratch), WRAP_OK);
	assert_int_equal(key_wrap(secret, public, slice_mem(long_one, sizeof(long_one)), CHEAP, file), WRAP_BAD);
	assert_int_equal(key_wrap(secret, public, SLICE_NONE, CHEAP, file), WRAP_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(comes_back, fresh),
		cmocka_unit_test_setup(no_other_passphrase, fresh), cmocka_unit_test_setup(every_byte_counts, fresh),
		cmocka_unit_test_setup(halves_must_fit, fresh), cmocka_unit_test_setup(work_is_bounded, fresh),
		cmocka_unit_test_setup(passphrase_is_bounded, fresh) };

	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
