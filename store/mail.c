/*
 * mail.c - the mail half of the store as the front half sees it: seam.h.
 */
#include "email.h"
#include "imap_session.h"
#include "link.h"
#include "mailbox.h"
#include "mailbox_count.h"
#include "seam.h"
#include "submit.h"
#include "window.h"

void
mail_init(void)
{
	mailbox_count_init();
	imap_init();
	email_init();
	sender_init();
	submit_init();
	window_init();
}

/* Links that only send have folders of their own making. */
static void
local_folders(uint32_t no)
{
	struct row_link row;
	bool local;

	if (!row_link_get(&row, KEY(link, .no = no)))
		return;
	local = row.rec.mode == MODE_SEND_ONLY;
	row_link_free(&row);
	if (local)
		mailbox_local_setup(no);
}

void
mail_start(void)
{
	link_each(local_folders);
	submit_start();
	window_sweep_all();
}

void
mail_worker_gone(uint32_t unit, enum role role, struct slice reason)
{
	(void)reason;
	if (role == ROLE_SMTP)
		sender_gone(unit);
}

void
mail_link_changed(uint32_t no)
{
	struct imap_session *s = imap_session_of(no);

	local_folders(no);
	if (s != NULL)
		imap_settings(s);
	else
		window_sweep(no);
	submit_schedule();
}

void
mail_link_stopped(uint32_t no)
{
	struct imap_session *s = imap_session_of(no);

	if (s != NULL)
		imap_stop(s);
}

void
mail_forget(const struct chan *c)
{
	email_forget(c);
	submit_forget(c);
}
