/* Logins by SCRAM: the proof, the pin, and whose turn it is. The server is
 * played with its own few lines of RFC 5802 s. 3. */
#include "audited.h"

#define SALT "0123456789abcdef"
#define CHAN_STORE_B 7
#define CHAN_TLS_B 8

static struct chan *store_b, *tls_b, *others[2 * LIM_SCRAM_WORKS];

/* ---- a server that knows the password ---- */
static struct server {
	char first[256];	/* the client's first message without its GS2 header */
	char nonce[64];
	char final[512];	/* the client's last message without its proof */
	uint32_t iterations;
} srv;

static void
mac(const void *key, size_t key_n, const void *p, size_t n, uint8_t out[32])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key, key_n);
	crypto_auth_hmacsha256_update(&st, p, n);
	crypto_auth_hmacsha256_final(&st, out);
}

static void
salted_password(uint8_t out[32])
{
	uint8_t u[32];

	mac(SECRET, strlen(SECRET), SALT "\0\0\0\1", 20, u);
	memcpy(out, u, 32);
	for (uint32_t i = 1; i < srv.iterations; i++) {
		mac(SECRET, strlen(SECRET), u, 32, u);
		for (int k = 0; k < 32; k++)
			out[k] ^= u[k];
	}
}

/* The proof that the vault must have given, and the server's own signature. */
static void
server_side(char proof[64], uint8_t signature[32])
{
	uint8_t salted[32], client[32], stored[32], sum[32];
	char salt[32], auth[1024];

	sodium_bin2base64(salt, sizeof(salt), (const uint8_t *)SALT, 16, sodium_base64_VARIANT_ORIGINAL);
	snprintf(auth, sizeof(auth), "%s,r=%s,s=%s,i=%u,%s", srv.first, srv.nonce, salt, srv.iterations, srv.final);
	salted_password(salted);
	mac(salted, 32, "Client Key", 10, client);
	crypto_hash_sha256(stored, client, 32);
	mac(stored, 32, auth, strlen(auth), sum);
	for (int i = 0; i < 32; i++)
		client[i] ^= sum[i];
	sodium_bin2base64(proof, 64, client, 32, sodium_base64_VARIANT_ORIGINAL);
	mac(salted, 32, "Server Key", 10, sum);
	mac(sum, 32, auth, strlen(auth), signature);
}

/* ---- steps ---- */
static void
hash(void)
{
	memset(&seen, 0, sizeof(seen));
	while (proof_turn())
		;
	chan_read(store);
	chan_read(tls);
}

static void
scram_begin(uint64_t id, const char *mechanism, const uint8_t *record, size_t n)
{
	issue(id, 993, 7);
	begin(tls, id, mechanism);
	assert_int_equal(seen.type, MSG_record_get);
	answer(id, record, n);
	assert_int_equal(seen.type, MSG_auth_respond);
	assert_string_equal(seen.word, mechanism);
	snprintf(srv.first, sizeof(srv.first), "%.*s", (int)seen.n, (const char *)seen.data);
	memmove(srv.first, strstr(srv.first, ",,") + 2, strlen(strstr(srv.first, ",,") + 2) + 1);
	snprintf(srv.nonce, sizeof(srv.nonce), "%s+server", strstr(srv.first, ",r=") + 3);
}

static void
server_first(struct chan *c, uint64_t id, uint32_t iterations)
{
	srv.iterations = iterations;
	assert_int_equal(send_scram_first(c, &(struct msg_scram_first){ id, slice_str(srv.nonce),
	    slice_mem(SALT, 16), iterations }), 0);
	turn();
}

static void
server_final(uint64_t id, const uint8_t signature[32])
{
	assert_int_equal(send_scram_final(tls, &(struct msg_scram_final){ id, slice_mem(signature, 32) }), 0);
	turn();
}

/* Up to the server's proof; the client's is checked. */
static void
exchange(uint64_t id, const uint8_t *record, size_t n, uint8_t signature[32])
{
	char proof[64], *p;

	scram_begin(id, "SCRAM-SHA-256", record, n);
	server_first(tls, id, 4096);
	assert_int_equal(seen.type, MSG_none);
	hash();
	assert_int_equal(seen.type, MSG_auth_respond);
	snprintf(srv.final, sizeof(srv.final), "%.*s", (int)seen.n, (const char *)seen.data);
	assert_non_null(p = strstr(srv.final, ",p="));
	*p = '\0';
	server_side(proof, signature);
	assert_string_equal(p + 3, proof);
	assert_null(memmem(areas[AREA_OPENED], AREA_N, SECRET, strlen(SECRET)));
}

