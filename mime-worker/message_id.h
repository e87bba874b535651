/*
 * message_id.h - lists of message ids (Message-ID, In-Reply-To, References).
 */
#ifndef MIME_MESSAGE_ID_H
#define MIME_MESSAGE_ID_H

#include "wire.h"

/*
 * Append the ids of value (unfolded, clean) to *list without angle brackets,
 * white space and comments: RFC 8621 s. 4.1.2.5. Longer ones than
 * LIM_MESSAGE_ID are left out. Of more than max ids the first (the root of
 * the thread) and the last max - 1 stay. Without any brackets the words are ids.
 */
void message_id_list(struct wbuf *list, struct slice value, size_t max);

#endif
