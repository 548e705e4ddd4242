package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The policies of Cilium 1.20 and NetworkPolicies are enforced by one agent and add up: what a rule of one of them admits
// passes. A rule with requests redirects a port to the node's proxy, which lets those through; another rule that admits
// the same caller at the same port without requests admits all of them.

// ciliumPolicy is a cilium.io CiliumNetworkPolicy, or one for the whole cluster that selects the proxies of gateways.
type ciliumPolicy struct {
	meta
	spec struct {
		EndpointSelector selector     `json:"endpointSelector"`
		Ingress          []ciliumRule `json:"ingress"`
		Egress           []ciliumRule `json:"egress"`
	}
}

type ciliumRule struct {
	FromEndpoints []selector     `json:"fromEndpoints"`
	ToEndpoints   []selector     `json:"toEndpoints"`
	FromEntities  []string       `json:"fromEntities"`
	ToEntities    []string       `json:"toEntities"`
	FromCIDR      []netip.Prefix `json:"fromCIDR"`
	ToCIDR        []netip.Prefix `json:"toCIDR"`
	ToFQDNs       []struct {
		MatchName    string `json:"matchName"`
		MatchPattern string `json:"matchPattern"`
	} `json:"toFQDNs"`
	ToPorts        []ciliumPorts        `json:"toPorts"`
	Authentication ciliumAuthentication `json:"authentication"`
}

type ciliumPorts struct {
	Ports []struct {
		Port     string `json:"port"`
		Protocol string `json:"protocol"`
	} `json:"ports"`
	Rules struct {
		HTTP []ciliumRequest `json:"http"`
		DNS  []struct {
			MatchPattern string `json:"matchPattern"`
		} `json:"dns"`
	} `json:"rules"`
}

// ciliumRequest has regular expressions for the whole of each; "" takes anything.
type ciliumRequest struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Host   string `json:"host"`
}

const (
	ciliumNamespace = "k8s:io.kubernetes.pod.namespace"
	ciliumAccount   = "k8s:io.cilium.k8s.policy.serviceaccount"
	ciliumCluster   = "k8s:io.cilium.k8s.policy.cluster"
	ciliumIngress   = "reserved:ingress"
)

// ciliumEntities are those that are understood.
var ciliumEntities = []string{"world", "ingress", "host", "kube-apiserver", "remote-node"}

