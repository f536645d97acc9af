/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: lets the allocations of an operation fail, one after
 * the other, and looks whether it copes. Only allocations with one of our
 * modules on their stack count; see tests/README.md.
 *
 * UMEM_WALK=I/N in the environment walks every N-th allocation from I on
 * (1 to N): a part of the work, for who has little time.
 */
#ifndef UMEM_TEST_FAILURES_H
#define UMEM_TEST_FAILURES_H

#include <stdbool.h>

/**
 * struct failing - an operation whose allocations fail
 * @what: for the report.
 * @least: allocations that it must have, or the walk shows nothing.
 * @whole: count those of core code as well, which have none of ours on their
 *	stack.
 * @all: also let all objects fail that come after so and so many bytes of them,
 *	and all pages. Not for page faults, which core code tries for ever, and
 *	not with @whole.
 * @spare: a driver, by the prefix of its functions, whose own allocations do not
 *	fail; NULL for none. It is built in.
 * @errors: errno that it may end with besides ENOMEM; 0 after the last.
 * @before: prepares; may be NULL.
 * @act: the operation, and nothing but it: 0 or a positive errno.
 * @refused: looks at what a failed @act left behind; may be NULL. A second @act
 *	comes after it, and must succeed.
 * @after: looks at what a successful @act did, and tidies up; may be NULL.
 */
struct failing {
	const char *what;
	unsigned int least;
	bool whole;
	bool all;
	const char *spare;
	int errors[4];
	void (*before)(void);
	int (*act)(void);
	void (*refused)(void);
	void (*after)(void);
};

/* NULL, or why this kernel cannot do it. Call it first. */
const char *failures_impossible(void);

/* The result is that of the test; must be called by the main thread. */
void failures_walk(const struct failing *op);

/* Of so many rounds those of this slice, at least one. */
unsigned int failures_share(unsigned int rounds);

/*
 * From here on so many of a hundred allocations fail, in whatever context: also
 * where no thread of the test can be made to count. 0 ends it. @spare as above.
 */
void failures_at_random(unsigned int percent, const char *spare);

#endif /* UMEM_TEST_FAILURES_H */
