/*
 * What one ATS block may take: storage and submissions, on both sides.
 */
#include "front.h"
#include "quota.h"

#define MIB ((size_t)1 << 20)

static struct slice
noise(size_t n)
{
	uint8_t *p = malloc(n);

	randombytes_buf(p, n);
	return slice_mem(p, n);
}

/* What is used now, found by asking: the largest n that fits below max. */
static size_t
room(void)
{
	size_t low = 0, high = (size_t)store.max_storage << 20;

	while (low < high) {
		size_t mid = low + (high - low + 1) / 2;

		if (quota_room(mid))
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

static void
storage_has_an_end(void **state)
{
	struct slice data = noise(MIB);
	size_t before;
	uint64_t id;

	(void)state;
	assert_true(quota_room(SIZE_MAX / 2));	/* 0: no limit */
	store.max_storage = 2;
	before = room();
	assert_true(before > MIB);
	id = blob_put(1, data, SLICE_NONE, 1, 0);
	assert_true(room() <= before - MIB);
	assert_true(quota_room(room()));
	assert_false(quota_room(room() + 1));
	(void)blob_put(1, data, SLICE_NONE, 1, 0);
	assert_false(quota_room(0));
	blob_unref(1, id);
	assert_true(quota_room(0));	/* pages that are free count no more */
	store.max_storage = 0;
	blob_release(&data);
}

static struct msg_set_done
upload(uint32_t account, struct slice data)
{
	struct msg_blob_put q = { .req = 3, .account = account, .type = slice_str("application/pdf") };
	int fd = body_put(data, &q.data);
	union msg m;

	send_blob_put(ats.far, &q, fd);
	turn();
	told_next(&ats, MSG_set_done, &m);
	return m.set_done;
}

static void
uploads_are_refused(void **state)
{
	uint32_t no = make_link("r@agency.example");
	struct slice data = noise(MIB + 1);

	(void)state;
	store.max_storage = 1;
	assert_true(slice_eq_str(upload(no, data).error, "overQuota"));
	assert_int_equal(upload(no, slice_mem(data.p, MIB / 2)).error.n, 0);
	assert_true(slice_eq_str(upload(no, slice_mem(data.p, MIB / 2)).error, "overQuota"));
	store.max_storage = 2;
	assert_int_equal(upload(no, slice_mem(data.p, MIB / 2)).error.n, 0);
	store.max_storage = 0;
	blob_release(&data);
}

/* limit: LIM_SUBMISSION_WINDOW_SECONDS */
static void
submissions_have_a_rate(void **state)
{
	uint64_t t = 1000;

	(void)state;
	store.max_submissions = 3;
	for (unsigned int i = 0; i < 3; i++)
		assert_true(quota_submission(t));
	assert_false(quota_submission(t));
	assert_false(quota_submission(t + LIM_SUBMISSION_WINDOW_SECONDS - 1));
	assert_true(quota_submission(t + LIM_SUBMISSION_WINDOW_SECONDS));
	store.max_submissions = 0;
	for (unsigned int i = 0; i < 100; i++)
		assert_true(quota_submission(t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(storage_has_an_end, front_setup, front_teardown),
		cmocka_unit_test_setup_teardown(uploads_are_refused, front_setup, front_teardown),
		cmocka_unit_test_setup_teardown(submissions_have_a_rate, front_setup, front_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
