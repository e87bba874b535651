#include "ats.h"

#include <stdlib.h>
#include <string.h>

struct ats_config ats_config;

int
ats_config_provider(struct slice record)
{
	struct rec_provider *p = &ats_config.providers[ats_config.nproviders];
	uint8_t *copy;

	if (ats_config.nproviders == LIM_CONF_PROVIDERS || (copy = malloc(record.n + 1)) == NULL)
		return -1;
	memcpy(copy, record.p, record.n);
	if (rec_provider_decode(slice_mem(copy, record.n), p) == -1) {
		free(copy);
		return -1;
	}
	ats_config.nproviders++;
	return 0;
}

const struct rec_provider *
ats_provider_find(struct slice id)
{
	for (size_t i = 0; i < ats_config.nproviders; i++)
		if (slice_eq(ats_config.providers[i].id, id))
			return &ats_config.providers[i];
	return NULL;
}
