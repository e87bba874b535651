/*
 * posternctl - the admin's tool. See posternctl(8).
 */
#include "ctl.h"

int
main(int argc, char **argv)
{
	return ctl_main(argc, argv);
}
