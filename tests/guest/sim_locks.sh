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

TOUCHES=1024
ROUNDS=2

faults()
{
	umem-bench scaling -j --source sim:pattern=3 --touches "$1" --rounds "$2" \
		>"$TMP/report" 2>"$TMP/errors"
}

echo 1 >/proc/sys/kernel/lock_stat
# A lock is known from when it is taken first, and may inherit what the place of one of
# a module that is gone has counted.
faults 16 1
echo 0 >/proc/lock_stat
faults $TOUCHES $ROUNDS
status=$?
echo 0 >/proc/sys/kernel/lock_stat
is "faults on two CPUs: exit status" $status 0 || diag "$(cat "$TMP/errors")"

# Of ours: "NAME CONTENTIONS ACQUISITIONS", most often taken first.
python3 - <<'END' >"$TMP/locks"
import re
# Columns behind the name: bounces, contentions, 4 of waiting, bounces, acquisitions.
LINE = re.compile(r"^\s*(&(?:table|region|retries|streams|channel|sim|control|fill|punch)->"
                  r"[^:]*):\s+(.*)$")
rows = []
for line in open("/proc/lock_stat", encoding="ascii", errors="replace"):
    if match := LINE.match(line):
        columns = match[2].split()
        rows.append((int(columns[7]), int(columns[1]), match[1]))
for acquired, contended, name in sorted(rows, reverse=True):
    print(name, contended, acquired)
END
diag "$(cat "$TMP/locks")"

# Each round has as many faults of one thread as of each of two.
faults=$((3 * TOUCHES * ROUNDS))
read -r name contended acquired <"$TMP/locks"
is "the lock that is taken most" "$name" "&table->buckets[i].lock"
check "it is taken twice a fault" [ "$acquired" -ge $((2 * faults)) ]
is "no other is taken by faults" \
	"$(awk -v least=$((faults / 2)) 'NR > 1 && $3 >= least' "$TMP/locks")" ""
diag "contended: $contended of $acquired"
check "it is seldom contended" [ $((contended * 100)) -lt "$acquired" ]
