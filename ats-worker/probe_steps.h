/*
 * probe_steps.h - the steps of a link test, and an error of the code table, as
 * JSON.
 */
#ifndef ATS_PROBE_STEPS_H
#define ATS_PROBE_STEPS_H

#include <jansson.h>

#include "messages.h"

/* {service, step, ok, code, hint, detail, ms}; code and hint null when ok. */
json_t *probe_step_json(const struct msg_probe_step *);
/* {code, class, hint, detail, since}, or null when there is no error. */
json_t *error_json(struct slice code, struct slice detail, uint64_t since);

#endif
