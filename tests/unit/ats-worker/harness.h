/*
 * harness.h - a whole ats-worker in a test: its routes and methods in this
 * process, a played store at the other end of a real channel (played_store.h),
 * and a client on a socketpair (client.h).
 */
#ifndef TEST_ATS_HARNESS_H
#define TEST_ATS_HARNESS_H

#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>

#include "accounts.h"
#include "ats.h"
#include "child.h"
#include "client.h"
#include "eventsource.h"
#include "http_server.h"
#include "peer_cred.h"
#include "played_store.h"
#include "routes.h"

static uint8_t key_public[32], key_secret[32];

static inline void
worker_change(const struct msg_state_change *m)
{
	if (m->account == ACCOUNT_ATS && m->type == OBJ_LINK)
		accounts_dirty();
	eventsource_change(m);
}

static inline void
worker_store(bool up)
{
	(void)up;
	accounts_dirty();
}

static inline void
worker_start(void)
{
	struct wbuf uid = { .max = 0 }, provider = { .max = 0 }, domains = { .max = 0 };

	(void)signal(SIGPIPE, SIG_IGN);	/* as child_start does */
	child.role = ROLE_ATS;
	assert_true(sodium_init() != -1);
	(void)crypto_box_keypair(key_public, key_secret);
	memcpy(ats_config.public_key, key_public, 32);
	(void)snprintf(ats_config.name, sizeof(ats_config.name), "main");
	w_u32(&uid, getuid());
	peer_cred_init(wbuf_slice(&uid), SLICE_NONE);
	list_add(&domains, slice_str("Example.NET"));
	rec_provider_encode(&provider, &(struct rec_provider){ .id = slice_str("acme"), .label = slice_str("Acme"),
	    .domains = wbuf_slice(&domains), .imap_host = slice_str("IMAP.acme.example"), .imap_port = 993,
	    .imap_security = SECURITY_TLS, .smtp_host = slice_str("smtp.acme.example"), .smtp_port = 587,
	    .smtp_security = SECURITY_STARTTLS });
	assert_int_equal(ats_config_provider(wbuf_slice(&provider)), 0);
	wbuf_free(&uid);
	wbuf_free(&provider);
	wbuf_free(&domains);
	eventsource_init();
	store_client_init(worker_change, worker_store);
	assert_int_equal(http_server_start(-1, &http_server_defaults, route_request), 0);
	store_connect();
}

#endif
