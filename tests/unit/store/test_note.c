/*
 * Whose mail is it, and what is filed: contact before candidate, own domains
 * never, ambiguous to review, one note a message.
 */
#include "front.h"

#include "blob.h"
#include "email_note.h"

static struct match
matched(uint32_t account, const char *from, const char *to, const char *cc)
{
	struct wbuf f = { 0 }, t = { 0 }, c = { 0 };
	struct rec_header h = { .subject = SLICE_NONE };
	struct match m;

	add_addresses(&f, from);
	add_addresses(&t, to);
	add_addresses(&c, cc);
	h.from = wbuf_slice(&f);
	h.to = wbuf_slice(&t);
	h.cc = wbuf_slice(&c);
	match_header(account, &h, &m);
	wbuf_free(&f);
	wbuf_free(&t);
	wbuf_free(&c);
	return m;
}

static void
assert_one(struct match m, uint64_t id, enum direction d)
{
	assert_int_equal(m.result, MATCH_ONE);
	assert_true(m.correspondent == id);
	assert_int_equal(m.direction, d);
}

static void
people_are_matched(void **state)
{
	uint32_t no = make_link("Rec@Agency.example");
	uint64_t candidate = make_person(PERSON_CANDIDATE, "cand@home.example,both@x.example");
	uint64_t contact = make_person(PERSON_CONTACT, "Boss@Client.example,both@x.example");
	struct match m;

	(void)state;
	make_person(PERSON_CANDIDATE, "twin@home.example");
	make_person(PERSON_CANDIDATE, "twin@home.example");
	assert_one(matched(no, "CAND@home.example", "rec@agency.example", ""), candidate, DIRECTION_IN);
	assert_one(matched(no, "rec@AGENCY.example", "cand@home.example", ""), candidate, DIRECTION_OUT);
	assert_one(matched(no, "both@x.example", "rec@agency.example", ""), contact, DIRECTION_IN);
	assert_one(matched(no, "rec@agency.example", "cand@home.example", "boss@client.example"), contact,
	    DIRECTION_OUT);
	assert_one(matched(no, "rec@agency.example", "x@y.example,cand@home.example,twin@home.example", ""), candidate,
	    DIRECTION_OUT);
	assert_int_equal(matched(no, "who@where.example", "rec@agency.example", "").result, MATCH_NONE);
	assert_int_equal(matched(no, "", "cand@home.example", "").result, MATCH_NONE);
	m = matched(no, "twin@home.example", "rec@agency.example", "");
	assert_int_equal(m.result, MATCH_AMBIGUOUS);
	assert_int_equal(m.ncandidates, 2);
}

static void
our_own_are_overlooked(void **state)
{
	uint32_t no = make_link("rec@agency.example");

	(void)state;
	make_link("freelancer@mail.example");
	make_person(PERSON_CANDIDATE, "inside@agency.example,freelancer@mail.example");
	assert_int_equal(matched(no, "inside@agency.example", "rec@agency.example", "").result, MATCH_OWN_DOMAIN);
	assert_int_equal(matched(no, "freelancer@mail.example", "rec@agency.example", "").result, MATCH_OWN_DOMAIN);
	assert_int_equal(matched(no, "rec@agency.example", "inside@agency.example", "").result, MATCH_OWN_DOMAIN);
	assert_int_equal(matched(no, "a@notagency.example", "", "").result, MATCH_NONE);
}

/* ---- filing ---- */
static struct slice
two_parts(struct wbuf *list)
{
	struct wbuf w = { .max = 4096 };

	rec_part_encode(&w, &(struct rec_part){ .part_id = slice_str("1"), .type = slice_str("image/png"),
				.name = slice_str("logo.png"), .size = 10, .flags = PART_ATTACHMENT });
	list_add(list, wbuf_slice(&w));
	wbuf_reset(&w);
	rec_part_encode(&w, &(struct rec_part){ .part_id = slice_str("2"), .type = slice_str("application/pdf"),
				.name = slice_str("cv.pdf"), .size = 99, .flags = PART_ATTACHMENT | PART_DOCUMENT });
	list_add(list, wbuf_slice(&w));
	wbuf_free(&w);
	return wbuf_slice(list);
}

