/*
 * quota.h - what one ATS block may take of the host: max-storage and
 * max-submissions of postern.conf(5).
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Is there room for n more bytes of content? Counted is what messages, uploads
 * and texts take in the database (compressed, whole pages; LMDB gives pages
 * back for reuse). Logs once when the limit is reached and once when it is
 * over. Reads the database: call it within a turn.
 */
bool quota_room(size_t n);

/*
 * Count one submission; false: max-submissions of the hour are used up. now is
 * store_ticks(); the window begins with its first submission and is forgotten
 * when the process ends.
 */
bool quota_submission(uint64_t now);

#endif
