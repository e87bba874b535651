/*
 * What the vault says of credentials: who got which credential, who did not
 * and why. Never what it was.
 */
#include <inttypes.h>

#include "audit.h"
#include "log.h"
#include "serve.h"

static const char *const words[] = { [TOLD_RELEASED] = "credential released", [TOLD_REFUSED] = "credential refused",
	[TOLD_ACCEPTED] = "login accepted", [TOLD_REJECTED] = "login rejected",
	[TOLD_UNPROVEN] = "login called accepted without the server's proof", [TOLD_PINNED] = "login pinned to SCRAM" };

static const char *
service_of(const struct ticket *t)
{
	return t->service == SERVICE_IMAP ? "imap" : "smtp";
}

#define TICKET(t)                                                                                                      \
	.ats = slice_str((t)->ats), .link = (t)->link, .unit = (t)->unit & ~UNIT_PROBE,                                \
	.service = slice_str(service_of(t)), .host = slice_str((t)->host), .port = (t)->port,                          \
	.mechanism = slice_str(sasl_name(&(t)->sasl)), .ticket = (t)->id

static void
audit(enum told what, struct ticket *t, const char *code)
{
	struct slice why = slice_str(code);

	switch (what) {
	case TOLD_RELEASED:
		if (!t->told)	/* LOGIN has two steps */
			audit_tell_credential_released(&(struct audit_credential_released){ TICKET(t) });
		t->told = true;
		break;
	case TOLD_REFUSED:
		audit_tell_credential_refused(&(struct audit_credential_refused){ TICKET(t), .code = why });
		break;
	case TOLD_REJECTED:
		audit_tell_login_rejected(&(struct audit_login_rejected){ TICKET(t), .code = why });
		break;
	case TOLD_UNPROVEN:
		audit_tell_login_unproven(&(struct audit_login_unproven){ TICKET(t) });
		break;
	case TOLD_PINNED:
		audit_tell_login_pinned(&(struct audit_login_pinned){ TICKET(t) });
		break;
	case TOLD_ACCEPTED:	/* follows from the release */
		break;
	}
}

void
told_ticket(enum told what, struct ticket *t, const char *code)
{
	log_info("%s by %s ticket=%016" PRIx64 " ats=%s unit=%u service=%s port=%u host=%s code=%s", words[what],
	    sasl_name(&t->sasl), t->id, t->ats, t->unit, service_of(t), t->port, t->host, code);
	audit(what, t, code);
}

void
told_claim(const struct chan_peer *peer, uint64_t id, const struct ticket *t, const char *why)
{
	struct audit_ticket_refused e = { .role = slice_str(role_name(peer->role)), .ats = slice_str(peer->ats),
		.host = slice_str(peer->host), .ticket = id, .reason = slice_str(why) };

	if (t != NULL) {
		e.owner_ats = slice_str(t->ats);
		e.owner_unit = t->unit & ~UNIT_PROBE;
		e.owner_host = slice_str(t->host);
	}
	audit_tell_ticket_refused(&e);
}

void
told_seal(const char *ats, const struct msg_seal_open *m, const char *code, const char *owner)
{
	if (*code == '\0')
		audit_tell_seal_opened(&(struct audit_seal_opened){ .ats = slice_str(ats), .link = m->link,
		    .generation = m->generation });
	else
		audit_tell_seal_refused(&(struct audit_seal_refused){ .ats = slice_str(ats), .link = m->link,
		    .generation = m->generation, .code = slice_str(code), .owner_ats = slice_str(owner) });
}

void
told_key(void)
{
	char hex[2 * KEY_PUBLIC_N + 1] = "";

	if (key_public() != NULL)
		(void)sodium_bin2hex(hex, sizeof(hex), key_public(), KEY_PUBLIC_N);
	audit_tell_vault_key(&(struct audit_vault_key){ .key = slice_str(hex), .locked = key_locked() });
}
