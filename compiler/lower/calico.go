package lower

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Names of the Calico that the operator installs (tigera/operator pkg/common/common.go CalicoNamespace, and
// pkg/render/node.go CalicoNodeObjectName; read 2026-11-21).
const (
	calicoNamespace = "calico-system"
	calicoAccount   = "calico-node"
)

// CalicoAnnounces reports whether Calico announces the ranges of pods, which takes all sessions of a node with its switches.
func CalicoAnnounces(s *site.Site) bool {
	b := s.Fabric.BGP
	return b != nil && b.Advertise.Pods && s.Kubernetes.CNI.Kind == "calico"
}

// CalicoBlocks is how many blocks of a length one node may have: what the pods of the fullest class fill, and one more for
// addresses that are not given back yet while their successors start.
func CalicoBlocks(s *site.Site, host int) int {
	blocks := 0
	for _, c := range s.NodeClasses {
		room := 1 << min(host, 30)
		blocks = max(blocks, (MaxPods(s, c)+room-1)/room+1)
	}
	return blocks
}

// podBlocks are the lengths of what nodes announce out of podCIDRs, how many of them a node has, and where the site says it.
func (l *lowering) podBlocks() (lengths []int, perNode int, from ir.From) {
	k := l.s.Kubernetes
	if !CalicoAnnounces(l.s) {
		return k.NodeCIDRMask, 1, ir.From{"kubernetes.nodeCIDRMask"}
	}
	from = ir.From{"kubernetes.cni.calico.blockSize", "kubernetes.cni.kind"}
	for name, c := range byKey(l.s.NodeClasses) {
		from = append(from, maxPodsFrom(name, c)...)
	}
	lengths = k.CNI.Calico.BlockSize
	for i, p := range prefixes(k.PodCIDRs[:min(len(k.PodCIDRs), len(lengths))]) {
		perNode = max(perNode, CalicoBlocks(l.s, p.Addr().BitLen()-lengths[i])) // the limit is one for both families
	}
	return lengths, perNode, from
}

// calico decides the objects by which Calico announces the ranges of pods: a peer for each rack and address of a switch.
func (l *lowering) calico() {
	if !CalicoAnnounces(l.s) {
		return
	}
	ranges := l.podRanges()
	c := &ir.Calico{ASN: l.s.Fabric.BGP.NodeASN, Ranges: ranges, BlocksWhy: "calico/blocks", Namespace: calicoNamespace, Account: calicoAccount,
		Secret: l.s.Fabric.BGP.PasswordSecret, From: append(under("fabric.bgp", "advertise.pods", "nodeASN", "passwordSecret", "gracefulRestart"), "kubernetes.cni", "racks")}
	for _, r := range ranges {
		c.MaxBlocks = r.PerNode
		c.From = append(c.From, r.From...)
	}
	if f := l.p.Federation; f != nil && f.Flat {
		for i := range f.Peers {
			for k, n := range f.Peers[i].Pods {
				c.Elsewhere = append(c.Elsewhere, ir.CalicoNetwork{Name: fmt.Sprintf("pods-of-%s-%d", f.Peers[i].Name, k+1), Site: f.Peers[i].Name, Network: n,
					From: append(slices.Clone(f.Peers[i].From), "federation.linkerd", "kubernetes.cni.kind")})
			}
		}
	}
	for i := range l.p.LoadBalancer.Peerings {
		pe := &l.p.LoadBalancer.Peerings[i]
		peer := ir.CalicoPeer{Name: pe.Name, Nodes: pe.NodeSelector.Terms[0], Address: pe.SwitchAddress, ASN: pe.SwitchASN,
			RestartSecs: pe.RestartSecs, Secret: pe.PasswordSecret, From: append(slices.Clone(pe.From), "fabric.bgp.nodeASN")}
		for _, sp := range pe.Speakers {
			peer.From = append(peer.From, sp.From...)
		}
		if pe.NodeASN != c.ASN {
			peer.LocalASN = pe.NodeASN
		}
		c.Peers = append(c.Peers, peer)
	}
	slices.SortFunc(c.Peers, func(a, b ir.CalicoPeer) int { return strings.Compare(a.Name, b.Name) })
	l.p.Calico = c
}
