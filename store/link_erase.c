/*
 * link_erase.c - unlinking. The link, its credentials and its place in the
 * change log go in the turn of the request; its mail follows in slices, under a
 * row that survives a restart. Nothing serves an account whose link is gone.
 */
#include "changes.h"
#include "db_work.h"
#include "link_unit.h"
#include "log.h"
#include "note.h"
#include "review.h"
#include "table_index.h"

enum { ERASE_NOTES = 1, ERASE_KEEP_NOTES = 2 };

void
link_erase_start(void)
{
	static struct db_work work = { .slice = link_erase_slice };

	db_work_start(&work);
}

/* Queued mail of the account: the table is by time, and short. */
static void
erase_due(uint32_t no)
{
	struct key_due k;
	struct slice key;
	struct scan s;

	scan_range(&s, T_due, PREFIX(due, 0, .at = 0), PREFIX(due, 0, .at = 0), false);
	while (scan_next(&s, &key, NULL))
		if (key_due_read(key, &k) == 0 && k.account == no)
			table_del(T_due, KEY(due, .at = k.at, .account = k.account, .id = k.id));
	scan_end(&s);
}

static size_t
erase_log(uint32_t no, size_t max)
{
	static const enum table tables[] = { T_change, T_changed, T_created, T_state, T_floor, T_modseq };
	struct dbkey prefix = KEY(modseq, .account = no);	/* each begins with the account */
	size_t n = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && n < max; i++)
		n += table_del_prefix(tables[i], prefix, max - n);
	return n;
}

static size_t
erase_mail(uint32_t no, size_t max)
{
	struct dbkey prefix = KEY(modseq, .account = no);
	size_t n = 0;

	for (unsigned int t = 0; t < T__COUNT && n < max; t++)
		if (table_is_account(t))
			n += table_del_prefix(t, prefix, max - n);
	return n;
}

/* At most max rows; fewer: all is gone. Notes first: what they were filed by
 * is read from the mail. */
static size_t
erase(uint32_t no, bool keep_notes, size_t max)
{
	size_t n = keep_notes ? 0 : note_destroy_account(no, max);

	if (n < max)
		n += review_destroy_account(no, max - n);
	if (n < max) {
		erase_due(no);
		n += erase_mail(no, max - n);
	}
	if (n < max)
		n += erase_log(no, max - n);
	if (n < max && !keep_notes)
		n += table_del_prefix(T_notemail, PREFIX(notemail, 1, .account = no), max - n);
	return n;
}

void
link_destroy(uint32_t no, bool keep_notes)
{
	char canonical[LIM_ADDRESS + 1];
	struct row_link row;
	size_t n;

	if (!row_link_get(&row, KEY(link, .no = no)))
		return;
	link_unit_stop(no);
	n = address_canonical(row.rec.address, canonical);
	row_link_free(&row);
	if (link_of_address(slice_mem(canonical, n)) == no)
		table_del(T_linkaddr, KEY(linkaddr, .address = slice_mem(canonical, n)));
	table_del(T_link, KEY(link, .no = no));
	link_credential_put(no, SERVICE_IMAP, SLICE_NONE);
	link_credential_put(no, SERVICE_SMTP, SLICE_NONE);
	changes_record(ACCOUNT_ATS, OBJ_LINK, no, DESTROYED);
	table_put_u64(T_erase, KEY(erase, .account = no), keep_notes ? ERASE_KEEP_NOTES : ERASE_NOTES);
	/* An ordinary mailbox is gone with the answer, a large one soon after. */
	(void)erase(no, keep_notes, LIM_ERASE_ROWS);
	link_erase_start();
	log_info("link removed link=%u", no);
}

bool
link_erase_slice(void)
{
	struct key_erase k;
	struct slice key;
	struct scan s;
	bool found;
	uint64_t how;

	scan_range(&s, T_erase, PREFIX(erase, 0, .account = 0), PREFIX(erase, 0, .account = 0), false);
	found = scan_next(&s, &key, NULL) && key_erase_read(key, &k) == 0;
	scan_end(&s);
	if (!found)
		return false;
	how = table_get_u64(T_erase, KEY(erase, .account = k.account));
	if (erase(k.account, how == ERASE_KEEP_NOTES, LIM_DB_SLICE) < LIM_DB_SLICE) {
		table_del(T_erase, KEY(erase, .account = k.account));
		link_run_forget(k.account);
		log_info("link erased link=%u", k.account);
	}
	return true;
}
