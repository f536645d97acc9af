#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The module cannot be removed while anything of a region is there, and can be at
# once when the last of it is gone.
#
# needs: umem
# timeout: 240

. "$(dirname "$0")/lib.sh"

# held WHAT: region_hold keeps WHAT; it ends when descriptor 8 is closed.
held()
{
	mkfifo "$TMP/in" "$TMP/out"
	region_hold "$1" <"$TMP/in" 3>"$TMP/out" >"$TMP/log" 2>&1 &
	holder=$!
	exec 8>"$TMP/in"
	read -r line <"$TMP/out"
	rm "$TMP/in" "$TMP/out"
	[ "$line" = held ] || die "region_hold $1: $(cat "$TMP/log")"
}

released()
{
	exec 8>&-
	wait $holder
}

for what in region reopened path mapping private channel waiter socket; do
	held $what
	check_fails "rmmod is refused while there is: $what" rmmod umem
	[ -d /sys/module/umem ] || die "umem is gone"
	if [ $what = waiter ]; then
		exec 8>&-
		kill -KILL $holder
		wait $holder 2>/dev/null
	else
		released
	fi
	check "rmmod at once after the last: $what" rmmod umem ||
		wait_until 10 rmmod umem
	load umem
done

exec 8</dev/umem
check_fails "rmmod is refused while the device is open" rmmod umem
exec 8<&-

failures=0
i=0
while [ $i -lt 20 ]; do
	rmmod umem || failures=$((failures + 1))
	load umem
	region_hold nothing >"$TMP/log" 2>&1 || failures=$((failures + 1))
	i=$((i + 1))
done
is "20 times loaded, used, unloaded at once" "$failures" 0
