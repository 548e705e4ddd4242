package policy

import (
	"fmt"
	"slices"
	"strconv"
)

// peerAuthentication is a security.istio.io PeerAuthentication.
type peerAuthentication struct {
	meta
	spec struct {
		Selector      *workloadSelector  `json:"selector"`
		MTLS          tlsMode            `json:"mtls"`
		PortLevelMTLS map[string]tlsMode `json:"portLevelMtls"`
	}
}

type tlsMode struct {
	Mode string `json:"mode"` // STRICT, PERMISSIVE, DISABLE; UNSET or "": that of the next wider object
}

// uncaptured are the ports of a sidecar's pod whose connections do not pass the sidecar: merged metrics, readiness,
// the proxy's own metrics. Source: the injection template of Istio's charts.
var uncaptured = []uint16{15020, 15021, 15090}

// captured reports whether the sidecar of a pod decides about connections to one of its ports.
func (m *Model) captured(w *Workload, port uint16, udp bool) bool {
	return m.meshed(w) && !w.Gateway && !udp && !slices.Contains(uncaptured, port)
}

// mtlsMode returns the mode that holds for a port of a workload and who says so: the narrowest object that sets one,
// PERMISSIVE where none does.
func (m *Model) mtlsMode(w *Workload, port uint16) (string, Object) {
	mode, by := "PERMISSIVE", Object{}
	for _, narrow := range []func(p *peerAuthentication) bool{
		func(p *peerAuthentication) bool { return p.Namespace == m.root && p.spec.Selector == nil },
		func(p *peerAuthentication) bool { return p.Namespace == w.Namespace && p.spec.Selector == nil },
		func(p *peerAuthentication) bool {
			return p.Namespace == w.Namespace && p.spec.Selector != nil && subset(p.spec.Selector.MatchLabels, w.Labels)
		},
	} {
		i := slices.IndexFunc(m.peers, func(p peerAuthentication) bool { return narrow(&p) })
		if i < 0 {
			continue
		}
		p := &m.peers[i]
		if set := p.spec.MTLS.Mode; set != "" && set != "UNSET" {
			mode, by = set, p.at("spec", "mtls")
		}
		// Ports count where the object selects workloads.
		if set := p.spec.PortLevelMTLS[strconv.Itoa(int(port))].Mode; p.spec.Selector != nil && set != "" && set != "UNSET" {
			mode, by = set, p.at("spec", "portLevelMtls")
		}
	}
	return mode, by
}

// authenticate tells whether the callee's proxy takes the connection, and the identity that it sees.
func (m *Model) authenticate(w *Workload, caller *Workload, port uint16, plain bool) (Step, string) {
	mode, by := m.mtlsMode(w, port)
	s := Step{Layer: PeerAuth, At: w.Namespace + "/" + w.Name, Object: by, Effect: Allow}
	identity := m.identity(caller)
	if plain || mode == "DISABLE" {
		identity = ""
	}
	switch {
	case identity != "":
		s.Why = "the caller shows a certificate for " + identity
	case mode == "STRICT":
		s.Effect, s.Why = Refuse, "mode STRICT, and the caller has no certificate"
	default:
		s.Why = fmt.Sprintf("mode %s takes a caller without a certificate", mode)
	}
	return s, identity
}
