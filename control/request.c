#include "request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "client.h"
#include "link_key.h"
#include "providers.h"

/* What waits; what is sent or has failed is history. */
static const enum submission_state queue_states[] = { SUB_SENDING, SUB_QUEUED, SUB_UNCERTAIN };
#define QUEUE_STATES (sizeof(queue_states) / sizeof(queue_states[0]))

static uint32_t last_number;

uint32_t
request_number(void)
{
	return ++last_number != 0 ? last_number : ++last_number;
}

bool
request_asked(uint32_t number)
{
	return number != 0 && number <= last_number;
}

void
request_free(struct request *r)
{
	wbuf_free(&r->record);
	wbuf_free(&r->links);
	*r = (struct request){ .type = CTL_none };
}

bool
request_means(const struct request *r, uint64_t id, struct slice address)
{
	return link_key_means(r->link, id, address);
}

static void
lost(struct client *c)
{
	client_done(c, "api.busy", "the store does not take requests now; try again", 0);
}

/* ---- stores ---- */

static void
ask_links(struct client *c)
{
	struct request *r = &c->request;
	struct msg_get m = { .req = request_number(), .account = ACCOUNT_ATS, .type = OBJ_LINK, .all = true };

	r->req = m.req;
	if (send_get(tenant_chan(r->tenant), &m) == -1)
		lost(c);
}

void
request_next_tenant(struct client *c)
{
	struct request *r = &c->request;

	r->tenant = r->one ? NULL : tenant_next(r->tenant);
	if (r->tenant != NULL)
		ask_links(c);
	else if (r->type == CTL_monitor)
		monitor_follow(c);
	else
		client_done(c, "", "", 0);
}

void
request_first_tenant(struct client *c)
{
	struct request *r = &c->request;

	r->one = r->ats[0] != '\0';
	r->tenant = r->one ? tenant_find(r->ats) : tenant_first();
	if (r->tenant == NULL && r->one)
		client_done(c, "api.not_found", "no ATS of this name is running", 0);
	else if (r->tenant == NULL && r->type == CTL_monitor)
		monitor_follow(c);
	else if (r->tenant == NULL)
		client_done(c, "", "", 0);
	else
		ask_links(c);
}

/* ---- show queue: link by link, state by state, page by page ---- */

static bool
next_link(struct request *r)
{
	struct slice item;
	struct rbuf b;

	if (!list_next(&r->links_left, &item))
		return false;
	rbuf_init(&b, item);
	r->at.id = r_u64(&b);
	r->at.address = slice_mem(b.p, b.n);
	return true;
}

static bool
next_step(struct request *r)
{
	if (r->at.id != 0 && r->page == LIM_CTL_PAGE) {
		r->position += LIM_CTL_PAGE;
		return true;
	}
	r->position = 0;
	if (r->at.id != 0 && ++r->state < QUEUE_STATES)
		return true;
	r->state = 0;
	return next_link(r);
}

static void
ask_page(struct client *c)
{
	struct request *r = &c->request;
	struct rec_filter filter = { .state = (uint8_t)queue_states[r->state] };
	struct wbuf w = { .max = 8192 };
	struct msg_query m = { .req = request_number(), .account = (uint32_t)r->at.id, .type = OBJ_SUBMISSION,
		.ascending = true, .position = r->position, .limit = LIM_CTL_PAGE };

	r->req = m.req;
	rec_filter_encode(&w, &filter);
	m.filter = wbuf_slice(&w);
	if (w.failed || send_query(tenant_chan(r->tenant), &m) == -1)
		lost(c);
	wbuf_free(&w);
}

void
request_next_query(struct client *c)
{
	struct request *r = &c->request;

	if (client_is_full(c)) {
		r->waits = true;
		return;
	}
	if (next_step(r)) {
		ask_page(c);
		return;
	}
	wbuf_free(&r->links);
	r->at.id = 0;
	request_next_tenant(c);
}

void
request_go_on(struct client *c)
{
	c->request.waits = false;
	request_next_query(c);
}

/* ---- a change of one link ---- */

static int
pause_record(struct request *r, struct wbuf *w)
{
	struct rec_link link;

	if (rec_link_decode(wbuf_slice(&r->record), &link) == -1)
		return -1;
	link.paused = r->flag;
	rec_link_encode(w, &link);
	return w->failed ? -1 : 0;
}

