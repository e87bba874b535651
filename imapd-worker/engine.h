/*
 * engine.h - the IMAP engine of one link: one connection, one state machine.
 *
 * Nothing here blocks. Every event (a response, a message of the store, a
 * timer, credits) ends in engine_turn(), which issues what may be issued now.
 * Work is cut into tasks: a round over one folder, one write-back operation,
 * a handful of bodies, a poll. A task runs until it has no command pending;
 * only then the next is chosen, by urgency. What is true across a lost
 * connection is kept by the store as positions; a new connection lists the
 * folders again and goes on from there.
 */
#ifndef IMAPD_ENGINE_H
#define IMAPD_ENGINE_H

#include "folders.h"
#include "imap_command.h"
#include "quirks.h"
#include "report.h"
#include "stream.h"
#include "uidset.h"

struct event;
struct watch;

enum engine_state {
	ENGINE_OFF,		/* no store or no configuration */
	ENGINE_WANTED,		/* a stream is on its way */
	ENGINE_BACKOFF,		/* waiting before the next try */
	ENGINE_CAPABILITY,
	ENGINE_LIST,
	ENGINE_STATUS,		/* of each folder, where LIST did not bring MAILBOXID */
	ENGINE_BIND,		/* waiting for mailbox_bound of the selectable folders */
	ENGINE_RUN,
	ENGINE_PROBE,		/* SELECT inbox, SELECT sent, done */
	ENGINE_LEAVE		/* LOGOUT is on its way */
};

enum task { TASK_NONE, TASK_SELECT, TASK_ROUND, TASK_OP, TASK_BODIES, TASK_POLL, TASK_NOTIFY, TASK_COMPRESS };
/* NOTIFY: may be asked, is asked, works, was taken back by the server, does not work. */
enum notify_state { NOTIFY_OFF, NOTIFY_ASKED, NOTIFY_ON, NOTIFY_OVER, NOTIFY_REFUSED };
/* COMPRESS: may be asked, is asked, does not work or is on. */
enum compress_state { COMPRESS_OFF, COMPRESS_ASKED, COMPRESS_SETTLED };
enum idle_state { IDLE_OFF, IDLE_ASKED, IDLE_ON, IDLE_ENDING };

/* What the server said of the selected folder since SELECT. */
struct selected {
	struct folder *folder;	/* NULL: none */
	bool untied;		/* INBOX, selected before LIST has told of it */
	uint32_t uidvalidity, uidnext, exists;
	uint64_t modseq;	/* at SELECT; 0: it has none */
	bool read_only, keywords_any;
	uint32_t known;		/* messages up to the position: those behind them are news */
	/* events that ask for a round */
	bool arrived, expunged, flags_unknown;
	uint64_t arrived_at;
	bool by_round;		/* what arrived does not come by itself */
	uint32_t seq_low, seq_high;	/* messages whose flags changed, without a UID */
};

enum round_phase {
	ROUND_START,
	ROUND_TOP,
	ROUND_WINDOW,
	ROUND_FLAGS,
	ROUND_UIDS,
	ROUND_NEW,
	ROUND_BACKFILL,
	ROUND_END
};

enum round_kind {
	ROUND_QUICK,	/* only what the events said */
	ROUND_FULL,	/* everything that may have changed since the position */
	ROUND_RESUME	/* go on with the backfill */
};

/* One look at the selected folder, sync.c. */
struct round {
	enum round_kind kind;
	enum round_phase phase;
	bool changed;		/* something was told to the store */
	/* what is to be looked at, taken from the events or decided at the start */
	bool arrived, all_flags, list, some_flags;
	uint32_t seq_low, seq_high;
	/* slices of the current phase */
	uint32_t known_next;	/* uidnext when the round began */
	uint32_t exists, news;	/* EXISTS then; messages that came since the position */
	uint32_t next, width;	/* cursor, UIDs in one slice */
	uint32_t edge;		/* as far as slices are finished, in any order */
	bool asked, exhausted;	/* the phase has issued a command; all of them */
	bool no_search;		/* the server does not answer UID SEARCH */
	bool hole;		/* a slice was refused: go back to the position */
	bool again;		/* changes were refused while news came: list all before the end */
	unsigned int tries;
	uint32_t window;	/* lowest UID wanted */
	uint32_t below, below_low;	/* young mail below the window: looked at down to here; lowest found */
	bool below_sure;		/* there is none */
	uint64_t top_modseq;
	uint32_t top_uid;
	struct uidset set;	/* UIDs of the slice being listed */
};

