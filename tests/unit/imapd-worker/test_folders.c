/*
 * Names of mailboxes and the choice of folders; dates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "enums.h"
#include "folders.h"
#include "imap_date.h"
#include "messages.h"
#include "utf7.h"

static const struct {
	const char *utf7, *utf8;
} pairs[] = {
	{ "INBOX", "INBOX" },
	{ "Entw&APw-rfe", "Entwürfe" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語" },
	{ "A &- B", "A & B" },
	{ "&2D3eAA-", "😀" },
	{ "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", "Отправленные" },
	{ "&AOk-&-&AOg-", "é&è" },
};

static void
utf7_both_ways(void **state)
{
	struct wbuf w;
	size_t i;

	(void)state;
	wbuf_init(&w, 1000);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		wbuf_reset(&w);
		assert_int_equal(utf7_decode(slice_str(pairs[i].utf7), &w), 0);
		assert_true(slice_eq_str(wbuf_slice(&w), pairs[i].utf8));
		wbuf_reset(&w);
		assert_int_equal(utf7_encode(slice_str(pairs[i].utf8), &w), 0);
		assert_true(slice_eq_str(wbuf_slice(&w), pairs[i].utf7));
	}
	wbuf_free(&w);
}

static void
utf7_refuses(void **state)
{
	static const char *const bad[] = { "&", "&AOk", "&A", "&*-", "\xc3\xa9", "&2D0-", "&3gA-", "&AAA-", "&AOkA-",
		"&AOl-", "a\x01" };
	static const char *const not_utf8[] = { "\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf", "a\nb" };
	struct wbuf w;
	size_t i;

	(void)state;
	wbuf_init(&w, 1000);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wbuf_reset(&w);
		if (utf7_decode(slice_str(bad[i]), &w) != -1)
			fail_msg("decoded %s", bad[i]);
	}
	for (i = 0; i < sizeof(not_utf8) / sizeof(not_utf8[0]); i++) {
		wbuf_reset(&w);
		assert_int_equal(utf7_encode(slice_str(not_utf8[i]), &w), -1);
	}
	wbuf_free(&w);
}

static void
add(struct folders *fs, const char *name, char separator, enum mailbox_role role, uint32_t attributes)
{
	struct imap_list l = { .attributes = attributes, .role = (uint8_t)role, .separator = (uint8_t)separator,
		.name = slice_str(name) };

	folders_add(fs, &l);
}

static void
special_use_wins(void **state)
{
	struct folders fs = { 0 };
	struct msg_sync_config c = { .first = 1 };

	(void)state;
	add(&fs, "inbox", '/', MBOX_NONE, 0);
	add(&fs, "Sent", '/', MBOX_NONE, 0);
	add(&fs, "[Gmail]", '/', MBOX_NONE, LIST_NOSELECT);
	add(&fs, "[Gmail]/Gesendet", '/', MBOX_SENT, 0);
	add(&fs, "[Gmail]/Alle", '/', MBOX_ALL, 0);
	folders_choose(&fs, &c);
	assert_string_equal(folders_role(&fs, MBOX_SENT)->raw_name, "[Gmail]/Gesendet");
	assert_string_equal(folders_role(&fs, MBOX_SENT)->name, "Gesendet");
	assert_true(folders_by_name(&fs, slice_str("INBOX"))->synced);
	assert_false(folders_by_name(&fs, slice_str("Sent"))->synced);
	c.all_folders = true;
	folders_choose(&fs, &c);
	assert_true(folders_by_name(&fs, slice_str("Sent"))->synced);
	assert_false(folders_by_name(&fs, slice_str("[Gmail]/Alle"))->synced);
	assert_false(folders_by_name(&fs, slice_str("[Gmail]"))->synced);
	folders_free(&fs);
}

/* Two labels of one last part, and no parents in the list. */
static void
orphans_keep_their_path(void **state)
{
	struct folders fs = { 0 };
	struct msg_sync_config c = { .first = 1 };
	struct wbuf also;

	(void)state;
	add(&fs, "INBOX", '/', MBOX_NONE, 0);
	add(&fs, "A/X", '/', MBOX_NONE, 0);
	add(&fs, "B/K&APY-ln", '/', MBOX_NONE, 0);
	add(&fs, "C", '/', MBOX_NONE, 0);
	add(&fs, "C/X", '/', MBOX_NONE, 0);
	add(&fs, "C/D/E/X", '/', MBOX_NONE, 0);
	add(&fs, "/X", '/', MBOX_NONE, 0);
	add(&fs, "X/", '/', MBOX_NONE, 0);
	wbuf_init(&also, 0);
	list_add(&also, slice_str("Köln"));	/* as people read it */
	c.also = wbuf_slice(&also);
	folders_choose(&fs, &c);
	wbuf_free(&also);
	assert_string_equal(folders_by_name(&fs, slice_str("A/X"))->name, "A/X");
	assert_string_equal(folders_by_name(&fs, slice_str("B/K&APY-ln"))->name, "B/Köln");
	assert_string_equal(folders_by_name(&fs, slice_str("C/X"))->name, "X");
	assert_string_equal(folders_by_name(&fs, slice_str("C/D/E/X"))->name, "D/E/X");
	assert_string_equal(folders_by_name(&fs, slice_str("/X"))->name, "/X");
	assert_true(folders_by_name(&fs, slice_str("B/K&APY-ln"))->synced);
	folders_free(&fs);
}

