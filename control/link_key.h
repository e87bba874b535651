/*
 * link_key.h - how an admin names a link: by its address, or by the id that
 * the ATS uses, "L" and a number.
 */
#ifndef CONTROL_LINK_KEY_H
#define CONTROL_LINK_KEY_H

#include "wire.h"

/* Is this the link meant by key? An empty key means every link. */
bool link_key_means(const char *key, uint64_t id, struct slice address);

#endif
