/*
 * harness_place.h - what the test harness waits for at one place.
 */
#ifndef MASTER_HARNESS_PLACE_H
#define MASTER_HARNESS_PLACE_H

#include "harness.h"

struct harness_settings {
	uint32_t without;
	char left_out[LIM_NAME + 1];
};
extern struct harness_settings harness_settings;

void harness_answer(uint32_t req, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *harness_label(const struct proc *);

void harness_spawn(uint32_t req, const char *label, enum role, struct tenant *, uint32_t unit, const char *host);
void harness_pid(struct proc *, uint32_t req);
/* Takes *fd (sets it to -1) when it is used. */
void harness_attack(struct proc *, uint32_t req, const char *kind, const char *argument, struct slice data, int *fd);

#endif
