#include "envelope.h"

#include <string.h>
#include <strings.h>

#include "jmap.h"
#include "jmap_date.h"
#include "jmap_type.h"

bool
address_same(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0);
}

static int
fail(struct envelope *e, const char *type, const char *description)
{
	e->error = jmap_set_error(type, description);
	if (strcmp(type, "invalidProperties") == 0)
		ju_set(e->error, "properties", json_pack("[s]", "envelope"));
	return -1;
}

/* An address that may stand in MAIL FROM or RCPT TO as it is. */
static bool
address_ok(struct slice s)
{
	const uint8_t *at = s.n > 0 ? memrchr(s.p, '@', s.n) : NULL;

	if (at == NULL || at == s.p || at == s.p + s.n - 1 || s.n > LIM_ADDRESS)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("<>,;()[]\\", s.p[i]) != NULL)
			return false;
	return true;
}

/* ---- MAIL FROM parameters ---- */

static int
hold_for(json_t *v, uint64_t now, uint64_t *out)
{
	const char *s = json_string_value(v);
	uint64_t n = 0;

	if (s == NULL || *s == '\0' || strlen(s) > 9 || strspn(s, "0123456789") != strlen(s))
		return -1;
	for (; *s != '\0'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	*out = now + n;
	return 0;
}

static int
read_parameters(struct envelope *e, json_t *parameters, uint64_t now)
{
	const char *name;
	json_t *v;
	int holds = 0;

	if (parameters != NULL && !json_is_null(parameters) && !json_is_object(parameters))
		return fail(e, "invalidProperties", "parameters must be an object");
	json_object_foreach(parameters, name, v) {
		int r = 0;

		if (strcasecmp(name, "HOLDFOR") == 0)
			r = holds++ == 0 ? hold_for(v, now, &e->send_at) : -1;
		else if (strcasecmp(name, "HOLDUNTIL") == 0)
			r = holds++ == 0 && json_is_string(v) ? jmap_date_parse(json_string_value(v), false, &e->send_at) : -1;
		else if (strcasecmp(name, "SIZE") != 0 && strcasecmp(name, "BODY") != 0 && strcasecmp(name, "SMTPUTF8") != 0)
			return fail(e, "invalidProperties", "a parameter is not supported");
		if (r == -1)
			return fail(e, "invalidProperties", "HOLDFOR takes seconds, HOLDUNTIL a date, not both");
	}
	if (e->send_at > now + LIM_JMAP_DELAY)
		return fail(e, "invalidProperties", "later than maxDelayedSend");
	return 0;
}

/* ---- recipients ---- */

struct rcpt_builder {
	struct arena *arena;
	struct wbuf list;
	size_t count;
	json_t *invalid;
};

static bool
rcpt_known(const struct rcpt_builder *b, struct slice email)
{
	struct slice list = wbuf_slice(&b->list), item;
	struct rec_rcpt r;

	while (list_next(&list, &item))
		if (rec_rcpt_decode(item, &r) == 0 && address_same(r.email, email))
			return true;
	return false;
}

/* Each address once. */
static void
rcpt_add(struct rcpt_builder *b, struct slice email)
{
	struct rec_rcpt r = { .email = email, .state = RCPT_PENDING };
	struct wbuf one = { .max = 1024 };

	if (!address_ok(email)) {
		ju_push(b->invalid, ju_str(email));
		return;
	}
	if (b->count > LIM_RCPTS || rcpt_known(b, email))
		return;
	rec_rcpt_encode(&one, &r);
	list_add(&b->list, wbuf_slice(&one));
	wbuf_free(&one);
	b->count++;
}

static void
add_header(struct rcpt_builder *b, struct slice list)
{
	struct slice item;
	struct rec_address a;

	while (list_next(&list, &item))
		if (rec_address_decode(item, &a) == 0 && a.email.n > 0)
			rcpt_add(b, a.email);
}

static int
read_given(struct envelope *e, json_t *given, struct rcpt_builder *b, uint64_t now)
{
	json_t *from = json_object_get(given, "mailFrom"), *to = json_object_get(given, "rcptTo"), *item;
	size_t i;

	if (!json_is_object(from) || !json_is_string(json_object_get(from, "email")) || !json_is_array(to))
		return fail(e, "invalidProperties", "{mailFrom: {email, parameters}, rcptTo: [...]}");
	e->from = ju_slice(json_object_get(from, "email"));
	json_array_foreach(to, i, item) {
		json_t *email = json_object_get(item, "email");

		if (!json_is_string(email))
			return fail(e, "invalidProperties", "rcptTo must hold {email, parameters}");
		rcpt_add(b, ju_slice(email));
	}
	return read_parameters(e, json_object_get(from, "parameters"), now);
}

static int
check(struct envelope *e, struct rcpt_builder *b, struct slice identity)
{
	if (json_array_size(b->invalid) > 0) {
		(void)fail(e, "invalidRecipients", NULL);
		ju_set(e->error, "invalidRecipients", json_incref(b->invalid));
		return -1;
	}
	if (b->count == 0)
		return fail(e, "noRecipients", NULL);
	if (b->count > LIM_RCPTS) {
		(void)fail(e, "tooManyRecipients", NULL);
		ju_set(e->error, "maxRecipients", json_integer(LIM_RCPTS));
		return -1;
	}
	if (!address_same(e->from, identity))
		return fail(e, "forbiddenMailFrom", "mailFrom must be the identity's address");
	return 0;
}

int
envelope_read(struct arena *arena, json_t *given, const struct rec_header *h, struct slice identity, uint64_t now,
    struct envelope *e)
{
	struct rcpt_builder b = { .arena = arena, .list = { .max = LIM_RCPTS * 1026 + 1026 }, .invalid = json_array() };
	int r = 0;

	*e = (struct envelope){ .from = identity };
	if (given != NULL)
		r = read_given(e, given, &b, now);
	else {
		add_header(&b, h->to);
		add_header(&b, h->cc);
		add_header(&b, h->bcc);
	}
	if (r == 0)
		r = check(e, &b, identity);
	e->count = b.count;
	e->rcpts = arena_take(arena, &b.list);
	json_decref(b.invalid);
	return r;
}
