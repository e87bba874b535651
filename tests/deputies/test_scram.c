/*
 * A stolen tls-worker, or the server behind it, and SCRAM at the real vault:
 * hostile nonces, salts and iterations, a server that does not know the
 * password, a link that is pinned and offered less, and much hashing.
 * limit: LIM_SCRAM_ITERATIONS_MIN LIM_SCRAM_ITERATIONS LIM_SCRAM_NONCE
 */
#include "vault_stage.h"

#include <time.h>

#define SALT "0123456789abcdef"

/* What our side of an exchange has seen. */
struct exchange {
	uint64_t ticket;
	char first_bare[512], own[64], nonce[LIM_SCRAM_NONCE + 8], final[1024];
	uint32_t iterations;
};

static void
offer(struct player *t, uint64_t ticket, const char *a, const char *b)
{
	struct wbuf list;

	list_of(&list, a, b);
	(void)send_auth_begin(t->chan, &(struct msg_auth_begin){ .ticket = ticket, .mechanisms = wbuf_slice(&list) });
	wbuf_free(&list);
}

static struct exchange
scram_begun(struct permit p, struct slice record)
{
	struct exchange x = { .ticket = issue(p), .iterations = 4096 };
	union msg m;
	const char *r;

	offer(p.tls, x.ticket, "SCRAM-SHA-256", "PLAIN");
	player_get(p.store, MSG_record_get, &m);
	(void)send_record(p.store->chan, &(struct msg_record){ .ticket = x.ticket, .data = record });
	player_get(p.tls, MSG_auth_respond, &m);
	assert_true(slice_eq_str(m.auth_respond.mechanism, "SCRAM-SHA-256"));
	assert_int_equal(slice_copy(slice_mem(m.auth_respond.data.p + 3, m.auth_respond.data.n - 3), x.first_bare,
			     sizeof(x.first_bare)), 0);
	assert_non_null(r = strstr(x.first_bare, "r="));
	assert_int_equal(slice_copy(slice_str(r + 2), x.own, sizeof(x.own)), 0);
	snprintf(x.nonce, sizeof(x.nonce), "%sserver", x.own);
	return x;
}

static void
first(struct player *t, struct exchange *x, struct slice salt)
{
	(void)send_scram_first(t->chan, &(struct msg_scram_first){ .ticket = x->ticket, .nonce = slice_str(x->nonce),
		.salt = salt, .iterations = x->iterations });
}

static void
final_message(struct player *t, struct exchange *x)
{
	union msg m;

	player_get(t, MSG_auth_respond, &m);
	assert_true(m.auth_respond.ticket == x->ticket);
	assert_int_equal(slice_copy(m.auth_respond.data, x->final, sizeof(x->final)), 0);
	assert_null(strstr(x->final, SECRET));
	assert_non_null(strstr(x->final, ",p="));
}

/* RFC 5802 s. 3, as the server computes it from the password. */
static void
hmac(const void *key, size_t key_n, const void *p, size_t n, uint8_t out[32])
{
	crypto_auth_hmacsha256_state s;

	crypto_auth_hmacsha256_init(&s, key, key_n);
	crypto_auth_hmacsha256_update(&s, p, n);
	crypto_auth_hmacsha256_final(&s, out);
}

static void
server_signature(const struct exchange *x, const char *password, uint8_t out[32])
{
	uint8_t salted[32], u[32], key[32], start[sizeof(SALT) + 3] = SALT;
	char auth[4096], salt64[64];

	memcpy(start + 16, "\0\0\0\1", 4);
	hmac(password, strlen(password), start, 20, u);
	memcpy(salted, u, 32);
	for (uint32_t i = 1; i < x->iterations; i++) {
		hmac(password, strlen(password), u, 32, u);
		for (int k = 0; k < 32; k++)
			salted[k] ^= u[k];
	}
	sodium_bin2base64(salt64, sizeof(salt64), (const uint8_t *)SALT, 16, sodium_base64_VARIANT_ORIGINAL);
	snprintf(auth, sizeof(auth), "%s,r=%s,s=%s,i=%u,%.*s", x->first_bare, x->nonce, salt64, x->iterations,
	    (int)(strstr(x->final, ",p=") - x->final), x->final);
	hmac(salted, 32, "Server Key", 10, key);
	hmac(key, 32, auth, strlen(auth), out);
}

