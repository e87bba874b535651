/*
 * config.h - what the master told this process before it was READY.
 */
#ifndef CONTROL_CONFIG_H
#define CONTROL_CONFIG_H

#include "channel.h"

/* All rows that control serves on the master's channel. */
const chan_handler *config_handlers(void);
int config_socket(void);	/* listening; exits when none was given */
struct slice config_uids(void);	/* packed u32, alive as long as the process */
struct slice config_public_key(void);	/* of the vault; 32 bytes or empty */

#endif
