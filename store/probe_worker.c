/*
 * probe_worker.c - the worker of a probe: what it is told, and its steps on
 * their way to the asker.
 *
 * The steps up to the login come from the master, those behind it from the
 * worker itself. They travel on two channels, so a worker's step may overtake
 * the login's: it is held until that is here.
 */
#include "probe_worker.h"

#include <string.h>
#include <unistd.h>

#include "child.h"
#include "link_unit.h"
#include "loop.h"

static enum service
service_of(const struct probe *p)
{
	return p->stage == PROBE_SMTP ? SERVICE_SMTP : SERVICE_IMAP;
}

static void
forward(const struct probe *p, enum step step, bool ok, struct slice code, struct slice detail, uint32_t ms)
{
	struct msg_probe_step m = { .req = p->asker.req, .service = (uint8_t)service_of(p), .step = (uint8_t)step,
		.ok = ok, .code = code, .detail = detail, .ms = ms };

	out_send(p->asker.chan, MSG_probe_step, &m, OUT_NOFD);
}

static void
failed(struct probe *p, struct slice code)
{
	char text[LIM_CODE + 1];

	if (slice_copy(code, text, sizeof(text)) == -1)
		text[0] = '\0';
	probe_fail(p, "verifyFailed", "", text);
}

/* False: the probe is over, one way or the other. */
static bool
worker_step(struct probe *p, const struct msg_worker_step *m)
{
	forward(p, m->step, m->ok, m->code, m->detail, m->ms);
	if (!m->ok) {
		failed(p, m->code);
		return false;
	}
	if (m->last)
		probe_next(p);
	return !m->last;
}

static void
hold(struct probe *p, const struct msg_worker_step *m)
{
	unsigned int i = p->nheld;

	if (i == sizeof(p->held) / sizeof(p->held[0]) ||
	    slice_copy(m->code, p->held_code[i], sizeof(p->held_code[i])) == -1 ||
	    slice_copy(m->detail, p->held_detail[i], sizeof(p->held_detail[i])) == -1)
		return;
	p->held[i] = *m;
	p->held[i].code = slice_str(p->held_code[i]);
	p->held[i].detail = slice_str(p->held_detail[i]);
	p->nheld++;
}

static void
let_go(struct probe *p)
{
	unsigned int n = p->nheld;

	p->nheld = 0;
	for (unsigned int i = 0; i < n; i++)
		if (!worker_step(p, &p->held[i]))
			return;
}

void
probe_login_step(struct probe *p, const struct msg_unit_step *m)
{
	if (p->stage == PROBE_SEAL || m->service != service_of(p))
		return;
	forward(p, m->step, m->ok, m->code, m->detail, m->ms);
	if (!m->ok) {
		failed(p, m->code);
		return;
	}
	if (m->step == STEP_AUTH) {
		p->logged_in = true;
		let_go(p);
	}
}

static int
on_worker_step(struct chan *c, const union msg *m, int *fd)
{
	struct probe *p = probe_of_worker(c);

	(void)fd;
	if (p == NULL)
		return 0;
	if (p->logged_in || !m->worker_step.ok)
		(void)worker_step(p, &m->worker_step);
	else
		hold(p, &m->worker_step);
	return 0;
}

/* An imapd-worker may tell more than a probe wants to know. */
static int
on_ignored(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = {
	[MSG_worker_step] = on_worker_step,
	[MSG_mailbox_found] = on_ignored,
	[MSG_mailbox_list_end] = on_ignored,
	[MSG_sync_progress] = on_ignored,
	[MSG_sync_fresh] = on_ignored,
	[MSG_sync_error] = on_ignored,
};

static void
on_gone(struct chan *c)
{
	struct probe *p = probe_of_worker(c);

	if (p != NULL)
		p->worker = NULL;	/* worker_gone follows and ends the probe */
	out_forget(c);
	chan_free(c);
}

static void
on_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	on_gone(c);
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_gone, .on_broken = on_broken };

static void
tell_imap(struct chan *c, const struct rec_link *r)
{
	struct msg_sync_config m = { .probe = true, .first = 1, .all_folders = false, .inbox = r->inbox,
		.sent = r->sent, .also = r->also, .host = r->imap_host };

	(void)send_sync_config(c, &m);
}

static void
tell_smtp(struct chan *c, const struct probe *p, const struct rec_link *r)
{
	(void)send_send_config(c,
	    &(struct msg_send_config){ .probe = true, .from = r->address, .send_test = p->send_test });
}

void
probe_worker_peer(struct probe *p, const struct chan_peer *peer, int fd)
{
	struct rec_link r;

	if (p == NULL || peer->role != (p->stage == PROBE_IMAP ? ROLE_IMAP : ROLE_SMTP) ||
	    rec_link_decode(wbuf_slice(&p->record), &r) == -1) {
		close(fd);
		return;
	}
	probe_worker_close(p);
	p->worker = loop_chan(fd, peer, &ops, NULL);
	if (p->worker == NULL)
		probe_fail(p, "serverFail", "", "");
	else if (peer->role == ROLE_IMAP)
		tell_imap(p->worker, &r);
	else
		tell_smtp(p->worker, p, &r);
}

void
probe_worker_close(struct probe *p)
{
	struct chan *c = p->worker;

	p->worker = NULL;
	if (c == NULL)
		return;
	out_forget(c);
	chan_free(c);
}
