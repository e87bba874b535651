/*
 * attack_private.h - the inside of attack*.c.
 */
#ifndef COMMON_ATTACK_PRIVATE_H
#define COMMON_ATTACK_PRIVATE_H

#include "attack.h"

void attack_raw(struct attack *);
void attack_peers(struct attack *);
void attack_list(struct attack *);
void attack_calls(struct attack *);
void attack_use(struct attack *);
void attack_exit(struct attack *);

/* The attempt of that name; false when there is none. */
bool attack_try(struct attack *, struct slice name);

#endif
