/*
 * folders.c - the folder list and its choices.
 */
#include "folders.h"
#include "folder_names.h"
#include "log.h"
#include "messages.h"
#include "utf7.h"

#include <stdlib.h>
#include <string.h>

#define RESERVED 32

void
folders_free(struct folders *fs)
{
	size_t i;

	for (i = 0; i < fs->n; i++) {
		free(fs->v[i].raw_name);
		free(fs->v[i].name);
	}
	free(fs->v);
	for (i = 0; i < fs->nspaces; i++)
		free(fs->spaces[i].prefix);
	*fs = (struct folders){ 0 };
}

/* INBOX is one folder however it is written (RFC 3501 s. 5.1). */
static bool
is_inbox(struct slice raw_name)
{
	return slice_case_eq_str(raw_name, "INBOX");
}

struct folder *
folders_by_name(const struct folders *fs, struct slice raw_name)
{
	size_t i;

	for (i = 0; i < fs->n; i++) {
		if (slice_eq_str(raw_name, fs->v[i].raw_name) ||
		    (is_inbox(raw_name) && is_inbox(slice_str(fs->v[i].raw_name))))
			return &fs->v[i];
	}
	return NULL;
}

struct folder *
folders_by_id(const struct folders *fs, uint64_t id)
{
	size_t i;

	for (i = 0; id != 0 && i < fs->n; i++) {
		if (fs->v[i].id == id)
			return &fs->v[i];
	}
	return NULL;
}

struct folder *
folders_role(const struct folders *fs, enum mailbox_role role)
{
	size_t i;

	for (i = 0; i < fs->n; i++) {
		if (fs->v[i].role == role)
			return &fs->v[i];
	}
	return NULL;
}

void
folders_inherit(struct folders *fs, struct folders *before)
{
	size_t i;

	for (i = 0; i < before->n; i++) {
		const struct folder *old = &before->v[i];
		struct folder *f;

		/* Mostly it has the place it had. */
		f = i < fs->n && strcmp(fs->v[i].raw_name, old->raw_name) == 0 ? &fs->v[i] :
										folders_by_name(fs, slice_str(old->raw_name));
		if (f == NULL)
			continue;
		f->dirty = old->dirty;	/* what was told of it and not looked into is not told again */
		f->fetched = old->fetched;
		f->plateau_told = old->plateau_told;
		f->messages = old->messages;
		f->looked_at = old->looked_at;
		f->reconcile_at = old->reconcile_at;
		f->rebuilt = old->rebuilt;
		f->rebuilt_since = old->rebuilt_since;
		if (f->rebuilt > LIM_REBUILDS_DAY)
			f->retry_at = old->retry_at;
	}
	folders_free(before);
}

static struct slice
leaf_of(struct slice name, uint8_t separator)
{
	size_t i = name.n;

	while (separator != 0 && i > 0 && name.p[i - 1] != separator)
		i--;
	return separator == 0 ? name : slice_mem(name.p + i, name.n - i);
}

/* A name that is not what it should be is shown with "?" for its odd bytes. */
static char *
shown_name(struct slice leaf)
{
	struct wbuf w;
	char *out;
	size_t i;

	wbuf_init(&w, LIM_MAILBOX_NAME);
	if (utf7_decode(leaf, &w) == -1) {
		wbuf_reset(&w);
		for (i = 0; i < leaf.n; i++)
			w_u8(&w, utf8_clean(leaf) || (leaf.p[i] >= 0x20 && leaf.p[i] < 0x7f) ? leaf.p[i] : '?');
	}
	out = slice_dup(wbuf_slice(&w));
	wbuf_free(&w);
	return out;
}

static bool
name_usable(struct slice name)
{
	size_t i;

	for (i = 0; i < name.n; i++) {
		if (name.p[i] < 0x20 || name.p[i] == 0x7f)
			return false;
	}
	return name.n > 0 && name.n <= LIM_MAILBOX_NAME;
}

static struct folder *
new_entry(struct folders *fs)
{
	size_t cap = fs->cap == 0 ? 16 : fs->cap * 2;
	struct folder *v;

	if (fs->n == fs->cap) {
		if ((v = reallocarray(fs->v, cap, sizeof(*v))) == NULL)
			fatal("out of memory");
		fs->v = v;
		fs->cap = cap;
	}
	fs->v[fs->n] = (struct folder){ 0 };
	return &fs->v[fs->n++];
}

/* The last places are kept for folders with a role and for the inbox: they may
 * come late in a long list. */
