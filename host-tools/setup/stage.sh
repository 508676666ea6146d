# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# Runs stages: each once for its key, under a lock, with its output in a log and
# its progress on the terminal.

stage_pid=

# stage_done NAME KEY
stage_done() {
	[[ -e $cache/stamps/$1.$2 ]]
}

# stage_progress LOG - the last "[done/total]" of a build, if there is one
stage_progress() {
	tail -c 600 "$1" 2>/dev/null | grep -aoE '^\[[0-9]+/[0-9]+\]' | tail -n1 || true
}

clock() {
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# stage_watch HEAD LOG - show notes and progress until the stage's process ends
stage_watch() {
	local head=$1 log=$2 started=$SECONDS shown=0 notes next=30
	while kill -0 "$stage_pid" 2>/dev/null; do
		mapfile -t notes < <(grep -a '^» ' "$log" 2>/dev/null)
		while ((shown < ${#notes[@]})); do
			[[ ! -t 1 ]] || printf '\r\e[K'
			printf '        %s\n' "${notes[shown]#» }"
			shown=$((shown + 1))
		done
		if [[ -t 1 ]]; then
			printf '\r\e[K%s  %s %s' "$head" "$(clock $((SECONDS - started)))" "$(stage_progress "$log")"
		elif ((SECONDS - started >= next)); then
			printf '        %s %s\n' "$(clock $((SECONDS - started)))" "$(stage_progress "$log")"
			next=$((next + 30))
		fi
		((EUID == 0)) || sudo -n -v 2>/dev/null || true
		sleep 0.3
	done
	[[ ! -t 1 ]] || printf '\r\e[K'
}

# stage_failed TITLE LOG - why, and what to do about it
stage_failed() {
	local title=$1 log=$2
	echo
	echo "sluice: failed: $title" >&2
	if grep -aq '^sluice: ' "$log"; then
		grep -a '^sluice: ' "$log" >&2
	elif grep -aqE 'Could not resolve|Temporary failure|Could not connect|Unable to connect|Network is unreachable|Failed to fetch' "$log"; then
		echo "sluice: the package archive cannot be reached from this machine" >&2
		echo "sluice: mend it with: apt-get update (must succeed), then ./sluice setup, which goes on where it stopped" >&2
	elif grep -aq 'No space left on device' "$log"; then
		echo "sluice: the disk is full" >&2
		echo "sluice: mend it with: SLUICE_CACHE=/a/larger/disk ./sluice setup, or ./sluice clean" >&2
	else
		tail -n 8 "$log" >&2
	fi
	echo "sluice: the whole output: $log" >&2
	exit 1
}

stage_interrupted() {
	if [[ -n $stage_pid ]]; then
		kill -TERM -- "-$stage_pid" 2>/dev/null || true
	fi
	echo
	echo "sluice: interrupted; ./sluice setup goes on where it stopped" >&2
	exit 130
}

# stage_run N/M NAME KEY LOCK TITLE COMMAND...
stage_run() {
	local number=$1 name=$2 stamp=$2.$3 lock=$4 title=$5 log=$cache/log/$2.log began=$SECONDS rc=0 fd
	shift 5
	exec {fd}>"$cache/lock/$lock"
	if ! flock -n "$fd"; then
		echo "[$number] waiting for another ./sluice that is at work on: $title"
		flock "$fd"
	fi
	if [[ ! -e $cache/stamps/$stamp ]]; then
		[[ -t 1 ]] || echo "[$number] $title"
		# Leftovers of an interrupted run; nobody else uses them under the lock.
		as_root rm -rf "$cache/tmp/${name:?}".*
		trap stage_interrupted INT TERM
		set -m
		(
			set -euo pipefail
			"$@"
		) >"$log" 2>&1 </dev/null &
		stage_pid=$!
		set +m
		stage_watch "[$number] $title" "$log"
		wait "$stage_pid" || rc=$?
		stage_pid=
		trap - INT TERM
		((rc == 0)) || stage_failed "$title" "$log"
		: >"$cache/stamps/$stamp"
		echo "[$number] $title: done in $(clock $((SECONDS - began)))"
	fi
	exec {fd}>&-
}
