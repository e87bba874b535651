/* Limits of a message that is written: at each it goes out as it is, one beyond it is encoded or refused. */
#include "helper.h"

#include "compose.h"
#include "compose_part.h"
#include "limits.h"

/* What becomes of a draft with this Message-ID. */
static const char *
composed(struct slice id)
{
	struct rec_draft_part part = { .type = slice_str("text/plain"), .text = slice_str("x") };
	struct wbuf item = { 0 }, parts = { 0 }, draft = { 0 }, out = { .max = LIM_BODY };
	const char *error;

	rec_draft_part_encode(&item, &part);
	w_bytes(&parts, wbuf_slice(&item), item.n);
	rec_draft_encode(&draft, &(struct rec_draft){ .message_id = id, .parts = wbuf_slice(&parts) });
	error = compose_message(&out, wbuf_slice(&draft), NULL, NULL);
	wbuf_free(&item);
	wbuf_free(&parts);
	wbuf_free(&draft);
	wbuf_free(&out);
	return error;
}

/* limit: LIM_COMPOSE_ID */
static void
composed_id(void **state)
{
	char id[LIM_COMPOSE_ID + 1];

	(void)state;
	memset(id, 'x', sizeof(id));
	assert_null(composed(slice_mem(id, LIM_COMPOSE_ID)));
	assert_string_equal(composed(slice_mem(id, LIM_COMPOSE_ID + 1)), "invalidHeader");
}

static bool
travels_plain(const char *type, size_t line, const char *end)
{
	struct rec_draft_part part = { .type = slice_str(type) };
	struct wbuf data = { 0 }, out = { 0 };
	bool plain;

	put_many(&data, "x", line);
	put(&data, end);
	assert_null(compose_leaf(&out, &part, wbuf_slice(&data), end[0] == '\n'));
	plain = memmem(out.p, out.n, "Encoding: 7bit", 14) != NULL;
	wbuf_free(&data);
	wbuf_free(&out);
	return plain;
}

/* limit: LIM_MAIL_LINE: a longer one travels encoded. */
static void
mail_line(void **state)
{
	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		assert_int_equal(travels_plain("text/plain", LIM_MAIL_LINE + over, "\nmore"), !over);
		assert_int_equal(travels_plain("text/csv", LIM_MAIL_LINE + over, "\r\nmore\r\n"), !over);
		assert_int_equal(travels_plain("message/rfc822", LIM_MAIL_LINE + over, "\r\n"), !over);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(composed_id), cmocka_unit_test(mail_line) };

	warm_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
