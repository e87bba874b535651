/*
 * What the master and the stores answer, passed on to the client that waits
 * for it. An answer that nobody waits for any more is dropped; one to a number
 * that was never given out is a store's breach.
 */
#include <string.h>

#include "body.h"
#include "child.h"
#include "client.h"
#include "config.h"
#include "request.h"

/* The client whose request waits for this number, from this tenant (NULL: the
 * master). Number 0 is never used. */
static struct client *
asker(uint32_t req, const struct tenant *t)
{
	struct client *c;

	TAILQ_FOREACH(c, &clients, entry)
		if (req != 0 && c->request.type != CTL_none && c->request.req == req && c->request.tenant == t)
			return c;
	return NULL;
}

void
request_tenant_gone(struct tenant *t)
{
	struct client *c;

	TAILQ_FOREACH(c, &clients, entry)
		if (c->request.type != CTL_none && c->request.tenant == t)
			client_done(c, "proc.crashed", "the store ended before it had answered; try again", 0);
}

/* ---- from the master ---- */

static int
on_admin_row(struct chan *ch, const union msg *m, int *fd)
{
	struct client *c = asker(m->admin_row.req, NULL);

	(void)ch;
	(void)fd;
	if (c != NULL && c->request.type == CTL_vault_count)
		client_put(c, CTL_vault_counted, &(struct ctl_vault_counted){ .record = m->admin_row.record });
	else if (c != NULL)
		client_put(c, CTL_process, &(struct ctl_process){ .record = m->admin_row.record });
	return 0;
}

static int
on_admin_done(struct chan *ch, const union msg *m, int *fd)
{
	const struct msg_admin_done *d = &m->admin_done;
	struct client *c = asker(d->req, NULL);

	(void)ch;
	(void)fd;
	if (c == NULL)
		return 0;
	if (c->request.type == CTL_vault_status && d->error.n == 0) {
		client_put(c, CTL_vault, &(struct ctl_vault){ .public_key = config_public_key(), .text = d->text });
		client_done(c, "", "", 0);
	} else
		client_done_slices(c, d->error, d->text, 0);
	return 0;
}

/* ---- rows ---- */

/* Without the list of further folders, which nobody wants in a table and which
 * may be longer than a frame. */
static int
put_link(struct client *c, uint64_t id, struct rec_link *link)
{
	struct wbuf w = { .max = LIM_CTL_RECORD };

	link->also = SLICE_NONE;
	rec_link_encode(&w, link);
	if (!w.failed && c->request.type == CTL_monitor)
		monitor_put_link(c, (uint32_t)id, wbuf_slice(&w));
	else if (!w.failed)
		client_put(c, CTL_link, &(struct ctl_link){ .ats = slice_str(tenant_name(c->request.tenant)), .id = id,
		    .record = wbuf_slice(&w) });
	wbuf_free(&w);
	return w.failed ? -1 : 0;
}

static void
note_link(struct request *r, uint64_t id, struct slice address)
{
	struct wbuf item = { .max = 8 + LIM_ADDRESS };

	w_u64(&item, id);
	w_raw(&item, address.p, address.n);
	if (!item.failed)
		list_add(&r->links, wbuf_slice(&item));
	wbuf_free(&item);
}

static int
link_row(struct client *c, uint64_t id, struct slice data)
{
	struct request *r = &c->request;
	struct rec_link link;

	if (rec_link_decode(data, &link) == -1)
		return -1;
	if (!request_means(r, id, link.address))
		return 0;
	if (r->type == CTL_show_links || r->type == CTL_monitor)
		return put_link(c, id, &link);
	if (r->type == CTL_show_queue)
		note_link(r, id, link.address);
	else {
		r->found = id;
		wbuf_reset(&r->record);
		w_raw(&r->record, data.p, data.n);
	}
	return 0;
}

static int
submission_row(struct client *c, uint64_t id, struct slice data)
{
	const struct request *r = &c->request;
	struct rec_submission s;
	struct rec_rcpt rcpt = { .email = SLICE_NONE };
	struct slice list, item;

	if (rec_submission_decode(data, &s) == -1)
		return -1;
	list = s.rcpts;
	if (list_next(&list, &item) && rec_rcpt_decode(item, &rcpt) == -1)
		return -1;
	client_put(c, CTL_queued, &(struct ctl_queued){ .ats = slice_str(tenant_name(r->tenant)), .link = r->at.id,
	    .address = r->at.address, .id = id, .rcpt = rcpt.email, .rcpts = (uint32_t)list_count(s.rcpts),
	    .state = s.state, .phase = s.phase, .created_at = s.created_at, .send_at = s.send_at,
	    .next_try = s.next_try, .attempts = s.attempts, .code = s.code, .text = s.text });
	return 0;
}

