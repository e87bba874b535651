/*
 * word_json.h - words of enums.h (words.h) as the ATS's JSON.
 */
#ifndef ATS_WORD_JSON_H
#define ATS_WORD_JSON_H

#include <jansson.h>

#include "words.h"

/* The word, or null for a number without one. */
json_t *word_json(word_table, unsigned int number);
/* The number, or -1 when v is no string of the table. */
int word_number(word_table, const json_t *v);

#endif
