/* Links: what a password becomes, and what must be entered anew. */
#include "seal_format.h"
#include "secret.h"
#include "worker_test.h"

/* Open the seal that the fake store got and read its fields one by one. */
static void
check_seal(const char *user, const char *secret, const char *const *endpoints, uint8_t n)
{
	uint8_t plain[LIM_SEAL_PLAIN];
	const char *fields[] = { "main", "carl@example.net", user, secret };
	struct rbuf r;
	uint16_t len;

	assert_true(fake.seal_n > crypto_box_SEALBYTES);
	assert_int_equal(crypto_box_seal_open(plain, fake.seal, fake.seal_n, key_public, key_secret), 0);
	rbuf_init(&r, slice_mem(plain, fake.seal_n - crypto_box_SEALBYTES));
	assert_int_equal(r_u8(&r), 1);
	assert_int_equal(r_u8(&r), 1);
	for (size_t i = 0; i < 4 + (size_t)n; i++) {
		const char *wanted = i < 4 ? fields[i] : endpoints[i - 4];

		if (i == 4)
			assert_int_equal(r_u8(&r), n);
		len = r_u16(&r);
		assert_true(!r.failed && len <= r.n);
		assert_true(slice_eq_str(slice_mem(r.p, len), wanted));
		r.p += len;
		r.n -= len;
	}
	assert_int_equal(r.n, 0);
}

static void
test_create(void **state)
{
	static const char *const endpoints[] = { "imap:tls:imap.example.net:993", "smtp:starttls:smtp.example.net:587" };
	static const char *const preset[] = { "imap:tls:imap.acme.example:993", "smtp:starttls:smtp.acme.example:587" };
	json_t *keep, *r = call1("Link/set", "{\"accountId\":\"ats\",\"create\":{\"k\":{\"address\":\"carl@example.net\",\"name\":\"Carl\","
	    "\"imap\":{\"host\":\"IMAP.Example.NET.\"},\"smtp\":{\"host\":\"smtp.example.net\",\"security\":\"starttls\",\"user\":\"carl@example.net\"},"
	    "\"credential\":{\"type\":\"password\",\"secret\":\"hunter2\"}}}}", &keep);

	(void)state;
	expect(r, "created/k/id", "\"L1\"");
	expect(r, "created/k/state", "\"offline\"");
	expect(r, "created/k/credential", "(absent)");
	assert_true(fake.link_set.verify);
	check_seal("carl@example.net", "hunter2", endpoints, 2);
	assert_int_equal(fake.link.imap_port, 993);
	json_decref(keep);
	r = call1("Link/set", "{\"accountId\":\"ats\",\"create\":{\"k\":{\"address\":\"carl@example.net\",\"provider\":\"acme\","
	    "\"imap\":{\"user\":\"c\"},\"smtp\":{\"user\":\"c\"},\"verify\":false,\"credential\":{\"type\":\"password\",\"secret\":\"x\"}}}}", &keep);
	expect(r, "notCreated", "null");
	assert_false(fake.link_set.verify);
	check_seal("c", "x", preset, 2);
	json_decref(keep);
}

static void
test_create_refused(void **state)
{
#define BASE "\"address\":\"carl@example.net\",\"imap\":{\"host\":\"i.example.net\"},\"smtp\":{\"host\":\"s.example.net\"}"
#define SECRET ",\"credential\":{\"type\":\"password\",\"secret\":\"x\"}"
	static const struct {
		const char *link, *type, *property;
	} cases[] = {
		{ "{}", "invalidProperties", "address" },
		{ "{\"address\":\"nope\"}", "invalidProperties", "address" },
		{ "{\"address\":\"a@b.example\"" SECRET "}", "invalidProperties", "imap" },
		{ "{" BASE "}", "credentialRequired", NULL },
		{ "{" BASE SECRET ",\"state\":\"live\"}", "invalidProperties", "state" },
		{ "{" BASE SECRET ",\"mode\":\"all\"}", "invalidProperties", "mode" },
		{ "{" BASE SECRET ",\"provider\":\"none\"}", "invalidProperties", "provider" },
		{ "{\"address\":\"a@b.example\",\"imap\":{\"host\":\"a b\"}}", "invalidProperties", "imap" },
		{ "{\"address\":\"a@b.example\",\"imap\":{\"host\":\"b\",\"port\":993,\"security\":\"starttls\"}}", "invalidProperties", "imap" },
		{ "{\"address\":\"a@b.example\",\"imap\":{\"host\":\"b\",\"port\":0}}", "invalidProperties", "imap" },
		{ "{\"address\":\"a@b.example\",\"imap\":{\"host\":\"127.1\"}}", "invalidProperties", "imap" },
		{ "{" BASE SECRET ",\"policy\":{\"period\":30}}", "invalidProperties", "policy" },
		{ "{" BASE SECRET ",\"policy\":{\"first\":-1}}", "invalidProperties", "policy" },
		{ "{" BASE SECRET ",\"folders\":{\"Also\":[\"*\"]}}", "invalidProperties", "folders" },
		{ "{" BASE ",\"credential\":{\"type\":\"oauth2\"}}", "invalidProperties", "credential" },
		{ "{" BASE ",\"credential\":{\"type\":\"sealed\",\"data\":\"%%\"}}", "invalidProperties", "credential" },
		{ "{" BASE ",\"credential\":{\"type\":\"password\",\"secret\":\"\"}}", "invalidProperties", "credential" },
		{ "{\"address\":\"a@b.example\",\"imap\":{\"host\":\"b\",\"user\":\"u\"},\"smtp\":{\"host\":\"b\",\"user\":\"v\"}" SECRET "}",
		    "credentialRequired", NULL },
	};
	char args[1024], wanted[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *keep, *r;

		(void)snprintf(args, sizeof(args), "{\"accountId\":\"ats\",\"create\":{\"k\":%s}}", cases[i].link);
		r = call1("Link/set", args, &keep);
		(void)snprintf(wanted, sizeof(wanted), "\"%s\"", cases[i].type);
		expect(r, "notCreated/k/type", wanted);
		if (cases[i].property != NULL) {
			(void)snprintf(wanted, sizeof(wanted), "\"%s\"", cases[i].property);
			expect(r, "notCreated/k/properties/0", wanted);
		}
		json_decref(keep);
	}
	assert_int_equal(fake.seal_n, 0);
}

