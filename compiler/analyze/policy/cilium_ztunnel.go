package policy

import "fmt"

// A namespace with the label takes its pods in. Their ztunnels make of each TCP connection between two of them one to
// another port, which is all that policies see: what is open there is open at every port of the pod, for any request.
const (
	ztunnelLabel = "io.cilium/mtls-enabled"
	ztunnelPort  = 15008
)

// enrolled reports whether pods of a workload talk by Cilium's ztunnel.
func (m *Model) enrolled(w *Workload) bool {
	return w != nil && !w.Machine && !w.Gateway && w.Cluster == "" && m.namespaces[w.Namespace][ztunnelLabel] == "true"
}

// asSeen is a connection as policies of Cilium see it.
func (m *Model) asSeen(w *Workload, other end, port Port, req Request) (Port, Request) {
	if !m.enrolled(w) || !m.enrolled(other.w) || req.UDP || port.Protocol == "udp" {
		return port, req
	}
	return Port{Name: port.Name, Port: port.Port, Target: ztunnelPort, Protocol: "tcp"}, Request{Port: req.Port, Direct: req.Direct}
}

// ztunnelUnderstood reports what would change answers about enrolled pods and is not known here.
func (m *Model) ztunnelUnderstood() error {
	for name, labels := range m.namespaces {
		if v, there := labels[ztunnelLabel]; there && v != "true" {
			return fmt.Errorf("namespace %s: %s of value %q is not understood", name, ztunnelLabel, v)
		}
	}
	in := func(namespace string) bool { return m.namespaces[namespace][ztunnelLabel] == "true" }
	for i := range m.routes {
		if r := &m.routes[i]; in(r.Namespace) {
			return fmt.Errorf("%s: a route to pods that talk by ztunnel is not understood", r.Object)
		}
	}
	for i := range m.envoys {
		if e := &m.envoys[i]; in(e.Namespace) {
			return fmt.Errorf("%s: a listener in front of pods that talk by ztunnel is not understood", e.Object)
		}
	}
	return nil
}
