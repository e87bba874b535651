/*
 * get and query, against a naive model of what was stored.
 */
#include "front.h"

#define EMAILS 3000
#define ASKED 400

static uint32_t seed = 7;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static const char *const people[] = { "ann@a.example", "bob@b.example", "Carl@C.example", "dora@d.example" };

static struct model {
	uint64_t id, received_at, mailbox;
	unsigned int from, to;
} model[EMAILS];

static int
newest_first(const void *a, const void *b)
{
	const struct model *x = a, *y = b;

	if (x->received_at != y->received_at)
		return x->received_at < y->received_at ? 1 : -1;
	return x->id < y->id ? 1 : -1;
}

static void
make_model(uint32_t no)
{
	for (size_t i = 0; i < EMAILS; i++) {
		struct model *m = &model[i];

		*m = (struct model){ .received_at = 1000 + rnd(500), .mailbox = 1 + rnd(3), .from = rnd(4), .to = rnd(4) };
		m->id = make_email(no, &(struct mail){ .from = people[m->from], .to = people[m->to], .subject = "S",
					   .received_at = m->received_at, .mailbox = m->mailbox });
	}
	db_turn_end();
	qsort(model, EMAILS, sizeof(model[0]), newest_first);
}

static bool
contains(const char *hay, const char *needle)
{
	return strcasestr(hay, needle) != NULL;
}

static bool
fits(const struct model *m, const struct rec_filter *f, const char *from, const char *to)
{
	return (f->in_mailbox == 0 || m->mailbox == f->in_mailbox) && m->received_at >= f->after &&
	    (f->before == 0 || m->received_at < f->before) && (from == NULL || contains(people[m->from], from)) &&
	    (to == NULL || contains(people[m->to], to));
}

struct ask {
	bool ascending, total;
	int32_t position;
	uint32_t limit;
	uint64_t anchor;
};

static void
ask(uint32_t no, enum obj_type type, const struct rec_filter *f, const struct ask *a, union msg *m)
{
	struct wbuf w = { 0 };
	struct msg_query q = { .req = 8, .account = no, .type = (uint8_t)type, .ascending = a->ascending,
		.position = (uint32_t)a->position, .limit = a->limit, .anchor = a->anchor, .total = a->total };

	rec_filter_encode(&w, f);
	q.filter = wbuf_slice(&w);
	send_query(ats.far, &q);
	for (int i = 0; i < 50 && told_count(&ats, MSG_query_done) == 0; i++)
		settle(1);
	told_next(&ats, MSG_query_done, m);
	wbuf_free(&w);
}

/* What should come; returns its length, 0 with *no_anchor when it is absent. */
static size_t
expect(const struct rec_filter *f, const char *from, const char *to, const struct ask *a, uint64_t *out, size_t *start,
    size_t *total, bool *no_anchor)
{
	static uint64_t all[EMAILS];
	size_t n = 0, i = 0;
	int64_t at = a->position;

	for (size_t k = 0; k < EMAILS; k++) {
		const struct model *m = &model[a->ascending ? EMAILS - 1 - k : k];

		if (fits(m, f, from, to))
			all[n++] = m->id;
	}
	*total = n;
	while (a->anchor != 0 && i < n && all[i] != a->anchor)
		i++;
	*no_anchor = a->anchor != 0 && i == n;
	at += a->anchor != 0 ? (int64_t)i : at < 0 ? (int64_t)n : 0;
	*start = at < 0 ? 0 : (size_t)at;
	n = *start >= n ? 0 : n - *start;
	if (n > (a->limit == 0 ? LIM_IDS : a->limit))
		n = a->limit == 0 ? LIM_IDS : a->limit;
	memcpy(out, all + *start, n * sizeof(all[0]));
	return n;
}