/* Connections lost in a row while headers of one folder were asked for. */
struct slice_drops {
	uint64_t mailbox;	/* 0: none */
	enum command command;
	unsigned int count;
	uint32_t far;		/* the slices under way went as far as this UID */
	uint32_t uid;		/* asked for alone, */
	unsigned int alone;	/* and so often lost */
};

/* A header that is refused when it is asked for alone. */
struct slice_refusal {
	uint64_t mailbox;
	uint32_t uid;
	unsigned int count;	/* connections */
};

/* A message of which the server had neither a header nor a byte. */
struct slice_hollow {
	uint64_t mailbox;
	uint32_t uid;
};

/* body_want */
struct want {
	uint64_t mailbox;
	uint32_t uidvalidity, uid;
	uint32_t size;		/* 0: not known */
	bool backfill;		/* old mail: nobody waits for it */
	bool asked, seen;	/* its size */
	uint32_t tag;		/* of the FETCH that asks for it; 0: none */
	bool told;		/* that FETCH has said something of it */
	bool answered;
	bool alone;		/* in one command with others it failed */
	unsigned int tries;	/* connections lost while only it was still to come */
};

/* A write-back operation, copied from the store's message. */
struct operation {
	STAILQ_ENTRY(operation) entry;
	uint64_t op, mailbox, target, internaldate;
	uint8_t kind;
	uint32_t uidvalidity, uid, size;
	char *flags_add, *flags_del, *message_id;	/* owned */
	struct body data;
	/* progress */
	bool exists;		/* the message was looked for, and seen */
	bool unkept;		/* its flags are not what was asked for */
	bool copied;		/* COPYUID or APPENDUID came, or the copy is sure otherwise */
	bool by_hand;		/* a move without MOVE: COPY, then EXPUNGE */
	unsigned int lost;	/* connections lost between the two */
	size_t most;		/* done with at most so many: larger batches were refused */
	uint32_t result_validity, result_uid;
};

#define OPS_SET (2 * LIM_OP_BATCH)	/* ranges of a search: half of them are kept when more are found */

/* Operations that one sequence of commands does together, ops.h. */
struct op_batch {
	size_t n;		/* the first n of the queue; 0: none is under way */
	struct uidset set;	/* UIDs of the command being written, or what a search found */
	unsigned int step;
	bool sent;		/* something that changes the server is on its way */
	bool looked;		/* the messages were looked for */
	bool unclear;		/* whose the found ones are was not told */
	bool marked;		/* \Deleted was set for it */
	unsigned int expunges;	/* asked for so often */
	/* Without UIDPLUS: what else is marked as deleted was asked, and is there;
	 * so ours are only marked. */
	bool asked_marked, others_marked, only_mark;
	enum op_result failure;	/* 0: none */
	bool whole;		/* the refusal concerns the folder, not a message */
	const char *code;
	char detail[LIM_DETAIL + 1];
};

struct engine_host {
	void (*want_stream)(void *ctx);
	void (*want_watch)(void *ctx);	/* the second connection, watch.h */
	void (*leave)(void *ctx);	/* nothing more to do: end the process */
};

struct engine {
	const struct engine_host *host;
	void *host_ctx;
	struct report report;
	struct stream stream;
	struct imap_writer writer;
	struct imap_response response;
	enum engine_state state;
	enum task task;
	bool in_turn;

	/* configuration, sync_config */
	bool configured, relist;
	bool probe, all_folders;
	uint32_t first, period_days;
	struct wbuf inbox, sent, also;
	struct wbuf server;		/* name of the host */

