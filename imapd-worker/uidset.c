/*
 * uidset.c - ranges of UIDs.
 */
#include "uidset.h"

#include <stdlib.h>
#include <string.h>

void
uidset_init(struct uidset *s, size_t max)
{
	*s = (struct uidset){ .max = max };
}

void
uidset_free(struct uidset *s)
{
	free(s->r);
	s->r = NULL;
	s->n = s->cap = 0;
}

/* A big slice is rare: do not keep its memory for the idle time after it. */
void
uidset_clear(struct uidset *s)
{
	if (s->cap > 4096)
		uidset_free(s);
	s->n = 0;
	s->over = false;
}

static bool
grow(struct uidset *s)
{
	size_t cap = s->cap == 0 ? 64 : s->cap * 2;
	struct uidrange *r;

	if (cap > s->max)
		cap = s->max;
	if (s->n >= cap || (r = reallocarray(s->r, cap, sizeof(*r))) == NULL)
		return false;
	s->r = r;
	s->cap = cap;
	return true;
}

void
uidset_add(struct uidset *s, uint32_t first, uint32_t last)
{
	struct uidrange *top = s->n > 0 ? &s->r[s->n - 1] : NULL;

	if (first == 0 || last < first)
		return;
	/* Servers mostly answer in order: extend instead of append. */
	if (top != NULL && first >= top->first && first <= top->last) {
		if (last > top->last)
			top->last = last;
		return;
	}
	if (top != NULL && top->last != UINT32_MAX && first == top->last + 1) {
		top->last = last;
		return;
	}
	if (s->n == s->cap && !grow(s)) {
		s->over = true;
		return;
	}
	s->r[s->n++] = (struct uidrange){ first, last };
}

static int
compare(const void *a, const void *b)
{
	const struct uidrange *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void
uidset_settle(struct uidset *s, uint32_t low, uint32_t high)
{
	size_t i, k = 0;

	if (s->n > 1)
		qsort(s->r, s->n, sizeof(*s->r), compare);
	for (i = 0; i < s->n; i++) {
		struct uidrange r = s->r[i];

		if (r.last < low || r.first > high)
			continue;
		r.first = r.first < low ? low : r.first;
		r.last = r.last > high ? high : r.last;
		if (k > 0 && (uint64_t)s->r[k - 1].last + 1 >= r.first) {
			if (r.last > s->r[k - 1].last)
				s->r[k - 1].last = r.last;
		} else
			s->r[k++] = r;
	}
	s->n = k;
}

void
uidset_keep(struct uidset *s, size_t n)
{
	if (s->n <= n)
		return;
	s->over = true;
	memmove(s->r, s->r + s->n - n, n * sizeof(*s->r));
	s->n = n;
}

/* Half at a time: a long answer is not sorted anew for each of its numbers. */
void
uidset_add_newest(struct uidset *s, uint32_t first, uint32_t last)
{
	if (s->n == s->max) {
		uidset_settle(s, 1, UINT32_MAX);
		uidset_keep(s, s->max / 2);
	}
	uidset_add(s, first, last);
}

static bool
take_number(struct slice *t, uint32_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	if (t->n > 0 && t->p[0] == '*') {
		v = UINT32_MAX;
		i = 1;
	} else {
		for (; i < t->n && i < 11 && t->p[i] >= '0' && t->p[i] <= '9'; i++)
			v = v * 10 + (t->p[i] - '0');
	}
	if (i == 0 || v == 0 || v > UINT32_MAX)
		return false;
	t->p += i;
	t->n -= i;
	*out = (uint32_t)v;
	return true;
}

bool
uidset_next(struct slice *t, struct uidrange *r, bool *bad)
{
	uint32_t swap;

	*bad = false;
	if (t->n == 0)
		return false;
	*bad = true;
	if (!take_number(t, &r->first))
		return false;
	r->last = r->first;
	if (t->n > 0 && t->p[0] == ':') {
		t->p++;
		t->n--;
		if (!take_number(t, &r->last))
			return false;
	}
	if (t->n > 0 && (t->p[0] != ',' || t->n == 1))
		return false;
	if (t->n > 0) {
		t->p++;
		t->n--;
	}
	if (r->last < r->first) {
		swap = r->first;
		r->first = r->last;
		r->last = swap;
	}
	*bad = false;
	return true;
}
