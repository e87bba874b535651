#include "cred.h"

uint8_t *areas[AREA__COUNT];

int
area_init(void)
{
	for (size_t i = 0; i < AREA__COUNT; i++)
		if (areas[i] == NULL && (areas[i] = sodium_malloc(AREA_N)) == NULL)
			return -1;
	return 0;
}

struct wbuf
area_writer(void)
{
	/* cap = max: wire.c never has a reason to move this buffer. */
	return (struct wbuf){ .p = areas[AREA_BUILT], .cap = AREA_N, .max = AREA_N };
}

void
area_wipe(void)
{
	sodium_memzero(areas[AREA_OPENED], AREA_N);
	sodium_memzero(areas[AREA_BUILT], AREA_N);
}

/* Not empty, within max, and no control characters: these also go into IMAP
 * LOGIN, into NUL-separated PLAIN and, the names, into logs. */
static bool
is_text(struct slice s, size_t max)
{
	if (s.n == 0 || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

bool
cred_valid(const struct seal_plain *c)
{
	return is_text(c->address, LIM_ADDRESS) && is_text(c->user, LIM_USER) && is_text(c->secret, LIM_SECRET) &&
	    c->endpoints.n > 0 && list_valid(c->endpoints, LIM_SEAL_ENDPOINTS, SEAL_ENDPOINT_MAX);
}

bool
cred_list_has(struct slice list, struct slice wanted)
{
	struct slice item;

	while (list_next(&list, &item))
		if (slice_eq(item, wanted))
			return true;
	return false;
}

bool
cred_lists_equal(struct slice a, struct slice b)
{
	struct slice item;

	if (a.n == 0 || list_count(a) != list_count(b))
		return false;
	while (list_next(&a, &item))
		if (!cred_list_has(b, item) || cred_list_has(a, item))	/* a: what is left of it */
			return false;
	return true;
}
