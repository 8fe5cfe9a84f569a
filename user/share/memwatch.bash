# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion of memwatch for bash.
# shellcheck shell=bash

_memwatch() {
	local cur prev command words
	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD - 1]}
	command=
	[ "$COMP_CWORD" -eq 1 ] || command=${COMP_WORDS[1]}
	case $prev in
	-p | --pid)
		words=$(ps -eo pid= --ppid 2 -N 2>/dev/null || true)
		;;
	-n | --comm)
		words=$(ps -eo comm= --ppid 2 -N 2>/dev/null | sort -u || true)
		;;
	-c | --cgroup)
		mapfile -t COMPREPLY < <(compgen -d -- "${cur:-/sys/fs/cgroup/}")
		return
		;;
	-o | --output | --btf | --base)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-s | --sort)
		words="growth verdict limit delta since rss anon file shmem swap heap pgtable vm faults calls threads pid comm"
		;;
	-f | --format)
		words="text html json"
		[ "$command" != report ] || words+=" flamegraph folded pprof"
		;;
	--without)
		words="calls faults fork exec exit oom gc sites v8 self fexit kretprobe tp_btf raw_tp perf iter"
		;;
	--retainers | --every | --max-memory | -i | --interval | -d | --duration | -r | --rows | --sites | --budget | --max-growth | --max-size | --requests)
		return
		;;
	*)
		case $command in
		doctor) words="-p --pid --without --btf -v --verbose -h --help" ;;
		schema) words="-h --help" ;;
		heap)
			words="-p --pid --every -d --duration --base --live --retainers -r --rows --show-values --json
				-o --output --max-memory -v --verbose -q --quiet -h --help"
			;;
		diff)
			if [[ $cur != -* ]]; then
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
				return
			fi
			words="--requests -r --rows -f --format --json -o --output -q --quiet -h --help"
			;;
		record)
			words="-o --output -p --pid -n --comm -c --cgroup -i --interval -d --duration
				--max-size --requests --budget --without --heap --no-stacks --btf
				-v --verbose -q --quiet -h --help --"
			;;
		report)
			if [[ $cur != -* ]]; then
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
				return
			fi
			words="-p --pid -n --comm -f --format --json -r --rows -o --output -q --quiet -h --help"
			;;
		check)
			words="-p --pid -n --comm -c --cgroup -i --interval -d --duration
				--max-growth --sites --json -o --output --budget --without
				--heap --no-stacks --btf -v --verbose -q --quiet -h --help --"
			;;
		*)
			words="-p --pid -n --comm -c --cgroup -i --interval -d --duration -r --rows
				-s --sort --sites --json -o --output --budget --without --heap
				--no-stacks --btf -v --verbose -q --quiet -h --help"
			;;
		esac
		[ "$COMP_CWORD" -gt 1 ] || words="watch record report check heap diff doctor schema --version $words"
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _memwatch memwatch
