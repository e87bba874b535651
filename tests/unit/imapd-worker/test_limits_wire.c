/* Limits of responses and commands of IMAP, on both sides of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "imap_command.h"
#include "imap_frame.h"
#include "imap_parse.h"
#include "uidset.h"

/* ---- responses ---- */

/* limit: LIM_IMAP_LINE: with its line end. */
static void
line(void **state)
{
	uint8_t *text = malloc(LIM_IMAP_LINE + 1);
	struct imap_frame f;
	size_t used;

	(void)state;
	memset(text, 'x', LIM_IMAP_LINE + 1);
	for (size_t n = LIM_IMAP_LINE; n <= LIM_IMAP_LINE + 1; n++) {
		imap_frame_init(&f, &imap_limits_default);
		memset(text + n - 3, 'x', 3);
		text[n - 1] = '\n';
		assert_int_equal(imap_frame_feed(&f, text, n, &used), n == LIM_IMAP_LINE ? IMAP_FRAME_DONE : IMAP_FRAME_BAD);
		imap_frame_free(&f);
	}
	free(text);
}

/* limit: LIM_IMAP_DEPTH */
static void
depth(void **state)
{
	uint8_t text[LIM_IMAP_DEPTH + 1];
	struct imap_lex x;

	(void)state;
	memset(text, '(', sizeof(text));
	imap_lex_init(&x, text, sizeof(text), LIM_INLINE);
	for (int i = 0; i < LIM_IMAP_DEPTH; i++)
		assert_int_equal(imap_lex_next(&x).type, IMAP_TOK_OPEN);
	assert_int_equal(imap_lex_next(&x).type, IMAP_TOK_BAD);
}

/* limit: LIM_IMAP_RANGES */
static void
uid_ranges(void **state)
{
	struct uidset s;

	(void)state;
	uidset_init(&s, LIM_IMAP_RANGES);
	for (uint32_t i = 1; i <= LIM_IMAP_RANGES; i++)
		uidset_add(&s, 2 * i, 2 * i);
	assert_false(s.over);
	assert_int_equal(s.n, LIM_IMAP_RANGES);
	uidset_add(&s, 2 * LIM_IMAP_RANGES + 2, 2 * LIM_IMAP_RANGES + 2);
	assert_true(s.over);
	uidset_free(&s);
}

/* ---- commands ---- */
static struct imap_writer w;

static void
writer(uint32_t caps)
{
	evbuffer_drain(w.out, evbuffer_get_length(w.out));
	imap_writer_reset(&w);
	w.caps = caps;
	(void)imap_begin(&w, CMD_OP);
}

static bool
written(const char *text)
{
	return evbuffer_search(w.out, text, strlen(text), NULL).pos != -1;
}

/* limit: LIM_IMAP_PENDING LIM_COMMAND_LITERALS LIM_LITERAL_MINUS */
static void
commands(void **state)
{
	static uint8_t odd[LIM_LITERAL_MINUS + 1];

	(void)state;
	memset(odd, 0xc3, sizeof(odd));
	imap_writer_init(&w, evbuffer_new());
	for (int i = 0; i < LIM_IMAP_PENDING; i++) {
		assert_true(imap_can_begin(&w));
		(void)imap_begin(&w, CMD_POLL);
		assert_int_equal(imap_end(&w), 0);
	}
	assert_false(imap_can_begin(&w));
	for (int n = LIM_COMMAND_LITERALS; n <= LIM_COMMAND_LITERALS + 1; n++) {
		writer(0);
		for (int i = 0; i < n; i++)
			imap_astring(&w, slice_mem(odd, 1));
		assert_int_equal(imap_end(&w), n == LIM_COMMAND_LITERALS ? 0 : -1);
		for (int i = 0; n == LIM_COMMAND_LITERALS && i < n; i++)
			assert_int_equal(imap_continue(&w), 0);
		assert_int_equal(imap_continue(&w), -1);
	}
	writer(CAP_LITERAL_MINUS);
	imap_astring(&w, slice_mem(odd, LIM_LITERAL_MINUS));
	assert_int_equal(imap_end(&w), 0);
	assert_true(written("{4096+}\r\n"));
	writer(CAP_LITERAL_MINUS);
	imap_astring(&w, slice_mem(odd, LIM_LITERAL_MINUS + 1));
	assert_int_equal(imap_end(&w), 0);
	assert_true(written("{4097}\r\n"));
	imap_writer_reset(&w);
	evbuffer_free(w.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line),
		cmocka_unit_test(depth),
		cmocka_unit_test(uid_ranges),
		cmocka_unit_test(commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
