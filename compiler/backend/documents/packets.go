package documents

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// packets writes how large a packet may be on each way, and what has to be set for it by others.
func packets(m *backend.Markdown, p *ir.Plan) {
	k := &p.Packets
	m.Heading("Packet sizes")
	text := "Bytes of an IP packet with its header. Pods = nodes - what the pod network " + p.Cluster.CNI.Kind + " adds: "
	switch encapsulated, cipher := number(k.Overhead-k.Encrypted)+" by "+k.Encapsulation+" over "+familyName(k.Outer), number(k.Encrypted)+" by encryption "+k.Encryption; {
	case k.Overhead == 0:
		text += "nothing, it does not encapsulate."
	case k.Encapsulation == "none":
		text += cipher + "; it does not encapsulate."
	case k.Encrypted == 0:
		text += encapsulated + "."
	default:
		text += encapsulated + ", " + cipher + "."
	}
	m.Text(text + " The mesh takes nothing off: mutual TLS and HBONE are inside of TCP, which fits its segments to the way. meshgen does not configure interfaces; the sizes below are what the site declares of them.")
	m.Head("between racks", "and racks", "nodes", "pods")
	for _, w := range k.Paths {
		and := codes(w.And)
		if slices.Equal(w.Between, w.And) {
			and = "each other"
			if len(w.Between) == 1 {
				and = "within"
			}
		}
		m.Row(codes(w.Between), and, number(w.Nodes), number(w.Pods))
	}
	m.Head("class", "interface", "carries", "largest packet")
	for _, l := range k.Layers {
		m.Row(code(l.Class), code(l.Interface), l.What, number(l.MTU))
	}
	if t := k.Probe; t != nil {
		m.Text("Whether the network keeps to it, on " + code(t.From) + ", towards " + code(t.To) + ":")
		m.Commands("ping -M do -c 3 -s " + number(t.Payload) + " " + t.Address)
	}
	if len(k.Settings) > 0 {
		m.Text("What whoever installs the pod network must set:")
		m.Head("setting of "+p.Cluster.CNI.Kind, "value", "otherwise")
		for _, s := range k.Settings {
			m.Row(s.Where, codes(s.Values), s.Otherwise)
		}
	}
	further(m, k.Further)
}

// further writes the networks of machines besides the node network, and what must not happen by them.
func further(m *backend.Markdown, nets []ir.FurtherNetwork) {
	if len(nets) == 0 {
		return
	}
	m.Heading("Further networks")
	m.Text("Nothing of the cluster uses them: no pod, no virtual address, no session. The default route and the address behind a machine's own name must be of the node network: " +
		"kubelets, k3s and RKE2 take their node's address from there.")
	m.Head("class", "network", "interface", "addresses", "largest packet", "machines")
	for _, n := range nets {
		m.Row(code(n.Class), code(n.Name), code(n.Interface), code(n.CIDR), number(n.MTU), number(n.Machines))
	}
}

func familyName(f ir.Family) string { return strings.Replace(string(f), "ipv", "IPv", 1) }
