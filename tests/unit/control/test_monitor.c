/* posternctl monitor: the links, then what the stores tell, without an end. */
#include "control_test.h"

static struct admin a, b;
static uint32_t req;
static unsigned int asked, watches;
static bool watching;

static int
on_get(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	req = m->get.req;
	asked++;
	return 0;
}

static int
on_watch(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	watching = m->watch.on;
	watches++;
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = { [MSG_get] = on_get, [MSG_watch] = on_watch };
static struct chan *master, *one;

static void
settle(void)
{
	turns();
	chan_read(one);
}

static void
tell_mail(uint32_t count)
{
	assert_int_equal(send_watched(one, &(struct msg_watched){ .what = WATCHED_MAIL, .link = 7, .count = count }), 0);
	turns();
}

static void
tell_link(uint64_t id)
{
	struct rec_link l = { .address = slice_str("anna@example.org"), .mode = MODE_TWO_WAY, .state = LINK_LIVE,
		.fresh = 3 };
	struct wbuf w = { .max = 8192 };

	rec_link_encode(&w, &l);
	assert_int_equal(send_row(one, &(struct msg_row){ req, OBJ_LINK, id, wbuf_slice(&w) }, -1), 0);
	wbuf_free(&w);
	assert_int_equal(send_get_done(one, &(struct msg_get_done){ .req = req }), 0);
	turns();
}

static void
follow(struct admin *who, const char *ats)
{
	struct ctl f;

	admin_hello(who);
	admin_ask(who, CTL_monitor, &(struct ctl_monitor){ .ats = slice_str(ats) });
	settle();
	tell_link(7);
	assert_int_equal(admin_next(who, &f), CTL_watched);
	assert_int_equal(f.watched.what, WATCHED_LINK);
	assert_int_equal(f.watched.link, 7);
	assert_true(f.watched.record.n > 0);
	assert_int_equal(admin_next(who, &f), CTL_none);
}

static void
told_mail(struct admin *who, uint32_t count)
{
	struct ctl f;

	assert_int_equal(admin_next(who, &f), CTL_watched);
	assert_int_equal(f.watched.what, WATCHED_MAIL);
	assert_int_equal(f.watched.count, count);
	assert_true(slice_eq_str(f.watched.ats, "one"));
}

/* Stores tell as long as somebody looks, and each event goes to all who do. */
static void
events_go_to_all(void **state)
{
	static struct admin other;	/* asks for nothing */
	struct ctl f;

	(void)state;
	admin_hello(&other);
	follow(&a, "");
	assert_true(watching && watches == 1);
	follow(&b, "one");
	assert_int_equal(watches, 1);
	tell_mail(3);
	told_mail(&a, 3);
	told_mail(&b, 3);
	assert_int_equal(admin_next(&other, &f), CTL_none);
	close(other.fd);
	close(a.fd);
	settle();
	assert_true(watching);
	close(b.fd);
	settle();
	assert_true(!watching && watches == 2);
	tell_mail(4);	/* was on its way: to nobody */
	chan_read(master);
	assert_true(strstr(audited, "monitor") != NULL);
	assert_null(strstr(audited, "abandoned"));
}

/* limit: LIM_CTL_MONITORS */
static void
too_many(void **state)
{
	static struct admin many[LIM_CTL_MONITORS];

	(void)state;
	for (size_t i = 0; i < LIM_CTL_MONITORS; i++)
		follow(&many[i], "");
	admin_hello(&a);
	admin_ask(&a, CTL_monitor, &(struct ctl_monitor){ .ats = SLICE_NONE });
	assert_done(&a, "proc.limit_hit");
	close(many[0].fd);
	settle();
	assert_true(watching);
	close(a.fd);
	turns();
	follow(&a, "");
	for (size_t i = 1; i < LIM_CTL_MONITORS; i++)
		close(many[i].fd);
	close(a.fd);
	settle();
	assert_false(watching);
}

/* One that does not read misses events, is told how many, and keeps its place. */
static void
a_slow_reader(void **state)
{
	static uint8_t record[LIM_CTL_RECORD];
	uint32_t lost = 0, seen = 0, sent = 0;
	struct ctl f;

	(void)state;
	follow(&a, "");
	for (; sent < 200; sent++) {
		assert_int_equal(send_watched(one, &(struct msg_watched){ .what = WATCHED_LINK, .link = 7,
		    .record = slice_mem(record, sizeof(record)) }), 0);
		turns();
	}
	for (int i = 0; i < 200; i++) {
		turns();
		while (admin_next(&a, &f) == CTL_watched)
			seen++;
		a.n -= a.taken;
		memmove(a.in, a.in + a.taken, a.n);
		a.taken = 0;
	}
	assert_in_range(seen, 1, sent - 1);
	tell_mail(1);
	assert_int_equal(admin_next(&a, &f), CTL_watched);
	assert_int_equal(f.watched.what, WATCHED_LOST);
	lost = f.watched.count;
	assert_int_equal(seen + lost, sent);
	told_mail(&a, 1);
	tell_mail(2);	/* nothing was lost since */
	told_mail(&a, 2);
	close(a.fd);
	settle();
}

/* A store that comes meanwhile is asked too; who follows one ATS hears nothing of another. */
static void
another_store(void **state)
{
	struct chan *two;
	struct ctl f;

	(void)state;
	follow(&a, "one");
	watches = 0;
	two = play_store("two", handlers);
	turns();
	chan_read(two);
	assert_true(watching && watches == 1);
	assert_int_equal(send_watched(two, &(struct msg_watched){ .what = WATCHED_MAIL, .link = 7, .count = 5 }), 0);
	turns();
	assert_int_equal(admin_next(&a, &f), CTL_none);
	tell_mail(6);
	told_mail(&a, 6);
	close(a.fd);
	settle();
	chan_read(two);
	assert_true(!watching && watches == 3);
	chan_free(two);
	turns();
}

/* What a store may not say. */
static void
odd_words(void **state)
{
	union msg m = { .watched = { .what = WATCHED_LOST } };
	int fd = -1;

	(void)state;
	assert_int_equal(monitor_on_watched(one, &m, &fd), 0);
	m.watched.what = WATCHED_LOST + 1;
	assert_int_equal(monitor_on_watched(one, &m, &fd), -1);
	m.watched.what = 0;
	assert_int_equal(monitor_on_watched(one, &m, &fd), -1);
}

int
main(void)
{
	static const chan_handler none[MSG__COUNT];
	const struct CMUnitTest tests[] = { cmocka_unit_test(events_go_to_all), cmocka_unit_test(too_many),
		cmocka_unit_test(a_slow_reader), cmocka_unit_test(another_store), cmocka_unit_test(odd_words) };
	int failed;

	master = play_master(none);
	one = play_store("one", handlers);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	chan_free(master);
	return failed;
}
