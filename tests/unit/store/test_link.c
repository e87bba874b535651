/*
 * Links: uniqueness, what a request must bring, states, unlinking.
 */
#include "link_front.h"

static void
a_link_is_made_unseen(void **state)
{
	struct rec_link r = link_of("Rec@Agency.example");
	struct msg_seal_open q;
	struct row_link row;
	union msg m;

	(void)state;
	link_set(SET_CREATE, 0, &r, false, "seal", NULL);
	q = vault_answers("");
	assert_int_equal(list_count(q.endpoints), 2);
	assert_true(slice_eq_str(q.address, "Rec@Agency.example"));
	assert_int_equal(q.generation, 1);
	assert_int_equal(error_of_answer().n, 0);
	assert_int_equal(answer.set_done.id, q.link);
	assert_true(row_link_get(&row, KEY(link, .no = q.link)));
	assert_int_equal(row.rec.state, LINK_CONNECTING);
	assert_int_not_equal(row.rec.linked_at, 0);
	row_link_free(&row);
	assert_true(slice_eq_str(link_credential(q.link, SERVICE_SMTP), "R:seal"));
	told_next(&master, MSG_unit_run, &m);
	assert_int_equal(m.unit_run.unit, q.link);
	told_next(&master, MSG_worker_start, &m);
	assert_true(m.worker_start.role == ROLE_IMAP && m.worker_start.keep);
	assert_int_equal(link_of_address(slice_str("rec@agency.example")), q.link);
}

static void
addresses_are_unique(void **state)
{
	struct rec_link r = link_of(" REC@agency.EXAMPLE");

	(void)state;
	linked("rec@agency.example");
	r.imap_user = r.smtp_user = slice_str("rec");
	link_set(SET_CREATE, 0, &r, false, "seal", NULL);
	assert_true(slice_eq_str(error_of_answer(), "addressInUse"));
	/* two at the same time: the second finds it taken when it commits */
	r = link_of("new@agency.example");
	link_set(SET_CREATE, 0, &r, false, "a", NULL);
	link_set(SET_CREATE, 0, &r, false, "b", NULL);
	vault_answers("");
	vault_answers("");
	assert_int_equal(error_of_answer().n, 0);
	assert_true(slice_eq_str(error_of_answer(), "addressInUse"));
}

static void
assert_refused(const struct rec_link *r, const char *seal, const char *smtp_seal, const char *error, const char *property)
{
	link_set(SET_CREATE, 0, r, true, seal, smtp_seal);
	assert_true(slice_eq_str(error_of_answer(), error));
	assert_true(slice_eq_str(answer.set_done.property, property));
}

static void
bad_links_are_refused(void **state)
{
	struct rec_link good = link_of("rec@agency.example"), r;

	(void)state;
	assert_refused(&good, NULL, NULL, "credentialRequired", "credential");
	r = good;
	r.smtp_user = slice_str("other");
	assert_refused(&r, "s", NULL, "credentialRequired", "smtpCredential");
	r = good;
	r.imap_host = slice_str("IMAP.example.org");
	assert_refused(&r, "s", NULL, "invalidProperties", "imap");
	r = good;
	r.imap_port = 0;
	assert_refused(&r, "s", NULL, "invalidProperties", "imap");
	r = good;
	r.smtp_security = SECURITY_NONE;
	assert_refused(&r, "s", NULL, "invalidProperties", "smtp");
	store.allow_none = true;
	assert_refused(&r, "s", NULL, "invalidProperties", "smtp");
	store.allow_none = false;
	r = good;
	r.mode = 0;
	assert_refused(&r, "s", NULL, "invalidProperties", "mode");
	r = good;
	r.address = slice_str("nobody");
	assert_refused(&r, "s", NULL, "invalidProperties", "address");
	store.max_links = 1;
	make_link("first@agency.example");
	assert_refused(&good, "s", NULL, "overQuota", "");
	store.max_links = 0;
	link_set(SET_UPDATE, 99, &good, true, NULL, NULL);
	assert_true(slice_eq_str(error_of_answer(), "notFound"));
	assert_int_equal(told_count(&vault, MSG_seal_open), 0);
}

