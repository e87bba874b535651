/*
 * posternctl monitor, at the store: what is told of links, mail and
 * submissions, once with each commit, and what becomes of too much.
 * limit: LIM_WATCH_EVENTS
 */
#include "mail_time.h"

#include "watch.h"

#define SEEN 1024

static struct seen {
	uint8_t what, state;
	uint32_t link, count;
	uint64_t id;
	char code[LIM_CODE + 1];
	bool row;		/* of a link: */
	uint8_t link_state;
	uint32_t done, rate, left, fresh;
} seen[SEEN];
static size_t nseen, taken;
static struct chan *near, *far;

static int
on_watched(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_watched *w = &m->watched;
	struct seen *s = &seen[nseen++];
	struct rec_link l;

	(void)c;
	(void)fd;
	assert_true(nseen < SEEN);
	*s = (struct seen){ .what = w->what, .state = w->state, .link = w->link, .count = w->count, .id = w->id,
		.row = w->record.n > 0 };
	assert_int_equal(slice_copy(w->code, s->code, sizeof(s->code)), 0);
	if (!s->row)
		return 0;
	assert_int_equal(rec_link_decode(w->record, &l), 0);
	s->link_state = l.state;
	s->done = l.done;
	s->rate = l.rate;
	s->left = l.left;
	s->fresh = l.fresh;
	return 0;
}

static void
watch(bool on)
{
	union msg m = { .watch = { .on = on } };
	int fd = -1;

	assert_int_equal(watch_on_watch(near, &m, &fd), 0);
}

static int
begin(void **state)
{
	static const chan_handler hears[MSG__COUNT] = { [MSG_watched] = on_watched }, none[MSG__COUNT];
	static const struct chan_ops far_ops_ = { .handlers = hears, .on_eof = ignore_eof, .on_broken = far_broke };
	static const struct chan_ops near_ops = { .handlers = none, .on_eof = ignore_eof, .on_broken = far_broke };
	static bool once;
	int sv[2];

	if (setup(state) == -1)
		return -1;
	if (!once)
		watch_init();
	once = true;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	near = loop_chan(sv[0], &(struct chan_peer){ .role = ROLE_CONTROL }, &near_ops, NULL);
	far = chan_new(sv[1], ROLE_CONTROL, &(struct chan_peer){ .role = ROLE_STORE }, &far_ops_, NULL);
	chan_run(far);
	nseen = taken = 0;
	watch(true);
	return 0;
}

static int
end(void **state)
{
	watch_forget(near);
	out_forget(near);
	chan_free(near);
	chan_free(far);
	return teardown(state);
}

/* Something is written in this turn, as in each that has events. */
static void
write_something(void)
{
	static uint64_t n;

	table_put_u64(T_learned, KEY(learned, .account = LINK), ++n % 2);
}

/* One commit, and what is heard of it. */
static size_t
told(void)
{
	size_t before = nseen;

	write_something();
	turn();
	for (int i = 0; i < 10; i++) {
		chan_read(far);
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	}
	return nseen - before;
}

static const struct seen *
next(void)
{
	assert_true(taken < nseen);
	return &seen[taken++];
}

/* A link as it is now, with what stands in no row; once, however often it changed. */
static void
links(void **state)
{
	const struct seen *s;

	(void)state;
	assert_non_null(link_run_of(LINK));
	link_set_state(LINK, LINK_SYNCING, "", SLICE_NONE);
	link_progress(LINK, PHASE_HEADERS, 0, 40);
	for (int i = 0; i < 20; i++)
		link_moved(LINK, PHASE_HEADERS);
	time_pass(1000);
	link_progress(LINK, PHASE_HEADERS, 20, 40);
	assert_int_equal(told(), 1);
	s = next();
	assert_true(s->what == WATCHED_LINK && s->link == LINK && s->link_state == LINK_SYNCING);
	assert_int_equal(s->done, 20);
	assert_int_equal(s->rate, 100);	/* twenty in two seconds, in tenths */
	assert_int_equal(s->left, 3);
	assert_int_equal(told(), 0);
	link_set_state(LINK, LINK_LIVE, "", SLICE_NONE);
	link_whole(LINK, 4);
	assert_int_equal(told(), 1);
	assert_int_equal(next()->fresh, 5);
}

/* One that is not there any more is told too: without a record. */
static void
a_link_that_is_gone(void **state)
{
	const struct seen *s;

	(void)state;
	watch_changed(ACCOUNT_ATS, OBJ_LINK, 77);
	assert_int_equal(told(), 1);
	s = next();
	assert_true(s->what == WATCHED_LINK && s->link == 77 && !s->row);
}

