// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What verbs with a TARGET have in common.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "target.h"
#include "umemctl.h"

int with_region(const char *target, int access, region_act *act, void *arg,
		const char *doing, ...)
{
	struct umem_why what, why = { "" };
	int region, err;
	va_list ap;

	region = umem_target_get(target, access, &why);
	err = region;
	if (region >= 0) {
		err = act(region, arg, &why);
		close(region);
	}
	if (err < 0) {
		va_start(ap, doing);
		vsnprintf(what.text, sizeof(what.text), doing, ap);
		va_end(ap);
		umem_say_failed(err, &why, "%s", what.text);
	}
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
