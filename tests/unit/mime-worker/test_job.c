/* The worker's end of the store's channel, with a store of ours at the other. */
#include "helper.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "channel.h"
#include "job.h"
#include "limits.h"

/* What the store got. */
struct got {
	unsigned int parsed, made;
	uint32_t last_req;
	char error[LIM_CODE + 1];
	struct wbuf data;
	bool hold;	/* keep the credits */
};

static struct got got;
static struct chan *store, *worker;
static struct jobs *jobs;

static void
take(struct slice field, int *fd)
{
	struct body b;

	assert_int_equal(body_open(&b, field, fd), 0);
	wbuf_reset(&got.data);
	w_raw(&got.data, b.data.p, b.data.n);
	body_close(&b);
	if (got.hold)
		chan_hold(store);
}

static int
on_parsed(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	got.parsed++;
	got.last_req = m->parsed.req;
	assert_int_equal(m->parsed.error.n, 0);
	take(m->parsed.data, fd);
	return 0;
}

static int
on_made(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	got.made++;
	got.last_req = m->made.req;
	assert_int_equal(slice_copy(m->made.error, got.error, sizeof(got.error)), 0);
	take(m->made.data, fd);
	return 0;
}

static void
on_eof(struct chan *c)
{
	(void)c;
}

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("broken: %s", reason);
}

static const chan_handler store_handlers[MSG__COUNT] = { [MSG_parsed] = on_parsed, [MSG_made] = on_made };
static const struct chan_ops store_ops = { .handlers = store_handlers, .on_eof = on_eof, .on_broken = on_broken };
static const struct chan_ops worker_ops = { .handlers = job_handlers, .on_eof = on_eof, .on_broken = on_broken };

static int
setup(void **state)
{
	const struct chan_peer to_worker = { .role = ROLE_MIME }, to_store = { .role = ROLE_STORE };
	int fds[2];

	(void)state;
	warm_libraries();
	memset(&got, 0, sizeof(got));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	jobs = jobs_new();
	store = chan_new(fds[0], ROLE_STORE, &to_worker, &store_ops, NULL);
	worker = chan_new(fds[1], ROLE_MIME, &to_store, &worker_ops, jobs);
	chan_run(store);
	chan_run(worker);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	chan_free(store);
	chan_free(worker);
	jobs_free(jobs);
	wbuf_free(&got.data);
	return 0;
}

static void
pump(void)
{
	for (int i = 0; i < 200; i++) {
		chan_write(store);
		chan_read(worker);
		(void)jobs_run(worker);
		chan_write(worker);
		chan_read(store);
	}
}

static void
ask_parse(uint32_t req, struct slice message, bool header_only)
{
	struct msg_parse m = { .req = req, .header_only = header_only };
	int fd = body_put(message, &m.data);

	assert_int_not_equal(fd, -2);
	assert_int_equal(send_parse(store, &m, fd), 0);
}

static void
test_parse_one(void **state)
{
	struct rec_parsed rec;

	(void)state;
	ask_parse(5, slice_str("Subject: hi\r\n\r\ntext\r\n"), false);
	pump();
	assert_int_equal(got.parsed, 1);
	assert_int_equal(got.last_req, 5);
	assert_int_equal(rec_parsed_decode(wbuf_slice(&got.data), &rec), 0);
	assert_slice(rec.preview, "text");
	assert_slice(rec.note_part, "1");
	assert_true(rec.texts.n > 0);
	ask_parse(6, slice_str("Subject: hi\r\n\r\n"), true);
	pump();
	assert_int_equal(got.parsed, 2);
	assert_int_equal(rec_parsed_decode(wbuf_slice(&got.data), &rec), 0);
	assert_int_equal(rec.texts.n, 0);
}

/* More messages than credits: they are parsed as the store takes them. */
static void
test_credits(void **state)
{
	(void)state;
	got.hold = true;
	for (uint32_t i = 1; i <= LIM_CHAN_CREDITS; i++)
		ask_parse(i, slice_str("A: b\r\n\r\ntext\r\n"), false);
	pump();
	assert_int_equal(got.parsed, LIM_CHAN_CREDITS);
	ask_parse(LIM_CHAN_CREDITS + 1, slice_str("A: b\r\n\r\n"), true);
	pump();
	assert_int_equal(got.parsed, LIM_CHAN_CREDITS);
	got.hold = false;
	chan_release(store, LIM_CHAN_CREDITS);
	pump();
	assert_int_equal(got.parsed, LIM_CHAN_CREDITS + 1);
	assert_int_equal(got.last_req, LIM_CHAN_CREDITS + 1);
	assert_int_equal(chan_credits(store), LIM_CHAN_CREDITS);
}

