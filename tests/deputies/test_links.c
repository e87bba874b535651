/*
 * Rows of links that decode and yet describe what no request can have made: the
 * host is none, the port is missing, the mode is unknown. Such a link does not
 * run, its object says why, and nothing is ordered for it that the master would
 * call a breach, for then the store would be ended again and again.
 */
#include "rows_stage.h"

static const struct {
	const char *host, *why;
	uint16_t port;
	uint8_t security, mode;
} impossible[] = {
	{ "IMAP.Example.ORG", "reason=imap: host", 993, SECURITY_TLS, MODE_TWO_WAY },
	{ "imap.example.org\nX", "reason=imap: host", 993, SECURITY_TLS, MODE_TWO_WAY },
	{ "", "reason=imap: host", 993, SECURITY_TLS, MODE_TWO_WAY },
	{ "imap.example.org", "reason=imap: port", 0, SECURITY_TLS, MODE_TWO_WAY },
	{ "imap.example.org", "reason=imap: unknown security", 993, 200, MODE_TWO_WAY },
	{ "imap.example.org", "reason=imap: security none", 143, SECURITY_NONE, MODE_TWO_WAY },
	{ "imap.example.org", "reason=mode", 993, SECURITY_TLS, 77 },
};

static void
link_rewritten(size_t i)
{
	MDB_env *env = database_opened();
	struct dbkey k = KEY(link, .no = link_no[0]);
	MDB_val key = { k.n, k.p }, v;
	struct wbuf w = { .max = 0 };
	struct rec_link r;
	uint8_t *copy;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "link", 0, &dbi), 0);
	assert_int_equal(mdb_get(txn, dbi, &key, &v), 0);
	assert_non_null(copy = malloc(v.mv_size));
	memcpy(copy, v.mv_data, v.mv_size);
	assert_int_equal(rec_link_decode(slice_mem(copy, v.mv_size), &r), 0);
	r.imap_host = slice_str(impossible[i].host);
	r.imap_port = impossible[i].port;
	r.imap_security = impossible[i].security;
	r.mode = impossible[i].mode;
	rec_link_encode(&w, &r);
	v = (MDB_val){ w.n, w.p };
	assert_int_equal(mdb_put(txn, dbi, &key, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	database_closed(env);
	wbuf_free(&w);
	free(copy);
}

static struct rec_link
link_shown(uint32_t no)
{
	static union msg m;
	struct wbuf ids = { .max = 0 };
	struct rec_link r;

	ids_add(&ids, no);
	assert_int_equal(send_get(ats.chan, &(struct msg_get){ .req = ++last_req, .account = ACCOUNT_ATS, .type = OBJ_LINK,
		.ids = wbuf_slice(&ids) }), 0);
	wbuf_free(&ids);
	told(&ats, MSG_row, &m);
	assert_int_equal(rec_link_decode(m.row.data, &r), 0);
	return r;
}

/* It does not run, its object says why, nobody orders what the master would
 * call a breach, and the others run. */
static void
links_that_cannot_be(void **state)
{
	struct rec_link r;
	union msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		bool runs[3] = { false, false, false };

		database_restored();
		link_rewritten(i);
		store_open();
		r = link_shown(link_no[0]);
		assert_int_equal(r.state, LINK_NEEDS_USER);
		assert_true(slice_eq_str(r.error_code, "cfg.invalid"));
		stage_logged(&store, "link not started: its row is not valid link=1 code=cfg.invalid", impossible[i].why);
		/* They may still be on their way; of the first nothing ever comes. */
		while (!runs[1] || !runs[2] || player_has(&store.master, MSG_unit_run, &m)) {
			if (!runs[1] || !runs[2])
				told(&store.master, MSG_unit_run, &m);
			for (int k = 0; k < 3; k++)
				runs[k] |= m.unit_run.unit == link_no[k];
		}
		assert_false(runs[0]);
		/* Nor may a test of it be ordered. */
		(void)send_link_set(ats.chan, &(struct msg_link_set){ .req = ++last_req, .id = link_no[0],
			.action = SET_TEST });
		assert_string_equal(set_answer(last_req, NULL), "invalidProperties");
		assert_false(player_has(&store.master, MSG_unit_run, &m));
		store_close();
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(links_that_cannot_be) };

	(void)argc;
	stage_init(argv[0]);
	return cmocka_run_group_tests(tests, rows_setup, rows_teardown);
}
