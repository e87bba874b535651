/*
 * window.h - which messages of a link belong here: the policy's first and
 * periodDays, and the folders that are synced.
 *
 * first counts the newest messages of a folder when it is synced first, or when
 * the policy's first is another; the imapd-worker finds the lowest UID of them
 * (first_low). periodDays goes by INTERNALDATE and by the clock. A message is
 * let go when it is older, or below first_low in every folder, or when none of
 * its folders is synced any more; a slice at a time. Its email is destroyed,
 * with blob, texts and index rows; its note stays.
 *
 * A mailbox row remembers by which policy its window was measured
 * (window_first, window_days), so a change is noticed whenever the folder is
 * bound next, and sure_low: nothing from that UID up was let go or left out for
 * its age. A wider window is filled from there down.
 *
 * Not let go: what the server does not know all of yet (an entry of the journal,
 * a copy without UID), what is being sent, what a review waits for.
 */
#ifndef STORE_WINDOW_H
#define STORE_WINDOW_H

#include "db.h"

/* Older than this is not wanted, seconds since 1970; 0: no limit. */
uint64_t window_since(uint32_t link);
/* A header came that is no message known here: does it belong here? When not,
 * it is noted for a wider window. */
bool window_takes(uint32_t link, uint64_t mailbox, uint32_t uid, uint64_t internaldate);
/* This UID is let go, or left out: sure_low goes up to behind it. */
void window_left_out(uint32_t link, uint64_t mailbox, uint32_t uid);
/* The folder's position goes to the worker: make it fit the policy. True: the
 * record changed, the caller writes it. */
bool window_fit(uint32_t link, uint64_t mailbox, struct rec_mailbox *);

/* ---- window_sweep.c ---- */
/* Let go what does not belong here any more, soon and in slices. */
void window_sweep(uint32_t link);
void window_sweep_all(void);	/* after a start, and once an hour */
void window_init(void);

#endif
