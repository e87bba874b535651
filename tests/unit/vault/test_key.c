/* The key file: only the very bytes of posternctl vault init are a key. */
#include "vault_test.h"

static void
good_key(void **state)
{
	uint8_t file[KEY_FILE_N];
	const char *why = "";

	(void)state;
	key_bytes(file);
	assert_int_equal(load_bytes(file, sizeof(file), &why), 0);
	assert_memory_equal(keys->public, file + KEY_FILE_MAGIC_N + KEY_SECRET_N, KEY_PUBLIC_N);
	assert_memory_not_equal(keys->record, keys->secret, sizeof(keys->record));
}

static void
every_length_but_one_is_refused(void **state)
{
	uint8_t file[KEY_FILE_N + 1] = { 0 };
	const char *why;

	(void)state;
	key_bytes(file);
	for (size_t n = 0; n <= sizeof(file); n++)
		if (n != KEY_FILE_N)
			assert_int_equal(load_bytes(file, n, &why), -1);
}

static void
every_byte_counts(void **state)
{
	uint8_t file[KEY_FILE_N];
	const char *why;

	(void)state;
	key_bytes(file);
	for (size_t i = 0; i < sizeof(file); i++) {
		/* X25519 ignores 3 low bits and the top bits of a secret key. */
		uint8_t bit = 0x10;

		file[i] ^= bit;
		assert_int_equal(load_bytes(file, sizeof(file), &why), -1);
		file[i] ^= bit;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_length_but_one_is_refused),
		cmocka_unit_test(every_byte_counts), cmocka_unit_test(good_key) };

	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
