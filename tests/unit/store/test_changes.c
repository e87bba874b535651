/*
 * The change log, replayed from every state it ever gave by clients that take
 * as few ids at a time as they like.
 */
#include "front.h"

#define OBJECTS 60
#define STATES 4096
#define ACCOUNT 3

static uint32_t seed = 1;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

/* What a client knows: the version of each object, 0 = not there. */
struct client {
	uint64_t state;
	uint32_t version[OBJECTS + 1];
};

static uint32_t now[OBJECTS + 1];	/* the truth */
static bool gone[OBJECTS + 1];
static bool returned[OBJECTS + 1];	/* was destroyed and came back: "created" may be no news */
static struct client clients[STATES];	/* one at every state ever given */
static size_t nclients;

static void
change(uint32_t id)
{
	if (now[id] == 0 && gone[id] && id % 2 == 0)
		return;
	if (now[id] == 0) {
		now[id] = 1 + rnd(1000000);
		changes_record(ACCOUNT, OBJ_EMAIL, id, CREATED);
	} else if (rnd(4) == 0) {
		now[id] = 0;
		gone[id] = true;
		returned[id] = id % 2;	/* even ones stay away */
		changes_record(ACCOUNT, OBJ_EMAIL, id, DESTROYED);
	} else {
		now[id]++;
		changes_record(ACCOUNT, OBJ_EMAIL, id, UPDATED);
	}
}

/* /get: a client that is told of an object reads its newest version. */
static void
take(struct client *c, const struct wbuf *ids, enum change what)
{
	for (size_t i = 0; i < ids_count(wbuf_slice(ids)); i++) {
		uint64_t id = ids_at(wbuf_slice(ids), i);

		assert_in_range(id, 1, OBJECTS);
		if (what == CREATED && !returned[id])
			assert_int_equal(c->version[id], 0);
		if (what == UPDATED)
			assert_int_not_equal(c->version[id], 0);
		c->version[id] = what == DESTROYED ? 0 : now[id];
	}
}

static bool
step(struct client *c, uint32_t max)
{
	struct changes r;

	assert_int_equal(changes_since(ACCOUNT, OBJ_EMAIL, c->state, max, &r), 0);
	assert_true((r.created.n + r.updated.n + r.destroyed.n) / 8 <= max);
	take(c, &r.created, CREATED);
	take(c, &r.updated, UPDATED);
	take(c, &r.destroyed, DESTROYED);
	c->state = r.new_state;
	changes_free(&r);
	return r.more;
}

static void
every_client_arrives(void **state)
{
	(void)state;
	memset(now, 0, sizeof(now));
	memset(clients, 0, sizeof(clients));
	nclients = 1;
	for (int round = 0; round < 400; round++) {
		for (uint32_t n = rnd(6); n > 0; n--)
			change(1 + rnd(OBJECTS));
		if (rnd(3) == 0)
			db_turn_end();
		/* somebody looks a little further; the client of the old state stays behind */
		for (int look = 0; look < 4 && nclients < STATES; look++) {
			clients[nclients] = clients[rnd((uint32_t)nclients)];
			step(&clients[nclients++], 1 + rnd(7));
		}
	}
	for (size_t i = 0; i < nclients; i++) {
		while (step(&clients[i], 1 + rnd(9)))
			continue;
		assert_memory_equal(clients[i].version, now, sizeof(now));
		assert_true(clients[i].state == changes_state(ACCOUNT, OBJ_EMAIL));
	}
}

static void
one_row_an_object(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		changes_record(ACCOUNT, OBJ_NOTE, 1 + i % 5, UPDATED);
	assert_int_equal(rows_of(T_change, PREFIX(change, 2, .account = ACCOUNT, .type = OBJ_NOTE)), 5);
}

static void
odd_states_are_refused(void **state)
{
	struct changes r;

	(void)state;
	changes_record(ACCOUNT, OBJ_EMAIL, 1, CREATED);
	assert_int_equal(changes_since(ACCOUNT, OBJ_EMAIL, 2, 10, &r), -1);
	assert_int_equal(changes_since(ACCOUNT, OBJ_NOTE, 1, 10, &r), -1);
	assert_int_equal(changes_since(ACCOUNT, OBJ_EMAIL, UINT64_MAX, 10, &r), -1);
	changes_record(ACCOUNT, OBJ_NOTE, 9, DESTROYED);	/* was never there */
	assert_int_equal(changes_state(ACCOUNT, OBJ_NOTE), 0);
}

static void
tombstones_are_forgotten_honestly(void **state)
{
	struct changes r;
	uint64_t now_s = store_now();

	(void)state;
	for (uint32_t i = 1; i <= 10; i++)
		changes_record(ACCOUNT, OBJ_EMAIL, i, CREATED);
	changes_record(ACCOUNT, OBJ_EMAIL, 4, DESTROYED);
	assert_int_equal(changes_expire(now_s, 100), 0);
	assert_int_equal(changes_since(ACCOUNT, OBJ_EMAIL, 10, 10, &r), 0);
	assert_int_equal(r.destroyed.n, 8);
	changes_free(&r);
	assert_int_equal(changes_expire(now_s + LIM_CHANGES_SECONDS - 1, 100), 0);	/* limit: LIM_CHANGES_SECONDS */
	assert_int_equal(changes_expire(now_s + LIM_CHANGES_SECONDS + 1, 100), 1);
	assert_int_equal(changes_since(ACCOUNT, OBJ_EMAIL, 10, 10, &r), -1);
	assert_int_equal(changes_since(ACCOUNT, OBJ_EMAIL, 11, 10, &r), 0);
	changes_free(&r);
}

/* Over the channel: epochs, accounts, and one event a type and turn. */
static void
the_ats_asks(void **state)
{
	uint32_t no = make_link("r@agency.example");
	struct msg_changes q = { .req = 5, .account = no, .type = OBJ_EMAIL, .epoch = store.epoch };
	union msg m;

	(void)state;
	push_add(ats.near);
	for (uint32_t i = 100; i < 110; i++)
		changes_record(no, OBJ_EMAIL, i, CREATED);
	turn();
	told_next(&ats, MSG_state_change, &m);	/* the link */
	told_next(&ats, MSG_state_change, &m);
	assert_int_equal(m.state_change.account, no);
	assert_true(m.state_change.state == changes_state(no, OBJ_EMAIL));
	assert_int_equal(told_count(&ats, MSG_state_change), 0);
	send_changes(ats.far, &q);
	q.epoch++;
	send_changes(ats.far, &q);
	q.epoch--;
	q.account = no + 1;
	send_changes(ats.far, &q);
	turn();
	told_next(&ats, MSG_changes_done, &m);
	assert_int_equal(m.changes_done.error.n, 0);
	assert_int_equal(ids_count(m.changes_done.created), 10);
	told_next(&ats, MSG_changes_done, &m);
	assert_true(slice_eq_str(m.changes_done.error, "cannotCalculateChanges"));
	told_next(&ats, MSG_changes_done, &m);
	assert_true(slice_eq_str(m.changes_done.error, "accountNotFound"));
	push_remove(ats.near);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(every_client_arrives),
		T(one_row_an_object),
		T(odd_states_are_refused),
		T(tombstones_are_forgotten_honestly),
		T(the_ats_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
