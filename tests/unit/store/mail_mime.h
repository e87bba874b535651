/*
 * mail_mime.h - played mime-workers: they read a plain subset of headers, die
 * and hang as told.
 */
#ifndef TEST_STORE_MAIL_MIME_H
#define TEST_STORE_MAIL_MIME_H

#include "mail_far.h"

#define MIMES 64
static struct chan *mimes[MIMES];
static bool mime_die_next;		/* the next parse kills its worker */
static bool mime_gathers;		/* answers leave when all was read; who dies takes them along */
static struct mime_kept {
	struct chan *chan;
	uint32_t req;
	struct wbuf out;
} mime_kept[LIM_CHAN_CREDITS];
static size_t mime_nkept;
static bool mime_hangs;			/* parsers take what they get and never answer */
static unsigned int mime_deaths, mime_parses;
static unsigned int mime_given[MIMES], mime_most;	/* messages of each parser; of the one with most */

static __attribute__((unused)) void
header_list(struct slice raw, const char *name, struct wbuf *out, bool address)
{
	char *text = slice_dup(raw), *line, *save = NULL;
	size_t n = strlen(name);

	for (line = strtok_r(text, "\r\n", &save); line != NULL; line = strtok_r(NULL, "\r\n", &save)) {
		struct wbuf w = { .max = 0 };

		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		if (address) {
			struct rec_address a = { .email = slice_str(line + n + 2) };

			rec_address_encode(&w, &a);
			list_add(out, wbuf_slice(&w));
			wbuf_free(&w);
		} else
			list_add(out, slice_str(line + n + 2));
	}
	free(text);
}

static __attribute__((unused)) struct slice
header_part(struct slice raw)
{
	const uint8_t *end = memmem(raw.p, raw.n, "\r\n\r\n", 4);

	return end == NULL ? raw : slice_mem(raw.p, (size_t)(end - raw.p) + 4);
}

static __attribute__((unused)) void
play_parse(struct slice raw, bool header_only, struct wbuf *out)
{
	struct wbuf from = { 0 }, to = { 0 }, bcc = { 0 }, id = { 0 }, irt = { 0 }, refs = { 0 }, hw = { 0 };
	struct slice head = header_part(raw);
	uint8_t digest[32];
	struct rec_header h = { .kind = KIND_HUMAN };
	struct rec_text t = { .part = slice_str("1"), .data = slice_str("text") };
	struct rec_parsed p = { 0 };
	struct wbuf one = { 0 }, texts = { 0 };

	crypto_generichash(digest, sizeof(digest), head.p, head.n, NULL, 0);
	header_list(head, "From", &from, true);
	header_list(head, "To", &to, true);
	header_list(head, "Bcc", &bcc, true);
	header_list(head, "Message-ID", &id, false);
	header_list(head, "In-Reply-To", &irt, false);
	header_list(head, "References", &refs, false);
	h.from = wbuf_slice(&from);
	h.to = wbuf_slice(&to);
	h.bcc = wbuf_slice(&bcc);
	h.message_id = wbuf_slice(&id);
	h.in_reply_to = wbuf_slice(&irt);
	h.references = wbuf_slice(&refs);
	h.digest = slice_mem(digest, sizeof(digest));
	rec_header_encode(&hw, &h);
	p.header = wbuf_slice(&hw);
	if (!header_only) {
		rec_text_encode(&one, &t);
		w_bytes(&texts, wbuf_slice(&one), LIM_MIME_TEXT);
		p.texts = wbuf_slice(&texts);
		p.note_text = slice_mem(raw.p + head.n, raw.n - head.n);
		p.preview = slice_mem(p.note_text.p, p.note_text.n < 100 ? p.note_text.n : 100);
	}
	rec_parsed_encode(out, &p);
	wbuf_free(&one);
	wbuf_free(&texts);
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&bcc);
	wbuf_free(&id);
	wbuf_free(&irt);
	wbuf_free(&refs);
	wbuf_free(&hw);
}

static __attribute__((unused)) void
mime_die(struct chan *c)
{
	mime_deaths++;
	while (mime_nkept > 0)
		wbuf_free(&mime_kept[--mime_nkept].out);
	for (size_t i = 0; i < MIMES; i++)
		if (mimes[i] == c)
			mimes[i] = NULL;
	chan_free(c);
}

