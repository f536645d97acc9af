// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench latency: from options to exit status.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cpus.h"
#include "expect.h"
#include "fabric.h"
#include "latency.h"
#include "reader.h"
#include "size.h"

#define DEFAULT_SIZE (64ULL << 20)	/* without a source */
#define DEFAULT_TOUCHES 4096ULL
#define SCARCE_CPUS 3U	/* with less than these */

static int no_size(const struct bench *bench, uint64_t export_size)
{
	char want[UMEM_SIZE_TEXT];
	char have[UMEM_SIZE_TEXT];

	umem_say("--size: %s are more than the %s of %s",
		 umem_size_text(bench->opt.size, want),
		 umem_size_text(export_size, have), bench->opt.source);
	return -ERANGE;
}

/* Finds the server and what it exports. */
static int look_at_source(struct bench *bench)
{
	struct rdma_client *client;
	struct umem_why why = { "" };
	uint64_t size;
	socklen_t length;
	int err;

	err = umem_source_resolve(&bench->source, &bench->addr, &length, &why);
	if (!err)
		err = reader_connect(bench, &client, &why);
	if (err) {
		umem_say_failed(err, &why, "connecting to %s",
				bench->opt.source);
		return err;
	}
	size = rdma_client_export(client)->size;
	rdma_client_close(client);
	if (!bench->opt.size)
		bench->opt.size = size;
	return bench->opt.size > size ? no_size(bench, size) : 0;
}

static int settle_touches(struct bench *bench)
{
	struct bench_options *opt = &bench->opt;
	uint64_t most;

	bench->pages = opt->size / BENCH_PAGE;
	if (bench->pages > expect_pages(bench->expect)) {
		umem_say("--verify-file: %s has %" PRIu64
			 " pages, less than the %" PRIu64 " of --size",
			 expect_name(bench->expect),
			 expect_pages(bench->expect), bench->pages);
		return -ERANGE;
	}
	/* Those that a stride meets. */
	most = opt->stride ? (bench->pages - 1) / opt->stride + 1 :
			     bench->pages;
	if (opt->touches > most) {
		umem_say("--touches: of the region %" PRIu64
			 " pages can be touched, each once", most);
		return -ERANGE;
	}
	if (!opt->touches)
		opt->touches = most < DEFAULT_TOUCHES ? most : DEFAULT_TOUCHES;
	if (opt->batch > opt->touches)
		opt->batch = opt->touches;
	return 0;
}

static int open_expectation(struct bench *bench)
{
	struct umem_why why = { "" };
	int err;

	bench->expect = expect_new(bench->opt.verify_file,
				   bench->opt.pattern_seed, &err, &why);
	if (err)
		umem_say_failed(err, &why, "--verify-file: %s",
				bench->opt.verify_file);
	return err;
}

/*
 * Where CPUs are scarce the hand-over between two of them costs most, in a VM
 * even the time until the host runs the other one: there userfaultfd's best
 * case, and so what it gets, is to have all on one CPU.
 */
static void choose_cpus(struct bench_options *opt)
{
	bool scarce = cpus_usable() < SCARCE_CPUS;

	if (opt->poll == BENCH_POLL_AUTO)
		opt->poll = scarce ? BENCH_POLL_YIELD : BENCH_POLL_SPIN;
	if (scarce && !opt->cpu.text && !opt->handler_cpu.text) {
		cpus_first(&opt->cpu);
		opt->handler_cpu = opt->cpu;
	}
	if (!opt->cpu.text)
		cpus_parse(BENCH_CPUS_ANY, &opt->cpu, NULL);
	if (!opt->handler_cpu.text)
		cpus_parse(BENCH_CPUS_ANY, &opt->handler_cpu, NULL);
}

static int bind_cpus(struct bench *bench)
{
	int err;

	choose_cpus(&bench->opt);
	err = cpus_apply(&bench->opt.cpu);
	if (err)
		umem_say_failed(err, NULL, "binding to CPUs %s",
				bench->opt.cpu.text);
	return err;
}

/* Opens a row and tries it once, so that a round finds no surprise. */
static int open_row(struct row *row, struct umem_why *why)
{
	int err;

	if (row->ops->source && row->ops->source != row->bench->source.kind)
		return umem_because(why, -ENOENT, "it needs --source %s",
				    row->ops->source == UMEM_SOURCE_SIM ?
				    "sim:" : "rdma://HOST:PORT/ID");
	err = row->ops->open(row, why);
	if (err)
		return err;
	err = row->ops->prepare(row, why);
	if (err) {
		row->ops->close(row);
		return err;
	}
	row->ops->finish(row);
	row->umem = (struct row_umem){ 0 };
	return 0;
}

