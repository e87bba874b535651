/* The rounds over all records: what is found, moved and counted. Master and
 * stores are played over real channels. */
#include "vault_test.h"

#include <sys/socket.h>

#include "audit.h"
#include "child.h"
#include "serve.h"

#define STORES 2
#define RECORDS 8

/* A store with its records, by the number of their link. */
static struct played_store {
	struct chan *chan;
	char ats[8];
	uint8_t record[RECORDS][LIM_RECORD];
	size_t n[RECORDS];
	const char *put_code;	/* answer to record_put */
	bool mute, repeats;
	unsigned int asked;
} stores[STORES];
static struct chan *master;
static struct msg_vault_counted counted[STORES];
static char counted_ats[STORES][8];
static size_t ncounted;
static unsigned int ends, broke;
static uint8_t files[2][KEY_FILE_N];

/* ---- the played store ---- */

static int
on_record_list(struct chan *c, const union msg *m, int *fd)
{
	struct played_store *s = chan_ctx(c);
	struct msg_record_item item = { .req = m->record_list.req };

	(void)fd;
	s->asked++;
	if (s->mute)
		return 0;
	for (uint32_t i = m->record_list.unit + !s->repeats; i < RECORDS; i++)
		if (i > 0 && s->n[i] > 0) {
			item = (struct msg_record_item){ item.req, i, i, 1, SERVICE_IMAP, slice_mem(s->record[i], s->n[i]) };
			break;
		}
	return send_record_item(c, &item);
}

static int
on_record_put(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_record_put *q = &m->record_put;
	struct played_store *s = chan_ctx(c);

	(void)fd;
	assert_true(q->unit < RECORDS && q->generation == 1 && q->service == SERVICE_IMAP);
	assert_true(slice_eq(q->was, slice_mem(s->record[q->unit], s->n[q->unit])));
	if (*s->put_code == '\0') {
		memcpy(s->record[q->unit], q->data.p, q->data.n);
		s->n[q->unit] = q->data.n;
	}
	return send_record_put_done(c, &(struct msg_record_put_done){ q->req, slice_str(s->put_code) });
}

static int
on_counted(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if (m->vault_counted.ats.n == 0) {
		ends++;
		return 0;
	}
	assert_true(ncounted < STORES);
	assert_int_equal(slice_copy(m->vault_counted.ats, counted_ats[ncounted], 8), 0);
	counted[ncounted++] = m->vault_counted;
	return 0;
}

static int
on_told(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	broke++;
	return 0;
}

/* What was said for the audit log: the events' names. */
static char audited[4096];

static int
on_audit(struct chan *c, const union msg *m, int *fd)
{
	size_t n = strlen(audited);

	(void)c;
	(void)fd;
	assert_int_equal(audit_decode(m->audit.event, m->audit.fields, NULL, NULL), 0);
	snprintf(audited + n, sizeof(audited) - n, "%s ", audit_table[m->audit.event].name);
	return 0;
}

static const chan_handler store_handlers[MSG__COUNT] = { [MSG_record_list] = on_record_list,
	[MSG_record_put] = on_record_put };
static const chan_handler master_handlers[MSG__COUNT] = { [MSG_vault_counted] = on_counted, [MSG_broken] = on_told,
	[MSG_audit] = on_audit };

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	(void)reason;
	broke++;
}

static const struct chan_ops store_ops = { .handlers = store_handlers, .on_broken = on_broken },
	master_ops = { .handlers = master_handlers, .on_broken = on_broken }, own_ops = { .handlers = serve_master };

static void
turns(void)
{
	for (int i = 0; i < 64; i++) {
		for (uint32_t k = 0; k < STORES; k++) {
			struct chan *own = peers_find(k + 1, ROLE_STORE);

			if (own != NULL)
				chan_read(own);
			if (stores[k].chan != NULL)
				chan_read(stores[k].chan);
		}
		chan_write(child.master);
		chan_read(master);
	}
}

static void
count(uint32_t req)
{
	union msg m = { .vault_count = { .req = req } };
	int fd = -1;

	ncounted = ends = 0;
	assert_int_equal(serve_master[MSG_vault_count](NULL, &m, &fd), 0);
	turns();
}

static void
found(size_t i, uint32_t fresh, uint32_t moved, uint32_t old, uint32_t bad)
{
	assert_int_equal(counted[i].fresh, fresh);
	assert_int_equal(counted[i].moved, moved);
	assert_int_equal(counted[i].old, old);
	assert_int_equal(counted[i].bad, bad);
	assert_true(counted[i].whole);
}

/* ---- setting ---- */

static void
load(const void *p, size_t n)
{
	const char *why;

	assert_int_equal(load_bytes(p, n, &why), 0);
}

