/*
 * foreign.h - a worker serves one link, and what it names must be that link's.
 *
 * Numbers of mailboxes, operations and submissions are unique in a database,
 * and a worker only knows those that its store told it. One of another link is
 * a breach by a worker that was taken over. One that no link has may have been
 * deleted while the worker spoke: it is passed over, up to LIM_STRAYS.
 */
#ifndef STORE_FOREIGN_H
#define STORE_FOREIGN_H

#include "db.h"

enum owner { OWNER_SELF, OWNER_NOBODY, OWNER_OTHER };

/*
 * Whose is row id of t (mailbox, pending, submission)? All but OWNER_SELF is
 * logged, with the worker (c) and with the link it belongs to. strays counts
 * what the worker named in vain; OWNER_OTHER also when that is too much.
 */
enum owner foreign_owner(const struct chan *c, enum table t, uint64_t id, unsigned int *strays);

#endif
