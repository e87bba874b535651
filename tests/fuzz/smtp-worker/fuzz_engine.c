/* A hostile SMTP server after the login: one item, however it answers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../feed.h"
#include "engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static unsigned int done, sent, went;

static void
on_rcpt(void *ctx, size_t index, unsigned int reply, const char *code, const char *text)
{
	(void)reply;
	if (index >= ((struct item *)ctx)->n_rcpts || strlen(code) > LIM_CODE || strlen(text) > LIM_DETAIL)
		abort();
}

static void
on_data_sent(void *ctx)
{
	(void)ctx;
	sent++;
}

static void
on_done(void *ctx, enum send_result result, unsigned int reply, const char *code, const char *text)
{
	(void)ctx;
	(void)reply;
	/* Uncertain only after the permission, and never success without it. */
	if (done++ > 0 || code == NULL || strlen(text) > LIM_DETAIL || (result == SEND_UNCERTAIN && went == 0) ||
	    (result == SEND_OK && went == 0))
		abort();
}

static void
on_idle(void *ctx)
{
	(void)ctx;
}

static void
on_step(void *ctx, enum step step, bool ok, const char *code, const char *text)
{
	(void)ctx;
	(void)step;
	(void)ok;
	(void)code;
	(void)text;
}

static void
on_over(void *ctx)
{
	(void)ctx;
}

static void
converse(struct engine *e, struct item *item, const uint8_t *p, size_t n, size_t step)
{
	bool started = false;

	while (n > 0 && e->state != ENGINE_DEAD) {
		step = step > n ? n : step;
		engine_input(e, slice_mem(p, step));
		p += step;
		n -= step;
		if (e->state == ENGINE_IDLE && !started) {
			started = true;
			engine_send(e, item);
		}
		while (evbuffer_get_length(e->out) > 0) {
			evbuffer_drain(e->out, evbuffer_get_length(e->out));
			engine_drained(e);
		}
		if (e->state == ENGINE_WAIT_GO) {
			went++;
			engine_go(e);
		}
	}
	engine_lost(e);
	if (started && done != 1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct engine_ops ops = { on_rcpt, on_data_sent, on_done, on_idle, on_step, on_over };
	static char rcpts[3][LIM_ADDRESS + 1] = { "a@example.net", "b c@example.net", "d@example.net" };
	static struct engine e;
	struct item item = { .submission = 1, .from = "me@example.org", .rcpts = rcpts, .n_rcpts = 3,
		.body.data = slice_str("Subject: x\n\n.text\n") };
	struct feed f = feed_start(p, n);
	struct slice in;
	struct evbuffer *out;

	if (n < 2 || (out = evbuffer_new()) == NULL)
		return 0;
	done = sent = went = 0;
	engine_start(&e, &ops, &item, out, "me@example.org", (p[0] & 1) != 0);
	in = feed_expand(f.p + 2, f.n - 2);
	converse(&e, &item, in.p, in.n, p[1] % 64 + 1u);
	evbuffer_free(out);
	return 0;
}
