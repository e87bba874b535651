#include "link_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool
link_key_means(const char *key, uint64_t id, struct slice address)
{
	char text[32];

	if (key[0] == '\0')
		return true;
	snprintf(text, sizeof(text), "L%" PRIu64, id);
	return strcmp(key, text) == 0 || slice_case_eq_str(address, key);
}
