// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * comm.c - a process with a name that breaks careless printers and parsers, until stdin ends.
 *
 *	comm [--hex BYTES] [--hold]
 *
 * The default is 15 bytes, all that a name can be: a terminal escape (clear screen), invalid
 * UTF-8, a quote, a backslash, a newline, what ends it in /proc/PID/stat, and a bell. --hex names
 * another, two digits a byte. Says ready with what the kernel took: {"comm_hex": "..."}.
 */
#include <stdlib.h>

#include "protocol.h"

#define COMM_LEN 16 /* TASK_COMM_LEN, with its NUL */

static const char hostile[] = "1b5b324a" /* ESC [ 2 J */
			      "ff"	 /* never in UTF-8 */
			      "c328"	 /* starts two bytes, but the second is "(" */
			      "225c0a"	 /* " \ newline */
			      "29205220" /* ") R " */
			      "07";	 /* bell */

static void comm_set(const char *hex)
{
	char name[COMM_LEN] = "", digits[3] = "", *end;
	size_t i, len = strlen(hex);

	if (!len || len % 2 || len / 2 >= COMM_LEN)
		die(2, "--hex: 1 to %d bytes of two digits each", COMM_LEN - 1);
	for (i = 0; i < len; i += 2) {
		memcpy(digits, hex + i, 2);
		name[i / 2] = (char)strtoul(digits, &end, 16);
		if (end != digits + 2 || !name[i / 2])
			die(2, "--hex: '%s' is not a byte of a name", digits);
	}
	if (prctl(PR_SET_NAME, name))
		die(1, "PR_SET_NAME: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct protocol protocol = {0};
	const char *hex = hostile;
	const struct option options[] = {
		{"--hex", OPTION_TEXT, &hex, "the name's bytes"},
		{"--hold", OPTION_FLAG, &protocol.hold, "stay until SIGTERM, whatever stdin does"},
	};
	char name[COMM_LEN] = "", text[2 * COMM_LEN + 1] = "";
	size_t i;

	(void)argc;
	options_parse(argv + 1, "[options]", options, sizeof(options) / sizeof(options[0]));
	protocol_init(&protocol);
	comm_set(hex);
	prctl(PR_GET_NAME, name);
	for (i = 0; name[i]; i++)
		snprintf(text + 2 * i, 3, "%02x", (unsigned char)name[i]);
	say("{\"event\":\"ready\",\"pid\":%d,\"comm_hex\":\"%s\"}", (int)getpid(), text);
	protocol_finish(&protocol);
}
