/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Naming frames.
 *
 * The kernel side has told which function a JavaScript frame is of. Where in it, by the address:
 *
 *	in a builtin	the interpreter: by the bytecode offset of the frame; or the leaf is a
 *			builtin that has no frame of its own, and the line is unknown
 *	else		code that V8 has made: by its tables (v8_code.h), which also give the
 *			functions that were inlined
 *
 * At its first instructions a function has no frame yet: the leaf's frame is its caller's then. If
 * the code at the address was made of another function than the frame's, both are shown.
 *
 * LIMITATIONS
 *   - The line of a leaf that is in a builtin without a frame, which optimised code or baseline
 *     code called.
 *   - Where optimised code has inlined functions and its tables do not tell which one it is in, the
 *     function that it was made of is shown alone, marked as approximate.
 */
#include "v8/v8_resolve.h"

#include <string.h>

#include "v8/v8_sites.h"

#define JS_CODE_BYTES	  (2u << 20)   /* how far the code of a JS frame is searched back */
#define NATIVE_CODE_BYTES (256u << 10) /* ... and of one that may be JIT code, or not */
#define NAME_BYTES	  128

/* A frame of the stack while it is named. */
struct naming {
	struct v8_resolver *r;
	const struct mw_frame *raw;
	bool is_return;
	struct frame *out;
	unsigned max, count;
};

int v8_resolver_init(struct v8_resolver *r, const struct v8_layout *layout, struct memreader *mem,
		     struct intern *names)
{
	int err;

	memset(r, 0, sizeof(*r));
	v8_heap_init(&r->heap, layout, mem);
	err = v8_functions_init(&r->functions, &r->heap, names);
	if (!err)
		err = v8_codes_init(&r->codes, &r->heap);
	if (err)
		v8_resolver_release(r);
	return err;
}

void v8_resolver_release(struct v8_resolver *r)
{
	v8_functions_release(&r->functions);
	v8_codes_release(&r->codes);
}

void v8_resolver_moved(struct v8_resolver *r)
{
	v8_heap_forget(&r->heap);
	v8_functions_moved(&r->functions);
}

/* ---- one frame of the output ---- */

static struct frame *add(struct naming *n)
{
	struct frame *f;

	if (n->count >= n->max)
		return NULL;
	f = &n->out[n->count++];
	*f = (struct frame){.ip = n->raw->ip};
	return f;
}

static void add_unknown(struct naming *n)
{
	n->r->stats.unreadable++;
	add(n);
}

static void add_builtin(struct naming *n, const char *name)
{
	struct frame *f = *name ? add(n) : NULL;

	if (!f)
		return;
	f->fn = intern_str(n->r->functions.names, name);
	f->kind = FRAME_BUILTIN;
	f->origin = FRAME_RUNTIME;
}

static void count_frame(struct v8_resolve_stats *s, const struct v8_function *fn,
			const struct frame *f)
{
	s->js_frames++;
	s->named += *fn->name != '\0';
	s->with_file += f->file != NULL;
	s->with_fn_line += f->fn_line != 0;
	s->with_line += f->line != 0;
	s->interpreted += f->tier == TIER_INTERPRETED;
	s->baseline += f->tier == TIER_BASELINE;
	s->maglev += f->tier == TIER_MAGLEV;
	s->turbofan += f->tier == TIER_TURBOFAN;
	s->inlined += f->is_inlined;
	s->approximate += f->is_approximate;
}

/* A JavaScript function; a builtin one if it has no script. */
static struct frame *add_function(struct naming *n, const struct v8_function *fn, uint32_t line,
				  enum frame_tier tier)
{
	struct frame *f;

	if (!fn->script) {
		add_builtin(n, fn->name);
		return NULL;
	}
	f = add(n);
	if (!f)
		return NULL;
	f->fn = *fn->name ? fn->name : intern_str(n->r->functions.names, "(anonymous)");
	f->file = fn->script->file;
	f->line = line;
	f->fn_line = fn->line;
	f->kind = FRAME_JS;
	f->origin = fn->script->origin;
	f->tier = (uint8_t)tier;
	return f;
}

static void finish(struct naming *n, const struct v8_function *fn, struct frame *f)
{
	if (f)
		count_frame(&n->r->stats, fn, f);
}

