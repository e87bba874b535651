/*
 * imap_command.c - the writer and the table of pending commands.
 */
#include "imap_command.h"
#include "clock.h"
#include "log.h"
#include "utf7.h"

#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
imap_writer_init(struct imap_writer *w, struct evbuffer *out)
{
	*w = (struct imap_writer){ .out = out };
}

static void
drop_held(struct imap_writer *w)
{
	while (w->nheld > 0)
		evbuffer_free(w->held[--w->nheld]);
}

void
imap_writer_reset(struct imap_writer *w)
{
	drop_held(w);
	w->npending = 0;
	w->last_tag = 0;
	w->caps = 0;
	w->utf8 = false;
	w->refused = false;
}

void
imap_writer_caps(struct imap_writer *w, uint32_t caps)
{
	w->caps = caps;
	/* IMAP4rev2 alone has names in UTF-8 without being asked (RFC 9051 s. 5.1). */
	w->utf8 = (caps & (CAP_IMAP4REV1 | CAP_IMAP4REV2)) == CAP_IMAP4REV2;
}

bool
imap_can_begin(const struct imap_writer *w)
{
	return w->nheld == 0 && w->npending < LIM_IMAP_PENDING;
}

static void
put(struct imap_writer *w, const void *p, size_t n)
{
	struct evbuffer *to = w->nheld > 0 ? w->held[w->nheld - 1] : w->out;

	if (evbuffer_add(to, p, n) == -1)
		fatal("out of memory");
}

/* While a command is written it is collected in held[0]; imap_end sends it. */
struct pending *
imap_begin(struct imap_writer *w, enum command command)
{
	struct pending *p = &w->pending[w->npending];

	if (!imap_can_begin(w) || (w->held[0] = evbuffer_new()) == NULL)
		fatal("a command was begun out of turn");
	w->nheld = 1;
	w->refused = false;
	*p = (struct pending){ .tag = ++w->last_tag, .command = command, .begun_at = clock_ms() };
	imap_text(w, "P%u ", p->tag);
	return p;
}

void
imap_text(struct imap_writer *w, const char *fmt, ...)
{
	char text[LIM_COMMAND_TEXT];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		w->refused = true;
	else
		put(w, text, (size_t)n);
}

/* "{n}" and a new segment for what follows it. */
static void
announce(struct imap_writer *w, size_t n)
{
	bool at_once = n <= ((w->caps & CAP_LITERAL_PLUS) != 0	  ? LIM_LITERAL_PLUS
				: (w->caps & CAP_LITERAL_MINUS) != 0 ? LIM_LITERAL_MINUS
								     : 0);

	imap_text(w, at_once ? "{%zu+}\r\n" : "{%zu}\r\n", n);
	if (at_once)
		return;
	if (w->nheld == 1 + LIM_COMMAND_LITERALS) {
		w->refused = true;
		return;
	}
	if ((w->held[w->nheld] = evbuffer_new()) == NULL)
		fatal("out of memory");
	w->nheld++;
}

static bool
fits_quotes(const struct imap_writer *w, struct slice s)
{
	bool ascii = true;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
		ascii = ascii && s.p[i] < 0x80;
	}
	return ascii || (w->utf8 && utf8_clean(s));
}

void
imap_astring(struct imap_writer *w, struct slice s)
{
	size_t i;

	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL) {
		w->refused = true;
		return;
	}
	if (!fits_quotes(w, s)) {
		announce(w, s.n);
		put(w, s.p, s.n);
		return;
	}
	put(w, "\"", 1);
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			put(w, "\\", 1);
		put(w, s.p + i, 1);
	}
	put(w, "\"", 1);
}

void
imap_mailbox(struct imap_writer *w, struct slice raw_name)
{
	struct wbuf name;

	if (raw_name.n == 0)
		w->refused = true;
	wbuf_init(&name, LIM_MAILBOX_NAME + 2);
	if (w->utf8 && utf7_decode(raw_name, &name) == 0)
		raw_name = wbuf_slice(&name);
	imap_astring(w, raw_name);
	wbuf_free(&name);
}

