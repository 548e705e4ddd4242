package policy

import "net/netip"

// Takes reports whether the network policies of a pod take in a connection of TCP from an address outside of the cluster, on a
// port of its container. Of callers of other sites they see no more than that.
func (m *Model) Takes(w *Workload, from netip.Addr, port uint16) bool {
	return m.networkStep(Ingress, w, end{address: from}, port, false).Effect != Refuse
}

// Sends reports whether the network policies of a pod let a connection of TCP out to an address outside of the cluster.
func (m *Model) Sends(w *Workload, to netip.Addr, port uint16) bool {
	return m.networkStep(Egress, w, end{address: to}, port, false).Effect != Refuse
}
