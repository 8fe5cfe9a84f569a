// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// leak.cc - the same in C++: Registry<Session>::insert keeps what it makes with new, and a
// std::string and a std::vector in it; render() makes std::strings that do not outlive it.
//
//	leak [MB_PER_S]		until SIGTERM or the end of stdin; {"event":"ready"} on stdout
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

#define APART __attribute__((noinline))

namespace store
{

struct Session {
	explicit Session(unsigned long id)
	    : id(id), name(1500, static_cast<char>('a' + id % 26)), // LEAK
	      scores(180, 0.5)					    // LEAK
	{
	}
	unsigned long id;
	std::string name;
	std::vector<double> scores;
};

template <typename T> class Registry
{
      public:
	APART void insert(unsigned long id)
	{
		items.push_back(std::make_unique<T>(id)); // LEAK
	}
	size_t size() const
	{
		return items.size();
	}

      private:
	std::vector<std::unique_ptr<T>> items;
};

} // namespace store

namespace web
{

APART size_t render(unsigned long id)
{
	size_t length = 0;

	for (unsigned i = 0; i < 24; i++) { // one at a time: see leak.c
		std::string line(500, static_cast<char>('a' + (id + i) % 26));
		length += line.size() + static_cast<unsigned char>(line[id % 500]);
	}
	return length;
}

class Server
{
      public:
	APART size_t handle(unsigned long id)
	{
		size_t length = render(id);

		sessions.insert(id);
		return length + sessions.size();
	}

      private:
	store::Registry<store::Session> sessions;
};

} // namespace web

int main(int argc, char **argv)
{
	const double rate = argc > 1 ? atof(argv[1]) : 4;
	struct pollfd in = {0, POLLIN, 0};
	web::Server server;
	volatile size_t sink = 0;
	unsigned long id = 0;

	printf("{\"event\":\"ready\",\"pid\":%d}\n", getpid());
	fflush(stdout);
	// About 3 KB are kept a call; no more after 400 MB
	while (poll(&in, 1, 10) == 0)
		for (double due = rate * 1e4; due > 0 && id < 400000000UL / 3000; due -= 3000)
			sink = sink + server.handle(id++);
	return 0;
}
