/*
 * stream.h - the engine on a descriptor: bytes in and out on the event loop,
 * and the server's patience. One stream at a time in this process.
 */
#ifndef SMTP_WORKER_STREAM_H
#define SMTP_WORKER_STREAM_H

#include "engine.h"

/* Takes fd over and starts the engine. on_gone: called once when the stream
 * is closed for whatever reason but stream_close; the engine's item was given
 * back before. -1: no memory, fd is closed. */
int stream_open(int fd, const struct engine_ops *, const char *from, bool probe, void (*on_gone)(void));
/* As lost for the engine, without on_gone. */
void stream_close(void);
/* The engine of the open stream, or NULL. */
struct engine *stream_engine(void);
/* After a call into the engine from outside: set the clock anew. */
void stream_touch(void);

#endif
