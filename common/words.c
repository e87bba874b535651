#include "words.h"

#include "enums.h"

const char words_end[] = "";

#define WORDS(name, ...)                                                                                               \
	static const char *const name##_table[] = { __VA_ARGS__, WORDS_END };                                          \
	word_table name = name##_table

WORDS(words_mode, [MODE_TWO_WAY] = "twoWay", [MODE_RECEIVE_ONLY] = "receiveOnly", [MODE_SEND_ONLY] = "sendOnly");
WORDS(words_link_state, [LINK_CONNECTING] = "connecting", [LINK_AWAITING_CONSENT] = "awaitingConsent",
    [LINK_SYNCING] = "syncing", [LINK_LIVE] = "live", [LINK_PAUSED] = "paused", [LINK_NEEDS_USER] = "needsUser",
    [LINK_OFFLINE] = "offline");
WORDS(words_service, [SERVICE_IMAP] = "imap", [SERVICE_SMTP] = "smtp");
WORDS(words_step, [STEP_DNS] = "dns", [STEP_TCP] = "tcp", [STEP_TLS] = "tls", [STEP_CAPABILITY] = "capability",
    [STEP_AUTH] = "auth", [STEP_INBOX] = "inbox", [STEP_SENT] = "sent", [STEP_EHLO] = "ehlo",
    [STEP_MAIL_FROM] = "mailFrom");
WORDS(words_security, [SECURITY_TLS] = "tls", [SECURITY_STARTTLS] = "starttls", [SECURITY_NONE] = "none");
WORDS(words_content, [CONTENT_ALL] = "all", [CONTENT_HEADERS] = "headers", [CONTENT_MATCHED] = "matched");
WORDS(words_phase, [PHASE_NONE] = "none", [PHASE_LISTING] = "listing", [PHASE_HEADERS] = "headers",
    [PHASE_BODIES] = "bodies", [PHASE_LIVE] = "live");
WORDS(words_person, [PERSON_CONTACT] = "contact", [PERSON_CANDIDATE] = "candidate");
WORDS(words_direction, [DIRECTION_IN] = "in", [DIRECTION_OUT] = "out");
WORDS(words_mail_kind, [KIND_HUMAN] = "human", [KIND_AUTO_REPLY] = "autoReply", [KIND_BOUNCE] = "bounce",
    [KIND_LIST] = "list", [KIND_UNSURE] = "unsure");
WORDS(words_review_reason, [REVIEW_AMBIGUOUS_ADDRESS] = "ambiguousAddress",
    [REVIEW_UNTRUSTED_THREAD] = "untrustedThread", [REVIEW_UNSURE_REPLY] = "unsureReply",
    [REVIEW_QUARANTINED] = "quarantined", [REVIEW_UNCERTAIN_SEND] = "uncertainSend",
    [REVIEW_CHANGE_REFUSED] = "changeRefused");
WORDS(words_change, [OP_FLAGS] = "keywords", [OP_MOVE] = "move", [OP_COPY] = "copy", [OP_EXPUNGE] = "remove",
    [OP_APPEND] = "create");
WORDS(words_submission_state, [SUB_QUEUED] = "queued", [SUB_SENDING] = "sending", [SUB_SENT] = "sent",
    [SUB_UNCERTAIN] = "uncertain", [SUB_FAILED] = "failed", [SUB_STOPPED] = "stopped");
WORDS(words_undo, [UNDO_PENDING] = "pending", [UNDO_FINAL] = "final", [UNDO_CANCELED] = "canceled");
WORDS(words_signature, [SIGNATURE_AUTO] = "auto", [SIGNATURE_ALWAYS] = "always", [SIGNATURE_NEVER] = "never");
WORDS(words_mailbox_role, [MBOX_INBOX] = "inbox", [MBOX_SENT] = "sent", [MBOX_DRAFTS] = "drafts",
    [MBOX_TRASH] = "trash", [MBOX_JUNK] = "junk", [MBOX_ARCHIVE] = "archive", [MBOX_ALL] = "all",
    [MBOX_FLAGGED] = "flagged", [MBOX_IMPORTANT] = "important");
WORDS(words_content_state, [CONTENT_STATE_HEADER] = "header", [CONTENT_STATE_FULL] = "full",
    [CONTENT_STATE_QUARANTINED] = "quarantined");
WORDS(words_process, [PROC_STARTING] = "starting", [PROC_RUNNING] = "running", [PROC_STOPPING] = "stopping",
    [PROC_WAITING] = "waiting");

const char *
word_of(word_table w, unsigned int number)
{
	for (unsigned int i = 0; w[i] != WORDS_END; i++)
		if (i == number)
			return w[i];
	return NULL;
}

int
word_find(word_table w, struct slice word)
{
	for (int i = 0; w[i] != WORDS_END; i++)
		if (w[i] != NULL && slice_eq_str(word, w[i]))
			return i;
	return -1;
}
