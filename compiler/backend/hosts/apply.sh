#!/bin/sh
# Writes the files of one group of machines where they belong, and has them read. Runs in a pod on each machine of the
# group, which has the machine's root at /host and may enter the namespaces of its first process.
#
# /meshgen/files/plan has a line for each file: its key in the folder beside it, its path on the machine, what a change
# leads to, and for which service. A file is written when its bytes differ, beside the old one and then in its place.
# What a change leads to is noted on the machine until it is done, so that a pod that ends in between loses nothing.
# Every MESHGEN_INTERVAL seconds it compares again. The pod is ready when every file is in place and was read.
#
# Nothing is installed, no file is ever deleted, and what runs the kubelet is not restarted: the log says when it must be.
set -u
host=${MESHGEN_HOST:-/host}
files=${MESHGEN_FILES:-/meshgen/files}
ready=${MESHGEN_STATE:-/meshgen/state}/applied
pending=$host/run/meshgen
nap=

say() { printf '%s\n' "$*"; }

# The standard input of the loops below is the plan: no command of the machine may read it.
on_host() { nsenter -t 1 -m -u -i -n -p -- "$@" </dev/null; }

# put KEY PATH MARK
put() {
	target=$host$2
	if cmp -s "$files/$1" "$target"; then return 0; fi
	folder=${target%/*}
	temp=$folder/.${target##*/}.meshgen
	mkdir -p "$folder" || return 1
	if [ "$(cd -P "$folder" && pwd)" != "$folder" ]; then
		say "$2: a folder on the way is a symbolic link, and would lead into this pod"
		return 1
	fi
	if [ -d "$target" ]; then
		say "$2: there is a folder of that name"
		return 1
	fi
	if ! { mkdir -p "$pending" && : >"$pending/$3"; }; then return 1; fi
	if cat "$files/$1" >"$temp" && chown 0:0 "$temp" && chmod 0644 "$temp" && mv -f "$temp" "$target"; then
		say "$2: written"
		return 0
	fi
	rm -f "$temp"
	return 1
}

resize_table() {
	size=$(sed -n 's/^options nf_conntrack hashsize=//p' "$host/etc/modprobe.d/meshgen.conf") || return 1
	on_host modprobe nf_conntrack || return 1
	# Options are taken when the module is loaded; the table of one that runs is resized in place.
	on_host sh -c "echo $size >/sys/module/nf_conntrack/parameters/hashsize"
}

# act ACTION SERVICE
act() {
	case $1 in
	modules) on_host systemctl restart systemd-modules-load.service ;;
	table) resize_table ;;
	sysctls) on_host systemctl restart systemd-sysctl.service ;;
	restart) on_host systemctl restart "$2" ;;
	unit) on_host systemctl daemon-reload && on_host systemctl enable "$2" && on_host systemctl reload-or-restart "$2" ;;
	notice) say "$2 reads what was written when it starts: drain the machine and restart it" ;;
	none) ;;
	*) return 1 ;;
	esac
}

# pass writes first and acts then, each service once: modules come before the settings that need them.
pass() {
	failed=
	while read -r key path action service; do
		put "$key" "$path" "$action.$service" || { say "$path: not written"; failed=1; }
	done <"$files/plan"
	while read -r key path action service; do
		mark=$pending/$action.$service
		[ -e "$mark" ] || continue
		if act "$action" "$service"; then rm -f "$mark"; else say "$path: $action $service failed"; failed=1; fi
	done <"$files/plan"
	[ -z "$failed" ]
}

trap '[ -z "$nap" ] || kill "$nap" 2>/dev/null; exit 0' TERM INT
rm -f "$ready"
while :; do
	pause=$((MESHGEN_INTERVAL / 10))
	if [ "$(cat "$files/revision")" != "$MESHGEN_REVISION" ]; then
		# The files change in all pods at once, and the pods one after the other.
		say "the files are not of revision $MESHGEN_REVISION: nothing is written"
	elif pass; then
		: >"$ready"
		pause=$MESHGEN_INTERVAL
	else
		rm -f "$ready"
	fi
	sleep "$pause" &
	nap=$!
	wait "$nap"
done
