// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From options to a source, CPUs and what pages must hold.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "cpus.h"
#include "expect.h"
#include "fabric.h"
#include "reader.h"
#include "setup.h"
#include "size.h"

#define DEFAULT_SIZE (64ULL << 20)	/* without a source */
#define SCARCE_CPUS 3U	/* with less than these */

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

int setup_source(struct bench *bench)
{
	struct umem_why why = { "" };

	if (!bench->opt.source)
		return 0;
	if (umem_source_parse(bench->opt.source, &bench->source, &why)) {
		umem_say_failed(0, &why, "--source");
		return BENCH_EXIT_USAGE;
	}
	return source_is_usable(bench) ? 0 : BENCH_EXIT_USAGE;
}

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

static int settle_size(struct bench *bench)
{
	if (bench->source.kind == UMEM_SOURCE_RDMA) {
		int err = look_at_source(bench);

		if (err)
			return err;
	} else if (!bench->opt.size) {
		bench->opt.size = DEFAULT_SIZE;
	}
	bench->pages = bench->opt.size / BENCH_PAGE;
	if (bench->pages <= expect_pages(bench->expect))
		return 0;
	umem_say("--verify-file: %s has %" PRIu64
		 " pages, less than the %" PRIu64 " of --size",
		 expect_name(bench->expect), expect_pages(bench->expect),
		 bench->pages);
	return -ERANGE;
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

int setup_begin(struct bench *bench)
{
	if (clock_check(bench->opt.clock)) {
		umem_say("--clock: the time stamp counter does not count nanoseconds here");
		return BENCH_EXIT_ERROR;
	}
	if (bind_cpus(bench) || open_expectation(bench) || settle_size(bench) ||
	    open_fabric(bench))
		return BENCH_EXIT_ERROR;
	return 0;
}

void setup_end(struct bench *bench)
{
	fabric_close(bench);
	expect_free(bench->expect);
}

int setup_row(struct row *row, struct umem_why *why)
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
		row->priv = NULL;
		return err;
	}
	row->ops->finish(row);
	row->umem = (struct row_umem){ 0 };
	return 0;
}
