#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umem-bench on pages that are there, of a memfd, of a region, of a finalized one,
# and on a mapped block device: every page is right, every random touch is a fault,
# a scan has less of them, a device that was written to is restored.
#
# timeout: 300
# needs: umem

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

require umem-bench python3 cmp

# json EXPRESSION: of the last report, rows by kind as r.
json()
{
	python3 -c '
import json, sys
r = {row["kind"]: row for row in json.load(open(sys.argv[1]))["rows"]}
print(eval(sys.argv[2]))' "$TMP/report" "$1"
}

bench()
{
	umem-bench latency -j --size 1M --touches 256 --rounds 2 "$@" >"$TMP/report"
}

PRESENT=present,umem-provided,umem-finalized
for access in "" --write; do
	what=${access:-read}
	check "$what" bench --rows $PRESENT $access
	is "$what: all verified" \
		"$(json '[x["verified"] for x in r.values()]')" "[512, 512, 512]"
	is "$what: every touch is a fault" \
		"$(json 'all(512 <= x["faults"] <= 540 for x in r.values())')" True
done
is "nothing was fetched" "$(json 'r["umem-provided"]["umem"]["faults"]')" 0
is "a distribution is told" \
	"$(json 'all(x["distribution_ns"] == sorted(x["distribution_ns"]) and x["distribution_ns"][-1][1] == x["latency_ns"]["max"] for x in r.values())')" True
check "scan" bench --rows $PRESENT --stride 1 --batch 256
is "scan: neighbours are mapped by a fault" \
	"$(json 'all(x["verified"] == 512 and x["faults"] < 256 for x in r.values())')" True

modprobe brd rd_nr=1 rd_size=1024 || { skip "a mapped block device" "no module brd"; exit; }
umem-bench pattern --size 1M --seed 3 "$TMP/pattern"
check "a block device is filled" dd if="$TMP/pattern" of=/dev/ram0 bs=1M
check_fails "nvmeof needs a device" bench --rows nvmeof
check_fails "a device that is not there" bench --rows nvmeof --nvmeof /dev/ram99
check_fails "a device that is too small" \
	bench --size 32M --rows nvmeof --nvmeof /dev/ram0 --verify-pattern=3
check_fails "a device that holds something else" \
	bench --rows nvmeof --nvmeof /dev/ram0 --verify-pattern=4
for access in "" --write; do
	what="device ${access:-read}"
	check "$what" bench --rows nvmeof --nvmeof /dev/ram0 --verify-pattern=3 $access
	is "$what: all verified" "$(json 'r["nvmeof"]["verified"]')" 512
	is "$what: every touch is a fault" "$(json '512 <= r["nvmeof"]["faults"] <= 540')" True
	check "$what: it holds what it held" cmp -n 1048576 "$TMP/pattern" /dev/ram0
done
# Others want more of them. A kernel that has brd built in keeps it.
modprobe -qr brd || :
