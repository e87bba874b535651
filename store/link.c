/*
 * link.c - the rows of links and their states.
 */
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "link_unit.h"
#include "probe.h"
#include "table_index.h"

static struct dbkey
link_key(uint32_t no)
{
	return KEY(link, .no = no);
}

bool
link_exists(uint32_t no)
{
	return no != ACCOUNT_ATS && table_get(T_link, link_key(no), NULL);
}

void
link_each(void (*fn)(uint32_t no))
{
	struct key_link k;
	struct slice key;
	struct scan s;

	scan_prefix(&s, T_link, PREFIX(link, 0, .no = 0), false);
	while (scan_next(&s, &key, NULL))
		if (key_link_read(key, &k) == 0)
			fn(k.no);
	scan_end(&s);
}

/* What every message asks of its link, as long as no row of a link is written. */
static const struct about {
	uint64_t version;	/* 0: nothing is here */
	uint32_t no, period_days, first;
	uint8_t content;
	bool own_period, own_first;
	size_t n;
	char address[LIM_ADDRESS + 1];	/* canonical */
} *
about_link(uint32_t no)
{
	static struct about last;
	uint64_t version = table_version(T_link);
	struct row_link row;

	if (version != 0 && last.version == version && last.no == no)
		return &last;
	if (!row_link_get(&row, link_key(no)))
		return NULL;
	last = (struct about){ .version = version, .no = no, .period_days = row.rec.period_days,
		.first = row.rec.first, .content = row.rec.content, .own_period = row.rec.own_period,
		.own_first = row.rec.own_first };
	last.n = address_canonical(row.rec.address, last.address);
	row_link_free(&row);
	return &last;
}

int
link_policy(uint32_t no, struct link_policy *p)
{
	const struct about *l = about_link(no);

	if (l == NULL)
		return -1;
	*p = (struct link_policy){ .content = l->content, .period_days = l->period_days, .first = l->first };
	if (p->content == CONTENT_DEFAULT)
		p->content = store.content;
	if (!l->own_period)
		p->period_days = store.period_days;
	if (!l->own_first)
		p->first = store.first;
	return 0;
}

bool
link_other_folders(const struct rec_link *a, const struct rec_link *b)
{
	return !slice_eq(a->inbox, b->inbox) || !slice_eq(a->sent, b->sent) || !slice_eq(a->also, b->also) ||
	    a->all_folders != b->all_folders;
}

bool
link_other_policy(const struct rec_link *a, const struct rec_link *b)
{
	return a->content != b->content || a->period_days != b->period_days || a->first != b->first ||
	    a->own_period != b->own_period || a->own_first != b->own_first;
}

uint32_t
link_of_address(struct slice canonical)
{
	if (canonical.n == 0 || canonical.n > LIM_ADDRESS)
		return 0;
	return (uint32_t)table_get_u64(T_linkaddr, KEY(linkaddr, .address = canonical));
}

int
link_address(uint32_t no, char *out)
{
	const struct about *l = about_link(no);

	if (l == NULL)
		return -1;
	memcpy(out, l->address, l->n + 1);
	return l->n > 0 ? 0 : -1;
}

void
link_write(uint32_t no, const struct rec_link *r, bool created)
{
	char canonical[LIM_ADDRESS + 1];
	size_t n = address_canonical(r->address, canonical);

	row_link_put(link_key(no), r);
	if (created && n > 0)
		table_put_u64(T_linkaddr, KEY(linkaddr, .address = slice_mem(canonical, n)), no);
	changes_record(ACCOUNT_ATS, OBJ_LINK, no, created ? CREATED : UPDATED);
}

/* ---- credentials ---- */
static struct dbkey
credential_key(uint32_t no, enum service service)
{
	return KEY(credential, .account = no, .service = (uint8_t)service);
}

struct slice
link_credential(uint32_t no, enum service service)
{
	struct slice v;

	if (!table_get(T_credential, credential_key(no, service), &v) && service == SERVICE_SMTP)
		table_get(T_credential, credential_key(no, SERVICE_IMAP), &v);
	return v;
}

