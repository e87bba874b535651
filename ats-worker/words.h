/*
 * words.h - the ATS's words for the numbers of enums.h.
 */
#ifndef ATS_WORDS_H
#define ATS_WORDS_H

#include <jansson.h>

/* A table is indexed by the number and ends with WORDS_END; NULL = no word. */
typedef const char *const *words;
extern const char words_end[];
#define WORDS_END words_end

extern words words_mode, words_link_state, words_security, words_content, words_phase, words_person, words_direction,
    words_mail_kind, words_review_reason, words_submission_state, words_undo, words_signature, words_mailbox_role,
    words_content_state;

/* The word, or null for a number without one. */
json_t *word_json(words, unsigned int number);
/* The number, or -1 when v is no string of the table. */
int word_number(words, const json_t *v);

#endif
