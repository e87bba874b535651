/*
 * probe.c - the stages of a probe.
 */
#include "probe.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "link_set.h"
#include "link_unit.h"
#include "log.h"
#include "loop.h"
#include "probe_worker.h"
#include "seal_seen.h"
#include "secret.h"

static struct probe *probes[LIM_PROBES_STORE];
static uint32_t last_unit, last_seal;

static struct probe *
find(uint32_t unit)
{
	for (size_t i = 0; i < LIM_PROBES_STORE; i++)
		if (probes[i] != NULL && probes[i]->unit == unit)
			return probes[i];
	return NULL;
}

static void
unit_stop(const struct probe *p)
{
	if (p->stage == PROBE_IMAP || p->stage == PROBE_SMTP)
		(void)send_unit_stop(child.master, &(struct msg_unit_stop){ .unit = p->unit });
}

static void
probe_free(struct probe *p)
{
	unit_stop(p);
	probe_worker_close(p);
	for (size_t i = 0; i < LIM_PROBES_STORE; i++)
		if (probes[i] == p)
			probes[i] = NULL;
	if (p->timer != NULL)
		event_free(p->timer);
	for (int s = SERVICE_IMAP; s <= SERVICE_SMTP; s++)
		wbuf_free(&p->credential[s]);
	wbuf_free(&p->record);
	free(p);
}

void
probe_fail(struct probe *p, const char *error, const char *property, const char *description)
{
	log_info("link not verified link=%u code=%s", p->link, *description != '\0' ? description : error);
	told_link_refused(p->by, p->link, p->action, error, property);
	out_set_error(p->asker, error, property, description);
	probe_free(p);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	probe_fail(arg, "verifyFailed", "", ((const struct probe *)arg)->gone ? "proc.crashed" : "net.timeout");
}

static void
clock_restart(struct probe *p)
{
	const struct timeval t = { LIM_PROBE_SECONDS, 0 };

	evtimer_add(p->timer, &t);
}

/* ---- stages ---- */
static void
stage_run(struct probe *p, int stage)
{
	struct rec_link r;
	struct msg_unit_run unit;
	bool first = p->stage == PROBE_SEAL;

	if (rec_link_decode(wbuf_slice(&p->record), &r) == -1) {
		probe_fail(p, "serverFail", "", "");
		return;
	}
	p->stage = stage;
	p->logged_in = p->gone = false;
	p->nheld = 0;
	clock_restart(p);
	if (first) {
		unit = link_unit_of(p->unit, p->link, &r);
		(void)send_unit_run(child.master, &unit);
	}
	(void)send_worker_start(child.master, &(struct msg_worker_start){ .unit = p->unit,
	    .role = stage == PROBE_IMAP ? ROLE_IMAP : ROLE_SMTP });
}

/* The next stage behind the current one, or the end. */
void
probe_next(struct probe *p)
{
	struct rec_link r;

	if (rec_link_decode(wbuf_slice(&p->record), &r) == -1) {
		probe_fail(p, "serverFail", "", "");
		return;
	}
	probe_worker_close(p);
	if (p->verify && p->stage < PROBE_IMAP && link_has_imap(&r))
		stage_run(p, PROBE_IMAP);
	else if (p->verify && p->stage < PROBE_SMTP && link_has_smtp(&r))
		stage_run(p, PROBE_SMTP);
	else {
		link_commit(p);
		probe_free(p);
	}
}

/* ---- start ---- */
static int
ask_vault(struct probe *p, enum service service, struct slice seal, const struct rec_link *r, bool smtp_apart)
{
	struct wbuf imap = { .max = 4 * LIM_DETAIL }, smtp = { .max = 4 * LIM_DETAIL };
	bool imap_user = service == SERVICE_IMAP && r->imap_user.n > 0;
	struct msg_seal_open m = { .req = ++last_seal, .link = p->link, .generation = r->generation,
		.address = r->address, .user = imap_user ? r->imap_user : r->smtp_user, .seal = seal };
	int rc;

	link_seal_endpoints(r, smtp_apart, &imap, &smtp);
	m.endpoints = wbuf_slice(service == SERVICE_IMAP ? &imap : &smtp);
	p->seal_req[service] = m.req;
	p->seal[service] = seal_hash(seal);
	rc = store.vault == NULL || imap.failed || smtp.failed ? -1 : send_seal_open(store.vault, &m);
	wbuf_free(&imap);
	wbuf_free(&smtp);
	return rc;
}