void
request_link_set(struct client *c)
{
	struct request *r = &c->request;
	struct wbuf record = { .max = LIM_CTL_RECORD };
	struct msg_link_set m = { .req = request_number(), .id = r->found, .uid = c->uid };
	int sent = -1;

	r->req = m.req;
	if (r->type == CTL_link_test) {
		m.action = SET_TEST;
		m.verify = true;
		m.send_test = r->flag;
	} else if (r->type == CTL_link_remove) {
		m.action = SET_DESTROY;
		m.keep_notes = r->flag;
	} else
		m.action = SET_UPDATE;
	if (m.action != SET_UPDATE || pause_record(r, &record) == 0) {
		m.record = wbuf_slice(&record);
		sent = send_link_set(tenant_chan(r->tenant), &m);
	}
	if (sent == -1)
		lost(c);
	wbuf_free(&record);
}

static void
add_link(struct client *c, const struct ctl_link_add *f)
{
	struct request *r = &c->request;
	struct msg_link_set m = { .req = request_number(), .action = SET_CREATE, .verify = f->verify,
		.record = f->record, .seal = f->seal, .smtp_seal = f->smtp_seal, .uid = c->uid };
	struct rec_link link;

	r->req = m.req;
	if (rec_link_decode(f->record, &link) == -1) {
		client_done(c, "api.invalid", "the link's record is malformed", 0);
		return;
	}
	(void)slice_copy(link.address, r->link, sizeof(r->link));
	if ((r->tenant = tenant_find(r->ats)) == NULL)
		client_done(c, "api.not_found", "no ATS of this name is running", 0);
	else if (send_link_set(tenant_chan(r->tenant), &m) == -1)
		lost(c);
}

/* ---- the master ---- */

static void
ask_master(struct client *c, enum admin_verb verb, struct slice argument)
{
	struct msg_admin m = { .req = request_number(), .verb = (uint8_t)verb, .argument = argument };

	c->request.req = m.req;
	(void)slice_copy(argument, c->request.link, sizeof(c->request.link));
	if (send_admin(child.master, &m) == -1)
		client_done(c, "api.busy", "posternd does not take requests now; try again", 0);
}

/* ---- dispatch ---- */

/* The names were limited by the protocol's table: they fit. */
static void
name(struct request *r, struct slice ats, struct slice link, bool flag)
{
	(void)slice_copy(ats, r->ats, sizeof(r->ats));
	(void)slice_copy(link, r->link, sizeof(r->link));
	r->flag = flag;
	r->record.max = LIM_CTL_RECORD;
	r->links.max = LIM_CTL_LINKS;
}

static int
begin_link(struct client *c, const struct ctl *f)
{
	struct request *r = &c->request;

	switch (f->type) {
	case CTL_link_add:
		name(r, f->link_add.ats, SLICE_NONE, false);
		add_link(c, &f->link_add);
		return 0;
	case CTL_link_test:
		name(r, f->link_test.ats, f->link_test.link, f->link_test.send_test);
		break;
	case CTL_link_pause:
		name(r, f->link_pause.ats, f->link_pause.link, f->link_pause.paused);
		break;
	case CTL_link_remove:
		name(r, f->link_remove.ats, f->link_remove.link, f->link_remove.keep_notes);
		break;
	default:
		return -1;
	}
	if (r->ats[0] == '\0' || r->link[0] == '\0')
		client_done(c, "api.invalid", "an ATS and a link must be named", 0);
	else
		request_first_tenant(c);
	return 0;
}

int
request_begin(struct client *c, const struct ctl *f)
{
	c->request.type = f->type;
	switch (f->type) {
	case CTL_show_processes:
		ask_master(c, ADMIN_PROCESSES, SLICE_NONE);
		return 0;
	case CTL_vault_status:
		ask_master(c, ADMIN_VAULT_STATUS, f->vault_status.ats);
		return 0;
	case CTL_vault_lock:
		ask_master(c, ADMIN_VAULT_LOCK, SLICE_NONE);
		return 0;
	case CTL_vault_reread:
		ask_master(c, ADMIN_VAULT_REREAD, SLICE_NONE);
		return 0;
	case CTL_vault_count:
		ask_master(c, ADMIN_VAULT_COUNT, SLICE_NONE);
		return 0;
	case CTL_audit_head:
		ask_master(c, ADMIN_AUDIT_HEAD, SLICE_NONE);
		return 0;
	case CTL_reload:
		ask_master(c, ADMIN_RELOAD, SLICE_NONE);
		return 0;
	case CTL_log_level:
		ask_master(c, ADMIN_LOG_LEVEL, f->log_level.level);
		return 0;
	case CTL_show_providers:
		providers_put(c);
		return 0;
	case CTL_show_links:
		name(&c->request, f->show_links.ats, SLICE_NONE, false);
		request_first_tenant(c);
		return 0;
	case CTL_monitor:
		name(&c->request, f->monitor.ats, SLICE_NONE, false);
		monitor_start(c);
		return 0;
	case CTL_show_queue:
		name(&c->request, f->show_queue.ats, f->show_queue.link, false);
		request_first_tenant(c);
		return 0;
	default:
		return begin_link(c, f);
	}
}