static void
put_record(struct played_store *s, uint32_t link)
{
	const struct record_place place = { slice_str(s->ats), link, 1 };
	struct wbuf list, out = { .p = s->record[link], .cap = LIM_RECORD, .max = LIM_RECORD };
	struct seal_plain p = sample(&list);

	assert_int_equal(record_make(&p, &place, &out), 0);
	s->n[link] = out.n;
	area_wipe();
	wbuf_free(&list);
}

/* Three records and one in two stores, made under the first of two keys. */
static int
fresh_stores(void **state)
{
	(void)state;
	key_bytes(files[0]);
	key_bytes(files[1]);
	load(files[0], KEY_FILE_N);
	for (size_t k = 0; k < STORES; k++) {
		memset(stores[k].n, 0, sizeof(stores[k].n));
		stores[k].put_code = "";
		stores[k].mute = stores[k].repeats = false;
		stores[k].asked = 0;
	}
	put_record(&stores[0], 1);
	put_record(&stores[0], 2);
	put_record(&stores[0], 5);
	put_record(&stores[1], 7);
	broke = 0;
	return 0;
}

static int
wire_all(void **state)
{
	static const struct chan_peer vault = { .role = ROLE_VAULT }, above = { .role = ROLE_MASTER };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	child.master = chan_new(fds[0], ROLE_VAULT, &above, &own_ops, NULL);
	master = chan_new(fds[1], ROLE_MASTER, &vault, &master_ops, NULL);
	chan_run(child.master);
	chan_run(master);
	for (uint32_t k = 0; k < STORES; k++) {
		struct chan_peer far = { .chan = k + 1, .role = ROLE_STORE }, near = { .chan = k + 1, .role = ROLE_VAULT };

		memcpy(stores[k].ats, k == 0 ? "agency\0" : "rival\0\0", sizeof(stores[k].ats));
		memcpy(far.ats, stores[k].ats, sizeof(stores[k].ats));
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		peers_add(&far, fds[0]);
		stores[k].chan = chan_new(fds[1], ROLE_STORE, &near, &store_ops, &stores[k]);
		chan_run(stores[k].chan);
	}
	return 0;
}

/* ---- tests ---- */

static void
a_count_proves_each_record(void **state)
{
	(void)state;
	count(4);
	assert_int_equal(ncounted, 2);
	assert_int_equal(ends, 1);
	found(0, 1, 0, 0, 0);	/* the rival has fewer and is done first */
	found(1, 3, 0, 0, 0);
	/* By its name under the key, and yet it does not open. */
	stores[0].record[2][stores[0].n[2] - 1] ^= 1;
	audited[0] = '\0';
	count(5);
	found(1, 2, 0, 0, 1);
	assert_non_null(strstr(audited, "record.refused "));
}

static void
all_under_the_next_key(void **state)
{
	(void)state;
	audited[0] = '\0';
	load(files, sizeof(files));
	count(1);
	found(0, 0, 1, 0, 0);
	found(1, 0, 3, 0, 0);
	assert_string_equal(audited, "vault.rotated vault.rotated ");
	count(2);
	found(0, 1, 0, 0, 0);
	found(1, 3, 0, 0, 0);
	/* The old key is not needed any more. */
	load(files[1], KEY_FILE_N);
	count(3);
	found(1, 3, 0, 0, 0);
}

static void
what_cannot_be_put_stays_old(void **state)
{
	(void)state;
	stores[0].put_code = "store.full";
	load(files, sizeof(files));
	count(1);
	found(1, 0, 0, 3, 0);
	stores[0].put_code = "api.conflict";
	count(2);
	found(1, 0, 0, 3, 0);
	stores[0].put_code = "";
	count(3);
	found(1, 0, 3, 0, 0);
}

/* One ends in the middle: it is told as not whole, the other is not disturbed. */
static void
a_new_round_takes_the_place(void **state)
{
	(void)state;
	stores[0].mute = true;
	count(1);
	assert_int_equal(ncounted, 1);
	assert_int_equal(ends, 0);
	stores[0].mute = false;
	count(2);
	assert_int_equal(ncounted, 2);
	assert_int_equal(ends, 1);
	assert_int_equal(counted[1].req, 2);
}

/* It says the same record again and again. */
static void
a_store_that_goes_round_is_ended(void **state)
{
	(void)state;
	stores[0].repeats = true;
	count(1);
	assert_true(stores[0].asked < 4);
	assert_int_equal(broke, 1);
	assert_null(peers_find(1, ROLE_STORE));
	assert_int_equal(ends, 0);
	rotate_store_gone(peers_store(0));	/* another's end is not taken for it */
	assert_int_equal(ncounted, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(a_count_proves_each_record, fresh_stores),
		cmocka_unit_test_setup(all_under_the_next_key, fresh_stores),
		cmocka_unit_test_setup(what_cannot_be_put_stays_old, fresh_stores),
		cmocka_unit_test_setup(a_new_round_takes_the_place, fresh_stores),
		cmocka_unit_test_setup(a_store_that_goes_round_is_ended, fresh_stores) };

	if (sodium_init() == -1 || area_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, wire_all, NULL);
}
