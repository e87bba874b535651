/*
 * folder_names.h - what Sent, Drafts, Trash, Junk and Archive are called by
 * servers and clients that do not mark them (no RFC 6154), as data.
 */
#ifndef IMAPD_FOLDER_NAMES_H
#define IMAPD_FOLDER_NAMES_H

#include "enums.h"
#include "wire.h"

/*
 * The role that a folder's own name (last part, UTF-8) suggests, or MBOX_NONE;
 * *rank is smaller for the more usual name. ASCII letters compare without
 * case, others as they are.
 */
enum mailbox_role folder_names_role(struct slice leaf, unsigned int *rank);

#endif