static __attribute__((unused)) int
play_on_parse(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf out = { 0 };
	struct body b;

	mime_parses++;
	for (size_t i = 0; i < MIMES; i++)
		if (mimes[i] == c && ++mime_given[i] > mime_most)
			mime_most = mime_given[i];
	assert_int_equal(body_open(&b, m->parse.data, fd), 0);
	if (mime_hangs) {
		body_close(&b);
		return 0;
	}
	if (mime_die_next || memmem(b.data.p, b.data.n, "POISON", 6) != NULL) {
		mime_die_next = false;
		body_close(&b);
		mime_die(c);
		return 0;
	}
	play_parse(b.data, m->parse.header_only, &out);
	if (mime_gathers) {
		mime_kept[mime_nkept++] = (struct mime_kept){ c, m->parse.req, out };
		body_close(&b);
		return 0;
	}
	send_parsed(c, &(struct msg_parsed){ .req = m->parse.req, .data = wbuf_slice(&out) }, -1);
	wbuf_free(&out);
	body_close(&b);
	return 0;
}

static __attribute__((unused)) void
mime_answer_kept(void)
{
	for (size_t i = 0; i < mime_nkept; i++) {
		struct mime_kept *k = &mime_kept[i];

		send_parsed(k->chan, &(struct msg_parsed){ .req = k->req, .data = wbuf_slice(&k->out) }, -1);
		wbuf_free(&k->out);
	}
	mime_nkept = 0;
}

static __attribute__((unused)) int
play_on_strip(struct chan *c, const union msg *m, int *fd)
{
	char *text, *at, *end;
	struct body b;

	assert_int_equal(body_open(&b, m->strip.data, fd), 0);
	text = slice_dup(b.data);
	if ((at = strstr(text, "Bcc: ")) != NULL && (end = strstr(at, "\r\n")) != NULL)
		memmove(at, end + 2, strlen(end + 2) + 1);
	send_made(c, &(struct msg_made){ .req = m->strip.req, .data = slice_str(text) }, -1);
	free(text);
	body_close(&b);
	return 0;
}

static __attribute__((unused)) void
put_addresses(struct wbuf *out, const char *name, struct slice list)
{
	struct slice item;
	struct rec_address a;

	while (list_next(&list, &item)) {
		assert_int_equal(rec_address_decode(item, &a), 0);
		w_raw(out, name, strlen(name));
		w_raw(out, ": ", 2);
		w_raw(out, a.email.p, a.email.n);
		w_raw(out, "\r\n", 2);
	}
}

static __attribute__((unused)) int
play_on_compose(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf out = { 0 };
	struct rec_draft d;
	struct slice ids, id;
	struct body b;

	assert_int_equal(body_open(&b, m->compose.draft, fd), 0);
	assert_int_equal(rec_draft_decode(b.data, &d), 0);
	put_addresses(&out, "From", d.from);
	put_addresses(&out, "To", d.to);
	put_addresses(&out, "Bcc", d.bcc);
	w_raw(&out, "Message-ID: ", 12);
	w_raw(&out, d.message_id.p, d.message_id.n);
	for (ids = d.in_reply_to; list_next(&ids, &id);) {
		w_raw(&out, "\r\nIn-Reply-To: ", 15);
		w_raw(&out, id.p, id.n);
	}
	w_raw(&out, "\r\n\r\nhello\r\n", 11);
	send_made(c, &(struct msg_made){ .req = m->compose.req, .data = wbuf_slice(&out) }, -1);
	wbuf_free(&out);
	body_close(&b);
	return 0;
}

static __attribute__((unused)) void
mime_eof(struct chan *c)
{
	for (size_t i = 0; i < MIMES; i++)
		if (mimes[i] == c)
			mimes[i] = NULL;
	chan_free(c);
}

static __attribute__((unused)) void
mime_respawn(void)
{
	static const chan_handler handlers[MSG__COUNT] = { [MSG_parse] = play_on_parse, [MSG_strip] = play_on_strip,
		[MSG_compose] = play_on_compose };
	static const struct chan_ops ops = { .handlers = handlers, .on_eof = mime_eof, .on_broken = far_broke };
	static const struct chan_peer store_peer = { .role = ROLE_STORE }, mime_peer = { .role = ROLE_MIME };
	unsigned int alive = 0;
	int sv[2];

	for (size_t i = 0; i < MIMES; i++)
		alive += mimes[i] != NULL;
	for (size_t i = 0; i < MIMES && alive < 2; i++) {
		if (mimes[i] != NULL)
			continue;
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
		mimes[i] = chan_new(sv[1], ROLE_MIME, &store_peer, &ops, NULL);
		mime_given[i] = 0;
		chan_run(mimes[i]);
		mime_on_peer(&mime_peer, sv[0]);
		alive++;
	}
}

#endif
