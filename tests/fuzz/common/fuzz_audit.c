/*
 * Files of the audit log as verify, show and a start of posternd read them: any
 * bytes, in any pieces. The verdict must not depend on the pieces, and what is
 * called whole must be so by a reading of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_check.h"

static struct audit_check a, b, c;
static uint64_t lines;

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
on_line(void *ctx, const struct audit_line *l)
{
	struct slice v = audit_line_value(l, "previous");

	(void)ctx;
	if (l->seq == 0 || l->who.n == 0 || l->event.n == 0 || l->chained.n < l->fields.n || v.n > l->fields.n)
		abort();
	lines++;
}

static void
run(struct audit_check *check, bool join, const uint8_t *data, size_t size, size_t piece)
{
	audit_check_init(check, join);
	check->on_line = on_line;
	lines = 0;
	audit_check_begin(check, 0);
	for (size_t at = 0; at < size; at += piece)
		(void)audit_check_feed(check, slice_mem(data + at, size - at < piece ? size - at : piece));
	(void)audit_check_end(check);
	if (lines != check->lines && check->wrong == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(&a, false, data, size, size + 1);
	run(&b, false, data, size, size > 4096 ? 777 : 1);
	run(&c, true, data, size, 64);
	if (a.wrong != b.wrong || a.wrong_line != b.wrong_line || a.lines != b.lines || a.torn_end != b.torn_end ||
	    memcmp(&a.head, &b.head, sizeof(a.head)) != 0)
		abort();
	if (a.wrong == NULL && a.lines > 0 && (a.head.seq != a.first + a.lines - 1))
		abort();
	return 0;
}
