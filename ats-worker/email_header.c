#include "email_header.h"

#include <string.h>
#include <strings.h>

#include "jmap_date.h"

#define ZONE_BIAS 720	/* rec header.sent_zone is minutes east + this */

static json_t *
addresses(struct slice list)
{
	json_t *a, *o;
	struct slice item;
	struct rec_address r;

	if (list.n == 0)
		return json_null();
	a = json_array();
	while (list_next(&list, &item)) {
		if (rec_address_decode(item, &r) == -1)
			continue;
		o = json_object();
		ju_set(o, "name", ju_str_or_null(r.name));
		ju_set(o, "email", ju_str(r.email));
		ju_push(a, o);
	}
	return a;
}

static json_t *
strings_or_null(struct slice list)
{
	return list.n > 0 ? ju_strings(list) : json_null();
}

#define FIELD(fn, expression)                                                                                          \
	static json_t *fn(const struct rec_header *h)                                                                  \
	{                                                                                                              \
		return expression;                                                                                     \
	}
FIELD(from, addresses(h->from))
FIELD(sender, addresses(h->sender))
FIELD(to, addresses(h->to))
FIELD(cc, addresses(h->cc))
FIELD(bcc, addresses(h->bcc))
FIELD(reply_to, addresses(h->reply_to))
FIELD(subject, ju_str_or_null(h->subject))
FIELD(message_id, strings_or_null(h->message_id))
FIELD(in_reply_to, strings_or_null(h->in_reply_to))
FIELD(references, strings_or_null(h->references))
#undef FIELD

static json_t *
sent_at(const struct rec_header *h)
{
	char text[JMAP_DATE_MAX];

	if (h->sent_at == 0)
		return json_null();
	jmap_date_print_zone(text, h->sent_at, (int)h->sent_zone - ZONE_BIAS);
	return json_string(text);
}

const struct email_field email_fields[] = {
	{ "messageId", "Message-ID", "asMessageIds", message_id },
	{ "inReplyTo", "In-Reply-To", "asMessageIds", in_reply_to },
	{ "references", "References", "asMessageIds", references },
	{ "sender", "Sender", "asAddresses", sender },
	{ "from", "From", "asAddresses", from },
	{ "to", "To", "asAddresses", to },
	{ "cc", "Cc", "asAddresses", cc },
	{ "bcc", "Bcc", "asAddresses", bcc },
	{ "replyTo", "Reply-To", "asAddresses", reply_to },
	{ "subject", "Subject", "asText", subject },
	{ "sentAt", "Date", "asDate", sent_at },
	{ 0 },
};

const struct email_field *
email_field_find(const char *property)
{
	const char *name, *form;

	if (strncmp(property, "header:", 7) != 0)
		return NULL;
	name = property + 7;
	if ((form = strchr(name, ':')) == NULL)
		return NULL;
	for (const struct email_field *f = email_fields; f->property != NULL; f++)
		if (strlen(f->field) == (size_t)(form - name) &&
		    strncasecmp(f->field, name, (size_t)(form - name)) == 0 && strcmp(f->form, form + 1) == 0)
			return f;
	return NULL;
}
