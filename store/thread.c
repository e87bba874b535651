/*
 * thread.c - threads by the server's word, else by message ids.
 */
#include "thread.h"

#include <string.h>

#include "changes.h"

static struct dbkey
hash_key(uint32_t account, struct hash16 h)
{
	return KEY(msgid, .account = account, .msgid = HASH(h));
}

static struct dbkey
msgid_key(uint32_t account, struct slice id)
{
	return hash_key(account, db_hash16(id));
}

static struct dbkey
server_key(uint32_t account, struct slice threadid, uint64_t gm_thrid)
{
	uint8_t gm[9] = "g";
	struct hash16 h;

	if (gm_thrid != 0) {
		memcpy(gm + 1, &gm_thrid, sizeof(gm_thrid));	/* a key of this machine only */
		threadid = slice_mem(gm, sizeof(gm));
	}
	h = db_hash16(threadid);
	return KEY(threadid, .account = account, .threadid = HASH(h));
}

static bool
alive(uint32_t account, uint64_t thread)
{
	return thread != 0 &&
	    table_any(T_threademail, PREFIX(threademail, 2, .account = account, .thread = thread));
}

/* The ids of one header, each looked for once. */
#define HEADER_IDS (8 + 2 * LIM_REFERENCES)	/* as many as rec header holds */
struct known {
	struct slice id;
	struct hash16 hash;
	uint64_t thread;	/* a living one that it leads to, or 0 */
};
static struct known ids[HEADER_IDS];
static size_t nids;

static bool
known_alive(uint32_t account, uint64_t thread)
{
	for (size_t i = 0; i < nids; i++)
		if (ids[i].thread == thread)
			return true;
	return alive(account, thread);
}

/* Where an id leads to; 0: to no living thread. */
static uint64_t
led_by(uint32_t account, struct slice id)
{
	struct known *k;

	for (size_t i = nids; i-- > 0;)
		if (slice_eq(ids[i].id, id))
			return ids[i].thread;
	if (nids == HEADER_IDS)
		return 0;
	k = &ids[nids];
	*k = (struct known){ .id = id, .hash = db_hash16(id) };
	k->thread = table_get_u64(T_msgid, hash_key(account, k->hash));
	if (k->thread != 0 && !known_alive(account, k->thread))
		k->thread = 0;
	nids++;
	return k->thread;
}

/* The thread that the last of these ids leads to: References end with the
 * direct parent. */
static uint64_t
by_list(uint32_t account, struct slice list)
{
	uint64_t found = 0, thread;
	struct slice id;

	while (list_next(&list, &id))
		if ((thread = led_by(account, id)) != 0)
			found = thread;
	return found;
}

static uint64_t
by_header(uint32_t account, const struct rec_header *h)
{
	uint64_t parent, earlier, own;

	nids = 0;
	parent = by_list(account, h->in_reply_to);
	earlier = by_list(account, h->references);
	own = by_list(account, h->message_id);
	return parent != 0 ? parent : earlier != 0 ? earlier : own;
}

/* Remember the ids, so that a parent that comes later joins its children. An
 * id that leads to another living thread is left alone. */
static void
remember(uint32_t account, uint64_t thread)
{
	for (size_t i = 0; i < nids; i++)
		if (ids[i].thread == 0)
			table_put_u64(T_msgid, hash_key(account, ids[i].hash), thread);
}

static uint64_t
by_server(uint32_t account, struct dbkey k)
{
	uint64_t thread = table_get_u64(T_threadid, k);

	return thread != 0 && alive(account, thread) ? thread : 0;
}

uint64_t
thread_find(uint32_t account, const struct rec_header *h, struct slice threadid, uint64_t gm_thrid)
{
	bool server = threadid.n > 0 || gm_thrid != 0;
	struct dbkey k = { .n = 0 };
	uint64_t told = 0, thread = by_header(account, h);

	if (server) {
		k = server_key(account, threadid, gm_thrid);
		told = by_server(account, k);
	}
	if (told != 0)
		thread = told;
	if (thread == 0)
		thread = store_next_id();
	if (server && thread != told)
		table_put_u64_at(T_threadid, &k, thread);
	remember(account, thread);
	return thread;
}

static struct dbkey
row_key(uint32_t account, uint64_t thread, uint64_t received_at, uint64_t email)
{
	return KEY(threademail, .account = account, .thread = thread, .received_at = received_at, .email = email);
}

void
thread_add(uint32_t account, uint64_t thread, uint64_t received_at, uint64_t email, bool made_for_it)
{
	table_put_empty(T_threademail, row_key(account, thread, received_at, email));
	changes_record(account, OBJ_THREAD, thread, made_for_it ? BORN : UPDATED);
}

void
thread_remove(uint32_t account, uint64_t thread, uint64_t received_at, uint64_t email)
{
	if (!table_del(T_threademail, row_key(account, thread, received_at, email)))
		return;
	changes_record(account, OBJ_THREAD, thread, alive(account, thread) ? UPDATED : DESTROYED);
}

static void
forget(uint32_t account, struct slice list, uint64_t thread)
{
	struct slice id;

	while (list_next(&list, &id))
		if (table_get_u64(T_msgid, msgid_key(account, id)) == thread)
			(void)table_del(T_msgid, msgid_key(account, id));
}

void
thread_forget(uint32_t account, uint64_t thread, const struct rec_header *h)
{
	if (alive(account, thread))
		return;
	forget(account, h->message_id, thread);
	forget(account, h->in_reply_to, thread);
	forget(account, h->references, thread);
}

size_t
thread_emails(uint32_t account, uint64_t thread, struct wbuf *out)
{
	struct key_threademail k;
	struct slice key;
	struct scan s;
	size_t n = 0;

	scan_prefix(&s, T_threademail, PREFIX(threademail, 2, .account = account, .thread = thread), false);
	while (n < LIM_IDS && scan_next(&s, &key, NULL))
		if (key_threademail_read(key, &k) == 0) {
			ids_add(out, k.email);
			n++;
		}
	scan_end(&s);
	return n;
}
