/* Limits of downloads, on both sides of each. */
#include "front.h"

#include "mime_pool.h"

/* One that asks without reading: no credits come back. */
static int
ask(struct chan *c, uint32_t req, uint64_t email, const char *part)
{
	union msg m = { .blob_get = { .req = req, .account = 1, .kind = email != 0 ? BLOB_PART : BLOB_RAW, .id = email,
		.part = slice_str(part) } };
	int fd = -1;

	return ats_on_blob_get(c, &m, &fd);
}

static void
use_up_credits(struct far_end *e)
{
	for (uint32_t i = 0; i < LIM_CHAN_CREDITS; i++)
		assert_int_equal(ask(e->near, 1000000 + i, 0, ""), 0);
	assert_int_equal(out_credits(e->near), 0);
}

static uint32_t last_req;	/* of those counted */

/* Now it reads. How many answers of those that had to wait have this error? */
static size_t
answered(struct far_end *e, const char *error)
{
	size_t n = 0;
	union msg m;

	for (int i = 0; i < 200; i++) {
		turn();
		pump(e);
	}
	while (told_count(e, MSG_blob_data) > 0) {
		told_next(e, MSG_blob_data, &m);
		if (m.blob_data.req >= 1000000 || !slice_eq_str(m.blob_data.error, error))
			continue;
		last_req = m.blob_data.req;
		n++;
	}
	return n;
}

/* limit: LIM_ATS_JOBS: of downloads. Who asks for more waits like the others, for a refusal. */
static void
downloads(void **state)
{
	static struct far_end second;
	const uint32_t more = LIM_ATS_JOBS - LIM_STORE_REQUESTS;

	(void)state;
	(void)make_link("r@blobs.example");
	db_turn_end();
	far_open(&second, ROLE_ATS);
	use_up_credits(&ats);
	use_up_credits(&second);
	/* limit: LIM_STORE_REQUESTS: of one asker. More are a breach. */
	for (uint32_t i = 0; i < LIM_STORE_REQUESTS; i++)
		assert_int_equal(ask(ats.near, i, 0, ""), 0);
	assert_int_equal(ask(ats.near, LIM_STORE_REQUESTS, 0, ""), -1);
	for (uint32_t i = 0; i < more + 1; i++)
		assert_int_equal(ask(second.near, i, 0, ""), 0);
	db_turn_end();
	assert_int_equal(answered(&ats, "notFound"), LIM_STORE_REQUESTS);
	assert_int_equal(answered(&second, "notFound"), more);
	second.read = 0;
	assert_int_equal(answered(&second, "serverUnavailable"), 1);
	assert_int_equal(last_req, more);
	ats_forget(second.near);
	out_forget(second.near);
	far_close(&second);
}

/* ---- decoded parts that wait ---- */

static struct chan *mimes[8];
static int made_fd = -1;	/* LIM_BODY bytes */

/* Part "big" is as large as any, part "one" a byte. */
static int
hear_extract(struct chan *c, const union msg *m, int *fd)
{
	struct msg_made made = { .req = m->extract.req };
	bool big = slice_eq_str(m->extract.part, "big");

	(void)fd;
	if (!big)
		made.data = slice_str("x");
	assert_int_equal(send_made(c, &made, big ? dup(made_fd) : -1), 0);
	return 0;
}

static const chan_handler mime_handlers[MSG__COUNT] = { [MSG_extract] = hear_extract };
static const struct chan_ops mime_ops = { .handlers = mime_handlers, .on_eof = far_gone, .on_broken = far_broken };

static void
play_mimes(size_t n)
{
	static const struct chan_peer there = { .role = ROLE_MIME }, here = { .role = ROLE_STORE };
	struct slice field, bytes = { calloc(1, LIM_BODY), LIM_BODY };
	int fd[2];

	assert_non_null(bytes.p);
	made_fd = body_put(bytes, &field);
	assert_true(made_fd >= 0);
	free((void *)(uintptr_t)bytes.p);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
		mime_on_peer(&there, fd[0]);
		mimes[i] = chan_new(fd[1], ROLE_MIME, &here, &mime_ops, NULL);
		chan_run(mimes[i]);
	}
}

static void
mimes_work(size_t n)
{
	for (int round = 0; round < 20; round++) {
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
		db_turn_end();
		for (size_t i = 0; i < n; i++) {
			chan_read(mimes[i]);
			chan_write(mimes[i]);
		}
	}
}

static uint64_t
stored_email(uint32_t account)
{
	uint64_t id = make_email(account, &(struct mail){ .from = "a@b.example", .subject = "x" });
	struct row_email row;

	assert_true(row_email_get(&row, KEY(email, .account = account, .id = id)));
	row.rec.blob = blob_put(account, slice_str("raw"), SLICE_NONE, 1, 0);
	row_email_put(KEY(email, .account = account, .id = id), &row.rec);
	row_email_free(&row);
	return id;
}

/* limit: LIM_BLOB_HELD */
static void
decoded_parts(void **state)
{
	const uint32_t whole = LIM_BLOB_HELD / LIM_BODY;
	uint64_t email;

	(void)state;
	assert_int_equal(make_link("r@blobs.example"), 1);
	email = stored_email(1);
	db_turn_end();
	use_up_credits(&ats);
	play_mimes(whole + 1);
	for (uint32_t i = 0; i < whole; i++)
		assert_int_equal(ask(ats.near, i, email, "big"), 0);
	mimes_work(whole + 1);
	assert_int_equal(ask(ats.near, whole, email, "one"), 0);
	mimes_work(whole + 1);
	assert_int_equal(answered(&ats, ""), whole);
	ats.read = 0;
	assert_int_equal(answered(&ats, "serverUnavailable"), 1);
	assert_int_equal(last_req, whole);
	close(made_fd);
	for (size_t i = 0; i <= whole; i++)
		chan_free(mimes[i]);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = { T(downloads), T(decoded_parts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
