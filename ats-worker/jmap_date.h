/*
 * jmap_date.h - Date and UTCDate of RFC 8620 s. 1.4 (RFC 3339, upper-case T
 * and Z). Times are seconds since 1970; earlier ones become 0.
 */
#ifndef ATS_JMAP_DATE_H
#define ATS_JMAP_DATE_H

#include <stdbool.h>
#include <stdint.h>

#define JMAP_DATE_MAX 32

/* 0 or -1. utc: only the "Z" form. A fraction of a second is cut off. */
int jmap_date_parse(const char *s, bool utc, uint64_t *out);
void jmap_date_print(char out[JMAP_DATE_MAX], uint64_t seconds);
/* With a zone in minutes east of UTC, "+02:00" style. */
void jmap_date_print_zone(char out[JMAP_DATE_MAX], uint64_t seconds, int minutes);

#endif
