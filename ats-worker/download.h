/*
 * download.h - the header values of a download that a client's words go into.
 */
#ifndef ATS_DOWNLOAD_H
#define ATS_DOWNLOAD_H

#include <stddef.h>

/* The media type to answer with: the client's, when it is one; else
 * application/octet-stream. -1: it does not fit. */
int download_type(const char *accept, char *out, size_t size);
/* attachment; filename="..."; filename*=UTF-8''... (RFC 6266): nothing in name
 * can end the value. Always fits in 4096. */
void download_disposition(const char *name, char *out, size_t size);

#endif
