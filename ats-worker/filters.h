/*
 * filters.h - values of filter conditions that several types share.
 */
#ifndef ATS_FILTERS_H
#define ATS_FILTERS_H

#include "jmap_type.h"
#include "word_json.h"

/* An id that is none of ours matches nothing: it becomes UINT64_MAX. */
enum filter_result filter_id(const json_t *, char letter, uint64_t *out);
enum filter_result filter_account(const json_t *, uint32_t *out);
enum filter_result filter_word(const json_t *, word_table, uint8_t *out);
enum filter_result filter_date(const json_t *, uint64_t *out);
enum filter_result filter_text(const json_t *, size_t max, struct slice *out);

#endif