static int
on_row(struct chan *ch, const union msg *m, int *fd)
{
	struct client *c = asker(m->row.req, chan_ctx(ch));
	struct body body;
	int r = 0;

	if (!request_asked(m->row.req) || body_open(&body, m->row.data, fd) == -1)
		return -1;
	if (c != NULL && m->row.type == OBJ_LINK)
		r = link_row(c, m->row.id, body.data);
	else if (c != NULL && m->row.type == OBJ_SUBMISSION)
		r = submission_row(c, m->row.id, body.data);
	body_close(&body);
	return r;
}

/* ---- ends ---- */

static void
links_known(struct client *c)
{
	struct request *r = &c->request;

	if (r->type == CTL_show_links || r->type == CTL_monitor)
		request_next_tenant(c);
	else if (r->links.failed)
		client_done(c, "proc.limit_hit", "this ATS has too many links for one list: name the link", 0);
	else if (r->type == CTL_show_queue) {
		r->links_left = wbuf_slice(&r->links);
		request_next_query(c);
	} else if (r->found == 0)
		client_done(c, "api.not_found", "this ATS has no such link", 0);
	else
		request_link_set(c);
}

static int
on_get_done(struct chan *ch, const union msg *m, int *fd)
{
	struct client *c = asker(m->get_done.req, chan_ctx(ch));

	(void)fd;
	if (!request_asked(m->get_done.req))
		return -1;
	if (c == NULL)
		return 0;
	if (m->get_done.error.n > 0)
		client_done_slices(c, m->get_done.error, slice_str("the store could not answer"), 0);
	else if (c->request.at.id != 0)
		request_next_query(c);
	else
		links_known(c);
	return 0;
}

static int
on_query_done(struct chan *ch, const union msg *m, int *fd)
{
	const struct msg_query_done *q = &m->query_done;
	struct client *c = asker(q->req, chan_ctx(ch));
	struct request *r;
	struct msg_get get;

	(void)fd;
	if (!request_asked(m->query_done.req))
		return -1;
	if (c == NULL)
		return 0;
	r = &c->request;
	r->page = (uint32_t)ids_count(q->ids);
	/* A link that went away meanwhile has no queue. */
	if (q->error.n > 0 || r->page == 0) {
		r->page = 0;
		request_next_query(c);
		return 0;
	}
	get = (struct msg_get){ .req = request_number(), .account = (uint32_t)r->at.id, .type = OBJ_SUBMISSION,
		.ids = q->ids };
	r->req = get.req;
	if (send_get(ch, &get) == -1)
		client_done(c, "api.busy", "the store does not take requests now; try again", 0);
	return 0;
}

static int
on_probe_step(struct chan *ch, const union msg *m, int *fd)
{
	const struct msg_probe_step *s = &m->probe_step;
	struct client *c = asker(s->req, chan_ctx(ch));

	(void)fd;
	if (!request_asked(m->probe_step.req))
		return -1;
	if (c != NULL)
		client_put(c, CTL_step, &(struct ctl_step){ .service = s->service, .step = s->step, .ok = s->ok,
		    .code = s->code, .detail = s->detail, .ms = s->ms });
	return 0;
}

static int
on_set_done(struct chan *ch, const union msg *m, int *fd)
{
	const struct msg_set_done *d = &m->set_done;
	struct client *c = asker(d->req, chan_ctx(ch));
	struct wbuf text = { .max = LIM_DETAIL };

	(void)fd;
	if (!request_asked(m->set_done.req))
		return -1;
	if (c == NULL)
		return 0;
	w_raw(&text, d->property.p, d->property.n);
	if (d->property.n > 0 && d->description.n > 0)
		w_raw(&text, ": ", 2);
	w_raw(&text, d->description.p, d->description.n);
	client_done_slices(c, d->error, text.failed ? d->description : wbuf_slice(&text), d->id);
	wbuf_free(&text);
	return 0;
}

const chan_handler request_master[MSG__COUNT] = { [MSG_admin_row] = on_admin_row, [MSG_admin_done] = on_admin_done };
const chan_handler request_store[MSG__COUNT] = { [MSG_row] = on_row, [MSG_get_done] = on_get_done,
	[MSG_query_done] = on_query_done, [MSG_probe_step] = on_probe_step, [MSG_watched] = monitor_on_watched, [MSG_set_done] = on_set_done };
