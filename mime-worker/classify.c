#include "classify.h"

#include <string.h>

#include "limits.h"
#include "messages.h"

/* Strong signs decide, in the order of this list; weak ones need a second. */
#define SIGN_BOUNCE 1u
#define SIGN_REPLY 2u	/* certainly an automatic reply */
#define SIGN_LIST 4u
#define SIGN_AUTO 8u	/* made by a machine, not said for what */
#define SIGN_WEAK 16u	/* ordinary systems write it too */
#define SIGN_NULL_PATH 32u
#define SIGN_DAEMON 64u
#define SIGN_POSTMASTER 128u
#define SIGN_SUBJECT 256u

enum want {
	W_AUTO_SUBMITTED,
	W_PRECEDENCE,
	W_AUTOREPLY,
	W_AUTORESPOND,
	W_AUTORESPONDER,
	W_RETURN_PATH,
	W_LIST_ID,
	W_LIST_UNSUBSCRIBE,
	W_SUPPRESS,
	W_CONTENT_TYPE,
	W_FAILED_RCPT,
	W__COUNT
};
_Static_assert(W__COUNT == CLASSIFY_WANTS, "classify.h says how many");

struct state {
	const struct header_want *want;
	struct wbuf value;	/* the field looked at, unfolded and in lower case */
	struct wbuf *reasons;
	unsigned int signs;
};

static void
sign(struct state *s, unsigned int bits, const char *reason)
{
	s->signs |= bits;
	list_add(s->reasons, slice_str(reason));
}

static bool
value_of(struct state *s, enum want w)
{
	wbuf_reset(&s->value);
	if (!s->want[w].found)
		return false;
	header_unfold(&s->value, s->want[w].value);
	for (size_t i = 0; i < s->value.n; i++)
		if (s->value.p[i] >= 'A' && s->value.p[i] <= 'Z')
			s->value.p[i] |= 0x20;
	return true;
}