static void
put_done(const char *code)
{
	assert_int_equal(send_record_put_done(store, &(struct msg_record_put_done){ (uint32_t)seen.ticket,
	    slice_str(code) }), 0);
	turn();
}

static void
result(uint64_t id, bool ok)
{
	assert_int_equal(send_auth_result(tls, &(struct msg_auth_result){ .ticket = id, .ok = ok }), 0);
	turn();
	assert_int_equal(seen.type, MSG_none);
	assert_null(ticket_find(id));
}

/* ---- tests ---- */
static void
a_login_pins_itself(void **state)
{
	uint8_t record[8192], signature[32];
	size_t n = intake(record);

	(void)state;
	told("\nseal.opened ats=agency link=7 generation=1");
	exchange(100, record, n, signature);
	told_of("credential.released", "SCRAM-SHA-256", 100, "");
	server_final(100, signature);
	assert_int_equal(seen.type, MSG_record_put);	/* before the login goes on */
	memcpy(record, seen.data, n = seen.n);
	put_done("");
	assert_int_equal(seen.type, MSG_auth_respond);
	assert_int_equal(seen.n, 0);
	told_of("login.pinned", "SCRAM-SHA-256", 100, "");
	result(100, true);
	/* from now on: nothing but SCRAM, and nothing to write any more */
	exchange(101, record, n, signature);
	server_final(101, signature);
	assert_int_equal(seen.type, MSG_auth_respond);
	result(101, true);
	told_of("credential.released", "SCRAM-SHA-256", 101, "");	/* and not pinned again */
	issue(102, 993, 7);
	begin(tls, 102, "PLAIN");
	answer(102, record, n);
	refused("auth.downgrade");
	told_of("credential.refused", "PLAIN", 102, " code=auth.downgrade");
	assert_null(ticket_find(102));
	n = intake(record);	/* entered anew: begins anew */
	issue(103, 993, 7);
	begin(tls, 103, "PLAIN");
	answer(103, record, n);
	assert_string_equal(seen.word, "PLAIN");
	result(103, true);
}

static void
a_server_that_does_not_prove_itself(void **state)
{
	uint8_t record[8192], signature[32];
	size_t n = intake(record);

	(void)state;
	exchange(110, record, n, signature);
	signature[31] ^= 0x80;
	server_final(110, signature);
	refused("auth.server_unproven");
	assert_null(ticket_find(110));
}

/* Everything between is a breach by the tls-worker, and ends the login. */
static void
out_of_turn(void **state)
{
	static const uint8_t none[32];
	uint8_t record[8192], signature[32];
	size_t n = intake(record);

	(void)state;
	scram_begin(120, "SCRAM-SHA-256", record, n);
	assert_int_equal(send_auth_challenge(tls, &(struct msg_auth_challenge){ 120, slice_str("r=") }), 0);
	turn();
	refused("sync.protocol_error");
	scram_begin(121, "SCRAM-SHA-256", record, n);
	server_final(121, none);
	refused("auth.server_unproven");
	scram_begin(122, "SCRAM-SHA-256", record, n);
	server_first(tls, 122, 4096);
	server_first(tls, 122, 4096);	/* while we hash: no second work */
	refused("auth.temp_unavailable");
	hash();
	assert_int_equal(seen.type, MSG_auth_respond);
	server_first(tls, 122, 4096);	/* once more from the start */
	refused("sync.protocol_error");
	exchange(123, record, n, signature);
	server_final(123, signature);
	server_final(123, signature);	/* while the store writes */
	refused("auth.temp_unavailable");
	ticket_drop(ticket_find(123));
	issue(124, 993, 7);
	begin(tls, 124, "PLAIN");
	answer(124, record, n);
	server_first(tls, 124, 4096);	/* PLAIN has no such step */
	refused("sync.protocol_error");
	exchange(125, record, n, signature);
	result(125, true);	/* accepted without proof: told, and not pinned */
}

static void
a_store_that_cannot_write(void **state)
{
	uint8_t record[8192], signature[32];
	size_t n = intake(record);

	(void)state;
	exchange(130, record, n, signature);
	server_final(130, signature);
	put_done("store.full");
	refused("auth.temp_unavailable");	/* of class T: no link's state */
	assert_null(ticket_find(130));
	put_done("");	/* late */
	assert_int_equal(seen.type, MSG_none);
}

