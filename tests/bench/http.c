// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * http.c - what being watched costs a service that runs at full speed.
 *
 *	http MEMWATCH PORT SERVICE_PID [PAIRS [sites|gc|load]]
 *
 * A closed loop of CONNECTIONS kept-alive connections to 127.0.0.1 (in C, so
 * that the service is what is slow): each asks again as soon as it has its
 * answer. memwatch, with the default budget, comes and goes; each segment with
 * it is compared with the mean of its neighbours without it, by calls a
 * second, 99th percentile, and the service's own CPU time a call. The last is
 * the steadiest: it does not depend on who else wants the CPUs. "nothing"
 * starts no memwatch, as in overhead.c.
 *
 * With "sites" the variants are about growth sites: with and without stacks, each
 * settled (the first of each stack has been named) and measured for longer. With "gc"
 * they are about the probes at collections: with and without these, no stacks in both.
 * "load" is the load alone, for PAIRS seconds.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "bench.h"

#define CONNECTIONS 8
#define WARM_UP_NS  (4 * NS_PER_S)
#define REST_NS	    (150 * NS_PER_MS)
#define START_NS    (250 * NS_PER_MS)
#define CALLS_CAP   (1U << 18)

struct connection {
	int fd;
	uint64_t asked_ns;
	size_t have;
	char buffer[8192];
};

struct service {
	struct connection connection[CONNECTIONS];
	clockid_t cpu_clock;
	unsigned long next;
};

struct segment {
	double calls_per_s, p99_ms, cpu_us;
};

