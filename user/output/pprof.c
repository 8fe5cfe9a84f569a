// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A sample for each site; native functions that were inlined are lines of one location. Addresses
 * are those that the symbols of the ELF file have: with the build id that is what a reader needs to
 * name what has no name yet. What a reader names, it may name all anew: so a file whose frames are
 * known in part is two mappings.
 *
 * What readers demand beyond profile.proto (as of 2026-11):
 * - go tool pprof takes addresses as they are only of a mapping from 0 to the end
 * (elfexec.GetBase), and looks up names only where no has_... is set (symbolizer.doLocalSymbolize);
 * mappings of one build id and size are one (profile.Merge).
 * - Parca (normalizer.ValidatePprofProfile): ids are 1, 2, ...; every label has a key.
 * - Pyroscope (pprof.Normalize) drops samples with a location that has neither address nor line.
 * - Pyroscope and Parca drop labels that are numbers, and add up samples that are alike then:
 *   processes are told apart by a label that is text.
 * - speedscope (import/pprof.ts) shows of a location the outermost function only, the last
 *   sample_type unless it finds default_sample_type, and no frame without a name.
 */
#include "output/pprof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "analysis/sites.h"
#include "output/pprof_table.h"
#include "output/verdict_text.h"
#include "profile.pb-c.h"

#define TEXT_BYTES    4096
#define NAMED_LIMIT   (1ULL << 48) /* of a mapping: any address is in it */
#define GZIP	      16	   /* zlib: added to the window's bits */
#define BARE	      "(no stack)"
#define NO_NAME	      "?"
#define LABELS	      5
#define PROCESS_BYTES 48 /* a name of the kernel's, a number */

enum { ALLOC, INUSE, VALUES }; /* as Go's heap profiles: what is asked for first is the last */

struct builder {
	struct pprof_pool pool;
	struct pprof_table strings, mappings, functions, locations, samples;
	struct strbuf text;
	uint64_t bytes, sampled; /* in use, and by how many samples */
};

/* --- strings --- */

static int64_t string_id(struct builder *b, const char *s, size_t len)
{
	bool is_new;
	uint64_t number = pprof_table_get(&b->strings, s, len, &is_new);

	return number ? (int64_t)number - 1 : 0; /* "" came first */
}

static int64_t text_id(struct builder *b, const char *s)
{
	strbuf_clear(&b->text);
	if (s)
		strbuf_add_text(&b->text, s, strnlen(s, TEXT_BYTES));
	if (b->text.err)
		b->pool.err = b->text.err;
	return string_id(b, b->text.s, b->text.len);
}

/* --- where --- */

/* @is_named: for the locations that have names; others are for readers to name. */
static uint64_t mapping_id(struct builder *b, const char *module, const char *build_id,
			   bool is_named)
{
	const int64_t key[] = {text_id(b, module), text_id(b, build_id), is_named};
	Pprof__Mapping *m;
	bool is_new;
	uint64_t id = pprof_table_get(&b->mappings, key, sizeof(key), &is_new);

	if (!is_new)
		return id;
	m = pprof_alloc(&b->pool, sizeof(*m));
	if (!m)
		return 0;
	pprof__mapping__init(m);
	m->id = id;
	m->memory_limit = is_named ? NAMED_LIMIT : UINT64_MAX;
	m->filename = key[0];
	m->build_id = key[1];
	m->has_functions = m->has_filenames = m->has_line_numbers = m->has_inline_frames = is_named;
	b->mappings.items[id - 1] = m;
	return id;
}

static uint64_t function_id(struct builder *b, const char *fn, const char *file, uint32_t line)
{
	const int64_t key[] = {text_id(b, fn), text_id(b, file), line};
	Pprof__Function *f;
	bool is_new;
	uint64_t id = pprof_table_get(&b->functions, key, sizeof(key), &is_new);

	if (!is_new)
		return id;
	f = pprof_alloc(&b->pool, sizeof(*f));
	if (!f)
		return 0;
	pprof__function__init(f);
	f->id = id;
	f->name = f->system_name = key[0];
	f->filename = key[1];
	f->start_line = line;
	b->functions.items[id - 1] = f;
	return id;
}

