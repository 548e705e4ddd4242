
usage() {
	cat <<USAGE
usage: MESHGEN_CONTEXT=CONTEXT charts/$site/install.sh [--from PHASE] [--to PHASE]
       charts/$site/install.sh --dry-run [--from PHASE] [--to PHASE]
phases: $phases
MESHGEN_CONTEXT names the context of kubectl and helm, and must be the current one: it says which cluster is meant.
MESHGEN_TIMEOUT is the longest wait for one thing (10m); MESHGEN_PAUSE the seconds between two attempts (10).
USAGE
}

die() {
	printf 'install.sh: %s\n' "$*" >&2
	exit 1
}

dry=false from='' to='' active=false ended=false missing=''
timeout=${MESHGEN_TIMEOUT:-10m} pause=${MESHGEN_PAUSE:-10} context=${MESHGEN_CONTEXT:-}

known() {
	case " $phases " in
	*" $1 "*) ;;
	*) die "there is no phase '$1'; phases: $phases" ;;
	esac
}

while [ $# -gt 0 ]; do
	case $1 in
	--dry-run) dry=true ;;
	--from | --to)
		[ $# -ge 2 ] || die "$1 takes a phase"
		known "$2"
		if [ "$1" = --from ]; then from=$2; else to=$2; fi
		shift
		;;
	-h | --help)
		usage
		exit
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done
from=${from:-${phases%% *}} to=${to:-${phases##* }}
case " ${phases#*"$from"} " in
*" $to "*) ;;
*) [ "$from" = "$to" ] || die "phase $to comes before $from" ;;
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

kube() { run kubectl --context "$context" "$@"; }

# ask ARGUMENT...: what kubectl answers, and nothing with --dry-run.
ask() { if ! $dry; then kubectl --context "$context" "$@"; fi; }

# begin PHASE TEXT: whether the phase is among those asked for.
begin() {
	if $ended; then return 1; fi
	[ "$1" != "$from" ] || active=true
	$active || return 1
	[ "$1" != "$to" ] || ended=true
	printf '== %s: %s\n' "$1" "$2"
}

# complain TEXT: notes what is missing, so that one run names all of it.
complain() { missing="$missing
  $1"; }

# complete HINT: stops when something is missing.
complete() {
	[ -z "$missing" ] || die "missing:$missing
$1"
}

# crd NAME OWNER: the kind must be there; somebody else brings it.
crd() {
	printf '? crd %s\n' "$1"
	if $dry; then return; fi
	[ -n "$(ask get crd "$1" --ignore-not-found --output name)" ] || complain "CRD $1, which $2 brings"
}

# node NAME: the machine must have joined. Applying the labels of one that has not would create a Node without a kubelet.
node() {
	printf '? node %s\n' "$1"
	if $dry; then return; fi
	case $joined in
	*" node/$1 "*) ;;
	*) complain "node $1" ;;
	esac
}

# secret NAMESPACE NAME KEY...: the Secret must be there with these keys. Values never leave the cluster.
secret() {
	local namespace=$1 name=$2 have key
	shift 2
	printf '? secret %s/%s: %s\n' "$namespace" "$name" "$*"
	if $dry; then return; fi
	# shellcheck disable=SC2016 # the template is not the shell's
	have=$(ask --namespace "$namespace" get secret "$name" --ignore-not-found \
		--output 'go-template= {{range $key, $value := .data}}{{$key}} {{end}}')
	if [ -z "$have" ]; then
		complain "Secret $namespace/$name with the keys: $*"
		return
	fi
	for key in "$@"; do
		case $have in
		*" $key "*) ;;
		*) complain "key $key of Secret $namespace/$name" ;;
		esac
	done
}

# chart RELEASE NAMESPACE VERSION CHART [--repo URL]: installs a release or brings it up to date, and waits for its pods.
# With --no-wait it does not: a Service of the release gets its address in a later phase.
chart() {
	local release=$1 namespace=$2 version=$3 wait=--wait words=() word
	shift 3
	for word in "$@"; do
		if [ "$word" = --no-wait ]; then wait=''; else words+=("$word"); fi
	done
	run helm upgrade --install "$release" "${words[@]}" --version "$version" --kube-context "$context" --namespace "$namespace" \
		--values "charts/$site/$release/values.yaml" ${wait:+"$wait"} --timeout "$timeout"
}

# apply FOLDER: applies a folder of the overlay. A webhook that has just come up may refuse the first calls.
apply() {
	local attempt
	for attempt in 1 2 3 4 5; do
		if kube apply --server-side --kustomize "kubernetes/overlays/$site/$1"; then return; fi
		if [ "$attempt" -lt 5 ]; then sleep "$pause"; fi
	done
	die "cannot apply $1. After a conflict: somebody else owns the field that it names, and one of the two must let go of it"
}

# wait_for NAMESPACE OBJECT CONDITION: the namespace is "" for an object of the cluster.
wait_for() {
	if [ -n "$1" ]; then
		kube --namespace "$1" wait --for "$3" "$2" --timeout "$timeout"
	else
		kube wait --for "$3" "$2" --timeout "$timeout"
	fi
}

# label_nodes: never with --force-conflicts, which would drop the taints that others have set.
label_nodes() {
	kube apply --server-side --filename "kubernetes/overlays/$site/00-nodes/node.yaml" ||
		die "cannot apply the nodes. After a conflict over spec.taints: a node carries a taint of somebody else, as a cordoned one does; take it off and run again with --from nodes"
}

# kube_proxy: the key config.conf is kubeadm's until the first run and after its upgrades, so that this one object is taken
# over. Running pods do not notice: they are restarted once for each version of the ConfigMap, which the DaemonSet notes.
kube_proxy() {
	local version restarted
	if ! $dry && [ -z "$(ask --namespace kube-system get configmap kube-proxy --ignore-not-found --output name)" ]; then
		die "there is no ConfigMap kube-system/kube-proxy: kubeadm makes it, with a key that kube-proxy needs besides"
	fi
	kube apply --server-side --force-conflicts --filename "kubernetes/overlays/$site/00-nodes/configmap.yaml"
	version=$(ask --namespace kube-system get configmap kube-proxy --output 'jsonpath={.metadata.resourceVersion}')
	restarted=$(ask --namespace kube-system get daemonset kube-proxy --output 'jsonpath={.metadata.annotations.meshgen\.dev/restarted-for}')
	if ! $dry && [ "$version" = "$restarted" ]; then
		printf 'kube-proxy runs with it already\n'
		return
	fi
	kube --namespace kube-system rollout restart daemonset/kube-proxy
	kube --namespace kube-system rollout status daemonset/kube-proxy --timeout "$timeout"
	kube --namespace kube-system annotate --overwrite daemonset/kube-proxy "meshgen.dev/restarted-for=${version:-VERSION}"
}

