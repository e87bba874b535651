/*
 * link_set.c - create, update, destroy and test links.
 */
#include "link_set.h"

#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "link_unit.h"
#include "log.h"
#include "probe_rate.h"
#include "seal_seen.h"
#include "seam.h"
#include "table_index.h"

struct refusal {
	const char *error, *property, *description;
};

static int
refuse(struct refusal *why, const char *error, const char *property, const char *description)
{
	*why = (struct refusal){ error, property, description };
	return -1;
}

static struct told_by
told_by(const struct chan *c, const struct msg_link_set *q)
{
	return (struct told_by){ .role = chan_peer(c)->role, .uid = q->uid };
}

static bool
same_endpoint(struct slice host_a, uint16_t port_a, uint8_t security_a, struct slice user_a, struct slice host_b,
    uint16_t port_b, uint8_t security_b, struct slice user_b)
{
	return slice_eq(host_a, host_b) && port_a == port_b && security_a == security_b && slice_eq(user_a, user_b);
}

static bool
imap_changed(const struct rec_link *a, const struct rec_link *b)
{
	return !same_endpoint(a->imap_host, a->imap_port, a->imap_security, a->imap_user, b->imap_host, b->imap_port,
	    b->imap_security, b->imap_user);
}

static bool
smtp_changed(const struct rec_link *a, const struct rec_link *b)
{
	return !same_endpoint(a->smtp_host, a->smtp_port, a->smtp_security, a->smtp_user, b->smtp_host, b->smtp_port,
	    b->smtp_security, b->smtp_user);
}

/* Which credentials the request must bring. before: NULL for a new link. */
static int
check_seals(const struct rec_link *before, const struct rec_link *r, const struct msg_link_set *q,
    struct refusal *why)
{
	bool two_users = r->imap_host.n > 0 && r->smtp_host.n > 0 && !slice_eq(r->imap_user, r->smtp_user);

	if ((before == NULL || imap_changed(before, r)) && q->seal.n == 0)
		return refuse(why, "credentialRequired", "credential", "");
	if (before != NULL && smtp_changed(before, r) && q->seal.n == 0 && q->smtp_seal.n == 0)
		return refuse(why, "credentialRequired", two_users ? "smtpCredential" : "credential", "");
	if (two_users && q->smtp_seal.n == 0 && (q->seal.n > 0 || smtp_changed(before, r)))
		return refuse(why, "credentialRequired", "smtpCredential", "");
	return 0;
}

/* What only the store sets stays as it was; the rest comes from the request. */
static void
keep_own(struct rec_link *r, const struct rec_link *before)
{
	static const struct rec_link none;
	const struct rec_link *b = before != NULL ? before : &none;

	r->state = b->state;
	r->error_code = b->error_code;
	r->error_detail = b->error_detail;
	r->error_since = b->error_since;
	r->phase = b->phase;
	r->done = b->done;
	r->total = b->total;
	r->last_sync_at = b->last_sync_at;
	r->linked_at = b->linked_at;
	r->expires_at = b->expires_at;
	r->generation = b->generation;
	r->rate = r->left = r->fresh = 0;
}

/* The state that a change by the ATS leads to. */
static void
enter_state(struct rec_link *r, bool fresh, bool other_mode)
{
	bool rejected = !fresh && r->error_code.n > 0 && link_code_stops(r->error_code);

	if (r->paused)
		r->state = LINK_PAUSED;
	else if (rejected)
		r->state = LINK_NEEDS_USER;
	else if (fresh || other_mode || r->state == LINK_PAUSED)
		r->state = link_has_imap(r) ? LINK_CONNECTING : LINK_LIVE;
	if (fresh && !r->paused) {
		r->error_code = r->error_detail = SLICE_NONE;
		r->error_since = 0;
	}
}

static int
check_record(const struct msg_link_set *q, struct rec_link *r, struct refusal *why)
{
	const char *property, *description;

	if (rec_link_decode(q->record, r) == -1)
		return refuse(why, "invalidProperties", "", "");
	if ((property = link_check(r, &description)) != NULL)
		return refuse(why, "invalidProperties", property, description);
	return 0;
}

static int
check_address(const struct rec_link *r, const struct rec_link *before, struct refusal *why)
{
	char canonical[LIM_ADDRESS + 1], old[LIM_ADDRESS + 1];
	struct slice address = slice_mem(canonical, address_canonical(r->address, canonical));

	if (before == NULL && link_of_address(address) != 0)
		return refuse(why, "addressInUse", "address", "");
	if (before != NULL && (address_canonical(before->address, old) == 0 || strcmp(canonical, old) != 0))
		return refuse(why, "invalidProperties", "address", "it is immutable");
	return 0;
}

static int
check_rate(const struct rec_link *r, struct refusal *why)
{
	char canonical[LIM_ADDRESS + 1];
	size_t n = address_canonical(r->address, canonical);

	if (!probe_rate_allow(slice_mem(canonical, n), store_ticks()))
		return refuse(why, "rateLimit", "", "too many link tests");
	return 0;
}

