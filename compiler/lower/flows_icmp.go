package lower

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// tooBig is what a router says of a packet that does not fit its next link, by protocol (RFC 792 with RFC 1191, RFC 4443).
var tooBig = map[string]string{
	icmp:   "packets that are too big: type 3 code 4",
	icmpv6: "packets that are too big: type 2",
}

// icmpFlows: routers anywhere to the senders of packets that are too big, and echo requests among nodes.
func (l *lowering) icmpFlows() {
	routers := ir.FlowEnd{Name: "routers on the way", Anybody: true}
	for i := range l.p.Gateways {
		g := &l.p.Gateways[i]
		reads := slices.Concat(g.From, ir.From{"fabric.bgp", "loadBalancer", "pools", "gateways"}, machinesFrom)
		for _, v := range g.VIPs {
			protocol := icmpOf(netip.PrefixFrom(v, v.BitLen()))
			l.flow(ir.Flow{Area: ir.EdgeArea, From: routers, Protocol: protocol, Via: l.entrances(g), Why: tooBig[protocol],
				To: ir.FlowEnd{Name: "gateway " + g.Name, Addresses: singles([]netip.Addr{v})}}, reads,
				ir.From{site.Join("gateways", g.Name), site.Join("pools", g.Pool)})
		}
	}
	nodes, kind := l.allNodes(), l.s.Kubernetes.CNI.Kind
	for _, protocol := range []string{icmp, icmpv6} {
		to := nodes
		to.Addresses = slices.DeleteFunc(slices.Clone(nodes.Addresses), func(p netip.Prefix) bool { return icmpOf(p) != protocol })
		if len(to.Addresses) == 0 {
			continue
		}
		l.flow(ir.Flow{Area: ir.NodeArea, From: routers, To: to, Protocol: protocol, Why: tooBig[protocol]}, nil, machinesFrom)
		if c := l.set.CNI(kind); c.Echo {
			l.flow(ir.Flow{Area: ir.NodeArea, From: to, To: to, Protocol: protocol, Why: "pod network " + kind + ": health between nodes, echo requests"},
				machinesFrom, ir.From{"kubernetes.cni"})
		}
	}
}

func icmpOf(p netip.Prefix) string {
	if p.Addr().Is6() {
		return icmpv6
	}
	return icmp
}

// certManagerWebhook is where cert-manager's pods take calls of the API servers (cert-manager v1.21.2,
// deploy/charts/cert-manager/values.yaml webhook.securePort, 2026-11-21).
const certManagerWebhook = 10250

// webhookFlows: API servers to the webhooks of what the site installs or relies on, beside the mesh's. An object whose
// webhook does not answer is refused.
func (l *lowering) webhookFlows() {
	control, lb := l.controlPlaneEnd(), &l.p.LoadBalancer
	from := slices.Concat(ir.From{"kubernetes"}, machinesFrom)
	for _, w := range l.set.LoadBalancer(lb.Kind).Webhooks {
		if w.Backend != "" && w.Backend != lb.Backend {
			continue
		}
		f := ir.Flow{Area: ir.PodArea, From: control, To: l.pods(w.Of), Protocol: "tcp", Port: w.Port, Why: "validation: calls of the API servers"}
		if w.Host {
			f.Area, f.To = ir.NodeArea, l.allNodes()
			f.Why = w.Of + ", " + f.Why
		}
		l.flow(f, slices.Concat(from, ir.From{"pools", "gateways", "fabric.bgp"}), ir.From{"loadBalancer"})
	}
	issued := slices.ContainsFunc(l.p.Secrets, func(s ir.Secret) bool { return s.Creator == ir.CertManager })
	if issued {
		l.flow(ir.Flow{Area: ir.PodArea, From: control, To: l.pods("cert-manager"), Protocol: "tcp", Port: certManagerWebhook, Why: "validation: calls of the API servers"},
			slices.Concat(from, ir.From{"gateways", "secrets", "namespaces", "mesh"}), ir.From{"components.certManager"})
	}
}
