// Package kubevip prints kube-vip: it has no chart and no objects of its own kind, so that its whole configuration is
// the environment of its pods.
//
// In comes the plan's KubeVIP. Out go, in the phase 10-load-balancer, a DaemonSet for each speaker and the rights that
// they share. The static pods that move the address of the Kubernetes API are files of hosts.
package kubevip

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the DaemonSets of kube-vip and their rights.
var Backend = backend.Backend{
	Name: "kubevip",
	Kind: "loadbalancer",
	Doc:  "DaemonSets and rights of kube-vip",
	Emit: emit,
}

// account is the ServiceAccount of all speakers, and the name of their rights.
const account = "kube-vip"

// metricsPort is not that of the static pods for the address of the API, which may run on the same machine.
const metricsPort = 2112

func emit(p *ir.Plan, t *artifact.Tree) {
	k := p.KubeVIP
	if k == nil {
		return
	}
	if len(k.Speakers) > 0 {
		rights(p, t)
		y := backend.Objects(p, t, backend.LoadBalancer, "DaemonSet")
		y.Comment(speakersComment)
		for i := range k.Speakers {
			daemonSet(p, y, &k.Speakers[i])
		}
	}
}

// pools writes what stands in the annotation that keeps a speaker's pools: "name: range range; name: range".
func pools(list []ir.KubeVIPPool) string {
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = p.Name + ": " + strings.Join(p.Addresses, " ")
	}
	return strings.Join(parts, "; ")
}
