/*
 * quota.c - the size of the content tables as LMDB keeps it, and one counter.
 */
#include "quota.h"

#include <lmdb.h>

#include "db_env.h"
#include "log.h"

static uint64_t
table_bytes(enum table t)
{
	MDB_txn *txn = db_txn();
	MDB_stat st;

	if (txn == NULL || mdb_stat(txn, db_env.dbi[t], &st) != 0)
		return 0;
	return (uint64_t)(st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) * st.ms_psize;
}

bool
quota_room(size_t n)
{
	static bool was_full;
	uint64_t most = (uint64_t)store.max_storage << 20, used;
	bool full;

	if (most == 0)
		return true;
	used = table_bytes(T_blobrow) + table_bytes(T_email_text);
	full = used + n > most;
	/* A large upload that finds no room is no news when smaller ones do. */
	if (full != was_full && (!full || used >= most)) {
		was_full = full;
		if (full)
			log_warn("max-storage is reached used=%llu mib=%u: contents are not fetched",
			    (unsigned long long)used, store.max_storage);
		else
			log_info("there is room below max-storage again used=%llu mib=%u", (unsigned long long)used,
			    store.max_storage);
	}
	return !full;
}

bool
quota_submission(uint64_t now)
{
	static uint64_t since;
	static uint32_t count;

	if (count == 0 || now - since >= LIM_SUBMISSION_WINDOW_SECONDS) {
		since = now;
		count = 0;
	}
	if (store.max_submissions != 0 && count >= store.max_submissions)
		return false;
	count++;
	return true;
}
