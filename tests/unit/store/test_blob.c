/*
 * Blobs: bytes, references, holds, damage; uploads and downloads.
 */
#include "front.h"

#include "blob_pack.h"

static const size_t sizes[] = { 0, 1, 4096, BLOB_CHUNK - 1, BLOB_CHUNK, BLOB_CHUNK + 1, 3 * BLOB_CHUNK, 1 << 20 };

static struct slice
noise(size_t n, bool soft)
{
	uint8_t *p = malloc(n + 1);

	randombytes_buf(p, n);
	for (size_t i = 0; soft && i < n; i++)
		p[i] = (uint8_t)('a' + p[i] % 3);
	return slice_mem(p, n);
}

/* No match is in it, but six bits of eight; of text most goes. */
static void
base64_is_packed_too(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct slice in = noise(BLOB_CHUNK, false), row;
	uint8_t *p = (uint8_t *)(uintptr_t)in.p, *out = malloc(in.n);

	(void)state;
	for (size_t i = 0; i < in.n; i++)
		p[i] = (uint8_t)digits[p[i] % 64];
	row = blob_pack(in);
	assert_in_range(row.n, 1, in.n * 78 / 100);
	assert_int_equal(blob_unpack(row, out, in.n), 0);
	assert_memory_equal(out, in.p, in.n);
	for (size_t i = 0; i < in.n; i++)
		p[i] = (uint8_t)digits[i % 100 * 7 % 64];
	assert_in_range(blob_pack(in).n, 1, in.n / 10);
	free(out);
	blob_release(&in);
}

static void
bytes_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct slice in = noise(sizes[i / 2], i % 2), out;
		uint64_t id = blob_put(1, in, slice_str("text/plain"), 1, 0);
		struct blob_info info;

		assert_int_not_equal(id, 0);
		db_turn_end();
		assert_true(blob_stat(1, id, &info));
		assert_int_equal(info.size, in.n);
		assert_string_equal(info.type, "text/plain");
		assert_int_equal(blob_get(1, id, &out), 0);
		assert_true(slice_eq(in, out));
		assert_int_equal(blob_get(2, id, &(struct slice){ NULL, 0 }), -1);
		blob_release(&in);
		blob_release(&out);
	}
}

static void
rows_are_small(void **state)
{
	struct slice in = noise(1 << 20, false), key, v;
	struct scan s;

	(void)state;
	blob_put(1, in, SLICE_NONE, 1, 0);
	scan_prefix(&s, T_blobrow, PREFIX(blobrow, 0, .account = 0), false);
	while (scan_next(&s, &key, &v))
		assert_true(v.n <= 65536);
	blob_release(&in);
}

static void
the_last_reference_counts(void **state)
{
	uint64_t id = blob_put(1, slice_str("abc"), SLICE_NONE, 1, 0);

	(void)state;
	blob_ref(1, id);
	blob_unref(1, id);
	assert_true(blob_stat(1, id, &(struct blob_info){ 0 }));
	blob_unref(1, id);
	assert_false(blob_stat(1, id, &(struct blob_info){ 0 }));
	blob_unref(1, id);
	assert_int_equal(rows_in(T_blob) + rows_in(T_blobrow) + rows_in(T_blobend), 0);
}

static void
an_upload_waits_for_its_use(void **state)
{
	uint64_t now = store_now(), used, unused;

	(void)state;
	used = blob_put(1, slice_str("abc"), SLICE_NONE, 0, now + 100);
	unused = blob_put(1, slice_str("def"), SLICE_NONE, 0, now + 100);
	assert_int_equal(blob_expire(now, 10), 0);
	blob_ref(1, used);
	assert_int_equal(blob_expire(now + 101, 10), 1);
	assert_true(blob_stat(1, used, &(struct blob_info){ 0 }));
	assert_false(blob_stat(1, unused, &(struct blob_info){ 0 }));
	blob_unref(1, used);	/* its hold is not over: expire takes it */
	assert_true(blob_stat(1, used, &(struct blob_info){ 0 }));
	blob_expire(now + 101, 10);
	assert_int_equal(rows_in(T_blob) + rows_in(T_blobrow) + rows_in(T_blobend), 0);
}