/* Another login of the link was faster: its record is looked at. */
static void
two_pins_at_once(void **state)
{
	uint8_t record[8192], pinned[8192], signature[32];
	size_t n = intake(record), pinned_n;

	(void)state;
	exchange(140, record, n, signature);
	server_final(140, signature);
	memcpy(pinned, seen.data, pinned_n = seen.n);
	put_done("api.conflict");
	assert_int_equal(seen.type, MSG_record_get);
	answer(140, pinned, pinned_n);
	assert_int_equal(seen.type, MSG_auth_respond);
	result(140, true);
	exchange(141, record, n, signature);
	server_final(141, signature);
	for (int i = 0; i < 3; i++) {
		put_done("api.conflict");
		assert_int_equal(seen.type, MSG_record_get);
		answer(141, record, n);
		assert_int_equal(seen.type, MSG_record_put);
	}
	put_done("api.conflict");
	refused("auth.temp_unavailable");
}

static void
bound_to_tls(void **state)
{
	uint8_t record[8192];
	size_t n = intake(record);

	(void)state;
	binding = BINDING_TLS_EXPORTER;
	scram_begin(150, "SCRAM-SHA-256-PLUS", record, n);
	assert_memory_equal(seen.data, "p=tls-exporter,,n=anna,r=", 25);
	server_first(tls, 150, 4096);
	hash();
	assert_memory_equal(seen.data, "c=cD10bHMtZXhwb3J0ZXIsLEJC", 26);
	result(150, false);
	scram_begin(151, "SCRAM-SHA-256", record, n);
	assert_memory_equal(seen.data, "y,,", 3);
	result(151, false);
	binding = BINDING_NONE;
}

