/*
 * email_maps.h - the keywords and mailboxIds of an Email from JSON.
 */
#ifndef ATS_EMAIL_MAPS_H
#define ATS_EMAIL_MAPS_H

#include "jmap.h"

/* Lower-case into out (room for 256); -1 when it is no keyword (RFC 8621 s. 4.1.1). */
int email_keyword(const char *in, char out[256]);

/* {keyword: true, ...} joined by spaces in w. NULL = good, else what is wrong. */
const char *email_keywords_read(json_t *map, struct wbuf *w);
/* {mailbox id: true, ...} as packed ids in w; "#k" is resolved. */
const char *email_mailboxes_read(const struct jmap_call *, json_t *map, struct wbuf *w);

#endif
