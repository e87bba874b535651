/*
 * The server's bytes through framing and parsing. The first byte says in what
 * pieces they arrive; the outcome must not depend on it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imap_frame.h"
#include "imap_response.h"
#include "uidset.h"
#include "utf7.h"

static const struct imap_limits limits = { .text = 65536, .inline_max = 64, .literal_max = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
walk_set(struct slice set, uint64_t *sum)
{
	struct uidrange range;
	struct uidset s;
	bool bad;

	uidset_init(&s, 64);
	while (uidset_next(&set, &range, &bad))
		uidset_add(&s, range.first, range.last);
	uidset_settle(&s, 2, UINT32_MAX - 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.r[i].first > s.r[i].last || (i > 0 && s.r[i].first <= s.r[i - 1].last))
			abort();
		*sum = *sum * 31 + s.r[i].first + s.r[i].last;
	}
	uidset_free(&s);
}

static void
walk(struct imap_response *r, uint64_t *sum)
{
	struct wbuf name;
	uint32_t uid;

	*sum = *sum * 31 + (uint64_t)r->kind + (uint64_t)r->code + r->number + r->fetch.uid + r->fetch.size;
	if (strlen(r->fetch.flags) > LIM_KEYWORDS)
		abort();
	while (r->kind == IMAP_SEARCH && imap_search_next(r, &uid))
		*sum += uid;
	walk_set(r->search.all, sum);
	walk_set(r->set, sum);
	walk_set(r->uids_to, sum);
	wbuf_init(&name, 4096);
	if (utf7_decode(r->list.name, &name) == 0 && !utf8_clean(wbuf_slice(&name)))
		abort();
	wbuf_free(&name);
}

static uint64_t
run(const uint8_t *p, size_t n, size_t piece)
{
	struct imap_response r;
	struct imap_frame f;
	uint64_t sum = 0;
	size_t used, len;
	int fd;

	imap_frame_init(&f, &limits);
	while (n > 0) {
		enum imap_frame_status status;

		len = n < piece ? n : piece;
		status = imap_frame_feed(&f, p, len, &used);
		if (status == IMAP_FRAME_BAD || used > len || (status == IMAP_FRAME_MORE && used != len))
			break;
		if (status == IMAP_FRAME_DONE) {
			sum = sum * 31 + 1;
			if (imap_response_parse(&r, f.text.p, f.text.n, limits.inline_max) == 0)
				walk(&r, &sum);
			if ((fd = imap_frame_take(&f)) != -1)
				close(fd);
			imap_frame_next(&f);
		}
		p += used;
		n -= used;
	}
	imap_frame_free(&f);
	return sum;
}

/* The parser alone, without the framing that has counted its literals. */
static void
parse_alone(const uint8_t *p, size_t n)
{
	struct imap_response r;
	uint64_t sum = 0;
	uint8_t *text = malloc(n);

	if (text == NULL)
		abort();
	memcpy(text, p, n);
	if (imap_response_parse(&r, text, n, limits.inline_max) == 0)
		walk(&r, &sum);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	parse_alone(data + 1, size - 1);
	if (run(data + 1, size - 1, (size_t)data[0] + 1) != run(data + 1, size - 1, 1))
		abort();
	return 0;
}
