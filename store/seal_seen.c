#include "seal_seen.h"

#include <string.h>

struct hash32
seal_hash(struct slice seal)
{
	return db_hash32(seal);
}

bool
seal_seen(struct slice seal)
{
	struct hash32 h = seal_hash(seal);

	return table_get(T_seal, KEY(seal, .digest = HASH(h)), NULL);
}

static uint64_t
newest(void)
{
	struct key_sealorder k = { .n = 0 };
	struct slice key;
	struct scan s;

	scan_prefix(&s, T_sealorder, PREFIX(sealorder, 0, .n = 0), true);
	if (scan_next(&s, &key, NULL) && key_sealorder_read(key, &k) == -1)
		k.n = 0;
	scan_end(&s);
	return k.n;
}

static void
forget(uint64_t n)
{
	struct dbkey order = KEY(sealorder, .n = n), digest;
	struct slice v;

	if (!table_get(T_sealorder, order, &v) || v.n != sizeof(struct hash32))
		return;
	digest = KEY(seal, .digest = v);
	(void)table_del(T_seal, digest);
	(void)table_del(T_sealorder, order);
}

void
seal_note(const struct hash32 *h)
{
	uint64_t n = newest() + 1;

	table_put_u64(T_seal, KEY(seal, .digest = HASH(*h)), n);
	table_put(T_sealorder, KEY(sealorder, .n = n), HASH(*h));
	if (n > LIM_SEALS_KEPT)
		forget(n - LIM_SEALS_KEPT);
}