/* Where code of one address is: it, and the function of each frame that is there. */
struct place {
	uint64_t mapping, address;
	struct {
		uint64_t function, line;
	} lines[];
};

static uint64_t location_new(struct builder *b, const struct place *at, size_t lines)
{
	bool is_new;
	uint64_t id = pprof_table_get(&b->locations, at, sizeof(*at) + lines * sizeof(at->lines[0]),
				      &is_new);
	Pprof__Location *l = is_new ? pprof_alloc(&b->pool, sizeof(*l)) : NULL;
	Pprof__Line *line = l ? pprof_alloc(&b->pool, (lines + 1) * sizeof(*line)) : NULL;

	if (!is_new)
		return id;
	if (!line)
		return 0;
	pprof__location__init(l);
	l->line = pprof_alloc(&b->pool, (lines + 1) * sizeof(*l->line));
	for (size_t i = 0; l->line && i < lines; i++) {
		pprof__line__init(&line[i]);
		line[i].function_id = at->lines[i].function;
		line[i].line = (int64_t)at->lines[i].line;
		l->line[i] = &line[i];
	}
	l->id = id;
	l->mapping_id = at->mapping;
	l->address = at->address;
	l->n_line = l->line ? lines : 0;
	b->locations.items[id - 1] = l;
	return id;
}

static bool has_name(const struct frame *f)
{
	return f->fn && *f->fn;
}

static void add_line(struct builder *b, struct place *at, size_t *lines, const struct frame *f)
{
	at->lines[*lines].function = function_id(b, f->fn, f->file, f->fn_line);
	at->lines[(*lines)++].line = f->line;
}

/* Of @count frames that are one address. Of JavaScript an address says nothing. */
static uint64_t location_id(struct builder *b, const struct frame *frames, size_t count)
{
	const struct frame *last = &frames[count - 1], nothing = {.fn = NO_NAME};
	struct place *at = pprof_alloc(&b->pool, sizeof(*at) + count * sizeof(at->lines[0]));
	size_t lines = 0;

	if (!at)
		return 0;
	if (last->kind != FRAME_JS)
		at->address = last->module_address ? last->module_address : last->ip;
	for (size_t i = 0; i < count; i++) {
		if (has_name(&frames[i]))
			add_line(b, at, &lines, &frames[i]);
	}
	if (!lines && !at->address)
		add_line(b, at, &lines, &nothing);
	if (last->module)
		at->mapping = mapping_id(b, last->module, last->build_id, lines > 0);
	return location_new(b, at, lines);
}

/* Code of JavaScript has no address: each function is a location, which all readers show. */
static bool is_line_of_next(const struct stack *s, unsigned i)
{
	return s->frames[i].is_inlined && i + 1 < s->count && s->frames[i].kind != FRAME_JS;
}

static void add_locations(struct builder *b, Pprof__Sample *s, const struct stack *stack)
{
	const struct frame bare = {.fn = BARE};

	s->location_id = pprof_alloc(&b->pool, (stack->count + 1) * sizeof(*s->location_id));
	if (s->location_id && !stack->count)
		s->location_id[s->n_location_id++] = location_id(b, &bare, 1);
	for (unsigned i = 0, begin = 0; s->location_id && i < stack->count; i++) {
		if (is_line_of_next(stack, i))
			continue;
		s->location_id[s->n_location_id++] =
			location_id(b, &stack->frames[begin], i + 1 - begin);
		begin = i + 1;
	}
}

/* --- samples --- */

