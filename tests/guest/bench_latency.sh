#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umem-bench latency: all rows in one run, with every page verified and every
# touch a fault where it has to be one; a wrong expectation is found, in reads
# and in writes; zero copy shows in the report.
#
# needs: umem umem_rdma rxe
# timeout: 400

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umem-bench umem-serve umem-provider python3

PAGES=256
umem-bench pattern --size $((PAGES * 4096)) "$TMP/pattern" || die "no pattern"
serve 7="$TMP/pattern"
S=$(serve_source 7)

# bench OPTIONS...: a small run; report in $TMP/report, status in $status.
bench()
{
	status=0
	umem-bench latency --source "$S" --touches 128 --rounds 2 --batch 32 \
		"$@" >"$TMP/report" 2>"$TMP/errors" || status=$?
}

# what EXPRESSION: of the report, in Python, with rows by name as R.
what()
{
	python3 - "$TMP/report" "$1" <<-'END'
	import json, sys
	J = json.load(open(sys.argv[1]))
	R = {row["name"]: row for row in J["rows"]}
	N = J["touches"] * J["rounds"]
	print(eval(sys.argv[2]))
	END
}

# A few faults are the program's own.
check_report()
{
	is "$1: exit status" $status 0 || diag "$(cat "$TMP/errors")"
	is "$1: all rows are there" "$(what '" ".join(sorted(R))')" \
		"present present-mapped raw-verbs tmpfs-first uffd-verbs $2 umem-provider umem-rdma"
	is "$1: every touch verified" \
		"$(what 'all(r["touches"] == r["verified"] == N == 256 for r in R.values())')" True
	is "$1: touches that fault" \
		"$(what 'sorted(n for n, r in R.items() if N <= r["faults"] <= N + 25)')" \
		"['present', 'tmpfs-first', 'uffd-verbs', '${2% *}', '${2#* }', 'umem-provider', 'umem-rdma']"
	is "$1: touches that do not" \
		"$(what 'sorted(n for n, r in R.items() if r["faults"] <= 25)')" \
		"['present-mapped', 'raw-verbs']"
	is "$1: percentiles are in order" \
		"$(what 'all(0 <= t["min"] <= t["p50"] <= t["p90"] <= t["p99"] <= t["p99_9"] <= t["max"] and t["min"] <= t["mean"] <= t["max"] for t in (r["latency_ns"] for r in R.values()))')" True
	is "$1: raw-verbs is the measure" \
		"$(what 'set(R["raw-verbs"]["ratio_to_raw"].values()) == {1}')" True
	is "$1: a fetch costs more than a present page" \
		"$(what 'all(R[n]["latency_ns"]["p50"] > R["present-mapped"]["latency_ns"]["p50"] for n in ("raw-verbs", "umem-rdma", "umem-provider", "uffd-verbs"))')" True
	is "$1: umem-rdma copies nothing" \
		"$(what '(R["umem-rdma"]["umem"]["bytes_copied"], R["umem-rdma"]["umem"]["bytes_direct"] == N * 4096)')" \
		"(0, True)"
	is "$1: umem-provider copies all" \
		"$(what '(R["umem-provider"]["umem"]["bytes_copied"] == N * 4096, R["umem-provider"]["umem"]["bytes_direct"])')" \
		"(True, 0)"
}

# Which of the three is the best one changes from run to run.
others()
{
	what '" ".join(sorted(n for n in R if n.startswith("uffd-verbs-")))'
}

bench -j
check_report "read" "$(others)"

bench -j --write
check_report "write" "$(others)"
is "write: the report says so" "$(what 'J["access"]')" write

bench --rows raw-verbs,umem-rdma
is "table: exit status" $status 0
like "table: says what it is" "$(head -n 1 "$TMP/report")" \
	'^umem-bench latency: wall-clock time, only ratios within this run mean anything; Linux [0-9].*, [0-9]+ CPUs, rows: raw-verbs umem-rdma'
like "table: has a row of umem-rdma" "$(cat "$TMP/report")" \
	'^umem-rdma( +[0-9.]+){8} +256 +256$'

bench -j --rows uffd-verbs-spin,uffd-minor-verbs,umem-provider-poll \
	--touches 64 --rounds 1
is "rows that run only when named: exit status" $status 0
is "rows that run only when named: verified" \
	"$(what 'sorted((r["kind"], r["verified"]) for r in J["rows"])')" \
	"[('uffd-minor-verbs', 64), ('uffd-verbs-spin', 64), ('umem-provider-poll', 64)]"
is "without raw-verbs there is no ratio" \
	"$(what '[r["ratio_to_raw"] for r in J["rows"]]')" "[None, None, None]"

# Each row on its own must notice that the bytes are not what they should be.
for row in raw-verbs umem-rdma umem-provider uffd-verbs-block uffd-minor-verbs; do
	bench --rows $row --verify-pattern=1 --touches 1 --rounds 1
	is "$row: another pattern: exit status" $status 1
	like "$row: another pattern: is named" "$(cat "$TMP/errors")" \
		"^umem-bench: row $row: wrong bytes at offset [0-9]+: expected ([0-9a-f]{2} ){8}\(pattern:1\), got ([0-9a-f]{2} ?){8}$"
	is "$row: another pattern: no figures" "$(cat "$TMP/report")" ""
done

# A copy of the export with one bit of one byte of page 200 changed.
python3 - "$TMP/pattern" "$TMP/copy" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[200 * 4096 + 1234] ^= 0x10
open(sys.argv[2], "wb").write(data)
END
bench --rows umem-rdma --touches $PAGES --rounds 1 --verify-file "$TMP/copy"
is "one bit: exit status" $status 1
like "one bit: is named" "$(cat "$TMP/errors")" \
	"row umem-rdma: wrong bytes at offset $((200 * 4096 + 1232)): expected"
bench --rows umem-rdma --touches $PAGES --rounds 1 --verify-file "$TMP/pattern" -j
is "the file itself: exit status" $status 0
is "the file itself: every page verified" "$(what 'R["umem-rdma"]["verified"]')" $PAGES

kill "$serve_pid"
wait "$serve_pid"
