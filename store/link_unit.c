/*
 * link_unit.c - links as units of the master, and what their steps mean.
 */
#include "link_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "error_codes.h"
#include "log.h"
#include "seam.h"

/* ---- memory of running links, sorted by number ---- */
static struct link_run **runs;
static size_t nruns, cap;

static size_t
run_slot(uint32_t no)
{
	size_t low = 0, high = nruns;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (runs[mid]->no < no)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
run_room(void)
{
	size_t more = cap != 0 ? 2 * cap : 64;
	struct link_run **p;

	if (nruns < cap)
		return true;
	if ((p = realloc(runs, more * sizeof(*p))) == NULL)
		return false;
	runs = p;
	cap = more;
	return true;
}

struct link_run *
link_run_of(uint32_t no)
{
	size_t i = run_slot(no);
	struct link_run *r;

	if (i < nruns && runs[i]->no == no)
		return runs[i];
	if (!run_room() || (r = calloc(1, sizeof(*r))) == NULL) {
		db_fail("out of memory");
		return NULL;
	}
	r->no = no;
	memmove(&runs[i + 1], &runs[i], (nruns - i) * sizeof(runs[0]));
	runs[i] = r;
	nruns++;
	return r;
}

struct link_run *
link_run_known(uint32_t no)
{
	size_t i = run_slot(no);

	return i < nruns && runs[i]->no == no ? runs[i] : NULL;
}

void
link_run_forget(uint32_t no)
{
	size_t i = run_slot(no);

	if (i == nruns || runs[i]->no != no)
		return;
	free(runs[i]);
	nruns--;
	memmove(&runs[i], &runs[i + 1], (nruns - i) * sizeof(runs[0]));
}

/* ---- units ---- */
bool
link_has_imap(const struct rec_link *r)
{
	return r->mode != MODE_SEND_ONLY;
}

bool
link_has_smtp(const struct rec_link *r)
{
	return r->mode != MODE_RECEIVE_ONLY;
}

bool
link_may_run(const struct rec_link *r)
{
	return !r->paused && r->state != LINK_NEEDS_USER && r->state != LINK_AWAITING_CONSENT;
}

struct msg_unit_run
link_unit_of(uint32_t unit, uint32_t no, const struct rec_link *r)
{
	struct msg_unit_run m = { .unit = unit, .link = no, .generation = r->generation };

	if (link_has_imap(r)) {
		m.imap_host = r->imap_host;
		m.imap_port = r->imap_port;
		m.imap_security = r->imap_security;
	}
	if (link_has_smtp(r)) {
		m.smtp_host = r->smtp_host;
		m.smtp_port = r->smtp_port;
		m.smtp_security = r->smtp_security;
	}
	return m;
}

static void
worker_start(uint32_t unit, enum role role, bool keep)
{
	struct msg_worker_start m = { .unit = unit, .role = role, .keep = keep };

	out_send(child.master, MSG_worker_start, &m, OUT_NOFD);
}

void
link_unit_stop(uint32_t no)
{
	struct link_run *run = link_run_of(no);
	struct msg_unit_stop m = { .unit = no };

	if (run == NULL || !run->running)
		return;
	run->running = false;
	run->touched = true;
	out_send(child.master, MSG_unit_stop, &m, OUT_NOFD);
	mail_link_stopped(no);
}

/* A row that no request can have made: somebody edited it, or the disk did.
 * Such a unit would be a breach to the master. The configuration's word on
 * security none is not the row's fault, but it cannot run either. */
static bool
is_sound(uint32_t no, const struct rec_link *r)
{
	char detail[128];
	const char *why, *property = link_check(r, &why);

	if (property == NULL)
		return true;
	snprintf(detail, sizeof(detail), "%s: %s", property, *why != '\0' ? why : "not what it can be");
	log_error("link not started: its row is not valid link=%u code=cfg.invalid reason=%s", no, detail);
	link_set_state(no, LINK_NEEDS_USER, "cfg.invalid", slice_str(detail));
	return false;
}

void
link_start(uint32_t no)
{
	struct link_run *run = link_run_of(no);
	struct msg_unit_run m;
	struct row_link row;

	if (run == NULL || !row_link_get(&row, KEY(link, .no = no)))
		return;
	if (link_may_run(&row.rec) && is_sound(no, &row.rec)) {
		m = link_unit_of(no, no, &row.rec);
		out_send(child.master, MSG_unit_run, &m, OUT_NOFD);
		if (link_has_imap(&row.rec))
			worker_start(no, ROLE_IMAP, true);
		run->running = run->touched = true;
	}
	row_link_free(&row);
}

/* ---- a turn that was undone: the master was not told, the rest believes it.
 * Start those links from scratch. */
static void
restart_touched(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < nruns; i++) {
		if (!runs[i]->redo)
			continue;
		runs[i]->redo = false;
		runs[i]->running = true;
		link_unit_stop(runs[i]->no);
		link_start(runs[i]->no);
	}
}

static void
on_aborted(void)
{
	bool any = false;

	for (size_t i = 0; i < nruns; i++) {
		any |= runs[i]->touched;
		runs[i]->redo |= runs[i]->touched;
		runs[i]->touched = false;
	}
	if (any)
		db_later(restart_touched, NULL);
}

static void
on_committed(void)
{
	for (size_t i = 0; i < nruns; i++)
		runs[i]->touched = false;
}

void
link_unit_init(void)
{
	db_hook(DB_ABORTED, on_aborted);
	db_hook(DB_COMMITTED, on_committed);
}

void
link_start_all(void)
{
	link_each(link_start);
}

void
link_start_smtp(uint32_t no)
{
	struct link_run *run = link_run_of(no);

	if (run != NULL && run->running)
		worker_start(no, ROLE_SMTP, false);
}

/* ---- steps ---- */
static bool
starts_with(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

/*
 * A rejected login must not be tried again: it locks accounts and bans our
 * address. A server that is away, a certificate that ran out or a locked vault
 * may come right by itself, and trying costs nothing, whoever has to act.
 */
bool
link_code_stops(struct slice code)
{
	char class = error_code_find(code)->class;

	if (slice_eq_str(code, "auth.host_breaker_open"))
		return false;
	if (slice_eq_str(code, "vault.refused") || slice_eq_str(code, "store.key_missing") ||
	    slice_eq_str(code, "store.secret_tampered"))
		return true;
	return (starts_with(code, "auth.") || starts_with(code, "oauth.") || starts_with(code, "cfg.")) &&
	    class != 'T' && class != 'W';
}

static void
step_worked(uint32_t no, const struct rec_link *r)
{
	if (r->state == LINK_OFFLINE || r->state == LINK_CONNECTING)
		link_set_state(no, LINK_SYNCING, "", SLICE_NONE);
}

void
link_step(uint32_t no, enum service service, bool ok, struct slice code, struct slice detail)
{
	char text[LIM_CODE + 1];
	struct row_link row;

	if (!row_link_get(&row, KEY(link, .no = no)))
		return;
	if (ok && service == SERVICE_IMAP)
		step_worked(no, &row.rec);
	else if (!ok && slice_copy(code, text, sizeof(text)) == 0 && code.n > 0) {
		if (link_code_stops(code))
			link_set_state(no, LINK_NEEDS_USER, text, detail);
		else if (service == SERVICE_IMAP)
			link_set_state(no, LINK_OFFLINE, text, detail);
	}
	row_link_free(&row);
}