/* ---- builtins ---- */

const struct v8_builtins_copy *v8_resolver_copy(const struct v8_resolver *r, uint64_t ip)
{
	for (unsigned i = 0; i < r->copy_count; i++) {
		if (ip >= r->copies[i].start && ip < r->copies[i].end)
			return &r->copies[i];
	}
	return NULL;
}

/* Whether @ip is in V8's builtins; @name is set to which, NULL if that is not known. */
static bool in_builtin(const struct v8_resolver *r, uint64_t ip, const char **name)
{
	const struct v8_builtins_copy *copy = v8_resolver_copy(r, ip);

	*name = copy && r->builtins ? v8_builtins_find(r->builtins, ip + copy->to_file) : NULL;
	return copy != NULL;
}

/* The builtin that @ip is in, if it is one of JavaScript's own functions. */
static bool add_js_builtin(struct naming *n, const char *builtin)
{
	char name[NAME_BYTES];

	if (!builtin || !v8_builtin_name(builtin, name, sizeof(name)))
		return false;
	add_builtin(n, name);
	return true;
}

static void name_in_builtin(struct naming *n, struct v8_function *fn, const char *builtin)
{
	struct v8_resolver *r = n->r;
	bool is_interpreted = n->is_return || !builtin || v8_builtin_is_interpreter(builtin);
	uint32_t line = 0;
	struct frame *f;

	if (!fn->script) {
		if (!add_js_builtin(n, builtin))
			add_builtin(n, fn->name);
		return;
	}
	if (is_interpreted) /* V8 counts from the object's address */
		line = v8_function_line(&r->functions, fn,
					n->raw->bytecode_offset -
						(r->heap.layout->offsets.bytecode_data - 1));
	else if (n->max > 1)
		add_js_builtin(n, builtin);
	is_interpreted = builtin ? is_interpreted : line != 0;
	f = add_function(n, fn, line, is_interpreted ? TIER_INTERPRETED : TIER_NONE);
	if (f) /* optimised code may have called it from an inlined function */
		f->is_approximate = !is_interpreted;
	finish(n, fn, f);
}

/* ---- code made at run time ---- */

static uint32_t site_line(struct v8_resolver *r, struct v8_function *fn, const struct v8_site *site)
{
	if (site->bytecode_offset >= 0)
		return v8_function_line(&r->functions, fn, site->bytecode_offset);
	return v8_function_position_line(&r->functions, fn, site->position);
}

/* The functions of sites, the outermost of which is @fn; false if one cannot be read. */
static bool site_functions(struct v8_resolver *r, const struct v8_code *code,
			   struct v8_function *fn, const struct v8_site *sites, unsigned count,
			   struct v8_function **out)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t shared;

		out[i] = fn;
		if (sites[i].literal == V8_OWN_FUNCTION)
			continue;
		shared = v8_deopt_function(&r->heap, &code->deopt, sites[i].literal);
		out[i] = shared ? v8_function_get(&r->functions, shared, 0, 0) : NULL;
		if (!out[i])
			return false;
	}
	return true;
}

static void name_optimised(struct naming *n, struct v8_function *fn, struct v8_code *code)
{
	struct v8_resolver *r = n->r;
	enum frame_tier tier = v8_code_tier(r->heap.layout, code);
	struct v8_function *functions[V8_INLINED_MAX];
	struct v8_site sites[V8_INLINED_MAX];
	bool is_approximate;
	unsigned count = v8_sites_find(&r->heap, code, (uint32_t)(n->raw->ip - code->start),
				       n->is_return, sites, &is_approximate);
	struct frame *f;

	if (!count || !site_functions(r, code, fn, sites, count, functions)) {
		f = add_function(n, fn, 0, tier);
		if (f)
			f->is_approximate = code->deopt.inlined_count > 0;
		finish(n, fn, f);
		return;
	}
	for (unsigned i = count; i-- > 0;) {
		f = add_function(n, functions[i], site_line(r, functions[i], &sites[i]), tier);
		if (f) {
			f->is_inlined = i > 0;
			f->is_approximate = is_approximate && i + 1 == count;
		}
		finish(n, functions[i], f);
	}
}

