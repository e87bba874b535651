#include "login.h"

#include <string.h>

#include "codes.h"
#include "secret.h"

void
login_init(struct login *l, enum service service, bool starttls)
{
	memset(l, 0, sizeof(*l));
	l->service = service;
	l->starttls = starttls;
	l->want = LOGIN_READ;
}

/* ---- output ---- */

void
login_put(struct login *l, struct slice s)
{
	if (s.n > sizeof(l->out) - l->out_n) {
		login_fail(l, "auth.unknown", slice_str("too long for this server"));
		return;
	}
	if (s.n > 0)
		memcpy(l->out + l->out_n, s.p, s.n);
	l->out_n += s.n;
}

void
login_put_str(struct login *l, const char *s)
{
	login_put(l, slice_str(s));
}

void
login_put_base64(struct login *l, struct slice s)
{
	int n = sasl_base64_encode(s, l->out + l->out_n, sizeof(l->out) - l->out_n);

	if (n == -1)
		login_fail(l, "auth.unknown", slice_str("too long for this server"));
	else
		l->out_n += (size_t)n;
}

void
login_sent(struct login *l)
{
	secret_wipe(l->out, l->out_n);
	l->out_n = 0;
}

void
login_hold(struct login *l, struct slice s)
{
	if (s.n > sizeof(l->held))
		return;
	if (s.n > 0)
		memcpy(l->held, s.p, s.n);
	l->held_n = s.n;
	l->holding = true;
}

/* ---- failing ---- */

#define BASE64_RUN 16	/* letters in a row that may be part of what we sent */

static bool
is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
	    c == '=';
}

/* A server that echoes a command line cut short shows part of the base64 of a
 * credential, which no hash of the whole can find. */
static void
mask_runs(char *text, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && is_base64(text[i]))
			continue;
		if (i - from >= BASE64_RUN)
			memset(text + from, '*', i - from);
		from = i + 1;
	}
}

/* Odd bytes of a server do not travel; what it echoed of ours is masked. */
static void
detail_set(struct login *l, struct slice line)
{
	char text[LIM_DETAIL_SCAN];
	size_t n = line.n < sizeof(text) ? line.n : sizeof(text);

	if (n > 0)
		memcpy(text, line.p, n);
	sasl_guard_mask(&l->guard, text, n);
	if (l->guard.n > 0)
		mask_runs(text, n);
	if (n > LIM_DETAIL)
		n = LIM_DETAIL;
	for (size_t i = 0; i < n; i++)
		l->detail[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	l->detail[n] = '\0';
	secret_wipe(text, sizeof(text));
}

enum login_want
login_fail(struct login *l, const char *code, struct slice line)
{
	if (l->code == NULL) {
		l->code = code;
		detail_set(l, line);
	}
	secret_wipe(l->held, sizeof(l->held));
	l->holding = false;
	l->state = LS_END;
	return l->want = LOGIN_FAILED;
}

/* ---- mechanisms ---- */

void
login_add_mechanism(struct login *l, struct slice name)
{
	if (name.n == 0 || name.n > LIM_MECHANISM || l->n_mechanisms == LIM_LOGIN_MECHANISMS || login_offers(l, name))
		return;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
		    c != '_')
			return;
		l->mechanisms[l->n_mechanisms][i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
	}
	l->mechanisms[l->n_mechanisms][name.n] = '\0';
	l->n_mechanisms++;
}

bool
login_offers(const struct login *l, struct slice name)
{
	for (size_t i = 0; i < l->n_mechanisms; i++)
		if (slice_case_eq_str(name, l->mechanisms[i]))
			return true;
	return false;
}

/* ---- challenges ---- */

static enum login_want
scram_challenged(struct login *l)
{
	struct slice message = { l->challenge, l->challenge_n };
	const char *code = "sync.protocol_error";

	if (l->scram == LSCRAM_BEGUN)
		code = scram_read_first(message, &l->server_first);
	else if (l->scram == LSCRAM_SENT)
		code = scram_read_final(message, l->signature);
	if (code != NULL)
		return login_fail(l, code, message);
	l->scram++;
	return LOGIN_CHALLENGE;
}

enum login_want
login_challenged(struct login *l, struct slice base64)
{
	int n;

	if (++l->rounds > LIM_LOGIN_ROUNDS)
		return login_fail(l, "auth.unknown", slice_str("too many challenges"));
	if (l->holding) {
		login_put_base64(l, (struct slice){ l->held, l->held_n });
		login_put_str(l, "\r\n");
		secret_wipe(l->held, sizeof(l->held));
		l->holding = false;
		return l->want;
	}
	if ((n = sasl_base64_decode(base64, l->challenge, sizeof(l->challenge))) == -1)
		return login_fail(l, "auth.unknown", slice_str("the server's challenge is not base64"));
	l->challenge_n = (size_t)n;
	return l->scram == LSCRAM_NONE ? LOGIN_CHALLENGE : scram_challenged(l);
}

bool
login_unbound(struct login *l, struct slice line)
{
	bool before = l->scram == LSCRAM_BEGUN && !l->holding && !codes_contains(line, "[authenticationfailed]");

	if (!l->bound || l->again ||
	    (!before && (l->scram != LSCRAM_SENT || !codes_contains(line, "bad protocol / cancel"))))
		return false;
	l->again = true;
	l->scram = LSCRAM_NONE;
	l->challenge_n = 0;
	return true;
}

