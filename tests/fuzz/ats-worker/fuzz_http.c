/*
 * The HTTP parser: any bytes, whole and cut at a place that the first byte
 * chooses, must give the same events; targets are decoded too.
 */
#include <stdlib.h>
#include <string.h>

#include "../feed.h"
#include "http_parse.h"
#include "http_target.h"

static uint64_t
mix(uint64_t h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * 0x100000001b3u;
	return h;
}

/* A hash of all events; pieces of one body count as one. */
static uint64_t
run(const uint8_t *data, size_t size, size_t step)
{
	static struct http_parser p;
	struct http_target t;
	uint64_t h = 1;

	http_parse_init(&p);
	for (size_t at = 0; at < size;) {
		size_t n = size - at < step ? size - at : step;
		struct slice in = slice_mem(data + at, n), body;
		enum http_event ev;

		at += n;
		while ((ev = http_parse(&p, &in, &body)) != HTTP_MORE) {
			if (ev == HTTP_BODY)
				h = mix(h, body.p, body.n);
			else
				h = mix(h, &ev, sizeof(ev));
			if (ev == HTTP_ERROR)
				return mix(h, &p.status, sizeof(p.status));
			if (ev == HTTP_HEAD) {
				p.body_limit = 4096;
				(void)http_target_parse(&t, p.head.target);
				h = mix(h, p.head.host.p, p.head.host.n);
			}
			if (ev == HTTP_END)
				http_parse_next_request(&p);
		}
	}
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);
	size_t step = feed_byte(&f) % 32 + 1u;
	struct slice in = feed_expand(f.p, f.n);

	if (run(in.p, in.n, in.n) != run(in.p, in.n, step))
		abort();
	return 0;
}
