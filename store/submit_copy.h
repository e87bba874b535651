/*
 * submit_copy.h - our Message-IDs, and the one copy in the Sent folder.
 *
 * The submitted email is the Sent copy. After a send the Sent
 * folder is asked for the message: when the server saved a copy of its own,
 * that copy is bound to the email's id and the draft is expunged; else the
 * draft moves to Sent, or is appended there. While a submission is under way
 * the journal holds back what would move its email (submit_holds).
 */
#ifndef STORE_SUBMIT_COPY_H
#define STORE_SUBMIT_COPY_H

#include "db.h"
#include "limits.h"

struct email;

/* ---- Message-IDs with a keyed MAC: submit_msgid.c ---- */
enum msgid { MSGID_FOREIGN, MSGID_OURS, MSGID_FORGED };

/* The longest of ours with its NUL: LIM_HOST holds its domain. */
#define MSGID_SIZE (61 + LIM_HOST + 1)
/* A fresh Message-ID, without angle brackets, in the domain of the address. */
int submit_msgid_make(struct slice address, char out[MSGID_SIZE]);
/* FORGED: of our form, but not made by this ATS's Postern. */
enum msgid submit_msgid_check(struct slice msgid);
/* Best verdict over In-Reply-To and References: OURS before FORGED. */
enum msgid submit_msgid_refs(const struct rec_header *);

/* ---- copies ---- */
enum learned { LEARNED_NOTHING, LEARNED_SAVES, LEARNED_DOES_NOT_SAVE };

/* A new UID in a Sent folder, or where folders are labels (gm_msgid is not 0) in
 * any that shows what was sent: the email of the submission with this
 * Message-ID, made ready to take the UID. 0: not ours, or it has its copy. */
uint64_t submit_copy_expected(uint32_t account, uint64_t mailbox, uint64_t gm_msgid, const struct rec_header *);
/* Is a copy in Sent known by its UID? Then the server's names are that one's. */
bool submit_copy_in_sent(const struct email *);
/* Is it the draft of what was sent, which All Mail shows beside it? */
bool submit_copy_leftover(uint32_t account, uint64_t mailbox, uint64_t gm_msgid, const struct rec_header *);
/* That UID is bound now. */
void submit_copy_bound(uint32_t account, uint64_t mailbox, uint64_t email);
/* Must this entry wait, because its email is being sent? */
bool submit_holds(uint32_t account, const struct rec_pending *);
/* Is this email being sent, or is its Sent copy still awaited? */
bool submit_under_way(uint32_t account, uint64_t email);
/* Start looking for the Sent copy of a sent (or uncertain) submission. */
void submit_copy_start(uint32_t account, uint64_t submission);
/* The journal's OP_FIND entry of a submission was answered; uid 0: absent.
 * Returns true when the entry is settled, false: ask again later. */
bool submit_copy_found(uint32_t account, const struct rec_pending *, uint32_t uid);
/* The mailbox with role Sent; 0: none. */
uint64_t submit_sent_mailbox(uint32_t account);

#endif
