/*
 * type_mailbox.c - Mailbox (RFC 8621 s. 2). The server decides about folders,
 * so there is no Mailbox/set here yet.
 */
#include <stdlib.h>
#include <string.h>

#include "jmap_type.h"
#include "type_mailbox.h"
#include "word_json.h"

static json_t *
rights(const struct jmap_render *r)
{
	const struct rec_mailbox *x = &r->rec->mailbox;
	bool write = x->selectable && !x->read_only;
	json_t *o = json_object();

	ju_set(o, "mayReadItems", json_boolean(x->selectable));
	ju_set(o, "mayAddItems", json_boolean(write));
	ju_set(o, "mayRemoveItems", json_boolean(write));
	ju_set(o, "maySetSeen", json_boolean(write));
	ju_set(o, "maySetKeywords", json_boolean(write));
	ju_set(o, "mayCreateChild", json_false());
	ju_set(o, "mayRename", json_false());
	ju_set(o, "mayDelete", json_false());
	ju_set(o, "maySubmit", json_true());
	return o;
}

/* Well-known folders first, as people expect them; the rest by name. */
static json_t *
sort_order(const struct jmap_render *r)
{
	uint8_t role = r->rec->mailbox.role;

	return json_integer(role == MBOX_NONE ? 100 : role);
}

JMAP_DECODE(mailbox)
JMAP_RENDER(mailbox, render_name, ju_str(x->name))
JMAP_RENDER(mailbox, render_parent, ju_id('M', x->parent))
JMAP_RENDER(mailbox, render_role, word_json(words_mailbox_role, x->role))
JMAP_RENDER(mailbox, render_total, ju_uint(x->total))
JMAP_RENDER(mailbox, render_unread, ju_uint(x->unread))
JMAP_RENDER(mailbox, render_total_threads, ju_uint(x->total_threads))
JMAP_RENDER(mailbox, render_unread_threads, ju_uint(x->unread_threads))
JMAP_RENDER(mailbox, render_subscribed, json_boolean(x->synced))

static const struct jmap_prop props[] = {
	{ "name", 0, render_name },
	{ "parentId", 0, render_parent },
	{ "role", 0, render_role },
	{ "sortOrder", 0, sort_order },
	{ "totalEmails", PROP_SERVER_SET, render_total },
	{ "unreadEmails", PROP_SERVER_SET, render_unread },
	{ "totalThreads", PROP_SERVER_SET, render_total_threads },
	{ "unreadThreads", PROP_SERVER_SET, render_unread_threads },
	{ "myRights", PROP_SERVER_SET, rights },
	{ "isSubscribed", 0, render_subscribed },
	{ 0 },
};

const struct jmap_type type_mailbox = { .name = "Mailbox", .letter = 'M', .obj = OBJ_MAILBOX, .decode = mailbox_decode,
	.props = props };
