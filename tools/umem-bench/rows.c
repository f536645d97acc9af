// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which rows there are and which of them run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "row.h"

/* Order of the table; the floor comes first. */
const struct row_ops *const row_kinds[] = {
	&row_raw_verbs,
	&row_umem_rdma,
	&row_umem_provider,
	&row_umem_provider_poll,
	&row_uffd_block,
	&row_uffd_poll,
	&row_uffd_yield,
	&row_uffd_spin,
	&row_uffd_minor,
	&row_umem_sim,
	&row_uffd_sim_block,
	&row_uffd_sim_poll,
	&row_uffd_sim_yield,
	&row_uffd_sim_spin,
	&row_uffd_sim_minor,
	&row_uffd_sim_sigbus,
	&row_tmpfs_first,
	&row_present,
	&row_present_mapped,
	&row_umem_provided,
	&row_umem_finalized,
	&row_umem_holed,
	&row_nvmeof,
};
const size_t row_kind_count = sizeof(row_kinds) / sizeof(row_kinds[0]);

/*
 * A handler that spins, the thread that it serves and the network's softirq
 * want a CPU each; with less it only starves the others.
 */
#define SPIN_CPUS 3U

static bool word_is(const char *word, size_t length, const char *name)
{
	return name && strlen(name) == length && !strncmp(word, name, length);
}

/* Rows of the simulated source are for who asks for that. */
static bool fits_source(const struct row_ops *ops, const struct bench *bench)
{
	bool sim = bench->source.kind == UMEM_SOURCE_SIM;

	return !ops->source || (ops->source == UMEM_SOURCE_SIM) == sim;
}

/* Whether @list names @ops; without a list, whether it runs unasked. */
static bool wanted(const struct row_ops *ops, const struct bench *bench,
		   unsigned int cpus)
{
	bool unasked = fits_source(ops, bench) &&
		       (ops->when == ROW_ALWAYS ||
			(ops->when == ROW_SPARE_CPUS && cpus >= SPIN_CPUS));
	const char *list = bench->opt.rows;

	if (!list)
		return unasked;
	while (*list) {
		size_t length = strcspn(list, ",");

		if (word_is(list, length, ops->name) ||
		    (unasked && word_is(list, length, ops->group)))
			return true;
		list += length;
		list += *list == ',';
	}
	return false;
}

static bool known(const char *word, size_t length)
{
	for (size_t i = 0; i < row_kind_count; i++)
		if (word_is(word, length, row_kinds[i]->name) ||
		    word_is(word, length, row_kinds[i]->group))
			return true;
	return false;
}

static int check_names(const char *list, struct umem_why *why)
{
	for (;;) {
		size_t length = strcspn(list, ",");

		if (!known(list, length))
			return umem_because(why, -EINVAL,
					    "there is no row \"%.*s\"; --help lists them",
					    (int)length, list);
		list += length;
		if (!*list++)
			return 0;
	}
}

int rows_select(struct bench *bench, unsigned int cpus, struct umem_why *why)
{
	const char *list = bench->opt.rows;
	int err = list ? check_names(list, why) : 0;

	if (err)
		return err;
	bench->rows = calloc(row_kind_count, sizeof(*bench->rows));
	if (!bench->rows)
		return umem_because(why, -ENOMEM, "no memory");
	for (size_t i = 0; i < row_kind_count; i++) {
		struct row *row = &bench->rows[bench->row_count];

		if (!wanted(row_kinds[i], bench, cpus))
			continue;
		row->ops = row_kinds[i];
		row->name = row->ops->name;
		row->bench = bench;
		row->hist = hist_new();
		bench->row_count++;
		if (!row->hist)
			return umem_because(why, -ENOMEM, "no memory");
	}
	return 0;
}

void rows_free(struct bench *bench)
{
	for (size_t i = 0; i < bench->row_count; i++)
		hist_free(bench->rows[i].hist);
	free(bench->rows);
	bench->rows = NULL;
	bench->row_count = 0;
}

static double median(const struct row *row)
{
	struct hist_summary summary;

	hist_summarize(row->hist, &summary);
	return summary.p50;
}

static bool better(const struct row *row, const struct row *than)
{
	return !than || median(row) < median(than);
}

void rows_name_best(struct bench *bench)
{
	for (size_t i = 0; i < bench->row_count; i++) {
		const char *group = bench->rows[i].ops->group;
		struct row *best = NULL;

		if (!group)
			continue;
		for (size_t j = 0; j < bench->row_count; j++) {
			struct row *row = &bench->rows[j];

			if (!row->ops->group || !row->touches ||
			    strcmp(row->ops->group, group))
				continue;
			row->name = row->ops->name;
			if (better(row, best))
				best = row;
		}
		if (best)
			best->name = group;
	}
}
