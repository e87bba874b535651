/*
 * imap_command.h - commands to the server: one place that quotes, tags and
 * remembers what is pending. Callers give values, never protocol text made
 * of outsiders' bytes.
 *
 * Commands are pipelined up to LIM_IMAP_PENDING. A command with a
 * synchronising literal (RFC 3501 s. 4.3) keeps the rest of its bytes back
 * until the server's "+"; until then nothing else may be written, and
 * imap_can_begin() is false.
 */
#ifndef IMAPD_IMAP_COMMAND_H
#define IMAPD_IMAP_COMMAND_H

#include "body.h"
#include "imap_response.h"
#include "limits.h"

struct evbuffer;
struct folder;

enum command {
	CMD_NONE,
	CMD_CAPABILITY,
	CMD_ENABLE,
	CMD_LIST,
	CMD_ID,
	CMD_NAMESPACE,
	CMD_STATUS,	/* STATUS after LIST */
	CMD_UNSELECT,
	CMD_SELECT,
	CMD_TOP,	/* FETCH of the last message's UID, for servers without UIDNEXT */
	CMD_WINDOW,	/* FETCH of one sequence number's UID */
	CMD_SINCE,	/* UID SEARCH SINCE */
	CMD_BELOW,	/* dates below the window */
	CMD_NEW,	/* headers above the position */
	CMD_BACKFILL,	/* headers below it */
	CMD_CHANGES,	/* flags changed since a MODSEQ */
	CMD_FLAGS,	/* flags of a slice, all of them */
	CMD_FLAGS_SEQ,	/* flags by sequence number */
	CMD_UIDS,	/* UID SEARCH of a slice */
	CMD_SIZES,	/* sizes before bodies */
	CMD_BODY,
	CMD_NAMES,	/* LIST: is there a folder that we do not know? */
	CMD_POLL,	/* STATUS of a folder that is not selected */
	CMD_NOOP,
	CMD_IDLE,
	CMD_NOTIFY,
	CMD_COMPRESS,
	CMD_OP,		/* a step of a write-back operation */
	CMD_OP_LOOK,	/* FETCH of an operation's message */
	CMD_OP_FIND,	/* SEARCH of an operation's Message-ID */
	CMD_OP_MARKED,	/* SEARCH for what carries \Deleted */
	CMD_LOGOUT
};

struct pending {
	uint32_t tag;
	enum command command;
	struct folder *folder;
	uint32_t low, high;	/* UIDs (or sequence numbers) it asks for */
	uint32_t rows;		/* answers seen so far */
	uint64_t begun_at;	/* clock_ms */
	bool answered;		/* a SEARCH or ESEARCH came, if only an empty one */
	bool hollow;		/* of a message nothing was there: ask again */
};

struct imap_writer {
	struct evbuffer *out;	/* the stream writes it */
	struct evbuffer *held[1 + LIM_COMMAND_LITERALS];	/* each but the first begins with a literal */
	unsigned int nheld;
	uint32_t last_tag;
	uint32_t caps;		/* CAP_*, by imap_writer_caps: whether literals need to wait */
	bool utf8;		/* names and quoted strings may be UTF-8 (RFC 6855) */
	bool refused;		/* the command being written cannot be expressed */
	struct pending pending[LIM_IMAP_PENDING];
	unsigned int npending;
};

/* out is borrowed. */
void imap_writer_init(struct imap_writer *, struct evbuffer *out);
void imap_writer_reset(struct imap_writer *);	/* a new connection */
void imap_writer_caps(struct imap_writer *, uint32_t caps);	/* what the server offers there */
bool imap_can_begin(const struct imap_writer *);

/* Write "Pn " and return the entry, valid until a command ends. Never NULL:
 * ask imap_can_begin first. */
struct pending *imap_begin(struct imap_writer *, enum command);
void imap_text(struct imap_writer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void imap_astring(struct imap_writer *, struct slice);	/* quoted, or a literal when that is not enough */
/* A name in modified UTF-7; written as UTF-8 where the server wants it so. */
void imap_mailbox(struct imap_writer *, struct slice raw_name);
/* Flags joined by spaces, in parentheses; refuses what is no flag. */
void imap_flags(struct imap_writer *, struct slice);
/* A message as a literal; takes the body over. */
void imap_literal(struct imap_writer *, struct body *);
/* Write the line end. -1: something was refused, nothing was sent or is pending. */
int imap_end(struct imap_writer *);
void imap_done(struct imap_writer *);	/* end of IDLE, RFC 2177 */

/* The server said "+": 0, or -1 when no command waits for it. */
int imap_continue(struct imap_writer *);
/* Take the entry of a tagged answer out of the table; -1: nobody asked. */
int imap_finish(struct imap_writer *, uint32_t tag, struct pending *out);
/* The oldest pending entry of that command, or NULL. */
struct pending *imap_pending(struct imap_writer *, enum command);
/* How many of that command are pending. */
unsigned int imap_in_flight(const struct imap_writer *, enum command);
/* The entry of that command which asked for this UID, or NULL. */
struct pending *imap_pending_uid(struct imap_writer *, enum command, uint32_t uid);

/* True for a flag that may be written: an atom, "\" first allowed. */
bool imap_flag_valid(struct slice);

#endif
