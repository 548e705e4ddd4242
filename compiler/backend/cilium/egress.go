package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const egressComment = `Who may send is for the NetworkPolicies to say: these give what is sent its source address, on the node that has it. An
agent looks for the address once, when it reads the policy. Without it on an interface of that node everything that the
policy selects is dropped.`

// podNamespaceLabel is what Cilium adds to the labels of a pod (pkg/k8s/apis/cilium.io/const.go, PodNamespaceLabel).
const podNamespaceLabel = "io.kubernetes.pod.namespace"

// hostLabel is the node's name, as every kubelet registers it.
const hostLabel = "kubernetes.io/hostname"

// egress writes the policies of fixed source addresses.
func egress(p *ir.Plan, t *artifact.Tree) {
	if len(p.Egress) == 0 {
		return
	}
	y := backend.Objects(p, t, backend.Policy, "CiliumEgressGatewayPolicy")
	y.Comment(egressComment)
	for i := range p.Egress {
		e := &p.Egress[i]
		object(p, y, v2, "CiliumEgressGatewayPolicy", e.Name, nil, e.From, func() {
			y.Seq("selectors", func() {
				for _, u := range e.Users {
					y.From("", u.From...)
					y.Item(func() {
						backend.Nested(y, []string{"podSelector", "matchLabels"}, func() {
							y.KV(podNamespaceLabel, u.Namespace)
							for _, kv := range u.Labels {
								y.KV(kv.Key, kv.Value)
							}
						})
					})
				}
			})
			y.From("", e.From.Of("addresses")...)
			y.KV("destinationCIDRs", ir.Prefixes(e.Destinations))
			// The field of one is required. With the list it is not read, and says the first of it.
			y.From("", e.Sources[0].From...)
			y.Map("egressGateway", func() { source(y, e.Sources[0]) })
			if len(e.Sources) == 1 {
				return
			}
			y.Comment("Each pod keeps to one of these, chosen by its identity.")
			y.Seq("egressGateways", func() {
				for _, s := range e.Sources {
					y.From("", s.From...)
					y.Item(func() { source(y, s) })
				}
			})
			y.Fixed()
		})
	}
}

func source(y *artifact.YAML, s ir.EgressSource) {
	backend.Nested(y, []string{"nodeSelector", "matchLabels"}, func() { y.KV(hostLabel, s.Node) })
	y.KV("egressIP", s.Address)
}
