/*
 * link_seal.h - the credentials of a Link into seals for the vault. A password
 * lives here between its JSON and crypto_box_seal, and is wiped from the JSON
 * tree's memory when that is freed (json_set_alloc_funcs).
 */
#ifndef ATS_LINK_SEAL_H
#define ATS_LINK_SEAL_H

#include "link_parse.h"

struct link_seals {
	struct slice seal, smtp_seal;	/* in the arena; empty = not given */
};

enum seal_status { SEAL_OK, SEAL_INVALID, SEAL_REFUSED };

/*
 * credential, smtp_credential: JSON values or NULL. The endpoints that each is
 * bound to come from rec, as the store names them to the vault: every service
 * that has a host with one credential, one each with two. On failure p names
 * the property; SEAL_REFUSED: this tenant takes sealed ones only.
 */
enum seal_status link_seal(struct arena *, const struct rec_link *, json_t *credential, json_t *smtp_credential,
    struct link_seals *, struct link_problem *p);

#endif
