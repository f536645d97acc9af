#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Which of our locks faults take where the provider has them from the fault itself:
# those of hash buckets, and no other. What a debug kernel counts (lock_stat).
#
# needs: umem umem_sim cpus=2
# timeout: 300

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

require umem-bench python3
[ -e /proc/lock_stat ] || skip_all "this kernel does not count its locks"
grep -Eq 'debug_locks: +1' /proc/lockdep_stats || skip_all "this kernel has given up counting"

FEW=16
MANY=1024
ROUNDS=2
# What is taken once a region, whatever its faults, is taken as often in both runs; by so
# much a lock may differ for what goes on beside them.
APART=16

# faults TOUCHES: reads, and writes; what they took goes to $TMP/locks.TOUCHES, lines of
# "NAME CONTENTIONS ACQUISITIONS".
faults()
{
	echo 0 >/proc/lock_stat
	echo 1 >/proc/sys/kernel/lock_stat
	status=0
	for access in "" --write; do
		umem-bench scaling -j --source sim:pattern=3 --touches "$1" \
			--rounds $ROUNDS $access >"$TMP/report" 2>"$TMP/errors" ||
			status=$?
	done
	echo 0 >/proc/sys/kernel/lock_stat
	is "$1 touches on two CPUs: exit status" $status 0 || diag "$(cat "$TMP/errors")"
	count_locks >"$TMP/locks.$1"
}

# Those of ours, most often taken first.
count_locks()
{
	python3 - <<-'END'
		import re
		# Columns behind the name: bounces, contentions, 4 of waiting, bounces,
		# acquisitions.
		LINE = re.compile(r"^\s*(&(?:table|region|retries|streams|channel|sim|control|"
		                  r"fill|punch)->[^:]*):\s+(.*)$")
		rows = []
		for line in open("/proc/lock_stat", encoding="ascii", errors="replace"):
		    if match := LINE.match(line):
		        columns = match[2].split()
		        rows.append((int(columns[7]), int(columns[1]), match[1]))
		for acquired, contended, name in sorted(rows, reverse=True):
		    print(name, contended, acquired)
	END
}

# A lock is known from when it is taken first, and may inherit what the place of one of
# a module that is gone has counted.
faults $FEW
faults $FEW
faults $MANY
diag "$(cat "$TMP/locks.$MANY")"

# By how much each was taken more often.
awk 'NR == FNR { few[$1] = $3; next }
	{ print $1, $3 - few[$1] }' "$TMP/locks.$FEW" "$TMP/locks.$MANY" >"$TMP/grown"

# Each round has as many faults of one thread as of each of two, reads and writes.
faults=$((2 * 3 * (MANY - FEW) * ROUNDS))
BUCKETS="&table->buckets[i].lock"
read -r name contended acquired <"$TMP/locks.$MANY"
is "the lock that is taken most" "$name" "$BUCKETS"
check "it is taken twice a fault" \
	awk -v name="$BUCKETS" -v least=$((2 * faults)) \
	'$1 == name && $2 >= least { found = 1 } END { exit !found }' "$TMP/grown"
is "no other is taken by faults" \
	"$(awk -v name="$BUCKETS" -v most=$APART '$1 != name && $2 > most' "$TMP/grown")" ""
diag "contended: $contended of $acquired"
check "it is seldom contended" [ $((contended * 100)) -lt "$acquired" ]
