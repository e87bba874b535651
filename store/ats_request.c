/*
 * ats_request.c - what all reading requests share.
 */
#include "ats_request.h"

void
ats_credit(struct chan *c)
{
	ats_blob_credit(c);
	ats_get_credit(c);
}

void
ats_forget(const struct chan *c)
{
	ats_get_forget(c);
	ats_query_forget(c);
	ats_blob_forget(c);
}