static void
hostile_fields(void **state)
{
	static const struct {
		const char *nonce;	/* NULL: as it should be; else %s is ours */
		const char *salt;
		uint32_t iterations;
		bool fine;
	} rows[] = {
		{ NULL, SALT, LIM_SCRAM_ITERATIONS_MIN, true },
		{ NULL, SALT, LIM_SCRAM_ITERATIONS_MIN - 1, false },
		{ NULL, SALT, 1, false },
		{ NULL, SALT, 0, false },
		{ NULL, SALT, LIM_SCRAM_ITERATIONS, true },
		{ NULL, SALT, LIM_SCRAM_ITERATIONS + 1, false },
		{ NULL, SALT, UINT32_MAX, false },
		{ "%s", SALT, 4096, false },
		{ "x%s", SALT, 4096, false },
		{ "", SALT, 4096, false },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAserver", SALT, 4096, false },
		{ "%s,m=more", SALT, 4096, false },
		{ "%s\r\nx", SALT, 4096, false },
		{ NULL, "", 4096, false },
	};
	struct wbuf r = record_for(&store, "agency", 7, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct exchange x = scram_begun(PERMIT(7), wbuf_slice(&r));

		if (rows[i].nonce != NULL)
			snprintf(x.nonce, sizeof(x.nonce), rows[i].nonce, x.own);
		x.iterations = rows[i].iterations;
		stage_log_forget(&vault);
		first(&tls, &x, slice_str(rows[i].salt));
		if (rows[i].fine) {
			final_message(&tls, &x);
			continue;
		}
		refused(&tls, x.ticket, "auth.scram_unsafe");
		stage_logged(&vault, "credential refused by SCRAM-SHA-256", "ats=agency unit=7 service=imap port=993 host=" HOST
			     " code=auth.scram_unsafe");
	}
	wbuf_free(&r);
}

static void
longest_nonce(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1);
	struct exchange x = scram_begun(PERMIT(7), wbuf_slice(&r));

	(void)state;
	memset(x.nonce + strlen(x.own), 'n', LIM_SCRAM_NONCE - strlen(x.own));
	x.nonce[LIM_SCRAM_NONCE] = '\0';
	first(&tls, &x, slice_str(SALT));
	final_message(&tls, &x);
	player_trusted(&tls);
	/* One more does not even fit the message: nothing of the kind can be sent. */
	x.nonce[LIM_SCRAM_NONCE] = 'n';
	assert_int_equal(send_scram_first(tls.chan, &(struct msg_scram_first){ .ticket = x.ticket,
		.nonce = slice_mem(x.nonce, LIM_SCRAM_NONCE + 1), .salt = slice_str(SALT), .iterations = 4096 }), -1);
	wbuf_free(&r);
}

/* Who does not know the password cannot prove it, and is given nothing more. */
static void
a_server_without_the_password(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1);
	struct exchange x = scram_begun(PERMIT(7), wbuf_slice(&r));
	uint8_t signature[32];
	union msg m;

	(void)state;
	first(&tls, &x, slice_str(SALT));
	final_message(&tls, &x);
	server_signature(&x, "guess", signature);
	(void)send_scram_final(tls.chan, &(struct msg_scram_final){ .ticket = x.ticket,
		.signature = slice_mem(signature, 32) });
	refused(&tls, x.ticket, "auth.server_unproven");
	stage_logged(&vault, "credential refused by SCRAM-SHA-256", "code=auth.server_unproven");
	assert_false(player_has(&store, MSG_record_put, &m));
	/* Steps that nobody asked for, and the same again. */
	x = scram_begun(PERMIT(7), wbuf_slice(&r));
	(void)send_scram_final(tls.chan, &(struct msg_scram_final){ .ticket = x.ticket,
		.signature = slice_mem(signature, 32) });
	refused(&tls, x.ticket, "auth.server_unproven");
	x = scram_begun(PERMIT(7), wbuf_slice(&r));
	first(&tls, &x, slice_str(SALT));
	final_message(&tls, &x);
	first(&tls, &x, slice_str(SALT));
	refused(&tls, x.ticket, "sync.protocol_error");
	/* Another tls-worker in the middle of it. */
	x = scram_begun(PERMIT(7), wbuf_slice(&r));
	first(&tls2, &x, slice_str(SALT));
	refused(&tls2, x.ticket, "auth.temp_unavailable");
	first(&tls, &x, slice_str(SALT));
	final_message(&tls, &x);
	wbuf_free(&r);
}

