/*
 * error_codes.h - what a link's error code means to the person who sees it:
 * its class and one next action. Shared by the ATS socket and posternctl.
 */
#ifndef COMMON_ERROR_CODES_H
#define COMMON_ERROR_CODES_H

#include "wire.h"

/*
 * Class: U the user acts, I the customer's IT acts, A the gateway's admin
 * acts, T temporary (retried), P permanent for this item, W a warning.
 */
struct error_code {
	const char *code;
	char class;
	const char *hint;	/* one plain sentence */
};

/* Never NULL: an unknown code gets the row of class T that says so. */
const struct error_code *error_code_find(struct slice code);

/* All rows in order, for tables and tests; NULL after the last. */
const struct error_code *error_code_at(size_t i);

#endif
