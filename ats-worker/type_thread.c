/*
 * type_thread.c - Thread (RFC 8621 s. 3).
 */
#include "jmap_type.h"

JMAP_DECODE(thread)
JMAP_RENDER(thread, render_emails, ju_ids('E', x->emails))

static const struct jmap_prop props[] = {
	{ "emailIds", PROP_SERVER_SET, render_emails },
	{ 0 },
};

const struct jmap_type type_thread = { .name = "Thread", .letter = 'T', .obj = OBJ_THREAD, .decode = thread_decode,
	.props = props };
