# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # here and cache are of tests/vm/kernel
#
# A kernel that looks for our mistakes (debug.config), built from the source of
# the 6.1 whose headers are installed.  The build takes some ten minutes on two
# idle CPUs, once for each source version, configuration and compiler: all three
# are in the name of the version, so a build in the cache is never the wrong one.

# An interrupted build goes on where it was.
# shellcheck disable=SC2034 # for tests/vm/kernel
recipe_resumes=1 recipe_debug=1
# Of a build, about; for the progress line.
debug_steps=1930

recipe_version()
{
	local source key

	# shellcheck source=tests/vm/kernels/6.1.sh
	source=$(. "$here/kernels/6.1.sh" && version=$(recipe_version) &&
		[ -n "$version" ] &&
		dpkg-query -W -f '${Version}' "linux-headers-$version") ||
		die "the headers of Debian's 6.1 kernel tell which source to build; run: apt-get install linux-headers-amd64"
	# shellcheck disable=SC2312 # a hash of whatever there is
	key=$({
		echo "$source"
		gcc --version
		cat "$here"/kernels/debug.{config,patch}
	} | sha256sum | cut -c 1-8)
	printf '%s-debug-%s\n' "$source" "$key"
}

recipe_kdir()
{
	image "$1" >/dev/null
	printf '%s/kernels/%s/build\n' "$cache" "$1"
}

recipe_image()
{
	local version=$1 dir=$2 tree=$2/build

	"$here/deps" kernel || die "no tools to build a kernel with"
	[ -f "$tree/.umem-unpacked" ] || debug_unpack "$version" "$dir"
	debug_configure "$version" "$tree"
	debug_build "$tree" "$dir/build.log"
	mkdir -p "$dir/boot"
	cp "$tree/arch/x86/boot/bzImage" "$dir/boot/vmlinuz"
	cp "$tree/vmlinux" "$tree/System.map" "$dir/boot/"
	debug_make "$tree" INSTALL_MOD_PATH="$dir" modules_install >>"$dir/build.log"
	rm -f "$dir/lib/modules/$version"/{build,source}
	# From here on there is nothing to resume.
	rm -f "$tree/.umem-unpacked"
	debug_prune "$tree"
}

# The compiler is told nothing of this machine or this user.
debug_make()
{
	local tree=$1

	shift
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL nice -n 19 \
		make --no-print-directory -C "$tree" ARCH=x86_64 \
		KBUILD_BUILD_USER=umem KBUILD_BUILD_HOST=umem "$@"
}

debug_unpack()
{
	local version=$1 dir=$2 source=${1%-debug-*}

	rm -rf "$dir/build" "$dir/.source"
	mkdir -p "$dir/build"
	fetch_package "linux-source-6.1=$source" "$dir/.source" ||
		die "cannot download the package linux-source-6.1 of version $source; the archive may have moved on: run apt-get update, and apt-get install linux-headers-amd64 for the present one"
	echo "umem: unpacking the kernel's source" >&2
	tar -C "$dir/build" --strip-components=1 \
		-xf "$dir/.source/usr/src/linux-source-6.1.tar.xz" ||
		die "cannot unpack the kernel's source"
	rm -rf "$dir/.source"
	patch -s -p1 -d "$dir/build" <"$here/kernels/debug.patch" ||
		die "kernels/debug.patch does not apply to linux-source-6.1 $source"
	touch "$dir/build/.umem-unpacked"
}

debug_configure()
{
	local version=$1 tree=$2 lost base

	base=$(sed -n 's/^VERSION = //p; s/^PATCHLEVEL = /./p; s/^SUBLEVEL = /./p' \
		"$tree/Makefile" | tr -d '\n')
	{
		cat "$here/kernels/debug.config"
		printf 'CONFIG_LOCALVERSION="%s"\n' "${version#"$base"}"
	} >"$tree/umem.config"
	debug_make "$tree" -s KCONFIG_ALLCONFIG=umem.config allnoconfig ||
		die "Kconfig failed on kernels/debug.config"
	lost=$(grep -E '^(# )?CONFIG_' "$tree/umem.config" |
		grep -vxFf "$tree/.config") || return 0
	die "Kconfig does not take these lines of kernels/debug.config:
$lost"
}

# A line every half a minute: ten silent minutes look like a hang.
debug_build()
{
	local tree=$1 log=$2 begun=$SECONDS next=30 job

	debug_make "$tree" "-j$(nproc)" bzImage modules >"$log" 2>&1 &
	job=$!
	while kill -0 $job 2>/dev/null; do
		sleep 1
		[ $((SECONDS - begun)) -ge $next ] || continue
		next=$((next + 30))
		echo "umem: building the debug kernel: $((SECONDS - begun)) s, $(
			grep -cE '^  (CC|AS|LD|AR) ' "$log") of about $debug_steps steps" >&2
	done
	wait $job || {
		grep -E -B 2 -A 8 'error|Error' "$log" >&2 || tail -n 30 "$log" >&2
		die "the debug kernel does not build; its log is $log"
	}
}

# What modules are built with stays, 1.5 GB of objects and sources go.
debug_prune()
{
	local tree=$1

	(
		cd "$tree" || exit
		rm -rf Documentation samples tools/testing tools/perf vmlinux* .tmp_*
		find . -path ./scripts -prune -o -path ./tools/objtool -prune -o \
			-type f \( -name '*.[cSo]' -o -name '*.a' -o -name '*.cmd' \
			-o -name '*.dts*' -o -name '*.so*' -o -name bzImage \
			-o -name 'vmlinux.*' -o -name '*.mod' \) -print0 |
			xargs -0 rm -f
		find . -type d -empty -delete
	)
}
