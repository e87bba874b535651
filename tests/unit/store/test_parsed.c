/* What a mime-worker says of a message is believed only if it is sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mime_job.h"

struct said {
	struct wbuf header, parts, texts, bytes;
	struct rec_parsed rec;
};

static void
said_start(struct said *s)
{
	struct rec_header h = { .subject = slice_str("S") };

	memset(s, 0, sizeof(*s));
	rec_header_encode(&s->header, &h);
	s->rec.header = wbuf_slice(&s->header);
}

static void
said_text(struct said *s, const char *part, struct slice data)
{
	struct rec_text t = { .part = slice_str(part), .data = data };
	struct wbuf one = { 0 };

	rec_text_encode(&one, &t);
	w_bytes(&s->texts, wbuf_slice(&one), LIM_MIME_TEXT);
	s->rec.texts = wbuf_slice(&s->texts);
	wbuf_free(&one);
}

static void
said_part(struct said *s, const char *id, const char *type, uint8_t flags)
{
	struct rec_part p = { .part_id = slice_str(id), .type = slice_str(type), .flags = flags };
	struct wbuf one = { 0 };

	rec_part_encode(&one, &p);
	list_add(&s->parts, wbuf_slice(&one));
	s->rec.parts = wbuf_slice(&s->parts);
	wbuf_free(&one);
}

static bool
believed(struct said *s, bool header_only)
{
	wbuf_reset(&s->bytes);
	rec_parsed_encode(&s->bytes, &s->rec);
	return mime_parsed_valid(wbuf_slice(&s->bytes), header_only);
}

static void
said_end(struct said *s)
{
	wbuf_free(&s->header);
	wbuf_free(&s->parts);
	wbuf_free(&s->texts);
	wbuf_free(&s->bytes);
}

static void
sound(void **state)
{
	struct slice rest;
	struct rec_text t;
	struct said s;

	(void)state;
	said_start(&s);
	assert_true(believed(&s, true) && believed(&s, false));
	said_text(&s, "1", slice_str("one"));
	said_text(&s, "2", slice_str("two"));
	assert_true(believed(&s, false));
	assert_false(believed(&s, true));
	rest = s.rec.texts;
	assert_true(mime_text_next(&rest, &t) && slice_eq_str(t.data, "one"));
	assert_true(mime_text_next(&rest, &t) && slice_eq_str(t.part, "2"));
	assert_false(mime_text_next(&rest, &t));
	s.rec.note_text = slice_str("note");
	assert_true(believed(&s, false) && slice_eq_str(mime_note_text(&s.rec), "note"));
	s.rec.note_text = SLICE_NONE;
	s.rec.note_part = slice_str("2");
	said_part(&s, "2", "text/plain", PART_TEXT_BODY);
	assert_true(believed(&s, false) && slice_eq_str(mime_note_text(&s.rec), "two"));
	said_end(&s);
}

static void
note_of_nothing(void **state)
{
	struct said s;

	(void)state;
	said_start(&s);
	said_part(&s, "1", "text/plain", PART_TEXT_BODY);
	said_text(&s, "1", slice_str("one"));
	s.rec.note_part = slice_str("2");
	assert_false(believed(&s, false));	/* no such text */
	s.rec.note_part = slice_str("1");
	s.rec.note_text = slice_str("another");
	assert_false(believed(&s, false));	/* two of them */
	s.rec.note_text = SLICE_NONE;
	assert_true(believed(&s, false));
	said_end(&s);
}

/* It is read from that part again when the note is filed later. limit: LIM_NOTE_TEXT */
static void
note_of_size(void **state)
{
	static uint8_t text[LIM_NOTE_TEXT + 1];
	struct said s;

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		said_start(&s);
		said_part(&s, "1", "text/plain", PART_TEXT_BODY);
		said_text(&s, "1", slice_mem(text, LIM_NOTE_TEXT + over));
		s.rec.note_part = slice_str("1");
		assert_int_equal(believed(&s, false), over == 0);
		said_text(&s, "1", SLICE_NONE);	/* one of them is kept */
		assert_int_equal(believed(&s, false), over == 0);
		said_end(&s);
	}
}

/* It stands in one part, and where it will be looked for is another. */
static void
note_of_another_part(void **state)
{
	struct said s;

	(void)state;
	said_start(&s);
	said_text(&s, "1", slice_str("one"));
	said_text(&s, "2", slice_str("two"));
	s.rec.note_part = slice_str("2");
	assert_false(believed(&s, false));	/* in none */
	said_part(&s, "9", "image/png", PART_TEXT_BODY);
	said_part(&s, "1", "text/plain", PART_TEXT_BODY);
	said_part(&s, "2", "text/plain", PART_TEXT_BODY);
	assert_false(believed(&s, false));
	s.rec.note_part = slice_str("1");
	assert_true(believed(&s, false));
	said_end(&s);
}

static void
broken_texts(void **state)
{
	struct said s;

	(void)state;
	said_start(&s);
	said_text(&s, "1", slice_str("one"));
	s.rec.texts.n--;
	assert_false(believed(&s, false));
	w_u32(&s.texts, 0);	/* a text of no bytes is no record */
	s.rec.texts = wbuf_slice(&s.texts);
	assert_false(believed(&s, false));
	said_end(&s);
	said_start(&s);
	for (size_t i = 0; i < LIM_PARTS; i++)
		said_text(&s, "1", SLICE_NONE);
	assert_true(believed(&s, false));
	said_text(&s, "1", SLICE_NONE);
	assert_false(believed(&s, false));
	said_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound),
		cmocka_unit_test(note_of_nothing),
		cmocka_unit_test(note_of_size),
		cmocka_unit_test(note_of_another_part),
		cmocka_unit_test(broken_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