static void
damage_is_noticed(void **state)
{
	struct slice in = noise(200000, true), out;
	uint64_t id = blob_put(1, in, SLICE_NONE, 1, 0), other;

	(void)state;
	table_put(T_blobrow, KEY(blobrow, .account = 1, .id = id, .n = 1), slice_str("\1garbage"));
	assert_int_equal(blob_get(1, id, &out), -1);
	table_del(T_blobrow, KEY(blobrow, .account = 1, .id = id, .n = 1));
	assert_int_equal(blob_get(1, id, &out), -1);
	table_put(T_blob, KEY(blob, .account = 1, .id = id), slice_str("?"));
	assert_int_equal(blob_get(1, id, &out), -1);
	other = blob_put(1, in, SLICE_NONE, 1, 0);
	assert_int_equal(blob_get(1, other, &out), 0);
	blob_release(&in);
	blob_release(&out);
	assert_false(db_failed());
}

static void
texts_come_back(void **state)
{
	struct slice big = noise(LIM_TEXT_PART + 10, true), out;
	uint32_t flags;

	(void)state;
	text_put(1, 7, slice_str("1.2"), BLOB_ENCODING_PROBLEM, slice_str("gr\303\274n"));
	text_put(1, 7, slice_str("2"), 0, big);
	assert_int_equal(text_get(1, 7, slice_str("1.2"), &flags, &out), 0);
	assert_true(slice_eq_str(out, "gr\303\274n"));
	assert_int_equal(flags, BLOB_ENCODING_PROBLEM);
	blob_release(&out);
	assert_int_equal(text_get(1, 7, slice_str("2"), &flags, &out), 0);
	assert_int_equal(out.n, LIM_TEXT_PART);
	assert_int_equal(flags, BLOB_TRUNCATED);
	blob_release(&out);
	text_erase(1, 7);
	assert_int_equal(text_get(1, 7, slice_str("2"), &flags, &out), -1);
	blob_release(&big);
}

static void
packed_with_its_texts(void **state)
{
	static const size_t pairs[][2] = { { 1, 1 }, { 3000, 2000 }, { BLOB_CHUNK, BLOB_BEHIND } };
	struct slice out;
	uint32_t flags;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (int random = 0; random <= 1; random++) {
			struct slice raw = noise(pairs[i][0], random != 0), texts = noise(pairs[i][1], random == 0);
			uint64_t id = blob_put_with(1, raw, slice_str("message/rfc822"), texts);
			uint32_t n = (uint32_t)texts.n;

			assert_int_equal(blob_get(1, id, &out), 0);
			assert_true(slice_eq(out, raw));
			blob_release(&out);
			text_put_behind(1, 7, slice_str("1"), BLOB_TRUNCATED, n - n / 2, id, n / 2);
			assert_int_equal(text_get(1, 7, slice_str("1"), &flags, &out), 0);
			assert_int_equal(flags, BLOB_TRUNCATED);
			assert_true(slice_eq(out, slice_mem(texts.p + n / 2, n - n / 2)));
			blob_release(&out);
			assert_int_equal(blob_get_behind(1, id, n, 0, &out), 0);
			blob_release(&out);
			assert_int_equal(blob_get_behind(1, id, n, 1, &out), -1);
			assert_int_equal(blob_get_behind(1, id, n + 1, 0, &out), -1);
			assert_int_equal(blob_get_behind(1, id, 1, UINT32_MAX, &out), -1);
			blob_ref(1, id);	/* its description is written anew */
			blob_unref(1, id);
			assert_int_equal(blob_get_behind(1, id, 0, n, &out), 0);
			blob_release(&out);
			blob_unref(1, id);
			assert_int_equal(rows_in(T_blob) + rows_in(T_blobrow), 0);
			assert_int_equal(text_get(1, 7, slice_str("1"), &flags, &out), -1);
			text_erase(1, 7);
			blob_release(&raw);
			blob_release(&texts);
		}
}

/* What is larger is not for one row; what says otherwise is damaged. */
static void
too_much_for_one_row(void **state)
{
	struct slice raw = noise(BLOB_CHUNK + 1, true), texts = noise(BLOB_BEHIND + 1, true), out, v;
	struct wbuf w = { .max = 0 };
	uint64_t id;

	(void)state;
	assert_int_equal(blob_put_with(1, raw, SLICE_NONE, slice_str("x")), 0);
	assert_int_equal(blob_put_with(1, slice_str("x"), SLICE_NONE, texts), 0);
	id = blob_put_with(1, slice_str("raw"), SLICE_NONE, slice_str("text"));
	text_put_behind(1, 7, slice_str("1"), 0, 4, id, 0);
	assert_true(table_get(T_email_text, KEY(email_text, .account = 1, .id = 7, .part = slice_str("1")), &v));
	assert_true(text_sound(1, v));
	assert_false(text_sound(2, v));
	w_raw(&w, v.p, v.n);
	assert_false(text_sound(1, slice_mem(w.p, w.n - 1)));
	w.p[w.n - 4]++;		/* its offset */
	assert_false(text_sound(1, wbuf_slice(&w)));
	wbuf_reset(&w);
	assert_true(table_get(T_blob, KEY(blob, .account = 1, .id = id), &v));
	w_raw(&w, v.p, v.n);
	w.p[w.n - 4]++;		/* more bytes behind than there are */
	table_put(T_blob, KEY(blob, .account = 1, .id = id), wbuf_slice(&w));
	assert_int_equal(blob_get(1, id, &out), -1);
	w.p[w.n - 1] = 1;	/* more than may be */
	table_put(T_blob, KEY(blob, .account = 1, .id = id), wbuf_slice(&w));
	assert_false(blob_stat(1, id, &(struct blob_info){ 0 }));
	wbuf_free(&w);
	blob_release(&raw);
	blob_release(&texts);
}

