/*
 * The SMTP side of a login: greeting, EHLO, STARTTLS, AUTH. A reply is one or
 * more lines "250-text" and a last one "250 text" (RFC 5321 s. 4.2.1).
 */
#include <string.h>

#include "codes.h"
#include "login.h"

static enum login_want
smtp_fail(struct login *l, const char *code)
{
	return login_fail(l, code, (struct slice){ l->reply, l->reply_n });
}

static enum login_want
ehlo_known(struct login *l)
{
	if (l->starttls) {
		if (!l->offers_starttls)
			return login_fail(l, "tls.starttls_missing", SLICE_NONE);
		l->state = LS_STARTTLS;
		login_put_str(l, "STARTTLS\r\n");
		return LOGIN_READ;
	}
	l->state = LS_READY;
	return l->n_mechanisms > 0 ? LOGIN_CREDENTIAL : login_fail(l, "auth.no_mechanism", SLICE_NONE);
}

static enum login_want
on_reply(struct login *l)
{
	unsigned int code = l->reply_code;

	switch (l->state) {
	case LS_GREETING:
		if (code != 220)
			return smtp_fail(l, codes_greeting(SERVICE_SMTP, (struct slice){ l->reply, l->reply_n }));
		l->state = LS_CAPABILITY;
		login_put_str(l, LOGIN_EHLO);
		return LOGIN_READ;
	case LS_CAPABILITY:
		if (code == 250)
			return ehlo_known(l);
		return smtp_fail(l, code >= 400 && code < 500 ? "net.bye" : "net.not_smtp");
	case LS_STARTTLS:
		return code == 220 ? LOGIN_HANDSHAKE : smtp_fail(l, "tls.starttls_rejected");
	case LS_AUTH:
		if ((code == 501 || code == 504) && login_unbound(l, (struct slice){ l->reply, l->reply_n }))
			return LOGIN_CHALLENGE;
		if (code != 235)
			return smtp_fail(l, codes_auth(SERVICE_SMTP, (struct slice){ l->reply, l->reply_n }));
		return login_accepted(l, (struct slice){ l->reply, l->reply_n });
	default:
		return smtp_fail(l, code == 421 ? "net.bye" : "sync.protocol_error");
	}
}

/* "AUTH PLAIN LOGIN", and the old form "AUTH=PLAIN LOGIN". */
static void
read_auth(struct login *l, struct slice words)
{
	size_t from = 0;

	for (size_t i = 0; i <= words.n; i++) {
		if (i < words.n && words.p[i] != ' ')
			continue;
		login_add_mechanism(l, (struct slice){ words.p + from, i - from });
		from = i + 1;
	}
}

static void
on_keyword(struct login *l, struct slice text)
{
	if (slice_case_eq_str(text, "STARTTLS"))
		l->offers_starttls = true;
	else if (text.n > 5 && slice_case_eq_str((struct slice){ text.p, 4 }, "AUTH") &&
	    (text.p[4] == ' ' || text.p[4] == '='))
		read_auth(l, (struct slice){ text.p + 5, text.n - 5 });
}

static bool
read_code(struct slice line, unsigned int *code)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || line.p[1] < '0' || line.p[1] > '9' || line.p[2] < '0' ||
	    line.p[2] > '9' || (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return false;
	*code = (unsigned int)(line.p[0] - '0') * 100 + (unsigned int)(line.p[1] - '0') * 10 +
	    (unsigned int)(line.p[2] - '0');
	return true;
}

/* The first line whole, of the next ones the text: enough to classify. */
static void
join(struct login *l, struct slice line)
{
	struct slice part = line;
	size_t room;

	if (l->reply_n > 0) {
		part = line.n > 4 ? (struct slice){ line.p + 4, line.n - 4 } : SLICE_NONE;
		if (l->reply_n < sizeof(l->reply))
			l->reply[l->reply_n++] = ' ';
	}
	room = sizeof(l->reply) - l->reply_n;
	if (part.n > room)
		part.n = room;
	if (part.n > 0)
		memcpy(l->reply + l->reply_n, part.p, part.n);
	l->reply_n += part.n;
}

enum login_want
login_smtp_line(struct login *l, struct slice line)
{
	bool more = line.n > 3 && line.p[3] == '-';
	enum login_want want;
	unsigned int code;

	if (!read_code(line, &code) || (l->reply_n > 0 && code != l->reply_code)) {
		if (l->state == LS_GREETING)
			return login_fail(l, codes_greeting(SERVICE_SMTP, line), line);
		return login_fail(l, "sync.protocol_error", line);
	}
	/* The first line of an EHLO reply is the server's name. */
	if (l->state == LS_CAPABILITY && code == 250 && l->reply_n > 0 && line.n > 4)
		on_keyword(l, (struct slice){ line.p + 4, line.n - 4 });
	l->reply_code = code;
	join(l, line);
	if (more)
		return LOGIN_READ;
	if (l->state == LS_AUTH && code == 334)
		want = login_challenged(l, line.n > 4 ? (struct slice){ line.p + 4, line.n - 4 } : SLICE_NONE);
	else
		want = on_reply(l);
	l->reply_n = 0;
	return want;
}

enum login_want
login_smtp_begin(struct login *l, struct slice mechanism, struct slice data)
{
	bool is_login = slice_case_eq_str(mechanism, "LOGIN");

	l->state = LS_AUTH;
	login_put_str(l, "AUTH ");
	login_put(l, mechanism);
	if (!is_login && l->out_n + 1 + sasl_base64_len(data.n) <= LIM_LOGIN_IR_SMTP) {
		login_put_str(l, " ");
		if (data.n == 0)
			login_put_str(l, "=");
		login_put_base64(l, data);
	} else
		login_hold(l, data);
	login_put_str(l, "\r\n");
	return l->want;
}
