package rules

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// clusterMeshRules are about sites whose pod networks are one.
var clusterMeshRules = []*check.Rule{
	ClusterMesh,
	ClusterIDUnread,
	ClusterMeshFilter,
}

// clusterNameMax is the longest name of a cluster (pkg/clustermesh/types/option.go of Cilium 1.20.2).
const clusterNameMax = 32

// ClusterMesh finds a site of Cilium that cannot be joined with others as it is.
var ClusterMesh = &check.Rule{
	ID: "MG5710", Name: "cluster-mesh", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a site of mesh cilium is federated, and lacks what a Cluster Mesh needs

Clusters are told apart by a number of 1 to 255 and a name of at most 32 characters, both in the identity of every pod.
Packets between two sites go in the tunnel of the pod network, from node to node: without a tunnel every router between
them would have to know the pods of both, which is not written. What other sites read stands on any node, so that its
address must be answered for everywhere.
Source: cilium/cilium v1.20.2 Documentation/network/clustermesh/setup.rst; install/kubernetes/cilium/values.yaml,
clustermesh.apiserver.`,
	Run: func(p *check.Pass) {
		s, f := p.Site, p.Site.Federation
		if s.Mesh.Kind != "cilium" || f == nil {
			return
		}
		if f.ClusterID == 0 {
			p.Reportf("federation", "the site is joined with others by Cluster Mesh, and has no number among them").Hintf("clusterID: 1, and another at every other site").
				Related("mesh.kind", "the mesh")
		}
		if len(s.Name) > clusterNameMax {
			p.Reportf("name", "%q has %d characters, and the name of a cluster %d at most", s.Name, len(s.Name), clusterNameMax).Hintf("name: at most %d characters", clusterNameMax).Related("federation", "the federation")
		}
		if s.Kubernetes.CNI.Encapsulation == "none" {
			p.Reportf("kubernetes.cni.encapsulation", "pods are routed natively, and the site is federated: routes to pods of other sites are not written").
				Related("federation", "the federation").Hintf(`encapsulation: "vxlan"`)
		}
		for gn, g := range byKey(s.Gateways) {
			if g.Purpose == "federation" && g.ExternalTrafficPolicy == "Local" {
				p.Reportf(site.Join("gateways", gn, "externalTrafficPolicy"), "gateway %q is Cilium's own server, which stands on any node, and nodes without it answer nobody", gn).
					Related("mesh.kind", "the mesh").Hintf(`externalTrafficPolicy: "Cluster"`)
			}
		}
	},
}

// ClusterIDUnread finds a number that the mesh does not read.
var ClusterIDUnread = &check.Rule{
	ID: "MG5711", Name: "cluster-id-unread", Severity: diag.Warning, On: check.OnSite,
	Doc: `a cluster has a number among others, and its mesh knows clusters by name

Only Cilium reads it.`,
	Run: func(p *check.Pass) {
		if f := p.Site.Federation; f != nil && f.ClusterID != 0 && p.Site.Mesh.Kind != "cilium" {
			p.Reportf("federation.clusterID", "the cluster has number %d, which mesh %s does not read", f.ClusterID, p.Site.Mesh.Kind).Related("mesh.kind", "the mesh")
		}
	},
}

// ClusterMeshDisagrees finds two sites of a Cluster Mesh that cannot be in one.
var ClusterMeshDisagrees = &check.Rule{
	ID: "MG5720", Name: "cluster-mesh-disagrees", Severity: diag.Error, On: check.OnFleet,
	Doc: `two sites of one Cluster Mesh have one number, pods with one address, or networks that do not fit

A number and an address stand for one cluster and one pod: of two each is taken for the other, by policy too. All sites
have one tunnel, and releases of Cilium that are one minor release apart at most.
Source: cilium/cilium v1.20.2 Documentation/network/clustermesh/setup.rst, cluster addressing requirements.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if here.Mesh.Kind != "cilium" || there.Mesh.Kind != "cilium" || there.Federation == nil || other < n {
				return
			}
			if id := here.Federation.ClusterID; id != 0 && id == there.Federation.ClusterID {
				p.ReportIn(n, "federation.clusterID", "cluster %d is this site and site %s", id, name).Hintf("another clusterID at one of the two: each has its own").RelatedIn(other, "federation.clusterID", "the other")
			}
			if a, b := here.Kubernetes.CNI, there.Kubernetes.CNI; a.Encapsulation != b.Encapsulation {
				p.ReportIn(n, "kubernetes.cni.encapsulation", "packets are carried by %s here and by %s at site %s", a.Encapsulation, b.Encapsulation, name).Hintf("the same encapsulation at both sites").
					RelatedIn(other, "kubernetes.cni", "the pod network there")
			}
			if a, b := here.Kubernetes.CNI.Version, there.Kubernetes.CNI.Version; max(minorsAbove(a, b), minorsAbove(b, a)) > 1 {
				p.ReportIn(n, "kubernetes.cni.version", "Cilium %s here and %s at site %s are more than one minor release apart", a, b, name).Hintf("upgrade the older one first, a minor release at a time").
					RelatedIn(other, "kubernetes.cni.version", "the release there")
			}
			for i, a := range here.Kubernetes.PodCIDRs {
				for k, b := range there.Kubernetes.PodCIDRs {
					x, err := netip.ParsePrefix(a)
					y, also := netip.ParsePrefix(b)
					if err == nil && also == nil && x.Overlaps(y) {
						p.ReportIn(n, "kubernetes.podCIDRs."+site.Index(i), "pods here have addresses of %s, and pods of site %s of %s", x, name, y).Hintf("other podCIDRs at one of the two: pods of joined clusters have addresses of their own").
							RelatedIn(other, "kubernetes.podCIDRs."+site.Index(k), "the pods there")
					}
				}
			}
		})
	},
}
