/*
 * html_entity.h - character references of HTML.
 */
#ifndef MIME_HTML_ENTITY_H
#define MIME_HTML_ENTITY_H

#include "wire.h"

/*
 * The reference at the start of s ("&" first): its UTF-8 goes to buf, *n bytes
 * (0: a character that is dropped; a no-break space becomes a space). Returns
 * the bytes of s it takes, 0 when it is none we know.
 */
size_t html_entity(struct slice s, char buf[4], size_t *n);

#endif
