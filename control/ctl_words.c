#include "ctl.h"

#include <string.h>

#define WORD(table, i) ((i) < sizeof(table) / sizeof(table[0]) && table[i] != NULL ? table[i] : "?")

static const char *const states[] = { [LINK_CONNECTING] = "connecting", [LINK_AWAITING_CONSENT] = "awaitingConsent",
	[LINK_SYNCING] = "syncing", [LINK_LIVE] = "live", [LINK_PAUSED] = "paused", [LINK_NEEDS_USER] = "needsUser",
	[LINK_OFFLINE] = "offline" };
static const char *const modes[] = { [MODE_TWO_WAY] = "twoWay", [MODE_RECEIVE_ONLY] = "receiveOnly",
	[MODE_SEND_ONLY] = "sendOnly" };
static const char *const phases[] = { [PHASE_NONE] = "none", [PHASE_LISTING] = "listing", [PHASE_HEADERS] = "headers",
	[PHASE_BODIES] = "bodies", [PHASE_LIVE] = "live" };
static const char *const securities[] = { [SECURITY_TLS] = "tls", [SECURITY_STARTTLS] = "starttls",
	[SECURITY_NONE] = "none" };
static const char *const services[] = { [SERVICE_IMAP] = "imap", [SERVICE_SMTP] = "smtp" };
static const char *const steps[] = { [STEP_DNS] = "dns", [STEP_TCP] = "tcp", [STEP_TLS] = "tls",
	[STEP_CAPABILITY] = "capability", [STEP_AUTH] = "auth", [STEP_INBOX] = "inbox", [STEP_SENT] = "sent",
	[STEP_EHLO] = "ehlo", [STEP_MAIL_FROM] = "mailFrom" };
static const char *const submissions[] = { [SUB_QUEUED] = "queued", [SUB_SENDING] = "sending", [SUB_SENT] = "sent",
	[SUB_UNCERTAIN] = "uncertain", [SUB_FAILED] = "failed", [SUB_STOPPED] = "stopped" };
static const char *const processes[] = { [PROC_STARTING] = "starting", [PROC_RUNNING] = "running",
	[PROC_STOPPING] = "stopping", [PROC_WAITING] = "waiting" };

const char *
word_state(uint8_t i)
{
	return WORD(states, i);
}

const char *
word_mode(uint8_t i)
{
	return WORD(modes, i);
}

const char *
word_phase(uint8_t i)
{
	return WORD(phases, i);
}

const char *
word_security(uint8_t i)
{
	return WORD(securities, i);
}

const char *
word_service(uint8_t i)
{
	return WORD(services, i);
}

const char *
word_step(uint8_t i)
{
	return WORD(steps, i);
}

const char *
word_submission(uint8_t i)
{
	return WORD(submissions, i);
}

const char *
word_process(uint8_t i)
{
	return WORD(processes, i);
}

int
word_mode_parse(const char *word)
{
	for (int i = MODE_TWO_WAY; i <= MODE_SEND_ONLY; i++)
		if (strcmp(word, modes[i]) == 0)
			return i;
	return -1;
}

int
word_security_parse(struct slice word)
{
	for (int i = SECURITY_TLS; i <= SECURITY_NONE; i++)
		if (slice_eq_str(word, securities[i]))
			return i;
	return -1;
}
