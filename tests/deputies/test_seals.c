/*
 * Seals and records that were moved, by a store that is stolen or whose rows
 * were edited, against the real vault: another tenant, address, user, host,
 * port, mode, link, generation; damaged; used twice. Each is refused with its
 * code, and the log names the tenant and the link.
 * limit: LIM_SEALS_PER_MINUTE
 */
#include "vault_stage.h"

static uint8_t buf[8192];

static void
a_seal_of_another_tenant(void **state)
{
	struct wbuf list;

	(void)state;
	list_of(&list, IMAP_AT, SMTP_AT);
	assert_string_equal(intake(&rival_store, 3, 1,
		    seal_of("agency", "anna@example.org", "anna", wbuf_slice(&list), buf), "anna@example.org", "anna",
		    wbuf_slice(&list), NULL), "store.secret_tampered");
	stage_logged(&vault, "seal for a credential ats=rival link=3 code=store.secret_tampered", "ats agency");
	wbuf_free(&list);
}

static void
a_seal_for_another_place(void **state)
{
	static const struct {
		const char *address, *user, *at[2];
	} places[] = {
		{ "bert@example.org", "anna", { IMAP_AT, SMTP_AT } },
		{ "anna@example.org", "bert", { IMAP_AT, SMTP_AT } },
		{ "anna@example.org", "anna", { "imap:tls:evil.example:993", SMTP_AT } },
		{ "anna@example.org", "anna", { IMAP_AT, "smtp:tls:evil.example:465" } },
		{ "anna@example.org", "anna", { "imap:tls:" HOST ":994", SMTP_AT } },
		{ "anna@example.org", "anna", { "imap:starttls:" HOST ":993", SMTP_AT } },
		{ "anna@example.org", "anna", { "imap:none:" HOST ":993", SMTP_AT } },
		{ "anna@example.org", "anna", { "smtp:tls:" HOST ":993", SMTP_AT } },
		{ "anna@example.org", "anna", { IMAP_AT, NULL } },
	};
	struct wbuf list, wanted;
	struct slice seal;

	(void)state;
	list_of(&list, IMAP_AT, SMTP_AT);
	seal = seal_of("agency", "anna@example.org", "anna", wbuf_slice(&list), buf);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		list_of(&wanted, places[i].at[0], places[i].at[1]);
		stage_log_forget(&vault);
		assert_string_equal(intake(&store, 40, 1, seal, places[i].address, places[i].user, wbuf_slice(&wanted), NULL),
		    "store.secret_tampered");
		if (i < LIM_REFUSALS_TOLD)
			stage_logged(&vault, "seal for a credential ats=agency link=40", "code=store.secret_tampered");
		wbuf_free(&wanted);
	}
	/* A refusal does not use it up: where it belongs it still opens, once. */
	assert_string_equal(intake(&store, 40, 1, seal, "anna@example.org", "anna", wbuf_slice(&list), NULL), "");
	assert_string_equal(intake(&store, 40, 1, seal, "anna@example.org", "anna", wbuf_slice(&list), NULL),
	    "api.conflict");
	wbuf_free(&list);
}

/*
 * What holds after the vault was started again: it has no memory over its
 * death, so the same seal opens again for the same tenant, address, user and
 * endpoints, and for nothing else. The store of that tenant remembers (see
 * test_store.c); it could keep the record itself, so nothing is lost by that.
 */
static void
a_seal_after_a_restart(void **state)
{
	struct wbuf list, other;
	struct slice seal;

	(void)state;
	list_of(&list, IMAP_AT, SMTP_AT);
	list_of(&other, IMAP_AT, NULL);
	seal = seal_of("agency", "anna@example.org", "anna", wbuf_slice(&list), buf);
	assert_string_equal(intake(&store, 1, 1, seal, "anna@example.org", "anna", wbuf_slice(&list), NULL), "");
	vault_close();
	vault_open();
	assert_string_equal(intake(&rival_store, 1, 1, seal, "anna@example.org", "anna", wbuf_slice(&list), NULL),
	    "store.secret_tampered");
	assert_string_equal(intake(&store, 1, 1, seal, "anna@example.org", "anna", wbuf_slice(&other), NULL),
	    "store.secret_tampered");
	assert_string_equal(intake(&store, 1, 1, seal, "anna@example.org", "anna", wbuf_slice(&list), NULL), "");
	wbuf_free(&list);
	wbuf_free(&other);
}