	/* connection */
	uint32_t caps;
	struct quirks quirks;
	struct wbuf scratch;		/* a name while it is looked at */
	bool list_plain;		/* LIST takes no options */
	bool foreign_asked;		/* roots of others are listed too */
	bool told;			/* capabilities come by themselves */
	bool timed;			/* rtt_ms is of this connection */
	uint64_t asked_at, rtt_ms;	/* the first command, and how long its answer took */
	unsigned int reach;		/* commands for headers or contents beyond the usual number */
	enum compress_state compress;
	struct {
		uint64_t since, bytes;	/* since 0: not looking */
		bool slow;
	} line;
	bool condstore, qresync, was_live, live;
	bool no_sent_told, no_all_told;	/* no folder is Sent, or All Mail, and the store knows */
	unsigned int fails;		/* connections lost in a row */
	uint64_t up_since, list_at, proof_at, noop_at;
	uint64_t whole_at, whole_told;	/* fresh.c: as last told, and when */
	uint64_t moved, moved_at;	/* the stall clock */
	uint64_t step_since;		/* probe */
	unsigned int probe_stage;
	struct event *timer;
	struct watch *watch;		/* NULL: never needed */

	struct folders folders;
	struct folders before;		/* those of the list before, until this one is complete */
	size_t cursor;			/* next folder to ask for its STATUS */
	struct folder *wanted;		/* being selected */
	const char *refusal;		/* why the last SELECT was refused */
	struct selected sel;
	struct round round;
	struct slice_drops drops;
	struct slice_refusal unread;
	struct slice_hollow hollow;
	enum idle_state idle;
	enum notify_state notify;
	bool notify_plain;		/* the server does not send headers of news by itself */
	bool look_around;		/* something vanished: was it moved elsewhere? */
	bool look_labels;		/* something happened, and folders are labels: in which others? */
	bool ask_names, names_new;	/* perhaps to a folder made since LIST; there is one */
	uint32_t progress_done, progress_total;

	STAILQ_HEAD(, operation) ops;
	size_t nops;
	uint64_t ops_since, ops_at;	/* the first and the last came that no batch was formed of */
	struct op_batch doing;
	struct want *wants;
	size_t nwants, wants_cap;
	size_t nurgent;			/* of those without an answer: not backfill */
	size_t batch;			/* the first wants are being fetched, */
	uint64_t mailbox;		/* all of this folder */
	unsigned int first_bodies;	/* of old mail, before all headers were there: up to LIM_FIRST_BODIES */
};

void engine_init(struct engine *, const struct engine_host *, void *host_ctx);
void engine_free(struct engine *);

/* ---- events ---- */
void engine_set_store(struct engine *, struct chan *);	/* NULL: the store is gone */
void engine_config(struct engine *, const struct msg_sync_config *);
void engine_bound(struct engine *, const struct msg_mailbox_bound *);
/* -1: more than LIM_IMAP_WANTS or LIM_IMAP_OPS, the store does not keep to its window. */
int engine_body_want(struct engine *, const struct msg_body_want *);
int engine_op(struct engine *, const struct msg_op *, struct body *);	/* takes the body over */
/* told: the stream begins with an untagged OK and the server's capabilities. */
void engine_stream_up(struct engine *, int fd, bool told);
void engine_stream_failed(struct engine *, struct slice code, struct slice detail);
void engine_credit(struct engine *);
void engine_drain(struct engine *);	/* LOGOUT, then host->leave */

