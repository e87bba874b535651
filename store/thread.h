/*
 * thread.h - which emails belong together (RFC 8621 s. 3).
 *
 * By the server's THREADID or X-GM-THRID when it gives one, else by Message-ID,
 * In-Reply-To and References. A thread id of an email never changes.
 */
#ifndef STORE_THREAD_H
#define STORE_THREAD_H

#include "db.h"

/* The thread of a new message, made when there is none: then its number is
 * higher than those given before. threadid may be empty. */
uint64_t thread_find(uint32_t account, const struct rec_header *, struct slice threadid, uint64_t gm_thrid);
/* An email joins or leaves; the thread's changes are recorded here. made_for_it:
 * by thread_find in this turn. */
void thread_add(uint32_t account, uint64_t thread, uint64_t received_at, uint64_t email, bool made_for_it);
void thread_remove(uint32_t account, uint64_t thread, uint64_t received_at, uint64_t email);
/* The last email of a thread is gone: forget the ids that led to it. */
void thread_forget(uint32_t account, uint64_t thread, const struct rec_header *);
/* Oldest first, at most LIM_IDS packed ids into out. Returns how many. */
size_t thread_emails(uint32_t account, uint64_t thread, struct wbuf *out);

#endif
