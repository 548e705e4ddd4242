package ir

import "net/netip"

// Exposure is a Service of type LoadBalancer that no gateway serves: meshgen makes it, in front of the pods of a service.
type Exposure struct {
	Name        string // of the Service: "<exposure>-public"
	Exposure    string // key in the site
	Owner       string
	Namespace   string // of the service, and so of the Service
	Service     string
	Selector    []KV // labels of the pods
	Pool        string
	VIPs        []netip.Addr
	Local       bool // externalTrafficPolicy
	LBClass     string
	Annotations []KV
	Ports       []Port         // of the Service, with the container's as target
	Clients     []netip.Prefix // by whom the pods are reached; empty: by everybody
	Except      []netip.Prefix // but not from here
	NodePorts   []uint16       // by port: the fixed ones that balancers outside lead to; none: the cluster's load balancer does
	HealthPort  uint16         // where a node tells them whether it has a ready pod; 0: nowhere
	From        From
}

// ExposureService is the name of the Service of an exposure.
func ExposureService(exposure string) string { return exposure + "-public" }

// ExposuresOf are the exposures that lead to a service.
func (p *Plan) ExposuresOf(s *Service) []*Exposure {
	var out []*Exposure
	for i := range p.Exposures {
		if e := &p.Exposures[i]; e.Namespace == s.Namespace && e.Service == s.Name {
			out = append(out, e)
		}
	}
	return out
}