/* limit: LIM_SCRAM_WORKS_ATS LIM_SCRAM_SLICE */
static void
hashing_is_shared(void **state)
{
	uint8_t record[8192];
	size_t n = intake(record), turns = 0, of_b = 0, two = 0, third = 0;
	union msg m = { .ticket = { .ticket = 170, .ats = slice_str("agency2"), .unit = 7, .link = 7, .generation = 1,
		.service = SERVICE_IMAP, .host = slice_str("imap.example.org"), .port = 993, .security = SECURITY_TLS,
		.store_chan = CHAN_STORE_B, .tls_chan = CHAN_TLS_B } };
	uint8_t bytes[LIM_RECORD];
	struct wbuf list, b = { .p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
	struct seal_plain cred = sample(&list);
	const struct record_place place = { slice_str("agency2"), 7, 1 };
	int fd = -1;

	(void)state;
	for (uint64_t id = 160; id < 163; id++) {
		scram_begin(id, "SCRAM-SHA-256", record, n);
		server_first(tls, id, LIM_SCRAM_ITERATIONS);
	}
	assert_true(proof_turn());
	/* another tenant comes later, with the usual number */
	assert_int_equal(serve_master[MSG_ticket](NULL, &m, &fd), 0);
	assert_int_equal(record_make(&cred, &place, &b), 0);
	wbuf_free(&list);
	endpoints(&list, "SCRAM-SHA-256", NULL);
	assert_int_equal(send_auth_begin(tls_b, &(struct msg_auth_begin){ .ticket = 170, .mechanisms = wbuf_slice(&list) }), 0);
	chan_read(peers_find(CHAN_TLS_B, ROLE_TLS));
	assert_int_equal(send_record(store_b, &(struct msg_record){ 170, wbuf_slice(&b) }), 0);
	chan_read(peers_find(CHAN_STORE_B, ROLE_STORE));
	chan_read(tls_b);
	snprintf(srv.nonce, sizeof(srv.nonce), "%.*s+", 24, strstr((const char *)seen.data, ",r=") + 3);
	assert_int_equal(send_scram_first(tls_b, &(struct msg_scram_first){ 170, slice_str(srv.nonce),
	    slice_mem(SALT, 16), 4096 }), 0);
	chan_read(peers_find(CHAN_TLS_B, ROLE_TLS));
	while (proof_turn()) {
		turns++;
		memset(&seen, 0, sizeof(seen));
		chan_read(tls_b);
		of_b = seen.ticket == 170 ? turns : of_b;
		n = 0;
		for (uint64_t id = 160; id < 163; id++)
			n += ticket_find(id)->state == TICKET_RUNNING;
		two = n == 2 && two == 0 ? turns : two;
		third = n == 3 && third == 0 ? turns : third;
	}
	assert_in_range(of_b, 7, 9);		/* 3 slices of its own, the 2 others twice in between */
	assert_in_range(two, 200, 203);		/* 100 slices each, and those of the other */
	assert_in_range(third, 298, 303);	/* began when the first was done */
	chan_read(tls);
	for (uint64_t id = 160; id < 163; id++)
		result(id, false);
	ticket_drop(ticket_find(170));
	wbuf_free(&list);
}

static void
another_tenant(unsigned int i)
{
	const uint32_t chan = 100 + 2 * i;
	char ats[8];
	uint8_t bytes[LIM_RECORD];
	struct wbuf list, b = { .p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
	struct seal_plain cred = sample(&list);
	struct chan *st, *tl;

	snprintf(ats, sizeof(ats), "t%u", i);
	assert_int_equal(record_make(&cred, &(struct record_place){ slice_str(ats), 7, 1 }, &b), 0);
	wbuf_free(&list);
	endpoints(&list, "SCRAM-SHA-256", NULL);
	others[2 * i] = st = wire(chan, ROLE_STORE, ats, "");
	others[2 * i + 1] = tl = wire(chan + 1, ROLE_TLS, ats, "imap.example.org");
	for (uint64_t id = 1000 + 2 * i; id < 1002 + 2 * i; id++) {
		union msg m = { .ticket = { .ticket = id, .ats = slice_str(ats), .unit = 7, .link = 7, .generation = 1,
			.service = SERVICE_IMAP, .host = slice_str("imap.example.org"), .port = 993,
			.security = SECURITY_TLS, .store_chan = chan, .tls_chan = chan + 1 } };
		int fd = -1;

		assert_int_equal(serve_master[MSG_ticket](NULL, &m, &fd), 0);
		send_auth_begin(tl, &(struct msg_auth_begin){ .ticket = id, .mechanisms = wbuf_slice(&list) });
		chan_read(peers_find(chan + 1, ROLE_TLS));
		send_record(st, &(struct msg_record){ id, wbuf_slice(&b) });
		chan_read(peers_find(chan, ROLE_STORE));
		chan_read(tl);
		assert_int_equal(seen.ticket, id);
		snprintf(srv.nonce, sizeof(srv.nonce), "%.*s+", 24, strstr((const char *)seen.data, ",r=") + 3);
		send_scram_first(tl, &(struct msg_scram_first){ id, slice_str(srv.nonce), slice_mem(SALT, 16), 20000 });
		chan_read(peers_find(chan + 1, ROLE_TLS));
	}
	wbuf_free(&list);
}

/* limit: LIM_SCRAM_WORKS */
static void
many_tenants_at_once(void **state)
{
	const unsigned int tenants = LIM_SCRAM_WORKS / LIM_SCRAM_WORKS_ATS + 1;
	size_t turns = 0, all = 0, done;

	(void)state;
	for (unsigned int i = 0; i < tenants; i++)
		another_tenant(i);
	while (proof_turn()) {
		turns++;
		done = 0;
		for (uint64_t id = 1000; id < 1000 + 2 * tenants; id++)
			done += ticket_find(id)->state == TICKET_RUNNING;
		all = done >= LIM_SCRAM_WORKS && all == 0 ? turns : all;
	}
	assert_int_equal(turns, 10 * 2 * tenants);
	/* 10 slices each, in turn; the last tenant's two waited for a slot */
	assert_in_range(all, 10 * LIM_SCRAM_WORKS, 10 * LIM_SCRAM_WORKS + 40);
	for (uint64_t id = 1000; id < 1000 + 2 * tenants; id++)
		ticket_drop(ticket_find(id));
	for (unsigned int i = 0; i < 2 * tenants; i++)
		chan_free(others[i]);
}

static void
a_tls_worker_that_leaves(void **state)
{
	uint8_t record[8192];
	size_t n = intake(record);

	(void)state;
	rate_init();
	for (uint64_t id = 180; id < 180 + 3; id++) {
		scram_begin(id, "SCRAM-SHA-256", record, n);
		server_first(tls, id, LIM_SCRAM_ITERATIONS);
	}
	assert_true(proof_turn());
	result(180, false);		/* it gave up while we hashed */
	ticket_chan_gone(CHAN_TLS, serve_store_gone);
	for (uint64_t id = 180; id < 180 + 3; id++)
		assert_null(ticket_find(id));
	assert_false(proof_turn());	/* nothing is left to do */
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_login_pins_itself),
		cmocka_unit_test(a_server_that_does_not_prove_itself), cmocka_unit_test(out_of_turn),
		cmocka_unit_test(a_store_that_cannot_write), cmocka_unit_test(two_pins_at_once),
		cmocka_unit_test(bound_to_tls), cmocka_unit_test(hashing_is_shared),
		cmocka_unit_test(many_tenants_at_once),
		cmocka_unit_test(a_tls_worker_that_leaves) };

	serve_all();
	audited_start();
	store_b = wire(CHAN_STORE_B, ROLE_STORE, "agency2", "");
	tls_b = wire(CHAN_TLS_B, ROLE_TLS, "agency2", "imap.example.org");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
