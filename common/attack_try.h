/*
 * attack_try.h - what the expressions of attack.def call. Each returns as a
 * system call does: -1 with errno when it was refused.
 */
#ifndef COMMON_ATTACK_TRY_H
#define COMMON_ATTACK_TRY_H

#include "attack_private.h"

#include <sys/types.h>
#include <time.h>

#define TRY_NONE (-2)	/* nothing to try it on: impossible by construction */
#define TRY_LIMIT (-3)	/* stopped by a limit; the text says which */
#define TRY_PART (-4)	/* it happened, within what the text says */

extern char try_space[4096];		/* whatever a call wants to write or read; zeroed before each attempt */
extern const struct timespec try_no_time;	/* a time that cannot be set */
extern char *const try_argv[];		/* { "sh", NULL } */
struct sockaddr;

const char *try_path(struct attack *, const char *key);
struct sockaddr *try_loopback(const struct attack *);	/* port= of the order */
struct sockaddr *try_abstract(const struct attack *);	/* abstract= of the order */

/* attack_files.c */
long try_openat2(void);
long try_handle(void);
long try_own_files(struct attack *);
long try_stderr(struct attack *);
long try_walk_up(void);
long try_fill_disk(struct attack *);

/* attack_net.c */
long try_connect(int fd, struct sockaddr *);
long try_fastopen_sendto(int fd, struct sockaddr *);
long try_fastopen_sendmsg(int fd, struct sockaddr *);
long try_fastopen_again(int fd, struct sockaddr *);
long try_bind(int fd);
long try_filter(int fd);

/* attack_process.c */
long try_gone(long pid);	/* in the child: gone at once */
long try_vfork(void);
long try_clone3(void);
long try_thread(void);
long try_sigqueue(pid_t);
long try_vm(long nr, pid_t);
long try_proc(pid_t, const char *file);
long try_realtime(void);
long try_capset(void);
long try_setrlimit(void);
long try_prlimit(pid_t);
long try_seccomp(void);
long try_int80(void);
long try_core(void);
long try_io_uring(struct attack *);

/* attack_memory.c */
unsigned long try_page(void);	/* a page that was written to */
long try_map_memfd(void);
long try_load_library(struct attack *);
long try_much_memory(struct attack *);
long try_much_heap(struct attack *);
long try_many(struct attack *, long (*make)(void));
long try_memfd(void);
long try_dup(void);
long try_socket(void);
long try_big_memfd(struct attack *);

#endif
