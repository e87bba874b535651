/*
 * check-store DIR - is this database of a store whole? For tests only: it runs
 * as nobody else, with no wall around it, on a copy that no store has open.
 *
 * Says each problem on stderr and exits 1 when there was one. On stdout one
 * line for each thing that an ATS may have been told of: what, account, id, and
 * for some what is worth comparing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sodium.h>

#include "blob.h"
#include "blob_pack.h"
#include "check.h"
#include "check_private.h"
#include "child.h"
#include "email_row.h"

static void
problem(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
}

static void
print_list_first(struct slice list)
{
	struct slice item;

	if (list_next(&list, &item))
		printf("\t%.*s", (int)item.n, (const char *)item.p);
	else
		printf("\t-");
}

static void
say_mail(void)
{
	struct slice key, v;
	struct key_email k;
	struct rec_email r;
	struct rec_header h;

	CHECK_EACH(email, k, key, v)
	{
		if (rec_email_decode(v, &r) == -1 || !email_visible(&r))
			continue;
		printf("email\t%u\t%llu\t%d", k.account, (unsigned long long)k.id, r.content_state);
		print_list_first(rec_header_decode(r.header, &h) == 0 ? h.message_id : SLICE_NONE);
		printf("\t%.*s\n", (int)r.keywords.n, (const char *)r.keywords.p);
	}
}

static void
say_blobs(void)
{
	struct slice key, v;
	struct key_blob k;
	struct blob_info info;

	CHECK_EACH(blob, k, key, v)
		if (blob_stat(k.account, k.id, &info))
			printf("blob\t%u\t%llu\t%llu\n", k.account, (unsigned long long)k.id, (unsigned long long)info.size);
}

static void
say_rest(void)
{
	struct slice key, v;
	struct key_submission s;
	struct key_correspondent c;
	struct key_note n;
	struct key_state st;
	struct rec_submission r;
	struct rec_note note;

	CHECK_EACH(submission, s, key, v)
		if (rec_submission_decode(v, &r) == 0)
			printf("submission\t%u\t%llu\t%d\t%.*s\n", s.account, (unsigned long long)s.id, r.state,
			    (int)r.idempotency_key.n, (const char *)r.idempotency_key.p);
	CHECK_EACH(correspondent, c, key, v)
		printf("correspondent\t0\t%llu\n", (unsigned long long)c.id);
	CHECK_EACH(note, n, key, v)
		if (rec_note_decode(v, &note) == 0)
			printf("note\t%u\t%llu\t%llu\n", note.account, (unsigned long long)n.id,
			    (unsigned long long)note.email);
	CHECK_EACH(state, st, key, v)
		printf("state\t%u\t%u\t%llu\n", st.account, st.type, (unsigned long long)check_u64(v));
}

int
main(int argc, char **argv)
{
	size_t n;

	if (argc != 2 || sodium_init() == -1) {
		fprintf(stderr, "usage: check-store directory\n");
		return 2;
	}
	child.role = ROLE_STORE;
	blob_pack_init();
	if (db_open(argv[1]) == -1)
		return 1;
	n = store_check(problem, NULL);
	say_mail();
	say_blobs();
	say_rest();
	db_close();
	fprintf(stderr, n == 0 ? "whole\n" : "%zu problems\n", n);
	return n == 0 ? 0 : 1;
}
