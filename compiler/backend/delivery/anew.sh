# anew NAMESPACE DEPLOYMENT PODS: its controller looks at the number of its pods, and neither at image nor at place or size. One
# pod more is one too many, which it takes back together with the rest, before that pod is ready. Where nothing else differs no
# other pod notices.
anew() {
	kube --namespace "$1" scale "deployment/$2" "--replicas=$(($3 + 1))"
	wait_for "$1" "deployment/$2" "jsonpath={.spec.replicas}=$3"
	kube --namespace "$1" rollout status "deployment/$2" --timeout "$timeout"
}

