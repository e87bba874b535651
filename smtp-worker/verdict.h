/*
 * verdict.h - what a refusing reply means: its code of the error table, and
 * whether trying again later makes sense.
 */
#ifndef SMTP_WORKER_VERDICT_H
#define SMTP_WORKER_VERDICT_H

#include "enums.h"

enum verdict_phase {
	VERDICT_EHLO = 1,
	VERDICT_MAIL = 2,
	VERDICT_RCPT = 4,
	VERDICT_DATA = 8,	/* DATA, the text, and the final dot */
	VERDICT_ANY = 15
};

struct verdict {
	enum send_result result;	/* SEND_TEMP or SEND_PERM */
	const char *code;		/* static */
};

/* code is 400 to 599; other replies are out of place and count as temporary. */
struct verdict verdict_of(enum verdict_phase, unsigned int code, const char *text);

#endif