static void
a_vault_that_refuses(void **state)
{
	struct rec_link r = link_of("rec@agency.example");

	(void)state;
	link_set(SET_CREATE, 0, &r, true, "seal", NULL);
	vault_answers("store.secret_tampered");
	assert_true(slice_eq_str(error_of_answer(), "invalidProperties"));
	assert_true(slice_eq_str(answer.set_done.property, "credential"));
	assert_int_equal(link_of_address(slice_str("rec@agency.example")), 0);
	link_set(SET_CREATE, 0, &r, true, "seal", NULL);
	probe_vault_gone();
	turn();
	assert_true(slice_eq_str(error_of_answer(), "serverFail"));
}

/* ---- updates ---- */
static void
what_an_update_needs(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	uint32_t no = linked("rec@agency.example");
	struct row_link row;

	(void)state;
	r.imap_host = slice_str("evil.example.net");
	link_set(SET_UPDATE, no, &r, false, NULL, NULL);
	assert_true(slice_eq_str(error_of_answer(), "credentialRequired"));
	r = link_of("rec@agency.example");
	r.smtp_port = 587;
	link_set(SET_UPDATE, no, &r, false, NULL, NULL);
	assert_true(slice_eq_str(error_of_answer(), "credentialRequired"));
	r = link_of("rec@agency.example");
	r.imap_user = slice_str("else");
	link_set(SET_UPDATE, no, &r, false, NULL, NULL);
	assert_true(slice_eq_str(error_of_answer(), "credentialRequired"));
	r = link_of("rec@agency.example");
	r.address = slice_str("else@agency.example");
	link_set(SET_UPDATE, no, &r, false, NULL, NULL);
	assert_true(slice_eq_str(error_of_answer(), "invalidProperties"));
	r = link_of("rec@agency.example");
	r.name = slice_str("New name");
	r.generation = 77;
	link_set(SET_UPDATE, no, &r, false, NULL, NULL);
	assert_int_equal(error_of_answer().n, 0);
	assert_true(row_link_get(&row, KEY(link, .no = no)));
	assert_true(slice_eq_str(row.rec.name, "New name"));
	assert_int_equal(row.rec.generation, 1);
	row_link_free(&row);
	r.first = 5;
	link_set(SET_UPDATE, no, &r, false, NULL, NULL);
	assert_int_equal(error_of_answer().n, 0);
	assert_int_equal(mail_calls.changed, 1);
}

static void
a_new_credential_is_a_new_generation(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	uint32_t no = linked("rec@agency.example");
	struct row_link row;

	(void)state;
	link_set_state(no, LINK_NEEDS_USER, "auth.rejected", SLICE_NONE);
	turn();
	assert_int_equal(mail_calls.stopped, 1);
	link_set_state(no, LINK_LIVE, "", SLICE_NONE);	/* late news */
	assert_link(no, LINK_NEEDS_USER, "auth.rejected");
	link_set(SET_UPDATE, no, &r, false, "seal2", NULL);
	assert_int_equal(vault_answers("").generation, 2);
	assert_int_equal(error_of_answer().n, 0);
	assert_link(no, LINK_CONNECTING, "");
	assert_true(row_link_get(&row, KEY(link, .no = no)));
	assert_int_equal(row.rec.generation, 2);
	row_link_free(&row);
	assert_true(slice_eq_str(link_credential(no, SERVICE_IMAP), "R:seal2"));
}

/* ---- records that the vault wraps anew ---- */
static void
assert_put(uint32_t no, enum service service, uint32_t generation, const char *was, const char *code)
{
	union msg m;

	send_record_put(vault.far, &(struct msg_record_put){ .req = 7, .unit = no, .generation = generation,
	    .service = (uint8_t)service, .was = slice_str(was), .data = slice_str("wrapped anew") });
	turn();
	told_next(&vault, MSG_record_put_done, &m);
	assert_int_equal(m.record_put_done.req, 7);
	assert_true(slice_eq_str(m.record_put_done.code, code));
}

