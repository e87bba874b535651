/*
 * imap_date.h - the dates of RFC 3501 s. 9, without libc's time zones: the
 * sandbox has no zone files and INTERNALDATE carries its own offset.
 */
#ifndef IMAPD_IMAP_DATE_H
#define IMAPD_IMAP_DATE_H

#include "wire.h"

/* date-time "17-Jul-1996 02:44:25 -0700" to seconds since 1970, UTC.
 * 0, or -1 when it is no date; dates before 1970 become 0. */
int imap_date_parse(struct slice, uint64_t *seconds);

#define IMAP_DATE_LEN 32
/* date-time without quotes, in UTC. */
void imap_date_format(uint64_t seconds, char out[IMAP_DATE_LEN]);
/* date, as SEARCH SINCE takes it: "17-Jul-1996". */
void imap_date_day(uint64_t seconds, char out[IMAP_DATE_LEN]);

#endif
