/*
 * ats_changes.c - /changes.
 */
#include "ats_request.h"
#include "changes.h"

int
ats_on_changes(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_changes *q = &m->changes;
	struct msg_changes_done done = { .req = q->req, .epoch = store.epoch };
	struct changes r = { .new_state = 0 };

	(void)fd;
	db_view();
	if (!ats_account_serves(q->account, q->type))
		done.error = slice_str("accountNotFound");
	else if (q->epoch != store.epoch || changes_since(q->account, q->type, q->since, q->max, &r) == -1)
		done.error = slice_str("cannotCalculateChanges");
	else {
		done.old_state = q->since;
		done.new_state = r.new_state;
		done.more = r.more;
		done.created = wbuf_slice(&r.created);
		done.updated = wbuf_slice(&r.updated);
		done.destroyed = wbuf_slice(&r.destroyed);
	}
	out_send(c, MSG_changes_done, &done, OUT_NOFD);
	db_view_end();
	changes_free(&r);
	return 0;
}
