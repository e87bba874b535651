/*
 * link_front.h - a link as the ATS asks for it, and a make-believe vault.
 */
#ifndef TEST_STORE_LINK_FRONT_H
#define TEST_STORE_LINK_FRONT_H

#include "front.h"
#include "seal_seen.h"

static inline struct rec_link
link_of(const char *address)
{
	return (struct rec_link){ .address = slice_str(address), .name = slice_str("Rec"), .mode = MODE_TWO_WAY,
		.imap_host = slice_str("imap.example.org"), .imap_port = 993, .imap_security = SECURITY_TLS,
		.imap_user = slice_str(address), .smtp_host = slice_str("smtp.example.org"), .smtp_port = 465,
		.smtp_security = SECURITY_TLS, .smtp_user = slice_str(address) };
}

/* Whose requests these are. */
static uint32_t asking_uid = 1000;

static inline void
link_set(enum set_action action, uint64_t id, const struct rec_link *r, bool verify, const char *seal,
    const char *smtp_seal)
{
	struct wbuf w = { 0 };

	rec_link_encode(&w, r);
	send_link_set(ats.far, &(struct msg_link_set){ .req = 1, .id = id, .action = (uint8_t)action,
				   .verify = verify, .uid = asking_uid, .record = wbuf_slice(&w), .seal = slice_str(seal),
				   .smtp_seal = slice_str(smtp_seal) });
	wbuf_free(&w);
	turn();
}

static union msg answer;

static inline struct slice
error_of_answer(void)
{
	told_next(&ats, MSG_set_done, &answer);
	return answer.set_done.error;
}

/* The vault's answer to the next seal; code "" = the record "R:" + seal. */
static inline struct msg_seal_open
vault_answers(const char *code)
{
	static union msg m;
	char record[64] = "";

	told_next(&vault, MSG_seal_open, &m);
	if (*code == '\0')
		snprintf(record, sizeof(record), "R:%.*s", (int)m.seal_open.seal.n, (const char *)m.seal_open.seal.p);
	send_seal_opened(vault.far, &(struct msg_seal_opened){ .req = m.seal_open.req, .code = slice_str(code),
					.record = slice_str(record) });
	turn();
	return m.seal_open;
}

/* A seal is good once. */
static inline const char *
fresh_seal(void)
{
	static char text[32];
	static unsigned int n;

	if (!seal_seen(slice_str("seal")))
		return "seal";
	snprintf(text, sizeof(text), "seal %u", ++n);
	return text;
}

static inline uint32_t
linked(const char *address)
{
	struct rec_link r = link_of(address);

	link_set(SET_CREATE, 0, &r, false, fresh_seal(), NULL);
	vault_answers("");
	assert_int_equal(error_of_answer().n, 0);
	return (uint32_t)answer.set_done.id;
}

static inline void
assert_link(uint32_t no, enum link_state state, const char *code)
{
	struct row_link row;

	assert_true(row_link_get(&row, KEY(link, .no = no)));
	assert_int_equal(row.rec.state, state);
	assert_true(slice_eq_str(row.rec.error_code, code));
	row_link_free(&row);
}

#endif
