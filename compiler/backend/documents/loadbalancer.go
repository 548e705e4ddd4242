package documents

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// controllers are what gives Services their addresses, by kind of load balancer, as kubectl logs takes it.
var controllers = map[string]string{
	"metallb":  "deployment/metallb-controller",
	"cilium":   "deployment/cilium-operator", // LB-IPAM is a part of it
	"kube-vip": "--selector app.kubernetes.io/name=kube-vip --prefix",
	"openelb":  "deployment/openelb-controller",
}

// peerObjects are the objects with the nodes' ends of sessions, by kind of load balancer; kube-vip has none.
var peerObjects = map[string]string{"metallb": "BGPPeer", "cilium": "peer in CiliumBGPClusterConfig", "openelb": "BgpPeer"}

// bootstrap are the Secrets of sessions that carry ranges of pods, and that are made by pods of the cluster: these reach
// other racks over the same sessions.
func bootstrap(p *ir.Plan) []ir.Secret {
	var out []ir.Secret
	for _, s := range p.Secrets {
		if s.Creator == ir.ExternalSecrets && slices.ContainsFunc(p.LoadBalancer.Peerings, func(pe ir.Peering) bool {
			return len(pe.Pods) > 0 && pe.PasswordSecret == s.Name && p.SessionNamespace() == s.Namespace
		}) {
			out = append(out, s)
		}
	}
	return out
}

// withdrawal is how a node stops announcing, and what is relied on of a load balancer that others install.
type withdrawal struct {
	NodeLabel  string // without which a node does not announce; "": the label of Kubernetes that excludes it does it
	LabelBack  string // its value, and what that is
	PodsRouted bool   // sessions carry ranges of pods, too
	Always     bool   // an address of policy Cluster is announced without any ready pod
	Values     []ir.CiliumValue
}

// withdrawalOf finds a label of the nodes that announce, by which Cilium's objects and the programs of OpenELB and kube-vip
// find theirs. Neither Cilium nor kube-vip reads the label by which Kubernetes takes nodes out of load balancers: there is
// no trace of it in Cilium 1.20.2 and kube-vip 1.2.3, 2026-11-21.
func withdrawalOf(p *ir.Plan) withdrawal {
	lb := &p.LoadBalancer
	w := withdrawal{
		PodsRouted: slices.ContainsFunc(lb.Peerings, func(pe ir.Peering) bool { return len(pe.Pods) > 0 }),
		Always:     lb.Kind == "openelb" || lb.Kind == "cilium",
	}
	switch {
	case p.OpenELB != nil:
		w.NodeLabel, w.LabelBack = p.OpenELB.RackLabel, `"$N"   # its own name`
	case lb.Kind == "cilium", lb.Kind == "kube-vip":
		w.NodeLabel, w.LabelBack = announcing(p)
	}
	if p.Cilium != nil {
		w.Values = p.Cilium.Expects
	}
	return w
}

// announcing is a label that announcing nodes are found by, and its value on the first of them.
func announcing(p *ir.Plan) (label, value string) {
	for i := range p.Pools {
		for _, t := range p.Pools[i].NodeSelector.Terms {
			for _, n := range p.Nodes {
				at := slices.IndexFunc(n.Labels, func(l ir.KV) bool { return l.Key == t.Key })
				if at >= 0 && slices.Contains(p.Pools[i].Announcers, n.Name) {
					return t.Key, n.Labels[at].Value + "   # what it had"
				}
			}
		}
	}
	return "", ""
}
