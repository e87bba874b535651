#include "mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "changes.h"
#include "log.h"
#include "window.h"

static struct dbkey
mailbox_key(uint32_t account, uint64_t id)
{
	return KEY(mailbox, .account = account, .id = id);
}

static struct dbkey
name_key(uint32_t account, struct slice raw_name)
{
	struct hash16 h = db_hash16(raw_name);

	return KEY(mailboxname, .account = account, .name = HASH(h));
}

/* What every message asks of its folder, as long as no row of one is written. */
static const struct about {
	uint64_t version;	/* 0: nothing is here */
	uint32_t account;
	uint64_t id;
	bool exists;
	enum mailbox_role role;
} *
about_mailbox(uint32_t account, uint64_t id)
{
	static struct about last;
	uint64_t version = table_version(T_mailbox);
	struct row_mailbox row;

	if (version != 0 && last.version == version && last.account == account && last.id == id)
		return &last;
	last = (struct about){ .version = version, .account = account, .id = id, .role = MBOX_NONE,
		.exists = table_get(T_mailbox, mailbox_key(account, id), NULL) };
	if (last.exists && row_mailbox_get(&row, mailbox_key(account, id))) {
		last.role = row.rec.role;
		row_mailbox_free(&row);
	}
	return &last;
}

bool
mailbox_exists(uint32_t account, uint64_t id)
{
	return id != 0 && about_mailbox(account, id)->exists;
}

enum mailbox_role
mailbox_role(uint32_t account, uint64_t id)
{
	return about_mailbox(account, id)->role;
}

/* Call fn for each mailbox until it returns false. Rows are borrowed: fn does not write. */
static void
mailbox_each(uint32_t account, bool (*fn)(uint64_t, const struct rec_mailbox *, void *), void *arg)
{
	struct scan s;
	struct slice key, v;
	struct key_mailbox k;
	struct rec_mailbox rec;

	scan_prefix(&s, T_mailbox, PREFIX(mailbox, 1, .account = account), false);
	while (scan_next(&s, &key, &v))
		if (key_mailbox_read(key, &k) == 0 && rec_mailbox_decode(v, &rec) == 0 && !fn(k.id, &rec, arg))
			break;
	scan_end(&s);
}

struct by_role {
	enum mailbox_role role;
	uint64_t id;
};

static bool
has_role(uint64_t id, const struct rec_mailbox *rec, void *arg)
{
	struct by_role *b = arg;

	if (rec->role == b->role && rec->selectable)
		b->id = id;
	return b->id == 0;
}

uint64_t
mailbox_by_role(uint32_t account, enum mailbox_role role)
{
	struct by_role b = { .role = role };

	mailbox_each(account, has_role, &b);
	return b.id;
}

/* ---- the list ---- */

struct by_objectid {
	struct slice objectid;
	uint64_t id;
};

static bool
has_objectid(uint64_t id, const struct rec_mailbox *rec, void *arg)
{
	struct by_objectid *b = arg;

	if (slice_eq(rec->objectid, b->objectid))
		b->id = id;
	return b->id == 0;
}

static uint64_t
find(uint32_t account, const struct msg_mailbox_found *m)
{
	struct by_objectid b = { .objectid = m->objectid };

	if (m->objectid.n > 0)
		mailbox_each(account, has_objectid, &b);
	return b.id != 0 ? b.id : table_get_u64(T_mailboxname, name_key(account, m->raw_name));
}

/* What the server's list says of it; positions and counts stay. */
static bool
take_over(struct rec_mailbox *rec, const struct msg_mailbox_found *m)
{
	bool same = slice_eq(rec->raw_name, m->raw_name) && slice_eq(rec->name, m->name) &&
	    rec->separator == m->separator && rec->role == m->role && rec->selectable == m->selectable &&
	    rec->synced == m->synced && slice_eq(rec->objectid, m->objectid);

	rec->raw_name = m->raw_name;
	rec->name = m->name;
	rec->separator = m->separator;
	rec->role = m->role;
	rec->selectable = m->selectable;
	rec->synced = m->synced;
	rec->objectid = m->objectid;
	return !same;
}

/* A name that another folder has got meanwhile is that one's. */
static void
drop_name(uint32_t account, struct slice raw_name, uint64_t id)
{
	if (table_get_u64(T_mailboxname, name_key(account, raw_name)) == id)
		(void)table_del(T_mailboxname, name_key(account, raw_name));
}

/* Folders known by MAILBOXID may change names: who had this one is without until
 * the list tells its new name, or ends. */