static int
ask_all(struct probe *p, struct slice seal, struct slice smtp_seal)
{
	struct rec_link r;

	if (rec_link_decode(wbuf_slice(&p->record), &r) == -1)
		return -1;
	if (seal.n > 0 && ask_vault(p, SERVICE_IMAP, seal, &r, smtp_seal.n > 0) == -1)
		return -1;
	return smtp_seal.n > 0 ? ask_vault(p, SERVICE_SMTP, smtp_seal, &r, true) : 0;
}

static struct probe *
probe_new(const struct probe *from)
{
	struct probe *p = NULL;
	size_t i = 0;

	while (i < LIM_PROBES_STORE && probes[i] != NULL)
		i++;
	if (i == LIM_PROBES_STORE || (p = malloc(sizeof(*p))) == NULL)
		return NULL;
	*p = *from;
	if ((p->timer = evtimer_new(loop_base(), on_timer, p)) == NULL) {
		free(p);
		return NULL;
	}
	do
		p->unit = UNIT_PROBE | (++last_unit & ~UNIT_PROBE);
	while (find(p->unit) != NULL);
	probes[i] = p;
	return p;
}

int
probe_start(const struct probe *from, struct slice seal, struct slice smtp_seal)
{
	struct probe *p = probe_new(from);

	if (p == NULL)
		return -1;
	p->stage = PROBE_SEAL;
	clock_restart(p);
	if (ask_all(p, seal, smtp_seal) == -1)
		probe_fail(p, "serverFail", "", "vault.away");
	else if (seal.n == 0 && smtp_seal.n == 0)
		probe_next(p);
	return 0;
}

/* ---- the vault ---- */
static void
take_record(struct probe *p, enum service service, const struct msg_seal_opened *m)
{
	char code[LIM_CODE + 1];

	p->seal_req[service] = 0;
	if (m->code.n > 0 || m->record.n == 0) {
		if (slice_copy(m->code, code, sizeof(code)) == -1)
			code[0] = '\0';
		if (slice_eq_str(m->code, "vault.locked"))
			probe_fail(p, "serverFail", "", code);	/* nothing is wrong with the request */
		else
			probe_fail(p, slice_eq_str(m->code, "api.rate") ? "rateLimit" : "invalidProperties",
			    service == SERVICE_IMAP ? "credential" : "smtpCredential", code);
		return;
	}
	seal_note(&p->seal[service]);
	wbuf_reset(&p->credential[service]);
	w_raw(&p->credential[service], m->record.p, m->record.n);
	p->renewed[service] = true;
	/* One seal for both services: what SMTP had of its own is void. */
	if (service == SERVICE_IMAP && p->seal_req[SERVICE_SMTP] == 0 && !p->renewed[SERVICE_SMTP])
		wbuf_reset(&p->credential[SERVICE_SMTP]);
	if (p->credential[service].failed)
		probe_fail(p, "serverFail", "", "");
	else if (p->seal_req[SERVICE_IMAP] == 0 && p->seal_req[SERVICE_SMTP] == 0)
		probe_next(p);
}

void
probe_on_seal_opened(const struct msg_seal_opened *m)
{
	for (size_t i = 0; i < LIM_PROBES_STORE; i++) {
		struct probe *p = probes[i];

		for (int s = SERVICE_IMAP; p != NULL && s <= SERVICE_SMTP; s++)
			if (m->req != 0 && p->seal_req[s] == m->req) {
				take_record(p, (enum service)s, m);
				return;
			}
	}
}

void
probe_vault_gone(void)
{
	for (size_t i = 0; i < LIM_PROBES_STORE; i++)
		if (probes[i] != NULL && probes[i]->stage == PROBE_SEAL)
			probe_fail(probes[i], "serverFail", "", "vault.away");
}

