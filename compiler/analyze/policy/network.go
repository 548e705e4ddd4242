package policy

import (
	"fmt"
	"net/netip"
	"slices"
)

// networkPolicy is a networking.k8s.io NetworkPolicy.
type networkPolicy struct {
	meta
	spec struct {
		PodSelector selector      `json:"podSelector"`
		PolicyTypes []string      `json:"policyTypes"`
		Ingress     []networkRule `json:"ingress"`
		Egress      []networkRule `json:"egress"`
	}
}

type networkRule struct {
	From  []networkPeer `json:"from"`
	To    []networkPeer `json:"to"`
	Ports []networkPort `json:"ports"`
}

type networkPeer struct {
	PodSelector       *selector `json:"podSelector"`
	NamespaceSelector *selector `json:"namespaceSelector"`
	IPBlock           *struct {
		CIDR   netip.Prefix   `json:"cidr"`
		Except []netip.Prefix `json:"except"`
	} `json:"ipBlock"`
}

type networkPort struct {
	Port     *uint16 `json:"port"` // a number; names of ports are not understood
	EndPort  uint16  `json:"endPort"`
	Protocol string  `json:"protocol"` // TCP when not given
}

// selector is a label selector; the empty one takes everything.
type selector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	} `json:"matchExpressions"`
}

func (s *selector) matches(labels map[string]string) bool {
	if !subset(s.MatchLabels, labels) {
		return false
	}
	for _, e := range s.MatchExpressions {
		v, has := labels[e.Key]
		in := slices.Contains(e.Values, v)
		switch e.Operator {
		case "In":
			has = has && in
		case "NotIn":
			has = !has || !in
		case "DoesNotExist":
			has = !has
		}
		if !has {
			return false
		}
	}
	return true
}

func subset(want, labels map[string]string) bool {
	for k, v := range want {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// end is one end of a connection, as the other one's network policies see it.
type end struct {
	w       *Workload // nil for what is no pod
	address netip.Addr
}

func (e end) String() string {
	if e.w != nil {
		return "pod " + e.w.Namespace + "/" + e.w.Name
	}
	return e.address.String()
}

// networkStep asks the network policies of the pods of w about a connection with other. Policies add up: what one rule
// of one of them admits passes, and a pod that none selects is open. port is the callee's container port.
func (m *Model) networkStep(layer Layer, w *Workload, other end, port uint16, udp bool) Step {
	s := Step{Layer: layer, At: w.Namespace + "/" + w.Name, Effect: Silent, Why: "no network policy selects the pod"}
	if w.Machine {
		s.Why = "no network policy holds for a machine"
		return s
	}
	for _, p := range m.network {
		rules, field, holds := p.spec.Ingress, "ingress", p.isolates("Ingress")
		if layer == Egress {
			rules, field, holds = p.spec.Egress, "egress", p.isolates("Egress")
		}
		if !holds || p.Namespace != w.Namespace || !p.spec.PodSelector.matches(w.Labels) {
			continue
		}
		if s.Effect == Silent {
			s.Object, s.Effect, s.Why = p.Object, Refuse, fmt.Sprintf("no rule admits %s on port %d", other, port)
		}
		for i, r := range rules {
			if m.admits(p.Namespace, append(r.From, r.To...), other) && onPort(r.Ports, port, udp) {
				s.Object, s.Effect, s.Why = p.at("spec", field, i), Allow, fmt.Sprintf("admits %s on port %d", other, port)
				return s
			}
		}
	}
	return s
}

// isolates reports whether a policy is about a direction. Without types it is about ingress, and about egress where it
// has such rules.
func (p *networkPolicy) isolates(direction string) bool {
	if len(p.spec.PolicyTypes) == 0 {
		return direction == "Ingress" || len(p.spec.Egress) > 0
	}
	return slices.Contains(p.spec.PolicyTypes, direction)
}

// admits reports whether the peers of a rule take in the other end; no peers take in everybody.
func (m *Model) admits(namespace string, peers []networkPeer, other end) bool {
	if len(peers) == 0 {
		return true
	}
	return slices.ContainsFunc(peers, func(p networkPeer) bool {
		if b := p.IPBlock; b != nil {
			return b.CIDR.Contains(other.address) && !slices.ContainsFunc(b.Except, func(x netip.Prefix) bool { return x.Contains(other.address) })
		}
		if other.w == nil || other.w.Machine {
			return false
		}
		if p.NamespaceSelector != nil && !p.NamespaceSelector.matches(m.namespaceLabels(other.w.Namespace)) {
			return false
		}
		if p.NamespaceSelector == nil && other.w.Namespace != namespace {
			return false
		}
		return p.PodSelector == nil || p.PodSelector.matches(other.w.Labels)
	})
}

// namespaceLabels returns the labels of a namespace, with the one that every namespace has.
func (m *Model) namespaceLabels(name string) map[string]string {
	out := map[string]string{}
	for k, v := range m.namespaces[name] {
		out[k] = v
	}
	out["kubernetes.io/metadata.name"] = name
	return out
}

func onPort(ports []networkPort, port uint16, udp bool) bool {
	if len(ports) == 0 {
		return true
	}
	return slices.ContainsFunc(ports, func(p networkPort) bool {
		if (p.Protocol == "UDP") != udp || p.Protocol == "SCTP" {
			return false
		}
		return p.Port == nil || port == *p.Port || p.EndPort != 0 && *p.Port <= port && port <= p.EndPort
	})
}
