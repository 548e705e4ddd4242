package networkpolicy

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// policy is one NetworkPolicy. Both directions are always governed: an empty list refuses all.
type policy struct {
	namespace, name string
	labels          []ir.KV // of its own
	selector        []ir.KV // pods that it governs; empty for all of the namespace
	comment         string
	commentFrom     ir.From
	ingress, egress []rule
	from            ir.From
}

// rule admits connections with any of the peers on any of the ports. No peer means anybody.
type rule struct {
	comment string
	peers   []peer
	ports   []port
	from    ir.From
}

// peer is the pods of a namespace, all or those with labels, or a block of addresses.
type peer struct {
	namespace string
	labels    []ir.KV
	block     netip.Prefix
	except    []netip.Prefix
}

// port is a container port.
type port struct {
	number   uint16
	protocol string // TCP or UDP
}

func tcp(numbers ...uint16) []port {
	out := make([]port, len(numbers))
	for i, n := range numbers {
		out[i] = port{n, "TCP"}
	}
	return out
}

// containerPorts returns the ports of a service as its pods have them.
func containerPorts(ports []ir.Port) []port {
	out := make([]port, len(ports))
	for i, p := range ports {
		out[i] = port{p.TargetPort, "TCP"}
		if p.Protocol == "udp" {
			out[i].protocol = "UDP"
		}
	}
	return out
}

func blocks(prefixes []netip.Prefix) []peer {
	out := make([]peer, len(prefixes))
	for i, p := range prefixes {
		out[i] = peer{block: p}
	}
	return out
}

func (o policy) write(p *ir.Plan, y *artifact.YAML) {
	m := backend.Meta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Namespace: o.namespace, Name: o.name,
		Labels: append(o.labels, backend.ManagedBy(p)...), From: o.from}
	backend.Object(y, m, func() {
		y.Map("spec", func() {
			y.Map("podSelector", func() { backend.Pairs(y, "matchLabels", o.selector) })
			y.KV("policyTypes", []string{"Ingress", "Egress"})
			if o.comment != "" {
				y.From("", o.commentFrom...)
				y.Comment(o.comment)
				y.Fixed()
			}
			rules(y, "ingress", "from", o.ingress)
			rules(y, "egress", "to", o.egress)
		})
	})
}

func rules(y *artifact.YAML, key, peers string, list []rule) {
	if len(list) == 0 {
		return
	}
	y.Seq(key, func() {
		for _, r := range list {
			y.From("", r.from...)
			y.Comment(r.comment)
			y.Item(func() {
				if len(r.peers) > 0 {
					y.Seq(peers, func() {
						for _, x := range r.peers {
							y.Item(func() { x.write(y) })
						}
					})
				}
				y.Seq("ports", func() {
					for _, x := range r.ports {
						y.Item(func() {
							y.KV("port", x.number)
							y.KV("protocol", x.protocol)
						})
					}
				})
			})
		}
		y.Fixed()
	})
}

func (x peer) write(y *artifact.YAML) {
	if x.block.IsValid() {
		y.Map("ipBlock", func() {
			y.KV("cidr", x.block)
			if len(x.except) > 0 {
				y.KV("except", ir.Prefixes(x.except))
			}
		})
		return
	}
	y.Map("namespaceSelector", func() {
		y.Map("matchLabels", func() { y.KV(namespaceLabel, x.namespace) })
	})
	if len(x.labels) > 0 {
		y.Map("podSelector", func() { backend.Pairs(y, "matchLabels", x.labels) })
	}
}