/* ---- between the files of the engine ---- */
void engine_turn(struct engine *);
/* Give the connection up: tell the store why (code NULL: nothing), back off. */
void engine_drop(struct engine *, const char *code, struct slice detail);
/* The connection is unusable because of this answer. */
void engine_protocol_error(struct engine *, const char *what);
void engine_wake_in(struct engine *, uint64_t ms);
bool engine_open(const struct engine *);	/* the stream is there and usable */
bool engine_blocked(const struct engine *);	/* nothing is read now: the store has enough to do */
/* Codes of field.md F for a refusal. */
const char *engine_code(const struct imap_response *, const char *otherwise);
bool engine_temporary(const struct imap_response *);
void engine_sync_error(struct engine *, uint64_t mailbox, const char *code, struct slice detail);
/* Retry delay with jitter, ms. */
uint64_t engine_backoff(unsigned int fails);
/* Between two looks at all of the inbox: IDLE is renewed by it too. */
uint64_t engine_proof_ms(const struct engine *);

/* pause.c: least wait after this refusal, ms; 0: none but the usual. text is the server's. */
uint64_t pause_for(const char *code, struct slice text);

/* reach.c: how many commands for headers or contents may be on their way, where
 * near is enough for a near server. */
unsigned int reach_of(const struct engine *, unsigned int near);
void reach_answered(struct engine *, const struct pending *);

/* schedule.c: continue the task, or choose the next by urgency */
void schedule_run(struct engine *);
bool schedule_bodies(const struct engine *);	/* bodies are next, or old headers are */
bool schedule_urgent(struct engine *);	/* something goes before the contents of old mail */

/* session.c: who gets what the server says */
void session_response(struct engine *, struct imap_response *);
void session_tagged(struct engine *, const struct pending *, struct imap_response *);
/* hello.c: from the first byte to ENGINE_RUN */
void session_start(struct engine *, bool told);
void session_turn(struct engine *);
void session_list(struct engine *);	/* (again) from LIST on */
void session_bound(struct engine *);	/* another folder has its number */
void hello_who(struct imap_writer *);		/* ID */
void hello_capable(struct engine *);	/* CAPABILITY is answered */
void hello_told(struct engine *, const struct imap_response *);	/* the first line, where it should have them */
void hello_server(struct engine *, const struct imap_server *);
void hello_enabled(struct engine *, uint32_t caps);
void hello_list(struct engine *, const struct imap_list *);
void hello_listed(struct engine *, const struct imap_response *);
void hello_namespaces(struct engine *, const struct imap_spaces *);
void hello_status(struct engine *, const struct imap_mailbox_status *);
void hello_status_ask(struct engine *, struct folder *, enum command);
bool hello_changed(struct engine *, struct folder *);
/* names.c: the list again, only to see whether folders were made */
void names_ask(struct engine *);
void names_row(struct engine *, const struct imap_list *);
void names_tagged(struct engine *);
/* probe.c: a link test */
void probe_turn(struct engine *);
void probe_failed(struct engine *, enum step, const char *code, struct slice detail);

/* select.c */
bool select_folder(struct engine *, struct folder *);	/* true: it is selected */
/* INBOX (folder NULL) before it is listed; when it is, tie the command to it, and
 * when it has its number, settle what SELECT told. What happens in it between
 * its SELECT and that is missed: it is selected again in its turn. */
void select_begin(struct engine *, struct folder *);
void select_tie(struct engine *, struct folder *);
void select_missed(struct engine *);
void select_settled(struct engine *);
void select_response(struct engine *, const struct imap_response *);
void select_tagged(struct engine *, const struct pending *, const struct imap_response *);
void select_leave(struct engine *);	/* the connection has no folder now */

/* rows.c: untagged data of the selected folder */
void rows_fetch(struct engine *, const struct imap_response *);
void rows_exists(struct engine *, uint32_t n);
void rows_expunge(struct engine *, uint32_t seq);
bool rows_hollow(const struct imap_fetch *);	/* of a message nothing is there */
void rows_header(struct engine *, const struct imap_fetch *, bool backfill);	/* told to the store */
void rows_vanished(struct engine *, struct slice set, bool earlier);
void rows_search(struct engine *, struct imap_response *);

