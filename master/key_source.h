/*
 * key_source.h - where the vault's key comes from: a file that is its owner's
 * alone, or a credential of systemd. Read anew each time, kept never.
 */
#ifndef MASTER_KEY_SOURCE_H
#define MASTER_KEY_SOURCE_H

#include <sys/types.h>

#include "config.h"

#define KEY_SOURCE_CREDENTIAL "credential:"	/* vault-key = "credential:NAME" */

/* The key's bytes and, while it is being renewed, those of FILE.new behind
 * them; how many, or -1 after logging what is wrong. The caller wipes key. */
ssize_t key_source_read(const struct conf *, uint8_t key[LIM_KEY_FILE]);
/* The same as the reading end of a pipe; -1 after logging. */
int key_source_pipe(const struct conf *);

#endif
