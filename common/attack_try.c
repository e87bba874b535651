/* The attempts of attack.def by name. */
#include "attack_private.h"

bool
attack_try(struct attack *a, struct slice name)
{
	(void)a;
	(void)name;
	return false;
}
