/*
 * A vault whose stores and tls-workers are owned by attackers, and whose
 * master issues whatever tickets the input says. Steps: 0 a message of a peer,
 * 1 any ticket, 2 an ordinary ticket, 3 the true record for it, 4 the true
 * seal, 5 an ordinary begin, 6 a peer goes and comes, 7 time passes or all
 * records are counted; from 128 on 7 is the true next step of a login by SCRAM.
 */
#include "../clock.h"
#include "../hostile.h"
#include "load_key.h"

/* The loop's turn is private to this file. */
#include "../../../vault/peers.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define ENDPOINT "imap:tls:imap.example.org:993"

enum { MAIN_STORE, OTHER_STORE, MAIN_TLS, OTHER_TLS, END__COUNT };
static struct chan *ends[END__COUNT], *master;

static const struct end {
	enum role role;
	const char *ats, *host;
} kinds[END__COUNT] = { { ROLE_STORE, "main", "" }, { ROLE_STORE, "other", "" },
	{ ROLE_TLS, "main", "imap.example.org" }, { ROLE_TLS, "other", "imap.example.org" } };

static struct wbuf endpoints, record, seal;

static void
true_credential(struct seal_plain *c)
{
	wbuf_reset(&endpoints);
	list_add(&endpoints, slice_str(ENDPOINT));
	*c = (struct seal_plain){ .kind = SEAL_KIND_PASSWORD, .ats = slice_str("main"),
		.address = slice_str("anna@example.org"), .user = slice_str("anna"), .secret = slice_str("secret"),
		.endpoints = wbuf_slice(&endpoints) };
}

static void
make_credentials(void)
{
	const struct record_place place = { slice_str("main"), 1, 1 };
	static uint8_t sealed[LIM_SEAL_PLAIN + crypto_box_SEALBYTES];
	struct wbuf plain = { .max = LIM_SEAL_PLAIN };
	struct seal_plain c;

	true_credential(&c);
	feed_check(record_make(&c, &place, &record) == 0);
	feed_check(seal_plain_encode(&plain, &c) == 0);
	feed_check(crypto_box_seal(sealed, plain.p, plain.n, keys->public) == 0);
	w_raw(&seal, sealed, plain.n + crypto_box_SEALBYTES);
	wbuf_free(&plain);
}

static void
set_master(void)
{
	static const struct chan_peer peer = { .role = ROLE_MASTER };
	/* The master of this test keeps the rules. */
	static const struct chan_ops ops = { .handlers = serve_master, .on_eof = hostile_eof,
		.on_broken = hostile_broken };
	int fd;

	chan_free(child.master);
	chan_free(master);
	master = hostile_new(ROLE_MASTER, ROLE_VAULT, &fd);
	feed_check((child.master = chan_new(fd, ROLE_VAULT, &peer, &ops, NULL)) != NULL);
	chan_run(child.master);
	child.role = ROLE_VAULT;
}

static void
turn(void)
{
	polls[0].revents = POLLIN | POLLOUT;
	for (size_t i = 0; i < peers_n; i++)
		polls[FIRST + i].revents = POLLIN | POLLOUT;
	serve_turn();
	(void)proof_turn();
	for (size_t i = 0; i < END__COUNT; i++)
		hostile_turn(ends[i]);
	hostile_turn(master);
}

static void
wire(unsigned int i)
{
	struct chan_peer peer = { .chan = 4 + i, .role = kinds[i].role };
	int fd;

	chan_free(ends[i]);
	ends[i] = NULL;
	turn();
	(void)slice_copy(slice_str(kinds[i].ats), peer.ats, sizeof(peer.ats));
	(void)slice_copy(slice_str(kinds[i].host), peer.host, sizeof(peer.host));
	ends[i] = hostile_new(peer.role, ROLE_VAULT, &fd);
	peers_add(&peer, fd);
}