static void
too_many_seals(void **state)
{
	struct wbuf list;
	uint32_t n = 0;
	const char *code = "";

	(void)state;
	list_of(&list, IMAP_AT, SMTP_AT);
	for (; n < 2 * LIM_SEALS_PER_MINUTE && *code == '\0'; n++) {
		code = intake(&store, n + 1, 1, seal_of("agency", "anna@example.org", "anna", wbuf_slice(&list), buf),
		    "anna@example.org", "anna", wbuf_slice(&list), NULL);
		player_forget(&store);
	}
	print_message("%u seals of one tenant before the first refusal\n", n - 1);
	assert_string_equal(code, "api.rate");
	assert_in_range(n - 1, LIM_SEALS_PER_MINUTE, LIM_SEALS_PER_MINUTE + 5 * LIM_SEALS_PER_MINUTE / 60);
	stage_log_forget(&vault);
	for (int i = 0; i < 100; i++)
		(void)intake(&store, 1, 1, slice_mem(buf, 100), "anna@example.org", "anna", wbuf_slice(&list), NULL);
	assert_in_range(stage_log_count(&vault, "seal for a credential ats=agency"), 1, LIM_REFUSALS_TOLD + 20);
	/* The other tenant enters its own. */
	assert_string_equal(intake(&rival_store, 1, 1, seal_of("rival", "anna@example.org", "anna", wbuf_slice(&list), buf),
		    "anna@example.org", "anna", wbuf_slice(&list), NULL), "");
	wbuf_free(&list);
}

/* ---- records ---- */

static void
refused_login(struct permit p, struct slice record, const char *code)
{
	char line[128];

	stage_log_forget(&vault);
	assert_string_equal(login(p, record), code);
	snprintf(line, sizeof(line), "ats=%s unit=%u service=%s", p.ats, p.link, p.service == SERVICE_IMAP ? "imap" : "smtp");
	stage_logged(&vault, "credential refused by PLAIN", line);
	stage_logged(&vault, line, code);
}

static void
records_swapped_between_links(void **state)
{
	struct wbuf seven = record_for(&store, "agency", 7, 1), eight = record_for(&store, "agency", 8, 1);

	(void)state;
	refused_login(PERMIT(7), wbuf_slice(&eight), "store.secret_tampered");
	refused_login(PERMIT(8), wbuf_slice(&seven), "store.secret_tampered");
	assert_string_equal(login(PERMIT(7), wbuf_slice(&seven)), "");
	wbuf_free(&seven);
	wbuf_free(&eight);
}

static void
a_record_of_another_tenant(void **state)
{
	struct wbuf theirs = record_for(&rival_store, "rival", 7, 1);

	(void)state;
	refused_login(PERMIT(7), wbuf_slice(&theirs), "store.secret_tampered");
	wbuf_free(&theirs);
}

static void
an_old_generation(void **state)
{
	struct wbuf old = record_for(&store, "agency", 7, 1), now = record_for(&store, "agency", 7, 2);
	struct permit p = PERMIT(7);

	(void)state;
	p.generation = 2;
	refused_login(p, wbuf_slice(&old), "store.secret_tampered");
	assert_string_equal(login(p, wbuf_slice(&now)), "");
	wbuf_free(&old);
	wbuf_free(&now);
}

/* The link's row says another server, and the master believed it. */
static void
hosts_swapped(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1);
	struct permit p = PERMIT(7);

	(void)state;
	p.host = SMTP_HOST;	/* a host of ours, but not for this service */
	p.tls = &tls_smtp;
	refused_login(p, wbuf_slice(&r), "store.secret_tampered");
	p.service = SERVICE_SMTP;
	refused_login(p, wbuf_slice(&r), "store.secret_tampered");	/* right service, wrong port */
	p.port = 465;
	p.security = SECURITY_STARTTLS;
	refused_login(p, wbuf_slice(&r), "store.secret_tampered");	/* wrong mode */
	p.security = SECURITY_TLS;
	assert_string_equal(login(p, wbuf_slice(&r)), "");
	p = PERMIT(7);
	p.port = 143;
	refused_login(p, wbuf_slice(&r), "store.secret_tampered");
	p.port = 993;
	p.security = SECURITY_NONE;
	refused_login(p, wbuf_slice(&r), "store.secret_tampered");
	wbuf_free(&r);
}

/* version 1, key id 8, nonce 24, ciphertext, tag 16: vault/cred.h */
static void
damaged_records(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1);
	const size_t at[] = { 0, 1, 8, 9, 32, 33, r.n / 2, r.n - 17, r.n - 16, r.n - 1 };
	const size_t cut[] = { 0, 1, 8, 33, 49, r.n - 17, r.n - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		r.p[at[i]] ^= (uint8_t)(1u << i % 8);
		refused_login(PERMIT(7), wbuf_slice(&r),
		    at[i] >= 1 && at[i] <= 8 ? "store.key_wrong" : "store.secret_tampered");
		r.p[at[i]] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++)
		refused_login(PERMIT(7), slice_mem(r.p, cut[i]), cut[i] == 0 ? "store.key_missing" : "store.secret_tampered");
	w_u8(&r, 0);
	refused_login(PERMIT(7), wbuf_slice(&r), "store.secret_tampered");
	r.n--;
	assert_string_equal(login(PERMIT(7), wbuf_slice(&r)), "");	/* whole again: it opens */
	wbuf_free(&r);
}

int
main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, vault_setup, vault_teardown)
	const struct CMUnitTest tests[] = { T(a_seal_of_another_tenant), T(a_seal_for_another_place),
		T(a_seal_after_a_restart), T(too_many_seals), T(records_swapped_between_links),
		T(a_record_of_another_tenant), T(an_old_generation), T(hosts_swapped), T(damaged_records) };

	(void)argc;
	stage_init(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
