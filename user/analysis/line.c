/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Least squares, by running means. */
#include "analysis/line.h"

void line_add(struct line_sums *sums, const struct trend_point *p)
{
	double ds = p->s - sums->mean_s, db = p->bytes - sums->mean_bytes;

	sums->n++;
	sums->mean_s += ds / sums->n;
	sums->mean_bytes += db / sums->n;
	sums->ss += ds * (p->s - sums->mean_s);
	sums->sb += ds * (p->bytes - sums->mean_bytes);
	sums->bb += db * (p->bytes - sums->mean_bytes);
}

double line_slope(const struct line_sums *sums)
{
	return sums->ss > 0 ? sums->sb / sums->ss : 0;
}

double line_at(const struct line_sums *sums, double s)
{
	return sums->mean_bytes + line_slope(sums) * (s - sums->mean_s);
}

double line_squares(const struct line_sums *sums)
{
	double squares = sums->bb - line_slope(sums) * sums->sb;

	return squares > 0 ? squares : 0;
}