static void
issue(uint8_t id, uint8_t unit)
{
	(void)send_ticket(master,
	    &(struct msg_ticket){ .ticket = id, .ats = slice_str("main"), .unit = unit, .link = 1, .generation = 1,
		.service = SERVICE_IMAP, .host = slice_str("imap.example.org"), .port = 993, .security = SECURITY_TLS,
		.store_chan = 4 + MAIN_STORE, .tls_chan = 4 + MAIN_TLS });
}

static void
begin(uint8_t id, uint8_t which)
{
	static const char *const names[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "XOAUTH2" };
	struct wbuf list = { .max = 0 };
	struct msg_auth_begin m = { .ticket = id };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((which & 1u << i) != 0)
			list_add(&list, slice_str(names[i]));
	m.mechanisms = wbuf_slice(&list);
	m.binding = which & 1u ? BINDING_NONE : BINDING_TLS_UNIQUE;
	m.binding_data = slice_str(which & 1u ? "" : "123456789012");
	(void)send_auth_begin(ends[MAIN_TLS], &m);
	wbuf_free(&list);
}

static void
scram(uint8_t id)
{
	const struct ticket *t = ticket_find(id);
	char nonce[LIM_SCRAM_NONCE + 2];

	if (t == NULL)
		return;
	snprintf(nonce, sizeof(nonce), "%s+", t->sasl.scram.nonce);
	if (t->state == TICKET_STORING)
		(void)send_record_put_done(ends[MAIN_STORE], &(struct msg_record_put_done){ .req = t->put });
	else if (t->sasl.scram.step == SCRAM_AWAITS_FINAL)
		(void)send_scram_final(ends[MAIN_TLS],
		    &(struct msg_scram_final){ id, slice_mem(t->sasl.scram.signature, SCRAM_KEY_N) });
	else
		(void)send_scram_first(ends[MAIN_TLS], &(struct msg_scram_first){ id, slice_str(nonce),
		    slice_str("salt"), LIM_SCRAM_ITERATIONS_MIN });
}

static void
ask_seal(void)
{
	struct seal_plain c;

	true_credential(&c);
	(void)send_seal_open(ends[MAIN_STORE],
	    &(struct msg_seal_open){ .req = 1, .link = 1, .generation = 1, .address = c.address, .user = c.user,
		.endpoints = c.endpoints, .seal = wbuf_slice(&seal) });
}

static void
step(struct feed *f)
{
	uint8_t b = feed_byte(f), who = b / 8 % END__COUNT;
	union msg m;

	switch (b % 8) {
	case 0:
		hostile_send(ends[who], kinds[who].role, ROLE_VAULT, f);
		break;
	case 1:
		feed_msg(f, MSG_ticket, &m);
		(void)send_ticket(master, &m.ticket);
		break;
	case 2:
		issue(feed_byte(f), b / 8);
		break;
	case 3:
		(void)send_record(ends[MAIN_STORE],
		    &(struct msg_record){ .ticket = feed_byte(f), .data = wbuf_slice(&record) });
		break;
	case 4:
		ask_seal();
		break;
	case 5:
		begin(feed_byte(f), b / 8);
		break;
	case 6:
		wire(who);
		break;
	default:
		if (b >= 0x80)
			scram(feed_byte(f));
		else if (who == MAIN_STORE)
			(void)send_vault_count(master, &(struct msg_vault_count){ 1 });
		else
			clock_skip(1u << who * 2);
		break;
	}
	turn();
}

static void
start(void)
{
	feed_check(sodium_init() != -1 && area_init() == 0 && proof_init() == 0);
	log_set_level(LOG_LVL_ERROR);
	load_key();
	rate_init();
	make_credentials();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);

	if (keys == NULL)
		start();
	clock_start();
	set_master();
	for (unsigned int i = 0; i < END__COUNT; i++)
		wire(i);
	for (int i = 0; i < 100 && f.n > 0; i++)
		step(&f);
	for (unsigned int i = 0; i < END__COUNT; i++) {
		chan_free(ends[i]);
		ends[i] = NULL;
	}
	turn();
	feed_check(peers_n == 0);
	clock_on = false;
	return 0;
}