static void
a_record_is_replaced_only_if_it_is_the_one_meant(void **state)
{
	uint32_t no = linked("rec@agency.example");

	(void)state;
	assert_put(no, SERVICE_IMAP, 1, "R:other", "api.conflict");
	assert_put(no, SERVICE_IMAP, 1, "", "api.conflict");
	assert_put(no, SERVICE_IMAP, 2, "R:seal", "api.conflict");
	assert_put(no + 1, SERVICE_IMAP, 1, "R:seal", "api.conflict");
	assert_true(slice_eq_str(link_credential(no, SERVICE_IMAP), "R:seal"));
	/* SMTP's is IMAP's as long as it has none of its own. */
	assert_put(no, SERVICE_SMTP, 1, "R:seal", "");
	assert_true(slice_eq_str(link_credential(no, SERVICE_IMAP), "wrapped anew"));
	assert_put(no, SERVICE_IMAP, 1, "R:seal", "api.conflict");
	link_credential_put(no, SERVICE_SMTP, slice_str("R:smtp"));
	assert_put(no, SERVICE_SMTP, 1, "R:smtp", "");
	assert_true(slice_eq_str(link_credential(no, SERVICE_SMTP), "wrapped anew"));
}

static void
a_full_disk_replaces_nothing(void **state)
{
	uint32_t no = linked("rec@agency.example");
	union msg m;

	(void)state;
	send_record_put(vault.far, &(struct msg_record_put){ .req = 8, .unit = no, .generation = 1,
	    .service = SERVICE_IMAP, .was = slice_str("R:seal"), .data = slice_str("wrapped anew") });
	db_fail("test");
	turn();
	told_next(&vault, MSG_record_put_done, &m);
	assert_true(slice_eq_str(m.record_put_done.code, "store.full"));
	assert_true(slice_eq_str(link_credential(no, SERVICE_IMAP), "R:seal"));
}

/* ---- states ---- */
static void
steps_lead_to_states(void **state)
{
	uint32_t no = linked("rec@agency.example");

	(void)state;
	link_step(no, SERVICE_IMAP, false, slice_str("net.refused"), slice_str("no"));
	assert_link(no, LINK_OFFLINE, "net.refused");
	link_step(no, SERVICE_IMAP, true, SLICE_NONE, SLICE_NONE);
	assert_link(no, LINK_SYNCING, "");
	link_step(no, SERVICE_SMTP, false, slice_str("net.timeout"), SLICE_NONE);
	assert_link(no, LINK_SYNCING, "");
	link_step(no, SERVICE_IMAP, false, slice_str("vault.locked"), SLICE_NONE);
	assert_link(no, LINK_OFFLINE, "vault.locked");
	link_step(no, SERVICE_IMAP, false, slice_str("auth.too_many_attempts"), SLICE_NONE);
	assert_link(no, LINK_OFFLINE, "auth.too_many_attempts");
	link_step(no, SERVICE_SMTP, false, slice_str("auth.rejected"), SLICE_NONE);
	assert_link(no, LINK_NEEDS_USER, "auth.rejected");
}

static void
pausing_and_going_on(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	uint32_t no = linked("rec@agency.example");
	union msg m;

	(void)state;
	r.paused = true;
	link_set(SET_UPDATE, no, &r, false, NULL, NULL);
	assert_int_equal(error_of_answer().n, 0);
	assert_link(no, LINK_PAUSED, "");
	told_next(&master, MSG_unit_stop, &m);
	link_set_state(no, LINK_LIVE, "", SLICE_NONE);
	assert_link(no, LINK_PAUSED, "");
	link_start_all();
	turn();
	assert_int_equal(told_count(&master, MSG_unit_run), 0);
	r.paused = false;
	link_set(SET_UPDATE, no, &r, false, NULL, NULL);
	assert_int_equal(error_of_answer().n, 0);
	assert_link(no, LINK_CONNECTING, "");
	told_next(&master, MSG_unit_run, &m);
}

static void
policies_have_defaults(void **state)
{
	struct link_policy p;
	uint32_t no = linked("rec@agency.example");

	(void)state;
	assert_int_equal(link_policy(no, &p), 0);
	assert_true(p.content == CONTENT_ALL && p.first == 100);
	assert_int_equal(link_policy(no + 1, &p), -1);
}

/* ---- unlinking ---- */
static size_t
rows_of_link(uint32_t no)
{
	size_t n = 0;

	for (unsigned int t = 0; t < T__COUNT; t++)
		if (table_is_account(t) || t == T_change || t == T_changed || t == T_created || t == T_state)
			n += rows_of(t, KEY(modseq, .account = no));
	return n;
}