/* 30 MB there and back through memfds. */
static void
test_large(void **state)
{
	struct wbuf m;

	(void)state;
	wbuf_init(&m, 0);
	w_raw(&m, "Bcc: x\r\nA: b\r\n\r\n", 16);
	while (m.n < 30u * 1024 * 1024)
		w_raw(&m, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n", 64);
	ask_parse(1, wbuf_slice(&m), false);
	pump();
	assert_int_equal(got.parsed, 1);
	{
		struct msg_strip s = { .req = 2 };
		int fd = body_put(wbuf_slice(&m), &s.data);

		assert_int_equal(send_strip(store, &s, fd), 0);
	}
	pump();
	assert_int_equal(got.made, 1);
	assert_int_equal(got.data.n, m.n - 8);
	assert_memory_equal(got.data.p, m.p + 8, got.data.n);
	wbuf_free(&m);
}

static void
test_extract(void **state)
{
	static const char message[] = "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n";
	struct msg_extract m = { .req = 9, .part = slice_str("1"), .data = slice_str(message) };

	(void)state;
	assert_int_equal(send_extract(store, &m, -1), 0);
	pump();
	assert_slice(wbuf_slice(&got.data), "hello");
	m.part = slice_str("77");
	assert_int_equal(send_extract(store, &m, -1), 0);
	pump();
	assert_string_equal(got.error, "blobNotFound");
	assert_int_equal(got.made, 2);
}

static void
draft_bytes(struct wbuf *out, uint64_t blob)
{
	struct rec_draft_part part = { .type = slice_str("application/x"), .blob_kind = BLOB_PART, .blob = blob,
		.blob_part = slice_str("2") };
	struct rec_draft draft = { .sent_at = 1 };
	struct wbuf item, parts;

	wbuf_init(&item, 0);
	wbuf_init(&parts, 0);
	wbuf_init(out, 0);
	rec_draft_part_encode(&item, &part);
	w_bytes(&parts, wbuf_slice(&item), item.n);
	draft.parts = wbuf_slice(&parts);
	rec_draft_encode(out, &draft);
	wbuf_free(&item);
	wbuf_free(&parts);
}

static void
compose(uint32_t req, uint64_t blob)
{
	struct wbuf draft;
	struct msg_compose m = { .req = req };

	draft_bytes(&draft, blob);
	m.draft = wbuf_slice(&draft);
	assert_int_equal(send_compose(store, &m, -1), 0);
	wbuf_free(&draft);
	pump();
}

static void
attach(uint32_t req, uint8_t kind, uint64_t blob, const char *part, const char *data)
{
	struct msg_attach m = { .req = req, .kind = kind, .blob = blob, .part = slice_str(part),
	    .data = slice_str(data) };

	assert_int_equal(send_attach(store, &m, -1), 0);
}

static void
test_compose(void **state)
{
	(void)state;
	attach(1, BLOB_PART, 3, "1", "wrong");
	attach(1, BLOB_PART, 3, "2", "right");
	compose(1, 3);
	assert_string_equal(got.error, "");
	assert_non_null(memmem(got.data.p, got.data.n, "cmlnaHQ=", 8));	/* "right" */
	/* they are used up */
	compose(2, 3);
	assert_string_equal(got.error, "blobNotFound");
	/* numbered by the store */
	attach(3, 0, 3, "", "by number");
	compose(3, 3);
	assert_string_equal(got.error, "");
	/* of another request */
	attach(4, 0, 3, "", "x");
	attach(5, 0, 9, "", "y");
	compose(5, 3);
	assert_string_equal(got.error, "blobNotFound");
}

static void
test_many_attachments(void **state)
{
	(void)state;
	for (int i = 0; i < LIM_PARTS; i++) {
		attach(1, 0, (uint64_t)i, "", "x");
		pump();
	}
	compose(1, 50);
	assert_string_equal(got.error, "");
	for (int i = 0; i < LIM_PARTS + 1; i++) {
		attach(2, 0, (uint64_t)i, "", "x");
		pump();
	}
	compose(2, 50);
	assert_string_equal(got.error, "tooLarge");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parse_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extract, setup, teardown),
		cmocka_unit_test_setup_teardown(test_compose, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_attachments, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
