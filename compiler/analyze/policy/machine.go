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

// endpointSlice is a discovery.k8s.io EndpointSlice of ours: all of its endpoints are ready.
type endpointSlice struct {
	meta
	service string // of its namespace
	spec    struct {
		APIVersion  string `json:"apiVersion"`
		Kind        string `json:"kind"`
		Metadata    any    `json:"metadata"`
		AddressType string `json:"addressType"`
		Endpoints   []struct {
			Addresses  []string `json:"addresses"`
			Conditions struct {
				Ready *bool `json:"ready"`
			} `json:"conditions"`
		} `json:"endpoints"`
		Ports []struct {
			Name        string `json:"name"`
			Port        uint16 `json:"port"`
			Protocol    string `json:"protocol"`
			AppProtocol string `json:"appProtocol"`
		} `json:"ports"`
	}
}

// leads reports whether a slice leads to an address at the port of a name.
func (e *endpointSlice) leads(address, name string, target uint16) bool {
	has := false
	for _, p := range e.spec.Endpoints {
		has = has || len(p.Addresses) > 0 && p.Addresses[0] == address && (p.Conditions.Ready == nil || *p.Conditions.Ready)
	}
	for _, p := range e.spec.Ports {
		if p.Name == name && p.Port == target {
			return has
		}
	}
	return false
}

// kubeService is a Service of the tree.
type kubeService struct {
	meta
	labels map[string]string
	spec   struct {
		Selector                 map[string]string `json:"selector"`
		Ports                    []kubePort        `json:"ports"`
		ExternalTrafficPolicy    string            `json:"externalTrafficPolicy"`
		LoadBalancerSourceRanges []string          `json:"loadBalancerSourceRanges"`
	}
}

type kubePort struct {
	Name       string `json:"name"`
	Port       uint16 `json:"port"`
	TargetPort any    `json:"targetPort"`
}

// registered tells whether a Service of its name leads to a machine at the port: by an EndpointSlice, for everybody, or by
// its selector and an entry of the mesh's registry, for who asks that.
func (m *Model) registered(from Caller, w *Workload, port Port) Step {
	s := Step{Layer: Registry, At: w.Namespace + "/" + w.Name, Effect: Refuse, Why: "no Service of its name leads to it"}
	for i := range m.services {
		k := &m.services[i]
		if k.Namespace != w.Namespace || k.Name != w.Name {
			continue
		}
		s.Object = k.Object
		if m.linkerd != nil && m.linkerd.Machine(w, k.spec.Selector) != "" {
			s.Effect, s.Why = Allow, "the controller makes an endpoint of it for the Service"
			return s
		}
		if len(k.spec.Selector) > 0 && !m.meshed(from.Workload) {
			s.Why = "the Service has no endpoint for who does not ask the mesh"
			return s
		}
		for j, p := range k.spec.Ports {
			led := p.Port == port.Port && (p.TargetPort == nil && port.Target == port.Port || p.TargetPort == float64(port.Target))
			if led && m.listed(k, p.Name, w.Address.String(), port.Target) {
				s.Object, s.Effect, s.Why = k.at("spec", "ports", j), Allow, "the Service leads to its address"
				return s
			}
		}
	}
	return s
}

// listed reports whether a slice or an entry has the address of a machine for a Service.
func (m *Model) listed(k *kubeService, port, address string, target uint16) bool {
	if len(k.spec.Selector) == 0 {
		return slices.ContainsFunc(m.slices, func(e endpointSlice) bool {
			return e.Namespace == k.Namespace && e.service == k.Name && e.leads(address, port, target)
		})
	}
	return slices.ContainsFunc(m.machines, func(e workloadEntry) bool {
		return e.Namespace == k.Namespace && e.spec.Address == address && subset(k.spec.Selector, e.spec.Labels)
	})
}