static void
test_sealed_only(void **state)
{
	json_t *keep, *r;

	(void)state;
	ats_config.sealed_only = true;
	r = call1("Link/set", "{\"accountId\":\"ats\",\"create\":{\"k\":{" BASE SECRET "},"
	    "\"l\":{" BASE ",\"credential\":{\"type\":\"sealed\",\"data\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}}}", &keep);
	expect(r, "notCreated/k/type", "\"forbidden\"");
	expect(r, "created/l/id", "\"L1\"");
	assert_int_equal(fake.seal_n, 54);
	json_decref(keep);
}

static void
test_verify_failed(void **state)
{
	json_t *keep, *r;

	(void)state;
	fake.error = "verifyFailed";
	r = call1("Link/set", "{\"accountId\":\"ats\",\"create\":{\"k\":{" BASE SECRET "}}}", &keep);
	expect(r, "notCreated/k/type", "\"verifyFailed\"");
	expect(r, "notCreated/k/steps/0/code", "\"auth.rejected\"");
	expect(r, "notCreated/k/steps/0/step", "\"auth\"");
	json_decref(keep);
	r = call1("Link/test", "{\"accountId\":\"ats\",\"id\":\"L1\"}", &keep);
	expect(r, "ok", "false");
	expect(r, "steps/0/service", "\"imap\"");
	json_decref(keep);
	fake.error = NULL;
	r = call1("Link/test", "{\"accountId\":\"ats\",\"link\":{" BASE SECRET "},\"sendTestMail\":true}", &keep);
	expect(r, "ok", "true");
	assert_true(fake.link_set.send_test);
	json_decref(keep);
	expect_error("Link/test", "{\"accountId\":\"ats\"}", "invalidArguments");
	expect_error("Link/test", "{\"accountId\":\"ats\",\"id\":\"x\"}", "notFound");
}

static void
test_update(void **state)
{
	json_t *keep, *r = call1("Link/set", "{\"accountId\":\"ats\",\"update\":{\"L1\":{\"name\":\"B\",\"paused\":true}}}", &keep);

	(void)state;
	expect(r, "updated", "{\"L1\":null}");
	assert_false(fake.link_set.verify);
	assert_true(fake.link.paused);
	assert_int_equal(fake.link.imap_port, 993);
	json_decref(keep);
	r = call1("Link/set", "{\"accountId\":\"ats\",\"update\":{\"L1\":{\"imap/host\":\"other.example.org\"},"
	    "\"L2\":{\"address\":\"x@y.example\"}}}", &keep);
	expect(r, "notUpdated/L1/type", "\"credentialRequired\"");
	expect(r, "notUpdated/L2/properties", "[\"address\"]");
	json_decref(keep);
	r = call1("Link/set", "{\"accountId\":\"ats\",\"update\":{\"L1\":{\"imap/host\":\"other.example.org\","
	    "\"credential\":{\"type\":\"password\",\"secret\":\"new\"},\"address\":\"anna@example.org\"}}}", &keep);
	expect(r, "updated", "{\"L1\":null}");
	assert_true(fake.link_set.verify);
	assert_true(slice_eq_str(fake.link.imap_host, "other.example.org"));
	assert_true(fake.seal_n > 0);
	json_decref(keep);
	r = call1("Link/set", "{\"accountId\":\"ats\",\"onDestroyKeepNotes\":true,\"destroy\":[\"L1\"]}", &keep);
	expect(r, "destroyed", "[\"L1\"]");
	assert_true(fake.link_set.keep_notes);
	json_decref(keep);
}

static void
test_hosts(void **state)
{
	char out[LIM_HOST + 1];

	(void)state;
	assert_int_equal(seal_host_canonical(slice_str("A.Example."), out), 0);
	assert_string_equal(out, "a.example");
	assert_int_equal(seal_host_canonical(slice_str("0:0::1"), out), 0);
	assert_string_equal(out, "::1");
	assert_int_equal(seal_host_canonical(slice_str("127.0.0.1"), out), 0);
	assert_int_equal(seal_host_canonical(slice_str("a..b"), out), -1);
	assert_int_equal(seal_host_canonical(slice_str("."), out), -1);
	assert_int_equal(seal_host_canonical(slice_str("a b"), out), -1);
	assert_int_equal(seal_host_canonical(slice_str("\xc3\xa4.example"), out), -1);
	assert_int_equal(seal_host_canonical(slice_str("a:993"), out), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_create),
		T(test_create_refused),
		T(test_sealed_only),
		T(test_verify_failed),
		T(test_update),
		T(test_hosts),
	};

	return cmocka_run_group_tests(tests, worker_setup, NULL);
}