static size_t
places_for(const struct imap_list *l)
{
	if (is_inbox(l->name))
		return LIM_IMAP_FOLDERS;
	return LIM_IMAP_FOLDERS - (l->role != MBOX_NONE ? 1 : RESERVED);
}

bool
folders_new(const struct folders *fs, const struct imap_list *l)
{
	return (l->attributes & LIST_NOSELECT) == 0 && name_usable(l->name) && fs->n < places_for(l) &&
	       folders_by_name(fs, l->name) == NULL;
}

void
folders_add(struct folders *fs, const struct imap_list *l)
{
	struct slice leaf;
	struct folder *f;

	if (!name_usable(l->name) || folders_by_name(fs, l->name) != NULL)
		return;
	if (fs->n >= places_for(l)) {
		fs->left_out++;
		return;
	}
	f = new_entry(fs);
	leaf = leaf_of(l->name, l->separator);
	f->raw_name = slice_dup(l->name);
	f->name = shown_name(leaf.n > 0 ? leaf : l->name);
	if (f->raw_name == NULL || f->name == NULL)
		fatal("out of memory");
	f->separator = l->separator < 0x80 ? l->separator : 0;
	f->selectable = (l->attributes & LIST_NOSELECT) == 0;
	f->role = is_inbox(l->name) ? MBOX_INBOX : l->role;
}

/* Some servers leave INBOX out of LIST; it exists all the same. */
static void
ensure_inbox(struct folders *fs)
{
	struct imap_list inbox = { .name = slice_str("INBOX") };

	if (folders_by_name(fs, inbox.name) == NULL && fs->n > 0) {
		inbox.separator = fs->v[0].separator;
		folders_add(fs, &inbox);
	}
}

/* ---- roots ---- */

void
folders_space(struct folders *fs, enum imap_space kind, struct slice prefix, uint8_t separator)
{
	struct folder_space *s = &fs->spaces[fs->nspaces];

	if (fs->nspaces == LIM_NAMESPACES || (prefix.n > 0 && !name_usable(prefix)))
		return;
	if ((s->prefix = slice_dup(prefix)) == NULL)
		fatal("out of memory");
	s->kind = kind;
	s->separator = separator;
	fs->nspaces++;
}

/* Below the prefix, or the root itself, which is listed without its separator. */
static bool
lies_in(const struct folder *f, const struct folder_space *s)
{
	size_t n = strlen(s->prefix);

	if (n == 0)
		return true;
	if (strncmp(f->raw_name, s->prefix, n) == 0)
		return true;
	return s->prefix[n - 1] == (char)s->separator && strlen(f->raw_name) == n - 1 &&
	       strncmp(f->raw_name, s->prefix, n - 1) == 0;
}

/* The root with the longest prefix; NULL: none is known. */
static const struct folder_space *
space_of(const struct folders *fs, const struct folder *f)
{
	const struct folder_space *best = NULL;
	size_t i;

	for (i = 0; i < fs->nspaces; i++) {
		const struct folder_space *s = &fs->spaces[i];

		if (lies_in(f, s) && (best == NULL || strlen(s->prefix) > strlen(best->prefix)))
			best = s;
	}
	return best;
}

bool
folders_space_unlisted(const struct folders *fs, size_t i)
{
	const struct folder_space *s = &fs->spaces[i];
	size_t k;

	if (s->kind == SPACE_PERSONAL || s->prefix[0] == '\0')
		return false;
	for (k = 0; k < fs->n; k++) {
		if (strncmp(fs->v[k].raw_name, s->prefix, strlen(s->prefix)) == 0)
			return false;
	}
	return true;
}

/* Folders of others have no role here. Their roots may be listed and cannot be selected. */
static void
mark_foreign(struct folders *fs)
{
	size_t i;

	for (i = 0; i < fs->n; i++) {
		struct folder *f = &fs->v[i];
		const struct folder_space *s = space_of(fs, f);

		f->foreign = s != NULL && s->kind != SPACE_PERSONAL && f->role != MBOX_INBOX;
		if (!f->foreign)
			continue;
		f->role = MBOX_NONE;
		if (strlen(f->raw_name) < strlen(s->prefix))
			f->selectable = false;
	}
}

/* 0: top level of its root. One more is allowed: below INBOX, or below a
 * provider's own root such as [Gmail]. */
static unsigned int
depth_of(const struct folders *fs, const struct folder *f)
{
	const struct folder_space *s = space_of(fs, f);
	unsigned int depth = 0;
	const char *p = f->raw_name;

	if (s != NULL && strlen(s->prefix) <= strlen(p))
		p += strlen(s->prefix);
	for (; f->separator != 0 && *p != '\0'; p++)
		depth += (uint8_t)*p == f->separator;
	return depth;
}

