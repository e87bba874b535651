/*
 * ctl_audit.h - the audit log, read by root from its files.
 */
#ifndef CONTROL_CTL_AUDIT_H
#define CONTROL_CTL_AUDIT_H

#include "audit_check.h"

#define AUDIT_DIR "/var/lib/postern/audit"
#define AUDIT_WHOLE 0
#define AUDIT_BROKEN 1
#define AUDIT_UNREADABLE 2

/* Files in the order of their numbers. */
struct audit_files {
	char **paths;
	uint64_t *numbers;	/* by their names; 0: another name */
	size_t n;
};

/* The named files, or what is in a directory; false after saying why not. */
bool audit_files_named(struct audit_files *, int argc, char **argv);
bool audit_files_in(struct audit_files *, const char *dir);
void audit_files_free(struct audit_files *);

/* "SEQUENCE:HASH". 0 or -1. */
int audit_head_parse(struct slice, struct audit_head *);
/* What posternd says its log's end is, and where (dir, LIM_PATH + 1 bytes);
 * false when it is not running. */
bool audit_ask(struct audit_head *, char *dir);

#endif
