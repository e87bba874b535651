/*
 * names.c - a message that vanished may have been moved into a folder that was
 * made since the folders were listed. Only then are they listed anew, which
 * looks at all of them; until then no folder is told as looked at, so that the
 * store keeps the message.
 */
#include "engine.h"
#include "log.h"

void
names_ask(struct engine *e)
{
	e->ask_names = e->names_new = false;
	(void)imap_begin(&e->writer, CMD_NAMES);
	imap_text(&e->writer, "LIST \"\" \"*\"");
	(void)imap_end(&e->writer);
}

void
names_row(struct engine *e, const struct imap_list *l)
{
	if (imap_pending(&e->writer, CMD_NAMES) != NULL && folders_new(&e->folders, l))
		e->names_new = true;
}

void
names_tagged(struct engine *e)
{
	size_t i;

	if (!e->names_new)
		return;
	log_info("folders were made: listing all");
	e->names_new = false;
	e->relist = true;
	for (i = 0; i < e->folders.n; i++)
		e->folders.v[i].confirm = false;
}
