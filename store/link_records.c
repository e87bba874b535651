/*
 * link_records.c - the vault looks at every record of this store, one after
 * the other: those of links in the database, then those that probes hold.
 */
#include "link_unit.h"
#include "probe.h"

static bool
link_record_after(uint32_t no, uint8_t service, struct msg_record_item *out)
{
	struct slice key, value;
	struct key_credential k;
	struct row_link row;
	bool found = false;
	struct scan s;

	scan_range(&s, T_credential, KEY(credential, .account = no, .service = (uint8_t)(service + 1)),
	    PREFIX(credential, 0, .account = 0), false);
	while (!found && scan_next(&s, &key, &value)) {
		/* Of an unlinked one only the erasing knows. */
		if (key_credential_read(key, &k) == -1 || !row_link_get(&row, KEY(link, .no = k.account)))
			continue;
		out->unit = out->link = k.account;
		out->generation = row.rec.generation;
		out->service = k.service;
		out->data = value;
		row_link_free(&row);
		found = true;
	}
	if (found)
		scan_end(&s);
	return found;
}

int
link_on_record_list(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_record_list *q = &m->record_list;
	struct msg_record_item item = { .req = q->req };

	(void)fd;
	if (q->service > SERVICE_SMTP)
		return -1;
	if ((q->unit & UNIT_PROBE) != 0 || !link_record_after(q->unit, q->service, &item))
		probe_record_after(q->unit, q->service, &item);
	/* At once: what this turn has put is told to the vault after its commit. */
	(void)send_record_item(c, &item);
	return 0;
}
