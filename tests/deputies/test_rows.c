/*
 * Rows that were edited by hand: every table of store/table.def, its rows cut,
 * emptied, lengthened, overwritten, with bits flipped, of a future version, and
 * rows under keys that are none. The real store starts on each such database,
 * says by name what it skips, answers every request, and serves the other links.
 * A new table is attacked by birth.
 */
#include "rows_stage.h"

#include <sys/wait.h>

enum damage { EMPTY, HALF, VERSION, GARBAGE, LONGER, FLIP, DAMAGES };

static const char *const damage_names[] = { "emptied", "cut in half", "of a future version", "garbage", "lengthened",
	"with bits flipped" };

static bool told_by_name[T__COUNT];
static bool links_are_whole;	/* all but the first are not touched by this damage */

/* ---- damage ---- */

static uint32_t seed;

static uint8_t
any(void)
{
	seed = seed * 1103515245u + 12345u;
	return (uint8_t)(seed >> 16);
}

static size_t
damaged(enum damage d, const MDB_val *v, uint8_t *out, size_t max)
{
	size_t n = v->mv_size < max - 64 ? v->mv_size : max - 64;

	memcpy(out, v->mv_data, n);
	switch (d) {
	case EMPTY:
		return 0;
	case HALF:
		return n / 2;
	case VERSION:
		if (n > 0)
			out[0] = 0xff;
		return n;
	case GARBAGE:
		for (size_t i = 0; i < n; i++)
			out[i] = any();
		return n;
	case LONGER:
		for (size_t i = 0; i < 40; i++)
			out[n + i] = any();
		return n + 40;
	default:
		for (size_t i = 0; i < 4 && n > 0; i++)
			out[(size_t)(any() << 8 | any()) % n] ^= (uint8_t)(1u << any() % 8);
		return n;
	}
}

/* Only the first link's rows, where a table has rows of links. */
static bool
concerns(enum table t, const MDB_val *key)
{
	const uint8_t *p = key->mv_data;

	return !table_is_account(t) ||
	    (key->mv_size >= 4 && p[0] == 0 && p[1] == 0 && p[2] == 0 && p[3] == (uint8_t)link_no[0]);
}

static void
put_strange_keys(MDB_txn *txn, MDB_dbi dbi, enum table t)
{
	static const size_t sizes[] = { 1, 3, 4, 5, 8, 12, 13, 20, 37, 200 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t k[256], v[64];
		MDB_val key = { sizes[i], k }, value = { i % 3 == 0 ? 0 : 33, v };

		for (size_t b = 0; b < sizeof(k); b++)
			k[b] = i % 2 == 0 ? 0xff : any();
		for (size_t b = 0; b < sizeof(v); b++)
			v[b] = any();
		if (table_is_account(t) && sizes[i] >= 4)
			memcpy(k, (uint8_t[]){ 0, 0, 0, (uint8_t)link_no[0] }, 4);
		assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	}
}

/* Returns how many rows there were. */
static size_t
table_damaged(enum table t, enum damage first, bool mixed, bool strange)
{
	static uint8_t bytes[1 << 20], own[DBKEY_MAX];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_cursor *c;
	MDB_val key, v, now;
	size_t n = 0;

	seed = (uint32_t)t * 7919 + first;
	env = database_opened();
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table_name(t), 0, &dbi), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &c), 0);
	for (int rc = mdb_cursor_get(c, &key, &v, MDB_FIRST); rc == 0; rc = mdb_cursor_get(c, &key, &v, MDB_NEXT)) {
		if (!concerns(t, &key))
			continue;
		now = (MDB_val){ damaged((first + (mixed ? n : 0)) % DAMAGES, &v, bytes, sizeof(bytes)), bytes };
		memcpy(own, key.mv_data, key.mv_size);	/* the put moves what key points to */
		key.mv_data = own;
		n++;
		assert_int_equal(mdb_put(txn, dbi, &key, &now, 0), 0);
		assert_int_equal(mdb_cursor_get(c, &key, &v, MDB_SET), 0);
	}
	mdb_cursor_close(c);
	if (strange)
		put_strange_keys(txn, dbi, t);
	assert_int_equal(mdb_txn_commit(txn), 0);
	database_closed(env);
	return n;
}

/* ---- what a store is asked all day ---- */

static void
ask_all_of(uint32_t account, enum obj_type type)
{
	struct msg_get q = { .req = ++last_req, .account = account, .type = (uint8_t)type, .all = true,
		.parts = GET_EMAIL_PARTS };
	union msg m;

	assert_int_equal(send_get(ats.chan, &q), 0);
	do
		told(&ats, MSG_get_done, &m);
	while (m.get_done.req != q.req);
	assert_int_equal(send_changes(ats.chan, &(struct msg_changes){ .req = ++last_req, .account = account,
		.type = (uint8_t)type, .epoch = m.get_done.epoch, .since = 0, .max = 100 }), 0);
	do
		told(&ats, MSG_changes_done, &m);
	while (m.changes_done.req != last_req);
}