bool
imap_flag_valid(struct slice s)
{
	size_t i;

	if (s.n == 0 || (s.n == 1 && s.p[0] == '\\'))
		return false;
	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '\\' && i == 0)
			continue;
		if (c <= 0x20 || c > 0x7e || strchr("(){%*\"\\]", c) != NULL)
			return false;
	}
	return true;
}

void
imap_flags(struct imap_writer *w, struct slice flags)
{
	bool first = true;

	put(w, "(", 1);
	while (flags.n > 0) {
		const uint8_t *space = memchr(flags.p, ' ', flags.n);
		struct slice flag = { flags.p, space != NULL ? (size_t)(space - flags.p) : flags.n };

		flags.p += flag.n + (space != NULL);
		flags.n -= flag.n + (space != NULL);
		if (flag.n == 0)
			continue;
		if (!imap_flag_valid(flag))
			w->refused = true;
		if (!first)
			put(w, " ", 1);
		first = false;
		put(w, flag.p, flag.n);
	}
	put(w, ")", 1);
}

static void
release_body(const void *data, size_t n, void *ctx)
{
	struct body *body = ctx;

	(void)data;
	(void)n;
	body_close(body);
	free(body);
}

/* The bytes stay in their mapping until the kernel has them. */
void
imap_literal(struct imap_writer *w, struct body *body)
{
	struct body *keep = malloc(sizeof(*keep));

	if (keep == NULL)
		fatal("out of memory");
	*keep = *body;
	*body = (struct body){ 0 };
	announce(w, keep->data.n);
	if (keep->data.n == 0 || w->refused) {
		release_body(NULL, 0, keep);
		return;
	}
	if (evbuffer_add_reference(w->held[w->nheld - 1], keep->data.p, keep->data.n, release_body, keep) == -1)
		fatal("out of memory");
}

int
imap_end(struct imap_writer *w)
{
	struct evbuffer *first = w->held[0];

	put(w, "\r\n", 2);
	if (w->refused) {
		drop_held(w);
		return -1;
	}
	if (evbuffer_add_buffer(w->out, first) == -1)
		fatal("out of memory");
	evbuffer_free(first);
	w->nheld--;
	memmove(w->held, w->held + 1, w->nheld * sizeof(w->held[0]));
	w->npending++;
	return 0;
}

void
imap_done(struct imap_writer *w)
{
	if (evbuffer_add(w->out, "DONE\r\n", 6) == -1)
		fatal("out of memory");
}

int
imap_continue(struct imap_writer *w)
{
	if (w->nheld == 0)
		return -1;
	if (evbuffer_add_buffer(w->out, w->held[0]) == -1)
		fatal("out of memory");
	evbuffer_free(w->held[0]);
	w->nheld--;
	memmove(w->held, w->held + 1, w->nheld * sizeof(w->held[0]));
	return 0;
}

int
imap_finish(struct imap_writer *w, uint32_t tag, struct pending *out)
{
	unsigned int i;

	for (i = 0; i < w->npending && w->pending[i].tag != tag; i++)
		;
	if (i == w->npending)
		return -1;
	*out = w->pending[i];
	/* Refused before its literal was asked for: the rest is never sent. */
	if (i == w->npending - 1)
		drop_held(w);
	w->npending--;
	memmove(w->pending + i, w->pending + i + 1, (w->npending - i) * sizeof(w->pending[0]));
	return 0;
}

struct pending *
imap_pending(struct imap_writer *w, enum command command)
{
	unsigned int i;

	for (i = 0; i < w->npending; i++) {
		if (w->pending[i].command == command)
			return &w->pending[i];
	}
	return NULL;
}

unsigned int
imap_in_flight(const struct imap_writer *w, enum command command)
{
	unsigned int i, n = 0;

	for (i = 0; i < w->npending; i++)
		n += w->pending[i].command == command;
	return n;
}

struct pending *
imap_pending_uid(struct imap_writer *w, enum command command, uint32_t uid)
{
	unsigned int i;

	for (i = 0; i < w->npending; i++) {
		struct pending *p = &w->pending[i];

		if (p->command == command && uid >= p->low && uid <= p->high)
			return p;
	}
	return NULL;
}
