// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One table: beginnings of names of V8's and Node's own functions, and what they do. The
 * frame nearest to the leaf that is in it decides: it is the most specific.
 *
 * Names are of V8 7.8 (Node 12) to 14.6 (Node 26). Workers: v8/src/heap/, the tasks that
 * run on the platform's threads.
 *
 * LIMITATIONS: by names alone; a V8 without symbols (a stripped 26) has no notes.
 */
#include "model/site_note.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define V8 "v8::internal::"

/* Whose stacks a note is for. */
enum reach {
	NO_JS,	    /* those without any JavaScript: too general else */
	NO_OWNER,   /* those without code of the user's or of a dependency's */
	COLLECTION, /* all: a collection is nobody's */
};

struct rule {
	const char *name; /* a function's begins so */
	const char *note;
	enum reach reach;
};

static const char promotion[] = "V8 promotion", compaction[] = "V8 compaction";
static const char worker[] = "GC worker", collection[] = "V8 garbage collection";
static const char warm_up[] = "heap warm-up", heap[] = "V8 heap";
static const char compiler[] = "V8 compiler", start_up[] = "V8 start-up";
static const char profiler[] = "V8 profiler", node_start_up[] = "Node start-up";

/* The first that fits: what is special stands before what is general. */
static const struct rule rules[] = {
	/* Survivors are copied, from young to young or to old space. */
	{V8 "Scavenge", promotion, COLLECTION}, /* Scavenger, ScavengerCollector, ScavengeVisitor */
	{V8 "Heap::Scavenge", promotion, COLLECTION},
	{V8 "IterateAndScavenge", promotion, COLLECTION},
	{V8 "Heap::EvacuateYoungGeneration", promotion, COLLECTION},
	/* Not EvacuationAllocator, nor LocalAllocator before it: scavenges use them, too. */
	{V8 "Evacuator", compaction, COLLECTION},
	{V8 "Evacuate", compaction, COLLECTION}, /* EvacuateVisitorBase, EvacuateOldSpaceVisitor */
	{V8 "FullEvacuator", compaction, COLLECTION},
	{V8 "MarkCompactCollector::Evacuate", compaction, COLLECTION},
	{V8 "PageEvacuation", compaction, COLLECTION},
	{V8 "YoungGenerationEvacuator", promotion, COLLECTION},
	/* The young generation takes more pages while the program warms up. */
	{V8 "NewSpace::Grow", warm_up, COLLECTION},
	{V8 "SemiSpaceNewSpace::Grow", warm_up, COLLECTION},
	{V8 "PagedNewSpace::Grow", warm_up, COLLECTION},
	{V8 "SemiSpace::Grow", warm_up, COLLECTION},
	{V8 "SemiSpace::Commit", warm_up, COLLECTION},
	{V8 "Heap::ResizeNewSpace", warm_up, COLLECTION},
	{V8 "Heap::ExpandNewSpace", warm_up, COLLECTION},
	{V8 "NewSpace::EnsureCurrentCapacity", warm_up, COLLECTION},
	{V8 "SemiSpaceNewSpace::EnsureCurrentCapacity", warm_up, COLLECTION},
	{V8 "SemiSpace::EnsureCurrentCapacity", warm_up, COLLECTION},
	{V8 "ConcurrentMarking", worker, COLLECTION},
	{V8 "Sweeper", worker, COLLECTION},
	{V8 "ArrayBufferSweeper", worker, COLLECTION},
	{V8 "ArrayBufferCollector", worker, COLLECTION}, /* before 9.x */
	{V8 "Unmapper", worker, COLLECTION},
	{V8 "MemoryAllocator::Unmapper", worker, COLLECTION},
	{V8 "PageParallelJob", worker, COLLECTION},
	{V8 "ItemParallelJob", worker, COLLECTION},
	{V8 "ParallelClearingJob", worker, COLLECTION},
	{V8 "ClearStringTableJob", worker, COLLECTION},
	{V8 "PointersUpdatingJob", worker, COLLECTION},
	{V8 "MarkCompactCollector", collection, COLLECTION},
	{V8 "MinorMarkCompactCollector", collection, COLLECTION},
	{V8 "MinorMarkSweepCollector", collection, COLLECTION},
	{V8 "IncrementalMarking", collection, COLLECTION},
	{V8 "MarkingWorklist", collection, COLLECTION},
	{V8 "MarkingVisitor", collection, COLLECTION},
	{V8 "MainMarkingVisitor", collection, COLLECTION},
	{V8 "YoungGeneration", collection,
	 COLLECTION}, /* ...MarkingVisitor, ...RememberedSets... */
	{V8 "MarkingBarrier", collection, COLLECTION},
	{V8 "CppHeap", collection, COLLECTION},
	{V8 "GCTracer", collection, COLLECTION},
	{V8 "Heap::CollectGarbage", collection, COLLECTION},
	{V8 "Heap::CollectAllGarbage", collection, COLLECTION},
	{V8 "Heap::PerformGarbageCollection", collection, COLLECTION},
	{V8 "Heap::MarkCompact", collection, COLLECTION},
	{V8 "Heap::MinorMark", collection, COLLECTION},
	{"cppgc::internal::", collection, COLLECTION},
	{"heap::base::", worker, COLLECTION},

	{V8 "compiler::", compiler, NO_OWNER},
	{V8 "maglev::", compiler, NO_OWNER},
	{V8 "baseline::", compiler, NO_OWNER},
	{V8 "interpreter::", compiler, NO_OWNER},
	{V8 "turboshaft::", compiler, NO_OWNER},
	{V8 "wasm::", compiler, NO_OWNER},
	{V8 "Compiler::", compiler, NO_OWNER},
	{V8 "OptimizingCompile", compiler, NO_OWNER},
	{V8 "OptimizedCompilation", compiler, NO_OWNER},
	{V8 "TurbofanCompilationJob", compiler, NO_OWNER},
	{V8 "LazyCompileDispatcher", compiler, NO_OWNER},
	{V8 "BackgroundCompileTask", compiler, NO_OWNER},
	{V8 "UnoptimizedCompilation", compiler, NO_OWNER},
	{V8 "Parse", compiler, NO_OWNER}, /* Parser, ParserBase, ParseInfo */
	{V8 "PreParse", compiler, NO_OWNER},
	{V8 "Factory::CodeBuilder", compiler, NO_OWNER},
	{V8 "Zone::", compiler, NO_OWNER},
	{V8 "AccountingAllocator::", compiler, NO_OWNER},
	{V8 "parsing::", compiler, NO_OWNER},
	{V8 "HeapProfiler", profiler, NO_OWNER},
	{V8 "HeapSnapshot", profiler, NO_OWNER},
	{V8 "CpuProfiler", profiler, NO_OWNER},
	{V8 "SamplingHeapProfiler", profiler, NO_OWNER},
	{V8 "ProfilerEventsProcessor", profiler, NO_OWNER},
	{V8 "CodeSerializer", start_up, NO_OWNER}, /* the code cache of Node's own modules */
	{V8 "Snapshot::", start_up, NO_OWNER},
	{V8 "ReadOnlyHeap", start_up, NO_OWNER},
	{V8 "Isolate::Init", start_up, NO_OWNER},
	{V8 "Bootstrapper", start_up, NO_OWNER},
	{V8 "Genesis", start_up, NO_OWNER},
	{V8 "Deserializer", start_up, NO_OWNER},
	{V8 "StartupDeserializer", start_up, NO_OWNER},
	{V8 "ContextDeserializer", start_up, NO_OWNER},
	{V8 "Heap::SetUp", start_up, NO_OWNER},
	{V8 "V8::Initialize", start_up, NO_OWNER},
	{"node::InitializeOncePerProcess", node_start_up, NO_OWNER},
	{"node::LoadEnvironment", node_start_up, NO_OWNER},
	{"node::StartExecution", node_start_up, NO_OWNER},
	{"node::CreateEnvironment", node_start_up, NO_OWNER},
	{"node::NodeMainInstance::CreateMainEnvironment", node_start_up, NO_OWNER},
	{V8 "MemoryAllocator", heap, NO_JS},
	{V8 "MemoryChunk", heap, NO_JS},
	{V8 "MainAllocator", heap, NO_JS},
	{V8 "HeapAllocator", heap, NO_JS},
	{V8 "PagedSpace", heap, NO_JS},
	{V8 "LargeObjectSpace", heap, NO_JS},
	{V8 "OldLargeObjectSpace", heap, NO_JS},
	{V8 "Heap::", heap, NO_JS},
	{V8 "Factory", heap, NO_JS},
};

