/*
 * submit.h - the queue of outgoing mail.
 *
 * A submission is a row; what is due is found by the table due, with one timer
 * for all. Its phase is committed at each step: HANDED when the message leaves
 * for the smtp-worker, DATA_SENT before that worker may write the final dot,
 * ANSWERED with the result. Whatever dies, the phase tells what is certain:
 * before DATA_SENT nothing was sent and it is queued again; after it, without
 * an answer, it is uncertain and is never sent again by itself.
 */
#ifndef STORE_SUBMIT_H
#define STORE_SUBMIT_H

#include "db.h"
#include "table.h"

struct submission {
	uint32_t account;
	uint64_t id;
	struct row_submission row;	/* row.rec is what is changed */
};

bool submission_load(struct submission *, uint32_t account, uint64_t id);
void submission_free(struct submission *);
/* Write it, with its change row. */
void submission_save(struct submission *);
void submission_due(const struct submission *, uint64_t at);
void submission_undue(const struct submission *);

/* What became of one recipient in this attempt; index as sent. */
struct rcpt_answer {
	uint16_t reply;
	char code[LIM_CODE + 1], text[LIM_DETAIL + 1];
};
struct send_answer {
	enum send_result result;
	uint16_t reply;
	struct slice code, text;
	const struct rcpt_answer *rcpts;	/* for the recipients of submission_targets */
	size_t nrcpts;
};
/* Is this recipient still to be reached? */
bool rcpt_is_open(const struct rec_rcpt *);
/* The server answered. Saves. */
void submit_answered(struct submission *, const struct send_answer *);
/* The worker is gone without an answer. Saves. */
void submit_cut_off(struct submission *);
/* It is known to be sent after all. Saves. */
void submit_was_sent(struct submission *);

/* The next due submission of a link; 0: none. */
uint64_t submit_next(uint32_t account);
/* Look at what is due, soon; called after every change of the queue. */
void submit_schedule(void);
void submit_init(void);		/* before the sandbox */
void submit_start(void);	/* what was under way when the last store ended */
void submit_forget(const struct chan *);

/* ---- submit_clock.c ---- */
/* Notices a clock that was set back; called at least once a minute. */
void submit_look_at_clock(void);
/* Retries and reviews that are more than so many seconds ahead come now. */
void submit_redate(uint64_t beyond);

/* ---- sender.c ---- */
/* Something of this link is due: start its smtp-worker, or give it the next. */
void sender_want(uint32_t account);
void sender_gone(uint32_t account);	/* the master says that the worker ended */
bool sender_has(uint32_t account, uint64_t submission);	/* it is at a worker now */
void sender_init(void);

#endif