/* ---- over the channel ---- */
static uint64_t
upload(uint32_t account, struct slice data)
{
	struct msg_blob_put q = { .req = 3, .account = account, .type = slice_str("application/pdf") };
	int fd = body_put(data, &q.data);
	union msg m;

	send_blob_put(ats.far, &q, fd);
	turn();
	told_next(&ats, MSG_set_done, &m);
	assert_int_equal(m.set_done.error.n, 0);
	assert_int_equal(m.set_done.size, data.n);
	return m.set_done.blob;
}

static void
download(uint32_t account, uint64_t id, const char *error, struct slice want)
{
	struct msg_blob_get q = { .req = 4, .account = account, .kind = BLOB_RAW, .id = id };
	struct body b;
	struct told *t;
	union msg m;

	send_blob_get(ats.far, &q);
	turn();
	t = told_next(&ats, MSG_blob_data, &m);
	assert_true(slice_eq_str(m.blob_data.error, error));
	if (*error != '\0')
		return;
	assert_int_equal(body_open(&b, m.blob_data.data, &t->fd), 0);
	assert_true(slice_eq(b.data, want));
	body_close(&b);
}

static void
uploads_and_downloads(void **state)
{
	uint32_t one = make_link("r@agency.example"), two = make_link("s@agency.example");
	struct slice big = noise(300000, false);
	uint64_t id;

	(void)state;
	id = upload(one, big);
	download(one, id, "", big);
	download(two, id, "notFound", SLICE_NONE);
	download(99, id, "notFound", SLICE_NONE);
	download(one, upload(one, slice_str("x")), "", slice_str("x"));
	blob_release(&big);
}

/* More downloads than credits, also of errors: each is answered once. */
static void
downloads_wait_for_credits(void **state)
{
	uint32_t no = make_link("r@agency.example");
	uint64_t id = blob_put(no, slice_str("x"), SLICE_NONE, 1, 0);
	size_t n;

	(void)state;
	db_turn_end();
	for (uint32_t i = 0; i < 100; i++)
		send_blob_get(ats.far,
		    &(struct msg_blob_get){ .req = i, .account = no, .kind = BLOB_RAW, .id = i % 2 ? id : 999 });
	for (int i = 0; i < 30; i++)
		turn();
	n = told_count(&ats, MSG_blob_data);
	assert_int_equal(n, 100);
}

static void
content_that_is_not_here(void **state)
{
	uint32_t no = make_link("r@agency.example");
	uint64_t email = make_email(no, &(struct mail){ .from = "a@b.example", .subject = "x", .header_only = true });
	union msg m;

	(void)state;
	db_turn_end();
	send_blob_get(ats.far, &(struct msg_blob_get){ .account = no, .kind = BLOB_PART, .id = email });
	send_blob_get(ats.far,
	    &(struct msg_blob_get){ .account = no, .kind = BLOB_PART, .id = email, .part = slice_str("1") });
	send_blob_get(ats.far,
	    &(struct msg_blob_get){ .account = no, .kind = BLOB_PART, .id = 9999, .part = slice_str("1") });
	turn();
	told_next(&ats, MSG_blob_data, &m);
	assert_true(slice_eq_str(m.blob_data.error, "contentNotStored"));
	told_next(&ats, MSG_blob_data, &m);
	assert_true(slice_eq_str(m.blob_data.error, "contentNotStored"));
	told_next(&ats, MSG_blob_data, &m);
	assert_true(slice_eq_str(m.blob_data.error, "notFound"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(base64_is_packed_too),
		T(bytes_come_back),
		T(rows_are_small),
		T(the_last_reference_counts),
		T(an_upload_waits_for_its_use),
		T(damage_is_noticed),
		T(texts_come_back),
		T(packed_with_its_texts),
		T(too_much_for_one_row),
		T(uploads_and_downloads),
		T(downloads_wait_for_credits),
		T(content_that_is_not_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
