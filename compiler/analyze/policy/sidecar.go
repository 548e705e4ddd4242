package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// sidecar is a networking.istio.io Sidecar.
type sidecar struct {
	meta
	spec struct {
		WorkloadSelector *struct {
			Labels map[string]string `json:"labels"`
		} `json:"workloadSelector"`
		OutboundTrafficPolicy *trafficPolicy `json:"outboundTrafficPolicy"`
		Egress                []struct {
			Hosts []string `json:"hosts"`
		} `json:"egress"`
	}
}

// serviceEntry is a networking.istio.io ServiceEntry.
type serviceEntry struct {
	meta
	labels map[string]string
	spec   struct {
		ExportTo   []string    `json:"exportTo"`
		Hosts      []string    `json:"hosts"`
		Addresses  []string    `json:"addresses"`
		Location   string      `json:"location"`
		Resolution string      `json:"resolution"`
		Ports      []entryPort `json:"ports"`
		Endpoints  []struct {
			Address string `json:"address"`
		} `json:"endpoints"`
	}
}

type entryPort struct {
	Name     string `json:"name"`
	Number   uint16 `json:"number"`
	Protocol string `json:"protocol"`
}

// understood refuses hosts that take away: "~ns/*" subtracts, and "~/*" beside others takes everything.
func (s *sidecar) understood() error {
	for _, e := range s.spec.Egress {
		for _, h := range e.Hosts {
			if strings.HasPrefix(h, "~") && (h != "~/*" || len(e.Hosts) > 1) {
				return fmt.Errorf("egress host %s is not understood", h)
			}
		}
	}
	return nil
}

// sidecarOf returns the object that holds for a pod: one that selects it, that of its namespace, that of the root.
func (m *Model) sidecarOf(w *Workload) *sidecar {
	for _, holds := range []func(s *sidecar) bool{
		func(s *sidecar) bool {
			return s.Namespace == w.Namespace && s.spec.WorkloadSelector != nil && subset(s.spec.WorkloadSelector.Labels, w.Labels)
		},
		func(s *sidecar) bool { return s.Namespace == w.Namespace && s.spec.WorkloadSelector == nil },
		func(s *sidecar) bool { return s.Namespace == m.root && s.spec.WorkloadSelector == nil },
	} {
		if i := slices.IndexFunc(m.sidecars, func(s sidecar) bool { return holds(&s) }); i >= 0 {
			return &m.sidecars[i]
		}
	}
	return nil
}

// knows reports whether the egress of a Sidecar imports a host of a namespace, and where it says so. No Sidecar, or one
// without egress, imports everything.
func (s *sidecar) knows(namespace, host string) (bool, Object) {
	if s == nil {
		return true, Object{}
	}
	for i, e := range s.spec.Egress {
		for k, pattern := range e.Hosts {
			ns, dns, _ := strings.Cut(pattern, "/")
			if ns == "." {
				ns = s.Namespace
			}
			if (ns == "*" || ns == namespace) && dnsMatch(dns, host) {
				return true, s.at("spec", "egress", i, "hosts", k)
			}
		}
	}
	return s.spec.Egress == nil, s.Object
}

// dnsMatch reports whether a name is the pattern's, or ends as "*.example.org" says; "*" is every name.
func dnsMatch(pattern, host string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, rest)
	}
	return pattern == host
}

// scope tells whether the sidecar of a pod knows a service. The targets of the routes that it imports it knows too.
// A connection to another one it sends on as it is (plain) or refuses.
func (m *Model) scope(w *Workload, namespace, host string) (step Step, plain bool) {
	sc := m.sidecarOf(w)
	s := Step{Layer: Scope, At: w.Namespace + "/" + w.Name, Effect: Allow, Why: host + " is imported"}
	ok, by := sc.knows(namespace, host)
	for i := range m.virtual {
		v := &m.virtual[i]
		if ok || host == "" {
			break
		}
		for _, h := range v.spec.Hosts {
			if imported, at := sc.knows(v.Namespace, h); imported && v.inMesh() && v.leadsTo(host) {
				ok, by = true, at
			}
		}
	}
	if ok && host != "" {
		s.Object = by
		return s, false
	}
	return m.unknown(s, sc, by)
}

// unknown is what becomes of a connection that the registry has no entry for: it goes on as it is (plain), or nowhere.
func (m *Model) unknown(s Step, sc *sidecar, by Object) (Step, bool) {
	mode := m.mesh.MeshConfig.OutboundTrafficPolicy.Mode
	if sc != nil && sc.spec.OutboundTrafficPolicy != nil {
		mode, by = sc.spec.OutboundTrafficPolicy.Mode, sc.at("spec", "outboundTrafficPolicy")
	}
	mode = cmp.Or(mode, "ALLOW_ANY")
	s.Object, s.Why = by, "unknown to the sidecar, mode "+mode
	if mode == "REGISTRY_ONLY" {
		s.Effect = Refuse
	}
	return s, s.Effect != Refuse
}

// outside tells whether the sidecar of a pod lets a connection out of the cluster, and the entry by which it knows where
// that goes; nil: it does not.
func (m *Model) outside(w *Workload, to Target, port uint16) (Step, *serviceEntry) {
	sc := m.sidecarOf(w)
	s := Step{Layer: Scope, At: w.Namespace + "/" + w.Name, Effect: Allow}
	for i := range m.entries {
		e := &m.entries[i]
		if !exported(e.spec.ExportTo, e.Namespace, w.Namespace) || !slices.ContainsFunc(e.spec.Hosts, func(h string) bool { ok, _ := sc.knows(e.Namespace, h); return ok }) {
			continue
		}
		for k, p := range e.spec.Ports {
			// What is declared as TCP is told by its address, whatever name the client has looked up.
			if p.Number == port && (e.is(to) || p.Protocol == "TCP" && e.is(Target{Address: to.Address})) {
				s.Object, s.Why = e.at("spec", "ports", k), "registered"
				return s, e
			}
		}
	}
	s, _ = m.unknown(s, sc, Object{})
	return s, nil
}

// is reports whether an entry is about a destination: by name, or by address where the name is not known.
func (e *serviceEntry) is(to Target) bool {
	if to.Host != "" {
		return slices.ContainsFunc(e.spec.Hosts, func(h string) bool { return dnsMatch(h, to.Host) })
	}
	return slices.ContainsFunc(e.spec.Addresses, func(a string) bool { return to.Address != (netip.Addr{}) && within(a, to.Address) })
}