static void
put_name(uint32_t account, struct slice raw_name, uint64_t id)
{
	uint64_t before = table_get_u64(T_mailboxname, name_key(account, raw_name));
	struct row_mailbox row;

	table_put_u64(T_mailboxname, name_key(account, raw_name), id);
	if (before == 0 || before == id || !row_mailbox_get(&row, mailbox_key(account, before)))
		return;
	row.rec.raw_name = SLICE_NONE;
	row_mailbox_put(mailbox_key(account, before), &row.rec);
	row_mailbox_free(&row);
}

uint64_t
mailbox_found(uint32_t account, const struct msg_mailbox_found *m)
{
	uint64_t id = find(account, m);
	struct row_mailbox row = { .mem = NULL };
	bool known = id != 0 && row_mailbox_get(&row, mailbox_key(account, id));

	if (!known)
		id = store_next_id();
	if (known && !slice_eq(row.rec.raw_name, m->raw_name))
		drop_name(account, row.rec.raw_name, id);
	if (take_over(&row.rec, m) || !known) {
		row_mailbox_put(mailbox_key(account, id), &row.rec);
		put_name(account, m->raw_name, id);
		changes_record(account, OBJ_MAILBOX, id, known ? UPDATED : CREATED);
	}
	row_mailbox_free(&row);
	return id;
}

void
mailbox_send_bound(struct chan *c, uint32_t account, uint64_t id)
{
	struct row_mailbox row;

	if (!row_mailbox_get(&row, mailbox_key(account, id)))
		return;
	if (window_fit(account, id, &row.rec))
		row_mailbox_put(mailbox_key(account, id), &row.rec);
	out_send(c, MSG_mailbox_bound,
	    &(struct msg_mailbox_bound){ .raw_name = row.rec.raw_name, .mailbox = id,
		.uidvalidity = row.rec.uidvalidity, .uidnext = row.rec.uidnext, .modseq = row.rec.modseq,
		.uid_low = row.rec.uid_low, .complete = row.rec.complete,
		.first_low = row.rec.first_low },
	    OUT_NOFD);
	row_mailbox_free(&row);
}

/* The nearest above it that is listed. */
static uint64_t
parent_of(uint32_t account, const struct rec_mailbox *rec)
{
	uint64_t id = 0;

	if (rec->separator == 0)
		return 0;
	for (size_t n = rec->raw_name.n; n > 1 && id == 0; n--)
		if (rec->raw_name.p[n - 1] == rec->separator)
			id = table_get_u64(T_mailboxname, name_key(account, slice_mem(rec->raw_name.p, n - 1)));
	return id;
}

static void
set_parent(uint32_t account, uint64_t id)
{
	struct row_mailbox row;
	uint64_t parent;

	if (!row_mailbox_get(&row, mailbox_key(account, id)))
		return;
	if ((parent = parent_of(account, &row.rec)) != row.rec.parent && parent != id) {
		row.rec.parent = parent;
		row_mailbox_put(mailbox_key(account, id), &row.rec);
		changes_record(account, OBJ_MAILBOX, id, UPDATED);
	}
	row_mailbox_free(&row);
}

/* ---- the end of a mailbox ---- */

struct reap {
	uint32_t account;
	uint64_t mailbox;
};

/* Its copies are gone, at most a slice of them; true: there are more. */
static bool
reap_copies(const struct reap *r)
{
	struct dbkey uids = PREFIX(uid, 2, .account = r->account, .mailbox = r->mailbox);
	struct dbkey unbound = PREFIX(unbound, 2, .account = r->account, .mailbox = r->mailbox);
	struct scan s;
	struct slice key;
	struct key_uid u;
	struct key_unbound b;
	size_t n = 0;

	scan_prefix(&s, T_uid, uids, false);
	for (; n < LIM_DB_SLICE && scan_next(&s, &key, NULL); n++)
		if (key_uid_read(key, &u) == 0)
			bind_vanished(u.account, u.mailbox, u.uid);
	scan_end(&s);
	scan_prefix(&s, T_unbound, unbound, false);
	for (; n < LIM_DB_SLICE && scan_next(&s, &key, NULL); n++)
		if (key_unbound_read(key, &b) == 0)
			bind_lost(b.account, b.mailbox, b.email);
	scan_end(&s);
	return n == LIM_DB_SLICE;
}

