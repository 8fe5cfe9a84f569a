/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/document.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "output/sink.h"
#include "store/census_file.h"
#include "store/recording.h"

int document_write(const char *path, struct strbuf *text)
{
	int err;

	if (!path) {
		signal(SIGPIPE, SIG_IGN);
		err = sink_write(STDOUT_FILENO, text);
		if (!err || err == -EPIPE || err == -EINTR)
			return 0;
		return log_error_code(-EIO, "cannot write: %s", strerror(-err));
	}
	if (recording_is(path))
		return log_error_code(
			-EEXIST, "%s is a recording, and is not overwritten: name another file",
			path);
	err = census_file_write(path, text->s, text->len, true);
	if (err)
		return log_error_code(-EIO, "cannot write %s: %s", path, strerror(-err));
	return 0;
}
