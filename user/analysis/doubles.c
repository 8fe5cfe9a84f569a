/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "analysis/doubles.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void doubles_sort(double *v, size_t count)
{
	qsort(v, count, sizeof(*v), compare);
}