void
link_credential_put(uint32_t no, enum service service, struct slice record)
{
	if (record.n == 0)
		table_del(T_credential, credential_key(no, service));
	else
		table_put(T_credential, credential_key(no, service), record);
}

bool
link_credential_replace(uint32_t no, enum service service, uint32_t generation, struct slice was, struct slice record)
{
	struct row_link row;
	struct slice v;
	bool current;

	if (record.n == 0 || !row_link_get(&row, KEY(link, .no = no)))
		return false;
	current = row.rec.generation == generation;
	row_link_free(&row);
	if (!table_get(T_credential, credential_key(no, service), &v)) {
		service = SERVICE_IMAP;
		(void)table_get(T_credential, credential_key(no, service), &v);
	}
	if (!current || was.n == 0 || !slice_eq(v, was))
		return false;
	link_credential_put(no, service, record);
	return true;
}

int
link_on_record_put(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_record_put *q = &m->record_put;
	struct msg_record_put_done done = { .req = q->req };
	bool ok;

	(void)fd;
	if (q->service != SERVICE_IMAP && q->service != SERVICE_SMTP)
		return -1;
	ok = (q->unit & UNIT_PROBE) != 0
	    ? probe_credential_replace(q->unit, q->service, q->was, q->data)
	    : link_credential_replace(q->unit, q->service, q->generation, q->was, q->data);
	done.code = slice_str(ok ? "" : "api.conflict");
	out_send(c, MSG_record_put_done, &done, OUT_NOFD);
	return 0;
}

/* ---- states ---- */
static bool
may_enter(const struct rec_link *r, enum link_state state)
{
	if (r->paused)
		return state == LINK_PAUSED;
	/* Only a person leads out of needsUser (link_set); late news do not. */
	return r->state != LINK_NEEDS_USER || state == LINK_NEEDS_USER;
}

/* True: something is new. */
static bool
apply_state(struct rec_link *r, enum link_state state, struct slice code, struct slice detail)
{
	bool same = r->state == state && slice_eq(r->error_code, code);

	if (state == LINK_LIVE && !same)
		r->last_sync_at = store_now();
	if (same)
		return false;
	r->state = (uint8_t)state;
	if (!slice_eq(r->error_code, code))
		r->error_since = code.n > 0 ? store_now() : 0;
	r->error_code = code;
	r->error_detail = detail;
	if (detail.n > LIM_DETAIL)
		r->error_detail.n = LIM_DETAIL;
	return true;
}

void
link_set_state(uint32_t no, enum link_state state, const char *code, struct slice detail)
{
	struct row_link row;
	bool changed;

	if (!row_link_get(&row, link_key(no)))
		return;
	changed = may_enter(&row.rec, state) &&
	    apply_state(&row.rec, state, slice_str(code), *code != '\0' ? detail : SLICE_NONE);
	if (changed)
		link_write(no, &row.rec, false);
	row_link_free(&row);
	if (changed && state == LINK_NEEDS_USER)
		link_unit_stop(no);
}

void
link_progress(uint32_t no, enum sync_phase phase, uint32_t done, uint32_t total)
{
	struct link_run *run = link_run_of(no);
	uint64_t now = store_ticks();
	struct row_link row;

	if (run == NULL)
		return;
	/* Before the row is read: this comes with each body. */
	if (run->phase == phase && done < total && now < run->progress_at + LIM_PROGRESS_SECONDS)
		return;
	if (!row_link_get(&row, link_key(no)))
		return;
	if (row.rec.phase != phase || row.rec.done != done || row.rec.total != total) {
		row.rec.phase = (uint8_t)phase;
		row.rec.done = done;
		row.rec.total = total;
		run->progress_at = now;
		link_phase(run, phase);
		link_write(no, &row.rec, false);
	}
	row_link_free(&row);
}

void
link_synced(uint32_t no)
{
	uint64_t now = store_now();
	struct row_link row;

	if (!row_link_get(&row, link_key(no)))
		return;
	if (now >= row.rec.last_sync_at + LIM_SYNCED_SECONDS) {
		row.rec.last_sync_at = now;
		link_write(no, &row.rec, false);
	}
	row_link_free(&row);
}
