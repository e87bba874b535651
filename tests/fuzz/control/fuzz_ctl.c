/*
 * posternctl's side: what control answers, as tables and as JSON. The first
 * byte chooses the command, the answers are frames built from the rest. The
 * ways out of the program lead back here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "ctl.h"
#include "frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
const char *__asan_default_options(void);

/* A program that ends does not tidy up first. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

struct ctl_options ctl_options = { .socket = "/nonexistent/control.sock" };
static struct feed input;
static struct wbuf frame;
static jmp_buf out;

/* ---- what posternctl's end frees, else: JSON that a failure left ---- */
struct piece {
	_Alignas(16) LIST_ENTRY(piece) entry;
};
static LIST_HEAD(, piece) pieces = LIST_HEAD_INITIALIZER(pieces);

static void *
piece_new(size_t n)
{
	struct piece *p = malloc(sizeof(*p) + n);

	if (p == NULL)
		return NULL;
	LIST_INSERT_HEAD(&pieces, p, entry);
	return p + 1;
}

static void
piece_free(void *at)
{
	struct piece *p = at;

	if (p-- == NULL)
		return;
	LIST_REMOVE(p, entry);
	free(p);
}

static void
pieces_free(void)
{
	while (!LIST_EMPTY(&pieces))
		piece_free(LIST_FIRST(&pieces) + 1);
}

void
ctl_fail(int status, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	(void)status;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	longjmp(out, 1);
}

void
ctl_usage(void)
{
	longjmp(out, 1);
}

void
conn_open(void)
{
}

void
conn_ask(enum ctl_type type, const void *fields)
{
	struct wbuf w = { .max = LIM_CTL_FRAME };

	(void)ctl_encode(&w, type, fields);
	wbuf_free(&w);
}

bool
conn_next(struct ctl *c)
{
	if (input.n == 0) {	/* an answer that ends well: what was gathered is shown, and freed */
		*c = (struct ctl){ .type = CTL_done };
		return false;
	}
	wbuf_reset(&frame);
	if (frame_put(&input, &frame) == -1 || ctl_decode(wbuf_slice(&frame), CTLD_ANSWER, c) <= 0)
		longjmp(out, 1);
	return c->type != CTL_done;
}

void
conn_check(const struct ctl *done)
{
	if (done->type == CTL_done && done->done.error.n > 0)
		ctl_fail(CTL_REFUSED, "%s: %s", safe_text(done->done.error), safe_text(done->done.text));
}

static void
run(unsigned int which)
{
	static char ats[] = "main", link[] = "L1", minus_k[] = "-p", file[] = "/nonexistent/key";
	static char *args[] = { ats, link, NULL }, *status[] = { minus_k, file, NULL };

	switch (which % 9) {
	case 0:
		(void)cmd_show_processes(0, NULL);
		break;
	case 1:
		(void)cmd_show_links(0, NULL);
		break;
	case 2:
		(void)cmd_show_queue(1, args);
		break;
	case 3:
		(void)cmd_show_providers(0, NULL);
		break;
	case 4:
		(void)cmd_link_test(2, args);
		break;
	case 5:
		(void)cmd_link_pause(2, args);
		break;
	case 6:
		(void)cmd_link_resume(2, args);
		break;
	case 7:
		(void)cmd_link_remove(2, args);
		break;
	default:
		(void)cmd_vault_status(2, status);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *sink;

	if (sink == NULL && (sink = freopen("/dev/null", "w", stdout)) == NULL)
		return 0;
	json_set_alloc_funcs(piece_new, piece_free);
	wbuf_init(&frame, LIM_CTL_FRAME);
	for (int json = 0; json < 2; json++) {
		input = feed_start(data, size);
		ctl_options.json = json == 1;
		if (setjmp(out) == 0)
			run(feed_byte(&input));
	}
	wbuf_free(&frame);
	pieces_free();
	return 0;
}
