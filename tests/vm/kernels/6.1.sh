# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Debian 12's own kernel.  A recipe gives three functions to tests/vm/kernel:
#   recipe_version          print the version (uname -r) to use
#   recipe_kdir VERSION     print the directory to build modules against
#   recipe_image VERSION D  put boot/vmlinuz and lib/modules/VERSION into D
# and may set recipe_debug (tests there may take ten times as long) and
# recipe_resumes (D is what an interrupted recipe_image left, not empty).

# The headers decide: modules are built against them, so the image has to be
# of the same ABI.  Several may be installed side by side; take the newest.
recipe_version()
{
	local dir newest=

	for dir in /usr/src/linux-headers-6.1.*-amd64; do
		[ -f "$dir/Module.symvers" ] || continue
		case $dir in *-rt-* | *-cloud-*) continue ;; esac
		newest=$(printf '%s\n' "$newest" "${dir#/usr/src/linux-headers-}" |
			sort -V | tail -n 1)
	done
	[ -n "$newest" ] ||
		die "no headers of Debian's 6.1 kernel in /usr/src; run: apt-get install linux-headers-amd64"
	printf '%s\n' "$newest"
}

recipe_kdir()
{
	printf '/usr/src/linux-headers-%s\n' "$1"
}

recipe_image()
{
	local version=$1 dir=$2

	fetch_package "linux-image-$version" "$dir" ||
		die "cannot download the package linux-image-$version; the archive may have moved on: run apt-get update, and apt-get install linux-headers-amd64 for the present ABI"
	mv "$dir/boot/vmlinuz-$version" "$dir/boot/vmlinuz"
}
