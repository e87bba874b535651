/* Apart from child.c, so that the master, which has a loop but no life of a
 * child, does not link the sandbox. */
#include "child.h"

struct child child;
