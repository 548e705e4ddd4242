package lower

import "meshgen.dev/meshgen/compiler/ir"

// ciliumExposed admits the clients of an exposure, whom no gateway stands in front of: whoever is outside the cluster, and
// no pod. Under Local they keep their address. Under Cluster a node hands on what it has no pod for under its own address:
// in a tunnel it says beside the packet that this comes from outside (bpf/lib/nodeport.h of v1.20.2, the comment on
// WORLD_ID), and without one, or where kube-proxy does it, the pod's node sees another node.
func (l *lowering) ciliumExposed(e *ir.Exposure) []ir.CiliumRule {
	clients := ir.CiliumRule{Reason: "clients of exposure " + e.Exposure + ", past every gateway", Entity: entityWorld, Ports: ciliumPorts(e.Ports), From: e.From}
	if e.Local {
		if len(e.NodePorts) > 0 {
			clients.Reason, clients.Entity, clients.Networks = "clients of exposure "+e.Exposure+", by way of the balancers", "", e.Clients
		}
		return []ir.CiliumRule{clients}
	}
	k := &l.s.Kubernetes
	clients.From = append(clients.From[:len(clients.From):len(clients.From)], "kubernetes.cni.encapsulation", "kubernetes.kubeProxy.mode")
	if k.CNI.Encapsulation != "none" && k.KubeProxy.Mode == "replaced" {
		return []ir.CiliumRule{clients}
	}
	nodes := clients
	nodes.Reason, nodes.Entity = "nodes, which hand clients of exposure "+e.Exposure+" on under their own address", entityNodes
	return []ir.CiliumRule{clients, nodes}
}
