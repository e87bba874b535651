/*
 * vault_stage.h - the real vault between two tenants: the agency, with two
 * tls-workers at its IMAP host and one at its SMTP host, and the rival.
 */
#ifndef TESTS_DEPUTIES_VAULT_STAGE_H
#define TESTS_DEPUTIES_VAULT_STAGE_H

#include "stage.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "key_file.h"
#include "seal_format.h"

#define HOST "imap.example.org"
#define SMTP_HOST "smtp.example.org"
#define SECRET "correct horse battery"
#define IMAP_AT "imap:tls:" HOST ":993"
#define SMTP_AT "smtp:tls:" SMTP_HOST ":465"

static struct stage vault;
static struct player store, tls, tls2, tls_smtp, rival_store, rival_tls;
static char root[64];
static uint8_t key_file[KEY_FILE_N];
static uint64_t last_ticket;

static inline const uint8_t *
public_key(void)
{
	return key_file + KEY_FILE_MAGIC_N + KEY_SECRET_N;
}

static inline void
give_key(struct chan *master)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], key_file, sizeof(key_file)), sizeof(key_file));
	close(fds[1]);
	assert_int_equal(send_cfg_vault(master, &(struct msg_cfg_vault){ 0 }, fds[0]), 0);
}

static inline void
vault_open(void)
{
	stage_start(&vault, ROLE_VAULT, "", root, give_key);
	stage_wire(&vault, &store, ROLE_STORE, "agency", 0, "");
	stage_wire(&vault, &tls, ROLE_TLS, "agency", 0, HOST);
	stage_wire(&vault, &tls2, ROLE_TLS, "agency", 0, HOST);
	stage_wire(&vault, &tls_smtp, ROLE_TLS, "agency", 0, SMTP_HOST);
	stage_wire(&vault, &rival_store, ROLE_STORE, "rival", 0, "");
	stage_wire(&vault, &rival_tls, ROLE_TLS, "rival", 0, HOST);
}

static inline void
vault_close(void)
{
	struct player *all[] = { &store, &tls, &tls2, &tls_smtp, &rival_store, &rival_tls };

	stage_stop(&vault);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		player_leave(all[i]);
}

static inline int
vault_setup(void **state)
{
	(void)state;
	assert_int_not_equal(sodium_init(), -1);
	stage_directory(root, ROLE_VAULT);
	memcpy(key_file, KEY_FILE_MAGIC, KEY_FILE_MAGIC_N);
	crypto_box_keypair(key_file + KEY_FILE_MAGIC_N + KEY_SECRET_N, key_file + KEY_FILE_MAGIC_N);
	vault_open();
	return 0;
}

static inline int
vault_teardown(void **state)
{
	(void)state;
	vault_close();
	stage_remove(root);
	return 0;
}

/* ---- seals and records ---- */
static inline void
list_of(struct wbuf *w, const char *a, const char *b)
{
	wbuf_init(w, 4096);
	if (a != NULL)
		list_add(w, slice_str(a));
	if (b != NULL)
		list_add(w, slice_str(b));
}

/* A seal of this content; out has 8,192 bytes. */
static inline struct slice
seal_of(const char *ats, const char *address, const char *user, struct slice endpoints, uint8_t *out)
{
	struct seal_plain p = { .kind = SEAL_KIND_PASSWORD, .ats = slice_str(ats), .address = slice_str(address),
		.user = slice_str(user), .secret = slice_str(SECRET), .endpoints = endpoints };
	struct wbuf w;
	size_t n;

	wbuf_init(&w, 4096);
	assert_int_equal(seal_plain_encode(&w, &p), 0);
	assert_int_equal(crypto_box_seal(out, w.p, w.n, public_key()), 0);
	n = w.n + crypto_box_SEALBYTES;
	wbuf_free(&w);
	return slice_mem(out, n);
}

/* Hand a seal in for (address, user, endpoints); the code, and the record. */
static inline const char *
intake(struct player *s, uint32_t link, uint32_t generation, struct slice seal, const char *address, const char *user,
    struct slice endpoints, struct wbuf *record)
{
	static char code[LIM_CODE + 1];
	static uint32_t req;
	union msg m;
	struct msg_seal_open q = { .req = ++req, .link = link, .generation = generation, .address = slice_str(address),
		.user = slice_str(user), .endpoints = endpoints, .seal = seal };

