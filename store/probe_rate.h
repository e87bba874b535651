/*
 * probe_rate.h - how often a link may be tested: per address, so that nobody's
 * account is locked by us, and per ATS. Pure; times in seconds.
 */
#ifndef STORE_PROBE_RATE_H
#define STORE_PROBE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

/* Count one probe; false: too many. */
bool probe_rate_allow(struct slice canonical, uint64_t now);

#endif
