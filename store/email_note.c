#include "email_note.h"

#include "blob.h"
#include "mime_pool.h"

static struct dbkey
note_key(uint32_t account, uint64_t email)
{
	return KEY(email_note, .account = account, .id = email);
}

void
email_note_put(uint32_t account, uint64_t email, const struct rec_parsed *p)
{
	if (p->note_part.n == 0)
		table_put(T_email_note, note_key(account, email), p->note_text);
	else
		(void)table_del(T_email_note, note_key(account, email));
}

void
email_parts_get(uint32_t account, uint64_t email, struct wbuf *out)
{
	struct slice parts;

	if (table_get(T_email_parts, KEY(email_parts, .account = account, .id = email), &parts))
		w_raw(out, parts.p, parts.n);
}

/* Without a row of its own it is this one. */
static bool
body_part(uint32_t account, uint64_t email, struct rec_part *part)
{
	struct slice parts;

	return table_get(T_email_parts, KEY(email_parts, .account = account, .id = email), &parts) &&
	    mime_body_part(parts, part);
}

void
email_note_get(uint32_t account, uint64_t email, struct wbuf *out)
{
	struct rec_part part;
	struct slice text;
	uint32_t flags;

	if (table_get(T_email_note, note_key(account, email), &text)) {
		w_raw(out, text.p, text.n);
		return;
	}
	if (!body_part(account, email, &part) || text_get(account, email, part.part_id, &flags, &text) == -1)
		return;
	w_raw(out, text.p, text.n);
	blob_release(&text);
}

bool
email_note_there(uint32_t account, uint64_t email)
{
	struct rec_part part;

	return table_get(T_email_note, note_key(account, email), NULL) ||
	    (body_part(account, email, &part) &&
		table_get(T_email_text, KEY(email_text, .account = account, .id = email, .part = part.part_id), NULL));
}
