/*
 * warm.h - what the libraries would open or load at their first use, done
 * before the sandbox: converters, types, codecs. Afterwards no call of this
 * program opens a file.
 */
#ifndef MIME_WARM_H
#define MIME_WARM_H

/* Exits when libsodium cannot start. Safe to call again. */
void warm_libraries(void);

#endif
