/*
 * link_set.h - private to link_set.c and probe.c.
 *
 * What a seal is for: "credential" binds the address, the IMAP user (SMTP user
 * of a link without IMAP endpoint), and every endpoint the link has - IMAP's,
 * and SMTP's unless an smtpCredential came with it; that one binds the SMTP
 * user and endpoint. Both are required when the users differ.
 */
#ifndef STORE_LINK_SET_H
#define STORE_LINK_SET_H

#include "probe.h"

/* Everything passed: write the link and its credentials, answer, run it. */
void link_commit(struct probe *);

#endif