static void
ask_account(uint32_t account)
{
	uint64_t id[16];
	union msg m;
	size_t n;

	for (enum obj_type t = OBJ_MAILBOX; t < OBJ__COUNT; t++)
		ask_all_of(account, t);
	(void)ids_of(account, OBJ_SUBMISSION, id);
	n = ids_of(account, OBJ_EMAIL, id);
	for (size_t i = 0; i < n && i < 16; i++)
		for (int k = BLOB_PART; k <= BLOB_TEXT; k++) {
			assert_int_equal(send_blob_get(ats.chan, &(struct msg_blob_get){ .req = ++last_req, .account = account,
				.kind = (uint8_t)k, .id = id[i], .part = slice_str(k == BLOB_TEXT ? "1" : "") }), 0);
			do
				told(&ats, MSG_blob_data, &m);
			while (m.blob_data.req != last_req);
		}
}

static void
ask_vault(uint32_t unit)
{
	union msg m;

	assert_int_equal(send_record_get(vault.chan, &(struct msg_record_get){ .ticket = unit, .unit = unit,
		.service = SERVICE_IMAP }), 0);
	told(&vault, MSG_record, &m);
}

static bool
comes(struct session *x, enum msg_type type, union msg *m)
{
	for (int i = 0; i < 40; i++) {
		if (player_has(&x->imap, type, m))
			return true;
		work(1);
	}
	if (links_are_whole && x != &s[0])
		told(&x->imap, type, m);
	return links_are_whole && x != &s[0];
}

/* A worker that tells the same again, and one message more. Its link may be
 * gone in this database: then there is nobody to ask. */
static void
sync_again(struct session *x)
{
	union msg m;

	stage_wire(&store, &x->imap, ROLE_IMAP, "agency", x->link, "");
	if (!comes(x, MSG_sync_config, &m))
		return;
	(void)send_mailbox_found(x->imap.chan, &(struct msg_mailbox_found){ .raw_name = slice_str("INBOX"),
		.name = slice_str("INBOX"), .separator = '/', .role = MBOX_INBOX, .selectable = true, .synced = true });
	if (!comes(x, MSG_mailbox_bound, &m))
		return;
	x->inbox = m.mailbox_bound.mailbox;
	(void)send_mailbox_list_end(x->imap.chan, &(struct msg_mailbox_list_end){ .count = 1 });
	(void)send_mailbox_open(x->imap.chan, &(struct msg_mailbox_open){ .mailbox = x->inbox, .uidvalidity = 9,
		.uidnext = 5, .modseq = 10, .keywords_any = true });
	header(&x->imap, x->inbox, 1, CANDIDATE, "again@agency.example");
	/* Two come, one goes: a mail more than before. */
	header(&x->imap, x->inbox, 3, CANDIDATE, "more@agency.example");
	header(&x->imap, x->inbox, 4, CANDIDATE, "more@agency.example");
	(void)send_message_flags(x->imap.chan, &(struct msg_message_flags){ .mailbox = x->inbox, .uid = 2, .modseq = 11,
		.flags = slice_str("\\Seen") });
	(void)send_uids_vanished(x->imap.chan, &(struct msg_uids_vanished){ .mailbox = x->inbox,
		.ranges = slice_mem("\2\0\0\0\2\0\0\0", 8) });
	(void)send_mailbox_synced(x->imap.chan, &(struct msg_mailbox_synced){ .mailbox = x->inbox, .uidvalidity = 9,
		.uidnext = 5, .modseq = 12, .uid_low = 1, .complete = true });
}

static void
live_on(void)
{
	uint64_t id[16];

	for (int i = 0; i < 3; i++)
		sync_again(&s[i]);
	work(5);
	for (enum obj_type t = OBJ_LINK; t <= OBJ_REVIEW; t++) {
		ask_all_of(ACCOUNT_ATS, t);
		if (t != OBJ_LINK)
			(void)ids_of(ACCOUNT_ATS, t, id);
	}
	for (int i = 0; i < 3; i++) {
		ask_account(link_no[i]);
		ask_vault(link_no[i]);
	}
	work(2);
	stage_alive(&store);
	orders_are_sound();
}

static bool
has_named(enum table t)
{
	char what[64];

	snprintf(what, sizeof(what), "code=store.corrupt reason=%s:", table_name(t));
	return stage_log_count(&store, what) > 0;
}

static void
sessions_left(void)
{
	for (int i = 0; i < 3; i++)
		if (s[i].imap.chan != NULL)
			player_leave(&s[i].imap);
}

