/*
 * peer.c - channels to ats-workers, control, the vault, and whom the mail half
 * and the probes take over.
 */
#include "peer.h"

#include <unistd.h>

#include "ats_request.h"
#include "child.h"
#include "link.h"
#include "link_unit.h"
#include "log.h"
#include "loop.h"
#include "mime_pool.h"
#include "note.h"
#include "person.h"
#include "probe.h"
#include "push.h"
#include "review.h"
#include "seam.h"
#include "watch.h"

/* ---- ats-workers and control: they ask ---- */
static const chan_handler ats_handlers[MSG__COUNT] = {
	[MSG_get] = ats_on_get,
	[MSG_changes] = ats_on_changes,
	[MSG_query] = ats_on_query,
	[MSG_blob_get] = ats_on_blob_get,
	[MSG_blob_put] = ats_on_blob_put,
	[MSG_link_set] = link_on_set,
	[MSG_correspondent_set] = person_on_set,
	[MSG_review_set] = review_on_set,
	[MSG_note_destroy] = note_on_destroy,
	[MSG_email_create] = email_on_create,
	[MSG_email_update] = email_on_update,
	[MSG_email_destroy] = email_on_destroy,
	[MSG_email_content] = email_on_content,
	[MSG_submission_set] = submit_on_set,
};

static const chan_handler control_handlers[MSG__COUNT] = {
	[MSG_get] = ats_on_get,
	[MSG_query] = ats_on_query,
	[MSG_link_set] = link_on_set,
	[MSG_watch] = watch_on_watch,
};

static void
asker_gone(struct chan *c)
{
	push_remove(c);
	watch_forget(c);
	ats_forget(c);
	link_forget(c);
	mail_forget(c);
	out_forget(c);
	chan_free(c);
}

static void
asker_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	asker_gone(c);
}

static const struct chan_ops ats_ops = { .handlers = ats_handlers, .on_eof = asker_gone, .on_broken = asker_broken,
	.on_credit = ats_credit };
static const struct chan_ops control_ops = { .handlers = control_handlers, .on_eof = asker_gone,
	.on_broken = asker_broken, .on_credit = ats_credit };

/* ---- the vault ---- */
static int
on_record_get(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_record_get *q = &m->record_get;
	struct msg_record r = { .ticket = q->ticket };

	(void)fd;
	if (q->service != SERVICE_IMAP && q->service != SERVICE_SMTP)
		return -1;
	r.data = (q->unit & UNIT_PROBE) != 0 ? probe_credential(q->unit, q->service)
					      : link_credential(q->unit, q->service);
	(void)send_record(c, &r);
	return 0;
}

static int
on_seal_opened(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	probe_on_seal_opened(&m->seal_opened);
	return 0;
}

static const chan_handler vault_handlers[MSG__COUNT] = {
	[MSG_record_get] = on_record_get,
	[MSG_record_put] = link_on_record_put,
	[MSG_record_list] = link_on_record_list,
	[MSG_seal_opened] = on_seal_opened,
};

static void
vault_gone(struct chan *c)
{
	if (store.vault == c) {
		store.vault = NULL;
		probe_vault_gone();
	}
	out_forget(c);
	chan_free(c);
}

static void
vault_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	vault_gone(c);
}

static const struct chan_ops vault_ops = { .handlers = vault_handlers, .on_eof = vault_gone,
	.on_broken = vault_broken };

/* ---- wiring ---- */
static void
imap_or_smtp(const struct chan_peer *peer, int fd)
{
	if ((peer->unit & UNIT_PROBE) != 0)
		probe_peer(peer, fd);
	else if (peer->role == ROLE_IMAP)
		imap_peer(peer, fd);
	else
		smtp_peer(peer, fd);
}

void
peer_new(const struct chan_peer *peer, int fd)
{
	struct chan *c;

	switch (peer->role) {
	case ROLE_ATS:
		if ((c = loop_chan(fd, peer, &ats_ops, NULL)) != NULL)
			push_add(c);
		break;
	case ROLE_CONTROL:
		(void)loop_chan(fd, peer, &control_ops, NULL);
		break;
	case ROLE_VAULT:
		if ((c = loop_chan(fd, peer, &vault_ops, NULL)) != NULL)
			store.vault = c;
		break;
	case ROLE_IMAP:
	case ROLE_SMTP:
		imap_or_smtp(peer, fd);
		break;
	case ROLE_MIME:
		mime_on_peer(peer, fd);
		break;
	default:
		log_error("a peer nobody expects role=%s", role_name(peer->role));
		close(fd);
	}
}
