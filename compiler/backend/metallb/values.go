package metallb

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// nodeCritical keeps kubelets from evicting the speakers: a node without them has lost its VIPs. It is one of the two
// priority classes that every cluster has.
const nodeCritical = "system-node-critical"

// values writes the chart's values: what the site decides, and the few defaults on which the rest of the tree relies.
// Keys were read in charts/metallb/values.yaml of MetalLB 0.16.2 and of its sub-chart frr-k8s 0.0.27.
func values(p *ir.Plan, t *artifact.Tree, r ir.Release) {
	lb := &p.LoadBalancer
	y := backend.Values(p, t, r)
	if lb.Class != "" {
		y.From("", lb.From...)
		y.Comment("Services of this class only: those of another load balancer, and those without a class, are left alone.")
		y.KV("loadBalancerClass", lb.Class)
		y.Fixed()
	}
	y.Map("crds", func() { y.KV("enabled", true) })
	y.Map("speaker", func() {
		if lb.Backend == "" {
			y.Comment("Announces from these classes of nodes, and runs nowhere else.")
		} else {
			y.Comment("Announces from the classes of nodes whose sessions the switches expect, and runs nowhere else.")
		}
		speakerPods(y, lb)
		if lb.Members {
			y.Comment("Speakers know of each other by memberlist, and so which one answers for an address: TCP and UDP 7946 between their nodes.")
			y.Map("memberlist", func() { y.KV("enabled", true) })
		}
		y.From("", lb.From...)
		y.Map("frr", func() { y.KV("enabled", lb.Backend == "frr") })
		y.Fixed()
	})
	y.From("", lb.From...)
	y.Map("frrk8s", func() { y.KV("enabled", lb.Backend == "frr-k8s") })
	y.Fixed()
	if lb.Backend != "frr-k8s" {
		return
	}
	y.Comment("The sub-chart that speaks BGP for the speakers: it must run on the same nodes.")
	y.Map("frr-k8s", func() {
		y.Map("frrk8s", func() { speakerPods(y, lb) })
	})
}

// speakerPods writes what both DaemonSets share.
func speakerPods(y *artifact.YAML, lb *ir.LoadBalancer) {
	y.KV("priorityClassName", nodeCritical)
	backend.Tolerations(y, lb.Tolerations)
	if len(lb.SpeakerLabels) == 0 {
		return
	}
	y.Map("affinity", func() {
		y.Map("nodeAffinity", func() {
			y.Map("requiredDuringSchedulingIgnoredDuringExecution", func() {
				y.Seq("nodeSelectorTerms", func() {
					for _, s := range lb.SpeakerLabels {
						y.From("", s.From...)
						y.Item(func() { backend.Expressions(y, s) })
					}
				})
			})
		})
	})
	y.Fixed()
}