/* Logs in, and returns the record that the store is given: pinned. */
static struct wbuf
pinned(struct slice record)
{
	struct exchange x = scram_begun(PERMIT(7), record);
	struct wbuf out = { .max = 0 };
	uint8_t signature[32];
	union msg m;

	first(&tls, &x, slice_str(SALT));
	final_message(&tls, &x);
	server_signature(&x, SECRET, signature);
	(void)send_scram_final(tls.chan, &(struct msg_scram_final){ .ticket = x.ticket,
		.signature = slice_mem(signature, 32) });
	player_get(&store, MSG_record_put, &m);
	assert_true(slice_eq(m.record_put.was, record));
	w_raw(&out, m.record_put.data.p, m.record_put.data.n);
	(void)send_record_put_done(store.chan, &(struct msg_record_put_done){ .req = m.record_put.req });
	player_get(&tls, MSG_auth_respond, &m);
	assert_int_equal(m.auth_respond.data.n, 0);
	(void)send_auth_result(tls.chan, &(struct msg_auth_result){ .ticket = x.ticket, .ok = true });
	return out;
}

static void
refused_to(struct player *t, struct permit p, const char *a, const char *b, struct slice record, const char *code)
{
	uint64_t ticket = issue(p);
	union msg m;

	offer(t, ticket, a, b);
	player_get(p.store, MSG_record_get, &m);
	(void)send_record(p.store->chan, &(struct msg_record){ .ticket = ticket, .data = record });
	refused(t, ticket, code);
}

/* Once the server has proven itself, a tls-worker that claims a server with
 * less is refused, whatever it lists. */
static void
claims_less_than_the_server_offers(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1), pin;
	struct exchange x;

	(void)state;
	pin = pinned(wbuf_slice(&r));
	stage_log_forget(&vault);
	refused_to(&tls, PERMIT(7), "PLAIN", NULL, wbuf_slice(&pin), "auth.downgrade");
	refused_to(&tls, PERMIT(7), "LOGIN", NULL, wbuf_slice(&pin), "auth.downgrade");
	refused_to(&tls, PERMIT(7), "PLAIN", "LOGIN", wbuf_slice(&pin), "auth.downgrade");
	refused_to(&tls, PERMIT(7), "SCRAM-SHA-256-PLUS", "PLAIN", wbuf_slice(&pin), "auth.downgrade");
	stage_logged(&vault, "credential refused by", "ats=agency unit=7 service=imap port=993 host=" HOST
		     " code=auth.downgrade");
	x = scram_begun(PERMIT(7), wbuf_slice(&pin));
	first(&tls, &x, slice_str(SALT));
	final_message(&tls, &x);
	/* The pin is in the record, so it is as hard to take off as to forge one. */
	pin.p[pin.n - 1] ^= 1;
	refused_to(&tls, PERMIT(7), "PLAIN", NULL, wbuf_slice(&pin), "store.secret_tampered");
	wbuf_free(&r);
	wbuf_free(&pin);
}

/*
 * What does not hold: a store that kept the record from before may give it
 * again, as long as the generation is the same. It needs a stolen tls-worker of
 * that host besides, and gets what that one had before the pin: the password of
 * this link at a login. A new credential is a new generation and ends it.
 */
static void
an_old_record_is_not_pinned(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1), pin;
	struct permit p = PERMIT(7);

	(void)state;
	pin = pinned(wbuf_slice(&r));
	assert_string_equal(login(p, wbuf_slice(&r)), "");
	p.generation = 2;
	assert_string_equal(login(p, wbuf_slice(&r)), "store.secret_tampered");
	wbuf_free(&r);
	wbuf_free(&pin);
}

/* The most expensive logins there are keep only their own tenant waiting. */
static void
much_hashing(void **state)
{
	struct exchange x[12];
	struct wbuf r = record_for(&store, "agency", 7, 1), theirs = record_for(&rival_store, "rival", 7, 1);
	struct permit p = PERMIT(7);
	struct timespec from, to;

	(void)state;
	for (int i = 0; i < 12; i++) {
		x[i] = scram_begun(PERMIT(7), wbuf_slice(&r));
		x[i].iterations = LIM_SCRAM_ITERATIONS;
	}
	p.ats = "rival";
	p.store = &rival_store;
	p.tls = &rival_tls;
	for (int i = 0; i < 12; i++)
		first(&tls, &x[i], slice_str(SALT));
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_string_equal(login(p, wbuf_slice(&theirs)), "");
	clock_gettime(CLOCK_MONOTONIC, &to);
	/* Not one of the twelve is needed to end before it. */
	assert_int_equal(stage_log_count(&vault, "credential released by SCRAM"), 0);
	print_message("another tenant's login took %ld ms\n",
	    (long)((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000));
	player_trusted(&tls);
	wbuf_free(&r);
	wbuf_free(&theirs);
}

int
main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, vault_setup, vault_teardown)
	const struct CMUnitTest tests[] = { T(hostile_fields), T(longest_nonce), T(a_server_without_the_password),
		T(claims_less_than_the_server_offers), T(an_old_record_is_not_pinned), T(much_hashing) };

	(void)argc;
	stage_init(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