/* Names decide only for roles that no attribute has taken. */
static void
guess_roles(struct folders *fs)
{
	struct folder *best[MBOX_IMPORTANT + 1] = { 0 };
	enum mailbox_role role;
	unsigned int rank;
	size_t i;

	for (i = 0; i < fs->n; i++) {
		struct folder *f = &fs->v[i], *b;

		if (f->role != MBOX_NONE || !f->selectable || f->foreign || depth_of(fs, f) > 1)
			continue;
		role = folder_names_role(slice_str(f->name), &rank);
		if (role == MBOX_NONE || folders_role(fs, role) != NULL)
			continue;
		f->rank = rank + 1000 * depth_of(fs, f);
		b = best[role];
		if (b == NULL || f->rank < b->rank)
			best[role] = f;
	}
	for (i = 0; i <= MBOX_IMPORTANT; i++) {
		if (best[i] != NULL) {
			best[i]->role = (uint8_t)i;
			best[i]->guessed = true;
		}
	}
}

/* The configuration names a folder: it takes the role from any other. Names
 * come as the server writes them or as people read them. */
static void
configured_role(struct folders *fs, struct slice name, enum mailbox_role role)
{
	struct folder *f, *other;
	size_t i;

	if (name.n == 0)
		return;
	f = folders_by_name(fs, name);
	for (i = 0; f == NULL && i < fs->n; i++) {
		if (slice_eq_str(name, fs->v[i].name))
			f = &fs->v[i];
	}
	if (f == NULL)
		return;
	while ((other = folders_role(fs, role)) != NULL)
		other->role = MBOX_NONE;
	f->role = (uint8_t)role;
}

/* Flagged and Important only show again what lies elsewhere; so does All Mail,
 * but where folders are labels it alone has what was archived. */
static bool
is_view(const struct folders *fs, const struct folder *f)
{
	return (f->role == MBOX_ALL && !fs->labels) || f->role == MBOX_FLAGGED || f->role == MBOX_IMPORTANT;
}

/* One of each role: further marked ones keep their place but lose the title. */
static void
single_roles(struct folders *fs)
{
	size_t i;

	for (i = 0; i < fs->n; i++) {
		if (fs->v[i].role != MBOX_NONE && folders_role(fs, fs->v[i].role) != &fs->v[i])
			fs->v[i].role = MBOX_NONE;
	}
}

static void
choose_synced(struct folders *fs, const struct msg_sync_config *c)
{
	struct slice also = c->also, name;
	size_t i;

	for (i = 0; i < fs->n; i++) {
		struct folder *f = &fs->v[i];

		f->synced = f->selectable &&
			    (f->role == MBOX_INBOX || f->role == MBOX_SENT || (c->all_folders && !is_view(fs, f) && !f->foreign));
	}
	while (list_next(&also, &name)) {
		for (i = 0; i < fs->n; i++) {
			if (slice_eq_str(name, fs->v[i].raw_name) || slice_eq_str(name, fs->v[i].name))
				fs->v[i].synced = fs->v[i].selectable;
		}
	}
}

/* A parent that is not listed is not there: its part of the path belongs to the
 * name, or two folders would have one. */
static void
name_orphan(const struct folders *fs, struct folder *f)
{
	size_t n = strlen(f->raw_name), i, leaf = n;

	if (f->separator == 0)
		return;
	while (leaf > 0 && (uint8_t)f->raw_name[leaf - 1] != f->separator)
		leaf--;
	for (i = leaf; i > 1; i--) {
		if ((uint8_t)f->raw_name[i - 1] != f->separator)
			continue;
		if (folders_by_name(fs, slice_mem(f->raw_name, i - 1)) != NULL)
			break;
	}
	i = i > 1 ? i : 0;
	if (i == leaf || leaf == n)
		return;
	free(f->name);
	if ((f->name = shown_name(slice_mem(f->raw_name + i, n - i))) == NULL)
		fatal("out of memory");
}

void
folders_choose(struct folders *fs, const struct msg_sync_config *c)
{
	size_t i;

	ensure_inbox(fs);
	mark_foreign(fs);
	if (fs->left_out > 0)
		log_warn("folders left out listed=%zu left_out=%zu", fs->n, fs->left_out);
	single_roles(fs);
	configured_role(fs, c->inbox, MBOX_INBOX);
	configured_role(fs, c->sent, MBOX_SENT);
	guess_roles(fs);
	choose_synced(fs, c);
	for (i = 0; i < fs->n; i++)
		name_orphan(fs, &fs->v[i]);
}
