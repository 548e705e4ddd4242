
usage() {
	cat <<USAGE
usage: MESHGEN_CONTEXT=CONTEXT charts/$site/upgrade.sh [--check | --back] STEP
       charts/$site/upgrade.sh --dry-run [--check | --back] STEP
steps, in order: $steps
Without an option it checks, and takes the step; --check looks alone, --back takes it back.
MESHGEN_CONTEXT names the context of kubectl and helm, and must be the current one: it says which cluster is meant.
MESHGEN_TIMEOUT is the longest wait for one thing (30m).
USAGE
}

die() {
	printf 'upgrade.sh: %s\n' "$*" >&2
	exit 1
}

dry=false mode=does wanted=''
timeout=${MESHGEN_TIMEOUT:-30m} context=${MESHGEN_CONTEXT:-}

while [ $# -gt 0 ]; do
	case $1 in
	--dry-run) dry=true ;;
	--check) mode=check ;;
	--back) mode=back ;;
	-h | --help)
		usage
		exit
		;;
	-*)
		usage >&2
		exit 2
		;;
	*)
		[ -z "$wanted" ] || die 'one step at a time'
		wanted=$1
		;;
	esac
	shift
done
if [ -z "$wanted" ]; then
	usage >&2
	exit 2
fi
case " $steps " in
*" $wanted "*) ;;
*) die "there is no step '$wanted'; steps: $steps" ;;
esac

if $dry; then
	context=${context:-CONTEXT}
else
	[ -n "$context" ] || die "set MESHGEN_CONTEXT to the context of $site: it says which cluster is meant"
	current=$(kubectl config current-context)
	[ "$current" = "$context" ] || die "the current context is '$current' and MESHGEN_CONTEXT '$context': which cluster is meant?"
fi

# run COMMAND...: shows what it runs; with --dry-run that is all.
run() {
	printf '+'
	printf ' %q' "$@"
	printf '\n'
	if ! $dry; then "$@"; fi
}

# begin STEP TEXT: whether it is the one that is asked for.
begin() {
	[ "$1" = "$wanted" ] || return 1
	printf '== %s: %s\n' "$1" "$2"
}

# check, does, back COMMAND...: what must succeed before, what the step is, and what takes it back.
check() {
	if [ "$mode" = back ]; then return; fi
	perform "$@" || die "the step $wanted may not begin: see above"
}
does() { if [ "$mode" = does ]; then perform "$@"; fi; }
back() { if [ "$mode" = back ]; then perform "$@"; fi; }

# perform PROGRAM ARGUMENT...: in the cluster that is meant. What waits does so for a while.
perform() {
	local program=$1
	shift
	case "$program $*" in
	kubectl*' rollout status '* | kubectl*' wait '*) set -- "$@" --timeout "$timeout" ;;
	esac
	case $program in
	chart | patched_chart) "$program" "$@" ;;
	helm) run helm --kube-context "$context" "$@" ;;
	consul-k8s) run consul-k8s "$@" -context "$context" ;;
	*) run "$program" --context "$context" "$@" ;;
	esac
}

# chart RELEASE NAMESPACE VERSION CHART [ARGUMENT...]: installs a release or brings it to the version. What the step waits for
# comes behind it: not everything that a chart has need change in its step.
chart() {
	local release=$1 namespace=$2 version=$3
	shift 3
	run helm upgrade --install "$release" "$@" --version "$version" --kube-context "$context" --namespace "$namespace"
}

