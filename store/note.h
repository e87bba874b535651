/*
 * note.h - one message files at most one note.
 *
 * "One message" is told by Message-ID, date, sender and correspondent, so that
 * the same message in two linked mailboxes, a folder rebuilt by the server, or
 * a mailbox linked anew does not make a second note.
 */
#ifndef STORE_NOTE_H
#define STORE_NOTE_H

#include "db.h"

struct note_input {
	uint32_t account;
	uint64_t email, thread;
	uint64_t received_at;
	const struct rec_header *header;
	struct slice text;	/* parsed.note_text; empty when only the header is here */
	struct slice parts;	/* list of rec part: PART_DOCUMENT ones are filed */
	uint64_t submission;	/* 0 = none */
	bool backfill;
};

enum note_result { NOTE_NONE, NOTE_FILED, NOTE_KNOWN, NOTE_REVIEW };

/*
 * Match and file, in this turn. Called once the email's row is written; called
 * again when its content arrives (then text and documents of the note are
 * filled in). Ambiguous: a review is opened once, NOTE_REVIEW.
 */
enum note_result note_file(const struct note_input *);
/* File a stored email under one person (a review's decision, backfill). -1: no such email. */
int note_file_stored(uint32_t account, uint64_t email, uint64_t correspondent, bool backfill);
/* File a stored email by its match. */
enum note_result note_match_stored(uint32_t account, uint64_t email, bool backfill);
uint64_t note_of_email(uint32_t account, uint64_t email);	/* 0 = none */
void note_set_submission(uint64_t note, uint64_t submission);
/* forget: the same message may be filed again (its link or person went). */
void note_destroy(uint64_t note, bool forget);
/* All notes of a person, or of an account; at most max; returns how many. */
size_t note_destroy_person(uint64_t correspondent, size_t max);
size_t note_destroy_account(uint32_t account, size_t max);

int note_on_destroy(struct chan *, const union msg *, int *fd);	/* note_destroy */

#endif