static bool
begins(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

static bool
contains(struct slice s, const char *what)
{
	return s.n > 0 && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static bool
value_begins(const struct state *s, const char *with)
{
	return begins(wbuf_slice(&s->value), with);
}

static void
look_auto_submitted(struct state *s)
{
	if (!value_of(s, W_AUTO_SUBMITTED) || s->value.n == 0 || value_begins(s, "no"))
		return;
	sign(s, value_begins(s, "auto-replied") ? SIGN_REPLY : SIGN_AUTO, "autoSubmitted");
}

static void
look_precedence(struct state *s, bool is_reply)
{
	if (!value_of(s, W_PRECEDENCE))
		return;
	if (value_begins(s, "auto"))
		sign(s, SIGN_REPLY, "precedence");
	else if (value_begins(s, "list"))
		sign(s, SIGN_LIST, "precedence");
	else if (value_begins(s, "bulk") || value_begins(s, "junk"))
		sign(s, is_reply ? SIGN_AUTO : SIGN_LIST, "precedence");
}

static void
look_responders(struct state *s)
{
	static const enum want fields[] = { W_AUTOREPLY, W_AUTORESPOND, W_AUTORESPONDER };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (value_of(s, fields[i]) && !value_begins(s, "no")) {
			sign(s, SIGN_REPLY, "autoresponder");
			return;
		}
	if (value_of(s, W_SUPPRESS) && s->value.n > 0 && !value_begins(s, "none"))
		sign(s, SIGN_WEAK, "autoResponseSuppress");
}

static void
look_list(struct state *s)
{
	if (s->want[W_LIST_ID].found)
		sign(s, SIGN_LIST, "listId");
	if (s->want[W_LIST_UNSUBSCRIBE].found)
		sign(s, SIGN_LIST, "listUnsubscribe");
}

/* RFC 3464, RFC 5965; a read receipt (RFC 8098) is an automatic reply. */
static void
look_report(struct state *s)
{
	struct slice v;

	if (value_of(s, W_FAILED_RCPT))
		sign(s, SIGN_BOUNCE, "failedRecipients");
	if (!value_of(s, W_CONTENT_TYPE) || !value_begins(s, "multipart/report"))
		return;
	v = wbuf_slice(&s->value);
	if (contains(v, "delivery-status"))
		sign(s, SIGN_BOUNCE, "deliveryStatus");
	else if (contains(v, "feedback-report"))
		sign(s, SIGN_BOUNCE, "feedbackReport");
	else
		sign(s, SIGN_REPLY, contains(v, "disposition-notification") ? "readReceipt" : "report");
}

static bool
local_part_is(struct slice email, const char *name, bool prefix)
{
	const uint8_t *at = email.n > 0 ? memrchr(email.p, '@', email.n) : NULL;
	struct slice local = email;

	if (at != NULL)
		local.n = (size_t)(at - email.p);
	if (prefix && local.n > strlen(name))
		local.n = strlen(name);
	return slice_case_eq_str(local, name);
}

static void
look_sender(struct state *s, struct slice from)
{
	struct slice item;
	struct rec_address a;

	if (value_of(s, W_RETURN_PATH) && value_begins(s, "<>"))
		sign(s, SIGN_NULL_PATH, "nullReturnPath");
	if (!list_next(&from, &item) || rec_address_decode(item, &a) == -1)
		return;
	if (local_part_is(a.email, "mailer-daemon", false) || local_part_is(a.email, "MicrosoftExchange", true))
		sign(s, SIGN_DAEMON, "daemonSender");
	else if (local_part_is(a.email, "postmaster", false))
		sign(s, SIGN_POSTMASTER, "postmasterSender");
}

/* What mail programs put before the subject of an absence note, lower case. */
static const char *const subject_prefixes[] = {
	"automatic reply", "auto reply", "auto-reply", "autoreply", "auto:", "auto response", "autoresponse",
	"out of office", "out of the office", "on vacation", "away from office",
	"automatische antwort", "abwesenheit", "abwesend", "nicht im b\xc3\xbcro",
	"r\xc3\xa9ponse automatique", "reponse automatique", "absence", "absent",
	"respuesta autom\xc3\xa1tica", "respuesta automatica", "fuera de la oficina",
	"risposta automatica", "fuori sede", "fuori ufficio", "assente",
	"resposta autom\xc3\xa1tica", "resposta automatica", "fora do escrit\xc3\xb3rio",
	"automatisch antwoord", "afwezig", "niet aanwezig",
	"autosvar", "automatiskt svar", "automatisk svar", "automaattinen vastaus",
	"odpowied\xc5\xba automatyczna", "automatick\xc3\xa1 odpov\xc4\x9b\xc4\x8f", "automatikus v\xc3\xa1lasz",
	"otomatik yan\xc4\xb1t", "r\xc4\x83spuns automat",
	"\xe8\x87\xaa\xe5\x8b\x95\xe5\xbf\x9c\xe7\xad\x94", "\xe8\x87\xaa\xe5\x8a\xa8\xe5\x9b\x9e\xe5\xa4\x8d",
	"\xec\x9e\x90\xeb\x8f\x99 \xed\x9a\x8c\xec\x8b\xa0",
	"\xd0\xb0\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82",
	"\xd0\x90\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82",
};

static void
look_subject(struct state *s, struct slice subject)
{
	struct slice head = { subject.p, subject.n < 64 ? subject.n : 64 };

	wbuf_reset(&s->value);
	w_raw(&s->value, head.p, head.n);
	for (size_t i = 0; i < s->value.n; i++)
		if (s->value.p[i] >= 'A' && s->value.p[i] <= 'Z')
			s->value.p[i] |= 0x20;
	for (size_t i = 0; i < sizeof(subject_prefixes) / sizeof(subject_prefixes[0]); i++)
		if (value_begins(s, subject_prefixes[i])) {
			sign(s, (s->signs & SIGN_WEAK) != 0 ? SIGN_AUTO : SIGN_SUBJECT, "subject");
			return;
		}
}

/*
 * A null return path alone is how answering machines write as well as bounces;
 * together with a daemon's name it is a bounce. Suppress-headers alone are
 * sent by ordinary systems too and change nothing.
 */
static enum mail_kind
verdict(unsigned int signs)
{
	bool null_path = (signs & SIGN_NULL_PATH) != 0;

	if ((signs & (SIGN_BOUNCE | SIGN_DAEMON)) != 0 || ((signs & SIGN_POSTMASTER) != 0 && null_path))
		return KIND_BOUNCE;
	if ((signs & SIGN_REPLY) != 0)
		return KIND_AUTO_REPLY;
	if ((signs & SIGN_LIST) != 0)
		return KIND_LIST;
	if ((signs & SIGN_AUTO) != 0 || null_path)
		return KIND_AUTO_REPLY;
	return (signs & (SIGN_SUBJECT | SIGN_POSTMASTER)) != 0 ? KIND_UNSURE : KIND_HUMAN;
}

void
classify_wants(struct header_want want[CLASSIFY_WANTS])
{
	static const char *const names[W__COUNT] = { [W_AUTO_SUBMITTED] = "Auto-Submitted",
		[W_PRECEDENCE] = "Precedence", [W_AUTOREPLY] = "X-Autoreply", [W_AUTORESPOND] = "X-Autorespond",
		[W_AUTORESPONDER] = "X-Autoresponder", [W_RETURN_PATH] = "Return-Path", [W_LIST_ID] = "List-Id",
		[W_LIST_UNSUBSCRIBE] = "List-Unsubscribe", [W_SUPPRESS] = "X-Auto-Response-Suppress",
		[W_CONTENT_TYPE] = "Content-Type", [W_FAILED_RCPT] = "X-Failed-Recipients" };

	for (size_t i = 0; i < W__COUNT; i++)
		want[i] = (struct header_want){ .name = names[i] };
}

enum mail_kind
classify(struct wbuf *reasons, const struct classify_input *in)
{
	struct state s = { .reasons = reasons, .want = in->want };

	wbuf_init(&s.value, LIM_HEADER_VALUE);
	look_auto_submitted(&s);
	look_precedence(&s, in->is_reply);
	look_responders(&s);
	look_list(&s);
	look_report(&s);
	look_sender(&s, in->from);
	look_subject(&s, in->subject);
	wbuf_free(&s.value);
	return verdict(s.signs);
}
