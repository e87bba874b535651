/*
 * parse_body.h - a whole message as a rec parsed.
 */
#ifndef MIME_PARSE_BODY_H
#define MIME_PARSE_BODY_H

#include "structure.h"

/*
 * Append the encoded rec parsed of a message; tree NULL: header only, the
 * fields after it stay empty. Texts beyond LIM_MIME_TEXT in all are cut and say
 * so. Returns 0, or -1 when *out failed.
 */
int parse_record(struct wbuf *out, struct slice message, const struct mime_tree *tree);

/* The tree of a message with its flags set. Never NULL. */
struct mime_tree *parse_tree(struct slice message);

#endif