static void
a_note_has_what_the_mail_had(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t person = make_person(PERSON_CANDIDATE, "cand@home.example"), email, id;
	struct wbuf list = { 0 };
	struct row_note note;
	struct rec_document d;
	struct slice docs, item;

	(void)state;
	email = make_email(no, &(struct mail){ .from = "cand@home.example", .to = "rec@agency.example",
				   .subject = "My CV", .message_id = "m1@home.example", .text = "Hello",
				   .received_at = 1000, .parts = two_parts(&list) });
	assert_int_equal(note_match_stored(no, email, false), NOTE_FILED);
	assert_int_equal(note_match_stored(no, email, false), NOTE_KNOWN);
	id = note_of_email(no, email);
	assert_true(row_note_get(&note, KEY(note, .id = id)));
	assert_true(note.rec.correspondent == person);
	assert_true(slice_eq_str(note.rec.text, "Hello"));
	assert_true(slice_eq_str(note.rec.subject, "My CV"));
	assert_int_equal(note.rec.direction, DIRECTION_IN);
	docs = note.rec.documents;
	assert_int_equal(list_count(docs), 1);
	assert_true(list_next(&docs, &item));
	assert_int_equal(rec_document_decode(item, &d), 0);
	assert_true(slice_eq_str(d.name, "cv.pdf"));
	row_note_free(&note);
	wbuf_free(&list);
}

static void
content_comes_later(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	struct mail m = { .from = "cand@home.example", .subject = "S", .message_id = "m1@h", .received_at = 5 };
	struct row_note note;
	uint64_t email, before;

	(void)state;
	make_person(PERSON_CANDIDATE, "cand@home.example");
	email = make_email(no, &m);
	assert_int_equal(note_match_stored(no, email, false), NOTE_FILED);
	table_put(T_email_note, KEY(email_note, .account = no, .id = email), slice_str("now here"));
	before = changes_state(ACCOUNT_ATS, OBJ_NOTE);
	assert_int_equal(note_match_stored(no, email, false), NOTE_KNOWN);
	assert_true(changes_state(ACCOUNT_ATS, OBJ_NOTE) > before);
	assert_true(row_note_get(&note, KEY(note, .id = note_of_email(no, email))));
	assert_true(slice_eq_str(note.rec.text, "now here"));
	row_note_free(&note);
}

/* The text of a note is a text of the email, or has a row of its own. */
static void
text_of_a_part(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	struct mail m = { .from = "cand@home.example", .subject = "S", .message_id = "m1@h", .received_at = 5 };
	struct rec_part part = { .part_id = slice_str("2"), .type = slice_str("text/plain"), .flags = PART_TEXT_BODY };
	struct rec_parsed p = { .note_text = slice_str("own") };
	struct wbuf one = { 0 }, parts = { 0 }, text = { 0 };
	uint64_t email;

	(void)state;
	rec_part_encode(&one, &part);
	list_add(&parts, wbuf_slice(&one));
	m.parts = wbuf_slice(&parts);
	email = make_email(no, &m);
	assert_false(email_note_there(no, email));
	email_note_get(no, email, &text);
	assert_int_equal(text.n, 0);
	text_put(no, email, slice_str("2"), 0, slice_str("body"));
	email_note_get(no, email, &text);
	assert_true(email_note_there(no, email) && slice_eq_str(wbuf_slice(&text), "body"));
	email_note_put(no, email, &p);
	wbuf_reset(&text);
	email_note_get(no, email, &text);
	assert_true(slice_eq_str(wbuf_slice(&text), "own"));
	p = (struct rec_parsed){ .note_part = slice_str("2") };
	email_note_put(no, email, &p);
	wbuf_reset(&text);
	email_note_get(no, email, &text);
	assert_true(email_note_there(no, email) && slice_eq_str(wbuf_slice(&text), "body"));
	wbuf_free(&one);
	wbuf_free(&parts);
	wbuf_free(&text);
}

