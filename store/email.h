/*
 * email.h - Email/set and Email/fetchContent: what the ATS changes. Handlers of
 * the requests are declared in seam.h.
 *
 * A change is committed locally and answered at once; the journal brings it to
 * the server. A link that only sends has no server: its changes are final.
 */
#ifndef STORE_EMAIL_H
#define STORE_EMAIL_H

#include "email_row.h"

/* A change of keywords and mailboxes; NULL or empty: none. */
struct email_patch {
	struct slice keywords_add, keywords_del;
	struct slice mailboxes_add, mailboxes_del;	/* packed ids */
};

/* Apply it: journal entries and the local view. Saves. */
void email_patch(struct email *, const struct email_patch *);
/* Set one keyword of the emails with this Message-ID in an account. */
void email_mark_answered(uint32_t account, struct slice msgid);
/* Does this link have no server to tell? */
bool email_is_local(uint32_t account);
/* A body that was asked for came (code ""), or will not come. */
void email_content_done(uint32_t account, uint64_t email, const char *code);
void email_forget(const struct chan *);		/* its requests have nobody to answer */
void email_compose_forget(const struct chan *);
void email_init(void);

#endif