static void name_baseline(struct naming *n, struct v8_function *fn, const struct v8_code *code)
{
	struct v8_resolver *r = n->r;
	/* Code of a bytecode ends where that of the next begins */
	uint64_t pc = n->raw->ip - code->start + !n->is_return;
	int32_t offset;

	v8_function_bytecode(&r->functions, fn);
	offset = v8_baseline_bytecode(r->heap.layout, code->positions, code->positions_len,
				      fn->bytecode, fn->bytecode_len, pc);
	finish(n, fn,
	       add_function(n, fn, v8_function_line(&r->functions, fn, offset), TIER_BASELINE));
}

static void name_in_code(struct naming *n, struct v8_function *fn, struct v8_code *code)
{
	switch (v8_code_tier(n->r->heap.layout, code)) {
	case TIER_TURBOFAN:
	case TIER_MAGLEV:
		name_optimised(n, fn, code);
		break;
	case TIER_BASELINE:
		name_baseline(n, fn, code);
		break;
	default:
		finish(n, fn, add_function(n, fn, 0, TIER_NONE));
	}
}

/* The function that optimised code was made of; NULL if it is not known. */
static struct v8_function *function_of(struct v8_resolver *r, const struct v8_code *code)
{
	uint64_t shared;

	if (!code->deopt.is_loaded)
		return NULL;
	shared = v8_deopt_shared(&r->heap, &code->deopt);
	return shared ? v8_function_get(&r->functions, shared, 0, 0) : NULL;
}

static struct v8_code *code_of(struct v8_resolver *r, uint64_t ip, size_t max_bytes)
{
	struct v8_code *code = v8_code_find(&r->codes, ip, max_bytes);

	if (code)
		v8_code_positions(&r->codes, code);
	return code;
}

/* ---- a frame, by what the kernel side took it for ---- */

static void name_js(struct naming *n)
{
	struct v8_resolver *r = n->r;
	struct v8_function *fn = v8_function_get(&r->functions, n->raw->function, n->raw->script_id,
						 n->raw->literal_id);
	struct v8_function *own;
	struct v8_code *code;
	const char *builtin;

	if (in_builtin(r, n->raw->ip, &builtin)) {
		if (fn)
			name_in_builtin(n, fn, builtin);
		else
			add_unknown(n);
		return;
	}
	code = code_of(r, n->raw->ip, JS_CODE_BYTES);
	own = code && (!fn || !n->is_return) ? function_of(r, code) : NULL;
	if (!fn && !own) {
		add_unknown(n);
	} else if (own && own != fn) {
		name_in_code(n, own, code);
		if (fn && n->count < n->max) /* its caller */
			finish(n, fn, add_function(n, fn, 0, TIER_NONE));
	} else if (code) {
		name_in_code(n, fn, code);
	} else {
		finish(n, fn, add_function(n, fn, 0, TIER_NONE));
	}
}

static void name_stub(struct naming *n)
{
	const char *builtin;

	if (in_builtin(n->r, n->raw->ip, &builtin))
		add_js_builtin(n, builtin);
}

static void name_native(struct naming *n)
{
	struct v8_function *fn;
	struct v8_code *code;
	const char *builtin;

	if (in_builtin(n->r, n->raw->ip, &builtin)) {
		if (builtin && !add_js_builtin(n, builtin))
			add_builtin(n, builtin);
		return;
	}
	code = code_of(n->r, n->raw->ip, NATIVE_CODE_BYTES);
	fn = code ? function_of(n->r, code) : NULL;
	if (fn)
		name_in_code(n, fn, code);
}

unsigned v8_resolver_frame(struct v8_resolver *r, const struct mw_frame *raw, bool is_return,
			   struct frame *out, unsigned max)
{
	struct naming n = {.r = r, .raw = raw, .is_return = is_return, .out = out, .max = max};

	v8_functions_trim(&r->functions);
	v8_codes_trim(&r->codes);
	switch (raw->kind) {
	case MW_FRAME_JS:
		name_js(&n);
		break;
	case MW_FRAME_STUB:
		name_stub(&n);
		break;
	default:
		name_native(&n);
	}
	r->stats.code_scans = r->codes.scans;
	r->stats.code_scan_failures = r->codes.scan_failures;
	return n.count;
}