static void
queries_agree_with_the_model(void **state)
{
	static const char *const parts[] = { NULL, NULL, "ann@a.example", "BOB@B.EXAMPLE", "carl", "@d.exam", "nobody" };
	static uint64_t want[EMAILS];
	uint32_t no = make_link("rec@agency.example");

	(void)state;
	make_model(no);
	for (int i = 0; i < ASKED; i++) {
		const char *from = parts[rnd(7)], *to = parts[rnd(7)];
		struct rec_filter f = { .in_mailbox = rnd(2) ? 1 + rnd(4) : 0, .after = rnd(2) ? 900 + rnd(700) : 0,
			.before = rnd(2) ? 900 + rnd(700) : 0, .from = slice_str(from), .to = slice_str(to) };
		struct ask a = { .ascending = rnd(2), .total = rnd(2), .position = (int32_t)rnd(60) - 20,
			.limit = rnd(30), .anchor = rnd(3) == 0 ? model[rnd(EMAILS)].id : 0 };
		size_t start, total, n;
		bool no_anchor;
		union msg m;

		n = expect(&f, from, to, &a, want, &start, &total, &no_anchor);
		ask(no, OBJ_EMAIL, &f, &a, &m);
		if (no_anchor) {
			assert_true(slice_eq_str(m.query_done.error, "anchorNotFound"));
			continue;
		}
		assert_int_equal(m.query_done.error.n, 0);
		assert_int_equal(ids_count(m.query_done.ids), n);
		for (size_t k = 0; k < n; k++)
			assert_true(ids_at(m.query_done.ids, k) == want[k]);
		assert_int_equal(m.query_done.position, start);
		if (a.total)
			assert_int_equal(m.query_done.total, total);
	}
}

/* ---- other types ---- */
static void
people_and_notes_are_found(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t a = make_person(PERSON_CANDIDATE, "ann@a.example"), b = make_person(PERSON_CONTACT, "bob@b.example");
	struct ask plain = { .ascending = true };
	union msg m;

	(void)state;
	make_model(no);
	settle(200);	/* backfill has nothing to do: the people came first */
	for (size_t i = 0; i < 100; i++)
		note_match_stored(no, model[i].id, false);
	db_turn_end();
	ask(0, OBJ_CORRESPONDENT, &(struct rec_filter){ .email = slice_str("BOB@b.example") }, &plain, &m);
	assert_int_equal(ids_count(m.query_done.ids), 1);
	assert_true(ids_at(m.query_done.ids, 0) == b);
	ask(0, OBJ_CORRESPONDENT, &(struct rec_filter){ .kind = PERSON_CANDIDATE }, &plain, &m);
	assert_true(ids_count(m.query_done.ids) == 1 && ids_at(m.query_done.ids, 0) == a);
	ask(0, OBJ_CORRESPONDENT, &(struct rec_filter){ .text = slice_str("EXAMPLE") }, &plain, &m);
	assert_int_equal(ids_count(m.query_done.ids), 2);
	ask(0, OBJ_NOTE, &(struct rec_filter){ .correspondent = a, .after = 1400 }, &plain, &m);
	for (size_t i = 0; i < ids_count(m.query_done.ids); i++) {
		struct row_note row;

		assert_true(row_note_get(&row, KEY(note, .id = ids_at(m.query_done.ids, i))));
		assert_true(row.rec.correspondent == a && row.rec.received_at >= 1400);
		row_note_free(&row);
	}
	ask(0, OBJ_LINK, &(struct rec_filter){ .email = slice_str("rec@agency.example") }, &plain, &m);
	assert_true(ids_count(m.query_done.ids) == 1 && ids_at(m.query_done.ids, 0) == no);
	ask(no, OBJ_NOTE, &(struct rec_filter){ .kind = 0 }, &plain, &m);
	assert_true(slice_eq_str(m.query_done.error, "accountNotFound"));
	ask(no, OBJ_THREAD, &(struct rec_filter){ .kind = 0 }, &plain, &m);
	assert_true(slice_eq_str(m.query_done.error, "unknownMethod"));
}

/* ---- get ---- */
static void
rows_come_as_credits_allow(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	struct wbuf ids = { 0 };
	struct rec_email e;
	union msg m;
	size_t rows;

	(void)state;
	make_model(no);
	for (size_t i = 0; i < 500; i++)
		ids_add(&ids, model[i].id);
	ids_add(&ids, 999999);
	send_get(ats.far,
	    &(struct msg_get){ .req = 6, .account = no, .type = OBJ_EMAIL, .ids = wbuf_slice(&ids) });
	for (int i = 0; i < 100 && told_count(&ats, MSG_get_done) == 0; i++)
		turn();
	rows = told_count(&ats, MSG_row);
	assert_int_equal(rows, 500);
	for (size_t i = 0; i < rows; i++) {
		told_next(&ats, MSG_row, &m);
		assert_true(m.row.id == model[i].id);
		assert_int_equal(rec_email_decode(m.row.data, &e), 0);
		assert_true(e.received_at == model[i].received_at);
	}
	told_next(&ats, MSG_get_done, &m);
	assert_int_equal(ids_count(m.get_done.not_found), 1);
	assert_true(m.get_done.state == changes_state(no, OBJ_EMAIL));
	wbuf_free(&ids);
}