static const struct rule *find_at(const char *fn, size_t len)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		size_t want = strlen(rules[i].name);

		if (want <= len && !memcmp(fn, rules[i].name, want))
			return &rules[i];
	}
	return NULL;
}

/*
 * A rule's name may stand at the beginning, or after a return type, which names of templates
 * have. Not in what they are templates of, nor in parameters.
 */
static const struct rule *find_rule(const char *fn)
{
	size_t len = strcspn(fn, "<(");
	const struct rule *found = NULL;

	for (size_t at = 0; at < len && !found; at++) {
		if (!at || fn[at - 1] == ' ')
			found = find_at(fn + at, len - at);
	}
	return found;
}

const char *site_note(const struct stack *s)
{
	const struct rule *found = NULL;
	bool has_js = false, has_owner = false;

	for (unsigned i = 0; i < s->count && !has_owner; i++) {
		const struct frame *f = &s->frames[i];
		const struct rule *rule = NULL;

		has_owner = f->origin != FRAME_RUNTIME && frame_has_origin(f);
		has_js |= f->kind == FRAME_JS;
		if (!has_owner && f->kind == FRAME_NATIVE && f->fn)
			rule = find_rule(f->fn);
		if (rule && (!found || rule->reach > found->reach))
			found = rule;
	}
	if (!found || (has_owner && found->reach < COLLECTION) || (has_js && found->reach == NO_JS))
		return NULL;
	return found->note;
}
