/*
 * jmap_methods.h - the table of methods. A new method is one more row.
 */
#ifndef ATS_JMAP_METHODS_H
#define ATS_JMAP_METHODS_H

#include "jmap.h"

/* NULL when there is none or its capability is not in using. */
const struct jmap_method *jmap_method_find(const char *name, unsigned int using);

#endif
