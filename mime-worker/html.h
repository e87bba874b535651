/*
 * html.h - the readable text of an HTML part, simply: for previews and notes,
 * never for display as HTML.
 */
#ifndef MIME_HTML_H
#define MIME_HTML_H

#include "wire.h"

/*
 * Append the text of html (clean UTF-8) to *out, at most max bytes in all, cut
 * between characters. Tags, comments, scripts, styles and titles are left out,
 * blocks begin on a new line, entities are resolved. Linear.
 */
void html_text(struct wbuf *out, struct slice html, size_t max);

#endif
