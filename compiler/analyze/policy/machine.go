package policy

import "slices"

// workloadEntry is a networking.istio.io WorkloadEntry. One with a serviceAccount or ports of its own is not understood.
type workloadEntry struct {
	meta
	spec struct {
		Address string            `json:"address"`
		Labels  map[string]string `json:"labels"`
	}
}

// kubeService is a Service of the tree.
type kubeService struct {
	meta
	spec struct {
		Selector map[string]string `json:"selector"`
		Ports    []struct {
			Port       uint16 `json:"port"`
			TargetPort any    `json:"targetPort"`
		} `json:"ports"`
		ExternalTrafficPolicy    string   `json:"externalTrafficPolicy"`
		LoadBalancerSourceRanges []string `json:"loadBalancerSourceRanges"`
	}
}

// registered tells whether the mesh's registry leads from a Service to a machine: a Service of its name with the port,
// whose selector an entry with its address fits.
func (m *Model) registered(from Caller, w *Workload, port Port) Step {
	s := Step{Layer: Registry, At: w.Namespace + "/" + w.Name, Effect: Refuse, Why: "no Service of its name leads to it"}
	if !m.meshed(from.Workload) {
		s.Why = "the Service has no endpoint for who does not ask the mesh"
		return s
	}
	for i := range m.services {
		k := &m.services[i]
		if k.Namespace != w.Namespace || k.Name != w.Name {
			continue
		}
		s.Object = k.Object
		for j, p := range k.spec.Ports {
			led := p.Port == port.Port && (p.TargetPort == nil && port.Target == port.Port || p.TargetPort == float64(port.Target))
			if led && slices.ContainsFunc(m.machines, func(e workloadEntry) bool {
				return e.Namespace == w.Namespace && e.spec.Address == w.Address.String() && len(k.spec.Selector) > 0 && subset(k.spec.Selector, e.spec.Labels)
			}) {
				s.Object, s.Effect, s.Why = k.at("spec", "ports", j), Allow, "an entry of the registry has its address"
				return s
			}
		}
	}
	return s
}
