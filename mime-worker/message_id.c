#include "message_id.h"

#include <string.h>

#include "limits.h"

/* White space inside the brackets is left from folding. */
static void
add_id(struct wbuf *list, struct slice s, size_t *count)
{
	uint8_t buf[LIM_MESSAGE_ID];
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] == 0x7f)
			continue;
		if (n == sizeof(buf))
			return;
		buf[n++] = s.p[i];
	}
	if (n == 0)
		return;
	list_add(list, slice_mem(buf, n));
	++*count;
}

static void
bracketed(struct wbuf *list, struct slice s, size_t *count)
{
	const uint8_t *open, *close;

	while (s.n > 0 && (open = memchr(s.p, '<', s.n)) != NULL) {
		s.n -= (size_t)(open + 1 - s.p);
		s.p = open + 1;
		if (s.n == 0 || (close = memchr(s.p, '>', s.n)) == NULL)
			return;
		add_id(list, slice_mem(s.p, (size_t)(close - s.p)), count);
		s.n -= (size_t)(close + 1 - s.p);
		s.p = close + 1;
	}
}

static void
words(struct wbuf *list, struct slice s, size_t *count)
{
	while (s.n > 0) {
		size_t n = 0;

		while (n < s.n && s.p[n] > ' ')
			n++;
		add_id(list, slice_mem(s.p, n), count);
		for (; n < s.n && s.p[n] <= ' '; n++)
			;
		s.p += n;
		s.n -= n;
	}
}

/* All ids of the list but those from the second on that are too many. */
static void
thin_out(struct wbuf *out, struct slice all, size_t count, size_t max)
{
	struct slice item;

	for (size_t i = 0; list_next(&all, &item); i++)
		if (i == 0 || i > count - max)
			list_add(out, item);
}

void
message_id_list(struct wbuf *list, struct slice value, size_t max)
{
	struct wbuf all;
	size_t count = 0;

	wbuf_init(&all, (size_t)LIM_HEADER_VALUE * 3);
	if (value.n > 0 && memchr(value.p, '<', value.n) != NULL)
		bracketed(&all, value, &count);
	else
		words(&all, value, &count);
	if (count <= max)
		w_raw(list, all.p, all.n);
	else
		thin_out(list, wbuf_slice(&all), count, max);
	wbuf_free(&all);
}
