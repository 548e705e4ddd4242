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
			return len(pe.Pods) > 0 && pe.PasswordSecret == s.Name && p.LoadBalancer.Namespace == s.Namespace
		}) {
			out = append(out, s)
		}
	}
	return out
}
