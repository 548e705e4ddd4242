package lower

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Names that Calico Enterprise gives. The label is the one that tigera/operator puts on a gateway's pods by itself
// (api/v1/egressgateway_types.go, EgressGatewayMetadata); the annotation leads a namespace to its policy (Calico Enterprise
// documentation 3.23, Egress gateway policy); the port is that of the packets to a gateway's pods (projectcalico/calico,
// felix: EgressIPVXLANPort), and the other where nodes ask
// whether the gateway is ready (tigera/operator, pkg/render/egressgateway: DefaultHealthPort). Read 2026-11-21.
const (
	calicoGatewayLabel     = "projectcalico.org/egw"
	calicoPolicyAnnotation = "egress.projectcalico.org/egressGatewayPolicy"
	calicoEgressPort       = 4790
	calicoHealthPort       = 8080
)

// calicoEgress makes an EgressGateway of each egress gateway of provider calico, with pools of exactly its addresses, and one
// policy of each namespace with services that use a destination behind one.
func (l *lowering) calicoEgress() {
	out := &ir.CalicoEgress{}
	gateways := map[string]*ir.CalicoGateway{}
	for name, g := range byKey(l.s.EgressGateways) {
		if g.Provider == "calico" {
			c := l.calicoGateway(name, g)
			gateways[name] = &c
		}
	}
	used := map[string]bool{}
	policies := map[string]*ir.CalicoPolicy{}
	for i := range l.p.Externals {
		x := &l.p.Externals[i]
		name := l.s.External[x.Name].Via
		g := gateways[name]
		if g == nil {
			continue
		}
		for _, u := range l.leaving(x) {
			if s := l.find(u.Namespace + "/" + u.Name); s != nil && s.Workload == ir.Machine { // which sends with an address of its own
				continue
			}
			p := policies[u.Namespace]
			if p == nil {
				p = &ir.CalicoPolicy{Name: "egress-" + u.Namespace, Namespace: u.Namespace, From: ir.From{"name"}}
				policies[u.Namespace] = p
			}
			for _, d := range x.Addresses {
				if d.Addr().Is4() {
					l.calicoRule(p, x, d, name, g, u)
					used[name] = true
				}
			}
		}
		if !used[name] {
			continue
		}
		x.Via = name
		for j, a := range l.s.EgressGateways[name].Addresses {
			x.Sources = append(x.Sources, addr(a))
			x.SourcesFrom = append(x.SourcesFrom, site.Join("egressGateways", name, "addresses", site.Index(j)))
		}
		x.SourcesFrom = append(x.SourcesFrom, site.Join("external", x.Name, "via"))
	}
	for name, g := range byKey(gateways) {
		if used[name] {
			out.Gateways = append(out.Gateways, *g)
			out.From = append(out.From, g.From...)
		}
	}
	for _, p := range byKey(policies) {
		if len(p.Rules) > 0 {
			slices.SortFunc(p.Rules, func(a, b ir.CalicoRule) int { return a.Destination.Addr().Compare(b.Destination.Addr()) })
			out.Policies = append(out.Policies, *p)
		}
	}
	if len(out.Gateways) > 0 {
		l.p.CalicoEgress = out
	}
}

// calicoRule adds a destination to a namespace's policy, once: two rules for one network are refused.
func (l *lowering) calicoRule(p *ir.CalicoPolicy, x *ir.External, d netip.Prefix, name string, g *ir.CalicoGateway, u ir.ExternalUser) {
	from := append(under(site.Join("external", x.Name), "via", "addresses"), u.From...)
	p.From = append(p.From, from...)
	if i := slices.IndexFunc(p.Rules, func(r ir.CalicoRule) bool { return r.Destination == d }); i >= 0 {
		r := &p.Rules[i]
		r.Users, r.From = append(r.Users, u), append(r.From, from...)
		return
	}
	p.Rules = append(p.Rules, ir.CalicoRule{External: x.Name, Destination: d, Gateway: name, GatewayNamespace: g.Pods.Namespace, Label: g.Label,
		Users: []ir.ExternalUser{u}, From: append(from, site.Join("egressGateways", name, "provider"))})
}