/* @text, or @number if it is NULL. A label without a value is none. */
static void add_label(struct builder *b, Pprof__Sample *s, const char *key, const char *text,
		      int64_t number)
{
	int64_t str = text_id(b, text);
	Pprof__Label *label = (text ? str : number) ? pprof_alloc(&b->pool, sizeof(*label)) : NULL;

	if (!label)
		return;
	pprof__label__init(label);
	label->key = text_id(b, key);
	label->str = str;
	label->num = number;
	s->label[s->n_label++] = label;
}

static void add_labels(struct builder *b, Pprof__Sample *s, const struct recorded_process *p,
		       const struct site *site)
{
	char process[PROCESS_BYTES];

	s->label = pprof_alloc(&b->pool, LABELS * sizeof(*s->label));
	if (!s->label)
		return;
	snprintf(process, sizeof(process), "%s (%u)", p->comm, p->pid);
	add_label(b, s, "process", process, 0);
	add_label(b, s, "kind", site_kind_name(site->kind), 0);
	add_label(b, s, "pid", NULL, p->pid);
	add_label(b, s, "comm", p->comm, 0);
	if (site->note)
		add_label(b, s, "note", site->note, 0);
}

static void add_site(struct builder *b, const struct recorded_process *p, const struct site *site)
{
	int64_t bytes = site->bytes < INT64_MAX ? (int64_t)site->bytes : INT64_MAX;
	bool is_growth = site_is_growth(p->sites, site);
	bool is_asked_for = site_is_asked_for(p->sites, site);
	Pprof__Sample *s;

	if (!bytes || (!is_growth && !is_asked_for))
		return;
	s = pprof_alloc(&b->pool, sizeof(*s));
	if (!s || !pprof_table_add(&b->samples, s))
		return;
	pprof__sample__init(s);
	s->value = pprof_alloc(&b->pool, VALUES * sizeof(*s->value));
	if (!s->value)
		return;
	s->n_value = VALUES;
	s->value[INUSE] = is_growth ? bytes : 0;
	s->value[ALLOC] = is_asked_for ? bytes : 0;
	add_locations(b, s, site->stack);
	add_labels(b, s, p, site);
	b->bytes += is_growth ? site->bytes : 0;
	b->sampled += is_growth ? site->samples : 0;
}

static bool is_program_of(const struct recorded_process *p, const struct frame *f)
{
	const char *slash = f->module ? strrchr(f->module, '/') : NULL;

	if (!slash || f->kind == FRAME_JS)
		return false;
	return p->path ? !strcmp(p->path, f->module) : !strcmp(p->comm, slash + 1);
}

/* The first mapping is what readers call the profile's program. */
static void add_program(struct builder *b, const struct recorded_process *p)
{
	struct hmap_node *node;

	hmap_for_each (&p->sites->by_hash, node) {
		const struct stack *s = hmap_entry(node, struct site, node)->stack;

		for (unsigned i = 0; i < s->count; i++) {
			if (!is_program_of(p, &s->frames[i]))
				continue;
			mapping_id(b, s->frames[i].module, s->frames[i].build_id,
				   has_name(&s->frames[i]));
			return;
		}
	}
}

static void add_process(struct builder *b, const struct recorded_process *p)
{
	struct hmap_node *node;

	add_program(b, p);
	hmap_for_each (&p->sites->by_hash, node)
		add_site(b, p, hmap_entry(node, struct site, node));
}

/* --- the whole --- */

static int64_t comment_of(struct builder *b, const struct recorded_process *p)
{
	struct strbuf text;
	int64_t id;

	strbuf_init(&text);
	strbuf_addf(&text, "%s (%u): ", p->comm, p->pid);
	verdict_text_add(&text, p->verdict);
	id = text_id(b, text.s);
	strbuf_release(&text);
	return id;
}

