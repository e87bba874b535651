/*
 * probe.h - a link that is being tried: a temporary unit with its own short
 * workers. Its record and credentials live in memory here; they become durable
 * when every step passed, in the transaction that changes the link.
 *
 *	seal -> vault -> record          for each credential given
 *	imapd-worker: ... INBOX, SENT    unless the mode is sendOnly, or no verify
 *	smtp-worker:  ... EHLO, MAIL FROM	unless it is receiveOnly
 *	link_commit                      not for a test
 */
#ifndef STORE_PROBE_H
#define STORE_PROBE_H

#include "told.h"

struct probe {
	uint32_t unit;			/* UNIT_PROBE | n */
	struct asker asker;
	enum set_action action;
	bool verify, send_test;
	struct told_by by;
	uint32_t link;			/* number: of the link, or the one it will get */
	struct wbuf record;		/* encoded rec link, as it will be stored */
	struct wbuf credential[3];	/* by enum service; empty: none of its own */
	bool renewed[3];		/* that credential came with this request */

	/* private to probe.c */
	int stage;
	uint32_t seal_req[3];
	struct hash32 seal[3];	/* of the seal that is at the vault */
	struct chan *worker;
	struct event *timer;
	bool logged_in, gone;
	unsigned int nheld;
	struct msg_worker_step held[8];
	char held_code[8][LIM_CODE + 1];
	char held_detail[8][LIM_DETAIL + 1];
};

/*
 * Take a probe under way; a copy is made, its buffers are taken over. seal and
 * smtp_seal (may be empty) are sent to the vault. Every outcome is answered to
 * the asker by set_done. 0, or -1: too many, nothing was taken over.
 */
int probe_start(const struct probe *, struct slice seal, struct slice smtp_seal);

void probe_init(void);
void probe_peer(const struct chan_peer *, int fd);	/* unit has UNIT_PROBE */
void probe_on_unit_step(const struct msg_unit_step *);
void probe_worker_gone(uint32_t unit, enum role, struct slice reason);
void probe_on_seal_opened(const struct msg_seal_opened *);
void probe_vault_gone(void);
void probe_forget(const struct chan *);	/* the asker left */
/* A service's record for a running probe; empty: no such probe or record. */
struct slice probe_credential(uint32_t unit, enum service);
/* Put record in its place if it is was, byte for byte; in memory, like the rest. */
bool probe_credential_replace(uint32_t unit, enum service, struct slice was, struct slice record);
/* The first record that a probe holds behind (unit, service); unit stays 0: none. */
void probe_record_after(uint32_t unit, uint8_t service, struct msg_record_item *);
/* Is this address or link being changed by a probe? */
bool probe_busy(uint32_t link);

#endif
