/*
 * engine.h - the SMTP client (RFC 5321, 1870, 2920, 6531) on a stream that is
 * logged in: EHLO, then items one after the other, or a probe of MAIL FROM.
 *
 * It knows no descriptors: bytes of the server go in, bytes for it are added
 * to an evbuffer, and the owner says when that buffer was written whole. Every
 * item ends with exactly one done, whatever happens to the connection.
 *
 * The final dot: after all of the message but the dot is written, data_sent is
 * told; the dot leaves only after engine_go. From then on a lost connection
 * means uncertain, before it means "not sent, try again".
 */
#ifndef SMTP_WORKER_ENGINE_H
#define SMTP_WORKER_ENGINE_H

#include <event2/buffer.h>

#include "body.h"
#include "dot.h"
#include "enums.h"
#include "limits.h"
#include "reply.h"
#include "verdict.h"

#define ENGINE_FILL 65536	/* bytes of a message queued at once */

/* One message to send. Owned by the caller, unchanged until done. */
struct item {
	uint64_t submission;
	char from[LIM_ADDRESS + 1];
	char (*rcpts)[LIM_ADDRESS + 1];
	size_t n_rcpts;		/* 1 to LIM_RCPTS */
	bool utf8;		/* an address needs RFC 6531 */
	struct body body;
};

struct engine_ops {
	/* code "" = accepted; reply 0 = not asked, the address cannot be said */
	void (*rcpt)(void *ctx, size_t index, unsigned int reply, const char *code, const char *text);
	void (*data_sent)(void *ctx);
	void (*done)(void *ctx, enum send_result, unsigned int reply, const char *code, const char *text);
	/* Ready for the next item. */
	void (*idle)(void *ctx);
	/* A step of a probe; EHLO also outside of one, when it fails. */
	void (*step)(void *ctx, enum step, bool ok, const char *code, const char *text);
	/* No more use; close the stream. Called once, never from engine_lost. */
	void (*over)(void *ctx);
};

enum engine_state {
	ENGINE_EHLO,
	ENGINE_IDLE,
	ENGINE_MAIL,
	ENGINE_RCPT,
	ENGINE_DATA,
	ENGINE_BODY,		/* the message is being written */
	ENGINE_WAIT_GO,		/* all but the dot is written */
	ENGINE_DOT,		/* the dot may be on its way */
	ENGINE_RSET,
	ENGINE_QUIT,
	ENGINE_DEAD
};

struct engine {
	const struct engine_ops *ops;
	void *ctx;
	struct evbuffer *out;	/* the owner's */
	enum engine_state state;
	bool probe;
	char probe_from[LIM_ADDRESS + 1];
	struct reply reply;

	bool pipelining, size, eightbit, smtputf8;
	uint64_t size_limit;	/* 0 = none told */

	const struct item *item;
	size_t asked;		/* RCPTs written */
	size_t answered, accepted;
	bool mail_failed;	/* pipelined replies still to come mean nothing */
	struct verdict verdict;	/* of MAIL, or the mildest of the refused RCPTs */
	unsigned int verdict_reply;
	char verdict_text[LIM_DETAIL + 1];
	struct dot dot;
};

/* probe_from: NULL, or the address of a probe. Starts with EHLO. */
void engine_start(struct engine *, const struct engine_ops *, void *ctx, struct evbuffer *out, const char *from,
    bool probe);
/* Only when idle. False: done was told already, without asking the server;
 * the engine is idle still. */
bool engine_send(struct engine *, const struct item *);
void engine_go(struct engine *);	/* the store has committed: write the dot */
void engine_input(struct engine *, struct slice);
void engine_drained(struct engine *);	/* all of out is written */
void engine_lost(struct engine *);	/* end of file, error or deadline */
void engine_quit(struct engine *);	/* when idle, else it is as if lost */
/* RFC 5321 s. 4.5.3.2: how long the server may take now; 0 = not waited for. */
unsigned int engine_patience(const struct engine *);

/* ---- between engine.c and transaction.c ---- */
void engine_die(struct engine *);
void engine_reply_mail(struct engine *);
void engine_reply_rcpt(struct engine *);
void engine_reply_data(struct engine *);
void engine_reply_dot(struct engine *);
void engine_item_done(struct engine *, enum send_result, unsigned int reply, const char *code, const char *text);
/* Free of bytes that would leave the command. */
bool engine_address_ok(const char *);

#endif
