package lower

import (
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// unnumbered is the homing of a rack whose nodes live on loopback addresses and are routed from their own interfaces on.
//
// A node there has two sessions with a switch, of two programs. The first runs over the cable, between link-local
// addresses: the node's own routing announces the node's address and learns the default route. It has to be up before
// Kubernetes is, since the kubelet reaches the API server and the registry by it, and to stay up while pods restart: so no
// pod can hold it. The second is the load balancer's, between the two loopback addresses: a cable's pair of link-local
// addresses carries one session only (RFC 4271, section 6.8). Any speaker that can have a peer more than one hop away can
// have it; an interface for a peer, as MetalLB's BGPPeer knows it, is not used.
const unnumbered = "unnumbered"

// sessionBFD is the BFD of the load balancer's sessions with the switches of a rack. kube-vip's own is that of one hop, on port
// 3784 (kube-vip v1.2.3 pkg/bgp/peers.go, read 2026-11-21), and between loopbacks a switch speaks that of many, on port 4784
// (RFC 5883): neither would hear the other, and a session would never come up.
func (l *lowering) sessionBFD(r *site.Rack) *ir.BFD {
	if r.Homing == unnumbered && l.s.LoadBalancer.Kind == "kube-vip" {
		return nil
	}
	return l.bfd()
}

// nodeLinks decides a switch's sessions with the routing of the rack's nodes: one a cable.
//
// They have no BFD: one process of a network namespace receives its packets, and on nodes it is the load balancer's
// (bfdd binds ports 3784 and 4784, FRR 10.7 bfdd/bfd_packet.c, read 2026-11-21). A cable that breaks is seen by its
// carrier, a dead switch by the hold time. They have no password either: no router forwards link-local addresses.
func (l *lowering) nodeLinks(rn, tn string, nodeASN uint32, asnFrom string) []ir.NodeLink {
	b := l.s.Fabric.BGP
	var out []ir.NodeLink
	for nn, n := range byKey(l.s.Racks[rn].Nodes) {
		path := site.Join("racks", rn, "nodes", nn)
		port := n.Links[tn]
		if port == "" {
			continue // a rule says so
		}
		out = append(out, ir.NodeLink{
			Node: nn, Addresses: append(addrs(n.Address), addrs(n.EgressAddresses)...), Interface: port, NodeASN: nodeASN,
			HoldSecs: seconds(b.HoldTime), KeepaliveSecs: seconds(b.KeepaliveTime),
			From: append(under(path, "address"), site.Join("racks", rn, "nodes", nn, "links", tn), asnFrom,
				"fabric.bgp.holdTime", "fabric.bgp.keepaliveTime", site.Join("racks", rn, "homing"), site.Join("racks", rn, "nodes")),
		})
		if len(n.EgressAddresses) > 0 || ciliumEgress(l.s) {
			last := &out[len(out)-1]
			last.From = append(last.From, site.Join(path, "egressAddresses"))
		}
	}
	return out
}