	assert_int_equal(send_seal_open(s->chan, &q), 0);
	player_get(s, MSG_seal_opened, &m);
	assert_int_equal(m.seal_opened.req, req);
	assert_int_equal(slice_copy(m.seal_opened.code, code, sizeof(code)), 0);
	assert_true((*code == '\0') == (m.seal_opened.record.n > 0));
	if (record != NULL) {
		wbuf_init(record, 8192);
		w_raw(record, m.seal_opened.record.p, m.seal_opened.record.n);
	}
	return code;
}

/* A record of anna's credential for a link of this tenant; wbuf_free it. */
static inline struct wbuf
record_for(struct player *s, const char *ats, uint32_t link, uint32_t generation)
{
	uint8_t buf[8192];
	struct wbuf list, record;

	list_of(&list, IMAP_AT, SMTP_AT);
	assert_string_equal(intake(s, link, generation, seal_of(ats, "anna@example.org", "anna", wbuf_slice(&list), buf),
		    "anna@example.org", "anna", wbuf_slice(&list), &record), "");
	wbuf_free(&list);
	return record;
}

/* ---- logins ---- */
struct permit {
	const char *ats, *host;
	uint32_t link, generation;
	enum service service;
	uint16_t port;
	uint8_t security;
	struct player *store, *tls;
};
#define PERMIT(l) (struct permit){ .ats = "agency", .host = HOST, .link = (l), .generation = 1, .service = SERVICE_IMAP, \
	.port = 993, .security = SECURITY_TLS, .store = &store, .tls = &tls }

static inline uint64_t
issue(struct permit p)
{
	struct msg_ticket m = { .ats = slice_str(p.ats), .unit = p.link, .link = p.link, .generation = p.generation,
		.service = (uint8_t)p.service, .host = slice_str(p.host), .port = p.port, .security = p.security,
		.store_chan = p.store->number, .tls_chan = p.tls->number };

	randombytes_buf(&last_ticket, sizeof(last_ticket));
	m.ticket = last_ticket;
	assert_int_equal(send_ticket(vault.master.chan, &m), 0);
	/* A tls-worker comes with it only after name lookup, connect and TLS. */
	stage_sync(&vault);
	return m.ticket;
}

static inline void
begin(struct player *t, uint64_t ticket, const char *mechanism)
{
	struct wbuf list;

	list_of(&list, mechanism, NULL);
	assert_int_equal(send_auth_begin(t->chan, &(struct msg_auth_begin){ .ticket = ticket,
		.mechanisms = wbuf_slice(&list) }), 0);
	wbuf_free(&list);
}

static inline void
refused(struct player *t, uint64_t ticket, const char *code)
{
	union msg m;

	player_get(t, MSG_auth_refused, &m);
	assert_true(m.auth_refused.ticket == ticket);
	assert_true(slice_eq_str(m.auth_refused.code, code));
}

/* begin on p's channel, the store answers with these bytes: the code, "" = released. */
static inline const char *
login(struct permit p, struct slice record)
{
	static char code[LIM_CODE + 1];
	uint64_t ticket = issue(p);
	union msg m;

	begin(p.tls, ticket, "PLAIN");
	player_get(p.store, MSG_record_get, &m);
	assert_true(m.record_get.ticket == ticket && m.record_get.unit == p.link);
	assert_int_equal(send_record(p.store->chan, &(struct msg_record){ .ticket = ticket, .data = record }), 0);
	for (;;) {
		if (player_has(p.tls, MSG_auth_refused, &m)) {
			assert_int_equal(slice_copy(m.auth_refused.code, code, sizeof(code)), 0);
			return code;
		}
		if (player_has(p.tls, MSG_auth_respond, &m))
			break;
		stage_turn(1000);
	}
	assert_true(m.auth_respond.ticket == ticket);
	assert_true(slice_eq(m.auth_respond.data, slice_mem("\0anna\0" SECRET, 6 + strlen(SECRET))));
	return "";
}

#endif