enum login_want
login_accepted(struct login *l, struct slice line)
{
	if (l->scram != LSCRAM_NONE && l->scram != LSCRAM_PROVEN)
		return login_fail(l, "auth.server_unproven", line);
	l->state = LS_END;
	return LOGIN_DONE;
}

/* ---- what the vault says ---- */

static enum login_want
respond_first(struct login *l, struct slice mechanism, struct slice data)
{
	if (!login_offers(l, mechanism))
		return login_fail(l, "auth.no_mechanism", SLICE_NONE);
	if (mechanism.n > 5 && slice_case_eq_str((struct slice){ mechanism.p, 6 }, "SCRAM-"))
		l->scram = LSCRAM_BEGUN;
	l->bound = slice_case_eq_str(mechanism, "SCRAM-SHA-256-PLUS");
	return l->service == SERVICE_IMAP ? login_imap_begin(l, mechanism, data) : login_smtp_begin(l, mechanism, data);
}

static enum login_want
respond_again(struct login *l, struct slice data)
{
	if (l->state == LS_ASK_SECRET)
		return login_imap_secret(l, data);
	if (l->scram != LSCRAM_NONE)
		l->scram++;
	login_put_base64(l, data);
	login_put_str(l, "\r\n");
	return l->want;
}

/* Lines that came early wait in in: the caller goes on with login_input(NULL, 0). */
int
login_respond(struct login *l, struct slice mechanism, struct slice data, enum login_want *want)
{
	enum login_want was = l->want;

	if ((was != LOGIN_CREDENTIAL && was != LOGIN_CHALLENGE) || data.n > LIM_LOGIN_DATA) {
		*want = login_fail(l, "auth.unknown", SLICE_NONE);
		return -1;
	}
	sasl_guard_add(&l->guard, data);
	l->want = LOGIN_READ;
	*want = was == LOGIN_CREDENTIAL || (l->again && l->scram == LSCRAM_NONE) ? respond_first(l, mechanism, data) : respond_again(l, data);
	l->want = *want;
	return *want == LOGIN_FAILED ? -1 : 0;
}

/* ---- what the server says ---- */

size_t
login_room(const struct login *l)
{
	return l->want == LOGIN_READ ? sizeof(l->in) - l->in_n : 0;
}

struct slice
login_rest(const struct login *l)
{
	return (struct slice){ l->in, l->in_n };
}

/* One line without its end, taken at the first LF. */
static bool
take_line(struct login *l, uint8_t line[LIM_LOGIN_LINE], size_t *n)
{
	const uint8_t *end = l->in_n > 0 ? memchr(l->in, '\n', l->in_n) : NULL;
	size_t whole;

	if (end == NULL)
		return false;
	whole = (size_t)(end - l->in) + 1;
	memcpy(line, l->in, whole);
	memmove(l->in, l->in + whole, l->in_n - whole);
	l->in_n -= whole;
	*n = whole - 1;
	if (*n > 0 && line[*n - 1] == '\r')
		(*n)--;
	return true;
}

static enum login_want
handle_line(struct login *l, struct slice line)
{
	if (++l->lines > LIM_LOGIN_LINES)
		return login_fail(l, "sync.protocol_error", slice_str("too many lines before the login"));
	return l->service == SERVICE_IMAP ? login_imap_line(l, line) : login_smtp_line(l, line);
}

/* Bytes behind the "go ahead" for TLS could be an attacker's (CVE-2011-0411). */
static enum login_want
check_injection(struct login *l)
{
	return l->in_n == 0 ? LOGIN_HANDSHAKE : login_fail(l, "tls.starttls_injection", SLICE_NONE);
}

/* A first line that never ends is no mail server's; show how it begins. */
static enum login_want
line_too_long(struct login *l)
{
	struct slice start = { l->in, l->in_n < LIM_NOT_TLS ? l->in_n : LIM_NOT_TLS };

	if (l->state == LS_GREETING)
		return login_fail(l, codes_greeting(l->service, start), start);
	return login_fail(l, "sync.protocol_error", slice_str("a line without end"));
}

enum login_want
login_input(struct login *l, const void *p, size_t n)
{
	uint8_t line[LIM_LOGIN_LINE];
	size_t len;

	if (l->want != LOGIN_READ || n > login_room(l))
		return l->want;
	if (n > 0)
		memcpy(l->in + l->in_n, p, n);
	l->in_n += n;
	while (l->want == LOGIN_READ && take_line(l, line, &len))
		l->want = handle_line(l, (struct slice){ line, len });
	if (l->want == LOGIN_READ && l->in_n == sizeof(l->in))
		l->want = line_too_long(l);
	if (l->want == LOGIN_HANDSHAKE)
		l->want = check_injection(l);
	return l->want;
}

enum login_want
login_secured(struct login *l)
{
	/* What was offered in clear counts for nothing (RFC 3207 s. 4.2). */
	l->starttls = false;
	l->secured = true;
	l->offers_starttls = l->login_disabled = l->sasl_ir = false;
	l->n_mechanisms = 0;
	l->state = LS_CAPABILITY;
	login_put_str(l, l->service == SERVICE_IMAP ? "P3 CAPABILITY\r\n" : LOGIN_EHLO);
	return l->want = LOGIN_READ;
}