static void
reap(void *arg)
{
	struct reap *r = arg;
	struct row_mailbox row;

	if (reap_copies(r)) {
		db_later(reap, r);
		return;
	}
	if (row_mailbox_get(&row, mailbox_key(r->account, r->mailbox))) {
		drop_name(r->account, row.rec.raw_name, r->mailbox);
		(void)table_del(T_mailbox, mailbox_key(r->account, r->mailbox));
		changes_record(r->account, OBJ_MAILBOX, r->mailbox, DESTROYED);
		row_mailbox_free(&row);
	}
	free(r);
}

struct listing {
	struct slice seen;
	struct wbuf all;
};

static bool
collect(uint64_t id, const struct rec_mailbox *rec, void *arg)
{
	struct listing *l = arg;

	(void)rec;
	ids_add(&l->all, id);
	return true;
}

void
mailbox_list_end(uint32_t account, struct slice seen)
{
	struct listing l = { .seen = seen };

	/* A server that lists nothing is broken, not empty: INBOX always exists. */
	if (ids_count(seen) == 0) {
		log_warn("empty folder list ignored link=%u code=sync.list_empty", account);
		return;
	}
	mailbox_each(account, collect, &l);
	for (size_t i = 0; i < ids_count(wbuf_slice(&l.all)); i++) {
		uint64_t id = ids_at(wbuf_slice(&l.all), i);
		struct reap *r;

		if (ids_has(seen, id))
			set_parent(account, id);
		else if ((r = malloc(sizeof(*r))) != NULL) {
			*r = (struct reap){ account, id };
			reap(r);
		}
	}
	wbuf_free(&l.all);
}

/* ---- positions ---- */

void
mailbox_synced(uint32_t account, const struct msg_mailbox_synced *m)
{
	struct row_mailbox row;
	bool narrower;

	if (!row_mailbox_get(&row, mailbox_key(account, m->mailbox)))
		return;
	narrower = m->first_low > row.rec.first_low;
	row.rec.first_low = m->first_low;
	row.rec.uidvalidity = m->uidvalidity;
	row.rec.uidnext = m->uidnext;
	row.rec.modseq = m->modseq;
	row.rec.uid_low = m->uid_low;
	row.rec.complete = m->complete;
	row_mailbox_put(mailbox_key(account, m->mailbox), &row.rec);
	row_mailbox_free(&row);
	if (narrower)
		window_sweep(account);
}

bool
mailbox_rebuilt(uint32_t account, const struct msg_mailbox_open *m)
{
	struct row_mailbox row;
	bool other;

	if (!row_mailbox_get(&row, mailbox_key(account, m->mailbox)))
		return false;
	other = row.rec.uidvalidity != 0 && row.rec.uidvalidity != m->uidvalidity;
	row_mailbox_free(&row);
	return other;
}

bool
mailbox_is_read(uint32_t account, const struct msg_mailbox_open *m)
{
	struct row_mailbox row;
	bool read;

	if (!row_mailbox_get(&row, mailbox_key(account, m->mailbox)))
		return false;
	read = row.rec.complete && row.rec.uidvalidity == m->uidvalidity && row.rec.uidnext == m->uidnext;
	row_mailbox_free(&row);
	return read;
}

void
mailbox_opened(uint32_t account, const struct msg_mailbox_open *m)
{
	struct row_mailbox row;

	if (!row_mailbox_get(&row, mailbox_key(account, m->mailbox)))
		return;
	if (row.rec.uidvalidity != m->uidvalidity) {
		if (row.rec.uidvalidity != 0)
			log_warn("folder was rebuilt, its messages are matched anew link=%u "
				 "code=sync.uidvalidity_changed", account);
		row.rec.uidvalidity = m->uidvalidity;
		row.rec.uidnext = row.rec.uid_low = row.rec.first_low = row.rec.sure_low = 0;
		row.rec.modseq = 0;
		row.rec.complete = false;
		row_mailbox_put(mailbox_key(account, m->mailbox), &row.rec);
	}
	if (row.rec.read_only != m->read_only) {
		row.rec.read_only = m->read_only;
		row_mailbox_put(mailbox_key(account, m->mailbox), &row.rec);
		changes_record(account, OBJ_MAILBOX, m->mailbox, UPDATED);
	}
	row_mailbox_free(&row);
}

/* ---- links that only send ---- */

static void
make_local(uint32_t account, const char *name, enum mailbox_role role)
{
	struct msg_mailbox_found m = { .raw_name = slice_str(name), .name = slice_str(name), .role = (uint8_t)role,
		.selectable = true };

	if (mailbox_by_role(account, role) == 0)
		(void)mailbox_found(account, &m);
}

void
mailbox_local_setup(uint32_t account)
{
	make_local(account, "Drafts", MBOX_DRAFTS);
	make_local(account, "Sent", MBOX_SENT);
}
