/*
 * ats.h - what the master told this process at start.
 */
#ifndef ATS_ATS_H
#define ATS_ATS_H

#include "messages.h"

struct ats_config {
	char name[LIM_ATS_NAME + 1];	/* of the ATS block */
	uint8_t public_key[32];
	bool sealed_only;
	struct rec_provider providers[LIM_CONF_PROVIDERS];	/* slices owned */
	size_t nproviders;
};

extern struct ats_config ats_config;

/* Copies an encoded rec provider; 0, or -1 when it is malformed or one too many. */
int ats_config_provider(struct slice record);
/* NULL when there is none of that id. */
const struct rec_provider *ats_provider_find(struct slice id);

#endif