static size_t
count_links(void)
{
	struct slice key;
	struct scan s;
	size_t n = 0;

	scan_range(&s, T_link, PREFIX(link, 0, .no = 0), PREFIX(link, 0, .no = 0), false);
	while (scan_next(&s, &key, NULL))
		n++;
	scan_end(&s);
	return n;
}

/* The vault says the same of seals that it opened since its last start. */
static int
check_seal_unused(const struct msg_link_set *q, struct refusal *why)
{
	bool smtp = q->smtp_seal.n > 0 && seal_seen(q->smtp_seal);

	if (!smtp && (q->seal.n == 0 || !seal_seen(q->seal)))
		return 0;
	log_warn("a seal was used before link=%llu code=api.conflict", (unsigned long long)q->id);
	return refuse(why, "invalidProperties", smtp ? "smtpCredential" : "credential", "api.conflict");
}

/* ---- to a probe ---- */
static int
launch(struct asker a, const struct msg_link_set *q, uint32_t no, const struct rec_link *r, struct refusal *why)
{
	struct probe p = { .asker = a, .by = told_by(a.chan, q), .action = q->action, .verify = q->verify || q->action == SET_TEST,
		.send_test = q->send_test, .link = no };

	if (check_seal_unused(q, why) == -1 || (p.verify && check_rate(r, why) == -1))
		return -1;
	rec_link_encode(&p.record, r);
	for (int s = SERVICE_IMAP; q->action != SET_CREATE && q->id != 0 && s <= SERVICE_SMTP; s++) {
		struct slice c = SLICE_NONE;

		table_get(T_credential, KEY(credential, .account = no, .service = (uint8_t)s), &c);
		w_raw(&p.credential[s], c.p, c.n);
	}
	if (!p.record.failed && probe_start(&p, q->seal, q->smtp_seal) == 0)
		return 0;
	wbuf_free(&p.record);
	wbuf_free(&p.credential[SERVICE_IMAP]);
	wbuf_free(&p.credential[SERVICE_SMTP]);
	return refuse(why, "rateLimit", "", "too many link tests at once");
}

static int
on_create(struct asker a, const struct msg_link_set *q, struct refusal *why)
{
	struct rec_link r;

	if (check_record(q, &r, why) == -1 || check_seals(NULL, &r, q, why) == -1)
		return -1;
	if (q->action == SET_CREATE && check_address(&r, NULL, why) == -1)
		return -1;
	if (q->action == SET_CREATE && store.max_links != 0 && count_links() >= store.max_links)
		return refuse(why, "overQuota", "", "max-links of the configuration is reached");
	keep_own(&r, NULL);
	r.generation = 1;
	return launch(a, q, store_next_link(), &r, why);
}

static int
update_row(struct asker a, const struct msg_link_set *q, const struct rec_link *before, struct refusal *why)
{
	uint32_t no = (uint32_t)q->id;
	struct rec_link r;
	bool try;

	if (check_record(q, &r, why) == -1 || check_address(&r, before, why) == -1 ||
	    check_seals(before, &r, q, why) == -1)
		return -1;
	if (probe_busy(no))
		return refuse(why, "rateLimit", "", "an update of this link is under way");
	keep_own(&r, before);
	/* Makes every older record useless. A seal for SMTP alone leaves the
	 * generation, for IMAP's record has to stay good. */
	if (q->seal.n > 0)
		r.generation++;
	try = q->seal.n > 0 || q->smtp_seal.n > 0 || r.mode != before->mode || q->verify;
	if (try)
		return launch(a, q, no, &r, why);
	link_commit(&(struct probe){ .asker = a, .by = told_by(a.chan, q), .action = SET_UPDATE, .link = no,
	    .record = { .p = (uint8_t *)(uintptr_t)q->record.p, .n = q->record.n } });
	return 0;
}

static int
on_update(struct asker a, const struct msg_link_set *q, struct refusal *why)
{
	struct row_link row;
	int rc;

	if (q->id > UINT32_MAX || !row_link_get(&row, KEY(link, .no = (uint32_t)q->id)))
		return refuse(why, "notFound", "", "");
	rc = update_row(a, q, &row.rec, why);
	row_link_free(&row);
	return rc;
}

static int
on_test(struct asker a, const struct msg_link_set *q, struct refusal *why)
{
	const char *property, *description;
	struct row_link row;
	int rc;

	if (q->id == 0)
		return on_create(a, q, why);
	if (q->id > UINT32_MAX || !row_link_get(&row, KEY(link, .no = (uint32_t)q->id)))
		return refuse(why, "notFound", "", "");
	if ((property = link_check(&row.rec, &description)) != NULL)
		rc = refuse(why, "invalidProperties", property, description);	/* a damaged row */
	else
		rc = launch(a, q, (uint32_t)q->id, &row.rec, why);
	row_link_free(&row);
	return rc;
}

