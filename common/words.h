/*
 * words.h - the words that an ATS and an administrator read for the numbers of
 * enums.h: the same for both.
 */
#ifndef COMMON_WORDS_H
#define COMMON_WORDS_H

#include "wire.h"

/* A table is indexed by the number and ends with WORDS_END; NULL = no word. */
typedef const char *const *word_table;
extern const char words_end[];
#define WORDS_END words_end

extern word_table words_mode, words_link_state, words_service, words_step, words_security, words_content, words_phase,
    words_person, words_direction, words_mail_kind, words_review_reason, words_change, words_submission_state, words_undo,
    words_signature, words_mailbox_role, words_content_state, words_process;

/* NULL: this number has none. */
const char *word_of(word_table, unsigned int number);
/* The number, or -1 when it is none of the table. */
int word_find(word_table, struct slice word);

#endif