// understood reports what of a policy would change an answer and is not known here.
func (p *ciliumPolicy) understood() error {
	for _, r := range slices.Concat(p.spec.Ingress, p.spec.Egress) {
		peers := 0
		for _, n := range []int{len(r.FromEndpoints) + len(r.ToEndpoints), len(r.FromEntities) + len(r.ToEntities), len(r.FromCIDR) + len(r.ToCIDR), len(r.ToFQDNs)} {
			if n > 0 {
				peers++
			}
		}
		if peers > 1 || peers == 0 && len(r.ToPorts) > 0 {
			return errors.New("a rule that does not name peers in one way is not understood")
		}
		for _, e := range slices.Concat(r.FromEntities, r.ToEntities) {
			if !slices.Contains(ciliumEntities, e) {
				return fmt.Errorf("entity %q is not understood", e)
			}
		}
		for _, s := range slices.Concat(r.FromEndpoints, r.ToEndpoints) {
			if s.MatchLabels[ciliumNamespace] == "" || len(s.MatchExpressions) > 0 {
				return errors.New("an endpoint without a namespace, or with expressions, is not understood")
			}
		}
		for _, t := range r.ToPorts {
			for _, port := range t.Ports {
				if _, err := strconv.ParseUint(port.Port, 10, 16); err != nil {
					return fmt.Errorf("port %q is not understood", port.Port)
				}
			}
			for _, q := range t.Rules.HTTP {
				for _, text := range []string{q.Method, q.Path, q.Host} {
					if _, err := regexp.Compile(text); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// ciliumMesh reports whether the tree has such policies, or gateways that Cilium serves.
func (m *Model) ciliumMesh() bool {
	return len(m.cilium)+len(m.ciliumClients)+len(m.ciliumClasses) > 0
}

// ciliumGateway reports whether the proxies of nodes serve a gateway: it has no pods.
func (m *Model) ciliumGateway(w *Workload) bool {
	if g := m.apiGatewayOf(w); w.Gateway && g != nil {
		_, ok := m.ciliumClasses[g.spec.GatewayClassName]
		return ok
	}
	return false
}

// hasProxies reports whether anything that comes to a gateway of Cilium passes a proxy.
func (m *Model) hasProxies(w *Workload) bool {
	return slices.ContainsFunc(m.apiGatewayOf(w).spec.Listeners, func(l apiListener) bool { return !l.streams() || l.passesThrough() })
}

// filter asks NetworkPolicies and the policies of Cilium, together.
func (m *Model) filter(layer Layer, w *Workload, other end, host string, port Port, req Request) Step {
	if w.Cluster != "" {
		return Step{Layer: layer, At: w.Namespace + "/" + w.Name, Effect: Silent, Why: "the policies of another site are in its own tree"}
	}
	udp := req.UDP || port.Protocol == "udp"
	port, req = m.asSeen(w, other, port, req)
	s := m.networkStep(layer, w, other, port.Target, udp)
	if s.Effect == Allow || w.Machine {
		return s
	}
	for i := range m.cilium {
		p := &m.cilium[i]
		rules, field := p.spec.Ingress, "ingress"
		if layer == Egress {
			rules, field = p.spec.Egress, "egress"
		}
		if p.Namespace != w.Namespace || len(rules) == 0 || !p.spec.EndpointSelector.matches(w.Labels) {
			continue
		}
		if s.Effect == Silent {
			s.Object, s.Effect, s.Why = p.Object, Refuse, fmt.Sprintf("no rule admits %s on port %d", other, port.Target)
		}
		for k := range rules {
			if !m.ciliumPeer(&rules[k], w, other, host) {
				continue
			}
			if s.Effect == Refuse && rules[k].onPort(port, udp) { // who calls is known there, and the request is not
				s.Object, s.Why = p.at("spec", field, k), fmt.Sprintf("no request of the rule for %s is %s %s", other, req.Method, req.Path)
			}
			if rules[k].Authentication.Mode == provedMode && !m.proves(other) {
				if s.Effect == Refuse {
					s.Object, s.Why = p.at("spec", field, k), fmt.Sprintf("%s must be authenticated, and cannot be", other)
				}
				continue
			}
			if rules[k].takes(port, udp, req) {
				s.Object, s.Effect, s.Why = p.at("spec", field, k), Allow, fmt.Sprintf("admits %s on port %d", other, port.Target)
				return s
			}
		}
	}
	return s
}

// ciliumPeer reports whether a rule is about the other end. Networks and names are of what is outside alone.
func (m *Model) ciliumPeer(r *ciliumRule, w *Workload, other end, host string) bool {
	o := other.w
	if o != nil && o.Machine {
		o = nil // no agent knows it by anything but its address
	}
	for _, s := range slices.Concat(r.FromEndpoints, r.ToEndpoints) {
		if o != nil && !o.Gateway && ciliumOf(&s, o) {
			return true
		}
	}
	for _, e := range slices.Concat(r.FromEntities, r.ToEntities) {
		switch e {
		case "ingress":
			if o != nil && m.ciliumGateway(o) && m.hasProxies(o) {
				return true
			}
		case "kube-apiserver":
			if o != nil && o.Namespace == "default" && o.Name == "kubernetes" {
				return true
			}
		case "remote-node": // and whom it hands on under its own address
			if o == nil && other.address == m.world.NodeAddress {
				return true
			}
		case "world":
			if o == nil && other.address != m.world.NodeAddress {
				return true
			}
		}
	}
	if o != nil {
		return false
	}
	if slices.ContainsFunc(slices.Concat(r.FromCIDR, r.ToCIDR), func(c netip.Prefix) bool { return c.Contains(other.address) }) {
		return true
	}
	for _, f := range r.ToFQDNs {
		if host != "" && m.readsNames(w) && (f.MatchName == host || f.MatchPattern != "" && dnsMatch(f.MatchPattern, host)) {
			return true
		}
	}
	return false
}

// readsNames reports whether the agent sees the answers of name servers to a pod: without them names have no addresses.
func (m *Model) readsNames(w *Workload) bool {
	return slices.ContainsFunc(m.cilium, func(p ciliumPolicy) bool {
		return p.Namespace == w.Namespace && p.spec.EndpointSelector.matches(w.Labels) && slices.ContainsFunc(p.spec.Egress, func(r ciliumRule) bool {
			return slices.ContainsFunc(r.ToPorts, func(t ciliumPorts) bool {
				return len(t.Rules.DNS) > 0 && t.Rules.DNS[0].MatchPattern == "*"
			})
		})
	})
}

// ciliumOf reports whether a selector is about a pod. One without a cluster is about those of the tree's own.
func ciliumOf(s *selector, w *Workload) bool {
	return s.MatchLabels[ciliumCluster] == w.Cluster && subset(s.MatchLabels, ciliumLabels(w))
}

func ciliumLabels(w *Workload) map[string]string {
	out := map[string]string{ciliumNamespace: w.Namespace, ciliumAccount: w.ServiceAccount}
	if w.Cluster != "" {
		out[ciliumCluster] = w.Cluster
	}
	for k, v := range w.Labels {
		out["k8s:"+k] = v
	}
	return out
}

// on reports whether a port is one of a list.
func (t *ciliumPorts) on(port Port, udp bool) bool {
	for _, p := range t.Ports {
		if p.Port == strconv.Itoa(int(port.Target)) && (p.Protocol == "UDP") == udp {
			return true
		}
	}
	return false
}

// onPort reports whether a rule is about a port, whatever the request.
func (r *ciliumRule) onPort(port Port, udp bool) bool {
	return len(r.ToPorts) == 0 || slices.ContainsFunc(r.ToPorts, func(t ciliumPorts) bool { return t.on(port, udp) })
}

// takes reports whether a rule takes a request at a port; no ports are all of them.
func (r *ciliumRule) takes(port Port, udp bool, req Request) bool {
	return len(r.ToPorts) == 0 || slices.ContainsFunc(r.ToPorts, func(t ciliumPorts) bool {
		on := t.on(port, udp)
		if !on || len(t.Rules.HTTP) == 0 {
			return on
		}
		return speaksHTTP(port.Protocol) && slices.ContainsFunc(t.Rules.HTTP, func(q ciliumRequest) bool {
			return whole(q.Method, req.Method) && whole(q.Path, req.Path) && whole(q.Host, req.Host)
		})
	})
}

func whole(expression, text string) bool {
	if expression == "" {
		return true
	}
	re, err := regexp.Compile("^(?:" + expression + ")$")
	return err == nil && re.MatchString(text)
}

// ciliumClient asks the policies of all gateways about who comes to one.
func (m *Model) ciliumClient(g *Workload, from Caller) Step {
	s := Step{Layer: Ingress, At: g.Namespace + "/" + g.Name, Effect: Silent, Why: "no policy is about gateways"}
	for i := range m.ciliumClients {
		p := &m.ciliumClients[i]
		if s.Effect == Silent {
			s.Object, s.Effect, s.Why = p.Object, Refuse, "no rule admits the client"
		}
		for k := range p.spec.Ingress {
			if m.ciliumPeer(&p.spec.Ingress[k], g, end{from.Workload, from.Address}, "") {
				s.Object, s.Effect, s.Why = p.at("spec", "ingress", k), Allow, "admits the client"
				return s
			}
		}
	}
	return s
}

// clusterwide files a policy for the whole cluster: that of gateways, or one about the probes of kubelets.
func (m *Model) clusterwide(o meta, h head) error {
	p := ciliumPolicy{meta: o}
	if !strings.Contains(string(h.Spec), ciliumIngress) {
		return probesOnly(h)
	}
	if err := unmarshal(h.Spec, &p.spec, true); err != nil {
		return err
	}
	s := p.spec.EndpointSelector
	if len(s.MatchLabels) > 0 || len(s.MatchExpressions) != 1 || s.MatchExpressions[0].Key != ciliumIngress || s.MatchExpressions[0].Operator != "Exists" || len(p.spec.Egress) > 0 {
		return errors.New("a policy for the whole cluster that is not about who comes to gateways is not understood")
	}
	m.ciliumClients = append(m.ciliumClients, p)
	return p.understood()
}

// ciliumClass is a GatewayClass of Cilium; its parameters are those of the Service.
type ciliumClass struct {
	ParametersRef struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"parametersRef"`
	ControllerName string `json:"controllerName"`
}

// ciliumFacts returns what the Service of a gateway is like.
func (m *Model) ciliumFacts(g *apiGateway) (facts serviceFacts) {
	ref := m.ciliumClasses[g.spec.GatewayClassName].ParametersRef
	return m.ciliumConfigs[ref.Namespace+"/"+ref.Name]
}