static struct wbuf *
credential_of(uint32_t unit, enum service service)
{
	struct probe *p = find(unit);

	if (p == NULL)
		return NULL;
	if (service == SERVICE_SMTP && p->credential[SERVICE_SMTP].n == 0)
		service = SERVICE_IMAP;
	return &p->credential[service];
}

struct slice
probe_credential(uint32_t unit, enum service service)
{
	const struct wbuf *c = credential_of(unit, service);

	return c != NULL ? wbuf_slice(c) : SLICE_NONE;
}

bool
probe_credential_replace(uint32_t unit, enum service service, struct slice was, struct slice record)
{
	struct wbuf *c = credential_of(unit, service);

	if (c == NULL || record.n == 0 || was.n == 0 || !slice_eq(wbuf_slice(c), was))
		return false;
	wbuf_reset(c);
	w_raw(c, record.p, record.n);
	return !c->failed;
}

static bool
comes_first(uint32_t unit, int service, const struct msg_record_item *found)
{
	return found->unit == 0 || unit < found->unit || (unit == found->unit && service < found->service);
}

void
probe_record_after(uint32_t unit, uint8_t service, struct msg_record_item *out)
{
	struct rec_link r;

	for (size_t i = 0; i < LIM_PROBES_STORE; i++)
		for (int s = SERVICE_IMAP; probes[i] != NULL && s <= SERVICE_SMTP; s++) {
			const struct probe *p = probes[i];

			if (p->credential[s].n == 0 || p->unit < unit || (p->unit == unit && s <= service) ||
			    !comes_first(p->unit, s, out) || rec_link_decode(wbuf_slice(&p->record), &r) == -1)
				continue;
			out->unit = p->unit;
			out->link = p->link;
			out->generation = r.generation;
			out->service = (uint8_t)s;
			out->data = wbuf_slice(&p->credential[s]);
		}
}

/* ---- what the unit and its workers say ---- */
struct probe *
probe_of_worker(const struct chan *c)
{
	for (size_t i = 0; i < LIM_PROBES_STORE; i++)
		if (probes[i] != NULL && probes[i]->worker == c)
			return probes[i];
	return NULL;
}

void
probe_on_unit_step(const struct msg_unit_step *m)
{
	struct probe *p = find(m->unit);

	if (p != NULL)
		probe_login_step(p, m);
}

void
probe_peer(const struct chan_peer *peer, int fd)
{
	probe_worker_peer(find(peer->unit), peer, fd);
}

void
probe_worker_gone(uint32_t unit, enum role role, struct slice reason)
{
	struct probe *p = find(unit);

	static const struct timeval last_words = { 0, 200000 };

	(void)reason;
	if (p == NULL || role != (p->stage == PROBE_IMAP ? ROLE_IMAP : ROLE_SMTP))
		return;
	/* What it said before may still wait in its own channel. */
	p->gone = true;
	evtimer_add(p->timer, &last_words);
}

void
probe_forget(const struct chan *c)
{
	for (size_t i = 0; i < LIM_PROBES_STORE; i++)
		if (probes[i] != NULL && probes[i]->asker.chan == c) {
			probes[i]->asker.chan = NULL;
			told_link_refused(probes[i]->by, probes[i]->link, probes[i]->action, "abandoned", "");
			probe_free(probes[i]);
		}
}

bool
probe_busy(uint32_t link)
{
	for (size_t i = 0; i < LIM_PROBES_STORE; i++)
		if (probes[i] != NULL && probes[i]->link == link && probes[i]->action != SET_TEST)
			return true;
	return false;
}

/* The turn that took it was undone, with the number it was given. Which one
 * that was is not worth remembering on a full disk. */
static void
on_aborted(void)
{
	for (size_t i = 0; i < LIM_PROBES_STORE; i++)
		if (probes[i] != NULL)
			probe_fail(probes[i], "store.full", "", "");
}

void
probe_init(void)
{
	db_hook(DB_ABORTED, on_aborted);
}
