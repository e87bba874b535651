/*
 * enums.h - numbers that travel in messages and records. Never renumber: they
 * are stored. The ATS's words for them are in ats-worker/, the admin's in
 * control/.
 */
#ifndef COMMON_ENUMS_H
#define COMMON_ENUMS_H

enum service { SERVICE_IMAP = 1, SERVICE_SMTP = 2 };
enum security { SECURITY_TLS = 1, SECURITY_STARTTLS = 2, SECURITY_NONE = 3 };

/* What ties a login to its TLS connection (RFC 9266, RFC 5929 s. 3). */
enum channel_binding { BINDING_NONE = 0, BINDING_TLS_EXPORTER, BINDING_TLS_UNIQUE };

/* Steps of a link test, in the order they happen. */
enum step {
	STEP_DNS = 1,
	STEP_TCP,
	STEP_TLS,
	STEP_CAPABILITY,
	STEP_AUTH,
	STEP_INBOX,
	STEP_SENT,
	STEP_EHLO,
	STEP_MAIL_FROM
};

/* Types of objects, each with its own /get, /changes and state. */
enum obj_type {
	OBJ_LINK = 1,
	OBJ_CORRESPONDENT,
	OBJ_NOTE,
	OBJ_REVIEW,
	OBJ_MAILBOX,
	OBJ_EMAIL,
	OBJ_THREAD,
	OBJ_IDENTITY,
	OBJ_SUBMISSION,
	OBJ__COUNT
};
#define ACCOUNT_ATS 0	/* the agency's own account; links have their number */
#define UNIT_PROBE 0x80000000u

/* get.parts for OBJ_EMAIL: what a row carries beyond the record's metadata. */
#define GET_EMAIL_PARTS 1u

enum set_action { SET_CREATE = 1, SET_UPDATE, SET_DESTROY, SET_TEST };

enum blob_kind {
	BLOB_RAW = 1,	/* id is a blob number: an upload or a raw message */
	BLOB_PART,	/* id is an email, part its part_id: decoded content */
	BLOB_TEXT	/* id is an email, part its part_id: stored decoded text */
};
#define BLOB_TRUNCATED 1u
#define BLOB_ENCODING_PROBLEM 2u

enum link_mode { MODE_TWO_WAY = 1, MODE_RECEIVE_ONLY, MODE_SEND_ONLY };
enum link_state {
	LINK_CONNECTING = 1,
	LINK_AWAITING_CONSENT,
	LINK_SYNCING,
	LINK_LIVE,
	LINK_PAUSED,
	LINK_NEEDS_USER,
	LINK_OFFLINE
};
enum sync_phase { PHASE_NONE = 0, PHASE_LISTING, PHASE_HEADERS, PHASE_BODIES, PHASE_LIVE };
/* Message watched: the link's record as it is now, or empty when it is removed;
 * count new messages; the submission id with its state and count recipients;
 * count events were left out. */
enum watched { WATCHED_LINK = 1, WATCHED_MAIL, WATCHED_SEND, WATCHED_LOST };
enum content_policy { CONTENT_DEFAULT = 0, CONTENT_ALL, CONTENT_HEADERS, CONTENT_MATCHED };
enum content_state { CONTENT_STATE_HEADER = 1, CONTENT_STATE_FULL, CONTENT_STATE_QUARANTINED };

/* RFC 8621 s. 2 mailbox roles (RFC 6154 special uses). */
enum mailbox_role {
	MBOX_NONE = 0,
	MBOX_INBOX,
	MBOX_SENT,
	MBOX_DRAFTS,
	MBOX_TRASH,
	MBOX_JUNK,
	MBOX_ARCHIVE,
	MBOX_ALL,
	MBOX_FLAGGED,
	MBOX_IMPORTANT
};

enum person_kind { PERSON_CONTACT = 1, PERSON_CANDIDATE };
enum direction { DIRECTION_IN = 1, DIRECTION_OUT };
enum mail_kind { KIND_HUMAN = 1, KIND_AUTO_REPLY, KIND_BOUNCE, KIND_LIST, KIND_UNSURE };

enum review_reason {
	REVIEW_AMBIGUOUS_ADDRESS = 1,
	REVIEW_UNTRUSTED_THREAD,
	REVIEW_UNSURE_REPLY,
	REVIEW_QUARANTINED,
	REVIEW_UNCERTAIN_SEND,
	REVIEW_CHANGE_REFUSED
};
enum review_resolution { RESOLVE_NONE = 0, RESOLVE_FILE, RESOLVE_DISCARD, RESOLVE_SEND_AGAIN, RESOLVE_WAS_SENT };

/* rec part.flags: where RFC 8621 s. 4.1.4 puts the part. */
#define PART_TEXT_BODY 1u
#define PART_HTML_BODY 2u
#define PART_ATTACHMENT 4u
#define PART_DOCUMENT 8u	/* worth filing with a note: no inline images */

/* Kinds of write-back operations (rec pending, message op). */
enum op_kind {
	OP_FLAGS = 1,	/* add and remove flags */
	OP_MOVE,	/* to target */
	OP_COPY,	/* to target */
	OP_EXPUNGE,	/* for good */
	OP_APPEND,	/* data into mailbox */
	OP_FIND		/* the uid of message_id in mailbox; uid 0 when absent */
};
enum op_result { OP_OK = 1, OP_GONE, OP_REFUSED, OP_RETRY };

enum submission_state { SUB_QUEUED = 1, SUB_SENDING, SUB_SENT, SUB_UNCERTAIN, SUB_FAILED, SUB_STOPPED };
enum submission_phase { SUBP_NONE = 0, SUBP_HANDED, SUBP_DATA_SENT, SUBP_ANSWERED };
enum undo_status { UNDO_PENDING = 1, UNDO_FINAL, UNDO_CANCELED };
enum rcpt_state { RCPT_PENDING = 1, RCPT_SENT, RCPT_TEMP, RCPT_FAILED };
enum send_result { SEND_OK = 1, SEND_TEMP, SEND_PERM, SEND_UNCERTAIN };
enum signature_use { SIGNATURE_AUTO = 0, SIGNATURE_ALWAYS, SIGNATURE_NEVER };
#define STOP_ON_REPLY 1u
#define STOP_ON_BOUNCE 2u

enum admin_verb { ADMIN_PROCESSES = 1, ADMIN_TENANTS, ADMIN_RELOAD, ADMIN_VAULT_STATUS, ADMIN_LOG_LEVEL,
	ADMIN_VAULT_LOCK, ADMIN_VAULT_REREAD, ADMIN_VAULT_COUNT, ADMIN_AUDIT_HEAD };
enum process_state { PROC_STARTING = 1, PROC_RUNNING, PROC_STOPPING, PROC_WAITING };

/* message peer.flags */
#define PEER_PRIVATE_OK 1u	/* dialer: this host may be at a private address */

/* cfg_child.sandbox_flags */
#define SANDBOX_PRETEND_61 1u	/* act as on kernel 6.1: no MDWE, Landlock ABI 2 */
#define SANDBOX_CHROOT 2u	/* chroot and change uid: the master is root */

enum log_level { LOG_LVL_ERROR = 0, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };

#endif
