#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	void *data;
};

static void
arena_hold(struct arena *a, void *data)
{
	struct arena_block *b = data != NULL ? malloc(sizeof(*b)) : NULL;

	if (b == NULL) {
		free(data);
		a->failed = true;
		return;
	}
	*b = (struct arena_block){ a->blocks, data };
	a->blocks = b;
}

void
arena_free(struct arena *a)
{
	struct arena_block *b;

	while ((b = a->blocks) != NULL) {
		a->blocks = b->next;
		free(b->data);
		free(b);
	}
	a->failed = false;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *before = a->blocks;

	arena_hold(a, calloc(1, n > 0 ? n : 1));
	return a->blocks != before ? a->blocks->data : NULL;
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	uint8_t *p = arena_alloc(a, s.n + 1);

	if (p == NULL)
		return SLICE_NONE;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return slice_mem(p, s.n);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	struct arena_block *before = a->blocks;
	char *p = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	arena_hold(a, n >= 0 ? p : NULL);
	return a->blocks != before ? a->blocks->data : NULL;
}

struct slice
arena_take(struct arena *a, struct wbuf *w)
{
	struct slice s = wbuf_slice(w);
	struct arena_block *before = a->blocks;

	if (w->failed || w->p == NULL) {
		a->failed = a->failed || w->failed;
		wbuf_free(w);
		return SLICE_NONE;
	}
	arena_hold(a, w->p);
	*w = (struct wbuf){ .max = w->max };
	return a->blocks != before ? s : SLICE_NONE;
}