static void
unlink_with(bool keep_notes, size_t notes_left)
{
	uint32_t no = linked("rec@agency.example"), other = linked("other@agency.example");

	make_person(PERSON_CANDIDATE, "cand@home.example");
	for (uint32_t i = 0; i < 200; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%u", i);
		note_match_stored(no, make_email(no, &(struct mail){ .from = "cand@home.example", .subject = "S",
					  .message_id = id, .received_at = i }), false);
		blob_put(no, slice_str("raw"), SLICE_NONE, 1, 0);
	}
	make_email(other, &(struct mail){ .from = "x@y.example", .subject = "S" });
	send_link_set(ats.far, &(struct msg_link_set){ .id = no, .action = SET_DESTROY, .keep_notes = keep_notes });
	turn();
	assert_int_equal(error_of_answer().n, 0);
	assert_false(link_exists(no));
	assert_int_equal(link_credential(no, SERVICE_IMAP).n, 0);
	link_erase_slice();
	front_reopen();		/* killed in between */
	link_erase_start();
	settle(30);
	assert_int_equal(rows_of_link(no), 0);
	assert_true(rows_of_link(other) > 0);
	assert_int_equal(rows_in(T_note), notes_left);
}

/* Over restarts and unlinking: whoever finds an old seal cannot link with it. */
static void
a_seal_is_good_once(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	uint32_t no = linked("rec@agency.example");

	(void)state;
	link_set(SET_DESTROY, no, &r, false, NULL, NULL);
	assert_int_equal(error_of_answer().n, 0);
	link_set(SET_CREATE, 0, &r, false, "seal", NULL);
	assert_true(slice_eq_str(error_of_answer(), "invalidProperties"));
	assert_true(slice_eq_str(answer.set_done.property, "credential"));
	assert_true(slice_eq_str(answer.set_done.description, "api.conflict"));
	assert_int_equal(told_count(&vault, MSG_seal_open), 0);
	link_set(SET_CREATE, 0, &r, false, "another", "seal");
	assert_true(slice_eq_str(error_of_answer(), "invalidProperties"));
	assert_true(slice_eq_str(answer.set_done.property, "smtpCredential"));
	/* Who was refused by the vault did not use it up. */
	link_set(SET_CREATE, 0, &r, false, "another", NULL);
	vault_answers("store.secret_tampered");
	assert_true(slice_eq_str(error_of_answer(), "invalidProperties"));
	link_set(SET_CREATE, 0, &r, false, "another", NULL);
	vault_answers("");
	assert_int_equal(error_of_answer().n, 0);
}

/* limit: LIM_SEALS_KEPT, from which the oldest goes */
static void
old_seals_go(void **state)
{
	struct hash32 first = seal_hash(slice_str("first")), second = seal_hash(slice_str("second"));

	(void)state;
	seal_note(&first);
	assert_true(seal_seen(slice_str("first")));
	table_put(T_sealorder, KEY(sealorder, .n = LIM_SEALS_KEPT - 1), HASH(second));
	table_put_u64(T_seal, KEY(seal, .digest = HASH(second)), LIM_SEALS_KEPT - 1);
	for (uint64_t i = 0; i < 2; i++) {
		struct hash32 h = seal_hash(slice_str(i == 0 ? "last" : "one more"));

		assert_true(seal_seen(slice_str("first")));
		seal_note(&h);
	}
	assert_false(seal_seen(slice_str("first")));
	assert_true(seal_seen(slice_str("second")) && seal_seen(slice_str("last")) && seal_seen(slice_str("one more")));
}

static void
unlinking_erases(void **state)
{
	(void)state;
	unlink_with(false, 0);
	assert_true(linked("rec@agency.example") > 2);	/* numbers are not used twice */
}

static void
unlinking_may_keep_notes(void **state)
{
	(void)state;
	unlink_with(true, 200);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(a_link_is_made_unseen),
		T(addresses_are_unique),
		T(bad_links_are_refused),
		T(a_vault_that_refuses),
		T(what_an_update_needs),
		T(a_new_credential_is_a_new_generation),
		T(a_record_is_replaced_only_if_it_is_the_one_meant),
		T(a_full_disk_replaces_nothing),
		T(steps_lead_to_states),
		T(pausing_and_going_on),
		T(policies_have_defaults),
		T(a_seal_is_good_once),
		T(old_seals_go),
		T(unlinking_erases),
		T(unlinking_may_keep_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
