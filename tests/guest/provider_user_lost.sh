#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umem-provider and losses: of the server, of the provider itself. What was
# requested waits, and the next provider goes on; not a byte is wrong.
#
# timeout: 600
# needs: rxe umem

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider region_exec python3

serve_image "$TMP/image" 8192
SIZE=$((8192 * 4096))
WANTED=$(sha256sum <"$TMP/image")
serve 7="$TMP/image"
S=$(serve_source 7)

# provide TARGET: starts umem-provider; provider=pid; false when it fails. In a
# file, as the supervisor below needs it as well.
rm -f "$TMP/ready"
mkfifo "$TMP/ready"
cat >"$TMP/provide" <<'END'
provide()
{
	# Without descriptor 3: a copy of the region would keep it alive.
	umem-provider --ready-fd 9 "$1" "$S" 9>"$TMP/ready" 3<&- \
		>>"$TMP/log" 2>&1 &
	provider=$!
	[ "$(head -c 1 "$TMP/ready")" = 1 ]
}
END
provider=
# shellcheck source=/dev/null
. "$TMP/provide"

# provided_by DESCRIPTION REGION: a result; check would run it in a subshell.
provided_by()
{
	if provide "$2"; then
		ok "$1"
	else
		not_ok "$1"
	fi
}

# Eight threads read the region in random order, slowly as long as there is a
# file "slow", and then its digest.
cat >"$TMP/reader.py" <<'END'
import hashlib, os, random, sys, threading, time
size = os.fstat(3).st_size
order = list(range(0, size, 4096))
random.Random(1).shuffle(order)
def read(part):
    for at in part:
        os.pread(3, 1, at)
        if os.path.exists(sys.argv[1]):
            time.sleep(0.04)
threads = [threading.Thread(target=read, args=(order[n::8],)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(hashlib.sha256(os.pread(3, size, 0)).hexdigest())
END

# read_region: starts it; reader=pid.
read_region()
{
	touch "$TMP/slow"
	region_exec $SIZE hard python3 "$TMP/reader.py" "$TMP/slow" >"$TMP/digest" &
	reader=$!
	check "a reader waits for a provider" wait_until 20 umemctl status "$reader:3"
}

# finish_reading: at full speed, to its end.
finish_reading()
{
	rm "$TMP/slow"
	wait $reader
}

# provided: granules that are there.
provided()
{
	umemctl status -j "$reader:3" | python3 -c 'import json, sys
print(json.load(sys.stdin)["granules_provided"])'
}

# more_than N: granules are there.
more_than()
{
	[ "$(provided)" -gt "$1" ]
}

# gone PID: it has ended, whether or not somebody has waited for it.
gone()
{
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# ---- the provider is killed, again and again

read_region
have=0
for n in 1 2 3 4; do
	provide "$reader:3" || not_ok "provider $n does not start"
	check "provider $n provides" wait_until 60 more_than "$have"
	kill -KILL "$provider"
	wait "$provider" 2>/dev/null
	have=$(provided)
done
like "nobody provides" "$(umemctl status "$reader:3")" 'provider +none'
provided_by "one more" "$reader:3"
finish_reading
is "after 4 killed providers every byte is right" "$(cat "$TMP/digest")" "${WANTED%% *}"
check "the last provider ends with the region" wait_until 20 gone "$provider"

# ---- it is killed, and its channel is kept

# A supervisor has the channel as descriptor 4. All that the eight threads wait
# for has been taken from it when the next provider starts: what the killed one
# had not, it takes in its place.
cat >"$TMP/supervise" <<'END'
. "$TMP/provide"
status()
{
	umemctl status -j $$:3 | python3 -c 'import json, sys
print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
python3 "$TMP/reader.py" "$TMP/slow" 4>&- >"$TMP/digest" &
reader=$!
for n in 1 2 3; do
	have=$(status granules_provided)
	provide fd:4 || exit
	until [ "$(status granules_provided)" -gt "$have" ]; do sleep 0.1; done
	kill -KILL $provider
	wait $provider
	until [ "$(status requests_issued)" = 8 ]; do
		dd bs=1024 count=1 <&4 >/dev/null
		sleep 0.1
	done 2>/dev/null
	status provider_kind
done
provide fd:4 || exit
echo $provider >"$TMP/pid"
rm "$TMP/slow"
wait $reader
END
export TMP S
touch "$TMP/slow"
PART=$((SIZE / 2))
region_exec -c $PART hard sh "$TMP/supervise" >"$TMP/kept" 2>>"$TMP/log" &
supervisor=$!
check "the reader of a channel that is kept comes to its end" \
	wait_until 120 gone $supervisor
is "the channel outlived 3 killed providers" "$(tr '\n' ' ' <"$TMP/kept")" \
	"user user user "
is "and every byte is right" "$(cut -d' ' -f1 "$TMP/digest")" \
	"$(head -c $PART "$TMP/image" | sha256sum | cut -d' ' -f1)"
check "the last provider ends with the region" wait_until 20 gone "$(cat "$TMP/pid")"

# ---- the server dies, with requests open

read_region
provide "$reader:3" || die "the provider does not start"
wait_until 60 more_than 100 || die "nothing is provided"
kill -KILL "$serve_pid"
status=0
wait "$provider" || status=$?
# Its listener goes with it.
wait "$serve_pid" 2>/dev/null
is "the server was killed: exit status" $status 1
like "and a sentence" "$(tail -n 1 "$TMP/log")" \
	'providing .* from .*: the server .*waits for another provider'
check_fails "the reader still waits" gone "$reader"
check_fails "while the server is away a provider is refused" provide "$reader:3"
serve 7="$TMP/image"
provided_by "a provider for the new server" "$reader:3"
finish_reading
is "every byte is right" "$(cat "$TMP/digest")" "${WANTED%% *}"

# ---- the server stops in order

read_region
provide "$reader:3" || die "the provider does not start"
wait_until 60 more_than 100 || die "nothing is provided"
kill "$serve_pid"
status=0
wait "$provider" || status=$?
is "the server stopped: exit status" $status 1
like "and a sentence" "$(tail -n 1 "$TMP/log")" 'the server (said BYE|closed the connection)'
kill -KILL $reader
check "its reader can be killed" wait_until 30 gone "$reader"

# ---- an idle provider notices as well

wait "$serve_pid" 2>/dev/null
serve 7="$TMP/image"
region_exec $SIZE hard sleep 1000 &
reader=$!
wait_until 20 umemctl status "$reader:3" || die "no region"
provide "$reader:3" || die "the provider does not start"
kill -KILL "$serve_pid"
check "an idle provider sees its server go" wait_until 20 gone "$provider"
kill $reader
[ $umem_failed = 0 ] || diag "$(cat "$TMP/log" "$TMP/serve.log")"
