package networkpolicy

import (
	"fmt"
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// platform admits what every pod of a namespace needs, whatever it is.
func platform(p *ir.Plan, n *ir.Namespace) policy {
	o := policy{namespace: n.Name, name: "platform", from: n.From}
	pods := n.Meshed && (p.Mesh.ProxyPorts.Tunnel == 0 || p.Mesh.ProxyPorts.InPods) // have a proxy of their own
	if pods {
		o.ingress = proxyIngress(p)
	}
	o.egress = append(o.egress, dns())
	o.egress = append(o.egress, apiServers(&p.Cluster)...)
	if pods {
		o.egress = append(o.egress, proxyEgress(p)...)
	}
	return o
}

// proxyIngress admits the scraper and the kubelets to the proxies' own ports.
func proxyIngress(p *ir.Plan) []rule {
	ports := p.Mesh.ProxyPorts
	var out []rule
	if s, read := p.Scraper, distinct(ports.Metrics, ports.EnvoyMetrics); s != nil && len(read) > 0 {
		out = append(out, rule{
			comment: "metrics of proxy and application",
			peers:   []peer{{namespace: s.Namespace}},
			ports:   tcp(read...),
			from:    s.From,
		})
	}
	if probed := distinct(append([]uint16{ports.Health, ports.Metrics}, ports.Probes...)...); len(probed) > 0 {
		out = append(out, rule{
			comment: "kubelets: readiness of the proxy, and the application's probes, which the proxy's agent carries",
			peers:   blocks(p.Cluster.NodeSubnets),
			ports:   tcp(probed...),
			from:    nodeFrom(&p.Cluster),
		})
	}
	return out
}

// proxyEgress admits the proxies to the control plane and the collector of spans.
func proxyEgress(p *ir.Plan) []rule {
	m := &p.Mesh
	var out []rule
	if m.ProxyPorts.Control != 0 {
		out = append(out, rule{
			comment: "the mesh's control plane: configuration and certificates",
			peers:   []peer{{namespace: m.Namespace}},
			ports:   tcp(append([]uint16{m.ProxyPorts.Control}, m.ProxyPorts.Controls...)...),
			from:    m.ControlFrom(),
		})
	}
	if t := m.Tracing; t != nil {
		out = append(out, rule{
			comment: "spans, to the collector",
			peers:   []peer{{namespace: t.Namespace}},
			ports:   tcp(t.Port),
			from:    t.From,
		})
	}
	return out
}

// dns admits pods to the cluster's name servers: label and namespace that kubeadm, k3s and RKE2 give them.
func dns() rule {
	return rule{
		comment: "names",
		peers:   []peer{{namespace: "kube-system", labels: []ir.KV{{Key: "k8s-app", Value: "kube-dns"}}}},
		ports:   []port{{53, "UDP"}, {53, "TCP"}},
	}
}

// apiServers admits pods to the API servers: where the Service "kubernetes" leads, and not its own address, because a
// policy sees connections after that translation.
func apiServers(c *ir.Cluster) []rule {
	var numbers []uint16
	for _, a := range c.APIServers {
		numbers = append(numbers, a.Port())
	}
	var out []rule
	for _, n := range distinct(numbers...) {
		r := rule{comment: fmt.Sprintf("API servers, port %d", n), ports: tcp(n), from: c.APIServerFrom}
		for _, a := range c.APIServers {
			host := netip.PrefixFrom(a.Addr(), a.Addr().BitLen())
			if a.Port() == n && !slices.ContainsFunc(r.peers, func(x peer) bool { return x.block == host }) {
				r.peers = append(r.peers, peer{block: host})
			}
		}
		out = append(out, r)
	}
	return out
}

// nodeFrom is where the nodes' subnets come from.
func nodeFrom(c *ir.Cluster) ir.From { return c.NodeSubnetsFrom }

// distinct returns the numbers that are not 0, each once, in order of first appearance.
func distinct(numbers ...uint16) []uint16 {
	var out []uint16
	for _, n := range numbers {
		if n != 0 && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