static void add_comments(struct builder *b, Pprof__Profile *profile, const struct recorded *r)
{
	profile->comment =
		pprof_alloc(&b->pool, (r->process_count + 1) * sizeof(*profile->comment));
	for (size_t i = 0; profile->comment && i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (p->is_loaded && p->verdict)
			profile->comment[profile->n_comment++] = comment_of(b, p);
	}
}

static Pprof__ValueType *value_type(struct builder *b, const char *type)
{
	Pprof__ValueType *v = pprof_alloc(&b->pool, sizeof(*v));

	if (!v)
		return NULL;
	pprof__value_type__init(v);
	v->type = text_id(b, type);
	v->unit = text_id(b, "bytes");
	return v;
}

static void fill_in(struct builder *b, Pprof__Profile *profile, const struct recorded *r)
{
	profile->sample_type = pprof_alloc(&b->pool, VALUES * sizeof(*profile->sample_type));
	if (profile->sample_type) {
		profile->sample_type[INUSE] = value_type(b, "inuse_space");
		profile->sample_type[ALLOC] = value_type(b, "alloc_space");
		profile->n_sample_type = VALUES;
	}
	profile->default_sample_type = text_id(b, "inuse_space");
	profile->period_type = value_type(b, "space");
	profile->period = b->sampled ? (int64_t)(b->bytes / b->sampled) : 0; /* on average */
	profile->time_nanos = (int64_t)r->begin_wall_ns;
	profile->duration_nanos = (int64_t)(r->end_ns - r->begin_ns);
	add_comments(b, profile, r);
	profile->n_sample = b->samples.count;
	profile->sample = (Pprof__Sample **)b->samples.items;
	profile->n_mapping = b->mappings.count;
	profile->mapping = (Pprof__Mapping **)b->mappings.items;
	profile->n_location = b->locations.count;
	profile->location = (Pprof__Location **)b->locations.items;
	profile->n_function = b->functions.count;
	profile->function = (Pprof__Function **)b->functions.items;
	profile->n_string_table = b->strings.count; /* last: all of the above adds to them */
	profile->string_table = (char **)b->strings.items;
}

static int add_gzip(struct strbuf *out, unsigned char *bytes, size_t len)
{
	z_stream z = {.next_in = bytes, .avail_in = (uInt)len};
	unsigned char *to;
	size_t room;
	int err;

	if (len > UINT32_MAX || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
					     MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	room = deflateBound(&z, len);
	to = room <= UINT32_MAX ? malloc(room) : NULL;
	z.next_out = to;
	z.avail_out = (uInt)room;
	err = to && deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
	if (!err)
		strbuf_add(out, to, z.total_out);
	free(to);
	deflateEnd(&z);
	return err ? err : out->err;
}

static int add_packed(struct strbuf *out, const Pprof__Profile *profile)
{
	size_t len = pprof__profile__get_packed_size(profile);
	unsigned char *bytes = malloc(len + 1);
	int err;

	if (!bytes)
		return -ENOMEM;
	pprof__profile__pack(profile, bytes);
	err = add_gzip(out, bytes, len);
	free(bytes);
	return err;
}

int pprof_add(struct strbuf *out, const struct recorded *r)
{
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	struct builder b = {0};
	struct pprof_table *const tables[] = {&b.strings, &b.mappings, &b.functions, &b.locations,
					      &b.samples};
	int err = 0;

	strbuf_init(&b.text);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (pprof_table_init(tables[i], &b.pool))
			b.pool.err = -ENOMEM;
	}
	if (!b.pool.err)
		string_id(&b, "", 0);
	for (size_t i = 0; i < r->process_count && !b.pool.err; i++) {
		if (r->processes[i].is_loaded && r->processes[i].sites)
			add_process(&b, &r->processes[i]);
	}
	if (!b.pool.err)
		fill_in(&b, &profile, r);
	err = b.pool.err ? b.pool.err : add_packed(out, &profile);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		pprof_table_release(tables[i]);
	strbuf_release(&b.text);
	pprof_pool_release(&b.pool);
	return err;
}
