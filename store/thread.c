/*
 * thread.c - threads by the server's word, else by message ids.
 */
#include "thread.h"

#include <string.h>

#include "changes.h"

static struct dbkey
msgid_key(uint32_t account, struct slice id)
{
	struct hash16 h = db_hash16(id);

	return KEY(msgid, .account = account, .msgid = HASH(h));
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
	struct scan s;
	struct slice key;
	bool found;

	scan_prefix(&s, T_threademail, PREFIX(threademail, 2, .account = account, .thread = thread), false);
	found = thread != 0 && scan_next(&s, &key, NULL);
	scan_end(&s);
	return found;
}

/* The thread that the last of these ids leads to: References end with the
 * direct parent. */
static uint64_t
by_list(uint32_t account, struct slice list)
{
	uint64_t thread, found = 0;
	struct slice id;

	while (list_next(&list, &id)) {
		thread = table_get_u64(T_msgid, msgid_key(account, id));
		if (thread != 0 && thread != found && alive(account, thread))
			found = thread;
	}
	return found;
}

static uint64_t
by_header(uint32_t account, const struct rec_header *h)
{
	uint64_t thread = by_list(account, h->in_reply_to);

	if (thread == 0)
		thread = by_list(account, h->references);
	if (thread == 0)
		thread = by_list(account, h->message_id);
	return thread;
}

/* Remember the ids, so that a parent that comes later joins its children. An
 * id that leads to another living thread is left alone. */
static void
remember(uint32_t account, struct slice list, uint64_t thread)
{
	struct slice id;

	while (list_next(&list, &id)) {
		struct dbkey k = msgid_key(account, id);
		uint64_t now = table_get_u64(T_msgid, k);

		if (now != thread && !alive(account, now))
			table_put_u64(T_msgid, k, thread);
	}
}

uint64_t
thread_find(uint32_t account, const struct rec_header *h, struct slice threadid, uint64_t gm_thrid)
{
	bool server = threadid.n > 0 || gm_thrid != 0;
	struct dbkey k = server_key(account, threadid, gm_thrid);
	uint64_t thread = server ? table_get_u64(T_threadid, k) : 0;

	if (thread != 0 && !alive(account, thread))
		thread = 0;
	if (thread == 0)
		thread = by_header(account, h);
	if (thread == 0)
		thread = store_next_id();
	if (server)
		table_put_u64(T_threadid, k, thread);
	remember(account, h->message_id, thread);
	remember(account, h->in_reply_to, thread);
	remember(account, h->references, thread);
	return thread;
}

static struct dbkey
row_key(uint32_t account, uint64_t thread, uint64_t received_at, uint64_t email)
{
	return KEY(threademail, .account = account, .thread = thread, .received_at = received_at, .email = email);
}

void
thread_add(uint32_t account, uint64_t thread, uint64_t received_at, uint64_t email)
{
	table_put_empty(T_threademail, row_key(account, thread, received_at, email));
	changes_record(account, OBJ_THREAD, thread, UPDATED);	/* the first one is its birth */
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
