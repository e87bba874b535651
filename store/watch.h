/*
 * watch.h - what happens, told to control while somebody runs posternctl
 * monitor: links that changed, new mail by number, mail on its way out. Noted
 * in the turn, told with its commit, once for each object; nothing is kept for
 * a control that does not read, it is told how much it missed.
 */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

#include "db.h"

void watch_init(void);
int watch_on_watch(struct chan *, const union msg *, int *fd);
void watch_forget(const struct chan *);		/* control is gone */

/* A change of the log: links and submissions are told. */
void watch_changed(uint32_t account, enum obj_type, uint64_t id);
/* One new message, not of the past. */
void watch_mail(uint32_t link);

#endif
