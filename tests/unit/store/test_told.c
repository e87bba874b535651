/* What the audit log hears of a store: what was done, for whom, and nothing that was undone. */
#include "link_front.h"

static void
changes_are_audited(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	char line[400];
	uint32_t no;

	(void)state;
	audited[0] = '\0';
	asking_uid = 33;
	no = linked("rec@agency.example");
	snprintf(line, sizeof(line), "\nlink.made by=ats-worker uid=33 link=%u address=rec@agency.example "
	    "imap=imap.example.org:993:tls smtp=smtp.example.org:465:tls verified=no", no);
	assert_string_equal(audited, line);
	audited[0] = '\0';
	r.paused = true;
	r.smtp_host = slice_str("other.example.org");
	link_set(SET_UPDATE, no, &r, false, "seal2", NULL);
	vault_answers("");
	assert_int_equal(error_of_answer().n, 0);
	assert_non_null(strstr(audited, "link.changed by=ats-worker uid=33"));
	assert_non_null(strstr(audited, "what=credential,smtp,paused "));
	audited[0] = '\0';
	link_set(SET_UPDATE, no, &r, true, "seal3", NULL);
	vault_answers("store.secret_tampered");
	assert_non_null(strstr(audited, "link.refused by=ats-worker uid=33"));
	assert_non_null(strstr(audited, "action=update error=invalidProperties property=credential"));
	audited[0] = '\0';
	link_set(SET_DESTROY, no + 7, &r, false, NULL, NULL);
	assert_non_null(strstr(audited, "action=destroy error=notFound"));
	audited[0] = '\0';
	link_set(SET_DESTROY, no, &r, false, NULL, NULL);
	assert_non_null(strstr(audited, "link.removed by=ats-worker uid=33"));
	assert_non_null(strstr(audited, "address=rec@agency.example notes_kept=no"));
}

/* What a full disk undid was never done, and is not said to have been. */
static void
undone_changes_are_not(void **state)
{
	uint32_t no = linked("rec@agency.example");

	(void)state;
	audited[0] = '\0';
	send_link_set(ats.far, &(struct msg_link_set){ .req = 1, .id = no, .action = SET_DESTROY });
	chan_read(ats.near);
	db_fail("test");
	turn();
	assert_true(link_exists(no));
	assert_null(strstr(audited, "link.removed"));
}

static void
contents_are_counted(void **state)
{
	uint32_t no = linked("rec@agency.example");
	char line[200];

	(void)state;
	audited[0] = '\0';
	for (int i = 0; i < 20000; i++)
		told_rule(no);
	for (int i = 0; i < 5; i++)
		told_read(no, 33);
	told_read(no, 34);
	turn();
	assert_string_equal(audited, "");
	told_counts();
	turn();
	snprintf(line, sizeof(line), "\ncontent.rule link=%u rule=all count=20000 seconds=", no);
	assert_non_null(strstr(audited, line));
	snprintf(line, sizeof(line), "\ncontent.read link=%u uid=33 count=5 seconds=", no);
	assert_non_null(strstr(audited, line));
	snprintf(line, sizeof(line), "\ncontent.read link=%u uid=34 count=1 seconds=", no);
	assert_non_null(strstr(audited, line));
	audited[0] = '\0';
	told_counts();
	turn();
	assert_string_equal(audited, "");
}

/* limit: LIM_AUDIT_COUNTED */
static void
counts_are_bounded(void **state)
{
	size_t n = 0;

	(void)state;
	audited[0] = '\0';
	for (uint32_t i = 1; i <= LIM_AUDIT_COUNTED; i++)
		told_read(i, 33);
	turn();
	assert_string_equal(audited, "");
	told_read(LIM_AUDIT_COUNTED + 1, 33);
	for (int i = 0; i < LIM_AUDIT_COUNTED / LIM_CHAN_TURN + 2; i++)
		turn();
	for (const char *p = audited; (p = strstr(p, "content.read")) != NULL; p++)
		n++;
	assert_int_equal(n, LIM_AUDIT_COUNTED);
	told_counts();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = { T(changes_are_audited), T(undone_changes_are_not), T(contents_are_counted),
		T(counts_are_bounded) };

	return cmocka_run_group_tests_name("store told", tests, NULL, NULL);
}
