package policy

import (
	"fmt"
	"strings"
)

// A reader files an object of one kind, or says what of it is not understood.
type reader func(m *Model, o meta, h head) error

// readers are the kinds that decide who may reach whom, by API group.
var readers = map[string]map[string]reader{
	"v1": {
		"Service": func(m *Model, o meta, h head) error {
			k := kubeService{meta: o, labels: h.Metadata.Labels}
			err := unmarshal(h.Spec, &k.spec, false)
			m.services = append(m.services, k)
			return err
		},
		"Namespace": func(m *Model, _ meta, h head) error {
			m.namespaces[h.Metadata.Name] = h.Metadata.Labels
			m.injected[h.Metadata.Name] = h.Metadata.Annotations[linkerdInject]
			return nil
		},
		"ConfigMap": func(m *Model, _ meta, h head) error {
			m.config[h.Metadata.Namespace+"/"+h.Metadata.Name] = h.Data
			return nil
		},
	},
	"discovery.k8s.io": {
		"EndpointSlice": func(m *Model, o meta, h head) error {
			e := endpointSlice{meta: o, service: h.Metadata.Labels["kubernetes.io/service-name"]}
			err := decode(o.node, &e.spec, true)
			m.slices = append(m.slices, e)
			return err
		},
	},
	"networking.k8s.io": {
		"NetworkPolicy": func(m *Model, o meta, h head) error {
			return add(&m.network, networkPolicy{meta: o}, h, func(p *networkPolicy) any { return &p.spec })
		},
	},
	"security.istio.io": {
		"PeerAuthentication": func(m *Model, o meta, h head) error {
			return add(&m.peers, peerAuthentication{meta: o}, h, func(p *peerAuthentication) any { return &p.spec })
		},
		"AuthorizationPolicy": func(m *Model, o meta, h head) error {
			return add(&m.authz, authorizationPolicy{meta: o}, h, func(p *authorizationPolicy) any { return &p.spec })
		},
		"RequestAuthentication": func(m *Model, o meta, h head) error {
			return add(&m.tokens, requestAuthentication{meta: o}, h, func(p *requestAuthentication) any { return &p.spec })
		},
	},
	"networking.istio.io": {
		"EnvoyFilter": func(_ *Model, _ meta, h head) error {
			return add(new([]envoyFilter), envoyFilter{}, h, func(f *envoyFilter) any { return f })
		},
		"Sidecar": func(m *Model, o meta, h head) error {
			return add(&m.sidecars, sidecar{meta: o}, h, func(p *sidecar) any { return &p.spec })
		},
		"ServiceEntry": func(m *Model, o meta, h head) error {
			return add(&m.entries, serviceEntry{meta: o, labels: h.Metadata.Labels}, h, func(p *serviceEntry) any { return &p.spec })
		},
		"WorkloadEntry": func(m *Model, o meta, h head) error {
			return add(&m.machines, workloadEntry{meta: o}, h, func(p *workloadEntry) any { return &p.spec })
		},
		"VirtualService": func(m *Model, o meta, h head) error {
			return add(&m.virtual, virtualService{meta: o}, h, func(p *virtualService) any { return &p.spec })
		},
		"Gateway": func(m *Model, o meta, h head) error {
			return add(&m.gateways, gateway{meta: o}, h, func(p *gateway) any { return &p.spec })
		},
		"DestinationRule": func(m *Model, o meta, h head) error {
			return add(&m.rules, destinationRule{meta: o}, h, func(p *destinationRule) any { return &p.spec })
		},
	},
	"gateway.networking.k8s.io": {
		"Gateway": func(m *Model, o meta, h head) error {
			return add(&m.apiGates, apiGateway{meta: o, labels: h.Metadata.Labels}, h, func(p *apiGateway) any { return &p.spec })
		},
		"GatewayClass": func(m *Model, _ meta, h head) error { // who deploys, and for Cilium what the Service is like
			var c ciliumClass
			err := unmarshal(h.Spec, &c, false)
			if c.ControllerName == "io.cilium/gateway-controller" {
				m.ciliumClasses[h.Metadata.Name] = c
			}
			return err
		},
		"HTTPRoute": route, "TLSRoute": route, "TCPRoute": route, "UDPRoute": route,
		"GRPCRoute": route, // of requests of gRPC to a Service: all of them go where it says
	},
	"cilium.io": {
		"CiliumNetworkPolicy": func(m *Model, o meta, h head) error {
			return add(&m.cilium, ciliumPolicy{meta: o}, h, func(p *ciliumPolicy) any { return &p.spec })
		},
		"CiliumClusterwideNetworkPolicy": (*Model).clusterwide,
		"CiliumEnvoyConfig": func(m *Model, o meta, h head) error {
			return add(&m.envoys, ciliumEnvoy{meta: o}, h, func(e *ciliumEnvoy) any { return &e.spec })
		},
		"CiliumGatewayClassConfig": func(m *Model, _ meta, h head) error {
			var spec struct {
				Service serviceFacts `json:"service"`
			}
			err := unmarshal(h.Spec, &spec, false)
			m.ciliumConfigs[h.Metadata.Namespace+"/"+h.Metadata.Name] = spec.Service
			return err
		},
		"CiliumL2AnnouncementPolicy": nothing, "CiliumEgressGatewayPolicy": nothing, // who answers, and with which source
	},
	"extensions.istio.io": nil, "policy.networking.k8s.io": nil, "crd.projectcalico.org": nil,
}

// decides reports whether an object of a group may decide who reaches whom, as far as its group and kind tell. One that does
// and has no reader is refused: an answer that leaves it out would be wrong.
func decides(group, kind string) bool {
	_, known := readers[group]
	switch group {
	case "v1", "discovery.k8s.io":
		return false
	case "cilium.io": // its pools and sessions do not, its policies do
		return strings.HasSuffix(kind, "Policy") || strings.HasSuffix(kind, "EnvoyConfig")
	}
	return known
}

// object files one object by its kind.
func (m *Model) object(o meta, h head) error {
	group, _, _ := strings.Cut(h.APIVersion, "/")
	if group == "projectcalico.org" || group == "operator.tigera.io" {
		return calico(h)
	}
	read := readers[group][h.Kind]
	switch {
	case read == nil && decides(group, h.Kind):
		return fmt.Errorf("%s of %s is not understood", h.Kind, h.APIVersion)
	case read == nil:
		return nil
	}
	if err := read(m, o, h); err != nil {
		return fmt.Errorf("%s %s/%s: %w", h.Kind, h.Metadata.Namespace, h.Metadata.Name, err)
	}
	return nil
}

// route files a route of the Gateway API: those of all protocols have one form.
func route(m *Model, o meta, h head) error {
	return add(&m.routes, httpRoute{meta: o}, h, func(p *httpRoute) any { return &p.spec })
}

// nothing is the reader of what decides nothing.
func nothing(*Model, meta, head) error { return nil }

// add decodes a specification strictly, asks it whether it is understood, and files its object.
func add[T any](list *[]T, obj T, h head, spec func(*T) any) error {
	if len(h.Spec) > 0 {
		if err := unmarshal(h.Spec, spec(&obj), true); err != nil {
			return err
		}
	}
	if o, ok := any(&obj).(interface{ understood() error }); ok {
		if err := o.understood(); err != nil {
			return err
		}
	}
	*list = append(*list, obj)
	return nil
}