/* The same message in two mailboxes, or found anew by the server's fault. */
static void
one_note_a_message(void **state)
{
	uint32_t one = make_link("rec@agency.example"), two = make_link("other@agency.example");
	struct mail m = { .from = "cand@home.example", .subject = "S", .message_id = "m1@h", .received_at = 5 };
	uint64_t first;

	(void)state;
	make_person(PERSON_CANDIDATE, "cand@home.example");
	first = make_email(one, &m);
	assert_int_equal(note_match_stored(one, first, false), NOTE_FILED);
	assert_int_equal(note_match_stored(two, make_email(two, &m), false), NOTE_KNOWN);
	assert_int_equal(note_match_stored(one, make_email(one, &m), false), NOTE_KNOWN);
	note_destroy(note_of_email(one, first), false);
	assert_int_equal(note_match_stored(one, first, false), NOTE_KNOWN);
	m.message_id = "m2@h";
	assert_int_equal(note_match_stored(one, make_email(one, &m), false), NOTE_FILED);
	m.message_id = NULL;
	assert_int_equal(note_match_stored(one, make_email(one, &m), false), NOTE_FILED);
	assert_int_equal(note_match_stored(one, make_email(one, &m), false), NOTE_FILED);
}

/* ---- reviews ---- */
static struct slice
resolve(uint64_t review, enum review_resolution how, uint64_t person)
{
	static union msg m;

	send_review_set(ats.far, &(struct msg_review_set){ .req = 1, .id = review, .resolution = (uint8_t)how,
				     .correspondent = person });
	turn();
	told_next(&ats, MSG_set_done, &m);
	return m.set_done.error;
}

static void
ambiguous_mail_waits_for_a_person(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t a = make_person(PERSON_CANDIDATE, "twin@home.example");
	uint64_t b = make_person(PERSON_CANDIDATE, "twin@home.example");
	struct review_input in = { .reason = REVIEW_AMBIGUOUS_ADDRESS, .account = no };
	uint64_t email, review;
	struct row_review row;
	struct row_note note;

	(void)state;
	email = make_email(no, &(struct mail){ .from = "twin@home.example", .subject = "S", .message_id = "m@h" });
	assert_int_equal(note_match_stored(no, email, false), NOTE_REVIEW);
	assert_int_equal(note_match_stored(no, email, false), NOTE_REVIEW);
	in.email = email;
	review = review_open(&in);
	assert_true(row_review_get(&row, KEY(review, .id = review)));
	assert_true(ids_at(row.rec.correspondents, 0) == a && ids_at(row.rec.correspondents, 1) == b);
	row_review_free(&row);
	assert_true(slice_eq_str(resolve(review, RESOLVE_FILE, 999), "invalidProperties"));
	assert_true(slice_eq_str(resolve(review, RESOLVE_WAS_SENT, 0), "invalidProperties"));
	assert_true(slice_eq_str(resolve(999, RESOLVE_DISCARD, 0), "notFound"));
	assert_int_equal(resolve(review, RESOLVE_FILE, b).n, 0);
	assert_true(slice_eq_str(resolve(review, RESOLVE_DISCARD, 0), "invalidProperties"));
	assert_true(row_note_get(&note, KEY(note, .id = note_of_email(no, email))));
	assert_true(note.rec.correspondent == b);
	row_note_free(&note);
}