/* sync.c */
void sync_start(struct engine *, enum round_kind);	/* on the selected folder */
bool sync_turn(struct engine *);		/* true: the round is over */
void sync_tagged(struct engine *, const struct pending *, const struct imap_response *);
/* Told by a round, for progress. */
void sync_progress(struct engine *, enum sync_phase);
/* sync_window.c: where the wanted past begins. True: that is over. */
bool window_measure(struct engine *);
void window_tagged(struct engine *, const struct pending *, bool ok);
bool window_reached(const struct engine *);	/* by the backfill, and proven */
bool window_below(struct engine *);		/* prove it; may move the window down */
void window_row(struct engine *, const struct imap_fetch *);
void window_below_done(struct engine *, const struct pending *, bool ok);
/* sync_slice.c: the slices of a round */
bool sync_new(struct engine *);
bool sync_backfill(struct engine *);
void sync_header_items(struct engine *, bool modseq);	/* writes what is asked of a message */
bool sync_more_urgent(struct engine *);	/* leave the backfill for something else */
void sync_slice_done(struct engine *, const struct pending *, bool ok);
void sync_slice_dropped(struct engine *);	/* the connection is gone */
/* sync_list.c: listing slices, flags or bare UIDs */
bool sync_changes(struct engine *);
void sync_list_done(struct engine *, const struct pending *, bool ok);
/* Tell the store the folder's position. */
void sync_position(struct engine *, struct folder *);

/* live.c */
bool live_event(const struct engine *);		/* the selected folder changed */
bool live_poll_due(struct engine *);
uint64_t live_next_due(const struct engine *);	/* monotonic ms of the next thing to do */
void live_poll(struct engine *);
void fresh_tell(struct engine *);	/* fresh.c: how fresh the link is, if that is news */
void live_looked_at(const struct engine *, struct folder *);	/* the next poll is a while away */
void live_status(struct engine *, struct folder *, const struct imap_mailbox_status *);
bool live_differs(const struct engine *, const struct folder *, const struct imap_mailbox_status *);
void live_idle(struct engine *);
void live_idle_break(struct engine *);
void live_tagged(struct engine *, const struct pending *, const struct imap_response *);

/* notify.c */
bool notify_due(const struct engine *);
void notify_set(struct engine *);
bool notify_watches(const struct engine *, const struct folder *);	/* its changes come by themselves */
void notify_tagged(struct engine *, const struct imap_response *);
void notify_overflow(struct engine *);
bool notify_brings_headers(const struct engine *);	/* of what arrives in the selected folder */
/* The header of new message seq, which nobody asked for: true if it was taken. */
bool notify_news(struct engine *, const struct imap_fetch *, uint32_t seq);

/* compress.c: COMPRESS=DEFLATE (RFC 4978), where it pays */
bool compress_possible(const struct engine *);	/* the server could, and is far away */
void compress_look(struct engine *);		/* at the line's speed */
bool compress_due(const struct engine *);
void compress_begin(struct engine *);
void compress_tagged(struct engine *, const struct imap_response *);

/* bodies.c */
bool bodies_due(const struct engine *);		/* before the headers of old mail */
bool bodies_left(const struct engine *);	/* any */
bool bodies_turn(struct engine *);	/* true: the batch is over */
void bodies_start(struct engine *);
void bodies_size(struct engine *, uint32_t uid, uint32_t size);
bool bodies_row(struct engine *, const struct imap_fetch *);
void bodies_tagged(struct engine *, const struct pending *, const struct imap_response *);
void bodies_dropped(struct engine *, bool protocol);	/* the connection is gone */
void bodies_clear(struct engine *);

/* ops.c */
bool ops_due(const struct engine *);	/* gathered, or gathered for long enough */
uint64_t ops_due_at(const struct engine *);	/* UINT64_MAX: there are none */
bool ops_turn(struct engine *);		/* true: a batch is over */
void ops_row(struct engine *, const struct imap_fetch *);
void ops_untagged(struct engine *, const struct imap_response *);
void ops_marked(struct engine *, uint32_t first, uint32_t last);	/* these carry \Deleted */
void ops_tagged(struct engine *, const struct pending *, const struct imap_response *);
void ops_dropped(struct engine *);	/* the connection is gone */
void ops_clear(struct engine *);

#endif
