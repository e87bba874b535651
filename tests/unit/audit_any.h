/*
 * audit_any.h - an event of the audit log of any kind, with nothing in it.
 */
#ifndef UNIT_AUDIT_ANY_H
#define UNIT_AUDIT_ANY_H

#include "audit.h"

union audit_any {
#define AUDIT(event, name, from, party, fields) struct audit_##event event;
#include "audit.def"
#undef AUDIT
};

#endif