static void
uncertain_sends_are_decided_elsewhere(void **state)
{
	uint64_t review = review_open(&(struct review_input){ .reason = REVIEW_UNCERTAIN_SEND, .account = 1,
	    .submission = 12 });
	struct row_review row;

	(void)state;
	assert_true(slice_eq_str(resolve(review, RESOLVE_DISCARD, 0), "invalidProperties"));
	assert_int_equal(resolve(review, RESOLVE_SEND_AGAIN, 0).n, 0);
	assert_int_equal(mail_calls.resolved, 1);
	assert_true(row_review_get(&row, KEY(review, .id = review)));
	assert_int_equal(row.rec.resolution, RESOLVE_SEND_AGAIN);
	row_review_free(&row);
	assert_true(review_open(&(struct review_input){ .reason = REVIEW_UNCERTAIN_SEND, .account = 1,
			.submission = 12 }) == review);
}

static void
the_ats_destroys_a_note(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t email, id;
	union msg m;

	(void)state;
	make_person(PERSON_CONTACT, "boss@client.example");
	email = make_email(no, &(struct mail){ .from = "boss@client.example", .subject = "S", .message_id = "m@h" });
	note_match_stored(no, email, false);
	id = note_of_email(no, email);
	send_note_destroy(ats.far, &(struct msg_note_destroy){ .req = 1, .id = id });
	send_note_destroy(ats.far, &(struct msg_note_destroy){ .req = 2, .id = id });
	turn();
	told_next(&ats, MSG_set_done, &m);
	assert_int_equal(m.set_done.error.n, 0);
	told_next(&ats, MSG_set_done, &m);
	assert_true(slice_eq_str(m.set_done.error, "notFound"));
	assert_int_equal(note_of_email(no, email), 0);
}

/* ---- threads ---- */
static uint64_t
thread_of(uint32_t account, uint64_t email)
{
	struct row_email row;
	uint64_t t;

	assert_true(row_email_get(&row, KEY(email, .account = account, .id = email)));
	t = row.rec.thread;
	row_email_free(&row);
	return t;
}

static void
threads_join_in_any_order(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	struct wbuf ids = { 0 };
	uint64_t reply, parent, late, other, t;

	(void)state;
	reply = make_email(no, &(struct mail){ .subject = "Re", .message_id = "c", .in_reply_to = "b",
				   .references = "a,b", .received_at = 30 });
	parent = make_email(no, &(struct mail){ .subject = "P", .message_id = "a", .received_at = 10 });
	late = make_email(no, &(struct mail){ .subject = "Re", .message_id = "d", .references = "b", .received_at = 40 });
	other = make_email(no, &(struct mail){ .subject = "P", .message_id = "z", .received_at = 20 });
	t = thread_of(no, reply);
	assert_true(thread_of(no, parent) == t);
	assert_true(thread_of(no, late) == t);
	assert_true(thread_of(no, other) != t);
	assert_int_equal(thread_emails(no, t, &ids), 3);
	assert_true(ids_at(wbuf_slice(&ids), 0) == parent && ids_at(wbuf_slice(&ids), 2) == late);
	wbuf_free(&ids);
}

static void
the_servers_word_on_threads(void **state)
{
	struct rec_header none = { .subject = SLICE_NONE };
	uint64_t a = thread_find(1, &none, slice_str("T1"), 0), b;

	(void)state;
	thread_add(1, a, 1, 100, false);
	assert_true(thread_find(1, &none, slice_str("T1"), 0) == a);
	assert_true(thread_find(2, &none, slice_str("T1"), 0) != a);
	b = thread_find(1, &none, SLICE_NONE, 12345);
	assert_true(b != a);
	thread_remove(1, a, 1, 100);
	assert_true(thread_find(1, &none, slice_str("T1"), 0) != a);	/* ids of threads are not used twice */
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(people_are_matched),
		T(our_own_are_overlooked),
		T(a_note_has_what_the_mail_had),
		T(content_comes_later),
		T(text_of_a_part),
		T(one_note_a_message),
		T(ambiguous_mail_waits_for_a_person),
		T(uncertain_sends_are_decided_elsewhere),
		T(the_ats_destroys_a_note),
		T(threads_join_in_any_order),
		T(the_servers_word_on_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