/* The number of rows that can run, or a negative errno. */
static int open_rows(struct bench *bench)
{
	int ready = 0;

	perm_init(&bench->perm, bench->pages, bench->opt.seed);
	for (size_t i = 0; i < bench->row_count; i++) {
		struct row *row = &bench->rows[i];
		struct umem_why why = { "" };
		int err = open_row(row, &why);

		if (!err) {
			ready++;
			continue;
		}
		row->skipped = strdup(why.text[0] ? why.text : strerror(-err));
		if (!row->skipped)
			return -ENOMEM;
		if (bench->opt.rows) {
			umem_say_failed(err, &why, "row %s cannot run",
					row->ops->name);
			return err;
		}
	}
	return ready;
}

static void close_rows(struct bench *bench)
{
	for (size_t i = 0; i < bench->row_count; i++) {
		struct row *row = &bench->rows[i];

		if (row->skipped)
			free((char *)row->skipped);
		else if (row->priv)
			row->ops->close(row);
	}
	rows_free(bench);
}

static int measure(struct bench *bench)
{
	int ready = open_rows(bench);
	int err;

	if (ready < 0)
		return BENCH_EXIT_ERROR;
	bench->floor_ns = clock_floor_ns(bench->opt.clock);
	err = latency_run(bench);
	if (err)
		return BENCH_EXIT_ERROR;
	rows_name_best(bench);
	err = bench->opt.json ? report_json(bench) : report_text(bench);
	if (err) {
		umem_say_failed(err, NULL, "writing the report");
		return BENCH_EXIT_ERROR;
	}
	return (size_t)ready < bench->row_count ? BENCH_EXIT_SKIPPED :
						  EXIT_SUCCESS;
}

/*
 * Whether the rows can have what @sim promises. A bandwidth only umem-sim knows,
 * which then has to be named.
 */
static bool sim_is_plain(const struct umem_sim_attach *sim, const char *rows)
{
	struct umem_sim_attach plain = {
		.content = UMEM_SIM_PATTERN,
		.source_fd = -1,
		.pattern_seed = sim->pattern_seed,
		.latency_ns = sim->latency_ns,
	};

	if (rows && !strstr(rows, "uffd"))
		plain.bandwidth = sim->bandwidth;

	return !memcmp(sim, &plain, sizeof(plain));
}

static bool source_is_usable(struct bench *bench)
{
	switch (bench->source.kind) {
	case UMEM_SOURCE_RDMA:
		if (bench->opt.poll != BENCH_POLL_SLEEP)
			return true;
		umem_say("--poll: completions of RDMA are polled by spin or yield");
		return false;
	case UMEM_SOURCE_SIM:
		bench->opt.pattern_seed = bench->source.sim.arg.pattern_seed;
		if (sim_is_plain(&bench->source.sim.arg, bench->opt.rows))
			return true;
		umem_say("--source: of sim: only latency=TIME and pattern=SEED mean the same to all rows, and bandwidth=SIZE to those of --rows without uffd");
		return false;
	default:
		umem_say("--source: %s is not reached by RDMA; rdma://HOST:PORT/ID is",
			 bench->opt.source);
		return false;
	}
}

/* What was asked for, checked as far as it can be without a server. */
static int settle_request(struct bench *bench)
{
	struct umem_why why = { "" };

	if (bench->opt.source &&
	    umem_source_parse(bench->opt.source, &bench->source, &why)) {
		umem_say_failed(0, &why, "--source");
		return BENCH_EXIT_USAGE;
	}
	if (bench->opt.source && !source_is_usable(bench))
		return BENCH_EXIT_USAGE;
	if (rows_select(bench, cpus_usable(), &why)) {
		umem_say_failed(0, &why, "--rows");
		return BENCH_EXIT_USAGE;
	}
	return 0;
}

static int open_fabric(struct bench *bench)
{
	struct umem_why why = { "" };
	int err;

	if (bench->source.kind != UMEM_SOURCE_SIM)
		return 0;
	err = fabric_open(bench, &why);
	if (err)
		umem_say_failed(err, &why, "preparing %s", bench->opt.source);
	return err;
}

static int run(struct bench *bench)
{
	if (clock_check(bench->opt.clock)) {
		umem_say("--clock: the time stamp counter does not count nanoseconds here");
		return BENCH_EXIT_ERROR;
	}
	if (bind_cpus(bench) || open_expectation(bench))
		return BENCH_EXIT_ERROR;
	if (bench->source.kind == UMEM_SOURCE_RDMA) {
		if (look_at_source(bench))
			return BENCH_EXIT_ERROR;
	} else if (!bench->opt.size) {
		bench->opt.size = DEFAULT_SIZE;
	}
	if (settle_touches(bench) || open_fabric(bench))
		return BENCH_EXIT_ERROR;
	return measure(bench);
}

int bench_latency(int argc, char **argv)
{
	struct bench bench = { 0 };
	int status = bench_options_parse(argc, argv, &bench.opt);

	if (status)
		return status - 1;
	status = settle_request(&bench);
	if (!status)
		status = run(&bench);
	close_rows(&bench);
	fabric_close(&bench);
	expect_free(bench.expect);
	return status;
}