static int connect_to(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("cannot connect to port %d: %s", port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void ask(struct service *s, struct connection *c)
{
	char text[128];
	int len = snprintf(text, sizeof(text),
			   "GET /api/status/%lu HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", s->next++);

	c->have = 0;
	c->asked_ns = read_clock_ns(CLOCK_MONOTONIC);
	if (write(c->fd, text, (size_t)len) != len)
		die("cannot ask: %s", strerror(errno));
}

/* Whether the answer is there in full; anything but a 200 ends the benchmark. */
static bool take(struct connection *c)
{
	ssize_t n = read(c->fd, c->buffer + c->have, sizeof(c->buffer) - 1 - c->have);
	const char *length, *body;

	if (n <= 0)
		die("the service hung up");
	c->have += (size_t)n;
	c->buffer[c->have] = '\0';
	body = strstr(c->buffer, "\r\n\r\n");
	if (!body)
		return false;
	length = strcasestr(c->buffer, "content-length:");
	if (strncmp(c->buffer, "HTTP/1.1 200 ", 13) || !length)
		die("unexpected answer: %.60s", c->buffer);
	return (size_t)(body + 4 - c->buffer) + strtoul(length + 15, NULL, 10) <= c->have;
}

/* @latencies: CALLS_CAP of them, in ms. Returns how many calls were answered. */
static unsigned run_until(struct service *s, uint64_t end_ns, double *latencies)
{
	struct pollfd fds[CONNECTIONS];
	unsigned calls = 0;
	uint64_t now = 0;

	for (unsigned i = 0; i < CONNECTIONS; i++)
		fds[i] = (struct pollfd){.fd = s->connection[i].fd, .events = POLLIN};
	while (now < end_ns) {
		if (poll(fds, CONNECTIONS, 5000) <= 0)
			die("no answer in 5 s");
		for (unsigned i = 0; i < CONNECTIONS; i++) {
			struct connection *c = &s->connection[i];

			if (!fds[i].revents || !take(c))
				continue;
			now = read_clock_ns(CLOCK_MONOTONIC);
			if (calls < CALLS_CAP)
				latencies[calls++] = (double)(now - c->asked_ns) / 1e6;
			ask(s, c);
		}
	}
	return calls;
}

static struct segment measure(struct service *s, uint64_t duration_ns)
{
	static double latencies[CALLS_CAP];
	uint64_t start = read_clock_ns(CLOCK_MONOTONIC), cpu = read_clock_ns(s->cpu_clock);
	unsigned calls = run_until(s, start + duration_ns, latencies);
	uint64_t took = read_clock_ns(CLOCK_MONOTONIC) - start;

	if (!cpu || calls < 100)
		die("only %u calls in a segment", calls);
	cpu = read_clock_ns(s->cpu_clock) - cpu;
	return (struct segment){
		.calls_per_s = calls * 1e9 / (double)took,
		.p99_ms = quantile(latencies, calls, 0.99),
		.cpu_us = (double)cpu / 1e3 / calls,
	};
}

static char service_pid[16];

struct variant {
	const char *name;
	const char *args[MEMWATCH_ARGS];
};

#define NOTHING	 0
#define VARIANTS 3

static const struct plan {
	const char *name;
	struct variant variants[VARIANTS];
	uint64_t settle_ns, segment_ns;
} plans[] = {
	{"http",
	 {{"nothing", {NULL}}, {"targeted", {"-p", service_pid}}, {"system", {NULL}}},
	 0,
	 500 * NS_PER_MS},
	{"sites",
	 {{"nothing", {NULL}},
	  {"no-stacks", {"--no-stacks", "-p", service_pid}},
	  {"sites", {"-p", service_pid}}},
	 3 * NS_PER_S,
	 NS_PER_S},
	{"gc",
	 {{"nothing", {NULL}},
	  {"no-gc", {"--no-stacks", "--without", "gc", "-p", service_pid}},
	  {"gc", {"--no-stacks", "-p", service_pid}}},
	 NS_PER_S,
	 NS_PER_S},
};

static const struct plan *plan_of(const char *name)
{
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		if (!strcmp(plans[i].name, name))
			return &plans[i];
	}
	return &plans[0];
}

struct result {
	struct series throughput, p99, cpu, calls_per_s, p99_ms, cpu_us;
};

static void add_pair(struct result *r, const struct segment *a, const struct segment *on,
		     const struct segment *b)
{
	series_add(&r->throughput, on->calls_per_s * 2 / (a->calls_per_s + b->calls_per_s));
	series_add(&r->p99, on->p99_ms * 2 / (a->p99_ms + b->p99_ms));
	series_add(&r->cpu, on->cpu_us * 2 / (a->cpu_us + b->cpu_us));
	series_add(&r->calls_per_s, (a->calls_per_s + b->calls_per_s) / 2);
	series_add(&r->p99_ms, (a->p99_ms + b->p99_ms) / 2);
	series_add(&r->cpu_us, (a->cpu_us + b->cpu_us) / 2);
}

/* A moment of load first, so that it is warm again after memwatch has come or gone. */
static struct segment measure_warm(struct service *s, const struct plan *plan)
{
	measure(s, REST_NS);
	return measure(s, plan->segment_ns);
}

static struct segment run_variant(struct service *s, const char *program, const struct plan *plan,
				  unsigned v)
{
	struct memwatch m;
	struct segment on;

	if (v == NOTHING) {
		sleep_ns(START_NS);
		return measure_warm(s, plan);
	}
	m = memwatch_start(program, plan->variants[v].args, -1);
	if (plan->settle_ns)
		measure(s, plan->settle_ns);
	on = measure_warm(s, plan);
	memwatch_stop(&m, NULL, 0);
	return on;
}

static void print_result(const struct plan *plan, unsigned v, const struct result *r)
{
	printf("{\"bench\":\"%s\",\"variant\":\"%s\",", plan->name, plan->variants[v].name);
	print_estimate("throughput_ratio", &r->throughput);
	putchar(',');
	print_estimate("p99_ratio", &r->p99);
	putchar(',');
	print_estimate("cpu_ratio", &r->cpu);
	putchar(',');
	print_estimate("off_calls_per_s", &r->calls_per_s);
	putchar(',');
	print_estimate("off_p99_ms", &r->p99_ms);
	putchar(',');
	print_estimate("off_cpu_us", &r->cpu_us);
	printf("}\n");
}

int main(int argc, char **argv)
{
	static struct service service;
	static struct result results[VARIANTS];
	unsigned order[VARIANTS] = {0, 1, 2};
	int pairs = argc > 4 ? atoi(argv[4]) : 16;
	const struct plan *plan = plan_of(argc > 5 ? argv[5] : "http");
	struct segment before, on, after;
	uint64_t random = 7;

	if (argc < 4)
		die("usage: http MEMWATCH PORT SERVICE_PID [PAIRS [sites|gc|load]]");
	snprintf(service_pid, sizeof(service_pid), "%d", atoi(argv[3]));
	if (clock_getcpuclockid(atoi(argv[3]), &service.cpu_clock))
		die("no process %s", argv[3]);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		service.connection[i].fd = connect_to(atoi(argv[2]));
		ask(&service, &service.connection[i]);
	}
	measure(&service, WARM_UP_NS);
	if (argc > 5 && !strcmp(argv[5], "load")) {
		measure(&service, (uint64_t)pairs * NS_PER_S);
		return 0;
	}
	before = measure(&service, plan->segment_ns);
	for (int pair = 0; pair < pairs; pair++) {
		shuffle(order, VARIANTS, &random);
		for (unsigned i = 0; i < VARIANTS; i++) {
			on = run_variant(&service, argv[1], plan, order[i]);
			after = measure_warm(&service, plan);
			add_pair(&results[order[i]], &before, &on, &after);
			before = after;
		}
	}
	for (unsigned i = 0; i < VARIANTS; i++)
		print_result(plan, i, &results[i]);
	return 0;
}
