/*
 * date.h - the Date field (RFC 5322 s. 3.3).
 */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include "wire.h"

#define ZONE_UTC 720	/* zones are told in minutes, from twelve hours west of it on */

/*
 * Seconds since 1970 and the zone of an unfolded field. One that cannot be
 * read, or is before 1970, has 0 seconds; a zone that is on no clock is UTC.
 */
void date_read(struct slice value, uint64_t *seconds, uint16_t *zone);

#endif
