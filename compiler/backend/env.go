package backend

import "meshgen.dev/meshgen/compiler/artifact"

// Env writes the environment of a container.
type Env struct{ *artifact.YAML }

// Set writes a variable with a value.
func (e Env) Set(name, value string) {
	e.Item(func() {
		e.KV("name", name)
		e.KV("value", value)
	})
}

// Field writes a variable whose value is a field of the pod.
func (e Env) Field(name, path string) {
	e.Item(func() {
		e.KV("name", name)
		e.Map("valueFrom", func() {
			e.Map("fieldRef", func() { e.KV("fieldPath", path) })
		})
	})
}

// NodeCritical is the priority class of pods that a node cannot do without: kubelets do not evict them for others.
const NodeCritical = "system-node-critical"

// ClusterCritical is that of pods that a cluster cannot do without, on whichever node.
const ClusterCritical = "system-cluster-critical"

// HostNetworkRights are what a program asks for that puts addresses on the host's interfaces and answers ARP for them
// (pkg/kubevip/config_generator.go in kube-vip 1.2.3).
func HostNetworkRights(y *artifact.YAML) {
	y.Map("securityContext", func() {
		y.Map("capabilities", func() {
			y.KV("add", []string{"NET_ADMIN", "NET_RAW"})
			y.KV("drop", []string{"ALL"})
		})
	})
}
