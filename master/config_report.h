/*
 * config_report.h - how libConfuse tells errors, for the readers of
 * postern.conf and of the provider file.
 */
#ifndef MASTER_CONFIG_REPORT_H
#define MASTER_CONFIG_REPORT_H

#include <confuse.h>
#include <stdarg.h>

#include "config.h"

/* Errors told since a reader set it to 0. */
extern unsigned int conf_errors;
/* For cfg_set_error_function: logs "file:line: what" and counts it. */
void conf_report(cfg_t *, const char *fmt, va_list);

#endif
