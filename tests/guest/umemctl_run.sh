#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umemctl run: what the program gets and what comes back, with the provider in
# the kernel and with the one in userspace.
#
# timeout: 500
# needs: rxe umem umem_rdma

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider python3

PAGES=64
SIZE=$((PAGES * 4096))
serve_image "$TMP/image" $PAGES
serve 7="$TMP/image"

run()
{
	# shellcheck disable=SC2086 # $kind is empty or a word
	umemctl run --size $SIZE --wait-policy hard $kind \
		--provider "$(serve_source 7)" -- "$@"
}

# leaves DESCRIPTION STATUS COMMAND...: the exit status of run.
leaves()
{
	what=$1 wanted=$2
	shift
	shift
	status=0
	run "$@" 2>"$TMP/err" || status=$?
	is "$name: $what" "$status" "$wanted" || diag "$(cat "$TMP/err")"
}

exit_status()
{
	leaves "exit 0" 0 true
	leaves "exit 7" 7 sh -c 'exit 7'
	# shellcheck disable=SC2016 # for the inner shell
	leaves "killed by KILL" 137 sh -c 'kill -KILL $$'
	# shellcheck disable=SC2016
	leaves "killed by SEGV" 139 sh -c 'ulimit -c 0; kill -SEGV $$'
	leaves "not found" 127 /nonexistent/program
	like "$name: not found says so" "$(cat "$TMP/err")" \
		'^umemctl: running /nonexistent/program: no such program; .*\(No such file or directory\)$'
	leaves "not in PATH" 127 no-such-program-anywhere
	leaves "not executable" 126 /etc/passwd
	like "$name: not executable says so" "$(cat "$TMP/err")" \
		'^umemctl: running /etc/passwd: it is not executable; .*\(Permission denied\)$'
}

# shellcheck disable=SC2116 # run is no builtin
what_it_gets()
{
	leaves "the bytes are the export's" 0 cmp {} "$TMP/image"
	is "$name: {} alone" "$(run echo {})" /proc/self/fd/3
	is "$name: {} inside an argument" \
		"$(run echo --filename={} a{}b{} '{' '}' '{ }')" \
		'--filename=/proc/self/fd/3 a/proc/self/fd/3b/proc/self/fd/3 { } { }'
	# shellcheck disable=SC2016
	is "$name: UMEM_FD" "$(run sh -c 'echo $UMEM_FD')" 3
	# shellcheck disable=SC2016
	is "$name: no descriptor but 0 to 3" \
		"$(exec 5<"$TMP/image" 8<"$TMP/image"
		   run sh -c 'ls /proc/$$/fd; :' 2>"$TMP/err" | tr '\n' ' ')" "0 1 2 3 "
	is "$name: region is descriptor 3, of the right size" \
		"$(run stat -Lc %s {})" $SIZE
	is "$name: standard input" "$(echo hello | run cat)" hello
	# shellcheck disable=SC2016
	is "$name: umemctl keeps no region" \
		"$(run sh -c 'ls -l /proc/$PPID/fd | grep -c umem')" 0
	is "$name: without --" "$(umemctl run --size $SIZE --wait-policy hard \
		--provider "$(serve_source 7)" ${kind:+$kind} echo a -n)" "a -n"
	is "$name: standard descriptors closed" \
		"$(run python3 -c 'import os; print(os.fstat(3).st_size)' <&- 2>&-)" $SIZE
}

for kind in "" --user; do
	name=${kind:-kernel}
	exit_status
	what_it_gets
done

gone()
{
	! pgrep -x umem-provider
}
check "the providers ended with their regions" wait_until 30 gone
is "no region is left" "$(umemctl list)" ""
