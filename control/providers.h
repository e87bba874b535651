/*
 * providers.h - the provider presets of the configuration, for posternctl.
 */
#ifndef CONTROL_PROVIDERS_H
#define CONTROL_PROVIDERS_H

#include "wire.h"

struct client;

int providers_add(struct slice record);	/* rec provider, encoded; -1: too many */
void providers_put(struct client *);	/* answers show_providers, done included */

#endif
