#include "parse_header.h"

#include <sodium.h>
#include <string.h>

#include "address.h"
#include "classify.h"
#include "date.h"
#include "header.h"
#include "limits.h"
#include "message_id.h"
#include "messages.h"
#include "rfc2047.h"
#include "utf8.h"

enum want { W_FROM, W_SENDER, W_TO, W_CC, W_BCC, W_REPLY_TO, W_SUBJECT, W_DATE, W_ID, W_REPLIED, W_REFS, W__COUNT };

_Static_assert(W__COUNT + CLASSIFY_WANTS <= HEADER_WANTS, "one pass finds them all");

struct state {
	struct header_want want[W__COUNT + CLASSIFY_WANTS];
	struct wbuf value;	/* the field being read, unfolded */
	struct wbuf lists[6], ids[3], reasons, subject;
	size_t budget;
};

static struct slice
value_of(struct state *s, enum want w)
{
	wbuf_reset(&s->value);
	if (s->want[w].found)
		header_unfold(&s->value, s->want[w].value);
	return wbuf_slice(&s->value);
}

static void
read_addresses(struct state *s, struct rec_header *h)
{
	struct slice *const to[6] = { &h->from, &h->sender, &h->to, &h->cc, &h->bcc, &h->reply_to };

	for (size_t i = 0; i < 6; i++) {
		address_list(&s->lists[i], value_of(s, (enum want)(W_FROM + i)), LIM_ADDRESSES_HEADER, &s->budget);
		*to[i] = wbuf_slice(&s->lists[i]);
	}
}

static void
read_ids(struct state *s, struct rec_header *h)
{
	message_id_list(&s->ids[0], value_of(s, W_ID), 8);
	message_id_list(&s->ids[1], value_of(s, W_REPLIED), LIM_REFERENCES);
	message_id_list(&s->ids[2], value_of(s, W_REFS), LIM_REFERENCES);
	h->message_id = wbuf_slice(&s->ids[0]);
	h->in_reply_to = wbuf_slice(&s->ids[1]);
	h->references = wbuf_slice(&s->ids[2]);
}

static void
read_subject(struct state *s, struct rec_header *h)
{
	rfc2047_decode(&s->subject, value_of(s, W_SUBJECT), (size_t)LIM_SUBJECT * 4);
	utf8_one_line(&s->subject, 0);
	h->subject = utf8_cut(wbuf_slice(&s->subject), LIM_SUBJECT);
}

static void
digest(uint8_t out[32], struct slice header)
{
	while (header.n > 0 && (header.p[header.n - 1] == '\n' || header.p[header.n - 1] == '\r'))
		header.n--;
	(void)crypto_generichash(out, 32, header.p, header.n, NULL, 0);
}

static void
state_init(struct state *s)
{
	static const char *const names[W__COUNT] = { "From", "Sender", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date",
		"Message-ID", "In-Reply-To", "References" };

	*s = (struct state){ .budget = LIM_ADDRESSES_BYTES };
	for (size_t i = 0; i < W__COUNT; i++) {
		s->want[i].name = names[i];
		s->want[i].last = true;
	}
	classify_wants(s->want + W__COUNT);
}

static void
state_free(struct state *s)
{
	wbuf_free(&s->value);
	wbuf_free(&s->subject);
	wbuf_free(&s->reasons);
	for (size_t i = 0; i < 6; i++)
		wbuf_free(&s->lists[i]);
	for (size_t i = 0; i < 3; i++)
		wbuf_free(&s->ids[i]);
}

void
parse_header(struct wbuf *out, struct slice header)
{
	struct rec_header h = { 0 };
	struct classify_input in;
	struct state s;
	uint8_t hash[32];

	state_init(&s);
	header_find(header, s.want, W__COUNT + CLASSIFY_WANTS);
	read_addresses(&s, &h);
	read_subject(&s, &h);
	date_read(value_of(&s, W_DATE), &h.sent_at, &h.sent_zone);
	read_ids(&s, &h);
	in = (struct classify_input){ .want = s.want + W__COUNT, .subject = h.subject, .from = h.from,
		.is_reply = h.in_reply_to.n > 0 || h.references.n > 0 };
	h.kind = (uint8_t)classify(&s.reasons, &in);
	h.kind_reasons = wbuf_slice(&s.reasons);
	digest(hash, header);
	h.digest = slice_mem(hash, sizeof(hash));
	rec_header_encode(out, &h);
	state_free(&s);
}
