/* The bytes of each mechanism. */
#include "vault_test.h"

#include "sasl.h"

static struct sasl s;
static struct seal_plain cred;
static struct wbuf out;
static uint8_t binding;

static int
begin(const char *a, const char *b)
{
	struct wbuf list;
	int r;

	endpoints(&list, a, b);
	r = sasl_begin(&s, wbuf_slice(&list), binding, slice_mem("0123456789ab", binding == BINDING_NONE ? 0 : 12));
	wbuf_free(&list);
	wbuf_reset(&out);
	return r;
}

static const char *
pick(const char *a, const char *b)
{
	assert_int_equal(begin(a, b), 0);
	return sasl_pick(&s, &cred, SERVICE_IMAP);
}

static void
plain(void **state)
{
	(void)state;
	assert_string_equal(pick("LOGIN", "plain"), "");
	assert_string_equal(sasl_name(&s), "PLAIN");
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), 0);
	assert_int_equal(out.n, 1 + 4 + 1 + strlen(SECRET));
	assert_memory_equal(out.p, "\0anna\0" SECRET, out.n);
	assert_int_equal(sasl_step(&s, &cred, slice_str("more?"), &out), -1);
}

static void
login(void **state)
{
	(void)state;
	assert_string_equal(pick("XOAUTH2", "LOGIN"), "");
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), 0);
	assert_true(slice_eq_str(wbuf_slice(&out), "anna"));
	wbuf_reset(&out);
	assert_int_equal(sasl_step(&s, &cred, slice_str("Password:"), &out), 0);
	assert_true(slice_eq_str(wbuf_slice(&out), SECRET));
	wbuf_reset(&out);
	assert_int_equal(sasl_step(&s, &cred, slice_str("Password:"), &out), -1);
	assert_int_equal(out.n, 0);
}

static void
none(void **state)
{
	(void)state;
	assert_int_equal(begin("GSSAPI", "PLAINX"), -1);
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), -1);
	assert_int_equal(sasl_begin(&s, SLICE_NONE, BINDING_NONE, SLICE_NONE), -1);
}

/* What is offered, whether TLS can be bound to, the pins -> what is used. */
static void
order(void **state)
{
	static const struct {
		const char *a, *b;
		uint8_t binding, pins;
		const char *secret, *want;	/* a mechanism, or a code */
	} rows[] = {
		{ "PLAIN", "SCRAM-SHA-256", 0, 0, SECRET, "SCRAM-SHA-256" },
		{ "SCRAM-SHA-256", "scram-sha-256-plus", 1, 0, SECRET, "SCRAM-SHA-256-PLUS" },
		{ "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", 0, 0, SECRET, "SCRAM-SHA-256" },
		{ "SCRAM-SHA-256-PLUS", "PLAIN", 0, 0, SECRET, "PLAIN" },
		{ "SCRAM-SHA-256-PLUS", NULL, 0, 0, SECRET, "auth.no_mechanism" },
		{ "SCRAM-SHA-1", "LOGIN", 1, 0, SECRET, "LOGIN" },
		{ "SCRAM-SHA-256", "LOGIN", 1, 0, "\xe2\x82\xac", "LOGIN" },
		{ "SCRAM-SHA-256", NULL, 1, 0, "\xe2\x82\xac", "auth.no_mechanism" },
		{ "PLAIN", "LOGIN", 1, RECORD_PIN(SERVICE_IMAP), SECRET, "auth.downgrade" },
		{ "PLAIN", "LOGIN", 1, RECORD_PIN(SERVICE_SMTP), SECRET, "PLAIN" },
		{ "PLAIN", "SCRAM-SHA-256", 1, RECORD_PIN(SERVICE_IMAP), SECRET, "SCRAM-SHA-256" },
		{ "PLAIN", "SCRAM-SHA-256-PLUS", 0, RECORD_PIN(SERVICE_IMAP), SECRET, "auth.downgrade" },
		{ "SCRAM-SHA-256", "PLAIN", 1, RECORD_PIN_PLUS(SERVICE_IMAP), SECRET, "auth.downgrade" },
		{ "SCRAM-SHA-256", "PLAIN", 1, RECORD_PIN_PLUS(SERVICE_SMTP), SECRET, "SCRAM-SHA-256" },
		{ "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", 1, RECORD_PINS, SECRET, "SCRAM-SHA-256-PLUS" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *code;

		binding = rows[i].binding;
		cred.pins = rows[i].pins;
		cred.secret = slice_str(rows[i].secret);
		code = pick(rows[i].a, rows[i].b);
		assert_string_equal(*code != '\0' ? code : sasl_name(&s), rows[i].want);
		if (*code != '\0')
			assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), -1);
	}
}

static void
scram_has_no_second_challenge(void **state)
{
	(void)state;
	binding = BINDING_NONE;
	cred.pins = 0;
	cred.secret = slice_str(SECRET);
	assert_string_equal(pick("SCRAM-SHA-256", NULL), "");
	assert_true(sasl_is_scram(&s));
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), 0);
	assert_memory_equal(out.p, "n,,n=anna,r=", 12);
	assert_int_equal(sasl_step(&s, &cred, slice_str("r=x"), &out), -1);
}

/* A server that will not be bound: once without, unless it has been bound before. */
static void
without_binding(void **state)
{
	(void)state;
	binding = BINDING_TLS_EXPORTER;
	for (cred.pins = 0; cred.pins <= RECORD_PIN_PLUS(SERVICE_IMAP); cred.pins += RECORD_PIN_PLUS(SERVICE_IMAP)) {
		wbuf_reset(&out);
		assert_string_equal(pick("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), "");
		assert_string_equal(sasl_name(&s), "SCRAM-SHA-256-PLUS");
		assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), 0);
		wbuf_reset(&out);
		assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), cred.pins == 0 ? 0 : -1);
		if (cred.pins == 0) {
			assert_string_equal(sasl_name(&s), "SCRAM-SHA-256");
			assert_memory_equal(out.p, "n,,n=anna,r=", 12);
			assert_int_equal(sasl_pins(&s, SERVICE_IMAP), RECORD_PIN(SERVICE_IMAP));
		}
		assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), -1);
		out.failed = false;
	}
	cred.pins = 0;
	assert_string_equal(pick("PLAIN", "SCRAM-SHA-256-PLUS"), "");	/* never down to PLAIN */
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), 0);
	assert_int_equal(sasl_pins(&s, SERVICE_SMTP), RECORD_PIN(SERVICE_SMTP) | RECORD_PIN_PLUS(SERVICE_SMTP));
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), -1);
	out.failed = false;
	assert_string_equal(pick("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), "");	/* not after its proof */
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), 0);
	s.scram.step = SCRAM_PROVEN;
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), -1);
	out.failed = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(plain), cmocka_unit_test(login), cmocka_unit_test(none),
		cmocka_unit_test(order), cmocka_unit_test(scram_has_no_second_challenge),
		cmocka_unit_test(without_binding) };
	struct wbuf list;

	cred = sample(&list);
	wbuf_init(&out, 8192);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
