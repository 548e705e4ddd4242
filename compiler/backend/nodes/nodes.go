// Package nodes prints what Kubernetes must know of the machines before anything is scheduled: labels and taints of
// the Node objects, and kube-proxy's configuration.
//
// In come the plan's nodes and cluster. Out go node.yaml and, where meshgen manages kube-proxy, configmap.yaml of the
// phase 00-nodes. Both add fields to objects that others own: they are for server-side apply, and carry no label by
// which a pruner would take them for meshgen's.
package nodes

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the nodes' labels and taints and kube-proxy's configuration.
var Backend = backend.Backend{
	Name: "nodes",
	Kind: "nodes",
	Doc:  "labels and taints of the nodes, and the configuration of kube-proxy",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	nodes(p, t)
	if p.Cluster.KubeProxy.ConfigMap {
		kubeProxy(p, t)
	}
}

// nodeComment says how the file is used: a Node is the kubelet's object, and meshgen owns a few of its fields.
const nodeComment = `Labels and taints of the nodes. Only with server-side apply: kubectl apply --server-side -f node.yaml
Only for nodes that have joined: a Node that does not exist would be created, and stay in every count as a node that is
never ready. Never prune these objects: deleting one takes the node out of the cluster.
spec.taints is one field to the API server. While a node carries a taint of somebody else (kubectl cordon adds one) the
apply ends in a conflict: uncordon first. Never --force-conflicts here: it would drop the other taints.`

func nodes(p *ir.Plan, t *artifact.Tree) {
	y := backend.Objects(p, t, backend.Nodes, "Node")
	y.Comment(nodeComment)
	for i := range p.Nodes {
		n := &p.Nodes[i]
		backend.Object(y, backend.Meta{
			APIVersion: "v1", Kind: "Node", Name: n.Name, Labels: n.Labels, Annotations: annotations(n), From: n.From,
		}, func() { taints(y, n) })
	}
}

// annotations says which source addresses the machine has to have besides its own: Cilium asks the machine and not the
// Node, so that this is for people, and for what compares them.
func annotations(n *ir.Node) []ir.KV {
	if len(n.Egress) == 0 {
		return nil
	}
	return []ir.KV{{Key: "meshgen.dev/egress-addresses", Value: strings.Join(ir.Addrs(n.Egress), " ")}}
}

func taints(y *artifact.YAML, n *ir.Node) {
	if len(n.Taints) == 0 {
		return
	}
	y.From("", n.From.Of("taints")...)
	y.Map("spec", func() { backend.Taints(y, "taints", n.Taints) })
}
