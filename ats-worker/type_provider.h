/*
 * type_provider.h - the methods of Provider.
 */
#ifndef ATS_TYPE_PROVIDER_H
#define ATS_TYPE_PROVIDER_H

struct jmap_call;

void provider_get_run(struct jmap_call *);
void provider_query_run(struct jmap_call *);
/* {address} -> {candidates: [{origin: "preset"|"guess", provider, imap, smtp, ...}]} */
void provider_discover_run(struct jmap_call *);

#endif