static void
all_of_a_type(void **state)
{
	uint32_t one = make_link("rec@agency.example"), two = make_link("sec@agency.example");
	union msg m;

	(void)state;
	changes_record(two, OBJ_IDENTITY, two, CREATED);
	table_put(T_link, KEY(link, .no = one), slice_str("damaged"));
	db_turn_end();
	send_get(ats.far, &(struct msg_get){ .req = 6, .type = OBJ_LINK, .all = true });
	send_get(ats.far, &(struct msg_get){ .req = 7, .account = two, .type = OBJ_IDENTITY, .all = true });
	turn();
	assert_int_equal(told_count(&ats, MSG_row), 2);
	told_next(&ats, MSG_row, &m);
	assert_true(m.row.req == 6 && m.row.id == two);
	told_next(&ats, MSG_get_done, &m);
	told_next(&ats, MSG_row, &m);
	assert_true(m.row.req == 7 && m.row.id == two);
}

/* An asker that leaves in the middle of everything. */
static void
askers_may_leave(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	struct wbuf ids = { 0 };

	(void)state;
	make_model(no);
	for (size_t i = 0; i < 1000; i++)
		ids_add(&ids, model[i].id);
	for (uint32_t i = 0; i < 5; i++) {
		send_get(ats.far,
		    &(struct msg_get){ .req = i, .account = no, .type = OBJ_EMAIL, .ids = wbuf_slice(&ids) });
		send_query(ats.far, &(struct msg_query){ .req = 100 + i, .account = no, .type = OBJ_EMAIL, .total = true });
	}
	chan_read(ats.near);
	ats_forget(ats.near);
	out_forget(ats.near);
	settle(5);
	/* What could be answered at once was; of the rest no word. */
	assert_int_equal(told_count(&ats, MSG_query_done), 5);
	assert_int_equal(told_count(&ats, MSG_row), LIM_CHAN_CREDITS);
	assert_int_equal(told_count(&ats, MSG_get_done), 0);
	wbuf_free(&ids);
}

/* The disk is full in the middle of a long get: who only reads does not notice. */
static void
a_full_disk_keeps_no_reader(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	struct wbuf ids = { 0 };
	union msg m;

	(void)state;
	make_model(no);
	for (size_t i = 0; i < 1000; i++)
		ids_add(&ids, model[i].id);
	db_fail("test");
	send_get(ats.far,
	    &(struct msg_get){ .req = 1, .account = no, .type = OBJ_EMAIL, .ids = wbuf_slice(&ids) });
	for (int i = 0; i < 100; i++) {
		turn();
		db_fail("test");
	}
	turn();
	assert_int_equal(told_count(&ats, MSG_row), 1000);
	told_next(&ats, MSG_get_done, &m);
	assert_int_equal(m.get_done.error.n, 0);
	wbuf_free(&ids);
}

static void
ask_all_of(uint32_t no, uint64_t id)
{
	struct wbuf ids = { 0 };

	ids_add(&ids, id);
	send_get(ats.far, &(struct msg_get){ .req = 1, .account = no, .type = OBJ_EMAIL, .ids = wbuf_slice(&ids) });
	send_query(ats.far, &(struct msg_query){ .req = 2, .account = no, .type = OBJ_EMAIL, .total = true });
	send_changes(ats.far, &(struct msg_changes){ .req = 3, .account = no, .type = OBJ_EMAIL, .epoch = store.epoch });
	pump(&ats);
	wbuf_free(&ids);
}

