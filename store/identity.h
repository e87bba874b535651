/*
 * identity.h - one identity per link, derived from it: id = the link's number,
 * name and address of the link. Signatures come with Identity/set, later.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "db.h"

/* Encode the identity of an account; false: there is none with this id. */
bool identity_encode(uint32_t account, uint64_t id, struct wbuf *);

#endif
