/*
 * json_write.h - a tree as text, compact.
 *
 * Jansson's own writer looks at every character of every string as a code point and hands the text over in pieces of
 * a few bytes: a third of the time that a page of Emails took. Strings in a tree are valid UTF-8 already (ju_str, or
 * Jansson's parser), so only the few characters that JSON escapes are looked for.
 */
#ifndef ATS_JSON_WRITE_H
#define ATS_JSON_WRITE_H

#include <jansson.h>

struct evbuffer;

/* Appends value's text; -1: no memory, or value is NULL, and nothing is appended. The depth is the tree's: what a
 * client sent is bounded by LIM_JSON_DEPTH, what we build is flat. */
int json_write(struct evbuffer *, const json_t *value);

#endif
