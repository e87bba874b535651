/*
 * A database edited by hand: rows of any table with any key and any value,
 * then everything that a start and an ordinary day read. A row that is wrong
 * is skipped or refused; the store goes on.
 *
 * A row of the input: u8 table, u8 how its key is given (0: raw bytes), the
 * key's parts, the value.
 */
#include "world.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define K_U8(n) v.n = (uint8_t)feed_number(f, 1);
#define K_U32(n) v.n = (uint32_t)feed_number(f, 4);
#define K_U64(n) v.n = feed_number(f, 8);
#define K_STR(n) v.n = feed_str(f, LIM_ADDRESS);
#define K_HASH(n, size) v.n = feed_fill(size, feed_byte(f));
static struct dbkey
whole_key(enum table t, struct feed *f)
{
	switch (t) {
#define TABLE(name, scope, keys)                                                                                       \
	case T_##name: {                                                                                               \
		struct key_##name v;                                                                                   \
		keys return key_##name(&v, 16);                                                                        \
	}
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW
	case T__COUNT:
		break;
	}
	return (struct dbkey){ .bad = true };
}

/* What the readers of keys make of any bytes. */
static void
read_key(enum table t, struct slice s)
{
	switch (t) {
#define TABLE(name, scope, keys)                                                                                       \
	case T_##name: {                                                                                               \
		struct key_##name v;                                                                                   \
		if (key_##name##_read(s, &v) == 0) {                                                                   \
			struct dbkey k = key_##name(&v, 16);                                                           \
			feed_check(!k.bad && slice_eq(slice_mem(k.p, k.n), s));                                        \
		}                                                                                                      \
		break;                                                                                                 \
	}
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW
	case T__COUNT:
		break;
	}
}

static struct dbkey
raw_key(struct feed *f)
{
	struct slice s = feed_bytes(f, DBKEY_MAX);
	struct dbkey k = { .n = (uint16_t)s.n };

	if (s.n > 0)
		memcpy(k.p, s.p, s.n);
	return k;
}

/* The reader of whole databases must itself bear with any row. */
static void
on_problem(void *ctx, const char *text)
{
	*(size_t *)ctx += strlen(text);
}

static void
edit(struct feed *f)
{
	enum table t = feed_byte(f) % T__COUNT;
	bool whole = feed_byte(f) != 0;
	struct dbkey k = whole ? whole_key(t, f) : raw_key(f);

	if (k.bad || k.n == 0)
		return;
	read_key(t, slice_mem(k.p, k.n));
	table_put(t, k, feed_bytes(f, 1024 * 1024));
}

static void
ask(uint32_t account, uint8_t type, uint32_t req)
{
	struct rec_filter filter = { .text = slice_str("x"), .from = slice_str("c@x.example") };
	struct wbuf w = { .max = 8192 };
	struct msg_query q = { .req = req, .account = account, .type = type, .limit = 100, .total = true };
	uint8_t ids[80];

	for (size_t i = 0; i < sizeof(ids); i++)
		ids[i] = i % 8 == 0 ? (uint8_t)(i / 8) : 0;
	(void)send_get(ends[END_ATS], &(struct msg_get){ .req = req, .account = account, .type = type, .all = true });
	(void)send_get(ends[END_ATS],
	    &(struct msg_get){ .req = req + 1, .account = account, .type = type, .parts = GET_EMAIL_PARTS,
		.ids = slice_mem(ids, sizeof(ids)) });
	(void)send_changes(ends[END_ATS],
	    &(struct msg_changes){ .req = req + 2, .account = account, .type = type, .epoch = store.epoch, .max = 50 });
	(void)send_query(ends[END_ATS], &q);
	if (type == OBJ_EMAIL || type == OBJ_NOTE) {
		rec_filter_encode(&w, &filter);
		q.filter = wbuf_slice(&w);
		(void)send_query(ends[END_ATS], &q);
	}
	wbuf_free(&w);
	world_turn();
}

/* Folders are listed anew, the journal is replayed, a message changes. */
static void
sync_a_link(uint32_t no)
{
	struct chan *c;

	world_wire(END_IMAP, no);
	world_wire(END_SMTP, no);
	c = ends[END_IMAP];
	(void)send_mailbox_found(c,
	    &(struct msg_mailbox_found){ .raw_name = slice_str("INBOX"), .name = slice_str("INBOX"),
		.role = MBOX_INBOX, .selectable = true, .synced = true });
	(void)send_mailbox_list_end(c, &(struct msg_mailbox_list_end){ .count = 1 });
	world_turns(2);
	for (uint32_t mailbox = 1; mailbox < 5; mailbox++) {
		(void)send_mailbox_open(c,
		    &(struct msg_mailbox_open){ .mailbox = mailbox, .uidvalidity = 7, .uidnext = 9, .modseq = 5 });
		(void)send_message_flags(c,
		    &(struct msg_message_flags){ .mailbox = mailbox, .uid = 3, .flags = slice_str("\\Seen") });
		(void)send_uids_present(c, &(struct msg_uids_present){ .mailbox = mailbox, .low = 1, .high = 9 });
		(void)send_mailbox_synced(c,
		    &(struct msg_mailbox_synced){ .mailbox = mailbox, .uidvalidity = 7, .uidnext = 9 });
	}
	world_turns(4);
}

static void
look_at_everything(void)
{
	for (uint32_t account = 0; account < 4; account++)
		for (uint8_t type = 1; type < OBJ__COUNT; type++)
			ask(account, type, account * 100 + type * 5);
	for (uint64_t id = 1; id < 6; id++)
		for (uint8_t kind = BLOB_RAW; kind <= BLOB_TEXT; kind++)
			(void)send_blob_get(ends[END_ATS],
			    &(struct msg_blob_get){ .req = 7, .account = 1, .kind = kind, .id = id, .part = slice_str("1") });
	world_turns(3);
	for (uint8_t service = SERVICE_IMAP; service <= SERVICE_SMTP; service++)
		(void)send_record_get(ends[END_VAULT], &(struct msg_record_get){ .ticket = 1, .unit = 1, .service = service });
	sync_a_link(1);
	for (uint64_t id = 1; id < 6; id++) {
		(void)send_email_update(ends[END_ATS],
		    &(struct msg_email_update){ .req = 8, .account = 1, .id = id, .keywords_add = slice_str("$flagged") });
		(void)send_email_destroy(ends[END_ATS], &(struct msg_email_destroy){ .req = 9, .account = 1, .id = id });
		(void)send_note_destroy(ends[END_ATS], &(struct msg_note_destroy){ .req = 9, .id = id });
	}
	(void)send_link_set(ends[END_ATS], &(struct msg_link_set){ .req = 9, .id = 1, .action = SET_DESTROY });
	clock_skip(100000);
	world_turns(6);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);

	world_init();
	world_open(false);
	while (f.n > 0)
		edit(&f);
	world_turn();
	(void)store_check(on_problem, &(size_t){ 0 });
	world_start();
	world_wire(END_ATS, 0);
	world_wire(END_VAULT, 0);
	world_wire(END_MIME, 0);
	look_at_everything();
	world_end();
	return 0;
}
