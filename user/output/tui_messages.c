/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A ring of the last events and messages; the memory of a slot is used again. */
#include "base/clock.h"
#include "output/tui_internal.h"

void messages_init(struct messages *m)
{
	m->count = 0;
	for (unsigned i = 0; i < MESSAGES_KEPT; i++)
		strbuf_init(&m->ring[i].text);
}

void messages_release(struct messages *m)
{
	for (unsigned i = 0; i < MESSAGES_KEPT; i++)
		strbuf_release(&m->ring[i].text);
}

struct strbuf *messages_add(struct messages *m, enum message_kind kind, uint64_t at_ns)
{
	struct message *slot = &m->ring[m->count++ % MESSAGES_KEPT];

	slot->at_ns = at_ns;
	slot->kind = kind;
	slot->level = LOG_INFO;
	strbuf_clear(&slot->text);
	return &slot->text;
}

const struct message *messages_at(const struct messages *m, unsigned age)
{
	if (age >= m->count || age >= MESSAGES_KEPT)
		return NULL;
	return &m->ring[(m->count - 1 - age) % MESSAGES_KEPT];
}

void messages_log(void *arg, enum log_level level, const char *text)
{
	struct messages *m = arg;

	strbuf_adds(messages_add(m, MESSAGE_LOG, clock_boot_ns()), text);
	m->ring[(m->count - 1) % MESSAGES_KEPT].level = level;
}

void messages_repeat(const struct messages *m)
{
	const struct message *last[MESSAGES_REPEATED], *message;
	unsigned n = 0;

	for (unsigned age = 0; n < MESSAGES_REPEATED && (message = messages_at(m, age)); age++) {
		if (message->kind == MESSAGE_LOG)
			last[n++] = message;
	}
	while (n--)
		log_print(last[n]->level, "%s", last[n]->text.s);
}
