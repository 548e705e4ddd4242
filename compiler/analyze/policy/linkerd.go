package policy

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// Linkerd is what the policies of a tree for Linkerd say at the callee's proxy. It follows the policy controller of
// edge-26.6.3 (policy-controller/k8s/index/src/inbound) and shares nothing with what writes them.
type Linkerd struct {
	servers []linkerdObject[struct {
		PodSelector   workloadSelector `json:"podSelector"`
		Machines      workloadSelector `json:"externalWorkloadSelector"` // in place of pods
		Port          uint16           `json:"port"`
		ProxyProtocol string           `json:"proxyProtocol"`
		AccessPolicy  string           `json:"accessPolicy"`
	}]
	policies []linkerdObject[struct {
		TargetRef targetRef   `json:"targetRef"`
		Required  []targetRef `json:"requiredAuthenticationRefs"`
	}]
	accounts []linkerdObject[struct {
		Identities   []string `json:"identities"`
		IdentityRefs []struct {
			Kind      string `json:"kind"`
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"identityRefs"`
	}]
	networks []linkerdObject[struct {
		Networks []struct {
			CIDR string `json:"cidr"`
		} `json:"networks"`
	}]
	machines []linkerdObject[struct {
		MeshTLS struct {
			Identity   string `json:"identity"`
			ServerName string `json:"serverName"`
		} `json:"meshTLS"`
		WorkloadIPs []struct {
			IP string `json:"ip"`
		} `json:"workloadIPs"`
		Ports []struct {
			Name     string `json:"name"`
			Port     uint16 `json:"port"`
			Protocol string `json:"protocol"`
		} `json:"ports"`
	}]
	labels map[string]map[string]string // of machines, by "namespace/name"
	routes []httpRoute
	deny   bool // ports without a Server refuse everybody

	outside linkerdOutside
}

type linkerdObject[S any] struct {
	meta
	spec S
}

// LinkerdRequest is what a proxy sees: the caller's account, "" and "" without a certificate, and the request where the
// port speaks HTTP. A caller of another site has the Identity of its certificate in place of an account.
type LinkerdRequest struct {
	Namespace, Account string
	Identity           string
	Address            netip.Addr
	Port               uint16 // of the container
	Method, Path, Host string
}

// ReadLinkerd reads the objects. A field that it does not know is an error.
func ReadLinkerd(t *artifact.Tree, valuesPath string) (*Linkerd, error) {
	l := &Linkerd{labels: map[string]map[string]string{}}
	var v struct {
		Proxy struct {
			DefaultInboundPolicy string `json:"defaultInboundPolicy"`
		} `json:"proxy"`
	}
	if err := values(t, valuesPath, &v); err != nil {
		return nil, err
	}
	l.deny = v.Proxy.DefaultInboundPolicy == "deny"
	if err := l.readOutside(t, valuesPath); err != nil {
		return nil, err
	}
	for _, f := range t.Files() {
		if !delivered(f.Path()) || path.Base(f.Path()) == "kustomization.yaml" {
			continue
		}
		if err := documents(f, l.object); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *Linkerd) object(o meta, h head) error {
	group, _, _ := strings.Cut(h.APIVersion, "/")
	switch group + "/" + h.Kind {
	case "policy.linkerd.io/Server":
		return linkerdAdd(&l.servers, o, h)
	case "policy.linkerd.io/AuthorizationPolicy":
		return linkerdAdd(&l.policies, o, h)
	case "policy.linkerd.io/MeshTLSAuthentication":
		return linkerdAdd(&l.accounts, o, h)
	case "policy.linkerd.io/NetworkAuthentication":
		return linkerdAdd(&l.networks, o, h)
	case "workload.linkerd.io/ExternalWorkload":
		l.labels[h.Metadata.Namespace+"/"+h.Metadata.Name] = h.Metadata.Labels
		return linkerdAdd(&l.machines, o, h)
	case "policy.linkerd.io/EgressNetwork":
		return l.outside.network(o, h)
	case "policy.linkerd.io/HTTPLocalRateLimitPolicy":
		return nil // it decides how much
	case "gateway.networking.k8s.io/HTTPRoute":
		if err := add(&l.routes, httpRoute{meta: o}, h, func(r *httpRoute) any { return &r.spec }); err != nil {
			return err
		}
		return l.outside.route(o, h)
	case "gateway.networking.k8s.io/GRPCRoute", "gateway.networking.k8s.io/TLSRoute", "gateway.networking.k8s.io/TCPRoute":
		return l.outside.route(o, h)
	case "v1/Namespace":
		return understoodNamespace(h)
	}
	if group == "policy.linkerd.io" || group == "workload.linkerd.io" || group == "linkerd.io" {
		return fmt.Errorf("%s of %s is not understood", h.Kind, h.APIVersion)
	}
	return nil
}

func linkerdAdd[S any](list *[]linkerdObject[S], o meta, h head) error {
	return add(list, linkerdObject[S]{meta: o}, h, func(x *linkerdObject[S]) any { return &x.spec })
}

// Admits reports whether the proxy of a workload's pod lets a request pass, and which object decides.
func (l *Linkerd) Admits(w *Workload, q LinkerdRequest) (bool, Object) {
	for i := range l.servers {
		s := &l.servers[i]
		if s.Namespace != w.Namespace || s.spec.Port != q.Port || !l.selects(s.spec.PodSelector, s.spec.Machines, w) {
			continue
		}
		open := s.spec.AccessPolicy != "deny" && s.spec.AccessPolicy != "" // for what a route takes, too
		targets := []targetRef{{"policy.linkerd.io", "Server", s.Name}}
		if s.spec.ProxyProtocol == "HTTP/1" || s.spec.ProxyProtocol == "HTTP/2" || s.spec.ProxyProtocol == "unknown" && q.Method != "" {
			route, any := l.route(s.Namespace, s.Name, q)
			if any && route == nil {
				return false, s.Object // routes, and none of them takes the request
			}
			if route != nil {
				targets = append(targets, targetRef{"gateway.networking.k8s.io", "HTTPRoute", route.Name})
			}
		}
		if open {
			return true, s.Object
		}
		return l.granted(s.Namespace, targets, q, s.Object)
	}
	return !l.deny, Object{}
}

// selects reports whether a Server is about pods of a workload, or about the machine that it is.
func (l *Linkerd) selects(pods, machines workloadSelector, w *Workload) bool {
	if !w.Machine {
		return len(machines.MatchLabels) == 0 && subset(pods.MatchLabels, w.Labels)
	}
	return len(machines.MatchLabels) > 0 && l.Machine(w, machines.MatchLabels) != ""
}

// Machine returns the identity of a machine whose labels fit, by its address; "" for one that is not registered.
func (l *Linkerd) Machine(w *Workload, selector map[string]string) string {
	for i := range l.machines {
		m := &l.machines[i]
		if m.Namespace == w.Namespace && len(m.spec.WorkloadIPs) > 0 && m.spec.WorkloadIPs[0].IP == w.Address.String() && subset(selector, l.labels[m.Namespace+"/"+m.Name]) {
			return m.spec.MeshTLS.Identity
		}
	}
	return ""
}

// route returns the route on a Server that takes a request: the most specific host, then the most specific match.
func (l *Linkerd) route(namespace, server string, q LinkerdRequest) (best *httpRoute, any bool) {
	var rank []int
	for i := range l.routes {
		r := &l.routes[i]
		if r.Namespace != namespace || !slices.ContainsFunc(r.spec.ParentRefs, func(p parentRef) bool { return p.Kind == "Server" && p.Name == server }) {
			continue
		}
		any = true
		host := 0
		if len(r.spec.Hostnames) > 0 {
			name, _, _ := strings.Cut(q.Host, ":") // the port of an authority counts for nothing
			if !slices.Contains(r.spec.Hostnames, name) {
				continue
			}
			host = 1
		}
		for _, rule := range r.spec.Rules {
			for _, m := range rule.Matches {
				if !m.matches(Request{Method: q.Method, Path: q.Path}) {
					continue
				}
				if at := append([]int{host}, m.rank()...); best == nil || slices.Compare(at, rank) > 0 {
					best, rank = r, at
				}
			}
		}
	}
	return best, any
}

// granted looks for a policy on one of the targets whose authentication the caller meets. Where none does, what the last of
// them asks for decides.
func (l *Linkerd) granted(namespace string, targets []targetRef, q LinkerdRequest, by Object) (bool, Object) {
	for i := range l.policies {
		p := &l.policies[i]
		if p.Namespace != namespace || !slices.Contains(targets, p.spec.TargetRef) {
			continue
		}
		met := len(p.spec.Required) > 0
		for _, ref := range p.spec.Required {
			if met = met && l.met(namespace, ref, q); !met {
				by = l.asks(namespace, ref, p.Object)
			}
		}
		if met {
			return true, p.Object
		}
	}
	return false, by
}

// asks returns the authentication that a reference names, else the policy that names it.
func (l *Linkerd) asks(namespace string, ref targetRef, policy Object) Object {
	for i := range l.accounts {
		if a := &l.accounts[i]; ref.Kind == a.Kind && a.Namespace == namespace && a.Name == ref.Name {
			return a.Object
		}
	}
	for i := range l.networks {
		if n := &l.networks[i]; ref.Kind == n.Kind && n.Namespace == namespace && n.Name == ref.Name {
			return n.Object
		}
	}
	return policy
}

func (l *Linkerd) met(namespace string, ref targetRef, q LinkerdRequest) bool {
	for i := range l.accounts {
		a := &l.accounts[i]
		if ref.Kind != "MeshTLSAuthentication" || a.Namespace != namespace || a.Name != ref.Name {
			continue
		}
		if q.Identity != "" && slices.ContainsFunc(a.spec.Identities, func(id string) bool { return id == q.Identity || id == "*" }) {
			return true
		}
		for _, id := range a.spec.IdentityRefs {
			if id.Kind == "ServiceAccount" && id.Namespace == q.Namespace && id.Name == q.Account && q.Account != "" {
				return true
			}
		}
	}
	for i := range l.networks {
		n := &l.networks[i]
		if ref.Kind != "NetworkAuthentication" || n.Namespace != namespace || n.Name != ref.Name {
			continue
		}
		for _, net := range n.spec.Networks {
			if within(net.CIDR, q.Address) {
				return true
			}
		}
	}
	return false
}
