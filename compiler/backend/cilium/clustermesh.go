package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// clusterMesh writes how the site is joined with others, or nothing. Keys: values.yaml of Cilium 1.20.2, cluster and
// clustermesh.
func clusterMesh(p *ir.Plan, y *artifact.YAML, s *ir.CiliumSettings) {
	m := s.ClusterMesh
	if m == nil {
		return
	}
	g := m.Gateway
	y.From("", m.From...)
	y.Comment("Both are in the identity of every pod: to change one means to restart all of them.")
	y.Map("cluster", func() {
		y.KV("name", m.Name)
		y.KV("id", m.ID)
	})
	y.Map("clustermesh", func() {
		y.KV("useAPIServer", true)
		y.Comment("Policies without the name of a cluster are about pods of this one.")
		y.KV("policyDefaultLocalCluster", true)
		y.Map("mcsapi", func() {
			y.KV("enabled", true)
			y.Comment("CoreDNS answers for Services of other sites.")
			y.Map("corednsAutoConfigure", func() {
				y.KV("enabled", true)
				backend.Nested(y, []string{"coredns"}, func() { y.KV("clusterDomain", m.Domain) })
			})
		})
		y.Map("config", func() {
			y.KV("enabled", true)
			y.Seq("clusters", func() {
				for _, p := range m.Peers {
					y.From("", p.From...)
					y.Item(func() {
						y.KV("name", p.Name)
						y.KV("port", 2379)
						y.KV("ips", ir.Addrs(p.Gateways))
					})
				}
				y.From("", m.From...)
			})
		})
		y.Map("apiserver", func() {
			y.From("", g.From...)
			y.KV("replicas", g.Replicas)
			if g.Replicas > 1 {
				backend.Nested(y, []string{"podDisruptionBudget"}, func() { y.KV("enabled", true) }) // of one pod at most
			}
			y.Map("tls", func() {
				y.Comment("By Secrets of one root for all sites. The chart's own are of a root that no other site has.")
				backend.Nested(y, []string{"auto"}, func() { y.KV("enabled", false) })
			})
			y.From("", g.From...)
			y.Map("service", func() {
				y.KV("type", "LoadBalancer")
				if g.LBClass != "" {
					y.KV("loadBalancerClass", g.LBClass)
				}
				annotations := g.Annotations
				if p.Delivery.Kind == ir.ArgoCD {
					y.From("", append(p.Delivery.From.Of("kind"), g.From...)...)
					y.Comment("It gets its address in a later wave: Argo CD would wait for it, and never come there.")
					annotations = append(annotations[:len(annotations):len(annotations)], ir.KV{Key: "argocd.argoproj.io/ignore-healthcheck", Value: "true"})
				}
				backend.Pairs(y, "annotations", annotations)
				y.From("", g.From...)
				if g.Local {
					y.KV("externalTrafficPolicy", "Local")
				} else {
					y.KV("externalTrafficPolicy", "Cluster")
				}
				if len(g.SourceRanges) > 0 {
					y.KV("loadBalancerSourceRanges", ir.Prefixes(g.SourceRanges))
				}
			})
			y.From("", g.From...)
			y.Comment("The chart puts them on machines of their own, of any class.")
			backend.Tolerations(y, g.Tolerations)
		})
	})
	y.Fixed()
}
