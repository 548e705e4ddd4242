// Package kubevip prints kube-vip: it has no chart and no objects of its own kind, so that its whole configuration is
// the environment of its pods.
//
// In comes the plan's KubeVIP. Out go, in the phase 10-load-balancer, a DaemonSet for each speaker and the rights that
// they share, and for each group of control-plane nodes the static pod that moves the address of the Kubernetes API.
package kubevip

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the DaemonSets of kube-vip, their rights, and the static pods of the control plane.
var Backend = backend.Backend{
	Name: "kubevip",
	Kind: "loadbalancer",
	Doc:  "DaemonSets and rights of kube-vip, and its static pods on control-plane nodes",
	Emit: emit,
}

// account is the ServiceAccount of all speakers, and the name of their rights.
const account = "kube-vip"

// Ports of metrics: a static pod and a DaemonSet may share a machine, and both are in its network namespace.
const (
	metricsPort             = 2112
	controlPlaneMetricsPort = 2113
)

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
	if c := k.ControlPlane; c != nil {
		for i := range c.Groups {
			staticPod(p, t, c, &c.Groups[i])
		}
	}
}

// An env writes the environment of a container.
type env struct{ *artifact.YAML }

// set writes a variable with a value.
func (e env) set(name, value string) {
	e.Item(func() {
		e.KV("name", name)
		e.KV("value", value)
	})
}

// field writes a variable whose value is a field of the pod.
func (e env) field(name, path string) {
	e.Item(func() {
		e.KV("name", name)
		e.Map("valueFrom", func() {
			e.Map("fieldRef", func() { e.KV("fieldPath", path) })
		})
	})
}

// capabilities are what kube-vip asks for: addresses and routes of the host, and raw frames for ARP
// (pkg/kubevip/config_generator.go in kube-vip 1.2.3).
func capabilities(y *artifact.YAML) {
	y.Map("securityContext", func() {
		y.Map("capabilities", func() {
			y.KV("add", []string{"NET_ADMIN", "NET_RAW"})
			y.KV("drop", []string{"ALL"})
		})
	})
}

// pools writes what stands in the annotation that keeps a speaker's pools: "name: range range; name: range".
func pools(list []ir.KubeVIPPool) string {
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = p.Name + ": " + strings.Join(p.Addresses, " ")
	}
	return strings.Join(parts, "; ")
}
