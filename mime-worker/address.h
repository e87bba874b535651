/*
 * address.h - address lists of a header, RFC 5322 s. 3.4 with its obsolete
 * forms and what else is in the wild; RFC 6532 addresses in UTF-8.
 *
 * The result is the Addresses form of RFC 8621 s. 4.1.2.3: groups are
 * flattened into their members, names are decoded, comments are gone (one
 * serves as the name when there is no other).
 */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include "wire.h"

/*
 * Append one rec address per mailbox of value (unfolded, clean UTF-8) as list
 * items to *list, at most max items and *budget bytes (reduced by what was
 * used). An address longer than LIM_ADDRESS is left empty: cut, it would be
 * somebody else's. Linear, no recursion.
 */
void address_list(struct wbuf *list, struct slice value, size_t max, size_t *budget);

#endif
