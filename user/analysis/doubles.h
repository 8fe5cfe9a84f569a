/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEMWATCH_ANALYSIS_DOUBLES_H
#define MEMWATCH_ANALYSIS_DOUBLES_H

#include <stddef.h>

/** doubles_sort - ascending; none of them is NaN */
void doubles_sort(double *v, size_t count);

#endif