static int
on_destroy(struct asker a, const struct msg_link_set *q, struct refusal *why)
{
	uint64_t old = changes_state(ACCOUNT_ATS, OBJ_LINK);
	struct row_link row;

	if (q->id > UINT32_MAX || !row_link_get(&row, KEY(link, .no = (uint32_t)q->id)))
		return refuse(why, "notFound", "", "");
	told_link_removed(told_by(a.chan, q), (uint32_t)q->id, row.rec.address, q->keep_notes);
	row_link_free(&row);
	link_destroy((uint32_t)q->id, q->keep_notes);
	out_set_done(a, ACCOUNT_ATS, OBJ_LINK, old, (struct msg_set_done){ .id = q->id });
	return 0;
}

int
link_on_set(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_link_set *q = &m->link_set;
	struct asker a = { c, q->req };
	struct refusal why = { "", "", "" };
	int rc = -1;

	(void)fd;
	switch (q->action) {
	case SET_CREATE:
		rc = on_create(a, q, &why);
		break;
	case SET_UPDATE:
		rc = on_update(a, q, &why);
		break;
	case SET_DESTROY:
		rc = on_destroy(a, q, &why);
		break;
	case SET_TEST:
		rc = on_test(a, q, &why);
		break;
	default:
		return -1;
	}
	if (rc == -1)
		told_link_refused(told_by(c, q), q->id <= UINT32_MAX ? (uint32_t)q->id : 0, q->action, why.error,
		    why.property);
	if (rc == -1)
		out_set_error(a, why.error, why.property, why.description);
	return 0;
}

void
link_forget(const struct chan *c)
{
	probe_forget(c);
}

/* ---- the end of a probe that passed ---- */
static void
write_credentials(const struct probe *p)
{
	for (int s = SERVICE_IMAP; s <= SERVICE_SMTP; s++)
		if (p->renewed[s])
			link_credential_put(p->link, (enum service)s, wbuf_slice(&p->credential[s]));
	/* One seal for both services: an older one for SMTP alone is void. */
	if (p->renewed[SERVICE_IMAP] && !p->renewed[SERVICE_SMTP])
		link_credential_put(p->link, SERVICE_SMTP, SLICE_NONE);
}

/* What runs must know of the change. */
static void
apply(uint32_t no, const struct rec_link *before, const struct rec_link *after, bool fresh)
{
	if (before == NULL || !link_may_run(after) || fresh || before->mode != after->mode || before->paused) {
		link_unit_stop(no);
		link_start(no);
		if (after->mode == MODE_SEND_ONLY)
			mail_link_changed(no);	/* it has local mailboxes only, made here */
	} else if (link_other_folders(before, after) || link_other_policy(before, after))
		mail_link_changed(no);
}

static void
store_link(struct probe *p, struct rec_link *r, const struct rec_link *before)
{
	bool fresh = p->renewed[SERVICE_IMAP] || p->renewed[SERVICE_SMTP];
	uint32_t generation = r->generation;
	uint64_t old = changes_state(ACCOUNT_ATS, OBJ_LINK);

	/* The link may have moved on while the probe ran. */
	keep_own(r, before);
	if (fresh)
		r->generation = generation;
	if (before == NULL)
		r->linked_at = store_now();
	enter_state(r, fresh, before == NULL || before->mode != r->mode);
	link_write(p->link, r, before == NULL);
	if (before == NULL || !slice_eq(before->name, r->name))
		changes_record(p->link, OBJ_IDENTITY, p->link, before == NULL ? CREATED : UPDATED);
	write_credentials(p);
	apply(p->link, before, r, fresh);
	out_set_done(p->asker, ACCOUNT_ATS, OBJ_LINK, old, (struct msg_set_done){ .id = p->link });
	told_link(p->by, p->link, before, r, fresh, p->verify);
	log_info("link stored link=%u", p->link);
}

void
link_commit(struct probe *p)
{
	struct row_link row = { .mem = NULL };
	struct refusal why = { "", "", "" };
	bool exists = row_link_get(&row, KEY(link, .no = p->link));
	struct rec_link r;

	if (p->action == SET_TEST) {
		told_link_tested(p->by, exists ? p->link : 0);
		out_set_done(p->asker, ACCOUNT_ATS, OBJ_LINK, changes_state(ACCOUNT_ATS, OBJ_LINK),
		    (struct msg_set_done){ .id = 0 });
	} else if (rec_link_decode(wbuf_slice(&p->record), &r) == -1)
		(void)refuse(&why, "serverFail", "", "");
	else if (p->action == SET_UPDATE && !exists)
		(void)refuse(&why, "notFound", "", "");
	else if (p->action != SET_CREATE || check_address(&r, NULL, &why) == 0)
		store_link(p, &r, exists ? &row.rec : NULL);
	if (*why.error != '\0') {
		told_link_refused(p->by, p->link, p->action, why.error, why.property);
		out_set_error(p->asker, why.error, why.property, why.description);
	}
	row_link_free(&row);
}