static void
names_decide(void **state)
{
	struct folders fs = { 0 };
	struct msg_sync_config c = { .first = 1 };

	(void)state;
	add(&fs, "INBOX", '.', MBOX_NONE, 0);
	add(&fs, "INBOX.Archive.Sent", '.', MBOX_NONE, 0);
	add(&fs, "INBOX.sent items", '.', MBOX_NONE, 0);
	add(&fs, "INBOX.&AMk-l&AOk-ments envoy&AOk-s", '.', MBOX_NONE, 0);
	add(&fs, "INBOX.Entw&APw-rfe", '.', MBOX_NONE, 0);
	folders_choose(&fs, &c);
	assert_string_equal(folders_role(&fs, MBOX_SENT)->raw_name, "INBOX.sent items");
	assert_string_equal(folders_role(&fs, MBOX_DRAFTS)->name, "Entwürfe");
	folders_free(&fs);
}

static void
configured_names(void **state)
{
	struct folders fs = { 0 };
	struct msg_sync_config c = { .first = 1, .sent = slice_str("Entwürfe") };
	struct wbuf also;

	(void)state;
	wbuf_init(&also, 0);
	list_add(&also, slice_str("Bewerbungen"));
	c.also = wbuf_slice(&also);
	add(&fs, "Sent", 0, MBOX_SENT, 0);
	add(&fs, "Entw&APw-rfe", 0, MBOX_NONE, 0);
	add(&fs, "Bewerbungen", 0, MBOX_NONE, 0);
	add(&fs, "Sent", 0, MBOX_SENT, 0);
	add(&fs, "bad\rname", 0, MBOX_NONE, 0);
	folders_choose(&fs, &c);
	assert_int_equal(fs.n, 4);	/* and INBOX, which no server may lack */
	assert_true(folders_role(&fs, MBOX_INBOX)->synced);
	assert_string_equal(folders_role(&fs, MBOX_SENT)->name, "Entwürfe");
	assert_true(folders_by_name(&fs, slice_str("Bewerbungen"))->synced);
	assert_false(folders_by_name(&fs, slice_str("Sent"))->synced);
	wbuf_free(&also);
	folders_free(&fs);
}

/* limit: LIM_IMAP_FOLDERS: however long the list, inbox and roles find room. */
static void
endless_list(void **state)
{
	struct folders fs = { 0 };
	char name[32];

	(void)state;
	for (unsigned int i = 0; i < LIM_IMAP_FOLDERS + 10; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		add(&fs, name, '/', MBOX_NONE, 0);
	}
	assert_true(fs.n < LIM_IMAP_FOLDERS);
	assert_int_equal(fs.n + fs.left_out, LIM_IMAP_FOLDERS + 10);
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		add(&fs, name, '/', MBOX_SENT, 0);
	}
	assert_int_equal(fs.n, LIM_IMAP_FOLDERS - 1);
	add(&fs, "INBOX", '/', MBOX_NONE, 0);
	assert_int_equal(fs.n, LIM_IMAP_FOLDERS);
	assert_non_null(folders_by_name(&fs, slice_str("inbox")));
	assert_non_null(folders_by_name(&fs, slice_str("s0")));
	folders_free(&fs);
}

static void
dates(void **state)
{
	static const char *const bad[] = { "", "17-Jul-1996", "32-Jul-1996 02:44:25 -0700", "17-Foo-1996 02:44:25 -0700",
		"17-Jul-1996 25:44:25 -0700", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 -0700x", "0-Jul-1996 02:44:25 +0000" };
	char text[IMAP_DATE_LEN];
	uint64_t t, days;
	size_t i;

	(void)state;
	assert_int_equal(imap_date_parse(slice_str("17-Jul-1996 02:44:25 -0700"), &t), 0);
	assert_true(t == 837596665);
	assert_int_equal(imap_date_parse(slice_str(" 1-jan-1970 00:00:00 +0000"), &t), 0);
	assert_true(t == 0);
	assert_int_equal(imap_date_parse(slice_str("1-Jan-1960 00:00:00 +0000"), &t), 0);
	assert_true(t == 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(imap_date_parse(slice_str(bad[i]), &t), -1);
	for (days = 0; days < 40000; days += 13) {
		imap_date_format(days * 86400 + 3723, text);
		assert_int_equal(imap_date_parse(slice_str(text), &t), 0);
		assert_true(t == days * 86400 + 3723);
	}
	imap_date_day(951782400, text);
	assert_string_equal(text, "29-Feb-2000");
	imap_date_format(UINT64_MAX, text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf7_both_ways),
		cmocka_unit_test(utf7_refuses),
		cmocka_unit_test(special_use_wins),
		cmocka_unit_test(orphans_keep_their_path),
		cmocka_unit_test(names_decide),
		cmocka_unit_test(configured_names),
		cmocka_unit_test(endless_list),
		cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