/* The past is being fetched, its commit put off: a reader sees what is durable, at once, and ends no turn. */
static void
readers_wait_for_no_commit(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t first, second, was;
	union msg m;

	(void)state;
	first = make_email(no, &(struct mail){ .from = "a@a.example", .to = "b@b.example", .subject = "S", .mailbox = 1 });
	db_turn_end();
	was = db_turn();
	db_patient();
	second = make_email(no, &(struct mail){ .from = "a@a.example", .to = "b@b.example", .subject = "S", .mailbox = 1 });
	db_patient_end();
	for (int i = 0; i < 2; i++) {
		ask_all_of(no, i == 0 ? second : first);
		assert_int_equal(told_count(&ats, MSG_row), i);
		told_next(&ats, MSG_get_done, &m);
		assert_int_equal(ids_count(m.get_done.not_found), 1 - i);
		told_next(&ats, MSG_query_done, &m);
		assert_int_equal(m.query_done.total, 1);
		assert_true(ids_at(m.query_done.ids, 0) == first);
		told_next(&ats, MSG_changes_done, &m);
		assert_int_equal(ids_count(m.changes_done.created), 1);
		db_iteration_end();
		assert_int_equal(db_turn(), was);
	}
	db_turn_end();
	ask_all_of(no, second);
	assert_int_equal(told_count(&ats, MSG_row), 1);
	told_next(&ats, MSG_query_done, &m);
	assert_int_equal(m.query_done.total, 2);
}

/* Nor does who downloads. */
static void
a_download_ends_no_turn(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t blob = blob_put(no, slice_str("bytes"), slice_str("text/plain"), 0, store_now() + 100), was;
	union msg m;

	(void)state;
	db_turn_end();
	was = db_turn();
	db_patient();
	table_put_u64(T_meta, KEY(meta, .what = 99), 7);
	db_patient_end();
	send_blob_get(ats.far, &(struct msg_blob_get){ .req = 1, .account = no, .kind = BLOB_RAW, .id = blob });
	pump(&ats);
	told_next(&ats, MSG_blob_data, &m);
	assert_true(slice_eq_str(m.blob_data.data, "bytes"));
	db_iteration_end();
	assert_int_equal(db_turn(), was);
	db_turn_end();
}

/* Nothing can be written from there. */
static void
readers_write_nothing(void **state)
{
	(void)state;
	db_view();
	table_put_u64(T_meta, KEY(meta, .what = 99), 7);
	db_view_end();
	assert_true(db_failed());
	db_turn_end();
	assert_int_equal(table_get_u64(T_meta, KEY(meta, .what = 99)), 0);
	assert_false(db_failed());
}

/* Windows that are found and filled in several turns: ids are 1 to n in order. */
static void
windows_of_a_long_list(void **state)
{
	const uint64_t n = 2 * LIM_QUERY_SLICE + 100, deep = LIM_QUERY_SLICE + 10;
	const struct {
		struct ask ask;
		uint64_t start, ids;
	} cases[] = {
		{ { .ascending = true, .position = -3, .limit = 5 }, n - 3, 3 },
		{ { .ascending = true, .position = -(int32_t)n - 1, .limit = 5, .total = true }, 0, 5 },
		{ { .ascending = true, .anchor = deep, .position = -2, .limit = 3, .total = true }, deep - 3, 3 },
		{ { .ascending = true, .anchor = n, .position = 1, .limit = 3 }, n, 0 },
		{ { .ascending = true, .anchor = 5, .limit = 2 }, 4, 2 },
		{ { .ascending = true, .position = (int32_t)deep, .limit = 2 }, deep, 2 },
	};
	uint32_t no = make_link("rec@agency.example");
	union msg m;

	(void)state;
	for (uint64_t i = 1; i <= n; i++)
		table_put_empty(T_bydate, KEY(bydate, .account = no, .received_at = i, .email = i));
	db_turn_end();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(no, OBJ_EMAIL, &(struct rec_filter){ 0 }, &cases[i].ask, &m);
		assert_int_equal(m.query_done.error.n, 0);
		assert_int_equal(m.query_done.position, cases[i].start);
		assert_int_equal(m.query_done.total, cases[i].ask.total ? n : 0);
		assert_int_equal(ids_count(m.query_done.ids), cases[i].ids);
		for (size_t k = 0; k < cases[i].ids; k++)
			assert_int_equal(ids_at(m.query_done.ids, k), cases[i].start + k + 1);
	}
	ask(no, OBJ_EMAIL, &(struct rec_filter){ 0 }, &(struct ask){ .anchor = n + 1 }, &m);
	assert_true(slice_eq_str(m.query_done.error, "anchorNotFound"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(queries_agree_with_the_model), T(windows_of_a_long_list),
		T(people_and_notes_are_found),
		T(rows_come_as_credits_allow),
		T(all_of_a_type),
		T(askers_may_leave),
		T(a_full_disk_keeps_no_reader),
		T(readers_wait_for_no_commit),
		T(a_download_ends_no_turn),
		T(readers_write_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
