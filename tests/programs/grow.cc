/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names to be demangled, templates, virtual functions, lambdas, and code that is inlined. */
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

namespace app
{
template <class T> class Cache
{
	std::map<std::string, std::vector<T>> items;

      public:
	__attribute__((noinline)) void keep(const std::string &key, T value)
	{
		items[key].push_back(value);
	}
	size_t size() const
	{
		return items.size();
	}
};

struct Base {
	virtual ~Base()
	{
	}
	virtual int grow(int n) = 0;
};

struct Derived : Base {
	Cache<std::string> cache;

	int grow(int n) override
	{
		for (int i = 0; i < n; i++)
			cache.keep(std::to_string(i), std::string(i, 'x'));
		return cache.size();
	}
};

namespace
{
__attribute__((noinline)) int hidden(int x)
{
	return x * getpid();
}
} // namespace
} // namespace app

int main()
{
	std::unique_ptr<app::Base> base(new app::Derived);
	std::vector<int> v;
	std::string line;

	for (int i = 0; i < 100; i++)
		v.push_back(app::hidden(i));
	std::sort(v.begin(), v.end(), [](int a, int b) { return a % 100 < b % 100; });
	std::cout << "ready " << base->grow(10) << v[3] << std::endl;
	std::getline(std::cin, line);
}
