/*
 * check_private.h - shared by check*.c only.
 */
#ifndef STORE_CHECK_PRIVATE_H
#define STORE_CHECK_PRIVATE_H

#include "db.h"

void check_bad(enum table, struct slice key, const char *why);
/* The account is on its way out: its rows prove nothing. */
bool check_leaving(uint32_t account);

/* Walk a whole table, its keys read; accounts on their way out left out. */
#define CHECK_EACH(name, k, key, v)                                                                                    \
	for (struct scan s_ = check_walk(T_##name); scan_next(&s_, &key, &v);)                                         \
		if (key_##name##_read(key, &k) == 0)
struct scan check_walk(enum table);

void check_log(void);		/* check_log.c: the change log */
void check_mail(void);		/* check_mail.c: emails and what finds them */
void check_folders(void);	/* check_folders.c: mailboxes, UIDs, journal, blobs */
void check_people(void);	/* check_people.c: links, submissions, notes, reviews, correspondents */

uint64_t check_u64(struct slice value);	/* 0 when it is none */

#endif