// calicoGateway decides the pods of an egress gateway and their addresses. A Deployment of the operator's begins a rollout
// with a pod more and takes none away before that one is ready (Kubernetes' defaults for fewer than four), and EgressGateway
// has no field for it: a pod more needs an address more.
func (l *lowering) calicoGateway(name string, g *site.EgressGateway) ir.CalicoGateway {
	path := site.Join("egressGateways", name)
	c := ir.CalicoGateway{Pods: l.egressPods(name, g, &ir.EgressProxy{}), Label: ir.KV{Key: calicoGatewayLabel, Value: "egress-" + name},
		From: append(under(path, "provider", "addresses", "placement", "calico"), "owner", "kubernetes.cni.kind")}
	c.Pods.Replicas = len(g.Addresses) - 1
	c.Pods.Selector = []ir.KV{c.Label}
	for _, p := range cover(g.Addresses) {
		c.Pools = append(c.Pools, ir.CalicoPool{Name: "egress-" + name + "-" + addressLabel(p.Addr()), Network: p,
			From: append(under(path, "addresses", "provider"), "kubernetes.cni.encapsulation")})
	}
	return c
}

// calicoNamespaces adds the namespaces of egress gateways, whose pods set up interfaces and routes, and leads those of
// services to their policies. Every pod of such a namespace goes by the policy: who may send at all, the NetworkPolicies say.
// Where a policy is missing, nothing leaves a namespace that names it, and where a gateway's pods are, nothing for its
// destinations: the gateways stand before the namespaces.
func (l *lowering) calicoNamespaces(own func(name, purpose, level string, from ...string)) {
	e := l.p.CalicoEgress
	if e == nil {
		return
	}
	for i := range e.Gateways {
		own(e.Gateways[i].Pods.Namespace, "egress-gateway", "privileged", e.Gateways[i].From...)
		l.p.Namespaces[len(l.p.Namespaces)-1].Early = true
	}
	for i := range e.Policies {
		for k := range l.p.Namespaces {
			if n := &l.p.Namespaces[k]; n.Name == e.Policies[i].Namespace {
				n.Annotations = append(n.Annotations, ir.KV{Key: calicoPolicyAnnotation, Value: e.Policies[i].Name})
				n.From = append(n.From, e.Policies[i].From...)
				n.From = append(n.From, "egressGateways")
			}
		}
	}
}

// calicoWaits are the egress gateways whose pods the operator makes. It calls a gateway ready when its Deployment is there
// (tigera/operator of 2026-08-21, pkg/controller/egressgateway: status.state, and a condition Available, none Ready).
func (l *lowering) calicoWaits() []ir.Wait {
	var out []ir.Wait
	if e := l.p.CalicoEgress; e != nil {
		for i := range e.Gateways {
			g := &e.Gateways[i].Pods
			out = append(out,
				ir.Wait{Namespace: g.Namespace, Object: "egressgateway.operator.tigera.io/" + g.Release, For: "jsonpath={.status.state}=Ready",
					From: slices.Clone(e.Gateways[i].From)},
				ir.Wait{Namespace: g.Namespace, Object: "deployment.apps/" + g.Release, For: "condition=Available", From: slices.Clone(e.Gateways[i].From)})
		}
	}
	return out
}

// calicoEgressFlows: nodes hand what pods send to a gateway's pods inside packets of their own. Between machines these go
// inside the pod network's, so that no machine sees the port.
func (l *lowering) calicoEgressFlows() {
	e := l.p.CalicoEgress
	if e == nil {
		return
	}
	for i := range e.Gateways {
		g := &e.Gateways[i]
		to := ir.FlowEnd{Name: "egress gateway " + g.Pods.Name}
		for _, p := range g.Pools {
			to.Addresses = append(to.Addresses, p.Network)
		}
		about := ir.From{"namespaces", "kubernetes", "egressGateways", "external"}
		l.flow(ir.Flow{Area: ir.PodArea, From: l.allNodes(), To: to, Protocol: "udp", Port: calicoEgressPort, Why: "egress, by way of Calico's gateway",
			Note: "VXLAN of its own, inside that of the pod network"}, about, machinesFrom, g.From)
		l.flow(ir.Flow{Area: ir.PodArea, From: l.allNodes(), To: to, Protocol: "tcp", Port: calicoHealthPort, Why: "whether Calico's gateway is ready, for nodes with users of it"}, about, machinesFrom, g.From)
	}
}
