/*
 * login.h - the dialogue from a server's first byte to "logged in", for IMAP
 * (RFC 3501, 4959) and SMTP submission (RFC 5321, 3207, 4954). It reads only
 * what a login needs, line by line, and knows nothing of sockets, TLS or
 * channels: bytes go in, bytes wait in out, and enum login_want says what
 * happens next. The credential comes from outside and is wiped when the caller
 * has taken out away.
 *
 * A struct login lives in secret_malloc memory: it held a credential.
 */
#ifndef TLS_WORKER_LOGIN_H
#define TLS_WORKER_LOGIN_H

#include <stdbool.h>

#include "enums.h"
#include "limits.h"
#include "sasl.h"
#include "scram.h"
#include "wire.h"

enum login_want {
	LOGIN_READ,		/* bytes of the server; send out first */
	LOGIN_HANDSHAKE,	/* TLS now; nothing of the server is buffered */
	LOGIN_CREDENTIAL,	/* login_respond with a mechanism of the list */
	LOGIN_CHALLENGE,	/* login_respond to challenge */
	LOGIN_DONE,		/* logged in; login_rest is the worker's */
	LOGIN_FAILED		/* code and detail say why */
};

enum login_state {
	LS_GREETING,
	LS_CAPABILITY,		/* or EHLO */
	LS_STARTTLS,
	LS_READY,		/* capability known, no credential yet */
	LS_AUTH,
	LS_ASK_SECRET,		/* IMAP LOGIN: the vault gives the secret apart */
	LS_SEND_USER,		/* after each "+" the next literal */
	LS_SEND_SECRET,
	LS_END
};

/* Whose word of a SCRAM login is next; the fields of a server's message lie
 * in struct login instead of challenge. */
enum login_scram {
	LSCRAM_NONE,
	LSCRAM_BEGUN,		/* the server's first message is awaited */
	LSCRAM_FIRST,		/* it is here: the vault's proof is awaited */
	LSCRAM_SENT,		/* the server's last message is awaited */
	LSCRAM_FINAL,		/* it is here: the vault compares */
	LSCRAM_PROVEN
};

struct login {
	enum service service;
	bool starttls;		/* still to do */
	bool secured;		/* STARTTLS done */
	enum login_state state;
	enum login_want want;
	unsigned int lines, rounds;

	bool offers_starttls, login_disabled, sasl_ir;
	bool login_command;	/* IMAP: LOGIN is the command, not the SASL mechanism */
	char mechanisms[LIM_LOGIN_MECHANISMS][LIM_MECHANISM + 1];
	size_t n_mechanisms;

	uint8_t in[LIM_LOGIN_LINE];
	size_t in_n;
	uint8_t out[LIM_LOGIN_OUT];
	size_t out_n;
	uint8_t held[LIM_LOGIN_DATA];	/* a response that waits for the server's "+" */
	size_t held_n;
	bool holding;
	uint8_t user[LIM_USER];
	size_t user_n;
	uint8_t challenge[LIM_LOGIN_DATA];
	size_t challenge_n;
	enum login_scram scram;
	bool bound;		/* by a -PLUS mechanism */
	bool again;		/* its binding was refused: a second command, without it */
	bool told;		/* login_rest begins with an untagged OK and the capabilities of after the login */
	struct scram_first server_first;	/* by LOGIN_CHALLENGE with scram LSCRAM_FIRST */
	uint8_t signature[SCRAM_SIGNATURE];	/* the same with LSCRAM_FINAL */

	uint8_t reply[LIM_DETAIL];	/* SMTP: the lines of one reply, joined */
	size_t reply_n;
	unsigned int reply_code;

	struct sasl_guard guard;
	const char *code;
	char detail[LIM_DETAIL + 1];
};

/* Zeroes it. starttls: the dialogue begins in clear and must be secured. */
void login_init(struct login *, enum service, bool starttls);

/* How many bytes login_input takes now; 0 while it wants something else. */
size_t login_room(const struct login *);
enum login_want login_input(struct login *, const void *, size_t n);
/* After LOGIN_HANDSHAKE succeeded. */
enum login_want login_secured(struct login *);
/*
 * The vault's answer. mechanism counts only the first time and must be one
 * that was offered. data is copied; the caller wipes its own. Returns -1 when
 * nothing was asked or the answer cannot be used: *want is then LOGIN_FAILED.
 */
int login_respond(struct login *, struct slice mechanism, struct slice data, enum login_want *want);

/* Forget and wipe what waits in out, once it is written. */
void login_sent(struct login *);
/* Bytes of the server after its last line. */
struct slice login_rest(const struct login *);

/* ---- between login.c, imap_greet.c and smtp_greet.c ---- */
/* An address literal: a client behind NAT has no better name (RFC 5321 s. 4.1.4). */
#define LOGIN_EHLO "EHLO [127.0.0.1]\r\n"

enum login_want login_imap_line(struct login *, struct slice line);
enum login_want login_imap_begin(struct login *, struct slice mechanism, struct slice data);
enum login_want login_imap_secret(struct login *, struct slice secret);
enum login_want login_smtp_line(struct login *, struct slice line);
enum login_want login_smtp_begin(struct login *, struct slice mechanism, struct slice data);

enum login_want login_fail(struct login *, const char *code, struct slice line);
void login_put(struct login *, struct slice);		/* overflow fails the login at its next step */
void login_put_str(struct login *, const char *);
void login_put_base64(struct login *, struct slice);
void login_add_mechanism(struct login *, struct slice name);
bool login_offers(const struct login *, struct slice name);
/*
 * The server refuses the login: true when only the binding can be meant. The
 * vault is asked for another mechanism then, once. Before our proof left every
 * refusal is of that kind, if it does not name the user or password; after it
 * only the words that Cyrus SASL has for nothing else.
 */
bool login_unbound(struct login *, struct slice line);
/* The server says that we are in; with SCRAM only after it has proven itself. */
enum login_want login_accepted(struct login *, struct slice line);
/* A server's challenge: the held response leaves, or the vault is asked. */
enum login_want login_challenged(struct login *, struct slice base64);
void login_hold(struct login *, struct slice);

#endif
