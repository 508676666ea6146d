# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# `./sluice clean`: what was built from our sources; with --all the whole cache.

clean() {
	local fd part
	[[ $# -eq 0 || ($# -eq 1 && $1 == --all) ]] || usage_error "clean knows only --all"
	[[ -d $cache/stamps ]] || return 0
	exec {fd}>"$cache/lock/build"
	flock -n "$fd" || fail "another ./sluice is building" "wait for it, then ./sluice clean"
	if [[ ${1-} == --all ]]; then
		platform_root
		as_root rm -rf --one-file-system "$cache"
		echo "Removed $cache. Installed packages stay; apt removes them."
		return 0
	fi
	rm -rf "${cache:?}"/{products,share,test,work} "$cache"/qemu/*/build "$cache"/run-*
	for part in libs qemu qtest module-7.2 module-6.12; do
		rm -f "$cache/stamps/$part".*
	done
	echo "Removed what was built from Sluice's sources; downloads, roots and kernels stay (--all removes them too)."
}
