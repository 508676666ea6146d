# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# `./sluice clean`: what was built from our sources and what is out of date; with --all the whole cache.

# clean_outdated - roots and kernels of recipes that this checkout no longer has
clean_outdated() {
	local old name
	compute_keys
	for old in "$cache"/{root,buildroot,kernel,qemu,selftests}/*; do
		name=${old##*/}
		case " ${key[root]} ${key[buildroot]} ${key[kernel]} ${key[qemu-source]} ${key[selftests]} " in
		*" ${name##*-} "*) ;;
		*)
			[[ ! -e $old ]] || as_root rm -rf --one-file-system "$old"
			rm -f "$cache"/stamps/*."${name##*-}"
			;;
		esac
	done
}

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
	rm -rf "${cache:?}"/{products,share,test,work} "$cache"/qemu/*/build "$cache"/{run,tools}-*
	platform_root
	clean_outdated
	for part in libs qemu qtest module-7.2 module-6.12 tools-7.2 tools-6.12; do
		rm -f "$cache/stamps/$part".*
	done
	echo "Removed what was built from Sluice's sources; QEMU's source, the roots and kernels in use stay (--all removes them too)."
}
