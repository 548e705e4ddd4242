package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ClusterMeshFilter finds a packet filter that would drop what the nodes of another site send.
var ClusterMeshFilter = &check.Rule{
	ID: "MG5460", Name: "cluster-mesh-filter", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `edge nodes filter what comes in, and the addresses of nodes of another site are not known

Packets between two sites go from node to node, each with the address of its node. The filter lets in what the site says,
and the addresses of other machines are said in their own site alone: it is written where both are compiled together.
Source: cilium/cilium v1.20.2 Documentation/network/clustermesh/setup.rst, prerequisites: connectivity between all nodes.`,
	Run: func(p *check.Pass) {
		s, f := p.Site, p.Site.Federation
		if !s.Fabric.HostFirewall || s.Mesh.Kind != "cilium" || f == nil {
			return
		}
		for name := range byKey(f.Peers) {
			if p.Fleet.Named(name) == nil {
				p.Reportf("fabric.hostFirewall", "the filter of edge nodes would drop what nodes of site %s send: its file says where they are", name).
					Related(site.Join("federation", "peers", name), "the other site").
					Hintf("compile both together, \"meshgen build ./sites/...\", or leave fabric.hostFirewall out")
			}
		}
	},
}
