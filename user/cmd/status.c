/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Errors as exit statuses, for all commands. */
#include <errno.h>

#include "cmd/cmd.h"

int cmd_status(int err)
{
	if (!err)
		return MEMWATCH_EXIT_OK;
	return err == -EINVAL ? MEMWATCH_EXIT_USAGE : MEMWATCH_EXIT_FAILED;
}