static void
mail_is_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		watch_mail(LINK);
	watch_mail(LINK + 1);
	watch_mail(LINK);
	watch_changed(LINK, OBJ_EMAIL, 9);	/* nobody's question */
	assert_int_equal(told(), 2);
	assert_true(seen[0].what == WATCHED_MAIL && seen[0].link == LINK && seen[0].count == 4);
	assert_true(seen[1].what == WATCHED_MAIL && seen[1].link == LINK + 1 && seen[1].count == 1);
	watch_mail(LINK);
	assert_int_equal(told(), 1);
	assert_int_equal(seen[2].count, 1);
}

static void
submissions(void **state)
{
	struct rec_submission r = { .state = SUB_FAILED, .code = slice_str("send.rejected") };
	struct wbuf rcpts = { .max = 0 };

	(void)state;
	by_hand = true;
	list_add(&rcpts, slice_str("a"));
	list_add(&rcpts, slice_str("b"));
	r.rcpts = wbuf_slice(&rcpts);
	row_submission_put(KEY(submission, .account = LINK, .id = 5), &r);
	wbuf_free(&rcpts);
	watch_changed(LINK, OBJ_SUBMISSION, 5);
	watch_changed(LINK, OBJ_SUBMISSION, 6);	/* gone */
	assert_int_equal(told(), 1);
	assert_true(seen[0].what == WATCHED_SEND && seen[0].link == LINK && seen[0].id == 5);
	assert_true(seen[0].state == SUB_FAILED && seen[0].count == 2);
	assert_string_equal(seen[0].code, "send.rejected");
}

/* limit: LIM_WATCH_EVENTS: of one turn; of more the number is told, once. */
static void
many_in_a_turn(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < LIM_WATCH_EVENTS; i++)
		watch_mail(1000 + i);
	assert_int_equal(told(), LIM_WATCH_EVENTS);
	taken = nseen;
	for (uint32_t i = 0; i < LIM_WATCH_EVENTS + 2; i++)
		watch_mail(1000 + i);
	watch_mail(1000);	/* one of those that are noted */
	assert_int_equal(told(), LIM_WATCH_EVENTS + 1);
	assert_true(seen[taken].what == WATCHED_LOST && seen[taken].count == 2);
	assert_int_equal(seen[taken + 1].count, 2);
	watch_mail(7);
	assert_int_equal(told(), 1);
}

/* What was undone was never so. */
static void
an_aborted_turn(void **state)
{
	(void)state;
	watch_mail(8);
	db_fail("test");
	(void)told();
	assert_int_equal(nseen, 0);
	watch_mail(9);
	assert_int_equal(told(), 1);
	assert_int_equal(seen[0].link, 9);
}

/* limit: LIM_EVENTS_WAITING: nothing piles up for one that does not read; it hears how much it missed. */
static void
one_that_does_not_read(void **state)
{
	size_t given = 0, most = 0;
	uint32_t heard = 0;

	(void)state;
	for (; given < 40000; given += LIM_WATCH_EVENTS) {
		for (uint32_t i = 0; i < LIM_WATCH_EVENTS; i++)
			watch_mail(1000 + i);
		write_something();
		db_turn_end();
		most = chan_queued(near) > most ? chan_queued(near) : most;
	}
	assert_in_range(most, LIM_EVENTS_WAITING, 2 * LIM_EVENTS_WAITING);
	watch_mail(1);
	nseen = 0;
	for (int i = 0; i < 1000; i++) {
		chan_read(far);
		chan_write(near);
		for (size_t k = 0; k < nseen; k++)
			heard += seen[k].what == WATCHED_LOST ? 100000 : 1;
		nseen = 0;
	}
	assert_true(heard < given);
	assert_int_equal(told(), 2);
	assert_true(seen[0].what == WATCHED_LOST && seen[0].count + heard == given);
	assert_true(seen[1].what == WATCHED_MAIL && seen[1].link == 1);
}

/* Who does not look any more, or is gone, is told nothing. */
static void
nobody_looks(void **state)
{
	(void)state;
	watch(false);
	watch_mail(8);
	assert_int_equal(told(), 0);
	watch(true);
	assert_int_equal(told(), 0);
	watch_mail(8);
	watch_forget(far);	/* another's channel */
	assert_int_equal(told(), 1);
	watch_mail(8);
	watch_forget(near);
	assert_int_equal(told(), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = { T(links), T(a_link_that_is_gone), T(mail_is_counted), T(submissions),
		T(many_in_a_turn), T(an_aborted_turn), T(one_that_does_not_read), T(nobody_looks) };

	return cmocka_run_group_tests_name("what a monitor is told", tests, NULL, NULL);
}