/* Without its counters and its schema a store would write over what is there. */
static void
refused_to_start(enum table t)
{
	assert_int_equal(t, T_meta);
	assert_true(WIFEXITED(store.status));
	assert_true(stage_log_count(&store, "code=store.corrupt reason=meta") +
		stage_log_count(&store, "written by a newer version") > 0);
	told_by_name[t] = true;
	player_leave(&store.master);
}

static void
survives(enum table t, enum damage d, bool mixed, bool strange)
{
	size_t n;

	database_restored();
	n = table_damaged(t, d, mixed, strange);
	links_are_whole = table_is_account(t);
	if (!stage_try(&store, ROLE_STORE, "agency", root, give_config)) {
		refused_to_start(t);
		return;
	}
	store_wire();
	live_on();
	told_by_name[t] |= has_named(t);
	/* Damage in the rows of one link does not touch another's. */
	if (table_is_account(t) && (emails(link_no[1]) < MAILS || emails(link_no[2]) < MAILS))
		fail_msg("%s %s: %zu rows: another link lost mail", table_name(t), mixed ? "mixed" : damage_names[d], n);
	if (table_is_account(t)) {
		wait_emails(link_no[2], MAILS + 1);
	}
	sessions_left();
	store_close();
}

static bool
is_record(enum table t)
{
#define TABLE(name, scope, keys)
#define ROW(name, rec)                                                                                                 \
	if (t == T_##name)                                                                                             \
		return true;
#include "table.def"
#undef TABLE
#undef ROW
	return false;
}

static void
every_table(void **state)
{
	(void)state;
	for (enum table t = 0; t < T__COUNT; t++) {
		survives(t, (enum damage)(t % DAMAGES), true, true);
		if (is_record(t) && !told_by_name[t])
			fail_msg("the log does not name the damaged rows of %s", table_name(t));
	}
}

/* Only with an argument: each kind of damage to all rows of each table. */
static void
every_damage(void **state)
{
	(void)state;
	for (enum table t = 0; t < T__COUNT; t++)
		for (enum damage d = EMPTY; d < DAMAGES; d++)
			survives(t, d, false, d % 2 == 0);
}

/* The trees themselves lie: all keys of all tables are in the wrong order, so
 * that walks meet keys again. Nothing can be served, but nothing may hang. */
static int
backwards(const MDB_val *a, const MDB_val *b)
{
	size_t n = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
	int c = memcmp(b->mv_data, a->mv_data, n);

	return c != 0 ? c : (b->mv_size > a->mv_size) - (b->mv_size < a->mv_size);
}

static void
turn_around(MDB_txn *txn, enum table t)
{
	static struct {
		uint8_t k[DBKEY_MAX], v[4096];
		size_t kn, vn;
	} rows[512];
	MDB_val key, v;
	MDB_cursor *c;
	MDB_dbi dbi;
	size_t n = 0;

	assert_int_equal(mdb_dbi_open(txn, table_name(t), 0, &dbi), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &c), 0);
	while (n < 512 && mdb_cursor_get(c, &key, &v, MDB_NEXT) == 0) {
		rows[n].kn = key.mv_size;
		rows[n].vn = v.mv_size < 4096 ? v.mv_size : 4096;
		memcpy(rows[n].k, key.mv_data, rows[n].kn);
		memcpy(rows[n].v, v.mv_data, rows[n].vn);
		n++;
	}
	mdb_cursor_close(c);
	assert_int_equal(mdb_drop(txn, dbi, 0), 0);
	assert_int_equal(mdb_set_compare(txn, dbi, backwards), 0);
	for (size_t i = 0; i < n; i++) {
		key = (MDB_val){ rows[i].kn, rows[i].k };
		v = (MDB_val){ rows[i].vn, rows[i].v };
		assert_int_equal(mdb_put(txn, dbi, &key, &v, 0), 0);
	}
}

static void
trees_that_lie(void **state)
{
	MDB_env *env;
	MDB_txn *txn;

	(void)state;
	database_restored();
	env = database_opened();
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	for (enum table t = T_meta + 1; t < T__COUNT; t++)
		turn_around(txn, t);
	assert_int_equal(mdb_txn_commit(txn), 0);
	database_closed(env);
	links_are_whole = false;
	store_open();
	live_on();
	sessions_left();
	store_close();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_table), cmocka_unit_test(trees_that_lie) };
	const struct CMUnitTest longer[] = { cmocka_unit_test(every_damage) };

	stage_init(argv[0]);
	return argc > 1 ? cmocka_run_group_tests(longer, rows_setup, rows_teardown)
			: cmocka_run_group_tests(tests, rows_setup, rows_teardown);
}
